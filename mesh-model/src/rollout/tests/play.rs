//! Recordings: a whole rollout line by line, and lines that cannot be.

use super::*;

fn play(lines: &[&str]) -> Vec<String> {
    let fleet = fleet(3);
    let mut play = Play::new(canary_and_rest(), &fleet, PlacementLevel::Cluster);
    let line = |line: &&str| {
        // r1 stands for the hash of 01 01 and so on
        let text = (1..4).fold((*line).to_owned(), |text, number| {
            text.replace(&format!("\"r{number}\""), &format!("\"{}\"", revision(number)))
        });
        let recorded: Recorded = match serde_json::from_str(&text) {
            Ok(recorded) => recorded,
            Err(error) => return format!("unreadable: {error}"),
        };
        match play.step(recorded) {
            Ok(decision) => {
                let apply: Vec<String> = decision
                    .apply
                    .iter()
                    .map(|apply| format!("{}=r{}", apply.target, apply.revision.0[0]))
                    .collect();
                let refused = decision.refused.map(|why| format!(" refused: {why}")).unwrap_or_default();
                let next = decision.next.map_or_else(|| "-".to_owned(), |next| next.to_string());
                format!("{:?} [{}] next {next}{refused}", decision.phase, apply.join(" "))
            }
            Err(error) => format!("error: {error}"),
        }
    };
    lines.iter().map(line).collect()
}

#[test]
fn a_recording_is_answered_line_by_line() {
    let answers = play(&[
        r#"{"at":"0s","wall":"2026-11-26T12:00:00Z","kind":"join","targets":["t000","t001","t002"]}"#,
        r#"{"at":"1s","kind":"revision","revision":"r1","author":"ann"}"#,
        r#"{"at":"5s","kind":"report","target":"t000","applied":"r1","health":"ready","since":"3s"}"#,
        r#"{"at":"13s","kind":"timeout"}"#,
        r#"{"at":"14s","kind":"approval","hash":"r1","by":"ann"}"#,
        r#"{"at":"15s","kind":"approval","hash":"r1","by":"bob"}"#,
        r#"{"at":"16s","kind":"restart"}"#,
        r#"{"at":"17s","kind":"report","target":"t001","applied":"r1","health":"failed"}"#,
        r#"{"at":"18s","kind":"resume","by":"bob"}"#,
        r#"{"at":"19s","kind":"leave","targets":["t001"]}"#,
        r#"{"at":"20s","kind":"abort","by":"bob"}"#,
    ]);
    assert_eq!(
        answers,
        [
            "Settled [] next -",
            "Progressing [t000=r1] next 601s",
            "Progressing [] next 13s",
            "Waiting [] next -",
            "Waiting [] next - refused: ann made the change; somebody else must approve of it",
            "Progressing [t001=r1 t002=r1] next 615s",
            "Progressing [t001=r1 t002=r1] next 616s",
            "Stopped [] next 616s",
            "Progressing [t001=r1] next 616s",
            "Progressing [] next 616s",
            "Stopped [] next 616s",
        ]
    );
}

#[test]
fn lines_that_cannot_be_are_refused_and_change_nothing() {
    let answers = play(&[
        r#"{"at":"5s","kind":"timeout"}"#,
        r#"{"at":"5s","wall":"2026-11-26T12:00:00Z","kind":"join","targets":["t00l"]}"#,
        r#"{"at":"5s","wall":"2026-11-26T12:00:00Z","kind":"timeout"}"#,
        r#"{"at":"4s","kind":"timeout"}"#,
        r#"{"at":"6s","kind":"timeout","target":"t000"}"#,
        r#"{"at":"6s","kind":"explode"}"#,
        r#"{"at":"6s","kind":"report","target":"t0002","health":"ready"}"#,
        r#"{"at":"6s","kind":"leave","targets":["t000","t02"]}"#,
        r#"{"at":"5s","kind":"timeout"}"#,
    ]);
    assert_eq!(
        answers[..4],
        [
            "error: the first line has no `wall`; write a date such as 2026-11-26T09:00:00Z",
            "error: no target t00l in the fleet; did you mean `t000`?",
            "Settled [] next -",
            "error: 4s is before 5s, when the line before happened; put lines in order of time",
        ]
    );
    assert_eq!(answers[4], "unreadable: target: a line of kind timeout has no such field; leave it out");
    assert!(answers[5].starts_with("unreadable: unknown variant `explode`"), "{}", answers[5]);
    assert_eq!(
        answers[6..],
        [
            "error: no target t0002 in the fleet; did you mean `t000`?",
            "error: no target t02 in the fleet; did you mean `t002`?",
            "Settled [] next -", // at 5 s: none of the lines above happened
        ]
    );
}

#[test]
fn a_line_has_the_fields_of_its_kind() {
    let told = |fields: &str| -> String {
        let text = format!(r#"{{"at":"5s",{fields}}}"#);
        match serde_json::from_str::<RecordedSpec>(&text) {
            Err(error) => error.to_string(),
            Ok(spec) => Recorded::try_from(spec).expect_err(fields).to_string(),
        }
    };
    for (fields, expected) in [
        (r#""kind":"abort""#, "by: missing, and a line of kind abort needs it"),
        (r#""kind":"approval","by":"bo""#, "hash: missing, and a line of kind approval needs it"),
        (r#""kind":"join""#, "targets: missing, and a line of kind join needs it"),
        (r#""kind":"leave","targets":[]"#, "targets: an empty list means neither all nor none"),
        (r#""kind":"report","target":"t000""#, "health: missing, and a line of kind report needs it"),
        (r#""kind":"restart","by":"bo""#, "by: a line of kind restart has no such field; leave it out"),
        (r#""kind":"resume","by":"bo","hash":"r""#, "write 64 lower-case hexadecimal digits"),
        (
            r#""kind":"revision","author":"ann","target":"t000""#,
            "target: a line of kind revision has no such field; its fields are revision, difference, author",
        ),
        (r#""kind":"timeout","wal":"2026-11-26T12:00:00Z""#, "unknown field `wal`"),
    ] {
        let found = told(fields);
        assert!(found.contains(expected), "{fields}: {found}");
    }
}

#[test]
fn what_is_recorded_is_read_again() {
    let revision = "01".repeat(32);
    for fields in [
        r#""kind":"abort","by":"bo""#.to_owned(),
        format!(r#""kind":"approval","hash":"{revision}","by":"bo""#),
        r#""kind":"join","targets":["t000"]"#.to_owned(),
        r#""kind":"leave","targets":["t000"]"#.to_owned(),
        format!(r#""kind":"report","target":"t000","applied":"{revision}","health":"notReady","since":"3s""#),
        r#""kind":"restart""#.to_owned(),
        r#""kind":"resume","by":"bo""#.to_owned(),
        format!(r#""kind":"revision","revision":"{revision}","difference":"{revision}","author":"ann""#),
        r#""kind":"timeout""#.to_owned(),
    ] {
        let text = format!(r#"{{"at":"5s","wall":"2026-11-26T12:00:00Z",{fields}}}"#);
        let recorded: Recorded = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&recorded).unwrap(), text);
        assert_eq!(
            format!(r#""kind":"{}""#, recorded.happening.kind().as_str()),
            fields.split(',').next().unwrap()
        );
    }
}
