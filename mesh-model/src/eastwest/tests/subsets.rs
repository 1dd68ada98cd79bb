//! Tests of what a zone's own rules and exportTo do to calls between zones: subsets and who sees what.

use super::*;

/// cart in three zones, with a rule of these subsets in each of them that has some.
fn with_subsets(rules: &[(&str, Value, Value)]) -> Vec<Rendering> {
    let mut renderings = cart();
    for (target, subsets, export) in rules {
        let mut rule = rule(json!({ "outlierDetection": {} }));
        rule["spec"]["subsets"] = subsets.clone();
        rule["spec"]["exportTo"] = export.clone();
        let of = renderings.iter_mut().find(|one| one.target == **target).unwrap();
        of.objects.push(rule);
    }
    renderings
}

/// The endpoints of cart in a zone's entry, by locality, with the labels that are asked for.
fn endpoints(plan: &EastWest, cluster: &str, labels: [&str; 2]) -> Vec<(String, Vec<String>)> {
    let entry = object(plan, cluster, "ServiceEntry").unwrap();
    let one = |endpoint: &Value| {
        let label = |key: &&str| endpoint["labels"].get(*key)?.as_str().map(str::to_owned);
        (endpoint["locality"].as_str().unwrap().to_owned(), labels.iter().filter_map(label).collect())
    };
    entry["spec"]["endpoints"].as_array().unwrap().iter().map(one).collect()
}

fn reasons(plan: &EastWest, zone: &str) -> Vec<LeftOutReason> {
    plan.left_out.iter().filter(|one| one.zone == *zone).map(|one| one.reason.clone()).collect()
}

#[test]
fn a_subset_has_the_entrances_of_zones_that_have_it() {
    let subset = |name: &str, labels: Value| json!({ "name": name, "labels": labels });
    let (v1, v2) = (subset("v1", json!({ "version": "v1" })), subset("v2", json!({ "version": "v2" })));
    let canary = subset("canary", json!({ "version": "v2", "track": "canary" }));
    let all = json!([v1, v2, canary]);
    let everybody = json!(["*"]);
    let plan = planned(
        &fleet(),
        &with_subsets(&[
            ("slc-a-1", all.clone(), everybody.clone()),
            ("slc-b", json!([v1, v2]), everybody.clone()),
            ("lvs-a-1", json!([v1, subset("eu", json!({ "geo": "eu" })), canary]), everybody),
        ]),
    );
    let labels = ["version", "track"];
    let text = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        endpoints(&plan, "slc-a-1", labels),
        [
            // its canary is found by all that v2 is, which lvs-a lacks: an endpoint of it would be called for v2
            ("us-east/lvs-a".to_owned(), text(&["v1"])),
            ("us-west/slc-b".to_owned(), text(&["v1"])),
            ("us-west/slc-b".to_owned(), text(&["v2"])),
        ],
        "labels that contradict each other need an endpoint each"
    );
    let missing =
        |subset: &str, zone: &str| LeftOutReason::NoSubset { subset: subset.into(), zone: name(zone) };
    assert_eq!(
        reasons(&plan, "slc-a"),
        [missing("canary", "lvs-a"), missing("canary", "slc-b"), missing("v2", "lvs-a")]
    );
    // labels that do not contradict are of one endpoint
    let both = json!([v1, subset("eu", json!({ "track": "eu" }))]);
    let rules = ["slc-a-1", "slc-b", "lvs-a-1"].map(|target| (target, both.clone(), json!([])));
    let plan = planned(&fleet(), &with_subsets(&rules));
    let one = text(&["v1", "eu"]);
    assert_eq!(
        endpoints(&plan, "slc-a-1", labels),
        [("us-east/lvs-a".to_owned(), one.clone()), ("us-west/slc-b".to_owned(), one)]
    );
    assert_eq!(plan.left_out, []);
}

#[test]
fn a_zone_that_would_cut_off_calls_to_a_subset_is_not_called() {
    let home = json!([{ "name": "home" }]);
    let at = json!([{ "name": "here", "labels": { "topology.istio.io/network": "slc-b" } }]);
    let plan =
        planned(&fleet(), &with_subsets(&[("slc-a-1", home.clone(), json!([])), ("slc-b", home, json!([]))]));
    let called: Vec<String> =
        endpoints(&plan, "slc-a-1", ["", ""]).into_iter().map(|(zone, _)| zone).collect();
    assert_eq!(called, ["us-west/slc-b"]);
    let cut = LeftOutReason::CutSubset { subset: "home".into(), zone: name("lvs-a") };
    assert_eq!(reasons(&plan, "slc-a"), [cut]);
    // who is chosen by where it is stands for itself alone
    let plan =
        planned(&fleet(), &with_subsets(&[("slc-a-1", at.clone(), json!([])), ("slc-b", at, json!([]))]));
    assert_eq!(endpoints(&plan, "slc-a-1", ["", ""]).len(), 2);
    assert_eq!(reasons(&plan, "slc-a"), []);
}

#[test]
fn a_gateway_passes_on_subsets_of_rules_that_it_does_not_see() {
    let home = json!([{ "name": "home" }, { "name": "v1", "labels": { "version": "v1" } }]);
    let rules =
        |export: Value| ["slc-a-1", "slc-b", "lvs-a-1"].map(|target| (target, home.clone(), export.clone()));
    for (export, is_seen) in [(json!(["."]), false), (json!([]), true), (json!([".", "istio-system"]), true)]
    {
        let plan = planned(&fleet(), &with_subsets(&rules(export)));
        let rule = object(&plan, "slc-b-1", "DestinationRule");
        assert_eq!(rule.is_none(), is_seen);
        let Some(rule) = rule else { continue };
        assert_eq!(rule["metadata"]["namespace"], "istio-system");
        assert_eq!(
            rule["spec"],
            json!({ "host": "cart.shop.svc.cluster.local", "exportTo": ["."],
                "subsets": [{ "name": "home", "labels": {} }, { "name": "v1", "labels": { "version": "v1" } }] })
        );
        assert_eq!(Schemas::embedded().check_object(TemplateKind::DestinationRule, rule), []);
        assert_eq!(plan.left_out, []);
    }
}

#[test]
fn a_service_that_gateways_do_not_see_is_called_in_no_other_zone() {
    let mut own = service(json!([{ "name": "http", "port": 80 }]));
    own["metadata"]["annotations"] = json!({ "networking.istio.io/exportTo": ".,till" });
    let plan = planned(&fleet(), &[rendering("slc-a-1", vec![own.clone()]), rendering("slc-b", vec![own])]);
    for (cluster, zone) in [("slc-a-1", "slc-a"), ("slc-b-1", "slc-b"), ("lvs-a-1", "lvs-a")] {
        assert_eq!(object(&plan, cluster, "ServiceEntry"), None);
        assert_eq!(reasons(&plan, zone), [LeftOutReason::Hidden(name("istio-system"))]);
    }
}

#[test]
fn a_rule_in_a_remote_is_heard_by_nobody() {
    let mut renderings = cart();
    renderings[1].objects.push(rule(json!({ "tls": { "mode": "SIMPLE" } })));
    assert_eq!(renderings[1].target, "slc-a-2");
    assert_eq!(planned(&fleet(), &renderings), planned(&fleet(), &cart()));
}
