//! The machine: hosts and results in, orders and pushes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::group::Group;
use super::schedule::{Ready, STORE_AGAIN};
use super::state::Input;
use super::{CertificateId, Event, Issued, OrderFailure, State, Transmit};
use crate::name::Fqdn;
use crate::provision::Issuer;
use crate::time::{Time, WallTime};

/// The certificates of an access point, from one authority.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::collections::BTreeSet;
/// use std::time::Duration;
/// use mesh_model::api::{self, CaSpec};
/// use mesh_model::certificate::{Certificates, Issued, Transmit};
/// use mesh_model::provision::{Authority, Issuer};
/// use mesh_model::time::Time;
///
/// let issuer = Issuer {
///     name: "corp".parse()?,
///     authority: Authority::Ca(CaSpec { secret: "root".parse()? }),
///     lifetime: Duration::from_secs(90 * 86_400),
///     max_names: 100,
/// };
/// let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse()?);
/// let mut certificates = Certificates::new(&issuer, 7, Vec::new());
/// let host = "shop.example.com".parse()?;
/// certificates.handle_desired(now, wall, &BTreeSet::from([host]));
/// let Some(Transmit::Order { id, hosts }) = certificates.poll_transmit() else { panic!("it is ordered") };
/// let issued = Issued { hosts, serial: "1f".into(), not_before: wall, not_after: wall + issuer.lifetime };
/// certificates.handle_order_result(now, wall, id, Ok(issued));
/// assert!(matches!(certificates.poll_transmit(), Some(Transmit::Store { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Certificates {
    pub(super) seed: u64,
    max_names: usize,
    pub(super) groups: BTreeMap<CertificateId, Group>,
    next_id: u32,
    pub(super) transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    /// Orders that are under way.
    pub(super) under_way: usize,
    /// Certificates that wait for another order to end.
    pub(super) ready: Ready,
    /// When to look at which.
    pub(super) agenda: BTreeSet<(Time, CertificateId)>,
    /// The same by certificate.
    pub(super) looks: BTreeMap<CertificateId, Time>,
}

impl Certificates {
    /// Certificates as they were stored and are served; none at the beginning. Nothing is asked before
    /// [`handle_desired`](Self::handle_desired). The seed spreads renewals: give each access point its own.
    #[must_use]
    pub fn new(issuer: &Issuer, seed: u64, stored: Vec<(CertificateId, Issued)>) -> Self {
        let group = |(id, issued): (CertificateId, Issued)| {
            let group = Group { state: State::Issued, stored: Some(issued), ..Group::new(BTreeSet::new()) };
            (id, group)
        };
        let groups: BTreeMap<CertificateId, Group> = stored.into_iter().map(group).collect();
        let next_id = groups.keys().next_back().map_or(0, |last| last.0.saturating_add(1));
        Self {
            seed,
            max_names: usize::from(issuer.max_names).max(1),
            groups,
            next_id,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            under_way: 0,
            ready: Ready::default(),
            agenda: BTreeSet::new(),
            looks: BTreeMap::new(),
        }
    }

    /// The hosts that are wanted now, all of them.
    pub fn handle_desired(&mut self, now: Time, wall: WallTime, hosts: &BTreeSet<Fqdn>) {
        let mut known = BTreeSet::new();
        for group in self.groups.values_mut() {
            group.wanted.retain(|host| hosts.contains(host));
            known.extend(group.wanted.iter().cloned());
        }
        // first those that a certificate names, so that a group that has come back is known for what it is
        let is_named = |host: &&&Fqdn| self.groups.values().any(|group| group.names(host));
        let new: Vec<&Fqdn> = hosts.difference(&known).collect();
        let (named, unnamed): (Vec<&Fqdn>, Vec<&Fqdn>) = new.iter().partition(is_named);
        for host in named.into_iter().chain(unnamed) {
            self.place(host.clone());
        }
        for group in self.groups.values_mut() {
            group.unwanted_since =
                if group.wanted.is_empty() { group.unwanted_since.or(Some(now)) } else { None };
        }
        let all: Vec<CertificateId> = self.groups.keys().copied().collect();
        self.run(now, wall, all);
    }

    /// What came of an order; one that is not under way is ignored.
    pub fn handle_order_result(
        &mut self,
        now: Time,
        wall: WallTime,
        id: CertificateId,
        result: Result<Issued, OrderFailure>,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(ordered) = group.order.take() else { return };
        self.under_way -= 1;
        let first_new = self.next_id;
        let result = result.and_then(|issued| checked(issued, &ordered));
        match result {
            Ok(issued) => {
                group.again_at = now + STORE_AGAIN;
                group.sign(now, wall, issued.clone(), id, self.seed);
                self.transmits.push_back(Transmit::Store { id, issued });
            }
            Err(failure) => {
                self.events.push_back(Event::OrderFailed { id, failure: failure.clone() });
                self.enter(id, Input::Failed);
                self.fail(now, id, &ordered, failure);
            }
        }
        // with those that were split off
        let touched: Vec<CertificateId> = (first_new..self.next_id).map(CertificateId).chain([id]).collect();
        self.run(now, wall, touched);
    }

