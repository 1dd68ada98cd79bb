//! Tests of the report: the whole page beside one that was looked at.

use std::collections::BTreeMap;

use sim::record::{Record, Sample};
use sim::run::{Connections, Latency, Requests, Shift, ZoneResult};
use sim::scenario::{EmbeddedData, ExpectationResult, embedded};

use super::*;

fn result() -> RunResult {
    let by = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect()
    };
    let zone = |zone: &str, utilisation_max, requests| ZoneResult {
        zone: zone.to_owned(),
        utilisation_max,
        requests,
    };
    let expect =
        |text: &str, pass, measured, unit| ExpectationResult { text: text.to_owned(), pass, measured, unit };
    RunResult {
        scenario: "survivors-overload".to_owned(),
        seed: "17".to_owned(),
        digest: "0123456789abcdef".repeat(4),
        simulated_s: 360.0,
        events: 1_234_567,
        packets: 98_765,
        requests: Requests {
            total: 40_000,
            ok: 39_000,
            failed: 1_000,
            open_at_end: 3,
            retried: 2_500,
            failed_by: by(&[("timeout", 900), ("zone_lost", 100)]),
        },
        availability: Some(0.975),
        latency_ms: Latency {
            mean: Some(130.2),
            p50: Some(110.0),
            p90: Some(200.0),
            p99: Some(900.0),
            p999: Some(1800.0),
        },
        connections: Connections {
            opened: 10_000,
            closed: 9_500,
            broken: 480,
            open_at_end: 20,
            broken_by: by(&[("node_lost", 480)]),
        },
        zones: vec![zone("slc-a", 0.713, 15_000), zone("lvs-a", 1.0, 25_000)],
        expect: vec![
            expect("availability >= 97%", true, Some(0.975), "fraction"),
            expect("shifts.t99_s <= 60s", false, None, "s"),
            expect("latency_ms.p99 < 1s", true, Some(900.0), "ms"),
        ],
        shifts: vec![Shift {
            at_s: 90.0,
            from: "slc-a".to_owned(),
            to: vec!["lvs-a".to_owned()],
            detected_s: Some(11.25),
            t50_s: Some(22.0),
            t99_s: None,
        }],
        violations: Vec::new(),
    }
}

fn curves() -> Curves {
    let mut curves = Curves::default();
    for step in 1..=12 {
        let t_s = 30.0 * f64::from(step);
        let lost = step > 3;
        let mut tell = |zone, metric, value| curves.sample(&Sample { t_s, zone, metric, value });
        tell("", "failed_per_s", if step == 4 { 33.0 } else { 0.0 });
        tell("", "broken_per_s", if step == 4 { 16.0 } else { 0.0 });
        tell("", "latency_p50_ms", 110.0);
        tell("", "latency_p99_ms", if lost { 900.0 } else { 250.0 });
        tell("slc-a", "requests_per_s", if lost { 0.0 } else { 70.0 });
        tell("lvs-a", "requests_per_s", if lost { 140.0 } else { 70.0 });
        tell("slc-a", "utilisation", if lost { 0.0 } else { 0.7 });
        tell("lvs-a", "utilisation", if lost { 1.0 } else { 0.7 });
    }
    let record = |t_s, kind, zone, state, target: Option<&'static str>| Record {
        t_s,
        kind,
        zone,
        node: None,
        gateway: None,
        state,
        cause: None,
        target: target.map(Into::into),
    };
    curves.event(&record(0.0, "dns", Some("slc-a"), Some("named"), None));
    curves.event(&record(90.0, "zone_loss", None, Some("begin"), Some("slc-a")));
    curves.event(&record(91.0, "connection_broken", Some("slc-a"), None, None));
    curves.event(&record(101.25, "zone_health", Some("slc-a"), Some("down"), None));
    curves.event(&record(103.25, "dns", Some("slc-a"), Some("not_named"), None));
    curves
}

fn page(text: &str, replay: &str) -> String {
    let found = embedded().iter().find(|scenario| scenario.name == "survivors-overload").unwrap();
    let scenario = Scenario::from_yaml(found.text, &EmbeddedData).unwrap();
    let (result, curves) = (result(), curves());
    render(&Report { result: &result, scenario: &scenario, text, curves: &curves, replay, version: "0.0.0" })
}

/// The page as it was looked at; `UPDATE_GOLDEN=1` writes a new one, to be looked at again.
#[test]
fn the_page_is_the_one_that_was_looked_at() {
    let page = page("name: survivors-overload\n", "overspill run survivors-overload --seed 17");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/tests/golden.html");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &page).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap();
    for (number, (line, expected)) in page.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
    assert_eq!(page.len(), expected.len());
}

#[test]
fn what_a_person_wrote_stays_text() {
    let page = page("title: <script>alert(1)</script>", "overspill run '<b>.yaml' --seed 1");
    assert!(!page.contains("<script"), "no script, neither ours nor theirs");
    assert!(page.contains("&lt;script&gt;") && page.contains("&lt;b&gt;.yaml"));
}

#[test]
fn the_page_needs_nothing_else() {
    let page = page("", "");
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_run_without_anything_still_has_a_page() {
    let found = embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap();
    let scenario = Scenario::from_yaml(found.text, &EmbeddedData).unwrap();
    let nothing = RunResult {
        availability: None,
        latency_ms: Latency::default(),
        requests: Requests::default(),
        connections: Connections::default(),
        zones: Vec::new(),
        expect: Vec::new(),
        shifts: Vec::new(),
        simulated_s: 0.0,
        ..result()
    };
    let curves = Curves::default();
    let page = render(&Report {
        result: &nothing,
        scenario: &scenario,
        text: "",
        curves: &curves,
        replay: "",
        version: "0.0.0",
    });
    assert!(page.contains("Nothing was expected of this run"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}
