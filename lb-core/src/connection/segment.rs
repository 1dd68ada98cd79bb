//! The part of a packet that a connection's state depends on.
//!
//! The packet parser reduces a transport header to a [`Segment`]; the state
//! machines read nothing else. A balancer with direct return sees the client's
//! packets only, so all of these travel from client to backend. The TCP flags
//! are RFC 9293 §3.1's, the SCTP chunk types RFC 9260 §3.2's.

/// What one packet from the client tells a connection's state machine.
///
/// ```
/// use lb_core::connection::{SctpClass, Segment, TcpEvent};
///
/// let syn_and_ack = 0x12;
/// assert_eq!(Segment::Tcp(TcpEvent::of_flags(syn_and_ack)), Segment::SYN);
/// assert_eq!(Segment::Sctp(SctpClass::of_chunk(1)), Segment::Sctp(SctpClass::Init));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A TCP segment, by the flag that counts.
    Tcp(TcpEvent),
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
    pub const SYN: Self = Self::Tcp(TcpEvent::Syn);
    /// A TCP segment in the midst of a connection (data or a bare ACK).
    pub const ACK: Self = Self::Tcp(TcpEvent::Ack);
    /// A TCP segment that ends the client's direction.
    pub const FIN: Self = Self::Tcp(TcpEvent::Fin);
    /// A TCP segment that aborts the connection.
    pub const RST: Self = Self::Tcp(TcpEvent::Rst);

    /// Whether the packet asks for a new connection.
    #[must_use]
    #[inline]
    pub const fn opens(self) -> bool {
        matches!(self, Self::Tcp(TcpEvent::Syn) | Self::Sctp(SctpClass::Init))
    }
}

/// What a TCP segment's flags mean to a state machine.
///
/// Where several are set the first of this order counts, as in the kernel:
/// reset, synchronise, finish, acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpEvent {
    /// RST.
    Rst,
    /// SYN, with or without ACK.
    Syn,
    /// FIN.
    Fin,
    /// ACK alone: data or a bare acknowledgement.
    Ack,
    /// None of the four: no conforming sender sends it.
    None,
}

impl TcpEvent {
    /// The event of a TCP header's byte 13; the flags CWR, ECE, URG and PSH do not matter.
    #[must_use]
    #[inline]
    pub const fn of_flags(flags: u8) -> Self {
        /// By the five lowest flags: one look instead of four questions.
        const EVENTS: [TcpEvent; 32] = {
            let mut events = [TcpEvent::None; 32];
            let mut flags = 0;
            while flags < events.len() {
                events[flags] = match flags as u8 {
                    bits if bits & 0x04 != 0 => TcpEvent::Rst,
                    bits if bits & 0x02 != 0 => TcpEvent::Syn,
                    bits if bits & 0x01 != 0 => TcpEvent::Fin,
                    bits if bits & 0x10 != 0 => TcpEvent::Ack,
                    _ => TcpEvent::None,
                };
                flags += 1;
            }
            events
        };
        EVENTS[(flags & 0x1f) as usize]
    }
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
    #[inline]
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
