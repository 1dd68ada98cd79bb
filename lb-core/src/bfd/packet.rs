//! The control packet: 24 bytes, and every reason to discard one.
//!
//! Parsing makes the checks of RFC 5880 section 6.8.6 that need no session, in
//! their order; those that need one are [`sessions`](super::sessions)'s and
//! end in the same type. An authentication section is recognised and handed
//! on, so that the refusal can name it: this speaker authenticates by TTL
//! (RFC 5881 section 5), as nearly all do.

use core::fmt;
use core::net::IpAddr;

use super::state::SessionState;

/// Bytes of a packet without an authentication section.
pub const PACKET_BYTES: usize = 24;

/// The protocol's version (RFC 5880 section 4.1).
const VERSION: u8 = 1;

/// Positions of the fields (RFC 5880 section 4.1).
mod field {
    use core::ops::Range;

    pub(super) const VERSION_AND_DIAGNOSTIC: usize = 0;
    pub(super) const STATE_AND_FLAGS: usize = 1;
    pub(super) const DETECT_MULTIPLIER: usize = 2;
    pub(super) const LENGTH: usize = 3;
    pub(super) const MY_DISCRIMINATOR: Range<usize> = 4..8;
    pub(super) const YOUR_DISCRIMINATOR: Range<usize> = 8..12;
    pub(super) const DESIRED_MIN_TX: Range<usize> = 12..16;
    pub(super) const REQUIRED_MIN_RX: Range<usize> = 16..20;
    pub(super) const REQUIRED_MIN_ECHO_RX: Range<usize> = 20..24;
    pub(super) const AUTHENTICATION: usize = 24;
}

/// Bits of the second byte, below the state.
mod flag {
    pub(super) const POLL: u8 = 0x20;
    pub(super) const FINAL: u8 = 0x10;
    pub(super) const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
    pub(super) const AUTHENTICATION: u8 = 0x04;
    pub(super) const DEMAND: u8 = 0x02;
    pub(super) const MULTIPOINT: u8 = 0x01;
}

/// A BFD control packet (RFC 5880 section 4.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       My Discriminator                        |
/// |                      Your Discriminator                       |
/// |                    Desired Min TX Interval                    |
/// |                   Required Min RX Interval                    |
/// |                 Required Min Echo RX Interval                 |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// ```
/// use lb_core::bfd::{ControlPacket, SessionState};
///
/// let packet = ControlPacket { my_discriminator: 7, ..ControlPacket::default() };
/// let bytes = packet.emit();
/// let (parsed, authentication) = ControlPacket::parse(&bytes)?;
/// assert_eq!((parsed, authentication), (packet, None));
/// assert_eq!(parsed.state, SessionState::Down);
/// # Ok::<(), lb_core::bfd::Discard>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ControlPacket {
    /// Why the sender's state changed last.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: SessionState,
    /// The sender asks for an answer with `final_` set.
    pub poll: bool,
    /// The answer to `poll`.
    pub final_: bool,
    /// The sender's BFD survives the loss of its control plane.
    pub control_plane_independent: bool,
    /// The sender wants no periodic packets while both ends are up.
    pub demand: bool,
    /// Packets that may be missed before the sender is taken for dead, not 0.
    pub detect_multiplier: u8,
    /// The sender's name of the session, not 0.
    pub my_discriminator: u32,
    /// The receiver's name of the session; 0 while the sender does not know it.
    pub your_discriminator: u32,
    /// The sender's least interval between its packets, in microseconds.
    pub desired_min_tx_us: u32,
    /// The least interval between packets that the sender can receive, in
    /// microseconds; 0 for none at all.
    pub required_min_rx_us: u32,
    /// The same for echo packets; 0 where the sender supports none.
    pub required_min_echo_rx_us: u32,
}

impl Default for ControlPacket {
    /// What a session says that knows nothing: `Down`, at one packet a second.
    fn default() -> Self {
        Self {
            diagnostic: Diagnostic::NONE,
            state: SessionState::Down,
            poll: false,
            final_: false,
            control_plane_independent: false,
            demand: false,
            detect_multiplier: 3,
            my_discriminator: 1,
            your_discriminator: 0,
            desired_min_tx_us: 1_000_000,
            required_min_rx_us: 1_000_000,
            required_min_echo_rx_us: 0,
        }
    }
}

/// An authentication section, not understood any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authentication<'a> {
    /// The IANA registry "BFD Authentication Types".
    pub kind: u8,
    /// What follows type and length.
    pub data: &'a [u8],
}

