//! What is wrong with a configuration, where, and what would be right.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

use super::units::HumanDuration;
use super::{SchedulerName, ServiceAddress};
use crate::identity::Endpoint;

/// A field that cannot be, and why.
///
/// Displays as `services[0].backends[2].port: ...`; the path alone lets a
/// reader find line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ConfigError {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: Problem,
}

/// The way from the top of a file to one field.
///
/// ```
/// use lb_core::config::{FieldPath, Step};
///
/// let path = FieldPath::new([Step::Field("services"), Step::Index(0), Step::Field("mtu")]);
/// assert_eq!(path.to_string(), "services[0].mtu");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<Step>);

/// One step into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a mapping's value, by its key.
    Field(&'static str),
    /// To a sequence's item, from 0.
    Index(usize),
}

impl FieldPath {
    /// A path from its steps.
    #[must_use]
    pub fn new<const N: usize>(steps: [Step; N]) -> Self {
        Self(Vec::from(steps))
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path and then another.
    #[must_use]
    pub fn join(&self, rest: &Self) -> Self {
        Self(self.0.iter().chain(&rest.0).copied().collect())
    }

    pub(super) fn field(&self, name: &'static str) -> Self {
        self.then(Step::Field(name))
    }

    pub(super) fn item(&self, position: usize) -> Self {
        self.then(Step::Index(position))
    }

    pub(super) fn wrong(&self, problem: Problem) -> ConfigError {
        ConfigError { path: self.clone(), problem }
    }

    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong with a field; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The node's own address in another's place.
    #[error("{address} is the node's own (node.{field}); write the {role}'s address")]
    AddressIsNode {
        /// As written.
        address: IpAddr,
        /// `address` or `address6`.
        field: &'static str,
        /// Whose address is wanted: `service` or `backend`.
        role: &'static str,
    },
    /// An address that no host can have here.
    #[error("{address} cannot be used here ({range} is {purpose}); write the unicast address of a host")]
    AddressNotUnicast {
        /// As written.
        address: IpAddr,
        /// The range of which no address can be used.
        range: IpNet,
        /// What the range is.
        purpose: &'static str,
    },
    /// An IPv4 address in IPv6's clothes, which would never match a packet.
    #[error("{address} is an IPv4 address written as IPv6; write {plain}")]
    AddressMapped {
        /// As written.
        address: IpAddr,
        /// What it stands for.
        plain: IpAddr,
    },
    /// A backend's port under a tunnel is not the service's.
    #[error(
        "port {port} is not the service's; under a tunnel packets arrive unchanged, so leave it out or write {service}"
    )]
    BackendPort {
        /// As written.
        port: u16,
        /// The service's port.
        service: u16,
    },
    /// The backend is a VIP of this node.
    #[error("{address} is the VIP of services[{service}]; write the backend's own address")]
    BackendIsVip {
        /// As written.
        address: IpAddr,
        /// Position of the first service with that VIP.
        service: usize,
    },
    /// Two backends of one service have one endpoint.
    #[error("{endpoint} is already backends[{first}] of this service; remove one of the two")]
    DuplicateBackend {
        /// The endpoint.
        endpoint: Endpoint,
        /// Position of the first.
        first: usize,
    },
    /// A field of a flow is named twice.
    #[error("this field is already named; remove one of the two")]
    DuplicateHashField,
    /// Two services have one address.
    #[error("{service} is already services[{first}]; put all its backends there")]
    DuplicateService {
        /// The address.
        service: ServiceAddress,
        /// Position of the first.
        first: usize,
    },
    /// A number that must be at least 1 is 0.
    #[error("0 is too small; write a whole number from 1 to {max}")]
    Zero {
        /// The greatest value.
        max: u32,
    },
    /// A timeout that the timers cannot hold.
    #[error("{timeout} is out of range; write a duration from {min} to {max}")]
    Timeout {
        /// As written.
        timeout: HumanDuration,
        /// The least.
        min: HumanDuration,
        /// The greatest.
        max: HumanDuration,
    },
    /// A number of connections that a table cannot hold.
    #[error("{number} connections are not possible; write 1 to {max}")]
    Connections {
        /// As written.
        number: u32,
        /// The greatest.
        max: u32,
    },
    /// A number of datagrams that a fragment table cannot hold.
    #[error("{number} datagrams are not possible; write 0 to {max}")]
    Fragments {
        /// As written.
        number: u32,
        /// The greatest.
        max: u32,
    },
    /// No key, but a service hashes with one.
    #[error(
        "missing, but `{kind}` hashes with it; add hashKey: 32 hexadecimal digits in quotes, the same on every node (`openssl rand -hex 16` makes one)"
    )]
    MissingHashKey {
        /// The first scheduler kind that needs it.
        kind: SchedulerName,
    },
    /// The node has no address of the backend's family.
    #[error(
        "{backend} needs an outer source of its family; add node.{field}, or a backend of the other family"
    )]
    MissingNodeAddress {
        /// The backend.
        backend: IpAddr,
        /// `address` or `address6`.
        field: &'static str,
    },
    /// The MTU leaves too little for the client's packets.
    #[error("{mtu} leaves the client too little; write {min} to 65535")]
    Mtu {
        /// As written.
        mtu: u16,
        /// The least that will do.
        min: u16,
    },
    /// A parameter of another kind.
    #[error("not a parameter of `{kind}`; remove it{right}", right = Alternative(.right))]
    NotAParameter {
        /// The kind that was chosen.
        kind: &'static str,
        /// The parameters it has.
        right: &'static [&'static str],
    },
    /// A number of ring points that is not possible.
    #[error("{points} points for each unit of weight are not possible; write 1 to {max} (160 is usual)")]
    Points {
        /// As written.
        points: u32,
        /// The greatest value.
        max: u32,
    },
    /// More points than a ring can have, all weights together.
    #[error(
        "{points} points for each of {weights} units of weight are more than the {max} of a ring; write {right}",
        right = RingRight(*.weights, *.max)
    )]
    RingTooLarge {
        /// As written, or the default.
        points: u32,
        /// The weights of all backends together.
        weights: u64,
        /// The most points of one ring.
        max: u64,
    },
    /// A table size that the kind cannot have.
    #[error("{size} slots are not possible; write {right}")]
    TableSize {
        /// As written.
        size: u32,
        /// What would be right.
        right: TableSizeRule,
    },
    /// More backends than slots.
    #[error("{size} slots are too few for {backends} backends; write {right}")]
    TableTooSmall {
        /// As written.
        size: u32,
        /// How many backends there are.
        backends: usize,
        /// What would be right.
        right: TableSizeRule,
    },
    /// More backends than a table can name.
    #[error("{backends} backends are too many; write at most {max} and split the service")]
    TooManyBackends {
        /// How many there are.
        backends: usize,
        /// How many there may be.
        max: usize,
    },
    /// A format version that is not known.
    #[error("version {version} is not known; write version: 1")]
    Version {
        /// As written.
        version: u32,
    },
}

/// Which table sizes a kind can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableSizeRule {
    /// Any number in this range.
    Range {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// One of the kernel's ten primes.
    KernelPrime,
    /// A power of two, 16 to 1,048,576.
    PowerOfTwo,
}

impl fmt::Display for TableSizeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { min, max } => write!(f, "{min} to {max}"),
            Self::KernelPrime => f.write_str(
                "one of the kernel's: 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071",
            ),
            Self::PowerOfTwo => f.write_str("a power of two from 16 to 1048576"),
        }
    }
}

/// Prints which points these weights allow, or which weights a ring allows.
struct RingRight(u64, u64);

impl fmt::Display for RingRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(weights, max) = *self;
        match max / weights.max(1) {
            0 => write!(f, "smaller weights of the same proportions, {max} together at most"),
            1 => f.write_str("1 point, or smaller weights of the same proportions"),
            most => write!(f, "at most {most} points, or smaller weights of the same proportions"),
        }
    }
}

/// Prints what a kind does take, if anything.
struct Alternative<'a>(&'a [&'static str]);

impl fmt::Display for Alternative<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            f.write_str(if position == 0 { " (it takes " } else { ", " })?;
            write!(f, "`{name}`")?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}
