//! Tests of the summary: its lines, and that it fits.

use super::*;

#[test]
fn causes_are_sorted_and_wrapped() {
    let counts: BTreeMap<String, u64> =
        (1..9).map(|number| (format!("some_long_cause_{number}"), 10_u64.pow(number))).collect();
    let text = causes("  lost by", &counts);
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert!(text.starts_with("  lost by     some long cause 8 100,000,000, some long cause 7"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("              some")), "{text}");
    assert_eq!(causes("  lost by", &BTreeMap::new()), "");
}

#[test]
fn a_shift_that_never_happened_says_so() {
    let shift = Shift {
        at_s: 1500.0,
        from: "slc-a".to_owned(),
        to: vec!["slc-b".to_owned(), "slc-c".to_owned()],
        detected_s: Some(11.25),
        t50_s: Some(101.4),
        t99_s: None,
    };
    let expected = "\
TRAFFIC MOVED     AT  TO       DETECTED    50%    99%
from slc-a     25:00  2 zones    11.2 s  101 s  never
";
    assert_eq!(shifts(&[shift]), expected);
}

#[test]
fn expectations_tell_what_was_measured() {
    let expect = [
        ExpectationResult {
            text: "availability >= 99.9%".into(),
            pass: false,
            measured: Some(0.998_765),
            unit: "fraction",
        },
        ExpectationResult {
            text: "requests.failed < 10000".into(),
            pass: true,
            measured: Some(1234.0),
            unit: "count",
        },
    ];
    let expected = "\
expected: 1 of 2 does not hold
  FAIL  availability >= 99.9%    got 99.876%
  pass  requests.failed < 10000  got 1,234
";
    assert_eq!(expectations(&expect, false), expected);
    let first = |expect: &[ExpectationResult]| expectations(expect, false).lines().next().unwrap().to_owned();
    assert_eq!(first(&expect[..1]), "expected: it does not hold");
    assert_eq!(first(&expect[1..]), "expected: it holds");
    assert_eq!(first(&[expect[1].clone(), expect[1].clone()]), "expected: all 2 hold");
    assert_eq!(first(&[expect[0].clone(), expect[0].clone()]), "expected: 2 of 2 do not hold");
}
