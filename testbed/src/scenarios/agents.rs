//! The agent itself: restarts, files that change, files that are wrong, and what is not its own.

use std::time::Duration;

use serde_json::Value;

use crate::foreign;
use crate::ipvs;
use crate::services::Services;
use crate::topology::{COUNT, VIP};
use crate::traffic::flows::Flows;
use crate::world::{ANSWER, CROWD, PATIENCE, World};

/// kill -9 and start again under traffic: nothing is written, nothing is lost.
pub(super) fn restarts(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(&CROWD)?;
    let before = ipvs::read(world.nodes[0].namespace)?;
    let services = world.services.clone();
    let (restarted, census) = flows.watch(ANSWER, || -> anyhow::Result<Value> {
        world.nodes[0].kill();
        world.nodes[0].start(&services)?;
        world.router.wait_for(VIP, COUNT, PATIENCE)?;
        // its checks have come round by then
        std::thread::sleep(Duration::from_secs(2));
        world.nodes[0].status()
    });
    let status = restarted?;
    let writes = status["kernel"]["writes"].as_u64();
    world.report.row("0 writes to the kernel", &shown(writes, "writes to the kernel"), writes == Some(0));
    let after = ipvs::read(world.nodes[0].namespace)?;
    world.report.row("its services in the same order", same(before == after), before == after);
    world.expect_none_lost(&flows, &census, "");
    Ok(())
}

/// The same file again, a file that is wrong, and the right one once more.
pub(super) fn reloads(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(&CROWD)?;
    let before = ipvs::read(world.nodes[0].namespace)?;
    let writes_before = world.nodes[0].status()?["kernel"]["writes"].clone();
    let services = world.services.clone();
    world.apply(&services)?;
    let refused = world.nodes[0].spoil("version: 1\nservices:\n  - vip: 10.9.9.9\n    prot: 80\n")?;
    let got = format!("line {}: {}", refused["line"], refused["message"]);
    let is_named =
        refused["line"] == 4 && refused["message"].as_str().is_some_and(|text| text.contains("prot"));
    world.report.row("a bad file is refused, with line 4 and `prot`", &got, is_named);
    // the old one goes on
    unchanged(world, &mut flows, &before)?;
    world.apply(&services)?;
    let status = world.nodes[0].status()?;
    let is_well = status["config"]["refused"].is_null();
    world.report.row("the next good file is taken", &status["config"]["refused"].to_string(), is_well);
    unchanged(world, &mut flows, &before)?;
    let writes = status["kernel"]["writes"].clone();
    let got = format!("{writes_before} writes before, {writes} after");
    world.report.row("nothing is rewritten", &got, writes == writes_before);
    Ok(())
}

fn unchanged(world: &World<'_>, flows: &mut Flows, before: &[ipvs::Line]) -> anyhow::Result<()> {
    let after = ipvs::read(world.nodes[0].namespace)?;
    world.report.row("its services in the same order", same(before == after), before == after);
    world.expect_kept(flows, "");
    Ok(())
}

/// What others put into the kernel before the agents came is there through their start, changes of
/// everything that they own, and when one has cleaned up.
pub(super) fn foreign(world: &mut World<'_>) -> anyhow::Result<()> {
    untouched(world, "since before the start")?;
    let mut changed = Services::usual();
    changed.remove(0);
    changed.set(1, 7, "drain");
    changed.list.truncate(2);
    world.apply(&changed)?;
    world.expect_programmed(&changed)?;
    untouched(world, "by a change")?;
    let services = Services::usual();
    world.apply(&services)?;
    world.expect_programmed(&services)?;
    untouched(world, "by the change back")?;
    world.nodes[2].terminate(PATIENCE)?;
    world.nodes[2].start_to_clean(&services)?;
    let watch = world.lag.stopwatch();
    let ended = world.nodes[2].terminate(PATIENCE)?;
    world.expect_within("an agent that cleans up has ended", PATIENCE, &watch, ended);
    let left = ipvs::read(world.nodes[2].namespace)?;
    let own = ipvs::of_services(&left, |_, address| services.vips().contains(&address.ip()));
    world.expect_count("of its own services left", 0, own.len());
    untouched(world, "by cleaning up")?;
    world.nodes[2].start(&services)
}

/// A row: everything foreign is as it was planted, on all nodes.
fn untouched(world: &World<'_>, by: &str) -> anyhow::Result<()> {
    let mut same = 0;
    for (node, planted) in world.nodes.iter().zip(&world.foreign) {
        let seen = foreign::seen(node.namespace)?;
        if seen == *planted {
            same += 1;
        } else {
            world.report.remark(&format!("planted on {}:\n{planted}found:\n{seen}", node.namespace.name()));
        }
    }
    let planted = world.foreign[0].lines().count();
    world.expect_count(&format!("nodes with all {planted} foreign things untouched {by}"), COUNT, same);
    Ok(())
}

const fn same(is_same: bool) -> &'static str {
    if is_same { "as before" } else { "changed" }
}

fn shown(count: Option<u64>, what: &str) -> String {
    count.map_or_else(|| format!("unknown {what}"), |count| format!("{count} {what}"))
}
