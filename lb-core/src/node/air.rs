//! What is on the air: the announcer is told what stands, and its routes are passed on.
//!
//! The node adds one thing to what its services say: a VIP that is not
//! announced is not known to stand before the kernel holds everything for it,
//! and one that is announced falls if the kernel loses what carries it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::Node;
use super::action::Action;
use super::event::Event;
use super::kernel::KernelPhase;
use super::status::Life;
use super::vip::Vip;
use crate::announce::{self, VipState};
use crate::config::ServiceAddress;
use crate::health::ServiceState;
use crate::time::Time;

/// How long a new VIP waits for a first word of all of its services: longer than
/// most first checks take, and no longer than a person waits.
const PATIENCE: Duration = Duration::from_secs(10);

impl Node {
    /// Ends the patience with VIPs whose time has come, which are judged again then.
    pub(super) fn end_patience(&mut self, now: Time) {
        if self.pending.patience.is_none_or(|until| now < until) {
            return;
        }
        for (address, vip) in &mut self.vips {
            if vip.patient_until.is_some_and(|until| until <= now) {
                vip.patient_until = None;
                self.pending.vips.insert(*address);
            }
        }
        self.pending.patience = self.vips.values().filter_map(|vip| vip.patient_until).min();
    }

    /// Whether it serves no more: on its way out, or taken out by hand.
    pub(super) fn is_leaving(&self) -> bool {
        self.drained || self.life != Life::Running
    }

    /// Tells the announcer which services there are.
    pub(super) fn configure_air(&mut self, now: Time) {
        for vip in self.vips.values_mut() {
            vip.services.clear();
        }
        for service in self.services.keys() {
            let vip = self.vips.entry(service.address).or_insert_with(|| {
                self.pending.patience = self.pending.patience.or(Some(now + PATIENCE));
                Vip { patient_until: Some(now + PATIENCE), ..Vip::default() }
            });
            vip.services.insert(*service);
        }
        let services: Vec<ServiceAddress> = self.services.keys().copied().collect();
        self.announcer.configure(now, self.config.announce.clone(), services);
        // a VIP that is gone has no state any more, and so no word of its end
        let gone: Vec<IpAddr> =
            self.vips.iter().filter(|(_, vip)| vip.services.is_empty()).map(|(vip, _)| *vip).collect();
        for address in gone {
            self.pending.orphans = true;
            self.note_state(now, address, VipState::Announced, VipState::Draining);
        }
        self.pending.vips.extend(self.vips.keys());
    }

    /// Tells the announcer how the services of VIPs stand that may stand otherwise than it knows.
    pub(super) fn judge_vips(&mut self, now: Time) {
        let changed = core::mem::take(&mut self.pending.vips);
        for address in changed {
            for (service, state) in self.states(address) {
                self.announcer.handle_service(now, service, state);
            }
        }
        self.pass_on(now);
    }

    /// The services of a VIP as the announcer is to know them.
    fn states(&mut self, address: IpAddr) -> Vec<(ServiceAddress, ServiceState)> {
        let Some(vip) = self.vips.get(&address) else { return Vec::new() };
        let state = |service: &ServiceAddress| {
            let state = self.services.get(service).map_or(ServiceState::Unknown, |found| found.state());
            (*service, state)
        };
        let states: Vec<_> = vip.services.iter().map(state).collect();
        if vip.announced {
            let broken = |(service, _)| (service, ServiceState::Down);
            return if vip.broken { states.into_iter().map(broken).collect() } else { states };
        }
        // nothing is announced before its kernel state is programmed; and while
        // writes are under way, they may take what is believed to be there
        let unknown = states.iter().any(|(_, state)| *state == ServiceState::Unknown);
        let patient = vip.patient_until.is_some() && unknown;
        let is_writing = self.kernel.phase() == KernelPhase::Writing;
        let ready = !patient && !is_writing && self.holds(address);
        let known = |(service, state): (ServiceAddress, ServiceState)| {
            let waits = state.stands() && !(ready && self.carries(service));
            (service, if waits { ServiceState::Unknown } else { state }, waits)
        };
        let known: Vec<_> = states.into_iter().map(known).collect();
        if known.iter().any(|(_, _, waits)| *waits) {
            let waits = if is_writing { &mut self.pending.behind } else { &mut self.pending.waiting };
            waits.insert(address);
        }
        known.into_iter().map(|(service, state, _)| (service, state)).collect()
    }

    /// Passes on routes and facts of the announcer.
    pub(super) fn pass_on(&mut self, now: Time) {
        while let Some(transmit) = self.announcer.poll_transmit() {
            self.actions.push_back(match transmit {
                announce::Transmit::Announce { prefix, route } => Action::Announce { prefix, route },
                announce::Transmit::Withdraw { prefix } => Action::Withdraw { prefix },
            });
        }
        while let Some(event) = self.announcer.poll_event() {
            match event {
                announce::Event::StateChanged { vip, from, to } => self.note_state(now, vip, from, to),
                // the node waits for its own VIPs, those that left the configuration too
                announce::Event::NodeDrained => {}
            }
        }
    }

    fn note_state(&mut self, now: Time, address: IpAddr, from: VipState, to: VipState) {
        let Some(vip) = self.vips.get_mut(&address) else { return };
        let announced = to == VipState::Announced;
        if vip.announced && !announced {
            vip.withdrawn = Some(now);
            // to come back takes more than to stay
            self.pending.vips.insert(address);
        } else if vip.announced == announced && from == VipState::Announced {
            return; // one that left without ever having been announced
        }
        vip.announced = announced;
        vip.patient_until = vip.patient_until.filter(|_| !announced);
        vip.broken = false;
        self.events.push_back(Event::VipChanged { vip: address, from, to });
    }

    /// After writes: VIPs that waited for their end, or for what they did, are judged again.
    pub(super) fn kernel_changed(&mut self, vips: &BTreeSet<IpAddr>) {
        self.pending.vips.append(&mut self.pending.behind);
        let waiting = &mut self.pending.waiting;
        self.pending.vips.extend(vips.iter().filter(|vip| waiting.remove(vip)));
    }

    /// After anything may have become of the kernel: all VIPs that wait for it are judged again.
    pub(super) fn judge_waiting(&mut self) {
        self.pending.vips.append(&mut self.pending.behind);
        self.pending.vips.append(&mut self.pending.waiting);
    }

    /// After a failure: an announced VIP that the kernel no longer carries is broken.
    pub(super) fn judge_broken(&mut self) {
        let local = |vip: &IpAddr| self.kernel.believed().addresses.contains(vip);
        let carried = |vip: &Vip| vip.services.iter().any(|service| self.carries(*service));
        let broken = self.vips.iter().filter(|(address, vip)| !local(address) || !carried(vip));
        let broken: BTreeSet<IpAddr> = broken.map(|(address, _)| *address).collect();
        for (address, vip) in &mut self.vips {
            vip.broken = vip.announced && broken.contains(address);
        }
        self.pending.vips.extend(broken);
    }
}
