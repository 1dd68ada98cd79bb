//! `overspill rollout`: a line of decisions for each event, the document, recordings that cannot be played.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::{Ran, checkout, checkout_text, overspill, overspill_with, refused, with};

fn rollout(events: &str, arguments: &[&str]) -> Ran {
    let (access_point, fleet) = (checkout("access-point.yaml"), checkout("fleet.yaml"));
    overspill_with(&[&["rollout", &access_point, "-", "--fleet", &fleet], arguments].concat(), events)
}

/// The example's recording with a replacement in one of its lines, counted from 1.
fn changed(line: usize, from: &str, to: &str) -> String {
    let text = checkout_text("events.jsonl");
    let lines = text.lines().enumerate();
    let lines = lines
        .map(|(position, text)| if position + 1 == line { with(text, from, to) } else { text.to_owned() });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn every_event_is_answered_by_a_line() {
    let ran = rollout(&checkout_text("events.jsonl"), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let (decisions, targets) = ran.out.split_once("\n\n").expect("two tables");
    // each is answered, and what does not fit goes on below
    let answers = decisions.lines().filter(|line| !line.starts_with("    ")).count();
    assert_eq!(answers, 1 + checkout_text("events.jsonl").lines().count());
    for line in [
        " 1m  45d5912f by ann  progressing   a window opens 2026-11-30T17:00:00Z",
        "21m  timeout          waiting       slc-a-1 verified",
        "25m  approval by ann  waiting       refused: ann made the change; somebody else",
        "                                    must approve of it",
        "30m  approval by bob  progressing   canary approved by bob; 45d5912f to slc-b-2",
        "78m  timeout          settled       rno-b-1 verified; 45d5912f is everywhere",
        "92m  slc-a-1 failed   rolling back  slc-a-1 failed: it says so; 1 failed of at",
    ] {
        assert!(decisions.lines().any(|one| one == line), "{line}\n{decisions}");
    }
    assert!(targets.starts_with("TARGET   STAGE    GIVEN     IS    WAITS FOR\n"), "{targets}");
    assert!(targets.contains("slc-b-2  us-west  45d5912f  held  another revision, or resume\n"), "{targets}");
}

#[test]
fn a_canary_that_nobody_is_is_warned_of() {
    let text = with(
        &checkout_text("access-point.yaml"),
        "{ names: [slc-a-1] }, soak",
        "{ names: [slc-a-11] }, soak",
    );
    let (events, fleet) = (checkout("events.jsonl"), checkout("fleet.yaml"));
    let ran = overspill_with(&["rollout", "-", &events, "--fleet", &fleet], &text);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.starts_with("<stdin>:150:34: warning: spec.rollout.stages[0].targets: "), "{}", ran.err);
    let expected = "stage canary is empty: it selects none of the 26 targets, so it proves nothing";
    assert!(ran.err.contains(expected), "{}", ran.err);
    // nobody goes first unverified: an approval would be of nothing
    let is_there = |line: &str| ran.out.lines().any(|one| one.starts_with(line));
    assert!(
        is_there(" 1m  45d5912f by ann  waiting  stage canary pauses, and nobody is in it"),
        "{}",
        ran.out
    );
    assert!(
        is_there("30m  approval by bob  waiting  refused: stage canary selects nobody now and"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("45d5912f to "), "{}", ran.out);
}

/// What a rollout went through on its way is not told as where it is.
#[test]
fn the_phase_is_told_once() {
    let text = with(
        &checkout_text("access-point.yaml"),
        "{ names: [slc-a-1] }, soak: 10m, pause: true",
        "{ names: [slc-a-11] }, soak: 10m",
    );
    let (events, fleet) = (checkout("events.jsonl"), checkout("fleet.yaml"));
    let ran = overspill_with(&["rollout", "-", &events, "--fleet", &fleet], &text);
    for (at, line) in ran.out.lines().enumerate().filter(|(_, line)| line.contains("progressing")) {
        assert_eq!(line.matches("progressing").count(), 1, "{at}: {line}");
        assert!(!line.contains("waiting"), "{at}: {line}");
    }
    // a stage of nobody is passed, which is told, and whoever is first goes alone
    let squeezed = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        squeezed.contains("canary passed, for nobody is in it: it proved nothing; 45d5912f to"),
        "{}",
        ran.out
    );
}

#[test]
fn the_document_has_each_decision_and_each_target() {
    let document = rollout(&checkout_text("events.jsonl"), &["--format", "json"]).json();
    let decisions = document["decisions"].as_array().expect("a list");
    assert_eq!(decisions.len(), 20);
    for (number, decision) in (1..).zip(decisions) {
        let fields = [("/line", Is::Count), ("/kind", Is::Text), ("/at", Is::Text), ("/phase", Is::Text)];
        holds_all(decision, &fields);
        holds_all(decision, &[("/apply", Is::List), ("/events", Is::List)]);
        assert_eq!(decision["line"], number);
    }
    assert_eq!(decisions[2]["apply"][0]["target"], "slc-a-1");
    assert_eq!(decisions[5]["refused"], "ann made the change; somebody else must approve of it");
    let phases: Vec<&Value> = [0, 2, 4, 16, 18, 19].iter().map(|line| &decisions[*line]["phase"]).collect();
    assert_eq!(phases, ["settled", "progressing", "waiting", "settled", "rollingBack", "rolledBack"]);
    let targets = document["targets"].as_array().expect("a list");
    let names: Vec<&Value> = targets.iter().map(|target| &target["target"]).collect();
    assert_eq!(names, ["phx-a-1", "phx-c-2", "rno-b-1", "slc-a-1", "slc-b-2"]);
    assert_eq!(
        (&targets[3]["stage"], &targets[3]["waits_for"]),
        (&json!("canary"), &json!({ "kind": "revision" }))
    );
}

/// Half of the recording: the table says what each target waits for.
#[test]
fn what_is_waited_for_is_said() {
    let text = checkout_text("events.jsonl");
    let first =
        |count: usize| -> String { text.lines().take(count).map(|line| format!("{line}\n")).collect() };
    for (count, expected) in [
        (2, "slc-a-1  canary   -          held  the window of 2026-11-30T17:00:00Z\n"),
        (3, "slc-a-1  canary   45d5912f  applying  being ready within 10m\n"),
        (4, "slc-a-1  canary   45d5912f  soaking  10m more of soak\n"),
        (5, "slc-b-2  us-west  -         held      approval of 8b951334, not by ann (canary)\n"),
        (8, "phx-a-1  rest     -         held      stage us-west\n"),
        (12, "phx-c-2  rest     -         held      a slot: 1 of 1 taken\n"),
    ] {
        let ran = rollout(&first(count), &[]);
        // how wide a column is depends on the others
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = ran.out.lines().any(|line| squeezed(line) == squeezed(expected));
        assert!(found, "{count}: {expected}{}", ran.out);
    }
}

#[test]
fn a_line_that_cannot_be_played_is_told_at_its_field_and_nothing_is_printed() {
    for (line, from, to, expected) in [
        (1, "\"0s\"", "0", "1:8: error: at: `0` is no duration: a number without a unit"),
        (1, "\"wall\"", "\"wal\"", "1:14: error: wal: unknown field `wal`; did you mean `wall`?"),
        (1, "T16:50:00Z", "", "1:22: error: wall: `2026-11-30` is no date: write a date such as"),
        (1, ", \"wall\": \"2026-11-30T16:50:00Z\"", "", "1:1: error: wall: the first line has no `wall`"),
        (1, "\"join\"", "\"joined\"", "1:54: error: kind: unknown name `joined`; did you mean `join`?"),
        (
            1,
            "\"phx-a-1\"",
            "\"phx-a-l\"",
            "1:74: error: targets[0]: no target phx-a-l in the fleet; did you mean `phx-a-1`?",
        ),
        (2, "\"1m\"", "\"1h\"", "3:8: error: at: 10m is before 1h, when the line before happened"),
        (2, ", \"author\": \"ann\"", "", "2:1: error: author: missing, and a line of kind revision needs it"),
        (
            2,
            "\"revision\", ",
            "\"revision\", \"by\": \"x\", ",
            "2:40: error: by: a line of kind revision has no such field; its fields are revision, difference, author",
        ),
        (2, "\"45d5", "\"45D5", "2:46: error: revision: `45D5912ffcab5341b7eb3c72225fd031e8c2fa"),
        (
            4,
            "\"slc-a-1\"",
            "\"slc-a-11\"",
            "4:43: error: target: no target slc-a-11 in the fleet; did you mean `slc-a-1`?",
        ),
        (4, "\"ready\"", "\"well\"", "4:143: error: health: unknown name `well`"),
        (4, "}", "},", "4:151: error: no JSON object; write a whole one on each line, and no comma after it"),
        (4, "}", "", "4:1: error: no JSON object"),
        (5, "{", "# {", "5:1: error: a recording has no comments; write one JSON object on each line"),
    ] {
        let ran = rollout(&changed(line, from, to), &[]);
        let told = refused(&ran);
        assert!(told.starts_with(&format!("<stdin>:{expected}")), "{line} {to}: {told}");
    }
}

#[test]
fn files_that_are_something_else_are_told_so() {
    let told = |arguments: &[&str]| refused(&overspill(&[&["rollout"], arguments].concat())).to_owned();
    let [access_point, fleet, events, claims] =
        ["access-point.yaml", "fleet.yaml", "events.jsonl", "claims.yaml"].map(checkout);
    assert_eq!(
        told(&[&access_point, &events]),
        "overspill: error: the stages of a rollout are of a fleet's targets; name its zones and clusters with --fleet"
    );
    assert_eq!(
        told(&[&events, &access_point, "--fleet", &fleet]),
        "../examples/checkout/events.jsonl: error: is a file of events, and one of objects is wanted here; name that one"
    );
    assert_eq!(
        told(&[&access_point, &claims, "--fleet", &fleet]),
        "../examples/checkout/claims.yaml: error: is a file of claims, and one of events is wanted here; name that one"
    );
    assert_eq!(
        told(&[&fleet, &events]),
        "overspill: error: ../examples/checkout/fleet.yaml holds 0 access points; write a file with one"
    );
    assert_eq!(
        told(&["-", "-", "--fleet", &fleet]),
        "overspill: error: FILE and EVENTS cannot both be standard input; name one of the two"
    );
    assert_eq!(
        refused(&rollout("\n", &[])),
        "<stdin>: error: nothing is in it; write one JSON object on each line"
    );
}

/// Names from a file do not reach the terminal as commands, and nobody's name has any.
#[test]
fn control_characters_are_refused_and_not_printed() {
    let ran = rollout(&changed(2, "\"ann\"", "\"a\\u001b[31mnn\\n\""), &[]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.starts_with("<stdin>:2:") && ran.err.contains("nobody sees, U+001B"), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
    let nobody = rollout(&changed(2, "\"ann\"", "\" \""), &[]);
    assert!(nobody.status == 2 && nobody.err.contains("empty; write who it is"), "{}", nobody.err);
}

#[test]
fn the_fleet_may_stand_in_the_same_file() {
    let both = format!("{}---\n{}", checkout_text("access-point.yaml"), checkout_text("fleet.yaml"));
    let ran = overspill_with(&["rollout", "-", &checkout("events.jsonl")], &both);
    assert_eq!(ran, rollout(&checkout_text("events.jsonl"), &[]));
    let windows = checkout_text("events.jsonl").replace('\n', "\r\n");
    assert_eq!(ran, rollout(&format!("\u{feff}{windows}"), &[]));
}
