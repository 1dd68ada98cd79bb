//! What is wrong with the section `bgp`, where, and what would be right.

use core::net::IpAddr;

use crate::bgp::Password;
use crate::config::FieldPath;
use crate::config::units::HumanDuration;

/// A field that cannot be, and why; displays as `peers[0].holdTime: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BgpError {
    /// The field, from the section on.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: BgpProblem,
}

/// What is wrong with a field of the section `bgp`; the text says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BgpProblem {
    /// No address of a peer, or of ours.
    #[error("{address} is no address of a host; write the one that the session has at this end")]
    Address {
        /// As written.
        address: IpAddr,
    },
    /// A number that no autonomous system has.
    #[error("{asn} is reserved; write the number of an autonomous system (64512 to 65534 are private)")]
    AutonomousSystem {
        /// As written.
        asn: u32,
    },
    /// The name of a profile is empty.
    #[error("no name of a profile; write true, false or a name of the section `bfd`")]
    BfdName,
    /// Two peers with one address on two interfaces, and something that does not know interfaces.
    #[error(
        "does not tell {address} of peers[{first}] from this one, whatever the interface; write one password for both, and `bfd` for one of them"
    )]
    ByAddressAlone {
        /// The address.
        address: IpAddr,
        /// Position of the first.
        first: usize,
    },
    /// More communities than routes can carry along.
    #[error("{count} communities of one kind are too many; write at most {max}")]
    Communities {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Two peers that cannot be told apart.
    #[error(
        "{address} is already peers[{first}]; remove one of the two (only link-local addresses differ by interface)"
    )]
    DuplicatePeer {
        /// The address.
        address: IpAddr,
        /// Position of the first.
        first: usize,
    },
    /// A duration out of range.
    #[error("{duration} is not possible; write {min} to {max}")]
    Duration {
        /// As written.
        duration: HumanDuration,
        /// The least.
        min: HumanDuration,
        /// The greatest.
        max: HumanDuration,
    },
    /// The list of families is empty.
    #[error("no family; write [ipv4], [ipv6] or both")]
    Families,
    /// Both ends of a session must be of one family.
    #[error("{address} is not of the family of the peer's address; write one that is, or leave it out")]
    FamilyDiffers {
        /// As written.
        address: IpAddr,
    },
    /// A hold time that cannot be offered.
    #[error("{duration} is not possible; write 3s to 65535s in whole seconds, or 0s for never")]
    HoldTime {
        /// As written.
        duration: HumanDuration,
    },
    /// A link-local address says nothing without its link.
    #[error("missing; {address} is link-local, so write the interface that it is reached by")]
    InterfaceMissing {
        /// The peer's address.
        address: IpAddr,
    },
    /// No name of an interface.
    #[error("no name of an interface; write 1 to 15 characters without / and blanks, such as eth0")]
    Interface,
    /// Signs of life that come too late.
    #[error("{duration} is more than a third of the hold time; write {max} or less, or leave it out")]
    Keepalive {
        /// As written.
        duration: HumanDuration,
        /// A third of the hold time.
        max: HumanDuration,
    },
    /// Without a hold time there are no signs of life.
    #[error("without a hold time there are no signs of life; remove it, or write a holdTime")]
    KeepaliveWithoutHold,
    /// A field that means nothing for this peer.
    #[error("means nothing to an {kind} peer; remove it")]
    NotForPeer {
        /// `internal` or `external`.
        kind: &'static str,
    },
    /// A field that means nothing without another.
    #[error("means nothing without {other}; write that too, or remove it")]
    Needs {
        /// The other.
        other: &'static str,
    },
    /// A number out of range.
    #[error("{number} is not possible; write {min} to {max}")]
    Number {
        /// As written.
        number: u32,
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// The peer is this node.
    #[error("{address} is our own end of the session; write the peer's address")]
    Own {
        /// As written.
        address: IpAddr,
    },
    /// A password that a connection cannot have; it is not printed.
    #[error("a password must have 1 to {} bytes, none of them zero", Password::MAX_LENGTH)]
    Password,
    /// The identifier is 0.0.0.0.
    #[error("0.0.0.0 is no identifier; write an IPv4 address of this node")]
    RouterId,
    /// A time that is sent in whole seconds.
    #[error("{duration} is not in whole seconds; write whole seconds")]
    WholeSeconds {
        /// As written.
        duration: HumanDuration,
    },
}
