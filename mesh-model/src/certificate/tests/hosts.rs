//! Which credentials Gateways name for which hosts, and what can have no certificate.

use serde_json::{Value, json};

use super::*;
use crate::access_point::AccessPointId;
use crate::api::{AcmeSpec, CaSpec, CertificateState, CertificateStatus};
use crate::name::ParseFqdnError;
use crate::provision::{Authority, Issuer};

pub(super) fn issuer(max_names: u16) -> Issuer {
    Issuer {
        name: "corp".parse().unwrap(),
        authority: Authority::Ca(CaSpec { secret: "root".parse().unwrap() }),
        lifetime: days(90),
        max_names,
    }
}

pub(super) fn acme(dns_provider: Option<&str>) -> Issuer {
    let acme = AcmeSpec {
        directory: "https://acme.example.com/dir".into(),
        email: None,
        dns_provider: dns_provider.map(|name| name.parse().unwrap()),
    };
    Issuer { authority: Authority::Acme(acme), ..issuer(100) }
}

pub(super) fn gateway(name: &str, servers: &Value) -> Value {
    json!({ "kind": "Gateway", "metadata": { "name": name }, "spec": { "servers": servers } })
}

pub(super) fn server(hosts: &[&str], tls: Value) -> Value {
    json!({ "port": { "number": 443, "name": "a", "protocol": "HTTPS" }, "hosts": hosts, "tls": tls })
}

pub(super) fn access_point(name: &str) -> AccessPointId {
    AccessPointId { namespace: "shop".parse().unwrap(), name: name.parse().unwrap() }
}

pub(super) fn found(issuer: &Issuer, objects: &[Value]) -> GatewayHosts {
    let mut found = GatewayHosts::default();
    found.add(&access_point("web"), &issuer.name, Some(issuer), objects);
    found
}

#[test]
fn only_servers_that_end_tls_with_a_certificate_of_their_own() {
    let gateway = gateway(
        "web",
        &json!([
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
            server(&["k.example.com"], json!({ "mode": "SIMPLE", "credentialName": "one" })),
        ]),
    );
    let service =
        json!({ "kind": "Service", "metadata": { "name": "shop" }, "spec": { "hosts": ["i.example.com"] } });
    let found = found(&issuer(100), &[gateway, service]);
    let credentials: Vec<(&str, &BTreeSet<Fqdn>)> =
        found.credentials.iter().map(|(name, wanted)| (name.name(), &wanted.hosts)).collect();
    assert_eq!(
        credentials,
        [("ecdsa", &hosts("c")), ("one", &hosts("a b k")), ("rsa", &hosts("c")), ("two", &hosts("a *"))]
    );
    assert_eq!((found.faults.len(), found.refused().count()), (0, 0));
}

#[test]
fn what_nobody_signs_for_holds_nobody_else() {
    let names = ["a.example.com", "*", "./*", "web", "203.0.113.1", "_x.example.com", "*.example.com"];
    let tls = json!({ "mode": "SIMPLE", "credentialName": "one" });
    let gateway = gateway(
        "web",
        &json!([
            server(&names, tls),
            server(
                &["b.example.com"],
                json!({ "mode": "SIMPLE", "credentialName": "kubernetes://other/one" })
            ),
        ]),
    );
    let by_http = found(&acme(None), std::slice::from_ref(&gateway));
    let one = &by_http.credentials[&credential("one")];
    assert_eq!((&one.hosts, &one.unprovable), (&hosts("a *"), &hosts("*")));
    assert_eq!(by_http.credentials.len(), 1);
    let faults: Vec<(String, GatewayProblem)> =
        by_http.faults.iter().map(|fault| (fault.path.to_string(), fault.problem)).collect();
    let at = |number: u32| format!("/spec/servers/0/hosts/{number}");
    assert_eq!(
        faults,
        [
            (at(1), GatewayProblem::Every),
            (at(2), GatewayProblem::Every),
            (at(3), GatewayProblem::Name(ParseFqdnError::Short)),
            (at(4), GatewayProblem::Name(ParseFqdnError::Number)),
            (at(5), GatewayProblem::Underscore),
            (at(6), GatewayProblem::Wildcard),
            ("/spec/servers/1/tls/credentialName".into(), GatewayProblem::Credential(ParseCredentialError)),
        ]
    );
    assert_eq!(
        by_http.faults[0].to_string(),
        "shop/web Gateway/web: `*`: no authority signs for every host; write the hosts, or *.example.com"
    );
    let by_dns = found(&acme(Some("corp")), &[gateway]);
    assert_eq!(by_dns.credentials[&credential("one")].unprovable, hosts(""), "proved by DNS");
}

