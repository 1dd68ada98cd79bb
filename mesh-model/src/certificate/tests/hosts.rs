//! Which hosts of Gateways need certificates, and which can have none.

use serde_json::{Value, json};

use super::*;
use crate::api::AcmeSpec;
use crate::render::{Rendering, render};
use crate::template::Schemas;

fn gateway(servers: &Value) -> Value {
    json!({ "kind": "Gateway", "metadata": { "name": "shop" }, "spec": { "servers": servers } })
}

fn server(hosts: &[&str], tls: Value) -> Value {
    json!({ "port": { "number": 443, "name": "a", "protocol": "HTTPS" }, "hosts": hosts, "tls": tls })
}

fn acme(dns_provider: Option<&str>) -> Issuer {
    let acme = AcmeSpec {
        directory: "https://acme.example.com/dir".into(),
        email: None,
        dns_provider: dns_provider.map(|name| name.parse().unwrap()),
    };
    Issuer { authority: Authority::Acme(acme), ..issuer(100) }
}

#[test]
fn only_servers_that_end_tls_with_a_certificate_of_their_own() {
    let gateway = gateway(&json!([
        server(&["a.example.com", "pay/b.example.com"], json!({ "mode": "SIMPLE", "credentialName": "one" })),
        server(&["*.example.com", "a.example.com"], json!({ "mode": "MUTUAL", "credentialName": "two" })),
        server(&["c.example.com"], json!({ "mode": "OPTIONAL_MUTUAL", "credentialNames": ["rsa", "ecdsa"] })),
        server(&["d.example.com"], json!({ "mode": "PASSTHROUGH" })),
        server(&["e.example.com"], json!({ "mode": "ISTIO_MUTUAL" })),
        server(&["f.example.com"], json!({ "mode": "AUTO_PASSTHROUGH" })),
        // from files that somebody mounts: what is ordered here would be served by nobody
        server(&["j.example.com", "*"], json!({ "mode": "SIMPLE", "serverCertificate": "/etc/tls/chain.pem", "privateKey": "/etc/tls/key.pem" })),
        { "port": { "number": 80, "name": "b", "protocol": "HTTP" }, "hosts": ["g.example.com"], "tls": { "httpsRedirect": true } },
        { "port": { "number": 81, "name": "c", "protocol": "HTTP" }, "hosts": ["h.example.com"] },
    ]));
    let service =
        json!({ "kind": "Service", "metadata": { "name": "shop" }, "spec": { "hosts": ["i.example.com"] } });
    let found = GatewayHosts::of([&gateway, &service], &issuer(100));
    assert_eq!(found.hosts, hosts("a b c *"));
    let credentials: Vec<(&str, &BTreeSet<Fqdn>)> =
        found.credentials.iter().map(|(name, hosts)| (name.as_str(), hosts)).collect();
    assert_eq!(
        credentials,
        [("ecdsa", &hosts("c")), ("one", &hosts("a b")), ("rsa", &hosts("c")), ("two", &hosts("a *"))]
    );
    assert!(found.faults.is_empty());
}

#[test]
fn a_host_that_nobody_signs_for_holds_nobody_else() {
    let names = ["a.example.com", "*", "./*", "web", "203.0.113.1", "_x.example.com", "*.example.com"];
    let gateway = gateway(&json!([server(&names, json!({ "mode": "SIMPLE", "credentialName": "one" }))]));
    let found = GatewayHosts::of([&gateway], &acme(None));
    assert_eq!(found.hosts, hosts("a"));
    let faults: Vec<(String, HostProblem)> =
        found.faults.iter().map(|fault| (fault.path.to_string(), fault.problem)).collect();
    let at = |number: u32| format!("/spec/servers/0/hosts/{number}");
    assert_eq!(
        faults,
        [
            (at(1), HostProblem::Every),
            (at(2), HostProblem::Every),
            (at(3), HostProblem::Name(crate::name::ParseFqdnError::Short)),
            (at(4), HostProblem::Name(crate::name::ParseFqdnError::Number)),
            (at(5), HostProblem::Underscore),
            (at(6), HostProblem::Wildcard),
        ]
    );
    assert_eq!(
        found.faults[0].to_string(),
        "Gateway/shop: `*`: no authority signs for every host; write the hosts, or *.example.com"
    );
    assert_eq!(GatewayHosts::of([&gateway], &acme(Some("corp"))).hosts, hosts("a *"), "proved by DNS");
}

/// An override gives a target another host: all hosts of all targets are wanted.
#[test]
fn from_an_access_point_to_orders() {
    let text = "{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: { name: shop, namespace: pay }, spec: { \
                placement: { selector: {} }, \
                templates: [{ apiVersion: networking.istio.io/v1, kind: Gateway, metadata: { name: shop }, spec: { servers: [{ hosts: [a.example.com], \
                port: { number: 443, name: https, protocol: HTTPS }, tls: { mode: SIMPLE, credentialName: shop } }] } }], \
                overrides: [{ name: o, targets: { names: [slc-a-1] }, rules: [{ kind: Gateway, \
                patch: [{ op: add, path: /spec/servers/0/hosts/-, value: b.example.com }] }] }] } }";
    let object: crate::api::FederatedAccessPoint = serde_saphyr::from_str(text).unwrap();
    let access_point = crate::access_point::AccessPoint::try_from(object).unwrap();
    let (fleet, schemas) = (crate::fleet::tests::fleet(), Schemas::embedded());
    let targets = fleet.targets(crate::api::PlacementLevel::Cluster);
    let rendered: Vec<Rendering> = targets.map(|target| render(&access_point, &target, &schemas)).collect();
    let found = GatewayHosts::of(rendered.iter().flat_map(|one| &one.objects), &issuer(100));
    let mut world = World::new(100);
    world.machine.handle_desired(world.now, world.wall(), &found.hosts);
    world.settle();
    assert_eq!(world.done(), ["order 0 a+b"]);
}
