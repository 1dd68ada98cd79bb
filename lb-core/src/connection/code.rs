//! States and events as small numbers, and the machines as one table.
//!
//! An entry has one byte for its state. [`next`] stays the one function that
//! assigns a state: the table here is computed from it by the compiler, so that
//! a packet costs one load instead of a tree of branches.

use super::ipvs::{IpvsSctpState, IpvsTcpState};
use super::limits::Timeouts;
use super::own::{SctpState, TcpState, UdpState};
use super::segment::{SctpClass, Segment, TcpEvent};
use super::state::{Machine, State, next};

/// A [`State`] as a number below [`Code::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u8);

impl Code {
    /// How many codes there are; the last is `Unknown` of [`Machine::Ipvs`].
    pub(super) const COUNT: usize = 38;

    /// The code of a flow before its first packet.
    pub(super) const fn unknown(machine: Machine) -> Self {
        match machine {
            Machine::Own => Self(0),
            Machine::Ipvs => Self(37),
        }
    }

    #[inline]
    pub(super) fn state(self) -> State {
        STATES[self.index()]
    }

    /// [`State::is_active`].
    #[inline]
    pub(super) fn is_active(self) -> bool {
        ACTIVE >> self.0 & 1 == 1
    }

    /// The number, to look something up by state.
    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The code after one more packet.
    #[inline]
    pub(super) fn next(self, event: Event) -> Self {
        Self(NEXT[self.index()][event.0 as usize])
    }

    const fn of(machine: Machine, state: State) -> Self {
        match state {
            State::Unknown => Self::unknown(machine),
            State::Tcp(state) => Self(1 + state as u8),
            State::Udp(state) => Self(5 + state as u8),
            State::Sctp(state) => Self(7 + state as u8),
            State::IpvsTcp(state) => Self(11 + state as u8),
            State::IpvsUdp => Self(22),
            State::IpvsSctp(state) => Self(23 + state as u8),
        }
    }

    const fn machine(self) -> Machine {
        if self.0 < 11 { Machine::Own } else { Machine::Ipvs }
    }
}

/// What a packet tells a machine, as a number below [`Event::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event(u8);

impl Event {
    const COUNT: usize = 18;
    /// No transport header: changes nothing.
    pub(super) const OTHER: Self = Self(17);

    #[inline]
    pub(super) const fn of(segment: Segment, proven: bool) -> Self {
        match segment {
            Segment::Tcp(event) => Self(event as u8),
            Segment::Udp => Self(5 + proven as u8),
            Segment::Sctp(class) => Self(7 + class as u8),
            Segment::Other => Self::OTHER,
        }
    }
}

/// What a table's machine needs: which it is, and its timeouts.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) machine: Machine,
    timeouts_ms: [u32; Code::COUNT],
}

impl Rules {
    /// The longest timeout: 2^30 ms, so that times modulo 2^32 stay ordered.
    pub(super) const LONGEST_MS: u32 = 1 << 30;

    pub(super) fn new(machine: Machine, timeouts: &Timeouts) -> Self {
        let timeouts_ms = STATES.map(|state| {
            let milliseconds = state.timeout(timeouts).as_millis().max(1);
            u32::try_from(milliseconds).map_or(Self::LONGEST_MS, |short| short.min(Self::LONGEST_MS))
        });
        Self { machine, timeouts_ms }
    }

    /// The timeout of a state in milliseconds.
    #[inline]
    pub(super) const fn timeout_ms(&self, state: Code) -> u32 {
        self.timeouts_ms[state.index()]
    }
}

const STATES: [State; Code::COUNT] = [
    State::Unknown,
    State::Tcp(TcpState::SynReceived),
    State::Tcp(TcpState::Established),
    State::Tcp(TcpState::FinWait),
    State::Tcp(TcpState::Closed),
    State::Udp(UdpState::New),
    State::Udp(UdpState::Stream),
    State::Sctp(SctpState::Init),
    State::Sctp(SctpState::Established),
    State::Sctp(SctpState::Shutdown),
    State::Sctp(SctpState::Closed),
    State::IpvsTcp(IpvsTcpState::None),
    State::IpvsTcp(IpvsTcpState::Established),
    State::IpvsTcp(IpvsTcpState::SynSent),
    State::IpvsTcp(IpvsTcpState::SynRecv),
    State::IpvsTcp(IpvsTcpState::FinWait),
    State::IpvsTcp(IpvsTcpState::TimeWait),
    State::IpvsTcp(IpvsTcpState::Close),
    State::IpvsTcp(IpvsTcpState::CloseWait),
    State::IpvsTcp(IpvsTcpState::LastAck),
    State::IpvsTcp(IpvsTcpState::Listen),
    State::IpvsTcp(IpvsTcpState::SynAck),
    State::IpvsUdp,
    State::IpvsSctp(IpvsSctpState::None),
    State::IpvsSctp(IpvsSctpState::Init1),
    State::IpvsSctp(IpvsSctpState::Init),
    State::IpvsSctp(IpvsSctpState::CookieSent),
    State::IpvsSctp(IpvsSctpState::CookieReplied),
    State::IpvsSctp(IpvsSctpState::CookieWait),
    State::IpvsSctp(IpvsSctpState::Cookie),
    State::IpvsSctp(IpvsSctpState::CookieEchoed),
    State::IpvsSctp(IpvsSctpState::Established),
    State::IpvsSctp(IpvsSctpState::ShutdownSent),
    State::IpvsSctp(IpvsSctpState::ShutdownReceived),
    State::IpvsSctp(IpvsSctpState::ShutdownAckSent),
    State::IpvsSctp(IpvsSctpState::Rejected),
    State::IpvsSctp(IpvsSctpState::Closed),
    State::Unknown,
];

/// One segment and whether the flow is proven for each [`Event`], in order.
const EVENTS: [(Segment, bool); Event::COUNT] = [
    (Segment::RST, false),
    (Segment::SYN, false),
    (Segment::FIN, false),
    (Segment::ACK, false),
    (Segment::Tcp(TcpEvent::None), false),
    (Segment::Udp, false),
    (Segment::Udp, true),
    (Segment::Sctp(SctpClass::Abort), false),
    (Segment::Sctp(SctpClass::CookieAck), false),
    (Segment::Sctp(SctpClass::CookieEcho), false),
    (Segment::Sctp(SctpClass::Data), false),
    (Segment::Sctp(SctpClass::Error), false),
    (Segment::Sctp(SctpClass::Init), false),
    (Segment::Sctp(SctpClass::InitAck), false),
    (Segment::Sctp(SctpClass::Shutdown), false),
    (Segment::Sctp(SctpClass::ShutdownAck), false),
    (Segment::Sctp(SctpClass::ShutdownComplete), false),
    (Segment::Other, false),
];

/// The codes of active states, as bits.
const ACTIVE: u64 = {
    let (mut active, mut code) = (0, 0);
    while code < Code::COUNT {
        active |= (STATES[code].is_active() as u64) << code;
        code += 1;
    }
    active
};

static NEXT: [[u8; Event::COUNT]; Code::COUNT] = {
    let mut table = [[0; Event::COUNT]; Code::COUNT];
    let mut code = 0;
    while code < Code::COUNT {
        let machine = Code(code as u8).machine();
        let mut event = 0;
        while event < Event::COUNT {
            let (segment, proven) = EVENTS[event];
            table[code][event] = Code::of(machine, next(machine, STATES[code], segment, proven)).0;
            event += 1;
        }
        code += 1;
    }
    table
};

#[cfg(test)]
mod tests;
