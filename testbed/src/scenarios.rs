//! The scenarios: each changes something in the world and says what must hold then.

mod agents;
mod changes;
mod health;
mod live;
mod loss;
mod paths;
mod picks;
mod transfers;

use crate::node::Kind;
use crate::words::Words;
use crate::world::World;

/// One scenario.
struct Scenario {
    name: &'static str,
    /// Whether it is in the small set.
    is_smoke: bool,
    /// Whether nodes of Debian's programs cannot do it, as they probe nothing.
    needs_agent: bool,
    run: fn(&mut World<'_>) -> anyhow::Result<()>,
}

const fn smoke(name: &'static str, run: fn(&mut World<'_>) -> anyhow::Result<()>) -> Scenario {
    Scenario { name, is_smoke: true, needs_agent: false, run }
}

const fn full(name: &'static str, run: fn(&mut World<'_>) -> anyhow::Result<()>) -> Scenario {
    Scenario { name, is_smoke: false, needs_agent: false, run }
}

const fn agent(name: &'static str, run: fn(&mut World<'_>) -> anyhow::Result<()>) -> Scenario {
    Scenario { name, is_smoke: false, needs_agent: true, run }
}

/// All of them; those next to each other go to different guests.
const SCENARIOS: [Scenario; 23] = [
    smoke("240 connections", picks::connections),
    smoke("flows as picked", picks::few),
    smoke("node's agent killed", loss::agent_killed),
    Scenario { is_smoke: true, ..agent("agent restarts", agents::restarts) },
    full("node's host dies", loss::host_dies),
    full("node's agent stops", loss::agent_stops),
    agent("backend's process dies", health::process_dies),
    agent("backend's host dies", health::host_dies),
    agent("all backends die", health::all_die),
    agent("one path dead", paths::dies),
    full("many flows as picked", picks::many),
    full("backend added", changes::added),
    full("backend's weight halved", changes::weights),
    agent("slow start", changes::slow_start),
    full("backend drains", changes::drains),
    full("path MTU", transfers::wide),
    full("path MTU, narrow hop", transfers::narrow),
    full("mixed families", picks::mixed),
    full("router restarts", loss::router_restarts),
    agent("file changes", agents::reloads),
    smoke("live tests", live::netlink),
    full("live tests of dsr", live::dsr),
    smoke("foreign things", agents::foreign),
];

/// Runs those that are wanted; a scenario that cannot go on is a row that failed.
pub(crate) fn run(world: &mut World<'_>, words: &Words) -> anyhow::Result<()> {
    let wanted = SCENARIOS.iter().filter(|scenario| {
        let is_named = words.only.iter().any(|name| scenario.name.starts_with(name));
        is_named || (words.only.is_empty() && (scenario.is_smoke || !words.is_smoke))
    });
    let wanted = wanted.filter(|scenario| !scenario.needs_agent || words.kind != Kind::Reference);
    for (position, scenario) in wanted.enumerate() {
        if words.shard.is_some_and(|(index, count)| position % count != index) {
            continue;
        }
        world.report.begin(scenario.name);
        if let Err(error) = (scenario.run)(world) {
            world.report.row("it can be carried out", &format!("{error:#}"), false);
        }
        // the scenarios after it go on in what there is, and say so where that is not enough
        if let Err(error) = world.restore() {
            world.report.row("all is as before", &format!("{error:#}"), false);
        }
    }
    Ok(())
}
