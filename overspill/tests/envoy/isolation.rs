//! Access points on one gateway: each host on its own address only, and rules by the client's own address.

use std::net::SocketAddr;

use mesh_model::envoy::{GatewayInput, Proxy, configure};
use serde_json::Value;

use crate::backend::Backend;
use crate::gateway::{Gateway, Site, free};
use crate::{client, envoy, gateway_of, id, networking, objects};

/// The objects of an access point with one host, whose pages are answers of the gateway itself.
fn page(host: &str, port: u16, inside: &str) -> Vec<Value> {
    let answer = format!("{{ directResponse: {{ status: 200, body: {{ string: {host} }} }} }}");
    let page = format!("{{ hosts: [{host}], gateways: [edge], http: [{answer}] }}");
    let served = gateway_of("edge", port, "HTTP", host) + &networking("VirtualService", "page", &page);
    objects(&format!(
        "{served}---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: admin-inside }}
spec:
  action: DENY
  rules:
    - from: [{{ source: {{ notRemoteIpBlocks: [{inside}] }} }}]
      to: [{{ operation: {{ paths: [\"*/admin\", \"*/admin/\"] }} }}]
"
    ))
}

#[test]
fn admin_is_for_insiders_and_hosts_are_on_their_own_address() {
    let Some(envoy) = envoy() else { return };
    let port = free("127.0.79.1").port();
    // the client is 127.0.0.1: inside for one, outside for the other
    let (inside, outside) =
        (page("in.example.com", port, "127.0.0.0/8"), page("out.example.com", port, "10.0.0.0/8"));
    let input = |name, vip: [u8; 4], objects| GatewayInput {
        access_point: id(name),
        vips: vec![vip.into()],
        objects,
        endpoints: &[],
        rate_limit: None,
    };
    let inputs =
        [input("shop/in", [127, 0, 79, 1], &inside[..]), input("shop/out", [127, 0, 79, 2], &outside[..])];
    // a policy without a selector is the gateway's where both are of one namespace
    let proxy = Proxy { namespace: Some(id("shop/in").namespace), ..Proxy::default() };
    let config = configure(&proxy, &inputs).whole().unwrap();
    let address = |vip: [u8; 4]| SocketAddr::from((vip, port));
    let (one, other) = (address([127, 0, 79, 1]), address([127, 0, 79, 2]));
    let _gateway = Gateway::start(&envoy, &config, &[]);
    for (at, host, path, expected) in [
        (one, "in.example.com", "/", 200),
        (one, "in.example.com", "/shop/admin", 200),
        (other, "out.example.com", "/", 200),
        (other, "out.example.com", "/administrator", 200),
        (other, "out.example.com", "/shop/admin", 403),
        (other, &format!("out.example.com:{port}"), "/admin", 403),
        (other, "out.example.com", "/admin?page=1", 403),
        (other, "out.example.com", "/shop//admin", 403),
        (other, "out.example.com", "/shop/admin/", 403),
        (other, "out.example.com", "/admin//", 403),
        (other, "out.example.com", "/shop/x/../admin", 403),
        (other, "out.example.com", "/shop/%61dmin", 403),
        (other, "out.example.com", "/shop%2Fadmin", 307),
        (other, "out.example.com", "/shop\\admin", 403),
        // the other's host is nobody here
        (one, "out.example.com", "/", 404),
        (other, "in.example.com", "/shop/admin", 403),
        (other, "in.example.com", "/", 404),
    ] {
        // what a client claims of its address is nothing
        let response = client::ask(at, &format!("GET {path}"), host, "X-Forwarded-For: 10.1.1.1\r\n");
        assert_eq!(response.status, expected, "{host}{path} at {at}");
    }
}

#[test]
fn a_rule_of_some_pods_is_for_the_routes_to_them_only() {
    let Some(envoy) = envoy() else { return };
    let (web, api) = (Backend::new("web"), Backend::new("api"));
    let routes = "
    - { match: [{ uri: { prefix: /api } }], route: [{ destination: { host: api } }] }
    - { match: [{ uri: { prefix: /page } }], directResponse: { status: 200 } }
    - { route: [{ destination: { host: web } }] }";
    let status = |policy: &str, path: &str| {
        let mut site = Site::plain(routes, &[("web", &[web.address]), ("api", &[api.address])]);
        site.add(&format!(
            "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: rule }}
spec: {{ selector: {{ matchLabels: {{ app: web }} }}, {policy} }}
"
        ));
        let _gateway = site.start(&envoy);
        client::get(site.at, "shop.example.com", path).status
    };
    let allow = "action: ALLOW, rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/8] } }] }]";
    assert_eq!(status(allow, "/"), 403);
    assert_eq!(status(allow, "/api"), 200, "nobody said anything of these pods");
    assert_eq!(status(allow, "/page"), 200, "this is no pod at all");
    let deny = "action: DENY, rules: [{ from: [{ source: { notIpBlocks: [10.0.0.0/8] } }], to: [{ operation: { paths: ['*/admin'] } }] }]";
    assert_eq!(status(deny, "/admin"), 403);
    assert_eq!(status(deny, "/api/admin"), 200);
    let inside = allow.replace("10.0.0.0/8", "127.0.0.0/8");
    assert_eq!(status(&inside, "/"), 200);
}

#[test]
fn a_service_entry_is_no_way_around_a_rule_of_pods() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let status = |selected: &str, path: &str| {
        let mut site = Site::plain("[{ route: [{ destination: { host: led.example.com } }] }]", &[]);
        let (address, port) = (web.address.ip(), web.address.port());
        site.add(&format!(
            "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{ name: ledger }}
spec:
  hosts: [led.example.com]
  resolution: STATIC
  ports: [{{ number: 80, name: http, protocol: HTTP, targetPort: {port} }}]
  workloadSelector: {{ labels: {{ tier: pay }} }}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {{ name: one }}
spec: {{ address: {address}, labels: {{ tier: pay, app: web }} }}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: rule }}
spec:
  selector: {{ matchLabels: {{ app: {selected} }} }}
  action: DENY
  rules: [{{ from: [{{ source: {{ notIpBlocks: [10.0.0.0/8] }} }}], to: [{{ operation: {{ paths: ['*/admin'] }} }}] }}]
"
        ));
        let _gateway = site.start(&envoy);
        client::get(site.at, "shop.example.com", path).status
    };
    assert_eq!(status("web", "/x/admin"), 403);
    assert_eq!(status("web", "/x"), 200);
    assert_eq!(status("other", "/x/admin"), 200, "these are other pods");
}

#[test]
fn a_policy_without_a_selector_is_not_for_a_gateway_of_another_namespace() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let status = |namespace: &str, policies: &str, path: &str| {
        let mut site =
            Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &[web.address])]);
        site.proxy.namespace = Some(namespace.parse().unwrap());
        site.add(policies);
        let _gateway = site.start(&envoy);
        client::get(site.at, "shop.example.com", path).status
    };
    // what sidecars ask: nobody, but for the gateway
    let sidecars = "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: allow-nothing }
