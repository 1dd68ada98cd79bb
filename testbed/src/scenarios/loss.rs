//! Nodes that go and come, and a router that does.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::router::{BFD_INTERVAL, BFD_MULTIPLIER};
use crate::topology::{COUNT, VIP, VIP6};
use crate::traffic::{PORT, datagrams};
use crate::world::{ANSWER, PATIENCE, World};

/// Withdrawn by the end of the session's TCP connection.
const FIN_BOUND: Duration = Duration::from_millis(500);
/// What an emulated machine may add to BFD's own time.
const BFD_SLACK: Duration = Duration::from_millis(700);

/// kill -9 of a node's agent: its session ends, its kernel goes on.
pub(super) fn agent_killed(world: &mut World<'_>) -> anyhow::Result<()> {
    lost(world, false)
}

/// A node's host dies in silence: BFD finds out.
pub(super) fn host_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    lost(world, true)
}

fn lost(world: &mut World<'_>, is_silent: bool) -> anyhow::Result<()> {
    let expected = world.expected()?;
    let mut flows = world.open(VIP, 240)?;
    let mut flows6 = world.open(VIP6, 60)?;
    let right = world.count_right(&expected, VIP, &flows) + world.count_right(&expected, VIP6, &flows6);
    world.expect_count("connections on the backend picked", 300, right);
    let datagrams_from = world.sources(VIP, 200);
    let vip = SocketAddr::new(VIP, PORT);
    let before = datagrams::send(world.client(), &world.servers, vip, &datagrams_from)?;
    let hop = world.nodes[0].addresses().0;
    let since = Instant::now();
    if is_silent {
        world.nodes[0].host_down()?;
    } else {
        world.nodes[0].kill();
    }
    let withdrawn = world.router.withdrawn(VIP, hop, since, PATIENCE);
    let bound = if is_silent { BFD_INTERVAL * BFD_MULTIPLIER + BFD_SLACK } else { FIN_BOUND };
    world.expect_within("withdrawn", bound, withdrawn);
    let lost = flows.probe(ANSWER).lost() + flows6.probe(ANSWER).lost();
    world.expect_count("of 300 connections lost", 0, lost);
    world.servers.forget();
    let after = datagrams::send(world.client(), &world.servers, vip, &datagrams_from)?;
    let same =
        before.iter().zip(&after).filter(|(before, after)| before.is_some() && before == after).count();
    world.expect_count("flows of datagrams on the same backend", 200, same);
    let newcomers = world.open(VIP, 120)?;
    let right = world.count_right(&expected, VIP, &newcomers);
    world.expect_count("new connections on the backend picked", 120, right);
    joins(world, is_silent, &mut flows)
}

/// SIGTERM: the agent withdraws its VIPs before it ends, and leaves the kernel as it is.
pub(super) fn agent_stops(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(VIP, 240)?;
    let hop = world.nodes[0].addresses().0;
    let since = Instant::now();
    let (stopped, census) = flows.watch(ANSWER, || world.nodes[0].terminate(PATIENCE));
    world.expect_count("of 240 connections lost while it stops", 0, census.lost());
    world.expect_within("ended", PATIENCE, stopped?);
    world.expect_within("withdrawn", FIN_BOUND, world.router.withdrawn(VIP, hop, since, PATIENCE));
    let census = flows.probe(ANSWER);
    world.expect_count("of 240 connections lost", 0, census.lost());
    joins(world, false, &mut flows)
}

/// The node comes back: a part of all flows moves to it, and it knows none of them.
fn joins(
    world: &mut World<'_>,
    is_booted: bool,
    flows: &mut crate::traffic::flows::Flows,
) -> anyhow::Result<()> {
    let services = world.services.clone();
    if is_booted {
        world.nodes[0].host_up()?;
    }
    world.nodes[0].start(&services)?;
    let (back, census) = flows.watch(ANSWER, || world.router.wait_for(VIP, COUNT, PATIENCE));
    world.expect_within("the node joins", PATIENCE, Some(back?));
    world.expect_count("of 240 connections lost when it joins", 0, census.lost());
    Ok(())
}

/// The router's BGP daemon dies and comes back: routes stay, as graceful restart wants.
pub(super) fn router_restarts(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(VIP, 240)?;
    let since = Instant::now();
    world.router.kill_bird();
    world.router.start_bird(true)?;
    let (sessions, census) = flows.watch(ANSWER, || world.router.wait_for_sessions(COUNT, PATIENCE));
    world.expect_within("all sessions are back", PATIENCE, Some(sessions?));
    world.expect_count("of 240 connections lost", 0, census.lost());
    // the end of the recovery is when routes that nobody announced again would go
    std::thread::sleep(Duration::from_secs(2));
    let hops = world.router.next_hops(VIP)?.len();
    world.expect_count("next hops afterwards", COUNT, hops);
    let withdrawals = world.router.withdrawals(VIP, since);
    withdrawals.iter().for_each(|line| world.report.remark(line));
    world.expect_count("withdrawals meanwhile", 0, withdrawals.len());
    let census = flows.probe(ANSWER);
    world.expect_count("of 240 connections lost afterwards", 0, census.lost());
    Ok(())
}
