//! Backends that come, go and change by order of their owner.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lb_core::Protocol;

use crate::expected::Expected;
use crate::ipvs::{self, Line};
use crate::services::Services;
use crate::topology::{VIP, VIP6, backend};
use crate::traffic::PORT;
use crate::world::{ANSWER, PATIENCE, World};

/// What a change of one backend may move beyond what must move, as a share of all flows: the
/// kernel's table of 4,093 slots and three backends (measured by the model: 1.1 % of ten, fewer of three).
const EXTRA: f64 = 0.05;

/// A backend is added: established connections stay, new ones go as the table says.
pub(super) fn added(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut two = Services::usual();
    two.remove(2);
    world.apply(&two)?;
    world.expect_programmed(&two)?;
    stays(world, &Services::usual(), "added", 1.0 / 3.0)
}

/// A backend's weight is halved and given back.
pub(super) fn weights(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut full = Services::usual();
    (0..3).for_each(|index| full.set(index, 100, "active"));
    world.apply(&full)?;
    world.expect_programmed(&full)?;
    let mut half = full.clone();
    half.set(1, 50, "active");
    // a third of the flows becomes a fifth
    stays(world, &half, "weighs 50", 1.0 / 3.0 - 0.2)?;
    stays(world, &full, "weighs 100 again", 1.0 / 3.0 - 0.2)
}

/// Applies a change under connections that must not notice.
fn stays(world: &mut World<'_>, services: &Services, what: &str, must_move: f64) -> anyhow::Result<()> {
    let before = world.expected()?;
    let mut flows = world.open(VIP, 240)?;
    let mut flows6 = world.open(VIP6, 60)?;
    let lost = flows.census().unopened() + flows6.census().unopened();
    world.expect_count("of 300 connections refused before", 0, lost);
    world.apply(services)?;
    world.expect_programmed(services)?;
    let lost = flows.probe(ANSWER).lost() + flows6.probe(ANSWER).lost();
    world.expect_count(&format!("of 300 connections lost, one backend {what}"), 0, lost);
    let after = world.expected()?;
    let newcomers = world.open(VIP, 240)?;
    let right = world.count_right(&after, VIP, &newcomers);
    world.expect_count("new connections on the backend picked", 240, right);
    let moved = moved(world, &before, &after);
    let expected = format!("at most {:.1} % of new flows move", (must_move + EXTRA) * 100.0);
    world.report.row(&expected, &format!("{:.1} %", moved * 100.0), moved <= must_move + EXTRA);
    Ok(())
}

/// The share of flows whose backend is another one than before, by the nodes' own files.
fn moved(world: &mut World<'_>, before: &Expected, after: &Expected) -> f64 {
    let sources = world.sources(VIP, 5_000);
    let vip = SocketAddr::new(VIP, PORT);
    let of = |expected: &Expected, source| expected.backend(Protocol::TCP, source, vip);
    let moved = sources.iter().filter(|source| of(before, **source) != of(after, **source)).count();
    moved as f64 / sources.len() as f64
}

/// For how long the weight of a backend grows that is back.
const RAMP: Duration = Duration::from_secs(3);

/// A backend comes back and its weight grows: in each step only as much moves as the step is worth.
pub(super) fn slow_start(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut services = Services::usual();
    services.slow_start = Some(RAMP);
    (0..3).for_each(|index| services.set(index, 100, "active"));
    world.apply(&services)?;
    world.servers.stop(2);
    wait_for_table(world, PATIENCE, |lines| ipvs::weight_of(lines, backend(2)) == 0)?;
    let mut flows = world.open(VIP, 240)?;
    world.servers.start(2, &world.topology.backends[2])?;
    let (tables, census) = flows.watch(ANSWER, || tables(world, RAMP + Duration::from_secs(4)));
    let tables = tables?;
    if tables.len() < 2 {
        world.report.remark(&format!("the table stayed {tables:?}"));
        world.report.remark(&world.nodes[0].status()?["services"][0].to_string());
    }
    world.expect_count("of 240 connections lost while it grows", 0, census.lost());
    let expected: anyhow::Result<Vec<_>> =
        tables.iter().map(|table| Expected::of_kernel(table, (true, true))).collect();
    let expected = expected?;
    let steps: Vec<f64> = expected.windows(2).map(|pair| moved(world, &pair[0], &pair[1])).collect();
    let shown: Vec<String> = steps.iter().map(|step| format!("{:.1} %", step * 100.0)).collect();
    world.report.row("at least 4 steps", &format!("{}: {}", steps.len(), shown.join(", ")), steps.len() >= 4);
    let all: f64 = steps.iter().sum();
    let bound = 1.0 / 3.0 + 2.0 * EXTRA;
    let words = format!("at most {:.1} % move in all of them", bound * 100.0);
    world.report.row(&words, &format!("{:.1} %", all * 100.0), (0.3..=bound).contains(&all));
    Ok(())
}

/// The tables of one service on one node, one after the other, for so long.
fn tables(world: &World<'_>, duration: Duration) -> anyhow::Result<Vec<Vec<Line>>> {
    let start = Instant::now();
    let mut tables: Vec<Vec<Line>> = Vec::new();
    while start.elapsed() < duration {
        let table = table(world)?;
        if tables.last() != Some(&table) {
            tables.push(table);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // a change of several writes is seen in its middle, too: what lasts is what the next change starts from
    Ok(tables)
}

fn table(world: &World<'_>) -> anyhow::Result<Vec<Line>> {
    let lines = ipvs::read(world.nodes[0].namespace)?;
    Ok(ipvs::of_service(&lines, "tcp", SocketAddr::new(VIP, PORT)))
}

fn wait_for_table(
    world: &World<'_>,
    patience: Duration,
    is_so: impl Fn(&[Line]) -> bool,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !is_so(&table(world)?) {
        anyhow::ensure!(start.elapsed() < patience, "the kernel still serves {:?}", table(world)?);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A backend drains: its connections live on, and no new one is refused.
pub(super) fn drains(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut flows = world.open(VIP, 240)?;
    let mut flows6 = world.open(VIP6, 60)?;
    let mut drained = Services::usual();
    drained.set(0, 1, "drain");
    let has_some = flows.by_backend().get(&0).copied().unwrap_or_default();
    world.apply(&drained)?;
    world.expect_programmed(&drained)?;
    let lost = flows.probe(ANSWER).lost() + flows6.probe(ANSWER).lost();
    world.expect_count("of 300 connections lost", 0, lost);
    let kept = flows.by_backend().get(&0).copied().unwrap_or_default();
    world.expect_count("connections on the draining backend", has_some, kept);
    let newcomers = world.open(VIP, 240)?;
    let census = newcomers.census();
    world.expect_count("of 240 new connections refused", 0, census.unopened());
    let new = newcomers.by_backend().get(&0).copied().unwrap_or_default();
    world.expect_count("of them on the draining backend", 0, new);
    Ok(())
}
