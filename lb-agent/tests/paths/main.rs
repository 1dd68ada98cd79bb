//! The path checker against nodes in network namespaces of their own: real rules, real routes, real packets.
//!
//! ```text
//!            +-- veth -- node one  (VIP on lo)
//!  checker --+-- veth -- node two  (VIP on lo; its way to one gateway is broken)
//!            +-- veth -- node three (no VIP: forgotten)
//! ```
//!
//! A node here answers for the gateway that the model picks, with the gateway's name, and
//! hangs up where the way there is to be broken. That kernels pick as the model does is
//! proved elsewhere, on a kernel with IPVS.

mod nodes;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lb_agent::probe::paths::{
    Answer, By, Checker, Node, NodeArgument, Numbers, Paved, answer, load, plan, probe, ways,
};
use lb_agent::probe::{PreparedCheck, Preparer};
use lb_core::config::LbFile;
use lb_netlink::network::blocking::Network;
use lb_netlink::tunnel::Family;

use nodes::{Nodes, Trouble};

/// A VIP of each family; the check wants the answer of any gateway.
const FILE: &str = r#"{
    "hashKey": "000102030405060708090a0b0c0d0e0f",
    "health": { "check": { "kind": "tcp", "send": "who?", "receive": "gateway" } },
    "services": [
        { "vip": "203.0.113.10", "port": 7000, "protocol": "tcp", "scheduler": { "kind": "ipvs-mh", "port": true },
          "backends": [{ "address": "10.1.0.7" }, { "address": "10.1.0.5" }, { "address": "10.1.0.6" }] },
        { "vip": "2001:db8::10", "port": 7000, "protocol": "tcp", "scheduler": { "kind": "maglev" },
          "backends": [{ "address": "10.1.0.5" }, { "address": "10.1.0.6" }] }
    ]
}"#;

pub(crate) fn file() -> LbFile {
    serde_json::from_str(FILE).expect("an LB file")
}

/// Asks all paths, from the namespace of the checker.
fn ask(nodes: &Nodes, by_family: &[Family]) -> Answer {
    let (key, mut subjects) = load(file()).expect("a valid file");
    subjects.retain(|subject| by_family.contains(&Family::of(subject.service.address.address)));
    let nodes: Vec<Node> = nodes.addresses(by_family == [Family::V6]);
    let sources =
        vec![nodes::CHECKER.parse().expect("an address"), nodes::CHECKER6.parse().expect("an address")];
    let checker = Checker { sources, ports: 2_000..=9_999, first: 2_000, tries: 2 };
    let plan = plan(&key, &subjects, nodes.len(), &checker).expect("small tables");
    assert!(plan.gaps.is_empty(), "{:?}", plan.gaps);
    let ways = ways(&nodes, By::NextHop, by_family, &Numbers::default()).expect("all can be next hops");
    let mut preparer = Preparer::new();
    let checks: Vec<std::sync::Arc<PreparedCheck>> =
        subjects.iter().map(|subject| preparer.prepare(&subject.check).expect("nothing is needed")).collect();
    let paved = Paved::new(Network::open().expect("netlink"), &ways).expect("root may");
    assert_eq!(rules(by_family[0]), nodes.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcomes = runtime.block_on(probe(&plan, &checks, &ways.marks, Duration::from_millis(700)));
    drop(paved);
    assert_eq!(rules(by_family[0]), 0, "nothing is left behind");
    answer(&plan, &subjects, &nodes, &outcomes)
}

/// How many rules of ours there are.
fn rules(family: Family) -> usize {
    let rules = Network::open().expect("netlink").rules(family).expect("a dump");
    rules.iter().filter(|rule| rule.origin == lb_netlink::Origin::OVERSPILL).count()
}

fn dead(answer: &Answer) -> BTreeSet<(&str, IpAddr)> {
    answer.paths.iter().filter(|path| !path.ok).map(|path| (path.node.as_str(), path.gateway)).collect()
}

fn named(answer: &Answer) -> Vec<(&str, Option<&str>, Option<IpAddr>)> {
    answer.findings.iter().map(|found| (found.dead, found.node.as_deref(), found.gateway)).collect()
}

#[test]
fn a_dead_pair_and_a_dead_node_are_named() {
    nodes::in_a_namespace("a_dead_pair_and_a_dead_node_are_named", || {
        let six: IpAddr = [10, 1, 0, 6].into();
        let nodes = Nodes::start(&[Trouble::None, Trouble::WayTo(six), Trouble::Forgotten]);
        for (family, gateways) in [(Family::V4, 3), (Family::V6, 2)] {
            let answer = ask(&nodes, &[family]);
            assert_eq!(answer.paths.len(), 3 * gateways, "{answer}");
            let mut expected: BTreeSet<_> = [5, 6, 7]
                .iter()
                .take(gateways)
                .map(|last| ("three", IpAddr::from([10, 1, 0, *last])))
                .collect();
            expected.insert(("two", six));
            assert_eq!(dead(&answer), expected, "{answer}");
            let names = [("node", Some("three"), None), ("pair", Some("two"), Some(six))];
            assert_eq!(named(&answer), names, "{answer}");
            assert!(
                answer.paths.iter().all(|path| path.ok || path.tried == 2),
                "asked again before: {answer}"
            );
        }
    });
}

#[test]
fn a_dead_gateway_is_named() {
    nodes::in_a_namespace("a_dead_gateway_is_named", || {
        let five: IpAddr = [10, 1, 0, 5].into();
        let nodes = Nodes::start(&[Trouble::WayTo(five), Trouble::WayTo(five)]);
        let answer = ask(&nodes, &[Family::V4]);
        assert_eq!(named(&answer), [("gateway", None, Some(five))], "{answer}");
        assert_eq!(dead(&answer), BTreeSet::from([("one", five), ("two", five)]));
    });
}

#[test]
fn all_paths_live_and_the_status_says_so() {
    nodes::in_a_namespace("all_paths_live_and_the_status_says_so", || {
        for (trouble, lives) in [(Trouble::None, true), (Trouble::Forgotten, false)] {
            let nodes = Nodes::start(&[Trouble::None, trouble]);
            let folder = tempfile::tempdir().unwrap();
            let config = folder.path().join("lb.yaml");
            let mut file: serde_json::Value = serde_json::from_str(FILE).unwrap();
            file["services"].as_array_mut().unwrap().truncate(1);
            std::fs::write(&config, file.to_string()).unwrap();
            let arguments = lb_agent::probe::paths::Arguments {
                config,
                nodes: nodes.addresses(false).into_iter().map(NodeArgument).collect(),
                by: By::NextHop,
                sources: vec![nodes::CHECKER.parse().unwrap()],
                timeout: "700ms".parse().unwrap(),
                tries: 1,
                print_setup: false,
                json: true,
            };
            assert_eq!(lb_agent::probe::paths::run(&arguments).unwrap(), lives);
        }
    });
}

#[test]
#[ignore = "a node's process, started by the tests above"]
fn be_a_node() {
    nodes::be_one();
}
