//! Closed forms and published figures: the quick ones of every kind.

use super::*;

/// What the project promises to compare, by the references' numbers.
const PROMISED: [&str; 19] = [
    "Q1", "Q2", "Q3", "Q4", "Q5", "Q8", "H3", "H4", "H6", "H7", "H10", "E1", "E3", "E4", "E5", "F4", "F6",
    "F8", "F9",
];

/// One or two checks of every kind; `overspill validate` makes all of them.
#[test]
fn the_quick_checks_pass_and_are_of_every_reference() {
    let checks = run(Effort::QUICK, &mut |_| {});
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.pass).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let mut made: Vec<&str> = checks.iter().map(|check| check.id).collect();
    made.dedup();
    assert_eq!(made, PROMISED);
    assert_eq!(group_count(), PROMISED.len());
}

#[test]
fn closed_forms_agree_with_printed_values() {
    for (servers, load, expected) in [
        (1, 0.5, 0.333_333),
        (5, 3.0, 0.110_054),
        (10, 5.0, 0.018_385),
        (10, 8.0, 0.121_661),
        (20, 15.0, 0.045_593),
        (100, 80.0, 0.003_992),
        (100, 95.0, 0.048_804),
        (1000, 950.0, 0.003_649),
    ] {
        assert!((erlang_b(servers, load) - expected).abs() < 1e-6, "B({servers}, {load})");
    }
    for (servers, load, expected) in [
        (2, 1.6, 0.711_111),
        (5, 4.0, 0.554_113),
        (10, 8.0, 0.409_180),
        (10, 9.0, 0.668_732),
        (20, 18.0, 0.550_769),
        (100, 90.0, 0.216_940),
        (100, 95.0, 0.506_457),
    ] {
        assert!((erlang_c(servers, load) - expected).abs() < 1e-6, "C({servers}, {load})");
    }
    for (load, scv, expected) in [(0.5, 0.0, 1.5), (0.8, 1.0, 5.0), (0.8, 4.0, 11.0), (0.9, 10.0, 50.5)] {
        assert!((closed_forms::pollaczek_khinchine(load, scv) - expected).abs() < 1e-9);
    }
}

#[test]
fn a_wrong_answer_fails() {
    let runs: Summary = [4.9, 5.1, 5.0, 5.05, 4.95].into_iter().collect();
    let check = |expected| Check::of_runs("Q0", String::new(), "", expected, &runs).pass;
    assert!(check(Expected::near(5.0, 0.01)));
    assert!(check(Expected::near(5.1, 0.05)));
    assert!(!check(Expected::near(5.1, 0.01)), "inside the interval, beyond the tolerance");
    assert!(!check(Expected::near(5.5, 0.2)), "inside the tolerance, beyond the interval");
    assert!(check(Expected::Between { low: 4.0, high: 5.0 }));
    assert!(!check(Expected::Between { low: 3.0, high: 4.0 }));
    assert!(!Check::exactly("Q0", String::new(), "", 0.0, 1e-9).pass);
}
