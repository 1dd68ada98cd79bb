//! Tests of templates: the schemas, and the typed views.

use serde_json::json;

use super::*;

fn findings(kind: TemplateKind, spec: &Value) -> Vec<String> {
    let object =
        json!({ "apiVersion": kind.api_versions()[0], "kind": kind.as_str(), "metadata": {}, "spec": spec });
    let line = |finding: SchemaFinding| {
        let mark = if finding.problem.is_warning() { "warning" } else { "error" };
        format!("{mark} {}: {}", finding.path, finding.problem)
    };
    Schemas::embedded().check_object(kind, &object).into_iter().map(line).collect()
}

#[test]
fn every_kind_has_a_schema() {
    for kind in TemplateKind::ALL {
        assert!(!findings(kind, &json!({ "none": 1 })).is_empty(), "{kind}");
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("Gatewey".parse::<TemplateKind>(), Err(Some("Gateway")));
}

fn check_table(table: &[(TemplateKind, Value, &[&str])]) {
    for (kind, spec, expected) in table {
        assert_eq!(findings(*kind, spec), *expected, "{kind} {spec}");
    }
}

#[test]
fn what_schemas_find() {
    use TemplateKind::Service;
    check_table(&[
        (
            Service,
            json!({ "ports": [{ "name": "a", "port": 443, "targetPort": "https" }, { "name": "b", "port": 80, "targetPort": 8080 }] }),
            &[],
        ),
        (
            Service,
            json!({ "ports": [{ "targetPort": 1.5 }] }),
            &[
                "error /spec/ports/0: `port` is missing; add it",
                "error /spec/ports/0/targetPort: `1.5` is not possible here; write a whole number or a text",
            ],
        ),
        (
            Service,
            json!({ "ports": [{ "port": 70_000 }] }),
            &["error /spec/ports/0/port: 70000 is out of bounds; write at most 65535"],
        ),
        (
            Service,
            json!({ "type": "Loadbalancer" }),
            &[
                "error /spec/type: `Loadbalancer` is not possible here; write ClusterIP, NodePort, LoadBalancer, ExternalName; did you mean `LoadBalancer`?",
            ],
        ),
        (
            Service,
            json!({ "selektor": { "a": "b" }, "ports": [{ "port": 1 }] }),
            &["warning /spec/selektor: no known field; did you mean `selector`?"],
        ),
        (
            Service,
            json!({ "selector": { "a": 1 } }),
            &["error /spec/selector/a: `1` is not possible here; write a text, which is \"1\" in quotes"],
        ),
    ]);
}

#[test]
fn what_istios_schemas_find() {
    use TemplateKind::{
        AuthorizationPolicy, DestinationRule, Gateway, PeerAuthentication, ServiceEntry, VirtualService,
    };
    check_table(&[
        (
            Gateway,
            json!({ "servers": { "port": 1 } }),
            &["error /spec/servers: `{\"port\":1}` is not possible here; write a list"],
        ),
        (
            Gateway,
            json!({ "servers": [{ "hosts": ["a"], "port": { "number": 443, "protocol": "HTTPS", "name": "a" }, "tls": { "mode": "SIMPEL" } }] }),
            &[
                "error /spec/servers/0/tls/mode: `SIMPEL` is not possible here; write PASSTHROUGH, SIMPLE, MUTUAL, AUTO_PASSTHROUGH, ISTIO_MUTUAL, OPTIONAL_MUTUAL; did you mean `SIMPLE`?",
            ],
        ),
        (
            VirtualService,
            json!({ "http": [{ "match": [{ "uri": { "exact": "/a", "prefix": "/b" } }] }] }),
            &["error /spec/http/0/match/0/uri: exact and prefix exclude each other; write one of them"],
        ),
        (DestinationRule, json!({ "trafficPolicy": {} }), &["error /spec: `host` is missing; add it"]),
        (
            DestinationRule,
            json!({ "host": "a", "trafficPolicy": { "outlierDetection": { "maxEjectionPercent": "all" } } }),
            &[
                "error /spec/trafficPolicy/outlierDetection/maxEjectionPercent: `\"all\"` is not possible here; write a whole number, without quotes",
            ],
        ),
        (
            ServiceEntry,
            json!({ "hosts": [] }),
            &["error /spec/hosts: 0 items is out of bounds; write at least 1"],
        ),
        (
            AuthorizationPolicy,
            json!({ "action": "DENY", "rules": [{ "to": [{ "operation": { "paths": ["*/admin"] } }] }] }),
            &[],
        ),
        (PeerAuthentication, json!({ "mtls": { "mode": "STRICT" } }), &[]),
    ]);
}

/// Rules that no type can say; those of Istio are in CEL, and all of them in `schema/rule/tests.rs`.
#[test]
fn what_rules_find() {
    use TemplateKind::{Gateway, Service, ServiceEntry, VirtualService, WorkloadEntry};
    check_table(&[
        (
            VirtualService,
            json!({ "http": [{ "timeout": "5 seconds", "retries": { "perTryTimeout": "2s" } }] }),
            &["error /spec/http/0/timeout: `\"5 seconds\"`: must be a valid duration greater than 1ms"],
        ),
        (
            Gateway,
            json!({ "servers": [{ "hosts": ["a"], "port": { "number": 443, "protocol": "HTTPS", "name": "a" },
                "tls": { "mode": "SIMPLE", "credentialName": "a", "credentialNames": ["b"] } }] }),
            &["error /spec/servers/0/tls: only one of credentialName or credentialNames can be set"],
        ),
        (
            ServiceEntry,
            json!({ "hosts": ["a.example"], "resolution": "DNS", "ports": [{ "number": 1, "name": "a" }, { "number": 2, "name": "a" }] }),
            &["error /spec/ports/1: [0] has the same name already; write another"],
        ),
        (WorkloadEntry, json!({ "labels": {} }), &["error /spec: Address is required"]),
        (Service, json!({ "type": "ClusterIP" }), &["error /spec: `ports` is missing; add it"]),
        (Service, json!({ "clusterIP": "None" }), &[]),
        (Service, json!({ "type": "ExternalName" }), &["error /spec: `externalName` is missing; add it"]),
        (
            Service,
            json!({ "type": "ExternalName", "externalName": "a b" }),
            &["error /spec/externalName: write a host name in lower case"],
        ),
        (
            Service,
            json!({ "clusterIP": "here", "externalTrafficPolicy": "Local", "ports": [{ "port": 1 }] }),
            &[
                "error /spec/clusterIP: write an address, or None",
                "error /spec/externalTrafficPolicy: only a Service of type NodePort or LoadBalancer has one; leave it out",
            ],
        ),
        (
            Service,
            json!({ "ports": [{ "port": 53, "name": "a" }, { "port": 53, "name": "a", "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }] }),
            &[
                "error /spec/ports/1/name: ports[0] has this name already; write another",
                "error /spec/ports/2: `name` is missing; add it",
                "error /spec/ports/2/port: ports[0] has this number and protocol already; write another",
            ],
        ),
        (Service, json!({ "ports": [{ "port": 1, "targetPort": "http-1" }] }), &[]),
    ]);
    for (port, name) in
        [(json!("8080"), "web"), (json!(0), "web"), (json!("a-name-of-16-let"), "web"), (json!(1), "Web")]
    {
        let found = findings(Service, &json!({ "ports": [{ "port": 1, "name": name, "targetPort": port }] }));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_spec_that_must_be_there() {
    let missing = |kind: TemplateKind| {
        let object = json!({ "apiVersion": kind.api_versions()[0], "kind": kind.as_str(), "metadata": {} });
        Schemas::embedded()
            .check_object(kind, &object)
            .into_iter()
            .map(|finding| finding.problem.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(TemplateKind::ServiceEntry), ["`spec` is missing; add it"]);
    assert_eq!(missing(TemplateKind::WorkloadEntry), ["`spec` is missing; add it"]);
    assert_eq!(missing(TemplateKind::Service), ["`ports` is missing; add it"]);
    assert!(missing(TemplateKind::PeerAuthentication).is_empty());
}

fn view<V: view::View>(spec: Value) -> V {
    view::of(&json!({ "kind": V::KIND.as_str(), "spec": spec })).unwrap()
}

#[test]
fn views_read_what_decisions_need() {
    let gateway: view::Gateway = view(json!({
        "selector": { "app": "gw" },
        "servers": [{ "port": { "number": 443, "protocol": "HTTPS", "name": "https" }, "hosts": ["ns/a.example.com"],
                      "tls": { "mode": "OPTIONAL_MUTUAL", "credentialName": "c" }, "unknown": 1 }]
    }));
    assert_eq!(gateway.servers[0].tls.as_ref().unwrap().mode, view::TlsMode::OptionalMutual);
    let rule: view::DestinationRule = view(json!({
        "host": "a",
        "trafficPolicy": {
            "outlierDetection": { "consecutive5xxErrors": 7, "maxEjectionPercent": 100 },
            "loadBalancer": { "localityLbSetting": { "failover": [{ "from": "us-west", "to": "us-east" }] } }
        }
    }));
    let policy = rule.traffic_policy.unwrap();
    assert_eq!(policy.outlier_detection.unwrap().consecutive5xx_errors, Some(7), "the digit in the name");
    assert_eq!(policy.load_balancer.unwrap().locality_lb_setting.unwrap().failover[0].to, "us-east");
    let service: view::VirtualService = view(json!({
        "hosts": ["a"], "http": [{ "match": [{ "uri": { "prefix": "/x" } }], "route": [{ "destination": { "host": "b", "port": { "number": 80 } }, "weight": 99 }] }]
    }));
    assert_eq!(
        (service.http[0].route[0].weight, service.http[0].matches[0].uri.as_ref().unwrap().prefix.as_deref()),
        (Some(99), Some("/x"))
    );
    let kubernetes: view::Service =
        view(json!({ "type": "LoadBalancer", "clusterIP": "None", "ports": [{ "port": 443 }] }));
    assert_eq!(
        (kubernetes.service_type.as_deref(), kubernetes.cluster_ip.as_deref()),
        (Some("LoadBalancer"), Some("None"))
    );
    let admin: view::AuthorizationPolicy = view(json!({
        "action": "DENY", "rules": [{ "from": [{ "source": { "notIpBlocks": ["10.0.0.0/8"] } }], "to": [{ "operation": { "paths": ["*/admin"] } }] }]
    }));
    assert_eq!(
        (admin.action, admin.rules[0].from[0].source.not_ip_blocks.len()),
        (view::AuthorizationAction::Deny, 1)
    );
    assert_eq!(
        view::<view::PeerAuthentication>(json!({ "mtls": { "mode": "STRICT" } })).mtls.unwrap().mode,
        view::MutualTlsMode::Strict
    );
    assert_eq!(view::<view::WorkloadEntry>(json!({ "address": "10.0.0.1", "weight": 2 })).weight, Some(2));
    assert_eq!(view::<view::ServiceEntry>(json!({ "hosts": ["a"], "exportTo": ["."] })).export_to, ["."]);
}

#[test]
fn an_object_of_another_kind_is_no_view() {
    let refused = view::of::<view::Gateway>(&json!({ "kind": "Service" }));
    assert_eq!(
        refused,
        Err(view::ViewError::Kind { found: "Service".into(), wanted: TemplateKind::Gateway })
    );
    assert!(matches!(
        view::of::<view::Gateway>(&json!({ "kind": "Gateway", "spec": { "servers": 1 } })),
        Err(view::ViewError::Spec { .. })
    ));
    assert_eq!(view::of::<view::Gateway>(&json!({ "kind": "Gateway" })), Ok(view::Gateway::default()));
}
