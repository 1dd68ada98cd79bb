//! Which backend a packet of a service's flow gets, and what is remembered.
//!
//! One function of what is known: the service, the flow, the connection entry
//! if there is one. It changes nothing, so that [`explain`](super::explain) and
//! the packet path cannot disagree. The two profiles stand side by side: ours,
//! and what Linux does (`net/netfilter/ipvs/ip_vs_core.c`, its sysctls in
//! `Documentation/networking/ipvs-sysctl.rst`).

use super::Director;
use super::classify::{PacketKind, ServiceFlow};
use super::registry::Service;
use super::verdict::{Choice, DropReason, PassReason};
use crate::config::{BackendState, IpvsOptions, Profile};
use crate::connection::{
    ConnectionHandle, Found, IpvsTcpState, SctpClass, Segment, State, TcpEvent, TcpState,
};
use crate::identity::BackendId;

/// What is to be done with a packet of a service's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Forward it; `entry` says what happens to the connection table.
    Forward { backend: BackendId, choice: Choice, entry: Entry },
    /// The service has no backend for this flow.
    NoBackend,
    /// Leave it to the host.
    Pass(PassReason),
    /// Throw it away.
    Drop(DropReason),
}

/// What happens to the connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing: the entry is right, or there shall be none.
    Keep,
    /// Make one.
    Insert,
    /// The entry names the new backend from now on.
    Rebind(ConnectionHandle),
}

impl Director {
    /// Decides; `found` is the flow's entry if there is one.
    #[inline(always)]
    pub(super) fn plan(&self, target: &ServiceFlow, segment: Segment, found: Option<&Found>) -> Plan {
        match &self.config.profile {
            Profile::Own => self.plan_own(target, segment, found),
            Profile::Ipvs(options) => self.plan_ipvs(*options, target, segment, found),
        }
    }

    /// Our way: an entry counts while its backend is in service; any node takes
    /// over any flow; nothing is refused for want of an entry.
    #[inline(always)]
    fn plan_own(&self, target: &ServiceFlow, segment: Segment, found: Option<&Found>) -> Plan {
        let service = &self.services[target.place];
        let Some(found) = found else {
            let (choice, entry) = begin(target.kind, segment);
            return self.by_table(service, target, choice, entry);
        };
        match self.state_of(found.backend) {
            BackendState::Active | BackendState::Drain if !reopens(segment, found.previous) => {
                Plan::Forward { backend: found.backend, choice: Choice::Existing, entry: Entry::Keep }
            }
            // The client uses an old port anew: a new flow in an old entry.
            BackendState::Active | BackendState::Drain => {
                self.by_table(service, target, Choice::New, Entry::Rebind(found.handle))
            }
            BackendState::Down => {
                let entry = match target.kind {
                    PacketKind::Transport => Entry::Rebind(found.handle),
                    PacketKind::LaterFragment { .. } | PacketKind::Error => Entry::Keep,
                };
                self.by_table(service, target, Choice::Rechosen, entry)
            }
        }
    }

    /// The kernel's way. "Down" is a deleted destination, "drain" one of weight 0.
    fn plan_ipvs(
        &self,
        options: IpvsOptions,
        target: &ServiceFlow,
        segment: Segment,
        found: Option<&Found>,
    ) -> Plan {
        let service = &self.services[target.place];
        let Some(found) = found else { return self.plan_ipvs_new(options, target, segment) };
        match self.state_of(found.backend) {
            BackendState::Down if !options.expire_nodest_conn => Plan::Drop(DropReason::BackendGone),
            // The entry is expired at once and the packet starts over; without
            // conntrack (as a balancer runs) it is not dropped.
            BackendState::Down => match self.plan_ipvs_new(options, target, segment) {
                Plan::Forward { backend, .. } => {
                    let entry = Entry::Rebind(found.handle);
                    Plan::Forward { backend, choice: Choice::Rechosen, entry }
                }
                refused @ (Plan::NoBackend | Plan::Pass(_) | Plan::Drop(_)) => refused,
            },
            BackendState::Active | BackendState::Drain
                if kernel_reopens(segment, found.previous)
                    || segment.opens()
                        && options.expire_nodest_conn
                        && self.state_of(found.backend) == BackendState::Drain =>
            {
                self.by_table(service, target, Choice::New, Entry::Rebind(found.handle))
            }
            BackendState::Active | BackendState::Drain => {
                Plan::Forward { backend: found.backend, choice: Choice::Existing, entry: Entry::Keep }
            }
        }
    }

