//! The health section from text: defaults, and what is refused with which words.

use std::string::ToString;

use super::*;
use crate::health::CheckKind;

fn health(text: &str) -> Result<HealthConfig, HealthError> {
    let file: HealthFile = serde_saphyr::from_str(text).expect("the text parses");
    HealthConfig::try_from(file)
}

#[test]
fn an_empty_section_has_the_defaults() {
    let health = health("{}").expect("valid");
    assert!(matches!(health.check.kind, CheckKind::Tcp(_)));
    let expected = BackendPolicy {
        rise: 1,
        fall: 1,
        interval: Duration::from_secs(10),
        fast_interval: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        jitter: Share::ZERO,
        start_within: Duration::from_secs(10),
        slow_start: None,
        passive: None,
    };
    assert_eq!(health.backend, expected);
    let expected = ServicePolicy { low: Mark::Any, high: Share::ZERO, panic: Share::ZERO };
    assert_eq!(health.service, expected);
}

#[test]
fn the_first_check_may_come_at_once_and_comes_within_a_day() {
    for (text, expected) in [("0s", Duration::ZERO), ("24h", Duration::from_secs(86_400))] {
        let health = health(&std::format!("{{ startWithin: {text} }}")).expect(text);
        assert_eq!(health.backend.start_within, expected);
    }
}

#[test]
fn the_timeout_is_that_of_the_kind() {
    for (text, seconds) in [("icmp", 1), ("dns, name: a.example", 3), ("http", 5), ("tcp", 10)] {
        let health = health(&std::format!("{{ check: {{ kind: {text} }} }}")).expect("valid");
        assert_eq!(health.backend.timeout(), Duration::from_secs(seconds), "{text}");
    }
}

#[test]
fn the_high_mark_follows_the_others() {
    let table = [
        ("{ lowWatermark: 30% }", 30),
        ("{ panicThreshold: 40% }", 40),
        ("{ lowWatermark: 30%, panicThreshold: 40% }", 40),
        ("{ lowWatermark: 30%, panicThreshold: 40%, highWatermark: 70% }", 70),
    ];
    for (text, expected) in table {
        assert_eq!(health(text).expect(text).service.high, percent(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_is_named() {
    let table = [
        ("{ interval: 0s }", "interval: 0s is not possible; write 1ms to 24h"),
        ("{ timeout: 25h }", "timeout: 25h is not possible; write 1ms to 24h"),
        (
            "{ interval: 5s, fastInterval: 6s }",
            "fastInterval: slower than interval (5s); write that or less, or leave it out",
        ),
        ("{ startWithin: 500d }", "startWithin: 12000h is not possible; write 0s to 24h"),
        ("{ rise: 0 }", "rise: 0 is too small; write 1 or more"),
        ("{ fall: 0 }", "fall: 0 is too small; write 1 or more"),
        ("{ jitter: 51% }", "jitter: more than 50%; write 0% to 50%"),
        (
            "{ slowStart: { duration: 30s, steps: 0 } }",
            "slowStart.steps: 0 steps are not possible; write 1 to 1000",
        ),
        ("{ slowStart: { duration: 0s } }", "slowStart.duration: 0s is not possible; write 1ms to 24h"),
        ("{ passive: { threshold: 0 } }", "passive.threshold: 0 is too small; write 1 or more"),
        (
            "{ passive: { threshold: 1, holdMin: 10s, holdMax: 5s } }",
            "passive.holdMax: shorter than holdMin (10s); write that or more",
        ),
        (
            "{ lowWatermark: 0% }",
            "lowWatermark: 0% keeps a service without any backend up; set a panicThreshold too, or leave it out",
        ),
        (
            "{ lowWatermark: 50%, highWatermark: 40% }",
            "highWatermark: less than lowWatermark; the order is lowWatermark <= panicThreshold <= highWatermark",
        ),
        (
            "{ lowWatermark: 50%, panicThreshold: 40% }",
            "panicThreshold: less than lowWatermark; the order is lowWatermark <= panicThreshold <= highWatermark",
        ),
        (
            "{ panicThreshold: 50%, highWatermark: 40% }",
            "highWatermark: less than panicThreshold; the order is lowWatermark <= panicThreshold <= highWatermark",
        ),
        ("{ check: { kind: dns } }", "check.name: missing; the check cannot do without it"),
    ];
    for (text, expected) in table {
        assert_eq!(health(text).expect_err(text).to_string(), expected, "{text}");
    }
}

#[test]
fn unknown_fields_and_bare_numbers_are_errors() {
    for text in ["{ intervall: 5s }", "{ interval: 5 }", "{ slowStart: 30s }", "{ lowWatermark: 0.5 }"] {
        assert!(serde_saphyr::from_str::<HealthFile>(text).is_err(), "{text}");
    }
}

#[test]
fn a_file_is_written_back_as_it_was_read() {
    let text = "{ check: { kind: http, path: /up }, interval: 1500ms, jitter: 12.5%, \
                slowStart: { duration: 30s }, passive: { threshold: 4, verdict: failure }, lowWatermark: 50% }";
    let file: HealthFile = serde_saphyr::from_str(text).expect("parses");
    let written = serde_saphyr::to_string(&file).expect("can be written");
    assert_eq!(serde_saphyr::from_str::<HealthFile>(&written).expect("parses"), file, "{written}");
}
