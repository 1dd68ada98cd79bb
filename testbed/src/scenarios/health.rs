//! Backends that die and come back by themselves: only an agent that probes them notices.

use std::time::{Duration, Instant};

use crate::ipvs;
use crate::node::Node;
use crate::services::{FALL, PROBE_INTERVAL, PROBE_TIMEOUT, RISE};
use crate::topology::{COUNT, VIP, VIP6, backend, backend6, revive};
use crate::traffic::flows::{Flows, Life};
use crate::world::{ANSWER, PATIENCE, World};

/// The verdict's own time: the probe that is just over, then as many failures as it takes.
const VERDICT: Duration = Duration::from_millis(
    (PROBE_INTERVAL.as_millis() as u64) * (FALL as u64 + 1) + PROBE_TIMEOUT.as_millis() as u64,
);
/// What an emulated machine may add to it.
const SLACK: Duration = Duration::from_millis(1_000);

/// Who dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Process,
    Host,
}

/// The server of a backend is killed; its kernel answers with resets.
pub(super) fn process_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    dies(world, Victim::Process)
}

/// A backend's host goes off the network and answers nothing.
pub(super) fn host_dies(world: &mut World<'_>) -> anyhow::Result<()> {
    dies(world, Victim::Host)
}

fn dies(world: &mut World<'_>, victim: Victim) -> anyhow::Result<()> {
    let mut flows = world.open(VIP, 240)?;
    let on_victim = flows.by_backend().get(&0).copied().unwrap_or_default();
    let since = Instant::now();
    down(world, 0, victim)?;
    let out = wait_for_weight(world, 0, false);
    world.expect_within("out of all nodes", VERDICT + SLACK, out.map(|at| at.duration_since(since)));
    let newcomers = world.open(VIP, 120)?;
    world.expect_count("of 120 new connections refused", 0, newcomers.census().unopened());
    let census = flows.probe(ANSWER);
    let others =
        |flows: &Flows| flows.by_backend().iter().filter(|(index, _)| **index != 0).map(|(_, n)| n).sum();
    world.expect_count("connections of other backends open", 240 - on_victim, others(&flows));
    world.expect_count(
        "connections of other backends silent or moved",
        0,
        census.moved + silent_elsewhere(&flows),
    );
    up(world, 0, victim)?;
    let since = Instant::now();
    let back = wait_for_weight(world, 0, true);
    let bound = PROBE_INTERVAL * (RISE + 1) + PROBE_TIMEOUT + SLACK;
    world.expect_within("back in all nodes", bound, back.map(|at| at.duration_since(since)));
    let newcomers = world.open(VIP, 120)?;
    world.expect_count("of 120 new connections refused", 0, newcomers.census().unopened());
    Ok(())
}

fn silent_elsewhere(flows: &Flows) -> usize {
    let is_silent = |flow: &&crate::traffic::flows::Flow| match flow.life {
        Life::Open(backend) => backend != 0 && flow.owes_answer(),
        Life::Opening | Life::Refused | Life::Reset | Life::Moved => false,
    };
    flows.flows.iter().filter(is_silent).count()
}

/// All backends of the VIPs die: nodes withdraw them, and announce them again afterwards.
pub(super) fn all_die(world: &mut World<'_>) -> anyhow::Result<()> {
    let since = Instant::now();
    (0..COUNT).try_for_each(|index| down(world, index, Victim::Process))?;
    let gone = world.router.wait_for(VIP, 0, PATIENCE).ok().map(|_| since.elapsed());
    world.expect_within("withdrawn by all nodes", VERDICT + SLACK, gone);
    let since = Instant::now();
    (0..COUNT).try_for_each(|index| up(world, index, Victim::Process))?;
    let back = world.router.wait_for(VIP, COUNT, PATIENCE).ok().map(|_| since.elapsed());
    let bound = PROBE_INTERVAL * (RISE + 1) + PROBE_TIMEOUT + SLACK;
    world.expect_within("announced by all nodes", bound, back);
    let newcomers = world.open(VIP, 60)?;
    world.expect_count("of 60 new connections refused", 0, newcomers.census().unopened());
    Ok(())
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

/// When every node's kernel had taken a backend out, or put it back; `None` if not in time.
fn wait_for_weight(world: &World<'_>, index: usize, is_wanted: bool) -> Option<Instant> {
    let start = Instant::now();
    let addresses = [backend(index), backend6(index)];
    while start.elapsed() < PATIENCE {
        let is_done = |node: &Node<'_>| {
            let lines = ipvs::read(node.namespace).unwrap_or_default();
            let lines = ipvs::of_services(&lines, |_, service| [VIP, VIP6].contains(&service.ip()));
            addresses.iter().all(|address| (ipvs::weight_of(&lines, *address) > 0) == is_wanted)
        };
        if world.nodes.iter().all(is_done) {
            return Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}
