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
    ConnectionHandle, Found, IpvsSctpState, IpvsTcpState, SctpClass, SctpState, Segment, State, TcpEvent,
    TcpState,
};
use crate::identity::BackendId;

/// What is to be done with a packet of a service's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// With the packet.
    pub(super) action: Action,
    /// With the connection table.
    pub(super) entry: Entry,
}

/// What is to be done with the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Forward it.
    Forward { backend: BackendId, choice: Choice },
    /// The service has no backend for this flow.
    NoBackend,
    /// Leave it to the host.
    Pass(PassReason),
    /// Throw it away.
    Drop(DropReason),
}

/// What is to be done with the flow's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing: the packet deserves no entry, or must not keep one alive.
    Untouched,
    /// It takes note of the packet.
    Observe(ConnectionHandle),
    /// There shall be one, of this backend.
    Insert(BackendId),
    /// It names this backend from now on.
    Rebind(ConnectionHandle, BackendId),
    /// It is of no more use.
    Forget(ConnectionHandle),
}

impl Director {
    /// Decides; `found` is the flow's entry, as it was before this packet.
    #[inline(always)]
    pub(super) fn plan(&self, target: &ServiceFlow, segment: Segment, found: Option<&Found>) -> Plan {
        match &self.config.profile {
            Profile::Own => self.plan_own(target, segment, found),
            Profile::Ipvs(options) => self.plan_ipvs(*options, *target, segment, found.copied()),
        }
    }

    /// Our way: an entry counts while its backend is in service; any node takes
    /// over any flow; nothing is refused for want of an entry.
    #[inline(always)]
    fn plan_own(&self, target: &ServiceFlow, segment: Segment, found: Option<&Found>) -> Plan {
        let service = &self.services[target.place];
        let Some(found) = found else {
            let (choice, entered) = begin(target.kind, segment);
            return self.by_table(service, target, choice, |backend| match entered {
                true => Entry::Insert(backend),
                false => Entry::Untouched,
            });
        };
        let is_transport = target.kind == PacketKind::Transport;
        match self.state_of(found.backend) {
            // A stranger can forge a reset and a SYN after it, but not move the flow
            // with them: an active backend keeps it, and gets a new flow on its ports too.
            BackendState::Active if is_transport && reopens(segment, found.state) => Plan {
                action: Action::Forward { backend: found.backend, choice: Choice::New },
                entry: Entry::Observe(found.handle),
            },
            BackendState::Active => existing(found, is_transport),
            BackendState::Drain if !(is_transport && reopens(segment, found.state)) => {
                existing(found, is_transport)
            }
            // The client uses an old port anew, and who drains gets no new flow.
            BackendState::Drain => {
                self.by_table(service, target, Choice::New, |backend| Entry::Rebind(found.handle, backend))
            }
            BackendState::Down if is_transport => {
                let rebind = |backend| Entry::Rebind(found.handle, backend);
                self.by_table(service, target, Choice::Rechosen, rebind)
            }
            BackendState::Down => self.by_table(service, target, Choice::Untracked, |_| Entry::Untouched),
        }
    }

    /// The kernel's way. "Down" is a deleted destination, "drain" one of weight 0.
    #[inline(never)]
    fn plan_ipvs(
        &self,
        options: IpvsOptions,
        target: ServiceFlow,
        segment: Segment,
        found: Option<Found>,
    ) -> Plan {
        let service = &self.services[target.place];
        let Some(found) = found else { return self.plan_ipvs_new(options, &target, segment) };
        let is_transport = target.kind == PacketKind::Transport;
        let state = self.state_of(found.backend);
        match state {
            // The packet does not restart the entry's timer: it will be gone in the end.
            BackendState::Down if !options.expire_nodest_conn => Plan::drop(DropReason::BackendGone),
            // The entry is expired at once and the packet starts over; without
            // conntrack (as a balancer runs) it is not dropped.
            BackendState::Down => match self.plan_ipvs_new(options, &target, segment).action {
                Action::Forward { backend, .. } if is_transport => Plan {
                    action: Action::Forward { backend, choice: Choice::Rechosen },
                    entry: Entry::Rebind(found.handle, backend),
                },
                action => Plan { action, entry: Entry::Forget(found.handle) },
            },
            BackendState::Active | BackendState::Drain
                if is_transport
                    && (kernel_reopens(segment, found.state)
                        || segment.opens() && options.expire_nodest_conn && state == BackendState::Drain) =>
            {
                let rebind = |backend| Entry::Rebind(found.handle, backend);
                self.by_table(service, &target, Choice::New, rebind)
            }
            BackendState::Active | BackendState::Drain => existing(&found, is_transport),
        }
    }

