//! The guest's lines as values, and what a run is worth.

use super::*;

fn row(pass: bool) -> Row {
    Row { scenario: "join".into(), expected: "0 lost".into(), got: "1 lost".into(), pass, seconds: 1.5 }
}

#[test]
fn lines_are_read_as_the_guest_writes_them() {
    let line =
        r#"{"event":"row","scenario":"join","expected":"0 lost","got":"1 lost","pass":false,"seconds":1.5}"#;
    assert_eq!(Event::read(line), Event::Row(row(false)));
    assert_eq!(Event::read("{\"event\":\"end\"}\r\n"), Event::End);
    let flows = r#"{"event":"flows","services":"a","protocol":"udp","source":"10.0.0.2","first_port":9,
        "vip":"10.9.9.9","port":80,"backends":["10.2.1.2","10.2.2.2"],"taken":"01-"}"#;
    assert!(matches!(Event::read(flows), Event::Flows(flows) if flows.taken == "01-" && flows.port == 80));
}

#[test]
fn what_is_no_event_is_a_remark() {
    for line in ["panicked at", r#"{"event":"unknown"}"#, r#"{"event":"ready","seconds":1,"more":2}"#] {
        assert_eq!(Event::read(line), Event::Remark { text: line.to_owned() });
    }
}

#[test]
fn what_says_nothing_is_forgotten_back_to_where_it_began() {
    let begin = || Event::Begin { scenario: "join".into() };
    let mut transcript = Transcript::of(["join"]);
    transcript.extend(vec![Row { scenario: "drain".into(), ..row(true) }]);
    transcript.push(begin());
    transcript.extend(vec![row(false)]);
    let again = r#"{"event":"again","scenario":"join","why":"the host took 5 s of 9 s"}"#;
    transcript.push(Event::read(again));
    assert_eq!(transcript.failures(), ["not run: join"]);
    transcript.push(begin());
    transcript.extend(vec![row(true)]);
    assert_eq!(transcript.failures(), Vec::<String>::new());
    let summary = "2 expectations of 1 scenarios held, 0 did not (1 inconclusive runs made again)";
    assert_eq!(transcript.summary(), summary);
}

#[test]
fn a_run_is_good_if_every_scenario_measured_something_and_all_of_it_held() {
    let mut transcript = Transcript::of(["join", "drain"]);
    assert_eq!(transcript.failures(), ["not run: join, drain"]);
    transcript.push(Event::Begin { scenario: "join".into() });
    assert_eq!(transcript.current(), Some("join"));
    let nothing = "join: it expected nothing, and so proved nothing";
    assert_eq!(transcript.failures(), ["not run: drain", nothing]);
    transcript.extend(vec![row(true)]);
    transcript.append(Transcript::default());
    assert_eq!(transcript.failures(), ["not run: drain"]);
    transcript.push(Event::Begin { scenario: "drain".into() });
    transcript.extend(vec![Row { scenario: "drain".into(), ..row(true) }]);
    assert_eq!(transcript.failures(), Vec::<String>::new());
    assert_eq!(transcript.summary(), "2 expectations of 2 scenarios held, 0 did not");
    transcript.extend(vec![row(false)]);
    assert_eq!(transcript.failures(), ["join: expected 0 lost, got 1 lost"]);
    assert_eq!(transcript.summary(), "2 expectations of 2 scenarios held, 1 did not");
    assert!(!transcript.has_ended());
    transcript.push(Event::End);
    assert!(transcript.has_ended());
}
