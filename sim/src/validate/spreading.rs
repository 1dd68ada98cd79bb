//! E1, E3 to E5: routers that spread flows over L4 nodes, and what a node's death breaks.

use core::net::Ipv4Addr;

use lb_core::table::{Member, Table, TableKind};
use lb_core::{Endpoint, FlowHash, FlowKey, HashFields, HashKey, Protocol, Weight};

use super::hashing::build;
use super::{Check, Effort, Expected};
use crate::ecmp::{EcmpGroup, EcmpKind};
use crate::random::{Seed, Stream};
use crate::statistics::Summary;

/// A client's flow to the VIP, any of 2^48.
fn flow(stream: &mut Stream) -> FlowKey {
    let bits = stream.next_u64().to_be_bytes();
    let source = Ipv4Addr::from([bits[0], bits[1], bits[2], bits[3]]);
    let port = u16::from_be_bytes([bits[4], bits[5]]);
    FlowKey::v4(Protocol::TCP, (source, port), (Ipv4Addr::new(203, 0, 113, 10), 443))
}

fn flows(seed: Seed, count: usize) -> Vec<FlowKey> {
    let mut stream = seed.stream("clients", "flows");
    (0..count).map(|_| flow(&mut stream)).collect()
}

fn router(kind: EcmpKind, seed: Seed, hops: u32) -> EcmpGroup<u32> {
    let hops: Vec<u32> = (0..hops).collect();
    EcmpGroup::new(kind, seed.hash_key("router", "salt"), &hops)
}

#[allow(clippy::cast_precision_loss, reason = "counts of flows")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// E1: equal flows over n paths.
pub(super) fn equal_flows(effort: Effort) -> Vec<Check> {
    // (paths, flows, mean of the most loaded path over the mean)
    let all = [
        (4_u32, 100_u32, 1.211),
        (8, 1000, 1.127),
        (16, 10_000, 1.069),
        (64, 10_000, 1.193),
        (64, 100_000, 1.060),
    ];
    let set_ups = if effort.essential { &all[..2] } else { &all };
    let mut checks = Vec::new();
    for &(paths, flow_count, largest) in set_ups {
        let name = format!("{flow_count} flows over {paths} paths");
        let (mut variation, mut most) = (Summary::new(), Summary::new());
        // Short runs are cheap and vary: each seed stands for ten routers.
        let seeds = effort.seeds(&name).flat_map(|seed| (0..10).map(move |index| seed.fork_index(index)));
        for seed in seeds {
            let router = router(EcmpKind::HashThreshold, seed, paths);
            let mut counts = vec![0.0_f64; paths as usize];
            for flow in flows(seed, flow_count as usize) {
                if let Some(&path) = router.next_hop(&flow) {
                    counts[path as usize] += 1.0;
                }
            }
            let mean = f64::from(flow_count) / f64::from(paths);
            let squares: f64 = counts.iter().map(|count| (count - mean) * (count - mean)).sum();
            variation.push(squares / f64::from(paths) / (mean * mean));
            most.push(counts.iter().copied().fold(0.0, f64::max) / mean);
        }
        let expected = Expected::near(f64::from(paths - 1) / f64::from(flow_count), 0.1);
        let what = format!("{name}: squared CV of path load");
        checks.push(Check::of_runs("E1", what, "(n - 1) / F, multinomial", expected, &variation));
        let expected = Expected::Near { value: largest, rounding: 0.0015, tolerance: 0.01 };
        let what = format!("{name}: most loaded path over mean");
        checks.push(Check::of_runs("E1", what, "multinomial, computed elsewhere", expected, &most));
    }
    checks
}

/// E3: two tiers of eight with one salt use 8 of 64 pairs of paths; with salts of their own all.
pub(super) fn polarisation(effort: Effort) -> Vec<Check> {
    let seed = effort.seeds("polarisation").next().unwrap_or(Seed(0));
    let flows = flows(seed, 10_000);
    let pairs = |second: &EcmpGroup<u32>| {
        let first = router(EcmpKind::ModN, seed, 8);
        let mut used = std::collections::BTreeSet::new();
        used.extend(flows.iter().map(|flow| (first.next_hop(flow), second.next_hop(flow))));
        used.len()
    };
    let same = pairs(&router(EcmpKind::ModN, seed, 8));
    let own = pairs(&router(EcmpKind::ModN, seed.fork("second tier"), 8));
    let what = |what: &str| format!("two tiers of 8 routers, {what}: share of 64 path pairs used");
    vec![
        Check::exactly("E3", what("same hash"), "8 / 64", 0.125, share(same, 64)),
        Check::exactly("E3", what("own salts"), "all", 1.0, share(own, 64)),
    ]
}

fn members(count: u16) -> Vec<Member> {
    let member = |index: u16| {
        let [high, low] = index.to_be_bytes();
        Member::new(Endpoint::new([10, 1, high, low].into(), 443), Weight(1))
    };
    (0..count).map(member).collect()
}

