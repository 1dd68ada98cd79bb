//! IPVS as a node should have it: from a configuration to commands for the kernel.
//!
//! Plain functions on values: what the kernel's tables are to hold
//! ([`desired()`]: weights encoded, destinations in one order on every node), what
//! they hold ([`Observed`]), and the commands between the two ([`plan()`]).
//! [`mirror()`] says the same to our own models, [`Kernel`] is a kernel for tests.
//! Netlink is the adapter's, when to do what the [`node`](crate::node)'s.

mod command;
mod desired;
mod destination;
mod kernel;
mod mark;
mod mirror;
mod plan;
mod service;
mod state;
mod sysctls;
mod units;

pub use command::Command;
pub use desired::{DesiredError, Grain, desired};
pub use destination::{ForwardMethod, KernelDestination, Standing, Tunnel, TunnelChecksum};
pub use kernel::{Client, Kernel, KernelError};
pub use mark::{MARKS, Marks, NoMarkLeft, SYSCTLS as MARK_SYSCTLS, Way};
pub use mirror::{mirror, mirror_service, print_lb};
pub use plan::{Ownership, Plan, Repair, plan};
pub use service::{Family, KernelService, ServiceFlags, ServiceKey};
pub use state::{Desired, DesiredService, Observed, ObservedDestination, ObservedService};
pub use sysctls::{ALL_SYSCTLS, Sysctl, SysctlDifference, compare, sysctls};
