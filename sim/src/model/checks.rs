//! Invariants, watched while a run goes on: a violation is a bug of ours, not of the scenario.

use lb_core::config::BackendState;
use lb_core::director::Choice;
use lb_core::{BackendId, Time};

use super::zone::Zone;
use crate::run::Violation;

/// Watches and remembers.
#[derive(Debug)]
pub(super) struct Checks {
    replay: String,
    violations: Vec<Violation>,
    /// Whether equal tables must place equal flows (the kernel's do not, with unequal histories).
    own: Vec<bool>,
}

/// Violations that are kept: the first ones tell.
const KEPT: usize = 20;

impl Checks {
    pub(super) const fn new(replay: String, own: Vec<bool>) -> Self {
        Self { replay, violations: Vec::new(), own }
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// Membership unchanged since the flow began: no loss or arrival of nodes moves it (DESIGN, invariant 2).
    pub(super) fn flow_moves_for_a_reason(
        &mut self,
        now: Time,
        zone: &Zone,
        kind: usize,
        version: u32,
        bound: Option<(u16, u16)>,
    ) {
        if self.own[kind] && zone.front.version == version {
            let what = format!(
                "a flow in {} left gateway {:?} though no table changed since it began",
                zone.name,
                bound.map(|bound| bound.0 + 1)
            );
            self.add(now, what);
        }
    }

    /// A flow that is placed goes to a gateway that its node's machines offer, and one that is known
    /// leaves a gateway that they have taken out with its first packet.
    pub(super) fn flow_goes_where_it_may(
        &mut self,
        now: Time,
        zone: &Zone,
        kind: usize,
        (node, gateway): (u16, u16),
        choice: Choice,
    ) {
        let offer = zone.health[usize::from(node)].service.offer(BackendId(u32::from(gateway)));
        let traffic = offer.map_or(BackendState::Down, |offer| offer.traffic);
        let may = match choice {
            Choice::New => super::is_offered(traffic),
            // The kernel's tables keep what is drained, and its entries what is gone.
            Choice::PickedUp | Choice::Rechosen => super::is_offered(traffic) || !self.own[kind],
            Choice::Existing => traffic != BackendState::Down || !self.own[kind],
            Choice::Untracked => true,
        };
        if !may {
            let what = format!(
                "{}/node-{} sent a flow ({choice:?}) to gateway-{}, which is offered none",
                zone.name,
                node + 1,
                gateway + 1
            );
            self.add(now, what);
        }
    }

    /// No connection table is above its limit (DESIGN, invariant 3).
    pub(super) fn tables_are_within_limits(&mut self, now: Time, zone: &Zone) {
        for (index, node) in zone.front.nodes.iter().enumerate() {
            let table = node.director.connections();
            if table.len() > table.limits().max as usize {
                let what = format!("{}/node-{} has {} connections", zone.name, index + 1, table.len());
                self.add(now, what);
            }
        }
    }

    /// Gateways find in the tunnels what clients sent.
    pub(super) fn packets_arrive_unchanged(&mut self, now: Time, zone: &Zone) {
        let damaged = zone.front.damaged;
        if damaged > 0 {
            self.add(
                now,
                format!("{damaged} sampled packets to {} did not arrive as they were sent", zone.name),
            );
        }
    }

    /// What began is over or still open.
    pub(super) fn nothing_is_lost(&mut self, now: Time, what: &'static str, began: u64, accounted: u64) {
        if began != accounted {
            self.add(now, format!("{began} {what} began, {accounted} are accounted for"));
        }
    }

    fn add(&mut self, now: Time, what: String) {
        if self.violations.len() < KEPT {
            let replay = self.replay.clone();
            self.violations.push(Violation { t_s: now.as_secs_f64(), what, replay });
        }
    }
}
