//! `overspill run` and `scenarios`: small runs, every way to get them wrong.

use std::fs;

use crate::{Ran, overspill, overspill_with, run};

/// A run that a debug build finishes in a moment.
const SHORT: [&str; 8] = [
    "run",
    "node-loss",
    "--set",
    "duration=4s",
    "--set",
    "events=[]",
    "--set",
    "expect=[availability >= 90%]",
];

fn short(more: &[&str]) -> Ran {
    overspill(&[&SHORT[..], more].concat())
}

#[test]
fn scenarios_are_listed_and_shown() {
    let ran = overspill(&["scenarios"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.lines().count() >= 9, "a header and eight scenarios: {}", ran.out);
    assert!(ran.out.contains("az-loss"), "{}", ran.out);
    let listed = overspill(&["scenarios", "--format", "json"]).json();
    for scenario in listed.as_array().unwrap() {
        let name = scenario["name"].as_str().unwrap();
        let shown = overspill(&["scenarios", "show", name]);
        let checked = overspill_with(&["check", "-"], &shown.out);
        assert_eq!((checked.status, checked.err.as_str()), (0, ""), "{name}");
        assert!(checked.out.starts_with("<stdin>: scenario, "), "{}", checked.out);
    }
}

#[test]
fn a_run_tells_what_was_lost() {
    let ran = short(&[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("node-loss: "), "{}", ran.out);
    for part in
        ["availability  ", "latency       ", "connections   ", "ZONE ", "expected: it holds", "digest  "]
    {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.len() <= 80 || line.starts_with("replay")), "{}", ran.out);
    let replay = "replay  overspill run node-loss --seed 11 --set duration=4s --set 'events=[]' --set 'expect=[availability >= 90%]'";
    assert_eq!(ran.out.lines().last(), Some(replay));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let document = |seed: &str| short(&["--seed", seed, "--format", "json"]).json();
    let (one, again, other) = (document("7"), document("7"), document("8"));
    assert_eq!(one, again);
    assert_ne!(one["digest"], other["digest"]);
    assert_eq!((&one["seed"], one["digest"].as_str().unwrap().len()), (&"7".into(), 64));
    let requests = &one["requests"];
    let count = |name: &str| requests[name].as_u64().unwrap();
    assert_eq!(count("total"), count("ok") + count("failed"));
    for field in [
        "scenario",
        "simulated_s",
        "events",
        "availability",
        "latency_ms",
        "connections",
        "zones",
        "expect",
        "shifts",
        "replay",
    ] {
        assert!(!one[field].is_null(), "{field}");
    }
}

#[test]
fn an_expectation_that_fails_is_status_one() {
    let ran = short(&["--set", "expect=[requests.total < 1]"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    assert!(ran.out.contains("expected: it does not hold\n  FAIL  requests.total < 1  got "), "{}", ran.out);
}

#[test]
fn out_is_a_folder_with_three_files() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b");
    let ran = short(&["--out", out.to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["events.jsonl", "report.html", "series.parquet"]);
    for line in fs::read_to_string(out.join("events.jsonl")).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["t_s"].is_number() && event["kind"].is_string(), "{line}");
    }
    let series = fs::read(out.join("series.parquet")).unwrap();
    assert_eq!((&series[..4], &series[series.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("</html>"));
    // a folder that cannot be is told before anything runs
    let file = out.join("report.html");
    let ran = short(&["--out", file.to_str().unwrap()]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.ends_with("report.html: error: is a file; name a folder, or a new one\n"), "{}", ran.err);
}

/// Nothing half written stays behind, whether a file cannot be begun or cannot be written on.
#[cfg(target_os = "linux")]
#[test]
fn a_failed_out_leaves_the_folder_as_it_was() {
    use std::path::Path;

    let full = |path: &Path| std::os::unix::fs::symlink("/dev/full", path).unwrap();
    let occupied = |path: &Path| fs::create_dir(path).unwrap();
    let check = |name: &str, obstruct: &dyn Fn(&Path), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kept"), "old").unwrap();
        obstruct(&folder.path().join(name));
        let ran = short(&["--out", folder.path().to_str().unwrap()]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{name}");
        assert!(ran.err.contains(expected), "{}", ran.err);
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|left| left == "kept" || left == name), "{name}: {left:?}");
    };
    // the last of the three to be begun
    check("report.html", &occupied, "report.html: error: cannot be written: is a directory\n");
    check("events.jsonl", &full, "events.jsonl: error: cannot be written: No space left on device");
    check("series.parquet", &full, "series.parquet: error: cannot be written: ");
}

#[test]
fn a_name_that_is_none_suggests_the_nearest() {
    let expected = "overspill: error: no scenario and no file is named `az-los`; did you mean `az-loss`? (`overspill scenarios` lists them)\n";
    for arguments in [&["run", "az-los"][..], &["scenarios", "show", "az-los"]] {
        let ran = overspill(arguments);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (2, "", expected));
    }
    let ran = overspill(&["run", "./nowhere.yaml"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.starts_with("./nowhere.yaml: error: there is no such file"), "{}", ran.err);
}

#[test]
fn faults_of_a_file_are_told_at_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = overspill(&["scenarios", "show", "node-loss"]).out;
    let told = |text: String| {
        fs::write(folder.path().join("mine.yaml"), text).unwrap();
        let ran = run(folder.path(), &["run", "mine.yaml"], "");
        assert_eq!((ran.status, ran.out.as_str()), (2, ""));
        ran.err
    };
    let line = 1 + good.lines().position(|line| line == "fleet:").unwrap();
    let err = told(good.replace("\nfleet:\n", "\nfleets:\n"));
    assert!(
        err.starts_with(&format!(
            "mine.yaml:{line}:1: error: fleets: unknown field `fleets`; did you mean `fleet`?"
        )),
        "{err}"
    );
    // found when names are resolved: still at its line
    let line = 1 + good.lines().position(|line| line.trim() == "router: spine").unwrap();
    let err = told(good.replace("router: spine", "router: spime"));
    assert!(err.starts_with(&format!("mine.yaml:{line}:")) && err.contains("did you mean `spine`?"), "{err}");
}

