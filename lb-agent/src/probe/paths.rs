//! Every path: each VIP through each node to each gateway, asked from outside.
//!
//! A VIP that works through one node can be dead through another: a node's tunnel to one
//! gateway is broken, its table is an old one, it was forgotten. Whoever asks the VIP meets
//! one node and one gateway and sees nothing of the others. Here both are chosen. The
//! **gateway** by the source port: the model that nodes are programmed from
//! ([`lb_core::scheduler`]) says where a flow goes, so [`plan()`] looks for ports that lead to
//! each. The **node** by a mark of the checker's packets, which a routing rule sends to that
//! node, as next hop or in a tunnel ([`ways()`]). The gateway answers directly. What fails is
//! asked again with another flow; what stays dead is named ([`findings()`]): a node, a gateway,
//! or one pair.
//!
//! The host of the checker must not have the VIPs itself, and must take answers in by another
//! way than it asks (`rp_filter` 0 or 2).

mod command;
mod findings;
mod load;
mod plan;
mod show;
mod way;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lb_netlink::network::CommandError;
use lb_netlink::network::blocking::Network;

use super::executor::{Executor, Settings};
use super::prepared::PreparedCheck;
use super::report::Report;
use super::target::Target;

pub use command::{Arguments, CommandFault, NodeArgument, run};
pub use findings::{Finding, findings};
pub use load::{LoadError, load};
pub use plan::{Checker, Flow, Gap, GapReason, Path, Plan, Subject, plan};
pub use show::{Answer, FindingAnswer, GapAnswer, PathAnswer, answer};
pub use way::{By, NoWayToNode, Numbers, Ways, ways};

/// A node as the checker reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, for people.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

/// What came of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which of the plan's paths.
    pub path: usize,
    /// The flow that was asked with last.
    pub flow: Flow,
    /// How many flows were tried.
    pub tried: usize,
    /// What the last one found.
    pub report: Report,
}

/// Asks all paths of a plan, in the order of the plan.
///
/// `checks` are the subjects', `marks` the nodes'; each flow has `limit` for everything.
///
/// # Panics
/// If there is a check for fewer subjects, or a mark for fewer nodes, than the plan has.
pub async fn probe(
    plan: &Plan,
    checks: &[Arc<PreparedCheck>],
    marks: &[u32],
    limit: Duration,
) -> Vec<Outcome> {
    let mut executor = Executor::new(tokio::runtime::Handle::current(), &Settings::default());
    let start = |executor: &mut Executor<usize>, index: usize, tried: usize| {
        let path = &plan.paths[index];
        let Flow { source, port } = path.flows[tried];
        let mut target = Target::marked(path.vip, marks[path.node], source);
        target.source_port = port;
        executor.start(index, &checks[path.subject], target, limit);
    };
    let mut tried = vec![0; plan.paths.len()];
    let mut outcomes = vec![None; plan.paths.len()];
    (0..plan.paths.len()).for_each(|index| start(&mut executor, index, 0));
    while executor.running() > 0 {
        let finished = executor.finished().await;
        let (index, flows) = (finished.key, &plan.paths[finished.key].flows);
        let flow = flows[tried[index]];
        tried[index] += 1;
        if finished.report.result.is_err() && tried[index] < flows.len() {
            start(&mut executor, index, tried[index]);
        } else {
            let report = finished.report;
            outcomes[index] = Some(Outcome { path: index, flow, tried: tried[index], report });
        }
    }
    outcomes.into_iter().flatten().collect()
}

/// The ways to the nodes, for as long as this lives.
#[derive(Debug)]
pub struct Paved {
    network: Network,
    undo: Vec<lb_netlink::network::Command>,
}

impl Paved {
    /// Makes the ways; needs `CAP_NET_ADMIN`.
    ///
    /// # Errors
    /// The first command that failed; what was made before is undone.
    pub fn new(network: Network, ways: &Ways) -> Result<Self, CommandError> {
        let mut paved = Self { network, undo: Vec::new() };
        for (command, undo) in &ways.steps {
            paved.network.execute(command)?;
            paved.undo.extend(undo.clone());
        }
        Ok(paved)
    }
}

impl Drop for Paved {
    fn drop(&mut self) {
        while let Some(command) = self.undo.pop() {
            if let Err(error) = self.network.execute(&command) {
                tracing::warn!(%error, "a way of the path checker is left behind");
            }
        }
    }
}
