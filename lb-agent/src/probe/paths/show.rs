//! The answer of the path checker: a table for people, one JSON document for programs.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::findings::{Finding, findings};
use super::plan::{Plan, Subject};
use super::{Node, Outcome};
use crate::probe::Failure;

/// What was found, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Every path.
    pub paths: Vec<PathAnswer>,
    /// What could not be asked, and why.
    pub gaps: Vec<GapAnswer>,
    /// What is dead, and what the dead paths have in common.
    pub findings: Vec<FindingAnswer>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathAnswer {
    /// The service, as `203.0.113.10:443/tcp`.
    pub service: String,
    /// The node's name.
    pub node: String,
    /// The gateway's address.
    pub gateway: IpAddr,
    /// Whether it lives.
    pub ok: bool,
    /// The whole check, in milliseconds; of a dead one none.
    pub latency_ms: Option<f64>,
    /// Why it is dead.
    pub failure: Option<String>,
    /// Where the last flow came from, as `192.0.2.1:1024`.
    pub flow: String,
    /// How many flows were tried.
    pub tried: usize,
}

/// What could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GapAnswer {
    /// The service.
    pub service: String,
    /// The gateway; none for all of them.
    pub gateway: Option<IpAddr>,
    /// Why.
    pub why: String,
}

/// What is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingAnswer {
    /// The service.
    pub service: String,
    /// `service`, `node`, `gateway` or `pair`.
    pub dead: &'static str,
    /// The node, if it is one's.
    pub node: Option<String>,
    /// The gateway, if it is one's.
    pub gateway: Option<IpAddr>,
    /// What to look at.
    pub meaning: &'static str,
}

/// Puts outcomes into words.
#[must_use]
pub fn answer(plan: &Plan, subjects: &[Subject], nodes: &[Node], outcomes: &[Outcome]) -> Answer {
    let service = |subject: usize| subjects[subject].service.address.to_string();
    let path = |outcome: &Outcome| {
        let (path, report) = (&plan.paths[outcome.path], &outcome.report);
        let ok = report.result.is_ok();
        PathAnswer {
            service: service(path.subject),
            node: nodes[path.node].name.clone(),
            gateway: path.gateway,
            ok,
            latency_ms: ok.then_some(report.timings.total.as_secs_f64() * 1e3),
            failure: report.result.as_ref().err().map(ToString::to_string),
            flow: std::net::SocketAddr::new(outcome.flow.source, outcome.flow.port).to_string(),
            tried: outcome.tried,
        }
    };
    // What the checker could not do says nothing of the path.
    let (unasked, asked): (Vec<&Outcome>, Vec<&Outcome>) =
        outcomes.iter().partition(|outcome| matches!(outcome.report.result, Err(Failure::Local(_))));
    let gaps = plan.gaps.iter().map(|gap| GapAnswer {
        service: service(gap.subject),
        gateway: gap.gateway,
        why: gap.why.to_string(),
    });
    let more_gaps = unasked.iter().map(|outcome| {
        let path = &plan.paths[outcome.path];
        let why = outcome.report.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let why = format!("through {}: {why}", nodes[path.node].name);
        GapAnswer { service: service(path.subject), gateway: Some(path.gateway), why }
    });
    let lives = asked.iter().map(|outcome| (&plan.paths[outcome.path], outcome.report.result.is_ok()));
    let finding = |finding: Finding| {
        let (subject, dead, node, gateway, meaning) = meaning_of(finding);
        let node = node.map(|node| nodes[node].name.clone());
        FindingAnswer { service: service(subject), dead, node, gateway, meaning }
    };
    Answer {
        paths: asked.iter().copied().map(path).collect(),
        gaps: gaps.chain(more_gaps).collect(),
        findings: findings(lives).into_iter().map(finding).collect(),
    }
}

/// Whose a finding is: the subject, what is dead, the node and gateway if it is one's, and what to look at.
const fn meaning_of(finding: Finding) -> (usize, &'static str, Option<usize>, Option<IpAddr>, &'static str) {
    match finding {
        Finding::Service { subject } => (
            subject,
            "service",
            None,
            None,
            "no node serves it, or nothing of the checker's gets there or back",
        ),
        Finding::Node { subject, node } => (
            subject,
            "node",
            Some(node),
            None,
            "this node does not forward: look at its agent, IPVS and routes; withdraw it meanwhile",
        ),
        Finding::Gateway { subject, gateway } => (
            subject,
            "gateway",
            None,
            Some(gateway),
            "no node reaches it: look at its tunnel device, the VIP on it, rp_filter, and the service",
        ),
        Finding::Pair { subject, node, gateway } => (
            subject,
            "pair",
            Some(node),
            Some(gateway),
            "both work with others: look at the way between the two (firewall, route, MTU), and the node's table",
        ),
    }
}

impl fmt::Display for Answer {
    /// A table of nodes by gateways for each service, then what is dead and what was not asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut services: Vec<&str> = self.paths.iter().map(|path| path.service.as_str()).collect();
        services.dedup();
        for service in services {
            let of_service: Vec<_> = self.paths.iter().filter(|path| path.service == service).collect();
            let gateways: BTreeSet<IpAddr> = of_service.iter().map(|path| path.gateway).collect();
            let mut table = Table::new();
            let header = gateways.iter().map(ToString::to_string);
            table.load_style(NOTHING).set_header([service.to_owned()].into_iter().chain(header));
            let mut nodes: Vec<&str> = Vec::new();
            of_service.iter().for_each(|path| {
                if !nodes.contains(&path.node.as_str()) {
                    nodes.push(&path.node);
                }
            });
            for node in nodes {
                let cell = |gateway: &IpAddr| {
                    let found = of_service.iter().find(|path| path.node == node && path.gateway == *gateway);
                    match found.map(|path| path.latency_ms) {
                        None => String::new(),
                        Some(None) => "dead".to_owned(),
                        Some(Some(latency_ms)) => format!("{latency_ms:.1} ms"),
                    }
                };
                table.add_row([node.to_owned()].into_iter().chain(gateways.iter().map(cell)));
            }
            writeln!(f, "{}\n", table.trim_fmt())?;
        }
        for path in self.paths.iter().filter(|path| !path.ok) {
            let failure = path.failure.as_deref().unwrap_or_default();
            let (service, node, gateway, flow) = (&path.service, &path.node, path.gateway, &path.flow);
            writeln!(f, "dead: {service} through {node} to {gateway}: {failure} (last flow from {flow})")?;
        }
        for finding in &self.findings {
            let part = [finding.node.clone(), finding.gateway.map(|gateway| gateway.to_string())];
            let part = part.into_iter().flatten().collect::<Vec<_>>().join(" and ");
            writeln!(f, "{}: {} {part}: {}", finding.service, finding.dead, finding.meaning)?;
        }
        for gap in &self.gaps {
            let gateway =
                gap.gateway.map_or_else(|| "all gateways".to_owned(), |gateway| gateway.to_string());
            writeln!(f, "not asked: {} to {gateway}: {}", gap.service, gap.why)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
