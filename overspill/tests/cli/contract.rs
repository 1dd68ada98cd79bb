//! The JSON document of `run`: every field that others rely on, with its type
//! and the sums that hold between them.

use serde_json::Value;

use crate::overspill;

/// What a field is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Is {
    /// A whole number of things.
    Count,
    /// Cause by cause, a whole number of things.
    Counts,
    /// A list.
    List,
    /// A number, or nothing if there is nothing to tell.
    Maybe,
    /// A number.
    Number,
    /// A text.
    Text,
    /// Yes or no.
    Truth,
}

use Is::{Count, Counts, List, Maybe, Number, Text, Truth};

impl Is {
    fn holds(self, value: &Value) -> bool {
        match self {
            Count => value.is_u64(),
            Counts => value.as_object().is_some_and(|counts| counts.values().all(Value::is_u64)),
            List => value.is_array(),
            Maybe => value.is_null() || value.is_number(),
            Number => value.is_number(),
            Text => value.is_string(),
            Truth => value.is_boolean(),
        }
    }
}

/// Every field is there and of its type.
pub(crate) fn holds_all(of: &Value, fields: &[(&str, Is)]) {
    for (path, is) in fields {
        let value = of.pointer(path).unwrap_or_else(|| panic!("{path} is missing in {of}"));
        assert!(is.holds(value), "{path} is {value}, and not {is:?}");
    }
}

/// Two zones, one of which is lost.
fn document() -> Value {
    let arguments = [
        "run",
        "survivors-overload",
        "--format",
        "json",
        "--set",
        "duration=60s",
        "--set",
        "dns.ttl=5s",
        "--set",
        "events=[{at: 10s, kind: zone-loss, target: lvs-a}]",
        "--set",
        "expect=[availability >= 0%, latency_ms.p99 <= 1h]",
    ];
    overspill(&arguments).json()
}

#[test]
fn every_field_is_there_and_of_its_type() {
    let document = document();
    let top = [
        ("/scenario", Text),
        ("/seed", Text),
        ("/digest", Text),
        ("/simulated_s", Number),
        ("/events", Count),
        ("/requests/total", Count),
        ("/requests/ok", Count),
        ("/requests/failed", Count),
        ("/requests/open_at_end", Count),
        ("/requests/failed_by", Counts),
        ("/availability", Maybe),
        ("/latency_ms/mean", Maybe),
        ("/latency_ms/p50", Maybe),
        ("/latency_ms/p90", Maybe),
        ("/latency_ms/p99", Maybe),
        ("/latency_ms/p999", Maybe),
        ("/connections/opened", Count),
        ("/connections/closed", Count),
        ("/connections/broken", Count),
        ("/connections/open_at_end", Count),
        ("/connections/broken_by", Counts),
        ("/zones", List),
        ("/expect", List),
        ("/shifts", List),
    ];
    holds_all(&document, &top);
    let digest = document["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    for (list, fields) in [
        ("zones", &[("/zone", Text), ("/utilisation_max", Number), ("/requests", Count)][..]),
        ("expect", &[("/text", Text), ("/pass", Truth), ("/measured", Maybe), ("/unit", Text)]),
        (
            "shifts",
            &[
                ("/at_s", Number),
                ("/from", Text),
                ("/to", List),
                ("/detected_s", Maybe),
                ("/t50_s", Maybe),
                ("/t99_s", Maybe),
            ],
        ),
    ] {
        let items = document[list].as_array().unwrap();
        assert!(!items.is_empty(), "this run has {list}");
        items.iter().for_each(|item| holds_all(item, fields));
    }
}

#[test]
fn sums_hold() {
    let document = document();
    let count = |path: &str| document.pointer(path).and_then(Value::as_u64).unwrap();
    let sum = |path: &str| -> u64 {
        document.pointer(path).and_then(Value::as_object).unwrap().values().filter_map(Value::as_u64).sum()
    };
    assert_eq!(count("/requests/total"), count("/requests/ok") + count("/requests/failed"));
    assert_eq!(count("/requests/failed"), sum("/requests/failed_by"));
    let connections = ["closed", "broken", "open_at_end"].map(|part| count(&format!("/connections/{part}")));
    assert_eq!(count("/connections/opened"), connections.iter().sum::<u64>());
    assert_eq!(count("/connections/broken"), sum("/connections/broken_by"));
    let availability = document["availability"].as_f64().unwrap();
    let share = count("/requests/ok") as f64 / count("/requests/total") as f64;
    assert!((availability - share).abs() < 1e-12, "{availability} {share}");
    let shift = &document["shifts"][0];
    let at = |name: &str| shift[name].as_f64().unwrap();
    assert_eq!((at("at_s"), shift["from"].as_str()), (10.0, Some("lvs-a")));
    assert!(
        0.0 < at("detected_s") && at("detected_s") < at("t99_s") && at("t50_s") <= at("t99_s"),
        "{shift}"
    );
}

#[test]
fn validate_tells_what_was_expected_and_what_it_got() {
    let document = overspill(&["validate", "--quick", "--format", "json"]).json();
    assert_eq!(document["pass"], true);
    let checks = document["checks"].as_array().unwrap();
    for check in checks {
        let fields = [
            ("/id", Text),
            ("/what", Text),
            ("/source", Text),
            ("/expected/relation", Text),
            ("/got", Number),
            ("/pass", Truth),
        ];
        holds_all(check, &fields);
        if let Some(interval) = check.get("interval").filter(|interval| !interval.is_null()) {
            holds_all(interval, &[("/low", Number), ("/high", Number)]);
        }
    }
    let text = overspill(&["validate", "--quick"]).out;
    assert_eq!(text.matches(", got ").count(), checks.len());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
