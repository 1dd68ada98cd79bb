//! Ways to nodes as the commands a person would type.

use super::*;

fn nodes(addresses: &[&str]) -> Vec<Node> {
    let node = |(place, address): (usize, &&str)| Node {
        name: format!("node-{place}"),
        address: address.parse().unwrap(),
    };
    addresses.iter().enumerate().map(node).collect()
}

fn typed(addresses: &[&str], by: By, families: &[Family]) -> (Vec<String>, Vec<String>) {
    let ways =
        ways(&nodes(addresses), by, families, &Numbers { mark: 0x100, table: 200, priority: 7 }).unwrap();
    assert_eq!(ways.marks, (0x100..).take(addresses.len()).collect::<Vec<_>>());
    let steps = ways.steps.iter().map(|(step, _)| step.to_string()).collect();
    let undo = ways.steps.iter().rev().filter_map(|(_, undo)| Some(undo.as_ref()?.to_string())).collect();
    (steps, undo)
}

#[test]
fn a_node_on_the_link_is_a_next_hop() {
    let (steps, undo) = typed(&["10.0.0.11", "2001:db8::12"], By::NextHop, &[Family::V4]);
    assert_eq!(
        steps,
        [
            "ip route add 0.0.0.0/0 via 10.0.0.11 table 200 proto 79",
            "ip rule add priority 7 from all fwmark 0x100 lookup 200 protocol 79",
            "ip route add 0.0.0.0/0 via inet6 2001:db8::12 table 201 proto 79",
            "ip rule add priority 7 from all fwmark 0x101 lookup 201 protocol 79",
        ]
    );
    assert_eq!(undo[0], "ip rule del priority 7 from all fwmark 0x101 lookup 201 protocol 79");
    assert_eq!(undo.len(), 4);
}

#[test]
fn a_node_behind_routers_gets_a_tunnel() {
    let (steps, undo) = typed(&["10.0.0.11"], By::Tunnel, &[Family::V4, Family::V6]);
    assert_eq!(steps.len(), 8);
    assert!(steps[0].starts_with("ip link add name lbpath4-0 type ipip"), "{}", steps[0]);
    assert!(steps[0].contains("remote 10.0.0.11"), "{}", steps[0]);
    assert_eq!(steps[1], "ip link set dev lbpath4-0 up");
    assert!(steps[2].contains("0.0.0.0/0 dev lbpath4-0 table 200"), "{}", steps[2]);
    assert!(steps[4].starts_with("ip link add name lbpath6-0 type sit"), "{}", steps[4]);
    assert!(undo.last().unwrap().contains("lbpath4-0"), "{undo:?}");
    let (steps, _) = typed(&["2001:db8::11"], By::Tunnel, &[Family::V4]);
    assert!(steps[0].contains("type ip6tnl"), "{}", steps[0]);
}

#[test]
fn no_next_hop_of_ipv4_takes_ipv6() {
    let refused = ways(&nodes(&["10.0.0.11"]), By::NextHop, &[Family::V6], &Numbers::default());
    assert_eq!(refused, Err(NoWayToNode { node: "node-0".into() }));
}

#[test]
fn the_default_marks_collide_with_nobodys() {
    let mark = Numbers::default().mark;
    assert!(!lb_core::ipvs::MARKS.contains(&mark) && mark & 0xc000 == 0);
}
