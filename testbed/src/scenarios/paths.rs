//! One path that is dead while all its ends live: a node's tunnel to a gateway.

use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::ipvs;
use crate::lag::Stopwatch;
use crate::services::Services;
use crate::topology::{COUNT, VIP, backend, node};
use crate::traffic::flows::Flows;
use crate::world::{NEWCOMERS, PATIENCE, World};

/// What the checker reads.
const FILE: &str = "/tmp/paths.yaml";
/// Which node and which backend have lost their path.
const NODE: usize = 0;
const BACKEND: usize = 1;
/// What the node may take to act.
const BOUND: Duration = Duration::from_secs(1);
/// Who has not answered by then does not: the same for those that must and those that must not.
const SILENCE: Duration = Duration::from_secs(3);

/// A tunnel is broken: the checker names it, and that node stops using that backend, alone.
pub(super) fn dies(world: &mut World<'_>) -> anyhow::Result<()> {
    let found = findings(world)?;
    world.report.row("no dead path at first", &shown(&found), found.is_empty());
    let mut flows = world.open(&[(VIP, 240)])?;
    let on_backend = flows.on(BACKEND);
    let broken = &world.topology.backends[BACKEND];
    let rule = format!("from {} ipproto 4 blackhole", node(NODE));
    // rules are looked at after the table of local addresses, so that is moved behind ours
    broken.ip(&format!("rule add pref 10 lookup local\nrule del pref 0\nrule add pref 5 {rule}\n"))?;
    let outcome = named_and_avoided(world, &mut flows, on_backend);
    broken.ip("rule add pref 0 lookup local\nrule del pref 10\nrule del pref 5\n")?;
    outcome?;
    let watch = world.lag.stopwatch();
    tell(world, 0)?;
    let back = wait(world, &watch, |weights| weights.iter().all(|weight| *weight > 0));
    world.expect_within("used by all nodes again", BOUND, &watch, back);
    Ok(())
}

fn named_and_avoided(world: &mut World<'_>, flows: &mut Flows, on_backend: usize) -> anyhow::Result<()> {
    let found = findings(world)?;
    let is_it = |finding: &Value| {
        let is_pair = finding["dead"] == "pair" && finding["node"] == "node1";
        is_pair && finding["gateway"] == backend(BACKEND).to_string()
    };
    let is_named = !found.is_empty() && found.iter().all(is_it);
    world.report.row("named: node1 to 10.2.2.2 and nothing else", &shown(&found), is_named);
    let silent = flows.probe(SILENCE).silent;
    let expected = "some connections of that backend are silent, of that node's";
    let shown = format!("{silent} of {on_backend}");
    world.report.row(expected, &shown, 0 < silent && silent < on_backend);
    let watch = world.lag.stopwatch();
    tell(world, 60)?;
    let avoided =
        wait(world, &watch, |weights| (0..COUNT).all(|node| (weights[node] == 0) == (node == NODE)));
    world.expect_within("avoided by that node alone", BOUND, &watch, avoided);
    let newcomers = world.open(&NEWCOMERS)?;
    world.expect_opened(&newcomers);
    let lost = flows.probe(SILENCE).lost();
    world.expect_count("connections lost, the silent ones", silent, lost);
    Ok(())
}

/// What the checker says, from the router, which is next to all nodes.
fn findings(world: &World<'_>) -> anyhow::Result<Vec<Value>> {
    let mut services = Services::usual();
    services.list.retain(|service| service.vip.is_ipv4());
    let any = IpAddr::from([10, 0, 2, 2]);
    fs::write(FILE, services.document((any, world.nodes[NODE].addresses().1)).to_string())?;
    let nodes: Vec<String> = (0..COUNT).map(|index| format!("node{}={}", index + 1, node(index))).collect();
    let mut words =
        vec!["probe-paths", "--config", FILE, "--source", "10.0.2.2", "--timeout", "1s", "--json"];
    nodes.iter().for_each(|node| words.extend(["--node", node]));
    let printed = world.topology.router.answer("/bin/lb-agent", &words)?;
    let answer: Value =
        serde_json::from_str(&printed).with_context(|| format!("the checker printed {printed}"))?;
    Ok(answer["findings"].as_array().cloned().unwrap_or_default())
}

/// Tells the node what was found, as whoever runs the checker does.
fn tell(world: &mut World<'_>, seconds: u32) -> anyhow::Result<()> {
    let backend = backend(BACKEND);
    let path = json!({ "ask": "path", "backend": backend, "service": null, "dead_for_s": seconds });
    world.nodes[NODE].ask(&path).map(drop)
}

/// Waits for the weights of the backend in the nodes to be so.
fn wait(world: &World<'_>, watch: &Stopwatch, are_so: impl Fn(&[u32]) -> bool) -> Option<Duration> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let weight = |node: &crate::node::Node<'_>| {
            let lines = ipvs::read(node.namespace).unwrap_or_default();
            ipvs::weight_of(&ipvs::of_services(&lines, |_, service| service.ip() == VIP), backend(BACKEND))
        };
        let weights: Vec<u32> = world.nodes.iter().map(weight).collect();
        if are_so(&weights) {
            return Some(watch.since.elapsed());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn shown(findings: &[Value]) -> String {
    let one = |finding: &Value| format!("{} {} {}", finding["dead"], finding["node"], finding["gateway"]);
    let mut all: Vec<String> = findings.iter().map(one).collect();
    all.dedup();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}
