//! `overspill lint`: findings with code, place and fix, for people and as JSON; each exit status; what the
//! fleet adds; bad input.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::{Ran, checkout, checkout_text, overspill, overspill_with, refused, run, with};

fn lint(text: &str, arguments: &[&str]) -> Ran {
    overspill_with(&[&["lint", "-", "--fleet", &checkout("fleet.yaml")], arguments].concat(), text)
}

/// The example with failover and nothing that triggers it, a region that is not there, and an unknown field.
fn wrong() -> String {
    let text = with(&checkout_text("access-point.yaml"), "maxEjectionPercent: 100", "maxEjectionPercent: 10");
    let text = with(&text, "[us-west, us-south, us-north]", "[us-west, us-south, us-nroth]");
    with(&text, "            timeout: 5s", "            timeuot: 5s")
}

#[test]
fn the_example_has_no_finding() {
    let text = checkout_text("access-point.yaml");
    let ran = lint(&text, &["--services", &checkout("services.yaml")]);
    let clean = "1 access point: 0 errors, 0 warnings\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, clean, ""));
    let without = "\
1 access point: 0 errors, 0 warnings
without --services, the labels of gateways and the hosts of others were not
looked at
";
    assert_eq!(lint(&text, &[]).out, without);
    assert_eq!(lint(&text, &["--format", "json"]).json(), json!({ "findings": [] }));
    let alone = overspill_with(&["lint", "-"], &text);
    let expected = "\
1 access point: 0 errors, 0 warnings
without --fleet, targets, pools, providers, authorities and regions were not
looked at
";
    assert_eq!((alone.status, alone.out.as_str()), (0, expected));
}

#[test]
fn findings_have_a_place_and_a_fix() {
    let ran = lint(&wrong(), &["--services", &checkout("services.yaml")]);
    let expected = "\
<stdin>:57:22: warning: unknown-field
    FederatedAccessPoint/payments/checkout
    spec.templates[2].spec.http[1].timeuot
    no known field; did you mean `timeout`?
    fix: correct the name; a field that the cluster's version knows may stay
<stdin>:70:13: error: ejection-below-local-share
    FederatedAccessPoint/payments/checkout
    spec.templates[3].spec.trafficPolicy.outlierDetection
    43% of the hosts are in us-west and at most 10% may be ejected, so its
    requests never all go elsewhere
    fix: write maxEjectionPercent: 100
<stdin>:146:83: error: unknown-region
    FederatedAccessPoint/payments/checkout
    spec.traffic.regions[2]
    there is no region us-nroth; did you mean `us-north`?
    fix: name a region of the fleet's zones
1 access point: 2 errors, 1 warning
";
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    assert_eq!(ran.out, expected);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "it fits a terminal");
}

