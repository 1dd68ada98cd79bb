//! Tests of lint: each code by the smallest fault that has it and by its mended
//! form that has none; the example of the repository has no finding at all.

mod answers;
mod cases;
mod certificates;
mod claims;
mod drains;
mod example;
mod forms;
mod holds;
mod hosts;
mod order;
mod paths;
mod provisions;
mod refused;
mod routes;
mod surroundings;

use super::*;
use crate::api::FederatedAccessPoint;
use crate::fleet::tests::{cluster, zone};
use crate::labels::Labels;

/// An access point `name` of namespace `team` with these parts of the spec.
fn access_point(name: &str, parts: &str) -> AccessPoint {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: {name}, namespace: {} }}, spec: {{ {parts} }} }}",
        if name == "other" { "others" } else { "team" }
    );
    let object: FederatedAccessPoint =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    AccessPoint::try_from(object).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const ALL: &str = "placement: { selector: {} }";
const SERVICE: &str = "{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { selector: { app: web }, ports: [{ port: 80 }] } }";

/// An object of Istio.
fn istio(kind: &str, spec: &str) -> String {
    format!("{{ apiVersion: networking.istio.io/v1, kind: {kind}, metadata: {{ name: web }}, spec: {spec} }}")
}

fn templates(of: &[&str]) -> String {
    format!("{ALL}, templates: [{}]", of.join(", "))
}

/// A fleet of two regions with one cluster each, one provider, gateways of `edge`.
fn facts() -> FleetFacts {
    let zones = vec![zone("slc-a", "us-west"), zone("phx-a", "us-south")];
    let spec = |zone: &str| format!("{{ zone: {zone}, gateway: true, capacity: {{ requests: 1000/s }} }}");
    let clusters = vec![cluster("slc-a-1", &spec("slc-a")), cluster("phx-a-1", &spec("phx-a"))];
    let provider = "{ apiVersion: overspill.dev/v1alpha1, kind: NameProvider, metadata: { name: corp }, spec: { domains: [example.com] } }";
    let provider: crate::api::NameProvider = serde_saphyr::from_str(provider).unwrap();
    let labels = Labels::from([("istio".to_owned(), "ingress".to_owned())]);
    FleetFacts {
        fleet: Fleet::new(zones, clusters).unwrap(),
        providers: vec![NameProvider::try_from(provider).unwrap()],
        gateways: Some(vec![GatewayPods { namespace: "edge".parse().unwrap(), labels }]),
        ..FleetFacts::default()
    }
}

/// Codes and places of what is found.
fn found(access_points: &[AccessPoint], facts: Option<&FleetFacts>) -> Vec<String> {
    let findings = lint(access_points, facts, &Schemas::embedded());
    for finding in &findings {
        assert!(!finding.fix.is_empty() && finding.severity == finding.code.severity());
    }
    findings.iter().map(|one| format!("{} {} {}", one.object.name, one.path, one.code)).collect()
}

/// One fault of one access point, and how it is mended.
#[track_caller]
fn fault(parts: &str, expected: &[&str], wrong: &str, right: &str, with_facts: bool) {
    let facts = facts();
    let facts = with_facts.then_some(&facts);
    assert!(parts.contains(wrong), "{wrong} is not in {parts}");
    assert_eq!(found(&[access_point("shop", parts)], facts), expected, "{parts}");
    let mended = parts.replace(wrong, right);
    assert_eq!(found(&[access_point("shop", &mended)], facts), Vec::<String>::new(), "{mended}");
}

