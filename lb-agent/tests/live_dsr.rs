//! `lb-agent dsr` against a real kernel, in network namespaces of the test's own.
//!
//! What every kernel can do runs everywhere; packets through tunnels need modules
//! that few hosts have loaded and run with `OVERSPILL_LIVE=1`, for example in a
//! virtual machine (there `OVERSPILL_AGENT` is the program to test).

#[path = "../../lb-netlink/tests/live_links/namespace.rs"]
mod namespace;

mod live_dsr {
    mod packets;
    mod pod;
    mod words;
}
