//! What is wrong with an agent's file, where, and what would be right.

use alloc::string::String;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::config::units::HumanDuration;
use crate::config::{AnnounceProblem, BfdProblem, BgpProblem, FieldPath, Problem, SchedulerName, Step};
use crate::health::HealthProblem;

/// A field that an agent cannot put to work, and why.
///
/// Displays as `services[0].scheduler.kind: ...`; the path alone lets a reader
/// find line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct NodeError {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: NodeProblem,
}

/// What is wrong with a field of an agent's file; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeProblem {
    /// A field of the section `announce`.
    #[error(transparent)]
    Announce(AnnounceProblem),
    /// A field of the section `bfd`.
    #[error(transparent)]
    Bfd(BfdProblem),
    /// A field of the section `bgp`.
    #[error(transparent)]
    Bgp(BgpProblem),
    /// A duration outside its bounds.
    #[error("{duration} is out of range; write a duration from {min} to {max}")]
    Duration {
        /// As written.
        duration: HumanDuration,
        /// The least.
        min: HumanDuration,
        /// The greatest.
        max: HumanDuration,
    },
    /// A field of a health section.
    #[error(transparent)]
    Health(HealthProblem),
    /// A table size that the kernel was not built with.
    #[error(
        "{size} slots are not the kernel's: its size is fixed when it is built, and lb-agent knows {kernel} alone; leave it out"
    )]
    KernelTableSize {
        /// As written.
        size: u32,
        /// The kernel's.
        kernel: u32,
    },
    /// A peer's BFD session has settings that are not there.
    #[error(
        "no BFD profile `{name}` is there; write its settings under bfd.profiles, or true for the usual ones"
    )]
    NoBfdProfile {
        /// The name that was written.
        name: String,
    },
    /// Nothing is the agent's to touch.
    #[error(
        "missing; the agent changes only what lies within, so write the prefixes of your VIPs, such as [203.0.113.0/24]"
    )]
    NoOwnedPrefixes,
    /// A VIP outside the agent's prefixes.
    #[error("{vip} lies in none of ownedPrefixes, so it is not the agent's to touch; add its prefix there")]
    NotOwned {
        /// The VIP.
        vip: IpAddr,
    },
    /// A scheduler that no kernel has.
    #[error(
        "the kernel has no `{kind}`, and lb-agent programs the kernel; write ipvs-mh (or ipvs-sh), and keep `{kind}` for `overspill pick` and the simulator"
    )]
    NotTheKernels {
        /// The kind that was chosen.
        kind: SchedulerName,
    },
    /// A prefix that holds the node's own address.
    #[error(
        "{prefix} holds the node's own {address} (node.{field}), and whatever is within and no VIP would be taken from `lo`; write prefixes of VIPs alone"
    )]
    OwnsNode {
        /// As written.
        prefix: IpNet,
        /// The node's address.
        address: IpAddr,
        /// `address` or `address6`.
        field: &'static str,
    },
    /// A field that every LB file has.
    #[error(transparent)]
    Services(Problem),
    /// No path of a socket.
    #[error("no path of a socket; write an absolute one of at most {max} bytes")]
    Socket {
        /// The greatest length.
        max: usize,
    },
    /// Something that the kernel's tunnels do not do.
    #[error(
        "the kernel does not vary the outer source of a tunnel; leave it out, or use `kind: gue`, whose source port varies by itself"
    )]
    Spread,
    /// No address to check a VIP from through the tunnel.
    #[error(
        "its checks go through the tunnel, from the node's own address of this family; add node.{field}, or write via: plain"
    )]
    TunnelSource {
        /// `address` or `address6`.
        field: &'static str,
    },
}

impl NodeProblem {
    /// This problem at a field.
    pub(super) const fn at(self, path: FieldPath) -> NodeError {
        NodeError { path, problem: self }
    }

    /// This problem at a field of a section at the top.
    pub(super) fn below(self, section: &'static str, path: &FieldPath) -> NodeError {
        self.at(FieldPath::new([Step::Field(section)]).join(path))
    }
}
