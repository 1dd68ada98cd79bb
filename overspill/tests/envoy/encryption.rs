//! TLS on both sides of a gateway, with real certificates that come by SDS.

use std::net::SocketAddr;
use std::time::Duration;

use mesh_model::certificate::{
    AskedIssuer, Certificates, Credential, Issued, OrderFailure, Transmit, Wanted,
};
use mesh_model::envoy::{GatewayInput, HostEndpoints, Proxy, configure};
use mesh_model::patch::{Document, Origin, apply};
use mesh_model::time::{Time, WallTime};
use serde_json::{Value, json};

use crate::authority::{Authority, Signed};
use crate::backend::{Backend, GOOD};
use crate::gateway::{Gateway, Site, free};
use crate::{client, envoy, id, objects};

/// A gateway with these servers and objects, on one port.
fn start(
    at: SocketAddr,
    text: &str,
    endpoints: &[HostEndpoints],
    secrets: &[(&str, Value)],
) -> Option<Gateway> {
    let envoy = envoy()?;
    let objects = objects(&text.replace("PORT", &at.port().to_string()));
    let input = GatewayInput {
        access_point: id("shop/edge"),
        vips: vec![at.ip()],
        objects: &objects,
        endpoints,
        rate_limit: None,
    };
    let config =
        configure(&Proxy::default(), &[input]).whole().unwrap_or_else(|faults| panic!("{faults:#?}"));
    for name in &config.secrets {
        assert!(secrets.iter().any(|(of, _)| of == name), "{name} is asked for");
    }
    Some(Gateway::start(&envoy, &config, secrets))
}

/// Each of these secrets, with a certificate that the authority signs for its one host.
fn signed<'a>(authority: &Authority, secrets: &[(&'a str, &str)]) -> Vec<(&'a str, Value)> {
    secrets.iter().map(|(name, host)| (*name, authority.sign(&[host]).secret(name))).collect()
}

#[test]
fn the_name_in_the_hello_chooses_certificate_and_host() {
    let (authority, at) = (Authority::new("public"), free("127.0.79.1"));
    let mut secrets = signed(
        &authority,
        &[
            ("kubernetes://shop/a", "a.example.com"),
            ("kubernetes://shop/b", "b.example.com"),
            ("kubernetes://shop/partners", "partners.example.com"),
        ],
    );
    let clients = Authority::new("clients");
    let trusted = "kubernetes://shop/partners-cacert";
    secrets.push((trusted, clients.secret(trusted)));
    let text = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  servers:
    - { port: { number: PORT, name: a, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: SIMPLE, credentialName: a, minProtocolVersion: TLSV1_3 } }
    - { port: { number: PORT, name: b, protocol: HTTPS }, hosts: [b.example.com], tls: { mode: SIMPLE, credentialName: b } }
    - { port: { number: PORT, name: p, protocol: HTTPS }, hosts: [partners.example.com], tls: { mode: MUTUAL, credentialName: partners, subjectAltNames: [client.example.net] } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: pages }
spec:
  hosts: [a.example.com, b.example.com, partners.example.com]
  gateways: [edge]
  http:
    - directResponse: { status: 200, body: { string: page } }
      headers: { response: { set: { x-client: '%REQ(x-forwarded-client-cert)%' } } }
";
    let Some(_gateway) = start(at, text, &[], &secrets) else { return };
    for name in ["a.example.com", "b.example.com"] {
        // the client checks that the certificate is of the name
        assert_eq!(authority.get(at, name, "/", None).unwrap().status, 200, "{name}");
    }
    assert!(
        authority.get(at, "c.example.com", "/", None).is_err(),
        "no certificate for a name that is not served"
    );
    let of = |signed: &Signed| {
        authority.get(at, "partners.example.com", "/", Some(signed)).map(|one| one.status).ok()
    };
    let good = clients.sign(&["client.example.net"]);
    assert_eq!(of(&good), Some(200));
    let page = authority.get(at, "partners.example.com", "/", Some(&good)).unwrap();
    assert!(page.header("x-client").contains("DNS=client.example.net"), "{}", page.header("x-client"));
    assert_eq!(of(&clients.sign(&["other.example.net"])), None, "another client's name");
    assert_eq!(of(&authority.sign(&["client.example.net"])), None, "another authority's");
    assert!(authority.get(at, "partners.example.com", "/", None).is_err(), "without a certificate");
}

