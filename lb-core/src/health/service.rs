//! One service's health: the sum of its backends, against two marks and a panic.
//!
//! The state says whether the service stands (is announced, is in DNS). Beside
//! it the machine says which backends take traffic: those in service, or in a
//! panic all that ever proved themselves and are not taken out by hand, because
//! too few healthy ones would only be crushed (Envoy's panic threshold). A
//! service that is down goes on serving what still arrives. There is nothing to
//! wait for, so it has no timers.

use alloc::collections::{BTreeMap, BTreeSet};

use super::backend::Report;
use super::policy::{ServicePolicy, is_reached};
use super::state::HealthState;
use crate::config::BackendState;
use crate::identity::{BackendId, Weight};

/// Whether a service stands.
///
/// Shares are of the backends' configured weight; what is disabled by hand is
/// part of the whole, for the capacity is missing whatever the reason.
///
/// ```text
///      all known, share >= high                share < panic
///  Unknown ------------------> Up ------------------------------> Panic
///     |                        ^ |  <----------------------------   |
///     | all known,  share      | |   share >= high and >= panic     |
///     | < high      >= high    | | share < low                      |
///     v                        | v                                  |
///    Down ---------------------+ Down <-----------------------------+
///                                               share < low
/// ```
///
/// A service that begins waits until something is known of every backend, though
/// the mark be reached before: connections that other nodes have with backends
/// of which this one knows nothing would be sent to those that it knows.
///
/// Without a low mark any backend in service keeps the service up; a low mark
/// of 0 never takes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceState {
    /// Too little is in service: withdraw it.
    Down,
    /// It stands, and too little is in service to believe it: traffic to all.
    Panic,
    /// Not enough is known yet: not announced.
    Unknown,
    /// It stands.
    Up,
}

/// What a backend of the service is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offer {
    /// Which flows.
    pub traffic: BackendState,
    /// With what weight for new ones.
    pub weight: Weight,
}

/// A fact about a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceEvent {
    /// The service's state changed.
    StateChanged {
        /// The state that was told last.
        from: ServiceState,
        /// The state now.
        to: ServiceState,
    },
    /// A backend is to be given something else than before.
    OfferChanged {
        /// Which.
        backend: BackendId,
        /// What.
        offer: Offer,
    },
}

/// The health machine of one service.
///
/// Tell it every backend's [`Report`] when that changes; then drain
/// [`poll_event`](Self::poll_event): the service's state first, then what each
/// backend is to be given, by id. What is not drained is merged.
///
/// ```
/// use lb_core::config::BackendState;
/// use lb_core::health::{
///     HealthFile, HealthState, Offer, Report, ServiceEvent, ServiceHealth, ServiceState,
/// };
/// use lb_core::{BackendId, Weight};
///
/// let mut service = ServiceHealth::new(HealthFile::default().service_policy()?);
/// for (id, state) in [(1, HealthState::Up), (0, HealthState::Down)] {
///     let report = Report { state, full: Weight(1), weight: Weight(1) };
///     service.handle_report(BackendId(id), report);
/// }
/// assert_eq!(service.state(), ServiceState::Up);
///
/// let (from, to) = (ServiceState::Unknown, ServiceState::Up);
/// assert_eq!(service.poll_event(), Some(ServiceEvent::StateChanged { from, to }));
/// let told: Vec<_> = core::iter::from_fn(|| service.poll_event()).collect();
/// let given = |backend, traffic| {
///     let offer = Offer { traffic, weight: Weight(1) };
///     ServiceEvent::OfferChanged { backend: BackendId(backend), offer }
/// };
/// assert_eq!(told, [given(0, BackendState::Down), given(1, BackendState::Active)]);
/// # Ok::<(), lb_core::health::HealthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceHealth {
    policy: ServicePolicy,
    state: ServiceState,
    told_state: ServiceState,
    members: BTreeMap<BackendId, Member>,
    /// Members whose offer may differ from what was told.
    dirty: BTreeSet<BackendId>,
    sums: Sums,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    report: Report,
    /// `None` until told for the first time.
    told: Option<Offer>,
}

/// Sums over the members, kept up to date so that a report costs no walk.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    total: u64,
    in_service: u64,
    /// Weight of members of which nothing is known yet.
    unknown: u64,
}

impl ServiceHealth {
    /// A service without backends: `Unknown`.
    #[must_use]
    pub fn new(policy: ServicePolicy) -> Self {
        Self {
            policy,
            state: ServiceState::Unknown,
            told_state: ServiceState::Unknown,
            members: BTreeMap::new(),
            dirty: BTreeSet::new(),
            sums: Sums::default(),
        }
    }

    /// Takes a backend's report; one not heard of before joins the service.
    pub fn handle_report(&mut self, backend: BackendId, report: Report) {
        let told = match self.members.get(&backend) {
            Some(member) => {
                self.sums.remove(&member.report);
                member.told
            }
            None => None,
        };
        self.sums.add(&report);
        self.members.insert(backend, Member { report, told });
        self.dirty.insert(backend);
        self.reconsider();
    }

    /// Forgets a backend that left the service; nothing more is told of it.
    pub fn handle_removal(&mut self, backend: BackendId) {
        if let Some(member) = self.members.remove(&backend) {
            self.sums.remove(&member.report);
            self.dirty.remove(&backend);
            self.reconsider();
        }
    }

