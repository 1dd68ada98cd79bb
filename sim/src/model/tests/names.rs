//! What names lead to while zones are lost and operators act.

use super::{run_of, scenario};
use crate::record::{Observer, Record};
use crate::run::run;

/// Two zones; one is taken out by hand, then the other is lost.
const BOTH: &str =
    "events=[{at: 5s, kind: disable-zone, target: lvs-a}, {at: 10s, kind: zone-loss, target: slc-a}]";

/// Which zones names began to lead to, or ceased to.
#[derive(Default)]
struct Named(Vec<(String, bool)>);

impl Observer for Named {
    fn event(&mut self, record: &Record<'_>) {
        if record.kind == "dns" {
            self.0.push((record.zone.unwrap().to_owned(), record.state == Some("named")));
        }
    }
}

#[test]
fn a_zone_that_an_operator_took_out_is_not_named_because_the_rest_is_lost() {
    let scenario = scenario("survivors-overload", &["duration=60s", "expect=[]", "dns.ttl=5s", BOTH]);
    let mut named = Named::default();
    let result = run(&scenario, scenario.seed, &mut named).unwrap();
    assert_eq!(result.violations, []);
    assert_eq!(named.0, [("lvs-a".to_owned(), false)], "the lost zone stays named: there is no other");
    assert!(result.requests.failed_by.get("zone_lost").is_some_and(|failed| *failed > 100), "{result:?}");
}

#[test]
fn without_a_zone_that_may_be_named_requests_fail_at_once() {
    let all =
        "events=[{at: 5s, kind: disable-zone, target: lvs-a}, {at: 5s, kind: disable-zone, target: slc-a}]";
    let result = run_of(&scenario("survivors-overload", &["duration=40s", "expect=[]", "dns.ttl=5s", all]));
    // What is open goes on; who needs a new connection after at most 7 s gets no answer.
    assert!(result.requests.ok > 100, "{:?}", result.requests);
    assert_eq!(result.requests.failed_by.keys().collect::<Vec<_>>(), ["no_backend"], "{:?}", result.requests);
    assert!(result.requests.failed > 100, "{:?}", result.requests);
}

#[test]
fn each_shift_is_its_own_events_and_names_who_took_the_traffic_then() {
    let part = |at, long| format!("{{at: {at}, kind: partition, between: [clients, slc-a], for: {long}}}");
    let by_hand = "{at: 130s, kind: disable-zone, target: lvs-a}";
    let events = format!("events=[{}, {}, {by_hand}]", part("10s", "1s"), part("40s", "50s"));
    let overrides = ["duration=180s", "expect=[]", "dns.ttl=5s", "traffic.rate.rate=30%", &events];
    let result = run_of(&scenario("survivors-overload", &overrides));
    let [brief, long, hand] = &result.shifts[..] else { panic!("{:?}", result.shifts) };
    // A second is too short for the checks, and nobody's fault but its own.
    assert_eq!((brief.at_s, brief.detected_s, brief.t99_s), (10.0, None, None), "{brief:?}");
    assert_eq!(long.at_s, 40.0);
    assert!(long.detected_s.is_some_and(|detected| (1.0..20.0).contains(&detected)), "{long:?}");
    assert!(long.t50_s.is_some());
    // Today lvs-a is not named any more; then it was.
    assert_eq!((long.from.as_str(), &long.to[..]), ("slc-a", &["lvs-a".to_owned()][..]));
    assert_eq!((hand.from.as_str(), &hand.to[..]), ("lvs-a", &["slc-a".to_owned()][..]));
}
