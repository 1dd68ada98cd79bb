//! Reading scenarios: what is right is read, what is wrong is told with its place.

use super::*;

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::from_yaml(text, &EmbeddedData)
}

fn node_loss() -> &'static str {
    embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap().text
}

/// Reads the node-loss scenario with overrides, and gives the whole error.
fn refused(overrides: &[&str]) -> String {
    let text = with_overrides(node_loss(), overrides).unwrap();
    read(&text).unwrap_err().to_string()
}

#[test]
fn every_embedded_scenario_is_read_and_has_the_name_of_its_file() {
    assert!(embedded().len() >= 8);
    for found in embedded() {
        let scenario = read(found.text).unwrap_or_else(|error| panic!("{}: {error}", found.name));
        assert_eq!(scenario.name, found.name);
        assert!(!scenario.expect.is_empty(), "{} expects nothing", found.name);
        assert!(!scenario.events.is_empty(), "in {} nothing happens", found.name);
    }
}

#[test]
fn embedded_scenarios_are_sorted_by_name() {
    assert!(embedded().is_sorted_by_key(|scenario| scenario.name));
}

#[test]
fn a_file_written_back_reads_the_same() {
    for found in embedded() {
        let file = ScenarioFile::from_yaml(found.text).unwrap();
        let text = serde_json::to_string(&file).unwrap();
        assert_eq!(ScenarioFile::from_yaml(&text).unwrap(), file, "{}", found.name);
    }
}

#[test]
fn the_zone_loss_peaks_at_sixty_percent_of_the_fleet_for_fifteen_minutes() {
    let found = embedded().iter().find(|scenario| scenario.name == "az-loss").unwrap();
    let scenario = read(found.text).unwrap();
    let capacity = scenario.capacity();
    assert!((capacity - 1800.0).abs() < 1e-6, "{capacity}");
    let rate = &scenario.traffic.rate;
    assert!((rate.peak() - 0.6 * capacity).abs() < 1e-9);
    for minute in [20, 25, 34, 35] {
        assert_eq!(rate.rate_at(Time::from_secs(minute * 60)), rate.peak(), "minute {minute}");
    }
    // The rows of 19:29 and 19:39 are 175 and 256 of the peak's 656.
    let before = rate.rate_at(Time::from_secs(15 * 60));
    let after = rate.rate_at(Time::from_secs(40 * 60));
    assert!((before - rate.peak() * 175.0 / 656.0).abs() < 1e-9);
    assert!((after - rate.peak() * 256.0 / 656.0).abs() < 1e-9);
    // Half way between two rows: linear.
    let between = rate.rate_at(Time::from_secs(17 * 60 + 30));
    assert!((between - (before + rate.peak()) / 2.0).abs() < 1e-9);
}

#[test]
fn unknown_fields_and_choices_are_named_with_their_place_and_the_nearest_name() {
    let text = node_loss().replace("    nodes: 4", "    nodez: 4");
    let ScenarioError::Syntax { line, column, message } = read(&text).unwrap_err() else { panic!() };
    assert_eq!(message, "unknown field `nodez`; did you mean `nodes`?");
    assert_eq!(text.lines().nth(line as usize - 1).unwrap(), "    nodez: 4");
    assert_eq!(column, 5);
    let text = node_loss().replace("kind: crash", "kind: krash");
    let message = read(&text).unwrap_err().to_string();
    assert_eq!(message, "unknown choice `krash`; did you mean `crash`?");
}