    /// Replaces the policy.
    pub fn handle_policy(&mut self, policy: ServicePolicy) {
        self.policy = policy;
        self.reconsider();
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ServiceEvent> {
        if self.told_state != self.state {
            let from = core::mem::replace(&mut self.told_state, self.state);
            return Some(ServiceEvent::StateChanged { from, to: self.state });
        }
        while let Some(backend) = self.dirty.pop_first() {
            let Some(member) = self.members.get_mut(&backend) else { continue };
            let offer = offer(self.state, &member.report);
            if member.told != Some(offer) {
                member.told = Some(offer);
                return Some(ServiceEvent::OfferChanged { backend, offer });
            }
        }
        None
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> ServiceState {
        self.state
    }

    /// Configured weight in service, and in all.
    #[must_use]
    pub const fn weights(&self) -> (u64, u64) {
        (self.sums.in_service, self.sums.total)
    }

    /// What a backend is to be given; `None` if it is not of this service.
    #[must_use]
    pub fn offer(&self, backend: BackendId) -> Option<Offer> {
        self.members.get(&backend).map(|member| offer(self.state, &member.report))
    }

    /// The one place that assigns the state.
    fn reconsider(&mut self) {
        let next = self.state.after(Level::of(&self.policy, &self.sums));
        if next == self.state {
            return;
        }
        let panics = next == ServiceState::Panic || self.state == ServiceState::Panic;
        self.state = next;
        if panics {
            self.dirty.extend(self.members.keys());
        }
    }
}

impl ServiceState {
    /// The state after the weights have come to `level`.
    const fn after(self, level: Level) -> Self {
        match (self, level) {
            (Self::Unknown, Level::Good) => Self::Up,
            (Self::Unknown, Level::Hopeful | Level::Unclear) => Self::Unknown,
            (Self::Unknown, Level::Fair | Level::Poor | Level::Bad) => Self::Down,

            (Self::Up, Level::Good | Level::Hopeful | Level::Fair | Level::Unclear) => Self::Up,
            (Self::Up, Level::Poor) => Self::Panic,
            (Self::Up, Level::Bad) => Self::Down,

            (Self::Panic, Level::Good | Level::Hopeful) => Self::Up,
            (Self::Panic, Level::Fair | Level::Poor | Level::Unclear) => Self::Panic,
            (Self::Panic, Level::Bad) => Self::Down,

            (Self::Down, Level::Good | Level::Hopeful) => Self::Up,
            (Self::Down, Level::Fair | Level::Poor | Level::Bad | Level::Unclear) => Self::Down,
        }
    }

    /// Whether the service stands: announced, in DNS.
    #[must_use]
    pub const fn stands(self) -> bool {
        match self {
            Self::Up | Self::Panic => true,
            Self::Down | Self::Unknown => false,
        }
    }
}

/// Where the weight in service stands against the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// The high mark is reached, and nothing is unknown.
    Good,
    /// The high mark is reached without counting on anything unknown.
    Hopeful,
    /// Between low (and panic) and high.
    Fair,
    /// Below the panic threshold, even if all that is unknown were good.
    Poor,
    /// Below the low mark, even if all that is unknown were good.
    Bad,
    /// It depends on backends of which nothing is known: no reason to change anything.
    Unclear,
}

impl Level {
    fn of(policy: &ServicePolicy, sums: &Sums) -> Self {
        let hopeful = sums.in_service + sums.unknown;
        if sums.in_service > 0 && is_reached(policy.high, sums.in_service, sums.total) {
            if sums.unknown > 0 { Self::Hopeful } else { Self::Good }
        } else if !policy.low.is_reached(hopeful, sums.total) {
            Self::Bad
        } else if !is_reached(policy.panic, hopeful, sums.total) {
            Self::Poor
        } else if sums.unknown > 0 {
            Self::Unclear
        } else {
            Self::Fair
        }
    }
}

impl Sums {
    fn add(&mut self, report: &Report) {
        let weight = u64::from(report.full.0);
        self.total += weight;
        if let Some(part) = self.part(report.state) {
            *part += weight;
        }
    }

    fn remove(&mut self, report: &Report) {
        let weight = u64::from(report.full.0);
        self.total -= weight;
        if let Some(part) = self.part(report.state) {
            *part -= weight;
        }
    }

    const fn part(&mut self, state: HealthState) -> Option<&mut u64> {
        match state {
            HealthState::Up | HealthState::Suspect { .. } => Some(&mut self.in_service),
            HealthState::Unknown => Some(&mut self.unknown),
            HealthState::Disabled | HealthState::Down | HealthState::Recovering { .. } => None,
        }
    }
}

/// What a backend in `report`'s state is given while the service is in `service`.
const fn offer(service: ServiceState, report: &Report) -> Offer {
    let traffic = match service {
        ServiceState::Panic => match report.state {
            HealthState::Disabled | HealthState::Unknown => BackendState::Drain,
            HealthState::Down
            | HealthState::Recovering { .. }
            | HealthState::Suspect { .. }
            | HealthState::Up => BackendState::Active,
        },
        ServiceState::Down | ServiceState::Unknown | ServiceState::Up => report.state.traffic(),
    };
    Offer { traffic, weight: report.weight }
}

#[cfg(test)]
mod tests;
