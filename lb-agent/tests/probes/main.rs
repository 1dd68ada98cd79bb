//! Each kind of check against a real server: up, down, slow, lying.
//!
//! The servers are Debian's (nginx, openssl, knot, freeradius), each started on a free port of
//! loopback and killed when its test ends. Without the program a test says that it is skipped;
//! where `CI=true` that is a failure. What no real server does (it never answers, it answers
//! with the wrong bytes) a small one of our own does.

mod dns;
mod http;
mod icmp;
mod radius;
mod support;
mod tls;
mod udp;