/// A host to which only another namespace may bind routes: its TLS ends here, and nobody answers for it, not
/// even the routes for all hosts beside it.
#[test]
fn a_host_of_another_namespace_takes_no_other_hosts_connections() {
    let (authority, at) = (Authority::new("public"), free("127.0.79.1"));
    let secrets = signed(
        &authority,
        &[("kubernetes://shop/theirs", "checkout.example.com"), ("kubernetes://shop/ours", "a.example.com")],
    );
    let text = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  servers:
    - { port: { number: PORT, name: theirs, protocol: HTTPS }, hosts: [other/checkout.example.com], tls: { mode: SIMPLE, credentialName: theirs } }
    - { port: { number: PORT, name: ours, protocol: HTTPS }, hosts: ['*'], tls: { mode: SIMPLE, credentialName: ours } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: pages }
spec: { hosts: ['*'], gateways: [edge], http: [{ directResponse: { status: 200 } }] }
";
    // which waits until it is ready: Envoy refuses two chains that take the same
    let Some(_gateway) = start(at, text, &[], &secrets) else { return };
    // the client checks that the certificate is of the name
    for (host, expected) in [("checkout.example.com", 404), ("a.example.com", 200)] {
        assert_eq!(authority.get(at, host, "/", None).unwrap().status, expected, "{host}");
    }
}

