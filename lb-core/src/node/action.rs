//! What a node wants done: the actions that its owner carries out.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::bgp::Route;
use crate::config::ServiceAddress;
use crate::health::{Check, Probe, ProbeId};
use crate::identity::Endpoint;
use crate::ipvs::Command;

/// One thing to do, in the order in which they are given.
///
/// None waits for another, but for writes: after a [`Read`](Self::Read) or a
/// [`Write`](Self::Write) no second one comes until its result was handed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell the routers of a prefix, or what else its route says now.
    Announce {
        /// A VIP, or an aggregate.
        prefix: IpNet,
        /// What its route says of itself.
        route: Route,
    },
    /// Give a check up; its result is no longer wanted.
    CancelProbe {
        /// Whose.
        key: ProbeKey,
        /// Which.
        id: ProbeId,
    },
    /// List what the kernel holds, for [`Node::handle_snapshot`](super::Node::handle_snapshot).
    Read,
    /// Make a check.
    StartProbe(ProbeOrder),
    /// The node has done what a shutdown asks for: the process may end.
    Stop,
    /// Take a prefix back from the routers, and say [`Node::handle_withdrawn`](super::Node::handle_withdrawn)
    /// when all that had it were told.
    Withdraw {
        /// A VIP, or an aggregate.
        prefix: IpNet,
    },
    /// Write to the kernel, in this order, and stop at the first failure, for
    /// [`Node::handle_written`](super::Node::handle_written).
    Write(Vec<Write>),
}

/// Whose check it is: a backend of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeKey {
    /// The service.
    pub service: ServiceAddress,
    /// The backend.
    pub backend: Endpoint,
}

/// A check to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOrder {
    /// Whose.
    pub key: ProbeKey,
    /// Its name, and until when a result counts.
    pub probe: Probe,
    /// What is asked; one value for all backends of a service.
    pub check: Arc<Check>,
    /// The firewall mark that leads it through the kernel's tunnel to the
    /// backend; `None` if it asks the backend's own address.
    pub mark: Option<u32>,
}

/// One write to the kernel.
///
/// Displays as a person says it: `add 203.0.113.10 to lo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Add a VIP to `lo` as a host address, or remove it.
    Address {
        /// The VIP.
        vip: IpAddr,
        /// Whether it is to be there.
        present: bool,
    },
    /// Change IPVS.
    Ipvs(Command),
    /// Set a kernel parameter.
    Sysctl {
        /// Its name with dots.
        name: &'static str,
        /// To what.
        value: u32,
    },
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { vip, present: true } => write!(f, "add {vip} to lo"),
            Self::Address { vip, present: false } => write!(f, "remove {vip} from lo"),
            Self::Ipvs(command) => command.fmt(f),
            Self::Sysctl { name, value } => write!(f, "set {name} to {value}"),
        }
    }
}
