//! Backends that die and come back by themselves: only an agent that probes them notices.

use std::time::Duration;

use crate::ipvs::{self, Line};
use crate::lag::Stopwatch;
use crate::node::Node;
use crate::services::{FALL, PROBE_INTERVAL, PROBE_TIMEOUT, RISE, Services, health};
use crate::topology::{COUNT, VIP, VIP6, backend, backend6, revive};
use crate::traffic::flows::{Flow, Flows, Life};
use crate::world::{ANSWER, CROWD, NEWCOMERS, PATIENCE, World};

/// What this machine needs beyond a verdict's own time, emulated: to probe six services on three
/// nodes, to write to three kernels, and to look what they hold.
const SLACK: Duration = Duration::from_millis(700);
/// A session and a router's tables more, and to look at these.
const ROUTE_SLACK: Duration = Duration::from_millis(1_200);

/// Who dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// Its kernel answers with resets, so a check has failed at once.
    Process,
    /// Nothing answers: a check has failed at its timeout.
    Host,
}

impl Victim {
    /// From its death to the verdict at the latest.
    fn fall(self) -> anyhow::Result<Duration> {
        match self {
            Self::Process => Ok(PROBE_INTERVAL * FALL),
            Self::Host => Ok(health(None)?.detection_bound()),
        }
    }

    /// From its return to the verdict at the latest: a check may hang that began before.
    fn rise(self) -> Duration {
        match self {
            Self::Process => PROBE_INTERVAL * RISE,
            Self::Host => PROBE_TIMEOUT + PROBE_INTERVAL * RISE,
        }
    }
}

/// No verdict may come before this: so many intervals lie between the checks that it takes.
const AT_LEAST: Duration = Duration::from_millis(PROBE_INTERVAL.as_millis() as u64 * (FALL as u64 - 1));

/// The server of a backend is killed.
pub(super) fn process_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    dies(world, Victim::Process)
}

/// A backend's host goes off the network.
pub(super) fn host_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    dies(world, Victim::Host)
}

fn dies(world: &mut World<'_>, victim: Victim) -> anyhow::Result<()> {
    let mut flows = world.open(&CROWD)?;
    let (on_victim, of_others) = (flows.on(0), flows.flows.len() - flows.on(0));
    let watch = world.lag.stopwatch();
    down(world, 0, victim)?;
    let out = wait_for_kernels(world, &watch, |lines| {
        // not of the large transfers' VIPs: their server is another process
        let lines = ipvs::of_services(lines, |_, service| [VIP, VIP6].contains(&service.ip()));
        [backend(0), backend6(0)].iter().all(|address| ipvs::weight_of(&lines, *address) == 0)
    });
    world.expect_within("out of all nodes", victim.fall()? + SLACK, &watch, out);
    let is_late = out.is_some_and(|out| out >= AT_LEAST);
    let shown = out.map_or_else(|| "never".to_owned(), |out| format!("after {:.2} s", out.as_secs_f64()));
    let expected = format!("not before {FALL} checks failed, {:.2} s", AT_LEAST.as_secs_f64());
    world.report.row(&expected, &shown, is_late);
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_opened(&newcomers);
    world.expect_count("of them on the dead backend", 0, newcomers.on(0));
    its_flows_end(world, &mut flows, on_victim, of_others);
    let watch = world.lag.stopwatch();
    up(world, 0, victim)?;
    let usual = Services::usual();
    let back = wait_for_kernels(world, &watch, |lines| usual.not_served(lines).is_none());
    world.expect_within("back in all nodes", victim.rise() + SLACK, &watch, back);
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_picked(&world.expected()?, &newcomers);
    Ok(())
}

/// Rows: the dead backend's connections have ended, those of others live where they were.
fn its_flows_end(world: &World<'_>, flows: &mut Flows, on_victim: usize, of_others: usize) {
    let owner: Vec<Life> = flows.flows.iter().map(|flow| flow.life).collect();
    // twice: the first packet after a backend is gone takes its entry away, the second is answered
    flows.probe(ANSWER);
    flows.probe(ANSWER);
    let was_on_victim = |before: &&(&Flow, Life)| before.1 == Life::Open(0);
    let pairs: Vec<(&Flow, Life)> = flows.flows.iter().zip(owner).collect();
    let (its, others): (Vec<_>, Vec<_>) = pairs.iter().partition(was_on_victim);
    let ended = its.iter().filter(|(flow, _)| flow.life == Life::Reset).count();
    world.expect_count("connections of the dead backend ended", on_victim, ended);
    let live = others.iter().filter(|(flow, before)| flow.life == *before && !flow.owes_answer()).count();
    world.expect_count("connections of other backends live", of_others, live);
}

/// All backends of the VIPs die: nodes withdraw them, and announce them again afterwards.
pub(super) fn all_die(world: &mut World<'_>) -> anyhow::Result<()> {
    let watch = world.lag.stopwatch();
    (0..COUNT).try_for_each(|index| down(world, index, Victim::Process))?;
    let gone = announced_by(world, 0, &watch);
    world.expect_within("withdrawn by all nodes", Victim::Process.fall()? + ROUTE_SLACK, &watch, gone);
    let watch = world.lag.stopwatch();
    (0..COUNT).try_for_each(|index| up(world, index, Victim::Process))?;
    let back = announced_by(world, COUNT, &watch);
    world.expect_within("announced by all nodes", Victim::Process.rise() + ROUTE_SLACK, &watch, back);
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_opened(&newcomers);
    Ok(())
}

/// When as many nodes announced the VIPs of both families; `None` if not in time.
fn announced_by(world: &World<'_>, nodes: usize, watch: &Stopwatch) -> Option<Duration> {
    let all = [VIP, VIP6].iter().try_for_each(|vip| world.router.wait_for(*vip, nodes, PATIENCE).map(drop));
    all.ok().map(|()| watch.since.elapsed())
}

fn down(world: &World<'_>, index: usize, victim: Victim) -> anyhow::Result<()> {
    match victim {
        Victim::Process => world.servers.stop(index),
        Victim::Host => world.topology.backends[index].ip("link set upper down\n")?,
    }
    Ok(())
}

fn up(world: &World<'_>, index: usize, victim: Victim) -> anyhow::Result<()> {
    let namespace = &world.topology.backends[index];
    match victim {
        Victim::Process => world.servers.start(index, namespace),
        Victim::Host => revive(namespace, "b", index),
    }
}

/// When every node's kernel held what it was to hold; `None` if not in time.
fn wait_for_kernels(
    world: &World<'_>,
    watch: &Stopwatch,
    is_so: impl Fn(&[Line]) -> bool,
) -> Option<Duration> {
    while watch.since.elapsed() < PATIENCE {
        let is_done = |node: &Node<'_>| ipvs::read(node.namespace).is_ok_and(|lines| is_so(&lines));
        if world.nodes.iter().all(is_done) {
            return Some(watch.since.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}