#[test]
fn failover_without_detection_or_with_too_little_of_it() {
    let rule = istio(
        "DestinationRule",
        "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } }, outlierDetection: { maxEjectionPercent: 100 } } }",
    );
    let at = "shop spec.templates[1].spec.trafficPolicy";
    let without = templates(&[SERVICE, &rule.replace(", outlierDetection: { maxEjectionPercent: 100 }", "")]);
    let expected = format!("{at}.loadBalancer.localityLbSetting failover-without-outlier-detection");
    fault(&without, &[&expected], "failover: [{ from: us-west, to: us-south }]", "enabled: true", false);
    let little = templates(&[SERVICE, &rule.replace("maxEjectionPercent: 100", "maxEjectionPercent: 49")]);
    let expected = format!("{at}.outlierDetection ejection-below-local-share");
    for with_facts in [false, true] {
        fault(&little, &[&expected], "maxEjectionPercent: 49", "maxEjectionPercent: 50", with_facts);
    }
    let default = templates(&[SERVICE, &rule.replace("maxEjectionPercent: 100", "interval: 5s")]);
    fault(&default, &[&expected], "interval: 5s", "maxEjectionPercent: 100", false);
    let steered = format!(
        "{}, traffic: {{ local: 99%, regions: [us-west, us-south] }}",
        templates(&[
            SERVICE,
            &istio("DestinationRule", "{ host: web, trafficPolicy: { connectionPool: {} } }"),
            &istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }")
        ])
    );
    let expected = format!("{at} failover-without-outlier-detection");
    fault(&steered, &[&expected], "connectionPool: {}", "outlierDetection: { maxEjectionPercent: 50 }", true);
}

#[test]
fn a_policy_that_says_nothing_of_a_target() {
    let rule = istio(
        "DestinationRule",
        "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { distribute: [{ from: us-west/*, to: { us-west/*: 100 } }] } } } }",
    );
    let expected = "shop spec.templates[1].spec.trafficPolicy.loadBalancer.localityLbSetting.distribute distribute-without-from";
    fault(&templates(&[SERVICE, &rule]), &[expected], "from: us-west/*", "from: \"*\"", true);
}

#[test]
fn weights_gateways_and_fields() {
    let routes = "{ hosts: [web], http: [{ route: [{ destination: { host: web }, weight: 90 }, { destination: { host: far }, weight: 20 }] }] }";
    let parts = templates(&[SERVICE, &istio("VirtualService", routes)]);
    fault(
        &parts,
        &["shop spec.templates[1].spec.http[0].route weight-sum"],
        "weight: 20",
        "weight: 10",
        false,
    );
    let routes = "{ hosts: [a.example.com], gateways: [web, edge/shared], http: [{ route: [{ destination: { host: web } }] }] }";
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [a.example.com] }] }",
    );
    let parts = templates(&[SERVICE, &istio("VirtualService", routes), &gateway]);
    assert_eq!(found(&[access_point("shop", &parts)], None), Vec::<String>::new());
    let missing = parts.replace("gateways: [web,", "gateways: [wbe,");
    assert_eq!(
        found(&[access_point("shop", &missing)], None),
        ["shop spec.templates[1].spec.gateways[0] unknown-gateway"]
    );
    let unknown = templates(&[&SERVICE.replace("ports:", "prots: [], ports:")]);
    fault(&unknown, &["shop spec.templates[0].spec.prots unknown-field"], "prots: [], ", "", false);
    let wrong = templates(&[&SERVICE.replace("port: 80", "port: http")]);
    fault(
        &wrong,
        &["shop spec.templates[0].spec.ports[0].port schema-violation"],
        "port: http",
        "port: 80",
        false,
    );
}