    /// What was signed is stored, by its serial number.
    pub fn handle_stored(&mut self, now: Time, wall: WallTime, id: CertificateId, serial: &str) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(issued) = group.signed.take_if(|signed| signed.serial == serial) else { return };
        group.pushing = Some(issued);
        group.again_at = now + STORE_AGAIN;
        self.transmits.push_back(Transmit::Push { id, serial: serial.to_owned() });
        self.run(now, wall, [id]);
    }

    /// All gateways serve what is stored; its predecessor is revoked if it names a host that nobody wants.
    pub fn handle_pushed(&mut self, now: Time, wall: WallTime, id: CertificateId, serial: &str) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(issued) = group.pushing.take_if(|pushing| pushing.serial == serial) else { return };
        if let Some(old) = group.stored.replace(issued) {
            self.revoke(id, &old, wall);
        }
        self.enter(id, Input::Served);
        self.run(now, wall, [id]);
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time, wall: WallTime) {
        self.run(now, wall, []);
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What has come to pass.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The certificate that gateways serve for a host: the one that lasts longest; `None` before there is one.
    #[must_use]
    pub fn serving(&self, wall: WallTime, host: &Fqdn) -> Option<(CertificateId, &Issued)> {
        let served = self.groups.iter().filter_map(|(id, group)| Some((*id, group.stored.as_ref()?)));
        let valid = served.filter(|(_, issued)| issued.hosts.contains(host) && wall < issued.not_after);
        valid.max_by_key(|(id, issued)| (issued.not_after, std::cmp::Reverse(*id)))
    }

    /// The state of each certificate, the hosts that it is for, and why its last order failed.
    pub fn states(
        &self,
    ) -> impl Iterator<Item = (CertificateId, State, &BTreeSet<Fqdn>, Option<&OrderFailure>)> {
        self.groups.iter().map(|(id, group)| (*id, group.state, &group.wanted, group.failure.as_ref()))
    }

    /// Puts a host into a group: one that names it, one with room, or a new one.
    fn place(&mut self, host: Fqdn) {
        let max = self.max_names;
        let fits = |group: &&mut Group| group.names(&host) && group.wanted.len() < max;
        let end = |group: &&mut Group| group.stored.as_ref().map(|stored| stored.not_after);
        if let Some(group) = self.groups.values_mut().filter(fits).max_by_key(end) {
            group.wanted.insert(host);
            return;
        }
        match self.groups.values_mut().find(|group| group.has_room(max)) {
            Some(group) => {
                group.wanted.insert(host);
            }
            None => {
                self.add(Group::new(BTreeSet::from([host])));
            }
        }
    }

    /// Has a certificate revoked that names a host that nobody wants, unless it has ended.
    pub(super) fn revoke(&mut self, id: CertificateId, issued: &Issued, wall: WallTime) {
        let is_wanted = |host: &Fqdn| self.groups.values().any(|group| group.wanted.contains(host));
        if wall < issued.not_after && !issued.hosts.iter().all(is_wanted) {
            self.transmits.push_back(Transmit::Revoke { id, serial: issued.serial.clone() });
        }
    }

    /// Whether some other group's host is served by this certificate alone.
    pub(super) fn is_needed(&self, id: CertificateId, wall: WallTime) -> bool {
        let Some(group) = self.groups.get(&id) else { return false };
        let Some(stored) = group.stored.as_ref().filter(|stored| wall < stored.not_after) else {
            return false;
        };
        stored.hosts.difference(&group.wanted).any(|host| {
            let others = || self.groups.iter().filter(|(other, _)| **other != id).map(|(_, group)| group);
            let serves = |issued: &Issued| issued.hosts.contains(host) && wall < issued.not_after;
            others().any(|group| group.wanted.contains(host))
                && !others().any(|group| group.stored.as_ref().is_some_and(serves))
        })
    }

    pub(super) fn add(&mut self, group: Group) -> CertificateId {
        let id = CertificateId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        self.groups.insert(id, group);
        id
    }

    /// Lets failed hosts alone, each by itself, or all wait where it is nobody's fault.
    fn fail(&mut self, now: Time, id: CertificateId, ordered: &BTreeSet<Fqdn>, failure: OrderFailure) {
        let seed = self.seed;
        let Some(group) = self.groups.get_mut(&id) else { return };
        let mut culprits: Vec<(Fqdn, String)> = match &failure {
            OrderFailure::Authority { .. } => Vec::new(),
            OrderFailure::Hosts { failed } => {
                let is_here = |host: &Fqdn| ordered.contains(host) && group.wanted.contains(host);
                failed.clone().into_iter().filter(|(host, _)| is_here(host)).collect()
            }
        };
        if culprits.is_empty() {
            return group.fail(now, failure, id, seed);
        }
        if culprits.len() == group.wanted.len() {
            // nobody is left without them: the last stays where it is
            let failed = culprits.pop().into_iter().collect();
            group.fail(now, OrderFailure::Hosts { failed }, id, seed);
        }
        for (host, reason) in culprits {
            let Some(group) = self.groups.get_mut(&id) else { return };
            group.wanted.remove(&host);
            let failed = BTreeMap::from([(host.clone(), reason)]);
            let alone = self.add(Group { is_alone: true, ..Group::new(BTreeSet::from([host])) });
            self.enter(alone, Input::Due); // it was ordered with the others
            self.enter(alone, Input::Failed);
            if let Some(group) = self.groups.get_mut(&alone) {
                group.fail(now, OrderFailure::Hosts { failed }, alone, seed);
            }
        }
    }

    /// The one place where a state changes.
    pub(super) fn enter(&mut self, id: CertificateId, input: Input) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let from = group.state;
        let to = from.next(input);
        if from != to {
            group.state = to;
            self.events.push_back(Event::State { id, from, to });
        }
    }
}

/// What was signed, if it is what was asked for.
fn checked(issued: Issued, ordered: &BTreeSet<Fqdn>) -> Result<Issued, OrderFailure> {
    let reason = if !ordered.is_subset(&issued.hosts) {
        "it signed other hosts than it was asked for"
    } else if issued.not_after <= issued.not_before {
        "it signed a certificate that ends before it begins"
    } else {
        return Ok(issued);
    };
    Err(OrderFailure::Authority { reason: reason.to_owned(), retry_after: None })
}
