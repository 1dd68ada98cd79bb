//! BFD sessions (RFC 5880, RFC 5881): whether the other end of a link lives, in asynchronous mode.
//!
//! A pure machine per session and the 24 bytes that it exchanges. Sockets,
//! TTL 255 and source ports are the adapter's; what a dead neighbour means is
//! the owner's. Nothing of this crate is used but [`Time`](crate::Time).
