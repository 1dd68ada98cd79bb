//! Invariants, watched while a run goes on: a violation is a bug of ours, not of the scenario.

use lb_core::config::BackendState;
use lb_core::director::Choice;
use lb_core::{BackendId, Time};

use super::moves::{Passage, Trail};
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

    /// A flow stays where its entry or its table has it (the first two invariants of ARCHITECTURE.md).
    ///
    /// An entry names the same gateway from packet to packet, and is left only
    /// by one that is out of service; tables of the same members, whichever
    /// nodes have them, place a flow alike.
    pub(super) fn flow_moves_for_a_reason(
        &mut self,
        now: Time,
        zone: &Zone,
        kind: usize,
        before: Option<&Trail>,
        passage: Passage,
    ) {
        let Some(before) = before.filter(|before| self.own[kind] && before.gateway != passage.gateway) else {
            return;
        };
        let node = &zone.front.nodes[usize::from(passage.node)];
        let same_life = before.life == zone.health[usize::from(passage.node)].life;
        let same_table = before.node == passage.node && same_life;
        let equal_members = before
            .placed
            .is_some_and(|(gateway, members)| gateway != passage.gateway && members == node.members);
        let reason = match passage.choice {
            Choice::Existing if same_table => "its entry changed by itself",
            Choice::Existing => return,
            Choice::Rechosen if same_table && node.state_of(before.gateway) != BackendState::Down => {
                "that is in service"
            }
            Choice::New | Choice::PickedUp | Choice::Rechosen | Choice::Untracked if equal_members => {
                "a table of the same members had placed it there"
            }
            Choice::New | Choice::PickedUp | Choice::Rechosen | Choice::Untracked => return,
        };
        let (from, to) = (before.gateway + 1, passage.gateway + 1);
        let what = format!("a flow in {} went from gateway-{from} to gateway-{to}, but {reason}", zone.name);
        self.add(now, what);
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

    /// No connection table is above its limit.
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