impl ControlPacket {
    /// Reads a UDP payload; what follows the packet's own length is ignored.
    ///
    /// # Errors
    ///
    /// The first check of RFC 5880 section 6.8.6 that fails.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Option<Authentication<'_>>), Discard> {
        let (&first, &length) = bytes
            .first()
            .zip(bytes.get(field::LENGTH))
            .ok_or(Discard::Truncated { length: PACKET_BYTES, received: bytes.len() })?;
        let version = first >> 5;
        if version != VERSION {
            return Err(Discard::Version { version });
        }
        let flags = bytes[field::STATE_AND_FLAGS];
        let authenticated = flags & flag::AUTHENTICATION != 0;
        let (length, least) = (usize::from(length), PACKET_BYTES + if authenticated { 2 } else { 0 });
        if length < least {
            return Err(Discard::LengthTooSmall { length, least });
        }
        let Some(bytes) = bytes.get(..length) else {
            return Err(Discard::Truncated { length, received: bytes.len() });
        };
        let packet = Self::read(bytes);
        if packet.detect_multiplier == 0 {
            return Err(Discard::DetectMultiplierZero);
        }
        if flags & flag::MULTIPOINT != 0 {
            return Err(Discard::Multipoint);
        }
        if packet.my_discriminator == 0 {
            return Err(Discard::MyDiscriminatorZero);
        }
        let authentication = authenticated.then(|| authentication(bytes)).transpose()?;
        Ok((packet, authentication))
    }

    /// The fields of at least 24 bytes, unchecked.
    fn read(bytes: &[u8]) -> Self {
        let flags = bytes[field::STATE_AND_FLAGS];
        Self {
            diagnostic: Diagnostic(bytes[field::VERSION_AND_DIAGNOSTIC] & 0x1f),
            state: SessionState::from_bits(flags >> 6),
            poll: flags & flag::POLL != 0,
            final_: flags & flag::FINAL != 0,
            control_plane_independent: flags & flag::CONTROL_PLANE_INDEPENDENT != 0,
            demand: flags & flag::DEMAND != 0,
            detect_multiplier: bytes[field::DETECT_MULTIPLIER],
            my_discriminator: word(&bytes[field::MY_DISCRIMINATOR]),
            your_discriminator: word(&bytes[field::YOUR_DISCRIMINATOR]),
            desired_min_tx_us: word(&bytes[field::DESIRED_MIN_TX]),
            required_min_rx_us: word(&bytes[field::REQUIRED_MIN_RX]),
            required_min_echo_rx_us: word(&bytes[field::REQUIRED_MIN_ECHO_RX]),
        }
    }

    /// The packet's bytes, a UDP payload.
    #[must_use]
    pub fn emit(&self) -> [u8; PACKET_BYTES] {
        let flags = [
            (self.poll, flag::POLL),
            (self.final_, flag::FINAL),
            (self.control_plane_independent, flag::CONTROL_PLANE_INDEPENDENT),
            (self.demand, flag::DEMAND),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).fold(0, |bits, (_, bit)| bits | bit);
        let mut bytes = [0; PACKET_BYTES];
        bytes[field::VERSION_AND_DIAGNOSTIC] = VERSION << 5 | self.diagnostic.0;
        bytes[field::STATE_AND_FLAGS] = self.state.bits() << 6 | flags;
        bytes[field::DETECT_MULTIPLIER] = self.detect_multiplier;
        bytes[field::LENGTH] = PACKET_BYTES as u8;
        bytes[field::MY_DISCRIMINATOR].copy_from_slice(&self.my_discriminator.to_be_bytes());
        bytes[field::YOUR_DISCRIMINATOR].copy_from_slice(&self.your_discriminator.to_be_bytes());
        bytes[field::DESIRED_MIN_TX].copy_from_slice(&self.desired_min_tx_us.to_be_bytes());
        bytes[field::REQUIRED_MIN_RX].copy_from_slice(&self.required_min_rx_us.to_be_bytes());
        bytes[field::REQUIRED_MIN_ECHO_RX].copy_from_slice(&self.required_min_echo_rx_us.to_be_bytes());
        bytes
    }
}

