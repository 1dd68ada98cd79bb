//! Every flow on the backend that `overspill pick` names.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use lb_core::Protocol;

use super::transfers;
use crate::ipvs::{self, Line};
use crate::node::Node;
use crate::report::Taken;
use crate::services::{Service, Services, backends};
use crate::topology::{COUNT, VIP, VIP6, VIPS};
use crate::traffic::flows::{Flow, Life};
use crate::traffic::{BULK_PORT, PORT};
use crate::world::{PATIENCE, World};

/// Flows of one comparison: datagrams from one source to each of these, and connections to each VIP.
struct Sample<'a> {
    datagrams: &'a [(IpAddr, u16)],
    connections: u16,
}

const BOTH: [(IpAddr, u16); 2] = [(VIP, 1_000), (VIP6, 1_000)];
/// Without the port in the hash, a source is a flow: few ports of many sources.
const MANY_SOURCES: [(IpAddr, u16); 120] = {
    let mut groups = [(VIP, 5); 120];
    let mut place = 0;
    while place < groups.len() {
        groups[place].0 = if place % 2 == 0 { VIP } else { VIP6 };
        place += 1;
    }
    groups
};
/// What all comparisons of the whole set are to come to, at least.
const AT_LEAST: usize = 10_000;

/// 240 connections of each family, 3 nodes, 3 backends.
pub(super) fn connections(world: &mut World<'_>) -> anyhow::Result<()> {
    let before = packets_of_nodes(world)?;
    compare(world, "240 connections", &Sample { datagrams: &[], connections: 240 })?;
    let mut flows = world.open(&[(VIP, 240), (VIP6, 240)])?;
    world.expect_kept(&mut flows, "");
    // else the backends prove nothing of the nodes
    let packets: Vec<u64> =
        packets_of_nodes(world)?.iter().zip(before).map(|(after, before)| after - before).collect();
    let all: u64 = packets.iter().sum();
    let have_some = packets.iter().all(|packets| (all / 6..all / 2).contains(packets));
    world.report.row("each node carries about a third", &format!("{packets:?} packets"), have_some);
    same_tables(world)?;
    // nodes and judges read kernels by our own library; here is another's word for what it says
    let ours = by_service(&ipvs::read(world.nodes[0].namespace)?);
    let theirs = by_service(&ipvs::listed(world.nodes[0].namespace)?);
    let same = ours.intersection(&theirs).count();
    world.expect_count("services as `ipvsadm` lists them", theirs.len().max(ours.len()), same);
    Ok(())
}

/// Services with their destinations, in an order of their own.
fn by_service(lines: &[Line]) -> BTreeSet<String> {
    let mut services: Vec<String> = Vec::new();
    for line in lines {
        match (line, services.last_mut()) {
            (Line::Service { .. }, _) | (Line::Destination { .. }, None) => {
                services.push(format!("{line:?}"))
            }
            (Line::Destination { .. }, Some(service)) => *service += &format!("{line:?}"),
        }
    }
    services.into_iter().collect()
}

fn packets_of_nodes(world: &World<'_>) -> anyhow::Result<Vec<u64>> {
    world.nodes.iter().map(|node| ipvs::packets(node.namespace)).collect()
}

/// A row: in the kernels of all nodes the same destinations serve, in the same order.
fn same_tables(world: &World<'_>) -> anyhow::Result<()> {
    let vips = world.services.vips();
    let own = |node: &Node<'_>| -> anyhow::Result<Vec<Line>> {
        let lines = ipvs::read(node.namespace)?;
        let mut own = ipvs::of_services(&lines, |_, address| vips.contains(&address.ip()));
        // what has left a service waits on its own node for the end of its own connections
        own.retain(|line| !matches!(line, Line::Destination { weight: 0, .. }));
        Ok(own)
    };
    let all = world.nodes.iter().map(own).collect::<anyhow::Result<Vec<_>>>()?;
    for (node, own) in world.nodes.iter().zip(&all) {
        if let Some((ours, first)) = own.iter().zip(&all[0]).find(|(ours, first)| ours != first) {
            world.report.remark(&format!("{} has {ours:?} where node1 has {first:?}", node.namespace.name()));
        }
    }
    let same = all.iter().filter(|own| **own == all[0]).count();
    world.expect_count("nodes whose kernels hold the same, in one order", all.len(), same);
    Ok(())
}

/// Some flows of each family.
pub(super) fn few(world: &mut World<'_>) -> anyhow::Result<()> {
    compare(world, "usual services", &Sample { datagrams: &BOTH, connections: 100 }).map(drop)
}

