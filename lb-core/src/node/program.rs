//! The kernel brought up to date: the writes between what it holds and what it is to hold.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::Node;
use super::action::{Action, Write};
use super::event::Event;
use super::kernel::{KernelPhase, Snapshot};
use super::service::Wanted;
use super::settle::presence;
use super::status::Life;
use crate::config::ServiceAddress;
use crate::ipvs::{
    Command, Desired, DesiredService, Observed, Ownership, Repair, ServiceKey, Sysctl, desired, plan,
};
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
        // one that left waits for its last connection; then it goes, and nobody else had a hand in that
        let leaving = self.pending.leaving;
        let writes = self.writes(compare_all);
        if writes.is_empty() {
            return self.rest(now);
        }
        if self.kernel.holds_back(now, &writes) {
            self.pending.compare_all = compare_all;
            return;
        }
        if was_at_rest && leaving == 0 {
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
        // what is in the wrong order comes after what does not serve yet
        self.pending.compare_all |= core::mem::take(&mut self.pending.unordered);
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

    /// The writes that are still needed, in their order: switches first, for
    /// flows are to find them; addresses go before the services that answered
    /// for them (else the host itself would answer with resets) and come after.
    fn writes(&mut self, compare_all: bool) -> Vec<Write> {
        let ipvs = self.ipvs_commands(compare_all);
        self.around(self.kernel.believed(), ipvs)
    }

    /// The writes that bring another kernel to hold what this node's is to hold.
    #[must_use]
    pub fn writes_for(&self, kernel: &Snapshot) -> Vec<Write> {
        let plan = plan(&kernel.ipvs, &self.desired(), &self.ownership(), Repair::Now);
        self.around(kernel, plan.commands)
    }

    /// Commands for IPVS, and what is to be written before and after them.
    fn around(&self, kernel: &Snapshot, ipvs: Vec<Command>) -> Vec<Write> {
        let cleaning = matches!(self.life, Life::Cleaning { .. });
        let switches = if cleaning { Vec::new() } else { self.config.switches() };
        let wrong =
            |switch: &Sysctl| kernel.sysctls.get(switch.name).is_some_and(|value| *value != switch.wanted);
        let write = |switch: Sysctl| Write::Sysctl { name: switch.name, value: switch.wanted };
        let mut writes: Vec<_> = switches.into_iter().filter(wrong).map(write).collect();
        let wanted: BTreeSet<IpAddr> = self.vips.keys().copied().collect();
        let gone = kernel.addresses.difference(&wanted).filter(|address| self.config.owns(**address));
        writes.extend(gone.map(|vip| Write::Address { vip: *vip, present: false }));
        writes.extend(ipvs.into_iter().map(Write::Ipvs));
        let missing = wanted.difference(&kernel.addresses);
        writes.extend(missing.map(|vip| Write::Address { vip: *vip, present: true }));
        writes
    }

    /// The commands for IPVS: of all services, or of those that changed. Where
    /// many are to be put in order, all of them serve first.
    fn ipvs_commands(&mut self, compare_all: bool) -> Vec<Command> {
        if !compare_all {
            return self.commands_for(&self.pending.unplanned);
        }
        let believed = &self.kernel.believed().ipvs;
        let desired = self.desired();
        let serving = plan(believed, &desired, &self.ownership(), Repair::Later);
        self.pending.leaving = serving.leaving;
        if serving.is_empty() && !serving.misordered.is_empty() {
            return plan(believed, &desired, &self.ownership(), Repair::Now).commands;
        }
        // what is in the wrong order is looked at again when this is done
        self.pending.unordered = !serving.misordered.is_empty();
        serving.commands
    }

    /// The commands of one service.
    pub(super) fn service_commands(&self, address: ServiceAddress) -> Vec<Command> {
        self.commands_for(&BTreeSet::from([address]))
    }

    /// The commands of some services, as one plan: in plans one after another,
    /// what the first deletes would have the kernel look for connections of
    /// nobody while the next deletes what is to stay.
    fn commands_for(&self, addresses: &BTreeSet<ServiceAddress>) -> Vec<Command> {
        let believed = &self.kernel.believed().ipvs.services;
        let keys = addresses.iter().map(|address| ServiceKey::Address(*address));
        let found = keys.filter_map(|key| Some((key, believed.get(&key)?.clone())));
        let wanted = addresses.iter().filter_map(|address| of_kernel((address, self.desired.get(address)?)));
        let (some, desired) =
            (Observed { services: found.collect() }, Desired { services: wanted.collect() });
        plan(&some, &desired, &self.ownership(), Repair::Now).commands
    }

    pub(super) fn ownership(&self) -> Ownership {
        Ownership { prefixes: self.config.owned.clone(), marks: Some(self.marks.range().clone()) }
    }

    /// Everything that the kernel is to hold.
    #[must_use]
    pub fn desired(&self) -> Desired {
        let mut desired = Desired { services: self.desired.iter().filter_map(of_kernel).collect() };
        self.marks.extend(&mut desired);
        desired
    }

    /// Whether the kernel holds all that it is to hold for a VIP.
    pub(super) fn holds(&self, vip: IpAddr) -> bool {
        let local = self.kernel.believed().addresses.contains(&vip);
        let mut wanted = self.desired.keys().filter(|service| service.address == vip);
        local && wanted.all(|service| self.service_commands(*service).is_empty())
    }

    /// Whether the kernel has a destination for new flows of a service.
    pub(super) fn carries(&self, service: ServiceAddress) -> bool {
        let found = self.kernel.believed().ipvs.services.get(&ServiceKey::Address(service));
        found.is_some_and(|found| found.destinations.iter().any(|found| found.destination.weight > 0))
    }

    /// Tells the services which of their backends the kernel now has.
    pub(super) fn note_places(&mut self) {
        let believed = self.kernel.believed();
        for (address, service) in &mut self.services {
            service.placed(&|endpoint| presence(believed, *address, endpoint));
        }
    }
}

/// A service in the kernel's terms.
pub(super) fn of_kernel((_, wanted): (&ServiceAddress, &Wanted)) -> Option<(ServiceKey, DesiredService)> {
    // a configuration that no kernel can hold was refused
    desired(&wanted.config, &wanted.offers, wanted.grain).ok()
}
