//! IPVS as a node should have it: from a configuration to commands for the kernel.
//!
//! Plain functions on values: what the kernel's tables are to hold
//! (weights encoded, destinations in one order on every node), what they hold,
//! and the commands between the two. Netlink is the adapter's.

mod command;
mod destination;
mod service;
mod state;

pub use command::Command;
pub use destination::{ForwardMethod, KernelDestination, Standing, Tunnel, TunnelChecksum};
pub use service::{Family, KernelService, ServiceFlags, ServiceKey};
pub use state::{Desired, DesiredService, Observed, ObservedDestination, ObservedService};