    /// What the kernel does with a packet that has no entry.
    fn plan_ipvs_new(&self, options: IpvsOptions, target: &ServiceFlow, segment: Segment) -> Plan {
        let (choice, entry) = begin(target.kind, segment);
        match (target.kind, segment) {
            (PacketKind::Error, _) if !options.schedule_icmp => {
                return Plan::Pass(PassReason::IcmpNotScheduled);
            }
            // A scheduled error makes an entry, as any packet does.
            (PacketKind::Error, _) => {
                let service = &self.services[target.place];
                return self.by_table(service, target, Choice::PickedUp, Entry::Insert);
            }
            (PacketKind::Transport, Segment::Tcp(TcpEvent::Rst)) => {
                return Plan::Pass(PassReason::NoEntry);
            }
            (PacketKind::Transport, Segment::Tcp(event)) if event != TcpEvent::Syn && !options.sloppy_tcp => {
                return Plan::Pass(PassReason::NoEntry);
            }
            (PacketKind::Transport, Segment::Sctp(class)) if class != SctpClass::Init => {
                return Plan::Pass(PassReason::NoEntry);
            }
            (PacketKind::Transport | PacketKind::LaterFragment { .. }, _) => {}
        }
        self.by_table(&self.services[target.place], target, choice, entry)
    }

    #[inline(always)]
    fn by_table(&self, service: &Service, target: &ServiceFlow, choice: Choice, entry: Entry) -> Plan {
        match service.scheduler.schedule(&target.flow) {
            Some(place) => Plan::Forward { backend: service.backends[place], choice, entry },
            None => Plan::NoBackend,
        }
    }

    /// The state of the backend that an entry names.
    #[inline]
    fn state_of(&self, id: BackendId) -> BackendState {
        self.backends.find(id).map_or(BackendState::Down, super::registry::Backend::state)
    }
}

/// How a flow without an entry begins with this packet.
#[inline]
const fn begin(kind: PacketKind, segment: Segment) -> (Choice, Entry) {
    match (kind, segment) {
        // An entry is for whoever sends transport headers; a reset ends more than it begins.
        (PacketKind::LaterFragment { .. } | PacketKind::Error, _)
        | (PacketKind::Transport, Segment::Tcp(TcpEvent::Rst))
        | (PacketKind::Transport, Segment::Sctp(SctpClass::Abort | SctpClass::ShutdownComplete))
        | (PacketKind::Transport, Segment::Other) => (Choice::Untracked, Entry::Keep),
        (PacketKind::Transport, Segment::Udp) => (Choice::New, Entry::Insert),
        (PacketKind::Transport, Segment::Tcp(_) | Segment::Sctp(_)) => {
            (if segment.opens() { Choice::New } else { Choice::PickedUp }, Entry::Insert)
        }
    }
}

/// Whether a packet opens a flow where another one has ended.
#[inline]
const fn reopens(segment: Segment, previous: State) -> bool {
    segment.opens() && matches!(previous, State::Tcp(TcpState::FinWait | TcpState::Closed))
}

/// The kernel's `is_new_conn_expected` with `conn_reuse_mode` 1, its default.
///
/// With direct return a closed connection waits in FIN_WAIT, which does not
/// count in this mode: a port used anew goes where the old flow went.
const fn kernel_reopens(segment: Segment, previous: State) -> bool {
    segment.opens() && matches!(previous, State::IpvsTcp(IpvsTcpState::TimeWait | IpvsTcpState::Close))
}