#[test]
fn the_document_is_as_the_contract_has_it() {
    let ran = lint(&wrong(), &["--format", "json"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&ran.out).expect("one JSON document");
    let findings = document["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 3);
    for finding in findings {
        let texts = ["/code", "/severity", "/file", "/object", "/path", "/message", "/fix"];
        holds_all(finding, &texts.map(|field| (field, Is::Text)));
        holds_all(finding, &[("/line", Is::Count), ("/column", Is::Count)]);
        assert!(["error", "warning"].contains(&finding["severity"].as_str().unwrap()));
    }
    let first = &findings[1];
    assert_eq!(
        [&first["code"], &first["severity"], &first["file"], &first["line"], &first["object"]],
        [
            &json!("ejection-below-local-share"),
            &json!("error"),
            &json!("<stdin>"),
            &json!(70),
            &json!("FederatedAccessPoint/payments/checkout")
        ]
    );
}

#[test]
fn warnings_alone_are_no_failure() {
    let text =
        with(&checkout_text("access-point.yaml"), "            timeout: 5s", "            timeuot: 5s");
    let ran = lint(&text, &[]);
    assert!(ran.out.contains("\n1 access point: 0 errors, 1 warning\n"), "{}", ran.out);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

/// Each part of the fleet's files is a fact that lint is given.
#[test]
fn every_fact_of_the_fleet_is_looked_at() {
    type Expected = &'static [(&'static str, u64)];
    let table: [(&str, &str, Expected); 8] = [
        ("pool: public-v4", "pool: public-v5", &[("unknown-pool", 15)]),
        ("pool: public-v4", "pool: inside", &[]),
        ("provider: corp", "provider: cropp", &[("unknown-provider", 17)]),
        ("issuer: corp-acme", "issuer: corp-acne", &[("unknown-issuer", 18)]),
        ("zones: [slc-a]", "zones: [slc-d]", &[("override-never-matches", 134), ("unknown-zone", 134)]),
        (
            "fqdn: checkout.example.com",
            "fqdn: checkout.example.org",
            &[("name-not-served", 17), ("unknown-provider", 17)],
        ),
        ("fqdn: checkout.example.com", "fqdn: check.example.com", &[("name-not-served", 17)]),
        ("names: [slc-a-1]", "names: [slc-a-9]", &[("stage-never-matches", 150), ("unknown-target", 150)]),
    ];
    for (from, to, expected) in table {
        let ran = lint(&with(&checkout_text("access-point.yaml"), from, to), &["--format", "json"]);
        let document: Value = serde_json::from_str(&ran.out).expect("one JSON document");
        let found: Vec<(&str, u64)> = document["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|finding| (finding["code"].as_str().unwrap(), finding["line"].as_u64().unwrap()))
            .collect();
        assert_eq!(found, expected, "{to}");
    }
}

/// What an access point has, it keeps until its workload was seen to have left: then only it is nowhere.
#[test]
fn targets_of_the_status_are_targets() {
    let fleet = checkout_text("fleet.yaml");
    let nowhere =
        fleet.replace(", replicas: 12 }", ", replicas: 0 }").replace(", replicas: 8 }", ", replicas: 0 }");
    let text = checkout_text("access-point.yaml");
    let kept = format!("{text}status: {{ targets: [{{ name: slc-a-1 }}] }}\n");
    let folder = tempfile::tempdir().expect("there is room");
    let told = |text: &str, fleet: &str| {
        std::fs::write(folder.path().join("fleet.yaml"), fleet).expect("there is room");
        run(folder.path(), &["lint", "-", "--fleet", "fleet.yaml"], text).out.contains("placed-nowhere")
    };
    assert!(told(&text, &nowhere));
    assert!(!told(&kept, &nowhere));
    let left = with(
        &nowhere,
        "- { name: slc-a-1, replicas: 12, ready: 12 }",
        "- { name: slc-a-1, replicas: 0, ready: 0 }",
    );
    assert!(told(&kept, &left));
}

/// Without a target nothing holds anywhere, which is what has to be told first.
#[test]
fn no_target_is_warned_of() {
    let follow = "follow: { kind: FederatedDeployment, name: checkout }";
    let ran = lint(&with(&checkout_text("access-point.yaml"), follow, "zones: [slc-d]"), &[]);
    let expected = "<stdin>:11:5: warning: spec.placement: payments/checkout has no target in this fleet\n";
    assert_eq!(ran.err.split_inclusive('\n').next(), Some(expected));
    assert!(ran.out.contains("\n1 access point: 1 error, 1 warning\n"), "{}", ran.out);
    // once, and not for each override
    assert!(ran.out.contains("<stdin>:11:5: warning: placed-nowhere\n"), "{}", ran.out);
    // and the zone that is not there is why
    assert!(ran.out.contains("there is no zone slc-d; did you mean `slc-a`?"), "{}", ran.out);
    assert_eq!(ran.status, 1);
}

#[test]
fn two_access_points_are_held_against_each_other() {
    let text = checkout_text("access-point.yaml");
    let other = with(&text, "  name: checkout\n", "  name: till\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one.yaml"), &text).unwrap();
    std::fs::write(folder.path().join("other.yaml"), &other).unwrap();
    let ran = run(folder.path(), &["lint", "one.yaml", "other.yaml", "./one.yaml"], "");
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    // the same host on the same targets: the second by name is told, and who has it
    assert!(ran.out.contains("other.yaml:36:21: error: host-claimed-twice\n"), "{}", ran.out);
    assert!(ran.out.contains("served by payments/checkout"), "{}", ran.out);
    assert!(!ran.out.contains("one.yaml"), "{}", ran.out);
}

#[test]
fn what_is_no_access_point_or_no_fleet_is_refused() {
    let fleet = checkout("fleet.yaml");
    let told = |arguments: &[&str]| refused(&overspill(&[&["lint"], arguments].concat())).to_owned();
    assert_eq!(
        told(&[&fleet]),
        "overspill: error: no FederatedAccessPoint is in ../examples/checkout/fleet.yaml; name its file"
    );
    let access_point = checkout("access-point.yaml");
    assert_eq!(
        told(&[&access_point, "--fleet", &access_point]),
        "overspill: error: no Cluster is in ../examples/checkout/access-point.yaml; name the files of the fleet"
    );
    assert_eq!(
        told(&[&checkout("claims.yaml")]),
        "../examples/checkout/claims.yaml: error: is a file of claims, and one of objects is wanted here; name that one"
    );
    let text =
        with(&checkout_text("access-point.yaml"), "Deployment, name: checkout", "Deployment, name: till");
    assert!(
        refused(&lint(&text, &[])).starts_with(
            "<stdin>:12:48: error: spec.placement.follow.name: there is no FederatedDeployment `till`"
        ),
        "whom it follows decides its targets"
    );
    let text = with(&checkout_text("access-point.yaml"), "issuer:", "isuer:");
    assert_eq!(
        refused(&lint(&text, &[])),
        "<stdin>:18:19: error: spec.certificates.isuer: unknown field `isuer`; did you mean `issuer`? (known here: issuer)"
    );
}