/// Four L4 nodes behind a router, each with a table of its own making.
struct Fleet {
    key: HashKey,
    router: EcmpGroup<u32>,
    tables: Vec<Table>,
}

const NODES: u32 = 4;
const BACKENDS: u16 = 1000;

/// Slots of a node's table: the paper's, or few for a quick look.
const fn slots(effort: Effort) -> u32 {
    if effort.essential { 4093 } else { 65_537 }
}

impl Fleet {
    fn new(kind: EcmpKind, size: u32, seed: Seed) -> Self {
        let key = seed.hash_key("fleet", "table");
        let mut members = members(BACKENDS);
        let mut order = seed.stream("fleet", "order of arrival");
        let mut table = || {
            // No node knows in which order another heard of the backends.
            order.shuffle(&mut members);
            build(TableKind::Maglev { size }, &key, &members)
        };
        Self { key, router: router(kind, seed, NODES), tables: (0..NODES).map(|_| table()).collect() }
    }

    fn hash(&self, flow: &FlowKey) -> FlowHash {
        self.key.hash_flow(flow, HashFields::ALL)
    }

    fn backend(&self, node: u32, flow: &FlowKey) -> Option<Endpoint> {
        backend(&self.tables[node as usize], self.hash(flow))
    }

    /// The router after node 0 has died.
    fn survivors(&self) -> EcmpGroup<u32> {
        self.router.with_members(&self.router.members()[1..])
    }
}

fn backend(table: &Table, hash: FlowHash) -> Option<Endpoint> {
    let index = table.lookup(hash)?;
    table.members().get(index.0 as usize).map(|member| member.endpoint)
}

/// E4: when a node dies its flows move to others, and none changes its backend.
pub(super) fn node_death(effort: Effort) -> Vec<Check> {
    let set_ups = [
        (EcmpKind::ModN, "mod-N", 0.75, "1 - 1/N"),
        (EcmpKind::Resilient { buckets: 1024 }, "resilient", 0.25, "1/N"),
    ];
    let mut checks = Vec::new();
    for (kind, name, expected, source) in set_ups {
        let what = |what: &str| format!("{name} router, 1 of 4 L4 nodes dies: {what}");
        let mut broken = 0_u32;
        let runs = effort.summary(&what("flows"), |seed| {
            let fleet = Fleet::new(kind, slots(effort), seed);
            let survivors = fleet.survivors();
            let flows = flows(seed, if effort.essential { FLOWS / 10 } else { FLOWS });
            let mut moved = 0;
            for flow in &flows {
                let (Some(&before), Some(&after)) = (fleet.router.next_hop(flow), survivors.next_hop(flow))
                else {
                    continue;
                };
                moved += usize::from(before != after);
                broken += u32::from(fleet.backend(before, flow) != fleet.backend(after, flow));
            }
            share(moved, flows.len())
        });
        let expected = Expected::near(expected, 0.03);
        checks.push(Check::of_runs("E4", what("share of flows moved"), source, expected, &runs));
        let none = "equal members, equal tables";
        checks.push(Check::exactly("E4", what("flows broken"), none, 0.0, f64::from(broken)));
    }
    checks
}

const FLOWS: usize = 20_000;

/// E5: a node dies at the very time at which a backend goes: only flows that moved can break.
pub(super) fn node_death_and_change(effort: Effort) -> Vec<Check> {
    let what = "mod-N, 1 of 4 nodes and 1 of 1000 backends die: share of flows broken";
    let runs = effort.summary(what, |seed| {
        let fleet = Fleet::new(EcmpKind::ModN, slots(effort), seed);
        let survivors = fleet.survivors();
        let mut left = fleet.tables[0].members().to_vec();
        left.remove(usize::try_from(seed.stream("fleet", "backend").below(1000)).unwrap_or(0));
        let after = fleet.tables[0].update(&left).expect("fewer members fit where more did");
        let flows = flows(seed, if effort.essential { FLOWS / 10 } else { FLOWS });
        let broken = flows.iter().filter(|flow| {
            // A flow that stays on its node keeps its backend by the node's connection table.
            let moved = fleet.router.next_hop(flow) != survivors.next_hop(flow);
            moved && fleet.backend(0, flow) != backend(&after, fleet.hash(flow))
        });
        share(broken.count(), flows.len())
    });
    // Of the paper's table of that size, with its spread.
    let published = if effort.essential { 0.02 } else { 0.006_55 * 1.1 };
    // At least the lost backend's own flows that moved; at most (moved) x (slots the paper's table moves).
    let expected = Expected::Between { low: 0.75 * 0.0009, high: 0.75 * published };
    vec![Check::of_runs("E5", what.to_owned(), "moved x changed", expected, &runs)]
}
