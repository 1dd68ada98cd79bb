//! All VIPs of a node: what their services say, in; routes to tell, out.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;

use ipnet::IpNet;

use super::config::{AnnounceConfig, Policy};
use super::damping::Penalty;
use super::vip::{Input, Verdict, VipState};
use crate::bgp::Route;
use crate::config::ServiceAddress;
use crate::health::ServiceState;
use crate::time::Time;

/// The machine that decides what a node announces.
///
/// Tell it the node's services ([`configure`](Self::configure)) and their
/// states ([`handle_service`](Self::handle_service)); after each call drain
/// [`poll_transmit`](Self::poll_transmit), then [`poll_event`](Self::poll_event),
/// then read [`poll_timeout`](Self::poll_timeout). Routes that come and go
/// between two drains are never told.
///
/// To take a VIP or the node out without losing a connection: ask for the
/// drain, carry out the withdrawal, say [`handle_withdrawn`](Self::handle_withdrawn),
/// and take nothing away before [`VipState::Drained`] or [`Event::NodeDrained`].
///
/// ```
/// use lb_core::Time;
/// use lb_core::announce::{AnnounceConfig, Announcer, Event, Transmit, VipState};
/// use lb_core::config::ServiceAddress;
/// use lb_core::health::ServiceState;
///
/// let service: ServiceAddress = "203.0.113.10:443/tcp".parse()?;
/// let mut announcer = Announcer::new(AnnounceConfig::default());
/// announcer.configure(Time::ZERO, AnnounceConfig::default(), [service]);
/// assert_eq!(announcer.poll_transmit(), None, "nothing is known of it");
///
/// announcer.handle_service(Time::ZERO, service, ServiceState::Up);
/// let Some(Transmit::Announce { prefix, .. }) = announcer.poll_transmit() else { panic!("it stands") };
/// assert_eq!(prefix.to_string(), "203.0.113.10/32");
///
/// announcer.handle_node_drain(Time::ZERO, true);
/// assert_eq!(announcer.poll_transmit(), Some(Transmit::Withdraw { prefix }));
/// announcer.handle_withdrawn(Time::ZERO, prefix);
/// announcer.handle_timeout(announcer.poll_timeout().expect("the drain delay runs"));
/// let last = core::iter::from_fn(|| announcer.poll_event()).last();
/// assert_eq!(last, Some(Event::NodeDrained));
/// # Ok::<(), lb_core::config::ParseServiceAddressError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Announcer {
    config: AnnounceConfig,
    vips: BTreeMap<IpAddr, Vip>,
    /// How many announced VIPs each prefix stands for.
    holders: BTreeMap<IpNet, u32>,
    told: BTreeMap<IpNet, Route>,
    /// Prefixes whose route may differ from what was told.
    dirty: BTreeSet<IpNet>,
    /// VIPs whose state may differ from what was told.
    changed: BTreeSet<IpAddr>,
    deadlines: BTreeSet<(Time, IpAddr)>,
    draining: bool,
    drained_told: bool,
    maintenance: bool,
}

/// What is to be told to the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Announce a prefix, or change what its route says.
    Announce {
        /// Which.
        prefix: IpNet,
        /// What its route says of itself.
        route: Route,
    },
    /// Withdraw a prefix; then say [`Announcer::handle_withdrawn`].
    Withdraw {
        /// Which.
        prefix: IpNet,
    },
}

/// A fact about what is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state of a VIP changed.
    StateChanged {
        /// Which.
        vip: IpAddr,
        /// The state that was told last.
        from: VipState,
        /// The state now.
        to: VipState,
    },
    /// All VIPs are drained: the node may stop.
    NodeDrained,
}

#[derive(Clone, Debug)]
struct Vip {
    services: BTreeMap<ServiceAddress, ServiceState>,
    state: VipState,
    told: VipState,
    draining: bool,
    penalty: Penalty,
    /// Its entry among the deadlines.
    deadline: Option<Time>,
}

impl Announcer {
    /// A node without services.
    #[must_use]
    pub const fn new(config: AnnounceConfig) -> Self {
        Self {
            config,
            vips: BTreeMap::new(),
            holders: BTreeMap::new(),
            told: BTreeMap::new(),
            dirty: BTreeSet::new(),
            changed: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            draining: false,
            drained_told: false,
            maintenance: false,
        }
    }