/// Ten thousand flows and more, over everything that moves a flow.
pub(super) fn many(world: &mut World<'_>) -> anyhow::Result<()> {
    let usual = Services::usual();
    let both = Sample { datagrams: &BOTH, connections: 100 };
    let mut all = compare(world, "equal weights", &Sample { connections: 200, ..both })?;

    let mut weighted = usual.clone();
    for (index, weight) in [100, 50, 10].into_iter().enumerate() {
        weighted.set(index, weight, "active");
    }
    all += changed(world, "weights 100, 50, 10", &weighted, &both)?;

    let mut without_port = usual.clone();
    without_port.list.iter_mut().for_each(|service| service.has_port = false);
    all += changed(world, "without mh-port", &without_port, &Sample { datagrams: &MANY_SOURCES, ..both })?;

    let mut drained = usual.clone();
    drained.set(1, 1, "drain");
    all += changed(world, "one drains, fallback", &drained, &both)?;
    drained.list.iter_mut().for_each(|service| service.has_fallback = false);
    // flows that hash to it have nobody, and are tried thrice: fewer of them
    let fewer = Sample { datagrams: &[(VIP, 250), (VIP6, 250)], ..both };
    all += changed(world, "one drains, no fallback", &drained, &fewer)?;

    let mut removed = usual.clone();
    removed.remove(0);
    all += changed(world, "one deleted", &removed, &both)?;
    all += changed(world, "and added again", &usual, &both)?;
    world.report.row(&format!("at least {AT_LEAST} flows"), &format!("{all} flows"), all >= AT_LEAST);
    Ok(())
}

/// VIPs of one family behind tunnels of the other.
pub(super) fn mixed(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut services = Services::usual();
    for (vip, is_v4) in [(VIPS[2], false), (VIPS[3], true)] {
        for (port, protocol) in [(PORT, Protocol::TCP), (PORT, Protocol::UDP), (BULK_PORT, Protocol::TCP)] {
            services.list.push(Service::over(vip, port, protocol, is_v4));
        }
    }
    world.apply(&services)?;
    for vip in [VIPS[2], VIPS[3]] {
        world.router.wait_for(vip, COUNT, PATIENCE)?;
    }
    for (name, vip) in [("IPv4 over IPv6 tunnels", VIPS[2]), ("IPv6 over IPv4 tunnels", VIPS[3])] {
        compare(world, name, &Sample { datagrams: &[(vip, 1_000)], connections: 120 })?;
        let mut flows = world.open(&[(vip, 120)])?;
        world.expect_kept(&mut flows, "");
        transfers::both_ways(world, vip, &format!("{name}, 1500 everywhere"));
    }
    same_tables(world)
}

fn changed(
    world: &mut World<'_>,
    name: &str,
    services: &Services,
    sample: &Sample<'_>,
) -> anyhow::Result<usize> {
    world.apply(services)?;
    world.expect_programmed(services)?;
    compare(world, name, sample)
}

/// Sends datagrams in groups of one source each, and opens connections; compares all with the
/// nodes' own file and tells the host, which asks `overspill pick`. How many there were.
fn compare(world: &mut World<'_>, name: &str, sample: &Sample<'_>) -> anyhow::Result<usize> {
    world.report.services(name, &world.nodes[0].printed()?);
    let expected = world.expected()?;
    let (mut right, mut all) = (0, 0);
    let mut count = |protocol, vip: IpAddr, sources: &[SocketAddr], by: &[Option<usize>]| {
        let vip = SocketAddr::new(vip, PORT);
        let wanted = sources.iter().map(|source| expected.backend(protocol, *source, vip));
        right += wanted.zip(by).filter(|(wanted, by)| wanted == *by).count();
        all += by.len();
    };
    for (vip, number) in sample.datagrams {
        let sources = world.sources(*vip, *number);
        let by = world.datagrams(*vip, &sources)?;
        count(Protocol::UDP, *vip, &sources, &by);
        tell(world, name, Protocol::UDP, *vip, &sources, &by);
    }
    let mut vips: Vec<IpAddr> = sample.datagrams.iter().map(|(vip, _)| *vip).collect();
    if vips.is_empty() {
        vips = vec![VIP, VIP6];
    }
    vips.sort();
    vips.dedup();
    for vip in vips {
        let flows = world.open(&[(vip, sample.connections)])?;
        let sources: Vec<SocketAddr> = flows.flows.iter().map(|flow| flow.source).collect();
        let taken = |flow: &Flow| if let Life::Open(backend) = flow.life { Some(backend) } else { None };
        let by: Vec<_> = flows.flows.iter().map(taken).collect();
        count(Protocol::TCP, vip, &sources, &by);
        tell(world, name, Protocol::TCP, vip, &sources, &by);
    }
    world.expect_count(&format!("flows as picked: {name}"), all, right);
    Ok(all)
}

fn tell(
    world: &World<'_>,
    services: &str,
    protocol: Protocol,
    vip: IpAddr,
    sources: &[SocketAddr],
    by: &[Option<usize>],
) {
    let is_v4 = world
        .services
        .list
        .iter()
        .filter(|service| service.vip == vip)
        .flat_map(|service| &service.members)
        .all(|member| member.address.is_ipv4());
    world.report.flows(&Taken {
        services,
        protocol: &protocol.to_string(),
        source: sources[0].ip(),
        first_port: sources[0].port(),
        vip,
        port: PORT,
        backends: &backends(is_v4),
        by,
    });
}