#[test]
fn what_only_the_fleet_can_tell() {
    let service = templates(&[SERVICE]);
    let with = |part: &str| format!("{service}, {part}");
    let never = with(
        "overrides: [{ name: o, targets: { zones: [slc-b] }, rules: [{ kind: Service, labels: { a: b } }] }]",
    );
    let expected = [
        "shop spec.overrides[0].targets override-never-matches",
        "shop spec.overrides[0].targets.zones[0] unknown-zone",
    ];
    fault(&never, &expected, "slc-b", "slc-a", true);
    let fails = with(
        "overrides: [{ name: o, rules: [{ kind: Service, labels: { a: b } }, { kind: Service, patch: [{ op: remove, path: /spec/selectr }] }] }]",
    );
    fault(&fails, &["shop spec.overrides[0].rules[1] does-not-render"], "selectr", "selector", true);
    let names = with("names: [{ fqdn: a.example.com, provider: crop }]");
    fault(&names, &["shop spec.names[0].provider unknown-provider"], "crop", "corp", true);
    let foreign = with("names: [{ fqdn: a.example.net, provider: corp }]");
    fault(&foreign, &["shop spec.names[0].provider unknown-provider"], "example.net", "example.com", true);
    let pool = with("vip: { pool: public }");
    fault(&pool, &["shop spec.vip.pool unknown-pool"], "pool: public", "scope: target", true);
    let issuer = with("certificates: { issuer: corp }");
    fault(
        &issuer,
        &["shop spec.certificates.issuer unknown-issuer"],
        ", certificates: { issuer: corp }",
        "",
        true,
    );
    let gateway = templates(&[&istio(
        "Gateway",
        "{ selector: { istio: egress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
    )]);
    fault(
        &gateway,
        &["shop spec.templates[0].spec.selector gateway-selects-nothing"],
        "egress",
        "ingress",
        true,
    );
    let rule = istio(
        "DestinationRule",
        "{ host: web, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }",
    );
    let routes =
        istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }");
    let regions = format!(
        "{}, traffic: {{ local: 99%, regions: [us-west, us-sout] }}",
        templates(&[SERVICE, &rule, &routes])
    );
    fault(&regions, &["shop spec.traffic.regions[1] unknown-region"], "us-sout]", "us-south]", true);
    let nothing = regions
        .replace("us-sout]", "us-south]")
        .replace("destination: { host: web }", "destination: { host: far }");
    fault(&nothing, &["shop spec.templates[2] traffic-does-not-hold"], "host: far", "host: web", true);
}

#[test]
fn what_two_access_points_claim() {
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [\"*/a.example.com\"] }] }",
    );
    let [one, other] = ["shop", "other"].map(|name| access_point(name, &templates(&[&gateway])));
    let facts = facts();
    let findings = lint(&[one.clone(), other.clone()], Some(&facts), &Schemas::embedded());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::HostClaimedTwice);
    assert!(
        findings[0].message.contains("already served by others/other"),
        "the owner is named, whatever the order"
    );
    assert_eq!(findings, lint(&[other, one], Some(&facts), &Schemas::embedded()));
    let apart = [("shop", "slc-a-1"), ("other", "phx-a-1")].map(|(name, target)| {
        access_point(
            name,
            &templates(&[&gateway]).replace("selector: {} }", &format!("names: [{target}] }}")),
        )
    });
    assert_eq!(found(&apart, Some(&facts)), Vec::<String>::new(), "on different targets they do not meet");
    let mesh = |export: &str| {
        ["shop", "other"].map(|name| {
            access_point(
                name,
                &templates(&[&istio(
                    "VirtualService",
                    &format!("{{ hosts: [a.example.com], exportTo: [{export}] }}"),
                )]),
            )
        })
    };
    assert_eq!(found(&mesh("\"*\""), None), ["shop spec.templates[0].spec.hosts[0] host-claimed-twice"]);
    assert_eq!(found(&mesh("."), None), Vec::<String>::new());
    let vip = |sharing: &str| {
        [("shop", "port: 80"), ("other", "port: 81")].map(|(name, port)| {
            access_point(
                name,
                &format!(
                    "{}, vip: {{ scope: all, addresses: [203.0.113.1]{sharing} }}",
                    templates(&[&SERVICE.replace("port: 80", port)])
                ),
            )
        })
    };
    assert_eq!(found(&vip(""), None), ["shop spec.vip.addresses[0] vip-claimed-twice"]);
    assert_eq!(found(&vip(", sharingKey: k"), None), Vec::<String>::new());
}

