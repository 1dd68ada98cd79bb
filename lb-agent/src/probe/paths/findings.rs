//! What dead paths have in common: a node, a gateway, or nothing but the one pair.
//!
//! A plain function. Per service, for what one service's paths have in common may be that
//! service's alone (its tunnel, its port), and whoever reads two findings sees a third.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::plan::Path;

/// What is dead of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// All paths.
    Service {
        /// Which of the subjects.
        subject: usize,
    },
    /// All paths through a node; through others the same gateways live.
    Node {
        /// Which of the subjects.
        subject: usize,
        /// Which of the nodes.
        node: usize,
    },
    /// All paths to a gateway, through whichever node.
    Gateway {
        /// Which of the subjects.
        subject: usize,
        /// The gateway.
        gateway: IpAddr,
    },
    /// This path; both its node and its gateway live otherwise.
    Pair {
        /// Which of the subjects.
        subject: usize,
        /// Which of the nodes.
        node: usize,
        /// The gateway.
        gateway: IpAddr,
    },
}

/// Names what is dead, the most common first.
#[must_use]
pub fn findings<'a>(paths: impl IntoIterator<Item = (&'a Path, bool)>) -> Vec<Finding> {
    let mut by_subject: BTreeMap<usize, BTreeMap<(usize, IpAddr), bool>> = BTreeMap::new();
    for (path, lives) in paths {
        by_subject.entry(path.subject).or_default().insert((path.node, path.gateway), lives);
    }
    by_subject.into_iter().flat_map(|(subject, lives)| of_subject(subject, &lives)).collect()
}

fn of_subject(subject: usize, lives: &BTreeMap<(usize, IpAddr), bool>) -> Vec<Finding> {
    let dead: BTreeSet<_> = lives.iter().filter(|(_, lives)| !**lives).map(|(pair, _)| *pair).collect();
    if dead.is_empty() {
        return Vec::new();
    }
    if dead.len() == lives.len() {
        return vec![Finding::Service { subject }];
    }
    let all_dead = |of: &dyn Fn(&(usize, IpAddr)) -> bool| {
        lives.keys().filter(|pair| of(pair)).all(|pair| dead.contains(pair))
    };
    let nodes: BTreeSet<usize> =
        dead.iter().map(|(node, _)| *node).filter(|node| all_dead(&|pair| pair.0 == *node)).collect();
    // Whether a gateway is dead only living nodes can tell.
    let gateways: BTreeSet<IpAddr> = dead
        .iter()
        .filter(|(node, _)| !nodes.contains(node))
        .map(|(_, gateway)| *gateway)
        .filter(|gateway| all_dead(&|pair| pair.1 == *gateway && !nodes.contains(&pair.0)))
        .collect();
    let pairs = dead.iter().filter(|(node, gateway)| !nodes.contains(node) && !gateways.contains(gateway));
    let of_nodes = nodes.iter().map(|node| Finding::Node { subject, node: *node });
    let of_gateways = gateways.iter().map(|gateway| Finding::Gateway { subject, gateway: *gateway });
    let of_pairs = pairs.map(|(node, gateway)| Finding::Pair { subject, node: *node, gateway: *gateway });
    of_nodes.chain(of_gateways).chain(of_pairs).collect()
}

#[cfg(test)]
mod tests;
