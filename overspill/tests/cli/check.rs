//! `overspill check`, `schema`, `completions`, `man` and the command line itself.

use crate::{checkout, data, overspill, overspill_with};

#[test]
fn a_good_file_is_named() {
    let ran = overspill(&["check", &data("lb.yaml")]);
    assert_eq!(ran.out, "tests/data/lb.yaml: lb, 4 services, 9 backends\n");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

#[test]
fn standard_input_is_a_file() {
    let text = r#"{"services": [{"vip": "203.0.113.10", "port": 443, "protocol": "tcp", "scheduler": {"kind": "ipvs-sh"}}]}"#;
    let ran = overspill_with(&["check", "-"], text);
    assert_eq!(ran.out, "<stdin>: lb, 1 service, 0 backends\n");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

/// What is told of a text on standard input, which must be bad.
fn told(text: &str) -> String {
    let ran = overspill_with(&["check", "-"], text);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    ran.err
}

#[test]
fn an_unknown_field_is_told_with_the_nearest() {
    let expected = "\
<stdin>:2:1: error: servces: unknown field `servces`; did you mean `services`? (known here: version, node, hashKey, connections, fragments, icmp, profile, generation, ownedPrefixes, health, announce, bgp, bfd, kernel, metrics, control, log, tracing, services)
    2 | servces: []
      | ^
";
    assert_eq!(told("node: { address: 10.0.0.11 }\nservces: []\n"), expected);
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_place() {
    let text = "\
hashKey: \"000102030405060708090a0b0c0d0e0f\"
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: { kind: maglev }
    backends:
      - { address: 10.1.0.5 }
      - address: 10.1.0.6
        port: 8443
";
    let expected = "\
<stdin>:10:15: error: services[0].backends[1].port: port 8443 is not the service's; under a tunnel packets arrive unchanged, so leave it out or write 443
   10 |         port: 8443
      |               ^
";
    assert_eq!(told(text), expected);
    let text = text.replace("8443", "70000");
    let expected = "\
<stdin>:10:15: error: services[0].backends[1].port: 70000 is out of range; write a whole number from 1 to 65535
   10 |         port: 70000
      |               ^
";
    assert_eq!(told(&text), expected);
}

#[test]
fn a_field_that_is_missing_is_told_where_it_belongs() {
    // no line is shown where a key is at stake
    let expected = "\
<stdin>:1:1: error: hashKey: missing, but `maglev` hashes with it; add hashKey: 32 hexadecimal digits in quotes, the same on every node (`openssl rand -hex 16` makes one)
";
    assert_eq!(told("services: [{ vip: 203.0.113.10, port: 443, protocol: tcp }]\n"), expected);
}

/// The file is good and the answer the same; what is hardly meant is told beside it.
#[test]
fn what_is_hardly_meant_is_warned_of() {
    let text = "\
hashKey: \"000102030405060708090a0b0c0d0e0f\"
services:
  - { vip: 203.0.113.10, port: 443, protocol: tcp, hashFields: [] }
";
    let ran = overspill_with(&["check", "-"], text);
    let expected = "\
<stdin>:3:64: warning: services[0].hashFields: nothing is hashed that differs between clients, so one backend gets all flows; add src or sport, or leave it out to hash all five fields
    3 | ... { vip: 203.0.113.10, port: 443, protocol: tcp, hashFields: [] }
      |                                                                ^
";
    assert_eq!(ran.err, expected);
    assert_eq!((ran.status, ran.out.as_str()), (0, "<stdin>: lb, 1 service, 0 backends\n"));
    let ran = overspill_with(&["check", "--format", "json", "-"], text);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).expect("one JSON document");
    assert_eq!((&answer[0]["ok"], &answer[0]["fault"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(answer[0]["warnings"][0]["field"], "services[0].hashFields");
}

#[test]
fn what_an_agent_would_refuse_is_warned_of() {
    let text = "\
ownedPrefixes: [203.0.113.0/24]
services:
  - { vip: 203.0.114.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh } }
";
    let ran = overspill_with(&["check", "-"], text);
    assert!(
        ran.err.starts_with(
            "<stdin>:3:12: warning: services[0].vip: lb-agent would refuse this: 203.0.114.10 lies in none"
        ),
        "{}",
        ran.err
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn texts_that_are_no_yaml_or_none_of_ours() {
    let expected = "\
<stdin>:1:11: error: no YAML: unclosed bracket '['; close it
    1 | services: [
      |           ^
";
    assert_eq!(told("services: [\n"), expected);
    let known = "none of our files; write the fields of one of: lb (services, hashKey, node, connections, profile, ownedPrefixes, bgp, health, ...); locality (endpoints, from, policy, proxyLabels, panicThreshold, ...); scenario (fleet, traffic, zoneKinds, events, expect, duration, seed, ...); services (services, namespaces, workers, mutualTls, defaultExportTo, gateways, ...); claims (claims, held, released, complete, ...); desired (provider, names, approved, ...); current (records); or an object with `apiVersion` and `kind`; or lines of JSON with `at` and `kind`";
    for empty in ["", "\n", "# nothing yet\n", "---\n# nothing\n---\n...\n", "\u{feff}"] {
        let told = told(empty);
        let expected = "<stdin>:1:1: error: nothing is in it; write the fields of one of our files\n";
        assert!(told.starts_with(expected), "{empty:?}: {told}");
    }
    assert_eq!(told("apples: 3\n"), format!("<stdin>:1:1: error: {known}\n    1 | apples: 3\n      | ^\n"));
    assert_eq!(told("hello\n"), format!("<stdin>:1:1: error: {known}\n    1 | hello\n      | ^\n"));
}

#[test]
fn every_file_is_looked_at() {
    let ran = overspill(&["check", "nowhere.yaml", &data("lb.yaml"), "tests"]);
    assert_eq!(ran.out, "tests/data/lb.yaml: lb, 4 services, 9 backends\n");
    assert_eq!(ran.status, 2);
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!(
        lines,
        [
            "nowhere.yaml: error: there is no such file; check the path",
            "tests: error: is a folder; name a file in it",
        ]
    );
}

#[test]
fn as_json() {
    let ran = overspill(&["check", "--format", "json", &data("lb.yaml")]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer[0]["kind"], "lb");
    assert_eq!(answer[0]["ok"], true);
    let ran = overspill_with(&["--format", "json", "check", "-"], "services: 3");
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.status, 2);
    assert_eq!(answer[0]["ok"], false);
    assert_eq!(answer[0]["fault"]["field"], "services");
    assert_eq!((&answer[0]["fault"]["line"], &answer[0]["fault"]["column"]), (&1.into(), &11.into()));
}

#[test]
fn the_schema_knows_the_fields() {
    let ran = overspill(&["schema", "lb"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.status, schema["title"].as_str()), (0, Some("LbFile")));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["services"]));
    let backend = &schema["$defs"]["BackendFile"]["properties"];
    assert_eq!((&backend["weight"]["maximum"], &backend["weight"]["default"]), (&65_535.into(), &1.into()));
    let durations = &schema["$defs"]["HumanDuration"];
    assert_eq!(durations["type"], "string");
    assert!(!ran.out.contains("```"), "rustdoc examples are not for people who write files");
}

#[test]
fn help_man_and_completions() {
    for (arguments, expected) in [
        (&["--help"][..], "overspill check lb.yaml"),
        (&["check", "--help"], "Examples:"),
        (&["man"], ".TH overspill 1"),
        (&["man", "check"], "overspill\\-check"),
        (&["completions", "bash"], "_overspill()"),
        (&["completions", "zsh"], "#compdef overspill"),
        (&["completions", "fish"], "complete -c overspill"),
    ] {
        let ran = overspill(arguments);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.out.contains(expected), "{arguments:?}: {}", ran.out);
    }
}

#[test]
fn a_bad_command_line_is_bad_input() {
    for (arguments, expected) in [
        (&["chekc"][..], "'check'"),
        (&["check"], "<FILE>"),
        (&["schema", "lbs"], "did you mean `lb`?"),
        (&["man", "chekc"], "no command `chekc`; write one of: check, completions"),
        (&["check", "--format", "xml", "x"], "json"),
    ] {
        let ran = overspill(arguments);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn files_of_the_planners_are_named() {
    let [claims, current, desired, events, services] =
        ["claims.yaml", "current.yaml", "desired.yaml", "events.jsonl", "services.yaml"].map(checkout);
    let ran = overspill(&["check", &claims, &current, &desired, &events, &services]);
    let expected = "\
../examples/checkout/claims.yaml: claims, 7 claims, 5 held, 1 resting
../examples/checkout/current.yaml: current, 4 records
../examples/checkout/desired.yaml: desired, 2 names of corp
../examples/checkout/events.jsonl: events, 20 lines
../examples/checkout/services.yaml: services, 8 services in 4 namespaces
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    // a node's services and a mesh's are called alike
    let mesh = "services: [{ name: cart, namespace: shop, ports: [80] }]";
    assert_eq!(overspill_with(&["check", "-"], mesh).out, "<stdin>: services, 1 service in 1 namespace\n");
    let node = "services: [{ vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-sh } }]";
    assert_eq!(overspill_with(&["check", "-"], node).out, "<stdin>: lb, 1 service, 0 backends\n");
}

/// Every line of a recording is looked at, also after one is wrong.
#[test]
fn every_line_that_is_wrong_is_told() {
    let lines = "\
{\"at\": \"0s\", \"kind\": \"timeout\"}
{\"at\": \"5s\", \"wall\": \"2026-11-30T16:50:00Z\", \"kind\": \"timeout\"}

{\"at\": \"4s\", \"kind\": \"timeout\"}
{\"at\": \"6s\", \"kind\": \"abort\"}
";
    let err = told(lines);
    let found: Vec<&str> = err.lines().filter(|line| line.starts_with("<stdin>")).collect();
    assert_eq!(
        found,
        [
            "<stdin>:1:1: error: wall: the first line has no `wall`; write a date such as 2026-11-26T09:00:00Z",
            "<stdin>:4:8: error: at: 4s is before 5s, when the line before happened; put lines in order of time",
            "<stdin>:5:1: error: by: missing, and a line of kind abort needs it",
        ]
    );
}

#[test]
fn every_kind_of_file_has_a_schema() {
    for (kind, required) in [
        ("claims", vec!["claims"]),
        ("current", vec!["records"]),
        ("desired", vec!["provider", "names"]),
        ("events", vec!["at", "kind"]),
        ("services", vec!["services"]),
    ] {
        let schema = overspill(&["schema", kind]).json();
        assert_eq!(schema["required"], serde_json::json!(required), "{kind}");
        assert_eq!(schema["additionalProperties"], false, "{kind}");
        // what is written for readers of the code is not for those of the file
        assert!(!schema.to_string().contains("```"), "{kind}");
    }
}
