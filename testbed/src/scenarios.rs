//! The scenarios: each changes something in the world and says what must hold then.

mod agents;
mod changes;
mod health;
mod live;
mod loss;
mod paths;
mod picks;
mod transfers;

use std::time::Duration;

use crate::catalogue::{Id, Scenario};
use crate::words::Words;
use crate::world::World;

/// Lines of each node's log that explain what did not hold.
const LAST_WORDS: usize = 30;

/// What fails while the host took a quarter of the time and more than this says nothing: timeouts
/// that a machine needs to be alive for have run out, whatever the programs do. It is made again.
const EXCUSE: Duration = Duration::from_secs(1);
/// A machine that is never there proves nothing either.
const ATTEMPTS: u32 = 3;

/// Runs those that are wanted; a scenario that cannot go on is a row that failed.
pub(crate) fn run(world: &mut World<'_>, words: &Words) {
    for _ in 0..words.repeat {
        words.scenarios.iter().for_each(|scenario| run_one(world, scenario));
    }
}

/// A scenario fails if it fails on a machine that was there, or every time.
fn run_one(world: &mut World<'_>, scenario: &Scenario) {
    for attempt in 1..=ATTEMPTS {
        let watch = world.lag.stopwatch();
        let holds = attempt_one(world, scenario);
        let (took, lag) = (watch.since.elapsed(), watch.lag());
        let shown = format!("the host took {:.1} s of its {:.1} s", lag.as_secs_f64(), took.as_secs_f64());
        let is_excused = lag > EXCUSE && lag > took / 4;
        if holds || !is_excused || attempt == ATTEMPTS {
            world.report.remark(&shown);
            return;
        }
        world.report.again(scenario.name, &shown);
    }
}

fn attempt_one(world: &mut World<'_>, scenario: &Scenario) -> bool {
    world.report.begin(scenario.name);
    if let Err(error) = code(scenario.id)(world) {
        world.report.row("it can be carried out", &format!("{error:#}"), false);
    }
    // the scenarios after it go on in what there is, and say so where that is not enough
    if let Err(error) = world.restore() {
        world.report.row("all is as before", &format!("{error:#}"), false);
    }
    let has_failed = world.report.take_failed();
    if has_failed {
        for node in &world.nodes {
            let words = node.last_words(LAST_WORDS);
            world.report.remark(&format!("{} said last:\n{words}", node.namespace.name()));
        }
    }
    !has_failed
}

/// What carries out a scenario.
fn code(id: Id) -> fn(&mut World<'_>) -> anyhow::Result<()> {
    match id {
        Id::AgentKilled => loss::agent_killed,
        Id::AgentRestarts => agents::restarts,
        Id::AgentStops => loss::agent_stops,
        Id::AllBackendsDie => health::all_die,
        Id::BackendAdded => changes::added,
        Id::BackendDrains => changes::drains,
        Id::BackendHostDies => health::host_dies,
        Id::Connections => picks::connections,
        Id::DsrTests => live::dsr,
        Id::FileChanges => agents::reloads,
        Id::ForeignThings => agents::foreign,
        Id::HostDies => loss::host_dies,
        Id::LiveTests => live::netlink,
        Id::ManyFlows => picks::many,
        Id::MixedFamilies => picks::mixed,
        Id::NarrowHop => transfers::narrow,
        Id::OnePathDead => paths::dies,
        Id::PathMtu => transfers::wide,
        Id::ProcessDies => health::process_dies,
        Id::RouterRestarts => loss::router_restarts,
        Id::SlowStart => changes::slow_start,
        Id::SomeFlows => picks::few,
        Id::WeightHalved => changes::weights,
    }
}