#[test]
fn faults_of_an_override_name_it() {
    for (set, expected) in [
        ("dns.tll=60s", "--set: error: dns.tll: unknown field `tll`; did you mean `ttl`?"),
        ("dns.ttl=60", "--set: error: dns.ttl: `60` is no duration"),
        ("events[9].at=3s", "--set: error: events[9].at: index 9 does not exist"),
        ("dns.ttl", "--set: error: dns.ttl: write PATH=VALUE"),
        (
            "zoneKinds.0.nodes=0",
            "--set: error: zoneKinds.0.nodes: `zoneKinds` has no `0`; it has: standard. \
             Made new: zoneKinds.0.router: the field `router` is missing; add it\n",
        ),
        (
            "zoneKinds.standart.nodes=0",
            "--set: error: zoneKinds.standart.nodes: `zoneKinds` has no `standart`; did you mean `standard`? ",
        ),
        ("zoneKinds.edge={nodes: 3}", "--set: error: zoneKinds.edge.router: the field `router` is missing"),
    ] {
        let ran = overspill(&["run", "node-loss", "--set", set]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{set}");
        assert!(ran.err.starts_with(expected), "{set}: {}", ran.err);
    }
}

#[test]
fn a_scenario_may_come_from_standard_input() {
    let text = overspill(&["scenarios", "show", "node-loss"]).out;
    let ran = overspill_with(&[&["run", "-"], &SHORT[2..]].concat(), &text);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let digest = |ran: &Ran| ran.out.lines().find(|line| line.starts_with("digest")).unwrap().to_owned();
    assert_eq!(digest(&ran), digest(&short(&[])));
}
