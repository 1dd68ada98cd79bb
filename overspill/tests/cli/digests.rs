//! Golden digests: the same scenario and seed give the same run in every build
//! and on every machine.
//!
//! Every embedded scenario runs at its own seed, its events brought close
//! together so that an unoptimised build is quick, and its digest is compared
//! with the table that is committed. The debug build does so among all tests,
//! the optimised one in `cargo xtask test release`; both against one table, so
//! a difference between them fails in one of the two.

use std::fmt::Write as _;
use std::path::Path;

use crate::overspill;

/// Every embedded scenario by name, and what makes it short.
const RUNS: [(&str, &[&str]); 11] = [
    (
        "az-loss",
        &["duration=20s", "events[0].at=10s", "traffic.rate={kind: constant, rate: 10%}", "expect=[]"],
    ),
    ("datagrams", &["duration=20s", "events[0].at=5s", "events[0].for=10s", "expect=[]"]),
    ("health-flap", &["duration=20s", "events[0].at=5s", "events[0].count=1", "expect=[]"]),
    (
        "kernel-drain",
        &["duration=20s", "events[0].at=2s", "events[0].every=5s", "events[0].drain=3s", "expect=[]"],
    ),
    ("local-loss", &["duration=20s", "events[0].at=5s", "events[1].at=5s", "events[2].at=10s", "expect=[]"]),
    ("node-added", &["duration=20s", "events[0].at=5s", "expect=[]"]),
    ("node-loss", &["duration=20s", "events[0].at=5s", "events[0].for=5s", "expect=[]"]),
    (
        "rolling-restart",
        &["duration=20s", "events[0].at=2s", "events[0].every=5s", "events[0].drain=3s", "expect=[]"],
    ),
    ("scale-out", &["duration=20s", "events[0].at=5s", "expect=[]"]),
    ("silent-node", &["duration=20s", "events[0].at=5s", "events[0].for=5s", "expect=[]"]),
    ("survivors-overload", &["duration=20s", "events[0].at=5s", "events[0].for=5s", "expect=[]"]),
];

/// The command that writes the table anew.
const REFRESH: &str = "UPDATE_GOLDEN=1 cargo test --package overspill --test cli digests";

/// The table as this build would write it.
fn table() -> String {
    let mut table = String::from("scenario,digest\n");
    for (name, overrides) in RUNS {
        let sets = overrides.iter().flat_map(|change| ["--set", change]);
        let arguments: Vec<&str> = ["run", name, "--format", "json"].into_iter().chain(sets).collect();
        let result = overspill(&arguments).json();
        assert_eq!(result["violations"], serde_json::json!([]), "{name}");
        let digest = result["digest"].as_str().expect("a run has a digest");
        writeln!(table, "{name},{digest}").expect("a string takes all");
    }
    table
}

#[test]
fn digests_are_the_committed_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/digests.csv");
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).expect("the table can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let build = if cfg!(debug_assertions) { "an unoptimised" } else { "an optimised" };
    assert!(
        table == golden,
        "digests of {build} build differ from {}:\n{}\
         If the model was meant to change, write the table anew and say so in the changelog:\n    {REFRESH}\n\
         If not, or if only one of the two builds differs, a run no longer follows from its seed alone.",
        path.display(),
        differences(&golden, &table)
    );
}

/// The lines that are not the same, as in a diff.
fn differences(golden: &str, table: &str) -> String {
    let only = |one: &str, other: &str, sign: char| -> String {
        one.lines()
            .filter(|line| !other.lines().any(|known| known == *line))
            .map(|line| format!("  {sign} {line}\n"))
            .collect()
    };
    only(golden, table, '-') + &only(table, golden, '+')
}

#[test]
fn every_embedded_scenario_has_a_digest() {
    let listed = overspill(&["scenarios", "--format", "json"]).json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|scenario| scenario["name"].as_str().unwrap()).collect();
    assert_eq!(names, RUNS.map(|(name, _)| name));
}
