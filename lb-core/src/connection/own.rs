//! Our own one-way machines: the best we can do with the client's half.
//!
//! The one idea: a packet that any stranger could have forged must not close a
//! connection for good. A RST or ABORT only shortens the timeout; if the client
//! goes on talking, the connection is open again, because its ends did not
//! believe the forgery either (RFC 5961 §3). A SYN on an open connection
//! changes nothing for the same reason; after a FIN or RST it is a new
//! connection on the old ports.

use core::time::Duration;

use super::limits::Timeouts;
use super::segment::{SctpClass, TcpEvent};

/// TCP as its client shows it.
///
/// ```text
///              SYN                 ACK
///   (no entry) ----> SynReceived ---------> Established <---.
///       |                |   ^                |   ^  |      |
///       | ACK: picked up |   | SYN        FIN |   |  | RST  | ACK: the RST
///       '--------------- | - | -------------->|   |  |      | was not its own
///                        |   |                v   |  v      |
///                    FIN |   '------------- FinWait  Closed-'
///                        '------------------->^  '--->^
///                                               RST
/// ```
///
/// A FIN leads to `FinWait` and a RST to `Closed` from every state; a SYN to
/// `SynReceived` from every state but `Established`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpState {
    /// SYNs and nothing else.
    SynReceived,
    /// An acknowledgement was seen: data may flow.
    Established,
    /// The client sends no more; the backend may.
    FinWait,
    /// A RST was seen.
    Closed,
}

impl TcpState {
    /// The state after `event`; `None` is a flow without an entry.
    #[must_use]
    pub const fn next(state: Option<Self>, event: TcpEvent) -> Self {
        match (state, event) {
            (None | Some(Self::SynReceived | Self::Established), TcpEvent::Ack)
            | (Some(Self::Established), TcpEvent::Syn | TcpEvent::None)
            | (Some(Self::Closed), TcpEvent::Ack) => Self::Established,
            (None | Some(Self::SynReceived | Self::FinWait | Self::Closed), TcpEvent::Syn)
            | (Some(Self::SynReceived), TcpEvent::None) => Self::SynReceived,
            (
                None | Some(Self::SynReceived | Self::Established | Self::FinWait | Self::Closed),
                TcpEvent::Fin,
            )
            | (Some(Self::FinWait), TcpEvent::Ack | TcpEvent::None) => Self::FinWait,
            (
                None | Some(Self::SynReceived | Self::Established | Self::FinWait | Self::Closed),
                TcpEvent::Rst,
            )
            | (None | Some(Self::Closed), TcpEvent::None) => Self::Closed,
        }
    }

    /// Whether neither end has been seen to close.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::SynReceived | Self::Established => true,
            Self::FinWait | Self::Closed => false,
        }
    }

    pub(super) const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::SynReceived => timeouts.tcp_syn_received,
            Self::Established => timeouts.tcp_established,
            Self::FinWait => timeouts.tcp_fin_wait,
            Self::Closed => timeouts.tcp_closed,
        }
    }
}

/// UDP as its client shows it: a question, or a stream.
///
/// ```text
///   (no entry) ----> New ----> Stream      once packets were a second apart
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UdpState {
    /// Packets within one second: a question and its answer.
    New,
    /// Packets at least a second apart.
    Stream,
}

impl UdpState {
    /// The state after one more datagram.
    #[must_use]
    pub const fn next(state: Option<Self>, proven: bool) -> Self {
        match (state, proven) {
            (None | Some(Self::New), false) => Self::New,
            (None | Some(Self::New), true) | (Some(Self::Stream), false | true) => Self::Stream,
        }
    }

    pub(super) const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::New => timeouts.udp,
            Self::Stream => timeouts.udp_stream,
        }
    }
}

/// SCTP as its client shows it (RFC 9260 §4, one direction of it).
///
/// ```text
///              INIT         COOKIE ECHO,
///              INIT ACK     COOKIE ACK, DATA              SHUTDOWN, SHUTDOWN ACK
///   (no entry) ------> Init ---------------> Established ------------------------> Shutdown
///                       ^                     ^   |                                    |
///                       | INIT     DATA: the  |   | ABORT,                             |
///                       |          ABORT was  |   | SHUTDOWN COMPLETE                  |
///                       |          not its own|   v                                    |
///                       '------------------- Closed <----------------------------------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SctpState {
    /// The association is being set up.
    Init,
    /// Data may flow.
    Established,
    /// The client began or answered a shutdown.
    Shutdown,
    /// Aborted, or shut down completely.
    Closed,
}

impl SctpState {
    /// The state after a chunk of `class`; `None` is a flow without an entry.
    #[must_use]
    pub const fn next(state: Option<Self>, class: SctpClass) -> Self {
        match class {
            SctpClass::Abort | SctpClass::ShutdownComplete => Self::Closed,
            // Only an end that was answered sends these: the association is up.
            SctpClass::CookieEcho | SctpClass::CookieAck => Self::Established,
            SctpClass::Data => match state {
                None | Some(Self::Init | Self::Established | Self::Closed) => Self::Established,
                Some(Self::Shutdown) => Self::Shutdown,
            },
            SctpClass::Error => match state {
                None | Some(Self::Established) => Self::Established,
                Some(Self::Init) => Self::Init,
                Some(Self::Shutdown) => Self::Shutdown,
                Some(Self::Closed) => Self::Closed,
            },
            // RFC 9260 §5.2.2: an INIT alone does not end an open association.
            SctpClass::Init | SctpClass::InitAck => match state {
                None | Some(Self::Init | Self::Shutdown | Self::Closed) => Self::Init,
                Some(Self::Established) => Self::Established,
            },
            SctpClass::Shutdown => match state {
                None | Some(Self::Init | Self::Established | Self::Shutdown | Self::Closed) => Self::Shutdown,
            },
            SctpClass::ShutdownAck => match state {
                None | Some(Self::Init | Self::Established | Self::Shutdown) => Self::Shutdown,
                Some(Self::Closed) => Self::Closed,
            },
        }
    }

    /// Whether neither end has been seen to close.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Init | Self::Established => true,
            Self::Shutdown | Self::Closed => false,
        }
    }

    pub(super) const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::Init => timeouts.sctp_init,
            Self::Established => timeouts.sctp_established,
            Self::Shutdown => timeouts.sctp_shutdown,
            Self::Closed => timeouts.sctp_closed,
        }
    }
}
