//! The mistakes that are made every day, each as a whole call: what is told says where it is, what would be
//! right, and the nearest name; nothing is printed, and the exit status is 2 whatever the command.

use crate::{checkout, checkout_text, overspill, overspill_with, refused, run, with};

/// Runs a command in a folder with the example's files and one more.
fn beside(name: &str, text: &str, arguments: &[&str]) -> crate::Ran {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["access-point.yaml", "fleet.yaml", "events.jsonl"] {
        std::fs::write(folder.path().join(file), checkout_text(file)).expect("it can be written");
    }
    std::fs::write(folder.path().join(name), text).expect("it can be written");
    run(folder.path(), arguments, "")
}

/// The access point with one part of it replaced.
fn access_point(from: &str, to: &str) -> String {
    with(&checkout_text("access-point.yaml"), from, to)
}

#[test]
fn a_misspelt_file_is_told_the_one_that_is_there() {
    let told = |arguments: &[&str]| refused(&overspill(arguments)).to_owned();
    let near = "../examples/chekout/fleet.yml: error: there is no such file; did you mean `../examples/checkout/fleet.yaml`?";
    let access_point = checkout("access-point.yaml");
    assert_eq!(told(&["check", "../examples/chekout/fleet.yml"]), near);
    assert_eq!(told(&["render", &access_point, "--fleet", "../examples/chekout/fleet.yml"]), near);
    assert_eq!(
        told(&["diff", &access_point, &access_point, "--fleet", "../examples/chekout/fleet.yml"]),
        near
    );
    assert_eq!(
        told(&["forward", "--config", "tests/data/lb.yaml", "tests/data/mixed.pacp", "out.pcap"]),
        "tests/data/mixed.pacp: error: there is no such file; did you mean `tests/data/mixed.pcap`?"
    );
}

/// A template is read as API servers read it, in which every key is a text; in our own fields `8080` is none.
#[test]
fn a_key_of_a_template_needs_no_quotes_and_two_that_are_one_are_told() {
    let fleet = checkout("fleet.yaml");
    let by_port = |ports: &str| {
        access_point(
            "mtls: { mode: STRICT }",
            &format!("mtls: {{ mode: STRICT }}\n        portLevelMtls: {ports}"),
        )
    };
    let render = |text: &str, more: &[&str]| {
        overspill_with(&[&["render", "-", "--fleet", &fleet, "--target", "slc-a-1"], more].concat(), text)
    };
    let plain = by_port("{ 8080: { mode: DISABLE } }");
    let quoted = by_port("{ \"8080\": { mode: DISABLE } }");
    let ran = overspill_with(&["check", "-"], &plain);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let rendered = render(&plain, &[]);
    assert_eq!(rendered, render(&quoted, &[]));
    assert_eq!((rendered.status, rendered.err.as_str()), (0, ""));
    let document = render(&plain, &["--format", "json"]).json();
    let objects = document["targets"][0]["objects"].as_array().expect("a list");
    let policy = objects.iter().find(|one| one["kind"] == "PeerAuthentication").expect("the example has one");
    assert_eq!(policy["spec"]["portLevelMtls"]["8080"]["mode"], "DISABLE");
    // what an override adds is a part of a template, too
    let merged = access_point(
        "merge: { spec: { trafficPolicy: { connectionPool: { http: { http2MaxRequests: 8192 } } } } }",
        "merge: { metadata: { annotations: { 8080: port } } }",
    );
    assert_eq!(overspill_with(&["check", "-"], &merged).err, "");
    for both in [
        "{ 8080: { mode: DISABLE }, \"8080\": { mode: STRICT } }",
        "{ \"8080\": {}, 8080: {} }",
        "{ 8080: {}, 0x1F90: {} }",
    ] {
        for ran in [overspill_with(&["check", "-"], &by_port(both)), render(&by_port(both), &[])] {
            let told = "` is already given in this mapping; remove one of the two";
            assert!(refused(&ran).contains(told), "{both}: {}", ran.err);
            assert!(ran.err.starts_with("<stdin>:123:"), "{}", ran.err);
        }
    }
    let own = access_point("labels: { example.com/exposure: public }", "labels: { 8080: public }");
    let told = refused(&overspill_with(&["check", "-"], &own)).to_owned();
    assert!(told.contains("a text is wanted here; write \"8080\""), "{told}");
}

