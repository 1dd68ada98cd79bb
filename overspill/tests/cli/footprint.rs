//! `overspill footprint`: the table, the document, budgets that are exceeded, bad input.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::{Ran, checkout, checkout_text, overspill, overspill_with, refused, with};

/// The example with a services file from standard input.
fn footprint(services: &str, arguments: &[&str]) -> Ran {
    let (access_point, fleet) = (checkout("access-point.yaml"), checkout("fleet.yaml"));
    let all = ["footprint", &access_point, "--fleet", &fleet, "--services", "-"];
    overspill_with(&[&all, arguments].concat(), services)
}

/// The example's fleet with less memory for gateways.
fn narrow(memory: &str, arguments: &[&str]) -> Ran {
    let fleet = checkout_text("fleet.yaml").replace("gateway: 2GiB", &format!("gateway: {memory}"));
    let (access_point, services) = (checkout("access-point.yaml"), checkout("services.yaml"));
    let all = ["footprint", &access_point, "--fleet", "-", "--services", &services];
    overspill_with(&[&all, arguments].concat(), &fleet)
}

#[test]
fn a_budget_that_holds() {
    let ran = footprint(&checkout_text("services.yaml"), &[]);
    let start = "\
GATEWAYS          CLUSTERS  ROUTES  ENDPOINTS   CONFIG   MEMORY   BUDGET
phx-a-1/payments        17       2      1,362  77.6 kB  71.5 MB  2.15 GB
";
    assert!(ran.out.starts_with(start), "{}", ran.out);
    assert!(ran.out.ends_with("\nwithin all of 10 budgets\n"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

#[test]
fn the_document_is_as_the_contract_has_it() {
    let document = footprint(&checkout_text("services.yaml"), &["--format", "json"]).json();
    assert_eq!(document["hide"], json!([]));
    let proxies = document["proxies"].as_array().expect("a list");
    assert_eq!(proxies.len(), 10);
    for proxy in proxies {
        holds_all(proxy, &[("/class", Is::Text), ("/namespace", Is::Text), ("/over", Is::Truth)]);
        let counts = ["/clusters", "/routes", "/listeners", "/endpoints", "/config_bytes", "/memory_bytes"];
        holds_all(proxy, &counts.map(|field| (field, Is::Count)));
        holds_all(proxy, &[("/budget_bytes", Is::Maybe)]);
        assert_eq!(proxy["class"] == "gateway", proxy.get("gateway").is_some());
    }
    assert_eq!(proxies[0]["gateway"], "phx-a-1");
    assert_eq!(proxies[0]["budget_bytes"], 2_147_483_648_u64);
}

#[test]
fn a_budget_that_is_exceeded_says_what_to_hide() {
    let ran = narrow("70MB", &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let end = "\
5 of 10 budgets exceeded; hide these services from proxies that do not call them
(exportTo, or a Sidecar):
  shop/catalogue
  shop/pictures
";
    assert!(ran.out.ends_with(end), "{}", ran.out);
    assert_eq!(ran.out.matches("  OVER\n").count(), 5);
    let ran = narrow("70MB", &["--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).expect("one JSON document");
    assert_eq!((ran.status, &document["hide"]), (1, &json!(["shop/catalogue", "shop/pictures"])));
    // hidden, they are no longer there, and the budget holds
    let hidden =
        checkout_text("services.yaml").replace("namespace: shop,", "namespace: shop, exportTo: ['.'],");
    let fleet = checkout_text("fleet.yaml").replace("gateway: 2GiB", "gateway: 70MB");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.yaml");
    std::fs::write(&path, fleet).unwrap();
    let access_point = checkout("access-point.yaml");
    let arguments = ["footprint", &access_point, "--fleet", path.to_str().unwrap(), "--services", "-"];
    assert_eq!(overspill_with(&arguments, &hidden).status, 0);
}

/// At rest a proxy takes 67 MB: nothing that is hidden brings one below that.
#[test]
fn a_budget_that_no_hiding_reaches_says_what_it_must_be() {
    let ran = narrow("66MB", &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let (_, told) = ran.out.rsplit_once("\n\n").expect("after the tables");
    let expected = "\
5 of 10 budgets exceeded
no hiding reaches 5 budgets: with all hidden that nothing refers to, these need
what stands here; give them that, or take access points away:
";
    let least = told.strip_prefix(expected).unwrap_or_else(|| panic!("{}", ran.out));
    let least: Vec<&str> = least.lines().collect();
    assert!(least.len() == 5 && least[0].starts_with("  gateway phx-a-1/payments  68"), "{least:?}");
    // sizes are rounded up, so that what is told is enough
    let (_, most) = least[4].rsplit_once("  ").expect("a size");
    let ran = narrow(&most.replace(' ', ""), &[]);
    assert!(ran.out.contains("exceeded; hide these") && !ran.out.contains("no hiding"), "{}", ran.out);
    let ran = narrow("66MB", &["--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).expect("one JSON document");
    assert_eq!((ran.status, &document["hide"]), (1, &json!([])), "what does not help is not asked for");
    let proxies = document["proxies"].as_array().expect("a list");
    let least = |proxy: &Value| proxy.get("least_bytes").and_then(Value::as_u64);
    for proxy in proxies {
        assert_eq!(proxy["over"] == json!(true), least(proxy).is_some(), "{proxy}");
    }
    // with what is told, and everything hidden that nothing refers to, it holds
    let most = proxies.iter().filter_map(least).max().expect("five are over");
    assert!(most > 67_000_000, "{most}");
    let ran = narrow(&format!("{most}B"), &["--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).expect("one JSON document");
    assert!(document["hide"].as_array().is_some_and(|hide| !hide.is_empty()), "{document}");
    let none = narrow(&format!("{}B", most - 1), &[]);
    assert!(none.out.contains("no hiding reaches"), "{}", none.out);
    // where all is referred to there is nothing to hide at all
    let access_point = checkout("access-point.yaml");
    let fleet = checkout_text("fleet.yaml").replace("gateway: 2GiB", "gateway: 66MB");
    let ran = overspill_with(&["footprint", &access_point, "--fleet", "-"], &fleet);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("no hiding reaches 5 budgets"), "{}", ran.out);
}

#[test]
fn without_a_services_file_the_access_points_are_alone() {
    let (access_point, fleet) = (checkout("access-point.yaml"), checkout("fleet.yaml"));
    let alone = overspill(&["footprint", &access_point, "--fleet", &fleet, "--format", "json"]).json();
    let none = footprint("services: []", &["--format", "json"]).json();
    assert_eq!(alone, none);
    assert!(alone["proxies"][0]["clusters"].as_u64() < Some(17));
    let without =
        checkout_text("fleet.yaml").replace(", proxyMemory: { gateway: 2GiB, sidecar: 256MiB }", "");
    let ran = overspill_with(&["footprint", &access_point, "--fleet", "-"], &without);
    assert_eq!(ran.status, 0);
    assert!(ran.out.ends_with("no budget: write proxyMemory to the clusters of the fleet\n"), "{}", ran.out);
}

#[test]
fn a_target_that_cannot_be_rendered_has_no_size() {
    let text = with(
        &checkout_text("access-point.yaml"),
        "path: /spec/http/0/headers",
        "path: /spec/https/0/headers",
    );
    let ran = overspill_with(&["footprint", "-", "--fleet", &checkout("fleet.yaml")], &text);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("did you mean `http`?"), "{}", ran.err);
}

#[test]
fn without_a_target_there_is_no_proxy() {
    let follow = "follow: { kind: FederatedDeployment, name: checkout }";
    let text = with(&checkout_text("access-point.yaml"), follow, "zones: [slc-d]");
    let ran = overspill_with(&["footprint", "-", "--fleet", &checkout("fleet.yaml")], &text);
    assert_eq!((ran.status, ran.out.as_str()), (0, "no proxy: no access point has a target in this fleet\n"));
    assert!(ran.err.contains("has no target in this fleet"), "{}", ran.err);
}

/// Whoever follows a workload is nowhere but where the workload is: a typing error there takes a target away.
#[test]
fn a_workload_in_a_cluster_that_is_not_there_is_warned_of() {
    let fleet =
        with(&checkout_text("fleet.yaml"), "name: slc-b-2, replicas: 12 }", "name: slc-b-22, replicas: 12 }");
    let access_point = checkout("access-point.yaml");
    let expected = "<stdin>:240:17: warning: spec.placement.clusters[1].name: FederatedDeployment/payments/checkout is wanted in cluster `slc-b-22`, which this fleet does not have; did you mean `slc-b-2`?";
    for arguments in [
        &["footprint", &access_point][..],
        &["lint", &access_point],
        &["render", &access_point],
        &["diff", &access_point, &access_point],
    ] {
        let ran = overspill_with(&[arguments, &["--fleet", "-"]].concat(), &fleet);
        assert_eq!((ran.status, ran.err.lines().next()), (0, Some(expected)), "{arguments:?}");
    }
}

#[test]
fn what_is_wrong_in_a_services_file_is_told_at_its_place() {
    let text = checkout_text("services.yaml");
    for (from, to, expected) in [
        (
            "version: 1",
            "version: 2",
            "3:10: error: version: version 2 is not known; write 1, or leave it out",
        ),
        ("workers: 4", "workers: 0", "4:10: error: workers: 0 lets nothing happen; write more than that"),
        (
            "mutualTls:",
            "mutualTLS:",
            "5:1: error: mutualTLS: unknown field `mutualTLS`; did you mean `mutualTls`?",
        ),
        (
            "[\"./*\", \"ledger/*\"]",
            "[ledger]",
            "9:20: error: namespaces.payments.sidecarEgress: `ledger` is no host of an egress",
        ),
        (
            "[\"./*\", \"ledger/*\"]",
            "[]",
            "9:20: error: namespaces.payments.sidecarEgress: an empty list means neither all nor none",
        ),
        (
            "[8080, 9090], endpoints: 30",
            "[8080, 0]",
            "15:56: error: services[0].ports[1]: 0 is no port; write a number from 1 to 65535",
        ),
        (
            "[8080, 9090], endpoints: 30",
            "[9090, 9090]",
            "15:56: error: services[0].ports[1]: `9090` stands at column 50 of this line already",
        ),
        (
            "name: accounts",
            "name: entries",
            "16:13: error: services[1].name: `entries` stands on line 15 already",
        ),
        (
            "namespace: ledger, ports",
            "ports",
            "15:5: error: services[0].namespace: the field `namespace` is missing; add it",
        ),
        (
            "exportTo: [\".\"]",
            "exportTo: [\"./x\"]",
            "17:88: error: services[2].exportTo[0]: `./x` is no viewer: write `*` for all",
        ),
        ("istio: ingressgateway", "istio: ingress gateway", "13:45: error: gateways[0].labels.istio: "),
        ("services:", "service:", "14:1: error: service: unknown field `service`; did you mean `services`?"),
    ] {
        let ran = footprint(&with(&text, from, to), &[]);
        let told = refused(&ran);
        assert!(told.starts_with(&format!("<stdin>:{expected}")), "{to}: {told}");
    }
    assert_eq!(
        refused(&footprint(&checkout_text("current.yaml"), &[])),
        "<stdin>: error: is a file of current, and one of services is wanted here; name that one"
    );
    assert_eq!(
        refused(&footprint("", &[])),
        "<stdin>:1:1: error: nothing is in it; write the fields of one of our files"
    );
    let both = overspill(&["footprint", "-", "--fleet", &checkout("fleet.yaml"), "--services", "-"]);
    assert_eq!(
        refused(&both),
        "overspill: error: --services and another file cannot both be standard input; name one of the two"
    );
}
