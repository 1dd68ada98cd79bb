//! Nodes that go and come, and a router that does.

use std::time::Duration;

use crate::ipvs;
use crate::lag::Stopwatch;
use crate::router::{BFD_INTERVAL, BFD_MULTIPLIER};
use crate::topology::{COUNT, VIP, VIP6};
use crate::traffic::flows::Flows;
use crate::world::{ANSWER, CROWD, NEWCOMERS, PATIENCE, World};

/// Withdrawn by the end of the session's TCP connection.
const FIN_BOUND: Duration = Duration::from_millis(500);
/// What this machine needs beyond BFD's own time, emulated: the same way from the session to the routes.
const BFD_BOUND: Duration = BFD_INTERVAL.saturating_mul(BFD_MULTIPLIER).saturating_add(FIN_BOUND);

/// How a node goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    /// kill -9 of its agent: its session ends, its kernel goes on.
    Agent,
    /// Its links go down, and its agent too: BFD finds out.
    Host,
}

/// kill -9 of a node's agent.
pub(super) fn agent_killed(world: &mut World<'_>) -> anyhow::Result<()> {
    lost(world, Death::Agent)
}

/// A node's host dies in silence.
pub(super) fn host_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    lost(world, Death::Host)
}

fn lost(world: &mut World<'_>, death: Death) -> anyhow::Result<()> {
    let expected = world.expected()?;
    let mut flows = world.open(&CROWD)?;
    world.expect_picked(&expected, &flows);
    let datagrams = [VIP, VIP6].map(|vip| (vip, world.sources(vip, 100)));
    let send = |world: &World<'_>| -> anyhow::Result<Vec<Option<usize>>> {
        let taken = datagrams.iter().map(|(vip, sources)| world.datagrams(*vip, sources));
        Ok(taken.collect::<anyhow::Result<Vec<_>>>()?.concat())
    };
    let before = send(world)?;
    let watch = world.lag.stopwatch();
    let bound = match death {
        Death::Agent => {
            world.nodes[0].kill();
            FIN_BOUND
        }
        Death::Host => {
            world.nodes[0].host_down()?;
            BFD_BOUND
        }
    };
    withdrawn(world, bound, &watch);
    world.expect_kept(&mut flows, "");
    world.servers.forget();
    let after = send(world)?;
    let same =
        before.iter().zip(&after).filter(|(before, after)| before.is_some() && before == after).count();
    world.expect_count("flows of datagrams on the same backend", before.len(), same);
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_picked(&expected, &newcomers);
    if death == Death::Host {
        world.nodes[0].host_up()?;
    }
    joins(world, &mut flows)
}

/// Rows: the router sends the VIPs of both families no longer by way of the node.
fn withdrawn(world: &World<'_>, bound: Duration, watch: &Stopwatch) {
    let (hop, hop6) = world.nodes[0].addresses();
    for (vip, hop) in [(VIP, hop), (VIP6, hop6)] {
        let withdrawn = world.router.withdrawn(vip, hop, watch.since, PATIENCE);
        world.expect_within(&format!("{vip} withdrawn"), bound, watch, withdrawn);
    }
}

/// SIGTERM: the agent withdraws its VIPs before it ends, and leaves the kernel as it is.
pub(super) fn agent_stops(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(&CROWD)?;
    let before = ipvs::read(world.nodes[0].namespace)?;
    let watch = world.lag.stopwatch();
    let (stopped, census) = flows.watch(ANSWER, || world.nodes[0].terminate(PATIENCE));
    world.expect_none_lost(&flows, &census, " while it stops");
    world.expect_within("ended", PATIENCE, &watch, stopped?);
    withdrawn(world, FIN_BOUND, &watch);
    let is_same = ipvs::read(world.nodes[0].namespace)? == before;
    world.report.row("the kernel left as it is", if is_same { "as before" } else { "changed" }, is_same);
    world.expect_kept(&mut flows, "");
    joins(world, &mut flows)
}

/// The node comes back: a part of all flows moves to it, and it knows none of them.
fn joins(world: &mut World<'_>, flows: &mut Flows) -> anyhow::Result<()> {
    let services = world.services.clone();
    let before = ipvs::packets(world.nodes[0].namespace)?;
    flows.probe(ANSWER);
    let meanwhile = ipvs::packets(world.nodes[0].namespace)? - before;
    world.nodes[0].start(&services)?;
    let watch = world.lag.stopwatch();
    let (back, census) = flows.watch(ANSWER, || -> anyhow::Result<()> {
        [VIP, VIP6].iter().try_for_each(|vip| world.router.wait_for(*vip, COUNT, PATIENCE).map(drop))
    });
    world.expect_within("the node joins", PATIENCE, &watch, back.map(|()| watch.since.elapsed()).ok());
    world.expect_none_lost(flows, &census, " when it joins");
    // else nothing was proved
    let before = ipvs::packets(world.nodes[0].namespace)?;
    world.expect_kept(flows, " afterwards");
    let after = ipvs::packets(world.nodes[0].namespace)? - before;
    let shown = format!("{meanwhile} while it was away, {after} now");
    world.report.row("their packets come through it again", &shown, meanwhile == 0 && after > 0);
    Ok(())
}

/// The router's BGP daemon dies and comes back: routes stay, as graceful restart wants.
pub(super) fn router_restarts(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(&CROWD)?;
    let watch = world.lag.stopwatch();
    world.router.kill_bird();
    world.router.start_bird(true)?;
    let (sessions, census) = flows.watch(ANSWER, || world.router.wait_for_sessions(COUNT, PATIENCE));
    world.expect_within("all sessions are back", PATIENCE, &watch, sessions.ok());
    world.expect_none_lost(&flows, &census, "");
    // the end of the recovery is when routes that nobody announced again would go
    std::thread::sleep(Duration::from_secs(2));
    for vip in [VIP, VIP6] {
        world.expect_count(
            &format!("next hops of {vip} afterwards"),
            COUNT,
            world.router.next_hops(vip)?.len(),
        );
        let withdrawals = world.router.withdrawals(vip, watch.since);
        withdrawals.iter().for_each(|line| world.report.remark(line));
        world.expect_count("withdrawals of it meanwhile", 0, withdrawals.len());
    }
    world.expect_kept(&mut flows, " afterwards");
    Ok(())
}
