//! IPVS as a node should have it: from a configuration to commands for the kernel.
//!
//! Plain functions on values: what the kernel's tables are to hold
//! (weights encoded, destinations in one order on every node), what they hold,
//! and the commands between the two. Netlink is the adapter's.
