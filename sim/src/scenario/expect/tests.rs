//! Expectations: what is understood, what is refused, what holds.

use std::collections::BTreeMap;

use super::*;
use crate::run::{Connections, Latency, Requests, Shift, ZoneResult};

fn result() -> RunResult {
    let zone =
        |zone: &str, utilisation_max, requests| ZoneResult { zone: zone.into(), utilisation_max, requests };
    let shift = |t99_s| Shift {
        at_s: 60.0,
        from: "a".into(),
        to: vec!["b".into()],
        detected_s: Some(12.5),
        t50_s: Some(20.0),
        t99_s,
    };
    RunResult {
        scenario: "test".into(),
        seed: "1".into(),
        digest: String::new(),
        simulated_s: 100.0,
        events: 1,
        packets: 1,
        requests: Requests {
            total: 1_000,
            ok: 990,
            failed: 10,
            open_at_end: 0,
            retried: 20,
            failed_by: BTreeMap::from([("timeout".into(), 10)]),
        },
        availability: Some(0.99),
        latency_ms: Latency {
            mean: Some(50.0),
            p50: Some(40.0),
            p90: Some(80.0),
            p99: Some(250.0),
            p999: None,
        },
        connections: Connections::default(),
        zones: vec![zone("a", 0.5, 400), zone("b", 0.7, 600)],
        expect: Vec::new(),
        shifts: vec![shift(Some(50.0)), shift(None)],
        violations: Vec::new(),
    }
}

#[test]
fn each_form_is_measured() {
    for (text, pass, measured, unit) in [
        ("availability >= 99%", true, Some(0.99), "fraction"),
        ("availability >= 0.995", false, Some(0.99), "fraction"),
        ("requests.failed / requests.total <= 0.5%", false, Some(0.01), "fraction"),
        ("requests.failed_by.timeout == 10", true, Some(10.0), "count"),
        ("requests.failed_by.zone_lost == 0", true, Some(0.0), "count"),
        ("connections.broken / connections.opened <= 1%", false, None, "fraction"),
        ("latency_ms.p99 < 1s", true, Some(250.0), "ms"),
        ("latency_ms.p999 < 1s", false, None, "ms"),
        ("zones.utilisation_max <= 60%", false, Some(0.7), "fraction"),
        ("zones.a.utilisation_max <= 60%", true, Some(0.5), "fraction"),
        ("zones.b.requests > 500", true, Some(600.0), "count"),
        ("shifts.detected_s <= 15s", true, Some(12.5), "s"),
        // One of the two shifts never came to its end.
        ("shifts.t99_s <= 60s", false, None, "s"),
    ] {
        let found = text.parse::<Expectation>().unwrap().check(&result());
        assert_eq!(found, ExpectationResult { text: text.into(), pass, measured, unit });
    }
}

#[test]
fn what_is_no_expectation_is_refused_with_a_remedy() {
    for (text, expected) in [
        ("availability", "no comparison; write METRIC <= VALUE, with one of <= < == >= >"),
        ("availabilty >= 9%", "`availabilty` is no metric; did you mean `availability`?"),
        (
            "requests.failed_by <= 3",
            "`requests.failed_by` is no metric; did you mean `requests.failed_by.CAUSE`?",
        ),
        (
            "requests.failed_by.tiemout == 0",
            "`requests.failed_by.tiemout` is no metric; did you mean `timeout`?",
        ),
        (
            "latency_ms.p99 <= 5",
            "`5` does not compare with this metric; write a duration such as 250ms or 5s",
        ),
        ("requests.failed <= 1%", "`1%` does not compare with this metric; write a number such as 1000"),
        (
            "requests.failed / latency_ms.p99 <= 1%",
            "`requests.failed` and `latency_ms.p99` have different units; divide like by like",
        ),
    ] {
        assert_eq!(text.parse::<Expectation>().unwrap_err().to_string(), expected, "{text}");
    }
}
