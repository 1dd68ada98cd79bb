//! Backends that come, go and change by order of their owner.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use lb_core::{Protocol, Weight};

use crate::expected::Expected;
use crate::ipvs::{self, Line};
use crate::services::{SLOW_START_STEPS, Services};
use crate::topology::{VIP, VIP6, backend};
use crate::traffic::PORT;
use crate::world::{ANSWER, CROWD, NEWCOMERS, PATIENCE, World};

/// New flows that tell what a change moved.
const SAMPLE: [(IpAddr, u16); 2] = [(VIP, 1_000), (VIP6, 500)];

/// A backend is added: established connections stay, new ones go as the table says.
pub(super) fn added(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut two = Services::usual();
    two.remove(2);
    world.apply(&two)?;
    world.expect_programmed(&two)?;
    stays(world, &Services::usual(), "added")
}

/// A backend's weight is halved and given back.
pub(super) fn weights(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut full = Services::usual();
    (0..3).for_each(|index| full.set(index, 100, "active"));
    world.apply(&full)?;
    world.expect_programmed(&full)?;
    let mut half = full.clone();
    half.set(1, 50, "active");
    stays(world, &half, "weighs 50")?;
    stays(world, &full, "weighs 100 again")
}

/// A backend drains: its connections live on, and no new one is refused; and it comes back.
pub(super) fn drains(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut drained = Services::usual();
    drained.set(0, 1, "drain");
    stays(world, &drained, "drains")?;
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_opened(&newcomers);
    world.expect_count("of them on the draining backend", 0, newcomers.on(0));
    stays(world, &Services::usual(), "is back")
}

/// Applies a change under connections that must not notice; new ones move as much as the nodes'
/// tables say, by which way they came there.
fn stays(world: &mut World<'_>, services: &Services, what: &str) -> anyhow::Result<()> {
    let before = world.expected()?;
    let mut flows = world.open(&CROWD)?;
    world.expect_picked(&before, &flows);
    world.apply(services)?;
    world.expect_programmed(services)?;
    world.expect_kept(&mut flows, &format!(", one backend {what}"));
    let after = world.expected()?;
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_picked(&after, &newcomers);
    let (mut all, mut moved, mut wanted) = (0, 0, 0);
    for (vip, count) in SAMPLE {
        let sources = world.sources(vip, count);
        let taken = world.datagrams(vip, &sources)?;
        for (source, taken) in sources.iter().zip(taken) {
            let of = |table: &Expected| table.backend(Protocol::UDP, *source, SocketAddr::new(vip, PORT));
            all += 1;
            moved += usize::from(taken != of(&before));
            wanted += usize::from(of(&after) != of(&before));
        }
    }
    let expected = format!("{wanted} of {all} new flows moved, as by the tables");
    let is_so = moved == wanted && 0 < moved && moved < all;
    world.report.row(&expected, &format!("{moved} of {all} ({:.1} %)", share(moved, all)), is_so);
    Ok(())
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all as f64 * 100.0
}

/// For how long the weight of a backend grows that is back.
const RAMP: Duration = Duration::from_secs(3);
/// What it is then.
const WEIGHT: u16 = 100;
/// Who dies and grows.
const GROWING: usize = 2;

/// Where each of some flows goes.
type Placed = Vec<Option<usize>>;

/// A backend comes back and its weight grows: the kernel's table goes through those that are wanted
/// while more and more of the backend's units serve, a few units at a time.
pub(super) fn slow_start(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut services = Services::usual();
    services.slow_start = Some(RAMP);
    (0..3).for_each(|index| services.set(index, WEIGHT, "active"));
    world.apply(&services)?;
    world.servers.stop(GROWING);
    wait_for_table(world, |lines| ipvs::weight_of(lines, backend(GROWING)) == 0)?;
    let mut flows = world.open(&CROWD)?;
    world.servers.start(GROWING, &world.topology.backends[GROWING])?;
    let (tables, census) = flows.watch(ANSWER, || tables(world, RAMP + Duration::from_secs(4)));
    world.expect_none_lost(&flows, &census, " while it grows");
    let tables = tables?;
    let last = tables.last().map(Vec::as_slice).unwrap_or_default();
    let units = ipvs::destinations(last).filter(|address| *address == backend(GROWING)).count();

    let sources = world.sources(VIP, 5_000);
    let place = |table: &Expected| -> Placed {
        let vip = SocketAddr::new(VIP, PORT);
        sources.iter().map(|source| table.backend(Protocol::TCP, *source, vip)).collect()
    };
    let file = services.document(world.nodes[0].addresses()).to_string();
    let wanted = (0..=units).map(|serving| -> anyhow::Result<Placed> {
        let weight = (usize::from(WEIGHT) * serving).div_ceil(units);
        Ok(place(&Expected::growing(&file, GROWING, Weight(u16::try_from(weight)?))?))
    });
    let wanted = wanted.collect::<anyhow::Result<Vec<Placed>>>()?;
    // What is between two of them is a change of several writes, seen in its middle; a list that was
    // read while somebody wrote may even have one destination twice, which is no table at all.
    let got = tables.iter().filter_map(|table| Expected::of_kernel(table).ok()).map(|table| place(&table));
    let mut stages: Vec<usize> =
        got.filter_map(|got| wanted.iter().position(|wanted| *wanted == got)).collect();
    stages.dedup();
    stages_rise(world, &stages, &wanted);
    Ok(())
}

/// Rows: what was seen begins without the backend, ends with all of it, and never leaps between.
fn stages_rise(world: &World<'_>, stages: &[usize], wanted: &[Placed]) {
    let units = wanted.len() - 1;
    let steps = SLOW_START_STEPS as usize;
    let is_whole = stages.first() == Some(&0) && stages.last() == Some(&units) && stages.is_sorted();
    // a reader that was away for a moment has missed one
    let expected = format!("at least {} tables as wanted, from 0 to {units} units", steps - 1);
    let is_so = is_whole && stages.len() >= steps - 1;
    world.report.row(&expected, &format!("units that serve: {stages:?}"), is_so);
    let most = 2 * units.div_ceil(steps);
    let leaps = stages.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let greatest = leaps.max().unwrap_or(units);
    let moved: Vec<String> = stages
        .windows(2)
        .map(|pair| {
            let (before, after) = (&wanted[pair[0]], &wanted[pair[1]]);
            let moved = before.iter().zip(after).filter(|(before, after)| before != after).count();
            format!("{:.1}", share(moved, before.len()))
        })
        .collect();
    let shown = format!("{greatest} units; moved in percent: {}", moved.join(", "));
    world.report.row(&format!("at most {most} units at once"), &shown, greatest <= most);
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
    Ok(tables)
}

fn table(world: &World<'_>) -> anyhow::Result<Vec<Line>> {
    let lines = ipvs::read(world.nodes[0].namespace)?;
    Ok(ipvs::of_service(&lines, "tcp", SocketAddr::new(VIP, PORT)))
}

fn wait_for_table(world: &World<'_>, is_so: impl Fn(&[Line]) -> bool) -> anyhow::Result<()> {
    let start = Instant::now();
    while !is_so(&table(world)?) {
        anyhow::ensure!(start.elapsed() < PATIENCE, "the kernel still serves {:?}", table(world)?);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