#[test]
fn a_misspelt_target_is_told_the_nearest() {
    let (access_point, fleet) = (checkout("access-point.yaml"), checkout("fleet.yaml"));
    let render = |more: &[&str]| {
        let ran = overspill(&[&["render", &access_point, "--fleet", &fleet][..], more].concat());
        refused(&ran).to_owned()
    };
    assert_eq!(
        render(&["--target", "slc-a1"]),
        "overspill: error: `slc-a1` is no target (it is not in the fleet); did you mean `slc-a-1`? (targets: phx-a-1, phx-c-2, rno-b-1, slc-a-1, slc-b-2)"
    );
    // a cluster that is there and no target is no misspelling
    assert_eq!(
        render(&["--target", "slc-a-2"]),
        "overspill: error: `slc-a-2` is no target (payments/checkout: the workload is not there); write one of: phx-a-1, phx-c-2, rno-b-1, slc-a-1, slc-b-2"
    );
    let east_west = render(&["--east-west", "--target", "slc_a"]);
    assert!(
        east_west.contains("no cluster or zone with an east-west address; did you mean `slc-a`?"),
        "{east_west}"
    );
}

#[test]
fn a_recording_that_does_not_stand_in_lines_is_told_how_it_would() {
    let events: Vec<serde_json::Value> = checkout_text("events.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let array = "this is a JSON array, and a recording has one object on each line, without brackets around them and commas between; `jq -c '.[]'` writes it so";
    let object = "this object goes over several lines, and a recording has a whole one on each line; `jq -c '.'` writes it so";
    for (text, told) in [
        (serde_json::to_string(&events).unwrap(), array),
        (serde_json::to_string_pretty(&events).unwrap(), array),
        (format!("[\n{}\n]\n", lines.join(",\n")), array),
        (serde_json::to_string_pretty(&events[0]).unwrap(), object),
    ] {
        let expected = format!("mine.jsonl:1:1: error: {told}");
        for arguments in [
            &["check", "mine.jsonl"][..],
            &["rollout", "access-point.yaml", "mine.jsonl", "--fleet", "fleet.yaml"],
        ] {
            let ran = beside("mine.jsonl", &text, arguments);
            assert_eq!(refused(&ran), expected, "{arguments:?}");
        }
    }
}

#[test]
fn two_of_one_name_are_told_the_line_of_the_first() {
    let text = access_point("    - name: ledger-only-in-slc", "    - name: where-am-i");
    let line = |text: &str, wanted: &str| 1 + text.lines().position(|line| line.contains(wanted)).unwrap();
    let first = line(&text, "- name: where-am-i");
    let told = overspill_with(&["check", "-"], &text).err;
    let expected =
        format!("`where-am-i` stands on line {first} already; write another, or remove one of the two");
    assert!(told.contains(&expected), "{told}");
    let text = access_point("metadata: { name: ledger }", "metadata: { name: card-network }");
    let first = line(&text, "metadata: { name: card-network }");
    let told = overspill_with(&["check", "-"], &text).err;
    assert!(told.contains(&format!("ServiceEntry/card-network stands on line {first} already")), "{told}");
    let text =
        access_point("regions: [us-west, us-south, us-north]", "regions: [us-west, us-south, us-west]");
    let told = overspill_with(&["check", "-"], &text).err;
    assert!(told.contains("spec.traffic.regions[2]: `us-west` stands at column "), "{told}");
}

#[test]
fn a_template_that_no_server_takes_is_bad_input_to_every_command() {
    let text = access_point("timeout: 2s", "timeout: 2");
    let expected = "t.yaml:53:22: error: spec.templates[2].spec.http[0].timeout: `2` is not possible here; write a duration with its unit, `2s` if these are seconds";
    for arguments in [
        &["check", "t.yaml"][..],
        &["render", "t.yaml", "--fleet", "fleet.yaml"],
        &["render", "t.yaml", "--fleet", "fleet.yaml", "--format", "json"],
        &["render", "t.yaml", "--fleet", "fleet.yaml", "--out", "rendered"],
        &["render", "t.yaml", "--fleet", "fleet.yaml", "--east-west"],
        &["diff", "access-point.yaml", "t.yaml", "--fleet", "fleet.yaml"],
        &["diff", "t.yaml", "access-point.yaml", "--fleet", "fleet.yaml"],
        &["footprint", "t.yaml", "--fleet", "fleet.yaml"],
        &["rollout", "t.yaml", "events.jsonl", "--fleet", "fleet.yaml"],
    ] {
        assert_eq!(refused(&beside("t.yaml", &text, arguments)), expected, "{arguments:?}");
    }
    // to look for such things is what it is for, so it is an answer there
    let lint = beside("t.yaml", &text, &["lint", "t.yaml"]);
    assert_eq!(lint.status, 1);
    assert!(lint.out.contains("t.yaml:53:22: error: schema-violation"), "{}", lint.out);
}

#[test]
fn values_of_another_type_are_told_the_right_form() {
    for (from, to, expected) in [
        (
            "  name: checkout\n",
            "  name: 31415\n",
            "5:9: error: metadata.name: `31415` is a number, and a text is wanted here; write \"31415\"",
        ),
        (
            "example.com/exposure: public",
            "example.com/exposure: 1.10",
            "7:35: error: metadata.labels.example.com/exposure: `1.10` is a number, and a text is wanted here; write \"1.10\"",
        ),
        (
            "exclusive: true",
            "exclusive: \"true\"",
            "15:53: error: spec.vip.exclusive: a text, not a truth value; write true, without quotes",
        ),
        (
            "exclusive: true",
            "exclusive: yes",
            "15:53: error: spec.vip.exclusive: no truth value; write true or false",
        ),
        (
            "ttl: 30s",
            "ttl: 30",
            "17:42: error: spec.names[0].ttl: `30` is no duration: a number without a unit; write a duration with a unit: 250ms, 5s, 2m, 1h, 90d",
        ),
        (
            "pool: public-v4",
            "pool: !pool public-v4",
            "15:22: error: spec.vip.pool: the tag `!pool` means nothing here; remove it",
        ),
        (
            "soak: 10m, pause: true",
            "soak: 10, pause: true",
            "150:62: error: spec.rollout.stages[0].soak: `10` is no duration: a number without a unit; write a duration with a unit: 250ms, 5s, 2m, 1h, 90d",
        ),
        // inside of a template it is the schema's word
        (
            "labels: { app: checkout } }",
            "labels: { app: 1 } }",
            "23:50: error: spec.templates[0].metadata.labels.app: a text (in quotes) is wanted here",
        ),
        (
            "selector: { istio: ingressgateway }",
            "selector: { istio: 7 }",
            "33:28: error: spec.templates[1].spec.selector.istio: `7` is not possible here; write a text, which is \"7\" in quotes",
        ),
    ] {
        let ran = overspill_with(&["check", "-"], &access_point(from, to));
        assert_eq!(refused(&ran), format!("<stdin>:{expected}"), "{to}");
    }
}

#[test]
fn what_an_object_says_that_it_is_may_be_misspelt() {
    let text = checkout_text("access-point.yaml");
    for (from, to, expected) in [
        (
            "kind: FederatedAccessPoint",
            "Kind: FederatedAccessPoint",
            "3:7: error: Kind: unknown field `Kind`; did you mean `kind`?",
        ),
        (
            "kind: FederatedAccessPoint",
            "kid: FederatedAccessPoint",
            "3:6: error: kid: unknown field `kid`; did you mean `kind`?",
        ),
        (
            "apiVersion: overspill",
            "ApiVersion: overspill",
            "2:13: error: ApiVersion: unknown field `ApiVersion`; did you mean `apiVersion`?",
        ),
        (
            "apiVersion: overspill.dev/v1alpha1\n",
            "",
            "2:1: error: apiVersion: nothing is no version of FederatedAccessPoint; write overspill.dev/v1alpha1",
        ),
        (
            "kind: FederatedAccessPoint",
            "kind: FederatedAccesPoint",
            "3:7: error: kind: `FederatedAccesPoint` is no kind of ours; write one of AvailabilityZone, Cluster, FederatedAccessPoint, FederatedDeployment, Issuer, NameProvider, NameService, VipPool; did you mean `FederatedAccessPoint`?",
        ),
    ] {
        let ran = overspill_with(&["check", "-"], &with(&text, from, to));
        assert_eq!(refused(&ran), format!("<stdin>:{expected}"), "{to}");
    }
}

#[test]
fn standard_input_is_one_file() {
    let (access_point, fleet) = (checkout("access-point.yaml"), checkout("fleet.yaml"));
    for (arguments, one, other) in [
        (&["lint", "-", "--fleet", &fleet, "--services", "-"][..], "--services", "another file"),
        (&["lint", &access_point, "--fleet", "-", "--services", "-"], "--services", "another file"),
        (&["footprint", "-", "--fleet", &fleet, "--services", "-"], "--services", "another file"),
        (&["diff", "-", "-", "--fleet", &fleet], "OLD", "NEW"),
        (&["diff", "-", &access_point, "--fleet", "-"], "OLD", "--fleet"),
        (&["diff", &access_point, "-", "--fleet", "-"], "NEW", "--fleet"),
        (&["rollout", "-", "-", "--fleet", &fleet], "FILE", "EVENTS"),
        (&["rollout", &access_point, "-", "--fleet", "-"], "EVENTS", "--fleet"),
        (&["patch", "-", "-"], "DOC", "PATCH"),
        (&["pick", "--config", "-"], "--config", "FLOWS"),
        (&["table", "--config", "-", "--against", "-"], "--config", "--against"),
        (&["dns-plan", "-", "-"], "DESIRED", "CURRENT"),
        (&["vip-plan", "-", "-"], "POOLS", "CLAIMS"),
    ] {
        let told = refused(&overspill(arguments)).to_owned();
        let expected =
            format!("overspill: error: {one} and {other} cannot both be standard input; name one of the two");
        assert_eq!(told, expected, "{arguments:?}");
    }
    // what is read together may come together
    let all = checkout_text("access-point.yaml") + "---\n" + &checkout_text("fleet.yaml");
    let together = overspill_with(&["render", "-", "--fleet", "-"], &all);
    assert_eq!((together.status, together.err.as_str()), (0, ""));
    assert_eq!(together.out, overspill(&["render", &access_point, "--fleet", &fleet]).out);
}

#[test]
fn a_kind_without_a_schema_is_told_the_nearest() {
    let first = |kind: &str| refused(&overspill(&["schema", kind])).to_owned();
    assert_eq!(first("sweep"), "error: `sweep` is no kind of file or object; this version has no sweeps yet");
    for (typed, meant) in [
        ("accesspoint", "FederatedAccessPoint"),
        ("localty", "locality"),
        ("Vip-Pool", "VipPool"),
        ("event", "events"),
    ] {
        assert_eq!(
            first(typed),
            format!("error: `{typed}` is no kind of file or object; did you mean `{meant}`?")
        );
    }
    let ran = overspill(&["schema", "xyzzy-plugh"]);
    assert!(ran.err.lines().all(|line| line.len() <= 80), "{}", ran.err);
    for kind in [
        "claims",
        "current",
        "desired",
        "events",
        "lb",
        "locality",
        "scenario",
        "services",
        "AvailabilityZone",
        "Cluster",
        "FederatedAccessPoint",
        "FederatedDeployment",
        "Issuer",
        "NameProvider",
        "NameService",
        "VipPool",
    ] {
        assert!(ran.err.contains(kind), "{kind}: {}", ran.err);
        let schema = overspill(&["schema", kind]).json();
        assert!(schema["$schema"].is_string(), "{kind}");
    }
}

#[test]
fn another_file_of_ours_is_told_to_be_that() {
    let fleet = checkout("fleet.yaml");
    let claims = checkout("claims.yaml");
    for (arguments, file, found, wanted) in [
        (&["locality", &fleet][..], &fleet, "objects", "locality"),
        (&["table", "--config", &fleet], &fleet, "objects", "lb"),
        (&["pick", "--config", &claims], &claims, "claims", "lb"),
        (&["run", &fleet], &fleet, "objects", "scenario"),
        (&["run", &claims], &claims, "claims", "scenario"),
    ] {
        let expected =
            format!("{file}: error: is a file of {found}, and one of {wanted} is wanted here; name that one");
        assert_eq!(refused(&overspill(arguments)), expected, "{arguments:?}");
    }
}

#[test]
fn operations_are_no_merge_patch() {
    let patch = "[{ op: replace, path: /spec/traffic, value: null }]";
    let ran = overspill_with(&["patch", &checkout("access-point.yaml"), "-", "--merge"], patch);
    assert_eq!(
        refused(&ran),
        "<stdin>:1:1: error: these are the operations of a JSON Patch, and a merge patch is a document of the fields that differ; leave --merge out"
    );
    // a list that is none takes the place of the document, as RFC 7396 has it
    assert_eq!(
        overspill_with(&["patch", &checkout("access-point.yaml"), "-", "--merge"], "[1]").out,
        "- 1\n"
    );
}
