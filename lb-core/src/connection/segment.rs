//! The part of a packet that a connection's state depends on.
//!
//! The packet parser reduces a transport header to a [`Segment`]; the state
//! machines read nothing else. A balancer with direct return sees the client's
//! packets only, so all of these travel from client to backend. The TCP flags
//! are RFC 9293 §3.1's, the SCTP chunk types RFC 9260 §3.2's.

/// What one packet from the client tells a connection's state machine.
///
/// ```
/// use lb_core::connection::{SctpClass, Segment};
///
/// let syn = Segment::Tcp { syn: true, ack: false, fin: false, rst: false };
/// assert_eq!(syn, Segment::SYN);
/// assert_eq!(Segment::Sctp(SctpClass::of_chunk(1)), Segment::Sctp(SctpClass::Init));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A TCP header with these flags; the other flags do not matter.
    Tcp {
        /// Synchronise: opens a connection.
        syn: bool,
        /// The acknowledgement number counts.
        ack: bool,
        /// The client sends no more.
        fin: bool,
        /// The connection is gone.
        rst: bool,
    },
    /// A UDP datagram.
    Udp,
    /// An SCTP packet whose first chunk is of this class.
    Sctp(SctpClass),
    /// A packet whose transport header is not there (a later fragment, an ICMP
    /// error about the flow) or is of another protocol: it proves nothing,
    /// moves no state and keeps no flow alive.
    Other,
}

impl Segment {
    /// A TCP segment that opens a connection.
    pub const SYN: Self = Self::Tcp { syn: true, ack: false, fin: false, rst: false };
    /// A TCP segment in the midst of a connection (data or a bare ACK).
    pub const ACK: Self = Self::Tcp { syn: false, ack: true, fin: false, rst: false };
    /// A TCP segment that ends the client's direction.
    pub const FIN: Self = Self::Tcp { syn: false, ack: true, fin: true, rst: false };
    /// A TCP segment that aborts the connection.
    pub const RST: Self = Self::Tcp { syn: false, ack: false, fin: false, rst: true };
}

/// SCTP chunk types, by what they mean to a balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SctpClass {
    /// ABORT (6).
    Abort,
    /// COOKIE ACK (11).
    CookieAck,
    /// COOKIE ECHO (10).
    CookieEcho,
    /// DATA (0), SACK (3), HEARTBEAT (4, 5) and every type not named here.
    Data,
    /// ERROR (9).
    Error,
    /// INIT (1).
    Init,
    /// INIT ACK (2).
    InitAck,
    /// SHUTDOWN (7).
    Shutdown,
    /// SHUTDOWN ACK (8).
    ShutdownAck,
    /// SHUTDOWN COMPLETE (14).
    ShutdownComplete,
}

impl SctpClass {
    /// The class of a chunk type byte.
    #[must_use]
    pub const fn of_chunk(chunk_type: u8) -> Self {
        match chunk_type {
            1 => Self::Init,
            2 => Self::InitAck,
            6 => Self::Abort,
            7 => Self::Shutdown,
            8 => Self::ShutdownAck,
            9 => Self::Error,
            10 => Self::CookieEcho,
            11 => Self::CookieAck,
            14 => Self::ShutdownComplete,
            _ => Self::Data,
        }
    }
}
