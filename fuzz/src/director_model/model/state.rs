//! How far a flow is, by what its client has said: written a second time.

use std::time::Duration;

use lb_core::Time;

use crate::packets::{Transport, chunk, flag};

/// How far a flow is, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    state: State,
    /// Whether it has shown packets a second apart.
    pub(super) proven: bool,
    /// Its latest packet; until it is proven the latest that opened it.
    seen: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Aborted,
    Associating,
    Closed,
    Established,
    FinWait,
    Shutdown,
    SynReceived,
    Udp,
}

/// Whether a packet opens a flow.
pub(super) const fn opens(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp(flag::SYN) | Transport::Sctp(chunk::INIT))
}

/// Whether a packet ends whatever there was, so that nothing begins with it.
pub(super) const fn ends_at_once(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp(flag::RST) | Transport::Sctp(chunk::ABORT | chunk::SHUTDOWN_COMPLETE))
}

impl Standing {
    /// A flow that begins with this packet, or begins again at another backend.
    pub(super) fn first(now: Time, transport: Transport, proven: bool) -> Self {
        Self { state: State::first(transport), proven, seen: now }
    }

    /// The flow after one more packet. It is proven by one that comes a second
    /// after the packet that opened it and does not open it anew.
    pub(super) fn after(self, now: Time, transport: Transport) -> Self {
        let opens = opens(transport);
        let proven = self.proven || !opens && now - self.seen >= Duration::from_secs(1);
        let seen = if proven || opens { now } else { self.seen };
        Self { state: self.state.next(transport), proven, seen }
    }

    /// Whether its silence is still borne; the timeouts are the defaults of the LB file.
    pub(super) fn lives(&self, now: Time) -> bool {
        let seconds = match self.state {
            State::Aborted | State::Closed => 10,
            State::Associating | State::Shutdown | State::SynReceived => 60,
            State::Established => 900,
            State::FinWait => 120,
            State::Udp if self.proven => 180,
            State::Udp => 30,
        };
        now - self.seen < Duration::from_secs(seconds)
    }

    /// Whether its client has said that it is over, so that the port may be used anew.
    pub(super) const fn has_ended(self) -> bool {
        matches!(self.state, State::Aborted | State::Closed | State::FinWait | State::Shutdown)
    }
}

impl State {
    fn first(transport: Transport) -> Self {
        match transport {
            Transport::Udp => Self::Udp,
            Transport::Tcp(flag::SYN) => Self::SynReceived,
            Transport::Tcp(flags) if flags & flag::FIN != 0 => Self::FinWait,
            Transport::Tcp(flags) if flags & flag::ACK != 0 => Self::Established,
            Transport::Tcp(_) => Self::Closed,
            Transport::Sctp(chunk::INIT) => Self::Associating,
            Transport::Sctp(chunk::SHUTDOWN) => Self::Shutdown,
            Transport::Sctp(chunk::ABORT | chunk::SHUTDOWN_COMPLETE) => Self::Aborted,
            Transport::Sctp(_) => Self::Established,
        }
    }

    fn next(self, transport: Transport) -> Self {
        match (self, transport) {
            (Self::Established, Transport::Tcp(flag::SYN) | Transport::Sctp(chunk::INIT)) => self,
            (_, Transport::Tcp(flag::SYN)) => Self::SynReceived,
            (_, Transport::Tcp(flag::RST)) => Self::Closed,
            (_, Transport::Tcp(flags)) if flags & flag::FIN != 0 => Self::FinWait,
            (Self::FinWait, _) | (_, Transport::Udp) => self,
            (_, Transport::Tcp(flag::ACK)) => Self::Established,
            (_, Transport::Tcp(_)) | (Self::Shutdown, Transport::Sctp(chunk::DATA)) => self,
            (_, Transport::Sctp(_)) => Self::first(transport),
        }
    }
}
