//! The table as a person sees it.

use super::super::protocol::{Row, Transcript};
use super::*;

#[test]
fn what_did_not_hold_is_marked() {
    let row = |scenario: &str, got: &str, pass| Row {
        scenario: scenario.into(),
        expected: "0 lost".into(),
        got: got.into(),
        pass,
        seconds: 2.25,
    };
    let mut transcript = Transcript::default();
    transcript.extend(vec![row("node joins", "0 lost", true), row("drain", "12 lost", false)]);
    let expected = "
  scenario    expected  got       time
  node joins  0 lost    0 lost    2.2 s
! drain       0 lost    12 lost   2.2 s
";
    assert_eq!(render(&transcript), expected);
}

#[test]
fn figures_are_rows_of_markdown() {
    let mut transcript = Transcript::default();
    assert_eq!(figures(&transcript), "");
    transcript.push(Event::read(r#"{"event":"figure","cells":["reading","1.0 s",""]}"#));
    transcript.push(Event::End);
    assert_eq!(figures(&transcript), "| reading | 1.0 s |  |\n");
}