/// As two Gateways of Istio do; the order in which they are read is nobody's concern.
#[test]
fn two_access_points_that_name_one_secret_share_its_certificate() {
    let tls = json!({ "mode": "SIMPLE", "credentialName": "one" });
    let first = gateway("web", &json!([server(&["a.example.com"], tls.clone())]));
    let second = gateway("api", &json!([server(&["b.example.com"], tls)]));
    let (corp, two) = (issuer(100), issuer(1));
    let other = Issuer { name: "other".parse().unwrap(), ..issuer(100) };
    let both = |one: &Issuer, other: Option<&Issuer>, name: &Name, is_swapped: bool| {
        let mut found = GatewayHosts::default();
        if is_swapped {
            found.add(&access_point("api"), name, other, [&second]);
        }
        found.add(&access_point("web"), &one.name, Some(one), [&first]);
        if !is_swapped {
            found.add(&access_point("api"), name, other, [&second]);
        }
        found
    };
    let cases = [
        (&corp, Some(&corp), &corp.name, None),
        (
            &two,
            Some(&two),
            &two.name,
            None, // they lie in two secrets
        ),
        (
            &corp,
            Some(&other),
            &other.name,
            Some(
                "named by shop/api Gateway/api, shop/web Gateway/web with the issuers corp, other; let them ask for one, or name secrets of their own",
            ),
        ),
        (
            &corp,
            None,
            &other.name,
            Some(
                "named by shop/api Gateway/api, shop/web Gateway/web with the issuers corp, other; let them ask for one, or name secrets of their own",
            ),
        ),
    ];
    for (one, second, name, problem) in cases {
        let found = both(one, second, name, false);
        assert_eq!(found, both(one, second, name, true));
        assert_eq!(found.credentials[&credential("one")].hosts, hosts("a b"));
        let problems: Vec<String> = found.refused().map(|(_, problem)| problem.to_string()).collect();
        assert_eq!(problems, problem.map(str::to_owned).into_iter().collect::<Vec<_>>());
    }
    let mut found = GatewayHosts::default();
    found.add(&access_point("web"), &other.name, None, [&first]);
    assert_eq!(
        found.refused().next().unwrap().1.to_string(),
        "shop/web Gateway/web ask for the issuer other, which is not there; correct its name, or make it"
    );
}

/// A host that is lost for good keeps no other from being used, though its certificate has ended.
#[test]
fn what_has_ended_holds_back_no_gateway() {
    let of = |hosts: &[&str]| {
        let tls = json!({ "mode": "SIMPLE", "credentialName": "x" });
        found(&issuer(100), &[gateway("web", &json!([server(hosts, tls)]))])
    };
    let mut world = World::new();
    world.desire(of(&["a.example.com"]).credentials);
    world.failing = hosts("a");
    world.pass(days(91));
    assert_eq!(world.serves("x a"), None);
    let both = of(&["a.example.com", "b.example.com"]);
    world.desire(both.credentials.clone());
    assert_eq!((world.serves("x b"), world.lacking(&both).len()), (Some(2), 0));
    assert_eq!(world.machine.status(world.wall(), &both).unwrap().state, CertificateState::Expired);
}

/// Whose proof is a request to the gateway cannot wait for its certificate with it.
#[test]
fn a_first_gateway_does_not_wait_for_what_it_has_to_prove() {
    let tls = |name: &str| json!({ "mode": "SIMPLE", "credentialName": name });
    let servers = |hosts: &[&str]| [gateway("web", &json!([server(hosts, tls("x"))]))];
    for (provider, held) in [(None, 0), (Some("corp"), 1)] {
        let (mut world, acme) = (World::new(), acme(provider));
        let first = found(&acme, &servers(&["a.example.com"]));
        world.machine.handle_desired(world.now, world.wall(), &first.credentials);
        assert_eq!(world.lacking(&first).len(), 1, "it may be served in plain text");
        world.failing = hosts("a");
        world.settle();
        assert_eq!(world.lacking(&first).len(), held, "{provider:?}");
        // the gateway is there
        world.failing.clear();
        world.pass(Duration::from_secs(300));
        assert_eq!(world.serves("x a"), Some(1));
    }
    // what a certificate covers, of whatever credential, is not given away
    let (mut world, acme) = (World::new(), acme(None));
    let old = found(&acme, &servers(&["a.example.com"]));
    world.machine.handle_desired(world.now, world.wall(), &old.credentials);
    world.settle();
    let moved = [gateway("web", &json!([server(&["a.example.com", "b.example.com"], tls("y"))]))];
    let both = found(&acme, &[servers(&["a.example.com"]), moved.clone()].concat());
    world.failing = hosts("a b");
    world.told = 2;
    world.machine.handle_desired(world.now, world.wall(), &both.credentials);
    world.settle();
    let new = found(&acme, &moved);
    assert_eq!(world.lacking(&new), ["y a.example.com"]);
}

#[test]
fn the_status_of_several_credentials_is_the_worst_of_them() {
    let objects = gateway(
        "web",
        &json!([
            server(&["a.example.com", "b.example.com"], json!({ "mode": "SIMPLE", "credentialName": "x" })),
            server(&["c.example.com"], json!({ "mode": "SIMPLE", "credentialName": "y" })),
        ]),
    );
    let found = found(&issuer(100), &[objects]);
    let mut world = World::new();
    let lacking = |world: &World| world.lacking(&found);
    let status = |world: &World| world.machine.status(world.wall(), &found).unwrap();
    assert_eq!(
        status(&world),
        CertificateStatus { state: CertificateState::Pending, serial: None, not_after: None }
    );
    assert_eq!(lacking(&world), ["x a.example.com", "x b.example.com", "y c.example.com"]);
    world.failing = hosts("b");
    world.machine.handle_desired(world.now, world.wall(), &found.credentials);
    world.settle();
    assert_eq!((status(&world).state, lacking(&world)), (CertificateState::Failed, Vec::new()));
    world.failing.clear();
    world.pass(days(1));
    let soonest = world.secrets[&credential("y")].clone();
    let right = CertificateStatus {
        state: CertificateState::Issued,
        serial: Some(soonest.serial),
        not_after: Some(soonest.not_after),
    };
    assert_eq!((status(&world), lacking(&world)), (right.clone(), Vec::new()));
    // a restart changes no status, but nobody is sure of the gateways yet
    world.restart();
    world.machine.handle_desired(world.now, world.wall(), &found.credentials);
    assert_eq!((status(&world), lacking(&world).len()), (right, 3));
    world.settle();
    assert_eq!(lacking(&world), [] as [&str; 0]);
    let none = GatewayHosts::default();
    assert_eq!(world.machine.status(world.wall(), &none), None);
}