#[test]
fn what_cannot_be_is_refused_with_path_and_remedy() {
    for (change, expected) in [
        ("version=2", "version: version 2 is not known; write 1"),
        ("duration=0s", "duration: too small; write 1s or more"),
        (
            "events[0].at=3m",
            "events[0].at: after the end of the run (3m); write an earlier time or a longer duration",
        ),
        (
            "events[0].target=slc-a/node-9",
            "events[0].target: no part of a zone is named `slc-a/node-9`; did you mean `slc-a/node-1`?",
        ),
        ("events[0].count=3", "events[0].count: not a field of `crash`; its own are: target, for"),
        ("events[0].kind=slow", "events[0].percent: missing; this kind cannot do without it"),
        (
            "zoneKinds.standard.router=spin",
            "zoneKinds.standard.router: no router is named `spin`; did you mean `spine`?",
        ),
        ("zoneKinds.standard.nodes=0", "zoneKinds.standard.nodes: not possible; write 1 to 64"),
        (
            "fleet.dataCenters[0].zones=[slc]",
            "fleet.dataCenters[0].zones[0]: `slc` is already the name of another; names are unique in the fleet",
        ),
        ("routing.remote=1%", "routing.remote: there is only one data center; add another or write 0%"),
        (
            "healthChecks.name-service.passive={threshold: 3}",
            "dns.healthCheck: a name service sees no flows; refer to a check without `passive`",
        ),
        (
            "traffic.rate={kind: sine, rate: 50%}",
            "traffic.rate.period: missing; this kind cannot do without it",
        ),
        (
            "traffic.rate={kind: constant, rate: 50%, period: 1h}",
            "traffic.rate.period: not a parameter of `constant`; its own are: rate",
        ),
        (
            "stations.web.serviceTime=webtime",
            "stations.web.serviceTime: no distribution of times is named `webtime`; did you mean `web-time`?",
        ),
    ] {
        assert_eq!(refused(&[change]), expected, "{change}");
    }
}

#[test]
fn more_visits_than_a_run_has_room_for_are_refused_before_any_is_made() {
    // A fleet of a hundred thousand times the servers is not asked too much, only by too many at once.
    let large = "stations.web.servers=100000";
    let edge = "stations.edge.servers=100000";
    let rate = |rate: &str| format!("traffic.rate={{kind: constant, rate: {rate}}}");
    assert_eq!(
        refused(&[large, edge, &rate("10000000/s")]),
        "traffic.rate: about 18 million visits at once are more than a run has room for (1); \
         write a lower rate, or a shorter gap between requests"
    );
    let busy = with_overrides(node_loss(), &[large, edge, &rate("400000/s")]).unwrap();
    assert!(read(&busy).is_ok(), "a large fleet's rate is no fault");
}

#[test]
fn a_configuration_that_no_node_takes_is_refused_when_read() {
    for scheduler in
        ["{kind: ipvs-mh, tableSize: 10}", "{kind: maglev, tableSize: 3}", "{kind: ipvs-mh, points: 3}"]
    {
        let message = refused(&[&format!("nodeKinds.stateless.scheduler={scheduler}")]);
        assert!(message.starts_with("nodeKinds.stateless: such nodes cannot be: "), "{scheduler}: {message}");
    }
}

#[test]
fn what_clients_speak_is_one_of_two_protocols_and_two_families() {
    let scenario = read(node_loss()).unwrap();
    assert_eq!((scenario.traffic.protocol, scenario.traffic.family), (ProtocolFile::Tcp, FamilyFile::Ipv4));
    let text = with_overrides(node_loss(), &["traffic.protocol=udp", "traffic.family=ipv6"]).unwrap();
    let scenario = read(&text).unwrap();
    assert_eq!((scenario.traffic.protocol, scenario.traffic.family), (ProtocolFile::Udp, FamilyFile::Ipv6));
    assert_eq!(refused(&["traffic.protocol=upd"]), "unknown choice `upd`; did you mean `udp`?");
    assert_eq!(refused(&["traffic.family=ip6"]), "unknown choice `ip6`; did you mean `ipv6`?");
    let deaf = ["traffic.protocol=udp", "healthChecks.gateway-check.passive={threshold: 3}"];
    assert_eq!(
        refused(&deaf),
        "nodeKinds.stateless.healthCheck: an L4 node sees no answers, and datagrams tell it nothing; \
         refer to a check without `passive`"
    );
}

