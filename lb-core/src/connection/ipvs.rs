//! What Linux IPVS does with the client's half (6.12, tables for input only).
//!
//! With direct routing or a tunnel the kernel sees no answers and uses the
//! third of its three state tables. The simulated fleets run the kernel, so
//! its states are modelled as they are, also those that one direction never
//! reaches. They are facts about Linux, not advice: a FIN right after the SYN
//! counts as TIME_WAIT, a RST in SYN_RECV changes nothing.

use core::time::Duration;

use super::limits::Timeouts;
use super::segment::{SctpClass, TcpEvent};

/// The kernel's TCP states, in its order.
///
/// From `None` one direction reaches `Established`, `SynRecv`, `FinWait`,
/// `TimeWait` and `Close` only:
///
/// ```text
///            SYN           ACK               FIN
///      None ----> SynRecv ----> Established ----> FinWait     SYN from FinWait, TimeWait
///       | ACK        | FIN         ^    |            |        and Close: back to SynRecv
///       '----------- | ------------'    | RST        | RST
///       | FIN, RST   v                  v            v
///       '---> Close  TimeWait -------> Close <-------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpvsTcpState {
    /// NONE.
    None,
    /// ESTABLISHED.
    Established,
    /// SYN_SENT.
    SynSent,
    /// SYN_RECV.
    SynRecv,
    /// FIN_WAIT.
    FinWait,
    /// TIME_WAIT.
    TimeWait,
    /// CLOSE.
    Close,
    /// CLOSE_WAIT.
    CloseWait,
    /// LAST_ACK.
    LastAck,
    /// LISTEN.
    Listen,
    /// SYNACK.
    SynAck,
}

impl IpvsTcpState {
    /// The state after `event`; a segment without flags closes.
    ///
    /// One row for each event, one column for each state in the order above.
    #[must_use]
    pub const fn next(self, event: TcpEvent) -> Self {
        use IpvsTcpState::{
            Close as CL, CloseWait as CW, Established as ES, FinWait as FW, LastAck as LA, Listen as LI,
            SynRecv as SR, SynSent as SS, TimeWait as TW,
        };
        let row: [Self; 11] = match event {
            TcpEvent::Syn => [SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR],
            TcpEvent::Fin => [CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW],
            TcpEvent::Ack => [ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES],
            TcpEvent::Rst => [CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL],
            TcpEvent::None => [CL; 11],
        };
        row[self as usize]
    }

    /// Whether the kernel counts the connection as active.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Established | Self::SynSent | Self::SynRecv | Self::SynAck => true,
            Self::None
            | Self::FinWait
            | Self::TimeWait
            | Self::Close
            | Self::CloseWait
            | Self::LastAck
            | Self::Listen => false,
        }
    }

    pub(super) const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::None => Duration::from_secs(2),
            Self::Established => timeouts.tcp_established,
            Self::FinWait => timeouts.tcp_fin_wait,
            Self::SynSent | Self::TimeWait | Self::Listen | Self::SynAck => Duration::from_secs(120),
            Self::SynRecv | Self::CloseWait => Duration::from_secs(60),
            Self::Close => Duration::from_secs(10),
            Self::LastAck => Duration::from_secs(30),
        }
    }
}

/// The kernel's SCTP states, in its order.
///
/// From `None` one direction reaches:
///
/// ```text
///            INIT        INIT        COOKIE ECHO
///      None ----> Init1 ----> Init -----------------> Established
///       | INIT ACK                     COOKIE ACK        ^  | SHUTDOWN
///       '--------> CookieEchoed -------------------------'  v
///       | SHUTDOWN                                       ShutdownReceived
///       '--------------------------------------------------^
///   ABORT: Closed from every state but CookieWait; INIT from Closed: Init.
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpvsSctpState {
    /// NONE.
    None,
    /// INIT1.
    Init1,
    /// INIT.
    Init,
    /// COOKIE_SENT.
    CookieSent,
    /// COOKIE_REPLIED.
    CookieReplied,
    /// COOKIE_WAIT.
    CookieWait,
    /// COOKIE.
    Cookie,
    /// COOKIE_ECHOED.
    CookieEchoed,
    /// ESTABLISHED.
    Established,
    /// SHUTDOWN_SENT.
    ShutdownSent,
    /// SHUTDOWN_RECEIVED.
    ShutdownReceived,
    /// SHUTDOWN_ACK_SENT.
    ShutdownAckSent,
    /// REJECTED.
    Rejected,
    /// CLOSED.
    Closed,
}

impl IpvsSctpState {
    /// The state after a chunk of `class`.
    ///
    /// One row for each class, one column for each state in the order above.
    #[must_use]
    pub const fn next(self, class: SctpClass) -> Self {
        use IpvsSctpState::{
            Closed as CL, Cookie as CO, CookieEchoed as CE, CookieReplied as CR, CookieSent as CS,
            CookieWait as CW, Established as ES, Init as IN, Init1 as I1, Rejected as RJ,
            ShutdownAckSent as SA, ShutdownReceived as SR, ShutdownSent as SS,
        };
        let row: [Self; 14] = match class {
            SctpClass::Data => [ES, I1, IN, CS, CR, ES, CO, CE, ES, SS, SR, SA, RJ, CL],
            SctpClass::Init => [I1, IN, IN, IN, IN, IN, CO, CE, ES, SS, SR, SA, IN, IN],
            SctpClass::InitAck => [CE, CE, CE, CE, CE, CE, CO, CE, ES, SS, SR, SA, RJ, CL],
            SctpClass::CookieEcho => [ES, ES, ES, ES, ES, ES, CO, CE, ES, SS, SR, SA, RJ, CL],
            SctpClass::CookieAck => [ES, I1, IN, ES, ES, CW, ES, ES, ES, SS, SR, SA, RJ, CL],
            SctpClass::Shutdown => [SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL],
            SctpClass::ShutdownAck => [CL, IN, IN, CS, CR, CW, CO, CE, CL, CL, SR, CL, RJ, CL],
            SctpClass::ShutdownComplete => [CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, CL, CL, RJ, CL],
            SctpClass::Error => [CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL],
            SctpClass::Abort => [CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL],
        };
        row[self as usize]
    }

    /// Whether the kernel counts the association as active.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Established)
    }

    pub(super) const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::None => Duration::from_secs(2),
            // A retransmission time-out of 3 s, and one more second.
            Self::Init1 | Self::Rejected => Duration::from_secs(4),
            Self::Established => timeouts.sctp_established,
            // The longest retransmission time-out, 60 s, and one more second.
            Self::Init
            | Self::CookieSent
            | Self::CookieReplied
            | Self::CookieWait
            | Self::Cookie
            | Self::CookieEchoed
            | Self::ShutdownSent
            | Self::ShutdownReceived
            | Self::ShutdownAckSent
            | Self::Closed => Duration::from_secs(61),
        }
    }
}
