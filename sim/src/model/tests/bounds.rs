//! Memory is bounded, whatever a scenario asks for.

use std::borrow::Cow;

use lb_core::Time;

use super::scenario;
use crate::model::Model;
use crate::run::RunError;
use crate::scenario::{DataSource, Scenario, embedded, with_overrides};

/// One visit, after a second.
struct One;

impl DataSource for One {
    fn read(&self, _: &str) -> Option<Cow<'_, str>> {
        Some("seconds\n1\n".into())
    }
}

/// Twenty times what the fleet can serve.
const OVERLOAD: &str = "traffic.rate={kind: constant, rate: 4000/s}";

#[test]
fn a_run_with_too_much_open_is_given_up_with_a_reason() {
    // Nobody's patience ends, so visits and their requests only ever become more.
    let overrides =
        ["duration=1h", "events=[]", "expect=[]", OVERLOAD, "traffic.requestTimeout=1h", "dns.ttl=1h"];
    let scenario = scenario("node-loss", &overrides);
    let mut observer = ();
    let mut model = Model::new(&scenario, 1, &mut observer);
    model.open_max = 3_000;
    let error = model.run().unwrap_err();
    let RunError::TooManyOpen { what, at } = &error;
    assert_eq!(*what, "visits");
    assert!((Time::from_millis(500)..Time::from_secs(20)).contains(at), "{error}");
    let text = error.to_string();
    assert!(text.contains("write a lower traffic.rate"), "{text}");
}

#[test]
fn one_visit_of_endless_requests_is_given_up_too() {
    let overrides = [
        "duration=20s",
        "events=[]",
        "expect=[]",
        "distributions.counts.requests={constant: 4000000000}",
        "distributions.times.gap={constant: 0s}",
        "traffic.arrivals={kind: given, data: one.csv}",
    ];
    let found = embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap();
    let text = with_overrides(found.text, &overrides).unwrap();
    let scenario = Scenario::from_yaml(&text, &One).unwrap();
    let mut observer = ();
    let mut model = Model::new(&scenario, 1, &mut observer);
    model.open_max = 3_000;
    assert!(matches!(model.run(), Err(RunError::TooManyOpen { what: "requests", .. })));
}

#[test]
fn deadlines_of_what_is_over_are_forgotten_long_before_they_are_due() {
    // A connection for each request, so that there are as many deadlines of both.
    let overrides = [
        "duration=60s",
        "events=[]",
        "expect=[]",
        "traffic.requestTimeout=1h",
        "traffic.connectTimeout=1h",
        "distributions.counts.requests={constant: 1}",
    ];
    let scenario = scenario("node-loss", &overrides);
    let mut observer = ();
    let mut model = Model::new(&scenario, 1, &mut observer);
    let (mut requests, mut connections) = (0, 0);
    while let Some((now, happening)) = model.engine.pop_until(Time::from_secs(50)) {
        model.handle(now, happening);
        requests = model.requests.len().max(requests);
        connections = model.connections.len().max(connections);
        assert!(model.request_deadlines.len() <= 2 * requests + 1_024 + 1, "{now}");
        assert!(model.connect_deadlines.len() <= 2 * connections + 1_024 + 1, "{now}");
    }
    assert!(model.metrics.requests_started > 4_000, "more than are remembered");
    assert!(model.metrics.connections.opened > 4_000, "more than are remembered");
}
