//! The state of a connection, as far as its client's packets tell.
//!
//! With direct return the balancer sees one direction only, so a state says
//! what the client has done, never what the backend answered. [`next`] is the
//! one function that assigns a state; it hands on to the two machines: `own` is
//! the best we can do with half of the conversation, `ipvs` is what Linux does
//! with it.

use core::time::Duration;

use super::ipvs::{IpvsSctpState, IpvsTcpState};
use super::limits::Timeouts;
use super::own::{SctpState, TcpState, UdpState};
use super::segment::Segment;

/// Which state machine a table runs; fixed when the table is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Machine {
    /// The one-way machines of our own.
    #[default]
    Own,
    /// The tables that Linux IPVS uses when it sees input only.
    Ipvs,
}

/// The state of one connection; each protocol has its own machine.
///
/// A flow starts as [`State::Unknown`], and the first segment that has a
/// transport header decides the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No transport header was seen yet.
    Unknown,
    /// TCP in [`Machine::Own`].
    Tcp(TcpState),
    /// UDP in [`Machine::Own`].
    Udp(UdpState),
    /// SCTP in [`Machine::Own`].
    Sctp(SctpState),
    /// TCP in [`Machine::Ipvs`].
    IpvsTcp(IpvsTcpState),
    /// UDP in [`Machine::Ipvs`]: the kernel knows one state.
    IpvsUdp,
    /// SCTP in [`Machine::Ipvs`].
    IpvsSctp(IpvsSctpState),
}

impl State {
    /// Whether the flow counts as active: not on its way out.
    ///
    /// For [`Machine::Ipvs`] this is what `ipvsadm` shows as `ActiveConn`
    /// (UDP never is).
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Unknown | Self::Udp(UdpState::New | UdpState::Stream) => true,
            Self::Tcp(state) => state.is_active(),
            Self::Sctp(state) => state.is_active(),
            Self::IpvsTcp(state) => state.is_active(),
            Self::IpvsUdp => false,
            Self::IpvsSctp(state) => state.is_active(),
        }
    }

    /// How long a flow in this state may be silent.
    #[must_use]
    pub const fn timeout(self, timeouts: &Timeouts) -> Duration {
        match self {
            Self::Unknown => timeouts.unknown,
            Self::Tcp(state) => state.timeout(timeouts),
            Self::Udp(state) => state.timeout(timeouts),
            Self::Sctp(state) => state.timeout(timeouts),
            Self::IpvsTcp(state) => state.timeout(timeouts),
            Self::IpvsUdp => timeouts.udp,
            Self::IpvsSctp(state) => state.timeout(timeouts),
        }
    }
}

/// The state after one more packet from the client.
///
/// `proven` says whether the flow has by now shown packets a second apart. A
/// segment of another protocol than the state's changes nothing: the service
/// fixes the protocol, so it can only be a caller's slip.
#[must_use]
pub const fn next(machine: Machine, state: State, segment: Segment, proven: bool) -> State {
    match (state, segment) {
        (State::Unknown, _) => first(machine, segment, proven),
        (State::Tcp(tcp), Segment::Tcp(event)) => State::Tcp(TcpState::next(Some(tcp), event)),
        (State::Udp(udp), Segment::Udp) => State::Udp(UdpState::next(Some(udp), proven)),
        (State::Sctp(sctp), Segment::Sctp(class)) => State::Sctp(SctpState::next(Some(sctp), class)),
        (State::IpvsTcp(tcp), Segment::Tcp(event)) => State::IpvsTcp(tcp.next(event)),
        (State::IpvsUdp, Segment::Udp) => State::IpvsUdp,
        (State::IpvsSctp(sctp), Segment::Sctp(class)) => State::IpvsSctp(sctp.next(class)),
        (State::Tcp(_) | State::IpvsTcp(_), Segment::Udp | Segment::Sctp(_) | Segment::Other)
        | (State::Udp(_) | State::IpvsUdp, Segment::Tcp(_) | Segment::Sctp(_) | Segment::Other)
        | (State::Sctp(_) | State::IpvsSctp(_), Segment::Tcp(_) | Segment::Udp | Segment::Other) => state,
    }
}

/// The state of a flow whose first transport header this is.
const fn first(machine: Machine, segment: Segment, proven: bool) -> State {
    match (machine, segment) {
        (Machine::Own, Segment::Tcp(event)) => State::Tcp(TcpState::next(None, event)),
        (Machine::Own, Segment::Udp) => State::Udp(UdpState::next(None, proven)),
        (Machine::Own, Segment::Sctp(class)) => State::Sctp(SctpState::next(None, class)),
        (Machine::Ipvs, Segment::Tcp(event)) => State::IpvsTcp(IpvsTcpState::None.next(event)),
        (Machine::Ipvs, Segment::Udp) => State::IpvsUdp,
        (Machine::Ipvs, Segment::Sctp(class)) => State::IpvsSctp(IpvsSctpState::None.next(class)),
        (Machine::Own | Machine::Ipvs, Segment::Other) => State::Unknown,
    }
}

#[cfg(test)]
mod tests;
