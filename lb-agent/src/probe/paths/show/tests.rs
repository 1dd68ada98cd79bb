//! The answer as people read it, and its JSON.

use std::time::Duration;

use lb_core::config::LbFile;

use super::*;
use crate::probe::paths::{Checker, load, plan};
use crate::probe::{LocalFault, Phase, Report, Timings};

/// Two nodes and two gateways; the path through the second to the second is dead.
fn answered(last: Failure) -> Answer {
    let text = r#"{ "hashKey": "000102030405060708090a0b0c0d0e0f", "services": [{
        "vip": "203.0.113.10", "port": 443, "protocol": "tcp",
        "backends": [{ "address": "10.1.0.5" }, { "address": "10.1.0.6" }] }] }"#;
    let (key, subjects) = load(serde_json::from_str::<LbFile>(text).unwrap()).unwrap();
    let checker =
        Checker { sources: vec!["192.0.2.1".parse().unwrap()], ports: 1..=9_999, first: 1, tries: 1 };
    let plan = plan(&key, &subjects, 2, &checker).unwrap();
    let nodes = ["one", "two"].map(|name| Node { name: name.into(), address: [10, 0, 0, 1].into() });
    let timings = Timings { total: Duration::from_micros(1_250), ..Timings::default() };
    let outcomes: Vec<_> = plan
        .paths
        .iter()
        .enumerate()
        .map(|(path, asked)| {
            let result = if path == 3 { Err(last.clone()) } else { Ok(()) };
            Outcome { path, flow: asked.flows[0], tried: 1, report: Report { result, timings } }
        })
        .collect();
    answer(&plan, &subjects, &nodes, &outcomes)
}

#[test]
fn a_dead_path_is_seen_and_named() {
    let answer = answered(Failure::Timeout { phase: Phase::Connect });
    let text = answer.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["203.0.113.10:443/tcp", "10.1.0.5", "10.1.0.6"]
    );
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["one", "1.2", "ms", "1.2", "ms"]);
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["two", "1.2", "ms", "dead"]);
    assert!(
        lines[4]
            .starts_with("dead: 203.0.113.10:443/tcp through two to 10.1.0.6: timed out while connecting"),
        "{text}"
    );
    assert!(
        lines[5].starts_with("203.0.113.10:443/tcp: pair two and 10.1.0.6: both work with others"),
        "{text}"
    );

    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["paths"].as_array().unwrap().len(), 4);
    assert_eq!(json["paths"][0]["latency_ms"], 1.25);
    assert_eq!(
        (&json["paths"][3]["ok"], &json["paths"][3]["latency_ms"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert_eq!((&json["findings"][0]["dead"], &json["findings"][0]["node"]), (&"pair".into(), &"two".into()));
}

#[test]
fn what_the_checker_cannot_do_is_no_dead_path() {
    let answer = answered(LocalFault::Permission.into());
    assert_eq!((answer.paths.len(), answer.findings.len()), (3, 0));
    assert_eq!(answer.gaps[0].gateway, Some([10, 1, 0, 6].into()));
    assert!(answer.gaps[0].why.starts_with("through two: not checked"), "{:?}", answer.gaps);
}
