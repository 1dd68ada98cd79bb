//! The kernel brought up to date: the writes between what it holds and what it is to hold.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::action::{Action, Write};
use super::event::Event;
use super::kernel::KernelPhase;
use super::settle::presence;
use super::status::Life;
use super::sysctl::Sysctl;
use super::vip::Vip;
use super::{Node, interim};
use crate::config::ServiceAddress;
use crate::ipvs::{Desired, ServiceKey};
use crate::time::Time;

impl Node {
    /// Plans, and asks for the writes if there are any.
    pub(super) fn program(&mut self, now: Time) {
        if self.kernel.phase() != KernelPhase::Settled {
            return;
        }
        let compare_all = core::mem::take(&mut self.pending.compare_all);
        let was_at_rest = self.pending.at_rest;
        if was_at_rest && !compare_all {
            return;
        }
        let writes = self.writes(compare_all);
        if writes.is_empty() {
            return self.rest(now);
        }
        if was_at_rest {
            // everything was right and nothing else was wanted since: this was somebody else
            self.counters.drifts += 1;
            self.events.push_back(Event::Drifted { writes: writes.len() });
        }
        self.pending.at_rest = false;
        if self.kernel.handle_plan(now, &writes) {
            self.actions.push_back(Action::Write(writes));
        } else {
            self.pending.compare_all = compare_all;
        }
    }

    /// The kernel holds everything.
    fn rest(&mut self, now: Time) {
        self.kernel.handle_plan(now, &[]);
        self.pending.unplanned.clear();
        let writes = core::mem::take(&mut self.pending.writes);
        let news = !core::mem::replace(&mut self.pending.at_rest, true);
        if news {
            self.events.push_back(Event::Programmed { writes });
        }
        if matches!(self.life, Life::Cleaning { .. }) {
            self.stop();
        }
    }

    /// The writes that are still needed, in their order: parameters first, for
    /// flows are to find them; addresses go before the services that answered
    /// for them (else the host itself would answer with resets) and come after.
    fn writes(&self, compare_all: bool) -> Vec<Write> {
        let believed = self.kernel.believed();
        let cleaning = matches!(self.life, Life::Cleaning { .. });
        let wrong =
            |sysctl: &Sysctl| believed.sysctls.get(sysctl).is_some_and(|value| *value != sysctl.wanted());
        let sysctls = Sysctl::ALL.into_iter().filter(wrong).filter(|_| !cleaning);
        let mut writes: Vec<_> =
            sysctls.map(|sysctl| Write::Sysctl { sysctl, value: sysctl.wanted() }).collect();

        let wanted: BTreeSet<IpAddr> = self.vips.keys().copied().collect();
        let gone = believed.addresses.difference(&wanted).filter(|address| self.config.owns(**address));
        writes.extend(gone.map(|vip| Write::Address { vip: *vip, present: false }));

        writes.extend(self.ipvs_commands(compare_all).into_iter().map(Write::Ipvs));

        let missing = wanted.difference(&believed.addresses);
        writes.extend(missing.map(|vip| Write::Address { vip: *vip, present: true }));
        writes
    }

    fn ipvs_commands(&self, compare_all: bool) -> Vec<crate::ipvs::Command> {
        let believed = &self.kernel.believed().ipvs;
        if compare_all {
            let all = self
                .desired
                .iter()
                .map(|(address, service)| (ServiceKey::Address(*address), interim::desired(service)));
            let desired = Desired { services: all.collect() };
            return interim::plan(believed, &desired, |address| self.config.owns(address));
        }
        let mut commands = Vec::new();
        for address in &self.pending.unplanned {
            commands.extend(self.service_commands(*address));
        }
        commands
    }

    /// The commands of one service.
    fn service_commands(&self, address: ServiceAddress) -> Vec<crate::ipvs::Command> {
        let key = ServiceKey::Address(address);
        let found = self.kernel.believed().ipvs.services.get(&key);
        let one =
            crate::ipvs::Observed { services: found.map(|found| (key, found.clone())).into_iter().collect() };
        let wanted = self.desired.get(&address).map(|service| (key, interim::desired(service)));
        let desired = Desired { services: wanted.into_iter().collect() };
        interim::plan(&one, &desired, |address| self.config.owns(address))
    }

    /// Whether the kernel holds all that it is to hold for a VIP.
    pub(super) fn holds(&self, vip: IpAddr) -> bool {
        let local = self.kernel.believed().addresses.contains(&vip);
        let wanted = self.desired.keys().filter(|service| service.address == vip);
        local && wanted.into_iter().all(|service| self.service_commands(*service).is_empty())
    }

    /// After a failure: an announced VIP that the kernel no longer carries is broken.
    pub(super) fn judge_broken(&mut self) {
        let broken = self.vips.iter().filter(|(address, vip)| !self.carries(**address, vip));
        let broken: BTreeSet<IpAddr> = broken.map(|(address, _)| *address).collect();
        for (address, vip) in &mut self.vips {
            vip.broken = vip.announced && broken.contains(address);
        }
    }

    /// Whether the kernel has a VIP on `lo`, and a destination for new flows of each of its services.
    pub(super) fn carries(&self, address: IpAddr, vip: &Vip) -> bool {
        let believed = self.kernel.believed();
        let serves = |service: &ServiceAddress| {
            let found = believed.ipvs.services.get(&ServiceKey::Address(*service));
            found.is_some_and(|found| found.destinations.iter().any(|found| found.destination.weight > 0))
        };
        believed.addresses.contains(&address) && vip.services.iter().all(serves)
    }

    /// Tells the services which of their backends the kernel now has.
    pub(super) fn note_places(&mut self) {
        let believed = self.kernel.believed();
        for (address, service) in &mut self.services {
            service.placed(&|endpoint| presence(believed, *address, endpoint));
        }
    }
}
