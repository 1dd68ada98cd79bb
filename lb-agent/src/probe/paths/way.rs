//! How packets get to a node of the checker's choice: a mark, a rule, a table, a route.
//!
//! Where the checker and a node share a link, the node is the next hop of a route. Where
//! routers lie between (they would choose a node themselves), a tunnel device of the checker
//! wraps the packets to the node's address; the node must take tunnels in (`tunl0` up).

use lb_netlink::link::{DeviceName, LinkSettings};
use lb_netlink::network::Command;
use lb_netlink::route::{NextHop, Route};
use lb_netlink::rule::{Mark, Rule};
use lb_netlink::tunnel::{Family, Tunnel, TunnelKind};

use super::Node;

/// How packets get to a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// As next hop of a route: the node is on the checker's link.
    #[default]
    NextHop,
    /// In a tunnel of IP in IP to the node's address.
    Tunnel,
}

/// The numbers that are used on the checker's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The mark of the first node; the others follow.
    pub mark: u32,
    /// The routing table of the first node; the others follow.
    pub table: u32,
    /// The priority of all rules: before `main`.
    pub priority: u32,
}

impl Default for Numbers {
    /// Marks beside [`lb_core::ipvs::MARKS`], also without kube-proxy's bits.
    fn default() -> Self {
        Self { mark: 0x4f01_0000, table: 0x4f01_0000, priority: 7_900 }
    }
}

/// The ways to all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// The mark of each node.
    pub marks: Vec<u32>,
    /// What makes the ways, in order; and what undoes each step.
    pub steps: Vec<(Command, Option<Command>)>,
}

/// No route of this family leads over such a next hop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node} has no IPv6 address here, but VIPs are of IPv6; name its IPv6 address, or use --by tunnel")]
pub struct NoWayToNode {
    /// The node's name.
    pub node: String,
}

/// The ways to all nodes for VIPs of these families.
///
/// # Errors
/// A node that cannot be a next hop for one of the families.
pub fn ways(nodes: &[Node], by: By, families: &[Family], numbers: &Numbers) -> Result<Ways, NoWayToNode> {
    let mut ways = Ways { marks: Vec::new(), steps: Vec::new() };
    for (place, node) in (0..).zip(nodes) {
        let (mark, table) = (numbers.mark + place, numbers.table + place);
        ways.marks.push(mark);
        for family in families {
            let hop = match by {
                By::NextHop if *family == Family::V6 && node.address.is_ipv4() => {
                    return Err(NoWayToNode { node: node.name.clone() });
                }
                By::NextHop => NextHop::gateway(node.address),
                By::Tunnel => NextHop::device(tunnel(&mut ways, place, node, *family)),
            };
            let all = match family {
                Family::V4 => "0.0.0.0/0",
                Family::V6 => "::/0",
            };
            let all = all.parse().expect("a prefix");
            let route = Route { table, ..Route::new(all, vec![hop]) };
            let rule =
                Rule { mark: Some(Mark::exact(mark)), ..Rule::to_table(*family, numbers.priority, table) };
            let undo = Command::RemoveRoute(route.clone());
            ways.steps.push((Command::AddRoute(route), Some(undo)));
            // Last, so that no packet meets an empty table and goes on to `main`.
            let undo = Command::RemoveRule(rule.clone());
            ways.steps.push((Command::AddRule(rule), Some(undo)));
        }
    }
    Ok(ways)
}

/// A device that wraps packets to the node and takes none but the node's.
fn tunnel(ways: &mut Ways, place: u32, node: &Node, family: Family) -> DeviceName {
    let digit = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let name: DeviceName = format!("lbpath{digit}-{place}").parse().expect("fifteen letters at most");
    let kind = TunnelKind::for_families(family, Family::of(node.address));
    let device = Tunnel::between(kind, None, Some(node.address));
    let undo = Command::RemoveLink(name.clone());
    ways.steps.push((Command::AddTunnel(name.clone(), device), Some(undo)));
    let up = LinkSettings { up: Some(true), ..LinkSettings::default() };
    ways.steps.push((Command::SetLink(name.clone(), up), None));
    name
}

#[cfg(test)]
mod tests;