/// The section of a packet of at least 26 bytes.
fn authentication(bytes: &[u8]) -> Result<Authentication<'_>, Discard> {
    let section = &bytes[field::AUTHENTICATION..];
    let (kind, length) = (section[0], usize::from(section[1]));
    match section.get(2..length) {
        Some(data) => Ok(Authentication { kind, data }),
        None => Err(Discard::AuthenticationLength { length, available: section.len() }),
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// Why a session's state changed (RFC 5880 section 4.1, the IANA registry "BFD Diagnostic Codes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// No diagnostic.
    pub const NONE: Self = Self(0);
    /// Nothing was heard for the detection time.
    pub const DETECTION_TIME_EXPIRED: Self = Self(1);
    /// The echo function failed.
    pub const ECHO_FAILED: Self = Self(2);
    /// The neighbour said that its session is down.
    pub const NEIGHBOR_SIGNALED_DOWN: Self = Self(3);
    /// The forwarding plane was reset.
    pub const FORWARDING_PLANE_RESET: Self = Self(4);
    /// The path is known to be down from outside BFD.
    pub const PATH_DOWN: Self = Self(5);
    /// A path that this one continues is down.
    pub const CONCATENATED_PATH_DOWN: Self = Self(6);
    /// Taken down by hand.
    pub const ADMINISTRATIVELY_DOWN: Self = Self(7);
    /// The same as `CONCATENATED_PATH_DOWN` for the way back.
    pub const REVERSE_CONCATENATED_PATH_DOWN: Self = Self(8);

    /// A diagnostic from its code, of which the wire has 5 bits: `None` from 32 on.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code < 32 { Some(Self(code)) } else { None }
    }

    /// Its code, 0 to 31.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::NONE => "no diagnostic",
            Self::DETECTION_TIME_EXPIRED => "control detection time expired",
            Self::ECHO_FAILED => "echo function failed",
            Self::NEIGHBOR_SIGNALED_DOWN => "neighbor signaled session down",
            Self::FORWARDING_PLANE_RESET => "forwarding plane reset",
            Self::PATH_DOWN => "path down",
            Self::CONCATENATED_PATH_DOWN => "concatenated path down",
            Self::ADMINISTRATIVELY_DOWN => "administratively down",
            Self::REVERSE_CONCATENATED_PATH_DOWN => "reverse concatenated path down",
            Self(code) => return write!(f, "diagnostic {code}"),
        })
    }
}

/// Why a packet was discarded; in the order of the checks, which is RFC 5880's (section 6.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Discard {
    /// Another version of the protocol.
    #[error("the neighbour speaks BFD version {version}; set it to version 1")]
    Version {
        /// As received.
        version: u8,
    },
    /// The length field cannot hold the packet that it is about.
    #[error("length {length} is less than the {least} bytes of such a packet; the sender is wrong")]
    LengthTooSmall {
        /// As received.
        length: usize,
        /// 24, or 26 with authentication.
        least: usize,
    },
    /// Fewer bytes arrived than the packet says that it has.
    #[error("{received} of {length} bytes arrived; the packet was cut off or is none of BFD")]
    Truncated {
        /// The length field, or 24 where even that is missing.
        length: usize,
        /// The payload.
        received: usize,
    },
    /// A multiplier of zero would mean death at once.
    #[error("detection multiplier 0; the sender is wrong")]
    DetectMultiplierZero,
    /// The reserved multipoint bit is set.
    #[error("the multipoint bit is set, which this protocol reserves; the sender is wrong")]
    Multipoint,
    /// The sender has no name for the session.
    #[error("my discriminator is 0; the sender is wrong")]
    MyDiscriminatorZero,
    /// The authentication section is shorter than its header, or longer than the packet.
    #[error("an authentication section of {length} bytes where {available} are; the sender is wrong")]
    AuthenticationLength {
        /// As received.
        length: usize,
        /// From the section's start to the packet's end.
        available: usize,
    },
    /// The packet names a session that is not (or no longer) here.
    #[error("no session has discriminator {discriminator}; the neighbour speaks to an earlier one")]
    UnknownDiscriminator {
        /// As received.
        discriminator: u32,
    },
    /// Without our discriminator a sender can only be down.
    #[error("your discriminator is 0 in state {state}; the sender is wrong")]
    YourDiscriminatorZero {
        /// As received.
        state: SessionState,
    },
    /// Nobody is expected at that address.
    #[error("no session with {peer}; add it here, or remove it there")]
    UnknownPeer {
        /// The source address.
        peer: IpAddr,
    },
    /// The session is one hop away, and the packet came by the port for many, or the reverse.
    #[error("the packet came to the port of {arrived}, its session is {expected}")]
    WrongHops {
        /// The way it came.
        arrived: super::Arrived,
        /// The session's.
        expected: super::Arrived,
    },
    /// The packet crossed more routers than the session allows: it may be forged (RFC 5082).
    #[error("TTL {ttl} is less than {least}; the sender is too far away, or forges")]
    Ttl {
        /// As received.
        ttl: u8,
        /// 255 for one hop.
        least: u8,
    },
    /// The neighbour authenticates its packets, which is not supported.
    #[error("the neighbour authenticates (type {kind}); turn that off there")]
    Authenticated {
        /// The authentication type.
        kind: u8,
    },
    /// The session is down by hand.
    #[error("the session is administratively down here")]
    AdminDown,
}

#[cfg(test)]
mod tests;
