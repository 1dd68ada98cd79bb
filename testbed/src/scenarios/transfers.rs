//! Path MTU: large transfers through every narrow place.

use std::net::IpAddr;

use crate::topology::BULK_VIPS;
use crate::traffic::bulk::{self, Direction};
use crate::world::World;

/// Enough for full segments in long trains; quick under emulation.
const SIZE: usize = 200_000;
/// Transfers at one time, from one source each: more than there are nodes and backends.
const COUNT: u16 = 9;

/// 1500 bytes everywhere: the tunnels take 20 or 40 of them, and the node has to say so.
pub(super) fn wide(world: &mut World<'_>) -> anyhow::Result<()> {
    all(world, "1500 everywhere")
}

/// One hop of 1400 bytes between the client and the router.
pub(super) fn narrow(world: &mut World<'_>) -> anyhow::Result<()> {
    world.topology.set_narrow(1400)?;
    let outcome = all(world, "one hop of 1400");
    world.topology.set_narrow(1500)?;
    outcome
}

fn all(world: &mut World<'_>, path: &str) -> anyhow::Result<()> {
    BULK_VIPS.iter().for_each(|vip| both_ways(world, *vip, path));
    Ok(())
}

/// Rows: downloads from a VIP and uploads to it come through whole.
pub(super) fn both_ways(world: &mut World<'_>, vip: IpAddr, path: &str) {
    for direction in [Direction::Download, Direction::Upload] {
        transfer(world, vip, direction, path);
    }
}

fn transfer(world: &mut World<'_>, vip: IpAddr, direction: Direction, path: &str) {
    let sources: Vec<_> = (0..COUNT).map(|_| world.sources(vip, 1)[0]).collect();
    let client = world.client();
    let outcomes: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = sources
            .iter()
            .map(|source| scope.spawn(move || bulk::run(client, *source, vip, direction, SIZE)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a transfer does not panic")).collect()
    });
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).take(2) {
        world.report.remark(&format!("{direction:?} {vip}: {error:#}"));
    }
    let whole = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let family = if vip.is_ipv4() { "IPv4" } else { "IPv6" };
    let name = match direction {
        Direction::Download => "downloads",
        Direction::Upload => "uploads",
    };
    world.expect_count(&format!("{family} {name} whole, {path}"), usize::from(COUNT), whole);
}