    /// Takes settings and the node's services: all of them, so that a VIP is
    /// not announced for the first that is heard of.
    ///
    /// A new service is unknown; a VIP without services is withdrawn and
    /// forgotten (drain it first to lose no connection).
    pub fn configure(
        &mut self,
        now: Time,
        config: AnnounceConfig,
        services: impl IntoIterator<Item = ServiceAddress>,
    ) {
        let announced: BTreeSet<IpAddr> = self.announced().collect();
        announced.iter().for_each(|vip| self.release(*vip));
        self.config = config;
        announced.iter().for_each(|vip| self.hold(*vip));
        self.dirty.extend(self.told.keys());

        let mut wanted: BTreeMap<IpAddr, BTreeSet<ServiceAddress>> = BTreeMap::new();
        for service in services {
            wanted.entry(service.address).or_default().insert(service);
        }
        let gone: BTreeSet<IpAddr> =
            self.vips.keys().filter(|vip| !wanted.contains_key(vip)).copied().collect();
        gone.into_iter().for_each(|vip| self.forget(vip));
        for (address, services) in wanted {
            let vip = self.vips.entry(address).or_insert_with(Vip::new);
            vip.services.retain(|service, _| services.contains(service));
            for service in services {
                vip.services.entry(service).or_insert(ServiceState::Unknown);
            }
            if self.draining && !vip.state.is_draining() {
                self.apply(now, address, Input::Drain);
            }
            self.judge(now, address);
        }
        self.drained_told &= self.is_drained();
    }

    /// Takes the state of a service; one that is not configured is ignored.
    pub fn handle_service(&mut self, now: Time, service: ServiceAddress, state: ServiceState) {
        let known = self.vips.get_mut(&service.address).and_then(|vip| vip.services.get_mut(&service));
        if let Some(known) = known
            && *known != state
        {
            *known = state;
            self.judge(now, service.address);
        }
    }

    /// Begins or ends the drain of one VIP.
    pub fn handle_vip_drain(&mut self, now: Time, vip: IpAddr, drain: bool) {
        if let Some(known) = self.vips.get_mut(&vip) {
            known.draining = drain;
            self.reconsider_drain(now, vip);
        }
    }

    /// Begins or ends the drain of the node.
    pub fn handle_node_drain(&mut self, now: Time, drain: bool) {
        (self.draining, self.drained_told) = (drain, self.drained_told && drain);
        let vips: BTreeSet<IpAddr> = self.vips.keys().copied().collect();
        vips.into_iter().for_each(|vip| self.reconsider_drain(now, vip));
    }

    /// Begins or ends maintenance: everything stays announced, but as the last
    /// resort (the community of RFC 8326), so that traffic moves where there is
    /// another node and stays where there is none.
    pub fn handle_maintenance(&mut self, maintenance: bool) {
        self.maintenance = maintenance;
        self.dirty.extend(self.told.keys());
    }

    /// The withdrawal of a prefix was handed to all peers that had it; the
    /// drain delay of its VIP begins.
    pub fn handle_withdrawn(&mut self, now: Time, prefix: IpNet) {
        if prefix.prefix_len() == prefix.max_prefix_len() {
            self.apply(now, prefix.addr(), Input::Acknowledged);
        }
    }

