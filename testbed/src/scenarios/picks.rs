//! Every flow on the backend that `overspill pick` names.

use std::net::{IpAddr, SocketAddr};

use lb_core::Protocol;

use crate::report::Taken;
use crate::services::{Service, Services, backends};
use crate::topology::{VIP, VIP6, VIPS};
use crate::traffic::flows::{Flows, Life};
use crate::traffic::{PORT, datagrams};
use crate::world::{ANSWER, World};

/// 240 connections, 3 nodes, 3 backends.
pub(super) fn connections(world: &mut World<'_>) -> anyhow::Result<()> {
    let expected = world.expected()?;
    for vip in [VIP, VIP6] {
        let mut flows = world.open(vip, 240)?;
        let right = world.count_right(&expected, vip, &flows);
        world.expect_count("connections on the backend picked", 240, right);
        let census = flows.probe(ANSWER);
        world.expect_count("of them lost", 0, census.lost());
    }
    Ok(())
}

/// Some flows of each family.
pub(super) fn few(world: &mut World<'_>) -> anyhow::Result<()> {
    compare(world, "usual services", &[(VIP, 1_000), (VIP6, 1_000)], 100)
}

/// Ten thousand flows and more, over everything that moves a flow.
pub(super) fn many(world: &mut World<'_>) -> anyhow::Result<()> {
    let usual = Services::usual();
    let both = [(VIP, 1_000), (VIP6, 1_000)];
    compare(world, "equal weights", &both, 200)?;

    let mut weighted = usual.clone();
    for (index, weight) in [100, 50, 10].into_iter().enumerate() {
        weighted.set(index, weight, "active");
    }
    changed(world, "weights 100, 50, 10", &weighted, &both)?;

    let mut without_port = usual.clone();
    without_port.list.iter_mut().for_each(|service| service.has_port = false);
    changed(world, "without mh-port", &without_port, &[(VIP, 10); 60])?;

    let mut drained = usual.clone();
    drained.set(1, 1, "drain");
    changed(world, "one drains, fallback", &drained, &both)?;
    drained.list.iter_mut().for_each(|service| service.has_fallback = false);
    // flows that hash to it have nobody, and are tried thrice: fewer of them
    changed(world, "one drains, no fallback", &drained, &[(VIP, 250), (VIP6, 250)])?;

    let mut removed = usual.clone();
    removed.remove(0);
    changed(world, "one deleted", &removed, &both)?;
    changed(world, "and added again", &usual, &both)
}

/// VIPs of one family behind tunnels of the other.
pub(super) fn mixed(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut services = Services::usual();
    for (vip, is_v4) in [(VIPS[2], false), (VIPS[3], true)] {
        for protocol in [Protocol::TCP, Protocol::UDP] {
            services.list.push(Service::over(vip, PORT, protocol, is_v4));
        }
    }
    world.apply(&services)?;
    for vip in [VIPS[2], VIPS[3]] {
        world.router.wait_for(vip, crate::topology::COUNT, crate::world::PATIENCE)?;
    }
    compare(world, "IPv6 over IPv4 tunnels", &[(VIPS[3], 1_000)], 120)?;
    for vip in [VIPS[2], VIPS[3]] {
        let mut flows = world.open(vip, 120)?;
        let census = flows.probe(ANSWER);
        world.expect_count("of 120 connections lost", 0, census.lost() + census.unopened());
    }
    Ok(())
}

fn changed(
    world: &mut World<'_>,
    name: &str,
    services: &Services,
    groups: &[(IpAddr, u16)],
) -> anyhow::Result<()> {
    world.apply(services)?;
    world.expect_programmed(services)?;
    compare(world, name, groups, 100)
}

/// Sends datagrams in groups of one source each, and opens connections; compares all with the
/// nodes' own file and tells the host, which asks `overspill pick`.
fn compare(
    world: &mut World<'_>,
    name: &str,
    groups: &[(IpAddr, u16)],
    connections: u16,
) -> anyhow::Result<()> {
    world.report.services(name, &world.nodes[0].printed()?);
    let expected = world.expected()?;
    let (mut right, mut all) = (0, 0);
    let mut vips: Vec<IpAddr> = groups.iter().map(|(vip, _)| *vip).collect();
    for (vip, count) in groups {
        let sources = world.sources(*vip, *count);
        let vip = SocketAddr::new(*vip, PORT);
        let by = datagrams::send(world.client(), &world.servers, vip, &sources)?;
        let wanted = sources.iter().map(|source| expected.backend(Protocol::UDP, *source, vip));
        right += wanted.zip(&by).filter(|(wanted, by)| wanted == *by).count();
        all += by.len();
        tell(world, name, "udp", vip, &sources, &by);
    }
    vips.sort();
    vips.dedup();
    for vip in vips {
        let sources = world.sources(vip, connections);
        let vip = SocketAddr::new(vip, PORT);
        let flows = Flows::open(world.client(), vip, &sources, ANSWER)?;
        let taken = |life: Life| if let Life::Open(backend) = life { Some(backend) } else { None };
        let by: Vec<_> = flows.flows.iter().map(|flow| taken(flow.life)).collect();
        let wanted = sources.iter().map(|source| expected.backend(Protocol::TCP, *source, vip));
        right += wanted.zip(&by).filter(|(wanted, by)| wanted == *by).count();
        all += by.len();
        tell(world, name, "tcp", vip, &sources, &by);
    }
    world.expect_count(&format!("flows as picked: {name}"), all, right);
    Ok(())
}

fn tell(
    world: &World<'_>,
    services: &str,
    protocol: &str,
    vip: SocketAddr,
    sources: &[SocketAddr],
    by: &[Option<usize>],
) {
    let is_v4 = world
        .services
        .list
        .iter()
        .filter(|service| service.vip == vip.ip())
        .flat_map(|service| &service.members)
        .all(|member| member.address.is_ipv4());
    world.report.flows(&Taken {
        services,
        protocol,
        source: sources[0].ip(),
        first_port: sources[0].port(),
        vip: vip.ip(),
        port: vip.port(),
        backends: &backends(is_v4),
        by,
    });
}