#[test]
fn a_peak_far_above_what_the_fleet_can_serve_is_refused_where_it_is_written() {
    // 200 requests per second are the fleet's all.
    let far = "more than twenty times what the fleet can serve; write a peak of 4000/s or less";
    assert_eq!(
        refused(&["traffic.rate={kind: constant, rate: 1000000000/s}"]),
        format!("traffic.rate.rate: {far}")
    );
    assert_eq!(
        refused(&["traffic.rate={kind: constant, rate: 4001/s}"]),
        format!("traffic.rate.rate: {far}")
    );
    let wave = "traffic.rate={kind: sine, rate: 3000/s, swing: 50%, period: 1m}";
    assert_eq!(refused(&[wave]), format!("traffic.rate.rate: {far}"));
    let points = "traffic.rate={kind: points, points: [{at: 0s, rate: 10%}, {at: 1m, rate: 5000/s}]}";
    assert_eq!(refused(&[points]), format!("traffic.rate.points[1].rate: {far}"));
    let recorded = "traffic.rate={kind: csv, data: mine.csv, interval: 1m, peak: noon, peakRate: 4001/s}";
    let text = with_overrides(node_loss(), &[recorded]).unwrap();
    let error = Scenario::from_yaml(&text, &Folder("mine.csv", "time,count\nnoon,1\n")).unwrap_err();
    assert_eq!(error.to_string(), format!("traffic.rate.peakRate: {far}"));
    // An overload to look at.
    let text = with_overrides(node_loss(), &["traffic.rate={kind: constant, rate: 4000/s}"]).unwrap();
    assert!(read(&text).is_ok());
}

#[test]
fn the_schema_names_every_section() {
    let schema = ScenarioFile::schema();
    let properties = schema.get("properties").and_then(|properties| properties.as_object()).unwrap();
    for name in ["fleet", "zoneKinds", "nodeKinds", "traffic", "events", "expect", "distributions"] {
        assert!(properties.contains_key(name), "{name}");
    }
}

#[test]
fn lengths_of_connections_come_from_a_file() {
    let change = "distributions.countFiles={measured: lengths.csv}";
    let overrides = [change, "traffic.requestsPerConnection=measured"];
    let text = with_overrides(node_loss(), &overrides).unwrap();
    // Half of all have one request, the others up to nine.
    let folder = Folder("lengths.csv", "requests,percent\n1,50\n9,100\n");
    let scenario = Scenario::from_yaml(&text, &folder).unwrap();
    assert!((scenario.traffic.mean_requests() - 3.0).abs() < 0.1, "{}", scenario.traffic.mean_requests());
    let error =
        Scenario::from_yaml(&text, &Folder("lengths.csv", "requests,percent\nmany,50\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "distributions.countFiles.measured: line 2 of `lengths.csv` cannot be read; it must be NUMBER,PERCENT"
    );
    let text = with_overrides(node_loss(), &["distributions.countFiles={requests: lengths.csv}"]).unwrap();
    let error = Scenario::from_yaml(&text, &folder).unwrap_err().to_string();
    assert!(
        error.starts_with("distributions.countFiles.requests: `requests` is already the name"),
        "{error}"
    );
}

/// A folder with one file.
struct Folder(&'static str, &'static str);

impl DataSource for Folder {
    fn read(&self, path: &str) -> Option<std::borrow::Cow<'_, str>> {
        (path == self.0).then_some(self.1.into())
    }
}

#[test]
fn recorded_arrivals_are_read_and_wrong_ones_are_named_by_line() {
    let text = with_overrides(node_loss(), &["traffic.arrivals={kind: given, data: mine.csv}"]).unwrap();
    let folder = Folder("mine.csv", "seconds,bytes\n0.5,100\n1,7\n\n1,8\n");
    let scenario = Scenario::from_yaml(&text, &folder).unwrap();
    assert_eq!(scenario.traffic.arrivals, Some(vec![500_000_000, 1_000_000_000, 1_000_000_000]));
    let error = Scenario::from_yaml(&text, &Folder("mine.csv", "seconds\n2\n1\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "traffic.arrivals.data: line 3 of `mine.csv` cannot be read; it must be SECONDS[,...], not before the line above"
    );
    let error = read(&text).unwrap_err().to_string();
    assert!(error.starts_with("traffic.arrivals.data: no data file `mine.csv`"), "{error}");
}

#[test]
fn sizes_come_from_a_file_and_lack_no_share() {
    let change = "distributions.sizeFiles={hadoop: flow-sizes/FbHdp_distribution.csv}";
    let text = with_overrides(node_loss(), &[change, "traffic.responseBytes=hadoop"]).unwrap();
    let scenario = read(&text).unwrap();
    // The figures' own mean by linear interpolation is about 120 kB.
    let mean = scenario.traffic.response_bytes.mean().0;
    assert!((100_000.0..140_000.0).contains(&mean), "{mean}");
}