#[test]
fn hosts_that_are_hidden_from_those_who_need_them() {
    let annotated =
        SERVICE.replace("name: web", "name: web, annotations: { networking.istio.io/exportTo: \".\" }");
    let other = access_point("other", &templates(&[&annotated]));
    let shown = access_point(
        "other",
        &templates(&[&annotated.replace('"', "").replace(": .", ": \"., team, edge\"")]),
    );
    let routes = "{ hosts: [b.example.com], http: [{ route: [{ destination: { host: web.others.svc.cluster.local } }] }] }";
    let caller = access_point("shop", &templates(&[&istio("VirtualService", routes)]));
    assert_eq!(
        found(&[other.clone(), caller.clone()], None),
        ["shop spec.templates[0].spec.http[0].route[0].destination.host hidden-host"]
    );
    assert_eq!(found(&[shown.clone(), caller], None), Vec::<String>::new());
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [\"*\"] }] }",
    );
    let routes = routes.replace("http:", "gateways: [web], exportTo: [\".\"], http:");
    let at_gateway =
        |routes: &str| access_point("shop", &templates(&[&istio("VirtualService", routes), &gateway]));
    let facts = facts();
    assert_eq!(
        found(&[other, at_gateway(&routes)], Some(&facts)),
        [
            "shop spec.templates[0].spec.exportTo hidden-host",
            "shop spec.templates[0].spec.http[0].route[0].destination.host hidden-host"
        ],
        "gateways run in edge"
    );
    assert_eq!(
        found(&[shown, at_gateway(&routes.replace("\".\"", "edge"))], Some(&facts)),
        Vec::<String>::new()
    );
    // a rule that gateways do not see has no subset for them
    let routes =
        "{ hosts: [b.example.com], gateways: [web], http: [{ route: [{ destination: { host: web } }] }] }";
    let rule = |export: &str| istio("DestinationRule", &format!("{{ host: web, exportTo: [{export}] }}"));
    let with = |export: &str| {
        let of = [SERVICE, &istio("VirtualService", routes), &gateway, &rule(export)];
        [access_point("shop", &templates(&of))]
    };
    assert_eq!(found(&with("\".\""), Some(&facts)), ["shop spec.templates[3].spec.exportTo hidden-host"]);
    assert_eq!(found(&with("edge"), Some(&facts)), Vec::<String>::new());
    assert_eq!(found(&with("\".\""), None), Vec::<String>::new(), "where gateways are is not known");
}

#[test]
fn sidecars_and_loads() {
    let mut facts = facts();
    let sidecar = || Sidecar::new("team".parse().unwrap(), ["./*"]).unwrap();
    let shop = [access_point("shop", &templates(&[SERVICE]))];
    facts.sidecars = vec![sidecar()];
    assert_eq!(found(&shop, Some(&facts)), Vec::<String>::new());
    facts.sidecars.push(sidecar());
    assert_eq!(found(&shop, Some(&facts)), ["shop metadata.namespace ambiguous-sidecars"]);
    facts.sidecars.clear();
    let rule = istio(
        "DestinationRule",
        "{ host: web, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }",
    );
    let routes =
        istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }");
    let shop = [access_point(
        "shop",
        &format!(
            "{}, traffic: {{ local: 99%, regions: [us-west, us-south] }}",
            templates(&[SERVICE, &rule, &routes])
        ),
    )];
    let loads = |west: u64, south: u64| -> Option<Loads> {
        let rate = crate::units::Rate::per_second;
        Some([("slc-a-1".parse().unwrap(), rate(west)), ("phx-a-1".parse().unwrap(), rate(south))].into())
    };
    facts.loads = loads(600, 400);
    assert_eq!(found(&shop, Some(&facts)), Vec::<String>::new());
    facts.loads = loads(601, 400);
    let findings = lint(&shop, Some(&facts), &Schemas::embedded());
    let found: Vec<(String, &str)> =
        findings.iter().map(|one| (one.object.to_string(), one.message.as_str())).collect();
    assert_eq!(
        found[0],
        (
            "Cluster/phx-a-1".to_owned(),
            "without us-west it would carry 1001/s, 2.50 times as much, of 1000/s"
        )
    );
    assert_eq!((found.len(), findings[0].severity), (2, Severity::Warning));
}

#[test]
fn codes_are_stable_and_in_json() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), 55);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 55, "no two have one name");
    let parts = templates(&[&SERVICE.replace("ports:", "prots: [], ports:")]);
    let findings = lint(&[access_point("shop", &parts)], None, &Schemas::embedded());
    let expected = serde_json::json!({ "code": "unknown-field", "severity": "warning", "object": "FederatedAccessPoint/team/shop",
        "path": "spec.templates[0].spec.prots", "message": "no known field; did you mean `ports`?",
        "fix": "correct the name; a field that the cluster's version knows may stay" });
    assert_eq!(serde_json::to_value(&findings[0]).unwrap(), expected);
}
