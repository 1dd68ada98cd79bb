//! Tests of steering where a host's rule is of a wildcard, or several rules are of one host.

use super::*;

/// The access point `shop` with these rules, `r0` and on, in place of its own.
fn with(rules: &[Value], route: &str) -> AccessPoint {
    let mut access_point = access_point(POLICY, route, TRAFFIC);
    let template = access_point.templates[1].clone();
    let made = rules.iter().enumerate().map(|(number, spec)| {
        let mut template = template.clone();
        template.id.name = format!("r{number}").as_str().into();
        template.object["metadata"]["name"] = json!(format!("r{number}"));
        template.object["spec"] = spec.clone();
        template
    });
    access_point.templates.splice(1..2, made);
    access_point
}

fn subsets(object: &Value) -> Vec<&str> {
    let list = object["spec"]["subsets"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn ejects() -> Value {
    json!({ "outlierDetection": { "maxEjectionPercent": 100 } })
}

#[test]
fn a_rule_of_a_wildcard_gets_the_subsets_of_all_its_hosts_once() {
    let rule = json!({ "host": "*.team.svc.cluster.local", "trafficPolicy": ejects() });
    let route = "[{ destination: { host: shop }, weight: 50 }, { destination: { host: cart }, weight: 50 }]";
    let mut access_point = with(&[rule], route);
    let mut cart = access_point.templates[0].clone();
    cart.id.name = "cart".into();
    cart.object["metadata"]["name"] = json!("cart");
    access_point.templates.push(cart);
    let rendering = on(&access_point, &fleet(&[]), "slc-a-1");
    assert_eq!(rendering.errors, []);
    assert_eq!(subsets(&rendering.objects[1]), ["overspill-home", "overspill-away"]);
    let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
    assert!(route.iter().all(|one| one["destination"]["subset"].is_string()), "{route:?}");
    // a rule of the host itself is narrower
    let wide = json!({ "host": "*.team.svc.cluster.local", "trafficPolicy": ejects() });
    let own = json!({ "host": "shop", "trafficPolicy": ejects() });
    let rendering = on(&with(&[wide, own], ROUTE), &fleet(&[]), "slc-a-1");
    assert_eq!([subsets(&rendering.objects[1]).len(), subsets(&rendering.objects[2]).len()], [0, 2]);
}

/// One rule for the sidecars and one for the gateways: who is divided finds the subsets in the one that it sees.
#[test]
fn rules_that_others_see_are_steered_each() {
    let of = |export_to: &str| json!({ "host": "shop", "trafficPolicy": ejects(), "exportTo": [export_to] });
    let rendering = on(&with(&[of("."), of("istio-ingress")], ROUTE), &fleet(&[]), "slc-a-1");
    assert_eq!(rendering.errors, []);
    for object in &rendering.objects[1..=2] {
        assert_eq!(subsets(object), ["overspill-home", "overspill-away"]);
    }
    let blind = json!({ "host": "shop", "exportTo": ["istio-ingress"] });
    let error = steered(&with(&[of("."), blind], ROUTE), &fleet(&[]), "slc-a-1").unwrap_err();
    assert_eq!(error.object.to_string(), "DestinationRule/r1", "{error}");
}

#[test]
fn rules_of_one_host_are_steered_as_one() {
    let v1 = json!({ "host": "shop", "subsets": [{ "name": "v1", "labels": { "version": "v1" } }] });
    let policy = json!({ "host": "shop.team.svc.cluster.local", "trafficPolicy": ejects() });
    let route = "[{ destination: { host: shop, subset: v1 } }]";
    // the policy is the second rule's, the subset the first one's
    let rendering = on(&with(&[v1.clone(), policy.clone()], route), &fleet(&[]), "slc-a-1");
    assert_eq!(rendering.errors, []);
    assert_eq!(subsets(&rendering.objects[1]), ["v1", "overspill-home-v1", "overspill-away-v1"]);
    assert_eq!(subsets(&rendering.objects[2]), [""; 0]);
    assert_eq!(rendering.objects[1]["spec"]["subsets"][1]["labels"], json!({ "version": "v1" }));
    // to no subset: ours stand where the policy does
    let rendering = on(&with(&[v1.clone(), policy.clone()], ROUTE), &fleet(&[]), "slc-a-1");
    assert_eq!(subsets(&rendering.objects[2]), ["overspill-home", "overspill-away"]);
    let refused = |rules: &[Value]| {
        let error = steered(&with(rules, ROUTE), &fleet(&[]), "slc-a-1").unwrap_err();
        (error.object.to_string(), error.path.to_string(), error.problem)
    };
    let host = "shop.team.svc.cluster.local".to_owned();
    let other = TemplateId { kind: TemplateKind::DestinationRule, name: "r0".into() };
    let twice = |at: &str| {
        let problem = SteerProblem::SaidTwice { host: host.clone(), other: other.clone() };
        ("DestinationRule/r1".to_owned(), at.to_owned(), problem)
    };
    assert_eq!(refused(&[policy.clone(), policy.clone()]), twice("/spec/trafficPolicy"));
    assert_eq!(refused(&[v1.clone(), v1]), twice("/spec/subsets/0/name"));
    let taken = json!({ "host": "shop", "subsets": [{ "name": "overspill-away" }] });
    let problem = SteerProblem::SubsetTaken { name: "overspill-away".into() };
    assert_eq!(
        refused(&[policy, taken]),
        ("DestinationRule/r1".to_owned(), "/spec/subsets".to_owned(), problem)
    );
}