spec: {}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: gateway }
spec:
  selector: { matchLabels: { app: web } }
  rules: [{ from: [{ source: { principals: [cluster.local/ns/istio-system/sa/gateway] } }] }]
";
    assert_eq!(status("istio-system", sidecars, "/"), 200);
    assert_eq!(status("shop", sidecars, "/"), 403, "it is one of the workloads");
    let outside = "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: admin }
spec: { action: DENY, rules: [{ from: [{ source: { notIpBlocks: [10.0.0.0/8] } }], to: [{ operation: { paths: ['/admin'] } }] }] }
";
    assert_eq!(status("istio-system", outside, "/admin"), 403, "only the gateway sees the address");
    assert_eq!(status("istio-system", outside, "/"), 200);
}

#[test]
fn a_rule_of_a_host_holds_at_every_port_of_it() {
    let Some(envoy) = envoy() else { return };
    for host in ["hosts: ['shop.example.com:*']", "hosts: [shop.example.com]"] {
        let when = "when: [{ key: 'request.headers[host]', values: ['shop.example.com:*'] }]";
        let mut site = Site::plain("[{ directResponse: { status: 200 } }]", &[]);
        site.add(&format!(
            "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: rule }}
spec:
  action: DENY
  rules: [{{ to: [{{ operation: {{ {host}, paths: [/admin] }} }}] }}, {{ to: [{{ operation: {{ paths: [/inner] }} }}], {when} }}]
"
        ));
        let _gateway = site.start(&envoy);
        let own = format!("shop.example.com:{}", site.at.port());
        for host in ["shop.example.com", "SHOP.example.com", "shop.example.com:8080", &own] {
            assert_eq!(client::get(site.at, host, "/admin").status, 403, "{host}");
            assert_eq!(client::get(site.at, host, "/inner").status, 403, "{host}");
            assert_eq!(client::get(site.at, host, "/").status, 200, "{host}");
        }
    }
}

#[test]
fn a_rule_may_have_a_template_of_paths() {
    let Some(envoy) = envoy() else { return };
    let mut site = Site::plain("[{ directResponse: { status: 200 } }]", &[]);
    site.add(
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: rule }
spec: { action: DENY, rules: [{ to: [{ operation: { paths: ['/users/{*}/keys', '/vault/{**}'] } }] }] }
",
    );
    let _gateway = site.start(&envoy);
    for (path, expected) in [
        ("/users/ann/keys", 403),
        ("/users/ann/keys?x=1", 403),
        ("/users/ann/ben/keys", 200),
        ("/users/keys", 200),
        ("/vault/a/b", 403),
        ("/vaults", 200),
    ] {
        assert_eq!(client::get(site.at, "shop.example.com", path).status, expected, "{path}");
    }
}

#[test]
fn a_port_of_bytes_is_carried_for_who_may_call_it() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let answer = |inside: &str| {
        let mut site = Site::plain("[{ directResponse: { status: 200 } }]", &[("web", &[web.address])]);
        let at = free("127.0.79.1");
        site.add(&gateway_of("bytes", at.port(), "TCP", "*"));
        site.add(&format!(
            "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{ name: bytes }}
spec: {{ hosts: ['*'], gateways: [bytes], tcp: [{{ match: [{{ port: {port} }}], route: [{{ destination: {{ host: web }} }}] }}] }}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{ name: inside }}
spec: {{ action: ALLOW, rules: [{{ from: [{{ source: {{ ipBlocks: [{inside}] }} }}] }}] }}
",
            port = at.port()
        ));
        let _gateway = site.start(&envoy);
        // the bytes are HTTP, which the gateway does not look at: the host is nobody's
        let answer = client::exchange(&mut client::connect(at), "GET //x", "nobody.example.com", "");
        answer.map(|answer| (answer.backend().to_owned(), answer.body)).ok()
    };
    let (backend, seen) = answer("127.0.0.0/8").unwrap();
    assert!(backend == "web" && seen.starts_with("GET //x HTTP/1.1"), "nothing is changed: {seen}");
    assert_eq!(answer("10.0.0.0/8"), None, "it is closed");
    assert_eq!(web.seen().len(), 1);
}
