//! The kernel brought up to date: the writes between what it holds and what it is to hold.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::Node;
use super::action::{Action, Write};
use super::event::Event;
use super::kernel::{KernelPhase, Snapshot};
use super::service::Wanted;
use super::settle::{of_vip, presences};
use super::status::Life;
use crate::config::ServiceAddress;
use crate::ipvs::{
    Command, Desired, DesiredService, Observed, Ownership, Repair, ServiceKey, Sysctl, desired, plan,
};
use crate::time::Time;

/// Writes around those of IPVS.
#[derive(Debug)]
struct Surroundings {
    /// Switches, for flows are to find them; and addresses that go before the
    /// services that answered for them (else the host itself would answer with resets).
    before: Vec<Write>,
    /// Addresses that come after the services that answer for them.
    after: Vec<Write>,
}

impl Surroundings {
    /// What a node needs of a kernel that holds that.
    fn of(node: &Node, kernel: &Snapshot) -> Self {
        let cleaning = matches!(node.life, Life::Cleaning { .. });
        let switches = if cleaning { Vec::new() } else { node.config.switches() };
        let wrong =
            |switch: &Sysctl| kernel.sysctls.get(switch.name).is_some_and(|value| *value != switch.wanted);
        let write = |switch: Sysctl| Write::Sysctl { name: switch.name, value: switch.wanted };
        let mut before: Vec<_> = switches.into_iter().filter(wrong).map(write).collect();
        let gone = kernel.addresses.iter().filter(|address| !node.vips.contains_key(*address));
        let gone = gone.filter(|address| node.config.owns(**address));
        before.extend(gone.map(|vip| Write::Address { vip: *vip, present: false }));
        let missing = node.vips.keys().filter(|vip| !kernel.addresses.contains(*vip));
        let after = missing.map(|vip| Write::Address { vip: *vip, present: true }).collect();
        Self { before, after }
    }

    const fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// These and commands for IPVS, in their order.
    fn around(self, ipvs: Vec<Command>) -> Vec<Write> {
        let Self { before, after } = self;
        before.into_iter().chain(ipvs.into_iter().map(Write::Ipvs)).chain(after).collect()
    }
}

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

    /// The writes that are still needed. What is around IPVS is looked at only
    /// where it can have changed: there may be ten thousand VIPs, and a plan for
    /// each check's result.
    fn writes(&mut self, compare_all: bool) -> Vec<Write> {
        let ipvs = self.ipvs_commands(compare_all);
        if !(compare_all || self.pending.surroundings) {
            return ipvs.into_iter().map(Write::Ipvs).collect();
        }
        let surroundings = Surroundings::of(self, self.kernel.believed());
        self.pending.surroundings = !surroundings.is_empty();
        surroundings.around(ipvs)
    }

    /// The writes that bring another kernel to hold what this node's is to hold.
    #[must_use]
    pub fn writes_for(&self, kernel: &Snapshot) -> Vec<Write> {
        let plan = plan(&kernel.ipvs, &self.desired(), &self.ownership(), Repair::Now);
        Surroundings::of(self, kernel).around(plan.commands)
    }

    /// The commands for IPVS: of all services, or of those that changed. Where
    /// many are to be put in order, all of them serve first.
    fn ipvs_commands(&mut self, compare_all: bool) -> Vec<Command> {
        if !compare_all {
            return self.commands_of_unplanned();
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

    /// The commands of the services that changed; those that need none any more are done.
    fn commands_of_unplanned(&mut self) -> Vec<Command> {
        let unplanned = core::mem::take(&mut self.pending.unplanned);
        let commands = self.commands_for(&unplanned);
        let is_about = |command: &Command| match command.key() {
            Some(ServiceKey::Address(service)) => Some(*service),
            Some(ServiceKey::Mark { .. }) | None => None,
        };
        self.pending.unplanned = commands.iter().filter_map(is_about).collect();
        commands
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
        let mut wanted = of_vip(&self.desired, vip);
        local && wanted.all(|service| self.service_commands(*service).is_empty())
    }

    /// Whether the kernel has a destination for new flows of a service.
    pub(super) fn carries(&self, service: ServiceAddress) -> bool {
        let found = self.kernel.believed().ipvs.services.get(&ServiceKey::Address(service));
        found.is_some_and(|found| found.destinations.iter().any(|found| found.destination.weight > 0))
    }

    /// Tells services which of their backends the kernel now has.
    pub(super) fn note_places(&mut self, written: &BTreeSet<ServiceAddress>) {
        let believed = self.kernel.believed();
        for address in written {
            if let Some(service) = self.services.get_mut(address) {
                let presences = presences(believed, *address);
                service.placed(&presences);
            }
        }
    }
}

/// A service in the kernel's terms.
pub(super) fn of_kernel((_, wanted): (&ServiceAddress, &Wanted)) -> Option<(ServiceKey, DesiredService)> {
    // a configuration that no kernel can hold was refused
    desired(&wanted.config, &wanted.offers, wanted.grain).ok()
}