    /// Does what is due: a drain delay that is over, a penalty that is served.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((deadline, address)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.remove(&(deadline, address));
            let Some(vip) = self.vips.get_mut(&address) else { continue };
            vip.deadline = None;
            self.apply(now, address, Input::Elapsed);
            self.judge(now, address);
        }
    }

    /// The next thing to tell the peers, by prefix.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(prefix) = self.dirty.pop_first() {
            let wanted = self.holders.contains_key(&prefix).then(|| self.route_of(&prefix));
            match (self.told.get(&prefix), wanted) {
                (None, None) => {}
                (Some(told), Some(wanted)) if *told == wanted => {}
                (_, Some(route)) => {
                    self.told.insert(prefix, route.clone());
                    return Some(Transmit::Announce { prefix, route });
                }
                (Some(_), None) => {
                    self.told.remove(&prefix);
                    return Some(Transmit::Withdraw { prefix });
                }
            }
        }
        None
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(address) = self.changed.pop_first() {
            let Some(vip) = self.vips.get_mut(&address) else { continue };
            let from = core::mem::replace(&mut vip.told, vip.state);
            if from != vip.state {
                return Some(Event::StateChanged { vip: address, from, to: vip.state });
            }
        }
        if !self.drained_told && self.is_drained() {
            self.drained_told = true;
            return Some(Event::NodeDrained);
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next needed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The state of a VIP.
    #[must_use]
    pub fn state(&self, vip: IpAddr) -> Option<VipState> {
        self.vips.get(&vip).map(|vip| vip.state)
    }

    /// When a suppressed VIP may be announced again.
    #[must_use]
    pub fn suppressed_until(&self, vip: IpAddr) -> Option<Time> {
        let vip = self.vips.get(&vip).filter(|vip| vip.state == VipState::Suppressed)?;
        vip.deadline
    }

    /// A VIP's penalty for falling, 0 where there is no damping.
    #[must_use]
    pub fn penalty(&self, now: Time, vip: IpAddr) -> u32 {
        let damping = self.config.damping.as_ref();
        self.vips.get(&vip).zip(damping).map_or(0, |(vip, damping)| vip.penalty.value(now, damping))
    }

    /// All VIPs and their states, by address.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, VipState)> {
        self.vips.iter().map(|(address, vip)| (*address, vip.state))
    }

    /// Whether the node was drained, and all its VIPs are.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.draining && self.vips.values().all(|vip| vip.state == VipState::Drained)
    }

    fn announced(&self) -> impl Iterator<Item = IpAddr> {
        self.iter().filter(|(_, state)| *state == VipState::Announced).map(|(address, _)| address)
    }

    fn route_of(&self, prefix: &IpNet) -> Route {
        let mut route = self.config.route_of(prefix);
        route.graceful_shutdown |= self.maintenance;
        route
    }

    /// Gives a VIP the state of its services, unless it is being drained.
    fn judge(&mut self, now: Time, address: IpAddr) {
        if let Some(verdict) = self.verdict(now, address) {
            self.apply(now, address, Input::Judged(verdict));
        }
    }

    fn reconsider_drain(&mut self, now: Time, address: IpAddr) {
        let Some(vip) = self.vips.get(&address) else { return };
        let wanted = self.draining || vip.draining;
        match (vip.state.is_draining(), wanted, self.verdict(now, address)) {
            (false, true, _) => self.apply(now, address, Input::Drain),
            (true, false, Some(verdict)) => self.apply(now, address, Input::Undrain(verdict)),
            (true, false, None) | (false, false, _) | (true, true, _) => {}
        }
    }

    fn verdict(&self, now: Time, address: IpAddr) -> Option<Verdict> {
        let vip = self.vips.get(&address)?;
        let verdict = vip.verdict(self.config.policy_of(address));
        let waits = self.config.damping.is_some() && vip.penalty.waits_until(now).is_some();
        Some(if verdict == Verdict::Stands && waits { Verdict::Damped } else { verdict })
    }

    /// The one place that assigns a VIP's state.
    fn apply(&mut self, now: Time, address: IpAddr, input: Input) {
        let Some(vip) = self.vips.get_mut(&address) else { return };
        let (from, to) = (vip.state, vip.state.after(input));
        if from == to {
            return;
        }
        vip.state = to;
        if let (VipState::Announced | VipState::Suppressed, VipState::Down, Some(damping)) =
            (from, to, &self.config.damping)
        {
            vip.penalty.fall(now, damping);
        }
        let deadline = match to {
            VipState::Draining => Some(now + self.config.drain_delay),
            VipState::Suppressed => vip.penalty.waits_until(now),
            VipState::Announced
            | VipState::Down
            | VipState::Drained
            | VipState::Unknown
            | VipState::Withdrawing => None,
        };
        if let Some(before) = core::mem::replace(&mut vip.deadline, deadline) {
            self.deadlines.remove(&(before, address));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, address)));
        self.changed.insert(address);
        if from == VipState::Announced {
            self.release(address);
        } else if to == VipState::Announced {
            self.hold(address);
        }
        // What no peer has heard, or what an aggregate hides, needs no word.
        if to == VipState::Withdrawing && !self.told.contains_key(&IpNet::from(address)) {
            self.apply(now, address, Input::Acknowledged);
        }
    }

    fn hold(&mut self, address: IpAddr) {
        for prefix in self.config.prefixes_of(address) {
            *self.holders.entry(prefix).or_default() += 1;
            self.dirty.insert(prefix);
        }
    }

    fn release(&mut self, address: IpAddr) {
        for prefix in self.config.prefixes_of(address) {
            if let Some(holders) = self.holders.get_mut(&prefix) {
                *holders -= 1;
                if *holders == 0 {
                    self.holders.remove(&prefix);
                }
            }
            self.dirty.insert(prefix);
        }
    }

    fn forget(&mut self, address: IpAddr) {
        let Some(vip) = self.vips.remove(&address) else { return };
        if let Some(deadline) = vip.deadline {
            self.deadlines.remove(&(deadline, address));
        }
        if vip.state == VipState::Announced {
            self.release(address);
        }
    }
}

impl Vip {
    fn new() -> Self {
        Self {
            services: BTreeMap::new(),
            state: VipState::Unknown,
            told: VipState::Unknown,
            draining: false,
            penalty: Penalty::default(),
            deadline: None,
        }
    }

    /// What the services amount to, its past apart.
    fn verdict(&self, policy: Policy) -> Verdict {
        let mut verdicts = self.services.values().map(|state| match state {
            ServiceState::Up | ServiceState::Panic => Verdict::Stands,
            ServiceState::Down => Verdict::Falls,
            ServiceState::Unknown => Verdict::Unknown,
        });
        // One of the first decides, then one that is not known; the last only if all are so.
        let (first, last) = match policy {
            Policy::All => (Verdict::Falls, Verdict::Stands),
            Policy::Any => (Verdict::Stands, Verdict::Falls),
        };
        let mut open = false;
        let decided = verdicts.any(|verdict| {
            open |= verdict == Verdict::Unknown;
            verdict == first
        });
        match (decided, open) {
            (true, _) => first,
            (false, true) => Verdict::Unknown,
            (false, false) => last,
        }
    }
}

#[cfg(test)]
mod tests;