    /// Without an entry the kernel schedules what opens a flow, and the rest
    /// only if it is told to be sloppy.
    fn plan_ipvs_new(&self, options: IpvsOptions, target: &ServiceFlow, segment: Segment) -> Plan {
        let (choice, entered) = begin(target.kind, segment);
        let service = &self.services[target.place];
        match (target.kind, segment) {
            (PacketKind::Error, _) if !options.schedule_icmp => {
                return Plan::pass(PassReason::IcmpNotScheduled);
            }
            // The kernel enters a flow from what an error quotes.
            (PacketKind::Error, _) => {
                return self.by_table(service, target, Choice::PickedUp, Entry::Insert);
            }
            (PacketKind::Transport, Segment::Tcp(TcpEvent::Rst)) => {
                return Plan::pass(PassReason::NoEntry);
            }
            (PacketKind::Transport, Segment::Tcp(event)) if event != TcpEvent::Syn && !options.sloppy_tcp => {
                return Plan::pass(PassReason::NoEntry);
            }
            (PacketKind::Transport, Segment::Sctp(class)) if class != SctpClass::Init => {
                return Plan::pass(PassReason::NoEntry);
            }
            (PacketKind::Transport | PacketKind::LaterFragment { .. }, _) => {}
        }
        self.by_table(service, target, choice, |backend| match entered {
            true => Entry::Insert(backend),
            false => Entry::Untouched,
        })
    }

    #[inline(always)]
    fn by_table(
        &self,
        service: &Service,
        target: &ServiceFlow,
        choice: Choice,
        entry: impl FnOnce(BackendId) -> Entry,
    ) -> Plan {
        match service.scheduler.schedule(&target.flow) {
            Some(place) => {
                let backend = service.backends[place];
                Plan { action: Action::Forward { backend, choice }, entry: entry(backend) }
            }
            None => Plan { action: Action::NoBackend, entry: Entry::Untouched },
        }
    }

    /// The state of the backend that an entry names.
    #[inline]
    fn state_of(&self, id: BackendId) -> BackendState {
        self.backends.find(id).map_or(BackendState::Down, super::registry::Backend::state)
    }
}

impl Plan {
    const fn pass(reason: PassReason) -> Self {
        Self { action: Action::Pass(reason), entry: Entry::Untouched }
    }

    const fn drop(reason: DropReason) -> Self {
        Self { action: Action::Drop(reason), entry: Entry::Untouched }
    }
}

/// On to the backend that the entry names; only a transport header keeps the
/// entry alive, since anybody can send an error or a fragment.
#[inline(always)]
const fn existing(found: &Found, is_transport: bool) -> Plan {
    let entry = if is_transport { Entry::Observe(found.handle) } else { Entry::Untouched };
    Plan { action: Action::Forward { backend: found.backend, choice: Choice::Existing }, entry }
}

/// How a flow without an entry begins with this packet, and whether it gets one.
#[inline]
const fn begin(kind: PacketKind, segment: Segment) -> (Choice, bool) {
    match (kind, segment) {
        // An entry is for whoever sends transport headers; a reset ends more than it begins.
        (PacketKind::LaterFragment { .. } | PacketKind::Error, _)
        | (PacketKind::Transport, Segment::Tcp(TcpEvent::Rst))
        | (PacketKind::Transport, Segment::Sctp(SctpClass::Abort | SctpClass::ShutdownComplete))
        | (PacketKind::Transport, Segment::Other) => (Choice::Untracked, false),
        (PacketKind::Transport, Segment::Udp) => (Choice::New, true),
        (PacketKind::Transport, Segment::Tcp(_) | Segment::Sctp(_)) => {
            (if segment.opens() { Choice::New } else { Choice::PickedUp }, true)
        }
    }
}

/// Whether a packet opens a flow where another one has ended.
#[inline]
const fn reopens(segment: Segment, previous: State) -> bool {
    segment.opens()
        && matches!(
            previous,
            State::Tcp(TcpState::FinWait | TcpState::Closed)
                | State::Sctp(SctpState::Shutdown | SctpState::Closed)
        )
}

/// The kernel's `is_new_conn_expected` with `conn_reuse_mode` 1, its default.
///
/// With direct return a closed connection waits in FIN_WAIT, which does not
/// count in this mode: a port used anew goes where the old flow went.
const fn kernel_reopens(segment: Segment, previous: State) -> bool {
    segment.opens()
        && matches!(
            previous,
            State::IpvsTcp(IpvsTcpState::TimeWait | IpvsTcpState::Close)
                | State::IpvsSctp(IpvsSctpState::Closed)
        )
}