/// Certificates for these hosts of `shop/web`, as an authority gives them that finds the lost one not to be ours.
fn certify(certificates: &mut Certificates, hosts: &[&str], lost: Option<&str>) {
    let (now, wall): (Time, WallTime) = (Time::ZERO, "2026-11-26T00:00:00Z".parse().unwrap());
    let wanted = Wanted {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        issuers: [("corp".parse().unwrap(), AskedIssuer::Known { max_names: 100 })].into(),
        ..Wanted::default()
    };
    let web = Credential::new("shop".parse().unwrap(), "web").unwrap();
    certificates.handle_desired(now, wall, &[(web, wanted)].into());
    while let Some(transmit) = certificates.poll_transmit() {
        match transmit {
            Transmit::Order { credential, issuer, hosts } => {
                let lost = hosts.iter().find(|host| lost == Some(host.as_str())).cloned();
                let failed = |host| OrderFailure::Hosts { failed: [(host, "no record".to_owned())].into() };
                let not_after = wall + Duration::from_secs(90 * 86_400);
                let issued = Issued { issuer, hosts, serial: "1".into(), not_before: wall, not_after };
                let result = lost.map_or(Ok(issued), |host| Err(failed(host)));
                certificates.handle_order_result(now, wall, &credential, result);
            }
            Transmit::Store { credential, issued } => {
                certificates.handle_stored(now, wall, &credential, &issued.serial);
            }
            Transmit::Push { credential, serial } => {
                certificates.handle_pushed(now, wall, &credential, &serial);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A server that was divided: both halves are of one port, and each host is shown the certificate that names it.
#[test]
fn hosts_of_one_server_are_served_from_two_secrets() {
    let (authority, at) = (Authority::new("public"), free("127.0.79.3"));
    let mut certificates = Certificates::new(7, Vec::new());
    certify(&mut certificates, &["a.example.com"], None);
    certify(&mut certificates, &["a.example.com", "b.example.com"], Some("a.example.com"));
    let server = json!({
        "port": { "number": at.port(), "name": "https", "protocol": "HTTPS" },
        "hosts": ["b.example.com", "a.example.com"],
        "tls": { "mode": "SIMPLE", "credentialName": "web" },
    });
    let gateway = json!({ "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "edge" }, "spec": { "servers": [server] } });
    let mut gateway = Document::new(gateway, Origin(0));
    let wall = "2026-11-26T00:00:00Z".parse().unwrap();
    let operations = certificates.divide(wall, &"shop".parse().unwrap(), gateway.value()).unwrap();
    apply(&mut gateway, &operations, Origin(1)).unwrap();
    let text = format!(
        "{}\n---\n{}",
        gateway.into_value(),
        "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: pages }
spec:
  hosts: [a.example.com, b.example.com]
  gateways: [edge]
  http: [{ directResponse: { status: 200, body: { string: page } } }]
"
    );
    let secrets = signed(
        &authority,
        &[("kubernetes://shop/web", "a.example.com"), ("kubernetes://shop/web-overspill-2", "b.example.com")],
    );
    let Some(_gateway) = start(at, &text, &[], &secrets) else { return };
    for name in ["a.example.com", "b.example.com"] {
        // the client checks that the certificate is of the name, and each names one alone
        assert_eq!(authority.get(at, name, "/", None).unwrap().status, 200, "{name}");
    }
}

#[test]
fn calls_are_encrypted_and_both_sides_show_who_they_are() {
    let Some(envoy) = envoy() else { return };
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let backend = |names: &[&str]| {
        Backend::over("api", |_| GOOD, Authority::accept(&servers.sign(names), Some(&clients)))
    };
    let status = |backend: &Backend, own: &Authority| {
        let mut site = Site::plain(
            "[{ retries: { attempts: 0 }, route: [{ destination: { host: api.example.net } }] }]",
            &[],
        );
        site.add(&format!(
            "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{ name: api }}
spec:
  hosts: [api.example.net]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{{ number: 443, name: https, protocol: HTTPS, targetPort: {} }}]
  endpoints: [{{ address: {} }}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{ name: api }}
spec: {{ host: api.example.net, trafficPolicy: {{ tls: {{ mode: MUTUAL, credentialName: client }} }} }}
",
            backend.address.port(),
            backend.address.ip()
        ));
        let name = "kubernetes://shop/client";
        let secrets = [
            (name, own.sign(&["gateway.example.com"]).secret(name)),
            ("kubernetes://shop/client-cacert", servers.secret("kubernetes://shop/client-cacert")),
        ];
        let _gateway = Gateway::start(&envoy, &site.config(), &secrets);
        client::get(site.at, "shop.example.com", "/").status
    };
    assert_eq!(status(&backend(&["api.example.net"]), &clients), 200);
    assert_eq!(status(&backend(&["evil.example.net"]), &clients), 503, "another's certificate");
    let strict = backend(&["api.example.net"]);
    assert_eq!(status(&strict, &servers), 503, "the server does not know the gateway's");
    assert_eq!(strict.seen(), [""; 0]);
}

#[test]
fn inside_of_the_mesh_the_meshs_own_certificate_is_shown() {
    let Some(envoy) = envoy() else { return };
    let mesh = Authority::new("mesh");
    let web = Backend::over("web", |_| GOOD, Authority::accept(&mesh.sign(&["web"]), Some(&mesh)));
    let mut site = Site::plain("[{ route: [{ destination: { host: web.others.svc.cluster.local } }] }]", &[]);
    site.endpoints("web.others.svc.cluster.local", 80, &[web.address]);
    let secrets = [("default", mesh.sign(&["gateway"]).secret("default")), ("ROOTCA", mesh.secret("ROOTCA"))];
    let _gateway = Gateway::start(&envoy, &site.config(), &secrets);
    assert_eq!(client::get(site.at, "shop.example.com", "/").backend(), "web");
}

#[test]
fn what_passes_through_is_not_opened_and_goes_by_its_name() {
    let (authority, at) = (Authority::new("public"), free("127.0.79.1"));
    let server = |name: &'static str| {
        let accept = Authority::accept(&authority.sign(&[name]), None);
        Backend::over(name, |_| GOOD, accept)
    };
    let (a, b) = (server("a.example.com"), server("b.example.com"));
    let mut text = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  servers: [{ port: { number: PORT, name: tls, protocol: TLS }, hosts: [\"*.example.com\"], tls: { mode: PASSTHROUGH } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: names }
spec:
  hosts: [\"*.example.com\"]
  gateways: [edge]
  tls:
    - { match: [{ sniHosts: [a.example.com] }], route: [{ destination: { host: a.internal } }] }
    - { match: [{ sniHosts: [b.example.com] }], route: [{ destination: { host: b.internal } }] }
"
    .to_owned();
    for (name, backend) in [("a", &a), ("b", &b)] {
        let (address, port) = (backend.address.ip(), backend.address.port());
        text += &format!(
            "---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{ name: {name} }}
spec: {{ hosts: [{name}.internal], resolution: STATIC, ports: [{{ number: 443, name: tls, protocol: TLS, targetPort: {port} }}], endpoints: [{{ address: {address} }}] }}
"
        );
    }
    let Some(_gateway) = start(at, &text, &[], &[]) else { return };
    for name in ["a.example.com", "b.example.com"] {
        assert_eq!(authority.get(at, name, "/", None).unwrap().backend(), name);
    }
    assert!(authority.get(at, "c.example.com", "/", None).is_err());
}
