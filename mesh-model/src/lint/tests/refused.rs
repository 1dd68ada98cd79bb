//! Tests of what Istio's admission refuses of objects other than Gateways, of policies that match nothing, and of
//! entries that nobody is sent to.

use super::cases::{check, shops};
use super::*;

fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, "")]).remove(0)
}

fn policy(spec: &str) -> Vec<AccessPoint> {
    shop(&[SERVICE, &istio("AuthorizationPolicy", spec).replace("networking.istio.io", "security.istio.io")])
}

#[test]
fn objects_that_istio_refuses() {
    const ROUTE: &str = "route: [{ destination: { host: web } }]";
    let http = |rule: &str| {
        shop(&[
            SERVICE,
            &istio("VirtualService", &format!("{{ hosts: [a.example.com], http: [{{ {rule} }}] }}")),
        ])
    };
    let routes = |spec: &str| shop(&[SERVICE, &istio("VirtualService", &format!("{{ {spec} }}"))]);
    let from = |source: &str| {
        policy(&format!("{{ action: DENY, rules: [{{ from: [{{ source: {{ {source} }} }}] }}] }}"))
    };
    let mended = {
        let wrong = istio(
            "VirtualService",
            &format!("{{ hosts: [a.example.com], http: [{{ {ROUTE}, retries: {{ attempts: -1 }} }}] }}"),
        );
        let patch = "{ op: remove, path: /spec/http/0/retries }";
        let more =
            format!(", overrides: [{{ name: o, rules: [{{ kind: VirtualService, patch: [{patch}] }}] }}]");
        shops(&[(&[SERVICE, &wrong], &more)]).remove(0)
    };
    check(
        Code::ObjectRefused,
        &facts(),
        vec![
            http(&format!("redirect: {{ uri: /b }}, {ROUTE}")),
            http(&format!("directResponse: {{ status: 503 }}, {ROUTE}")),
            http("redirect: { uri: /b }, rewrite: { uri: /c }"),
            http(&format!("{ROUTE}, retries: {{ attempts: -1 }}")),
            http(&format!("{ROUTE}, retries: {{ attempts: 0, perTryTimeout: 1s }}")),
            http(&format!("{ROUTE}, retries: {{ attempts: 0, retryOn: 5xx }}")),
            http(&format!("{ROUTE}, retries: {{ retryRemoteLocalities: false }}")),
            routes(&format!("hosts: [], gateways: [web], http: [{{ {ROUTE} }}]")),
            routes(&format!("tcp: [{{ {ROUTE} }}]")),
            from("notRemoteIpBlocks: [10.0.0.0/33]"),
            from("ipBlocks: [10.0.0.0/8, 10.0.0]"),
            from("remoteIpBlocks: ['2001:db8::/129']"),
        ],
        vec![
            http(ROUTE),
            http("redirect: { uri: /b }"),
            http("directResponse: { status: 503 }"),
            http(&format!("{ROUTE}, retries: {{ attempts: 0 }}")),
            // nothing, as it is read
            http(&format!("{ROUTE}, retries: {{ attempts: 0, retryOn: '' }}")),
            http(&format!("{ROUTE}, retries: {{ attempts: 2, perTryTimeout: 1s }}")),
            // one that others delegate to
            routes(&format!("http: [{{ {ROUTE} }}]")),
            from("notRemoteIpBlocks: [10.0.0.0/8, 10.0.0.1, '2001:db8::/32']"),
            mended,
        ],
    );
}

#[test]
fn exports_that_istio_refuses() {
    let export = |kind: &str, list: &str| {
        let rest = match kind {
            "VirtualService" => "hosts: [a.example.com], http: [{ route: [{ destination: { host: web } }] }]",
            "DestinationRule" => "host: web",
            _ => {
                "hosts: [a.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }]"
            }
        };
        shop(&[SERVICE, &istio(kind, &format!("{{ {rest}, exportTo: [{list}] }}"))])
    };
    // for some of the callers in the own namespace
    let bound = |list: &str| {
        let rule = "{ host: web, workloadSelector: { matchLabels: { app: web } }, exportTo: [LIST] }";
        shop(&[SERVICE, &istio("DestinationRule", &rule.replace("LIST", list))])
    };
    check(
        Code::ObjectRefused,
        &facts(),
        vec![
            export("VirtualService", "'Shop!'"),
            export("DestinationRule", "'~'"),
            export("ServiceEntry", "'*', pay"),
            export("ServiceEntry", "'~', '.'"),
            export("VirtualService", "pay, pay"),
            // the own namespace by either name
            export("DestinationRule", "'.', team"),
            export("ServiceEntry", "team, pay, '.'"),
            bound("pay"),
            bound("'.', pay"),
            bound("'*'"),
        ],
        vec![
            export("VirtualService", "'.', pay"),
            export("DestinationRule", "'*'"),
            export("ServiceEntry", "'~'"),
            export("VirtualService", "team, pay"),
            bound("'.'"),
            bound("team"),
            bound(""),
        ],
    );
}

#[test]
fn policies_that_match_nothing() {
    let deny = |operation: &str| {
        policy(&format!("{{ action: DENY, rules: [{{ to: [{{ operation: {{ {operation} }} }}] }}] }}"))
    };
    check(
        Code::PolicyNeverMatches,
        &facts(),
        vec![
            deny("paths: ['*admin*']"),
            deny("paths: [/a, '/a/*/b']"),
            deny("paths: ['/*'], notPaths: ['/a*b']"),
            deny("hosts: ['*.example.*']"),
            policy("{ action: ALLOW, rules: [{ from: [{ source: { principals: ['*/ns/a/sa/*'] } }] }] }"),
            policy("{ action: DENY, rules: [] }"),
            policy("{ action: DENY }"),
            policy("{ action: AUDIT }"),
        ],
        vec![
            deny("paths: ['/admin*', '*/admin', '*', '/a/{*}/b', '/a/{**}']"),
            deny("hosts: ['*.example.com']"),
            // a way to allow nothing
            policy("{}"),
            policy("{ action: ALLOW, rules: [] }"),
            policy("{ action: DENY, rules: [{}] }"),
            policy("{ action: DENY, rules: [{ from: [{ source: { namespaces: ['a*b*'] } }] }] }"),
        ],
    );
    let at = |spec: &str| found(&policy(spec), None);
    assert_eq!(at("{ action: DENY, rules: [] }"), ["shop spec.templates[1].spec.rules policy-never-matches"]);
    assert_eq!(
        at("{ action: DENY, rules: [{ to: [{ operation: { paths: ['*a*'] } }] }] }"),
        ["shop spec.templates[1].spec.rules[0].to[0].operation.paths[0] policy-never-matches"]
    );
}

#[test]
fn entries_that_nobody_is_sent_to() {
    let entry = |resolution: &str, rest: &str| {
        istio(
            "ServiceEntry",
            &format!(
                "{{ hosts: [bank.example.com], location: MESH_INTERNAL, resolution: {resolution}, ports: [{{ number: 443, name: tls-bank, protocol: TLS }}], {rest} }}"
            ),
        )
    };
    let selected = |resolution: &str, workload: &str| {
        let service = entry(resolution, "workloadSelector: { labels: { app: bank } }");
        shop(&[
            SERVICE,
            &service,
            &istio("WorkloadEntry", &format!("{{ {workload}, labels: {{ app: bank }} }}")),
        ])
    };
    let inline = |resolution: &str, address: &str| {
        shop(&[SERVICE, &entry(resolution, &format!("endpoints: [{{ address: '{address}' }}]"))])
    };
    let of_service = |address: &str| {
        shop(&[
            SERVICE,
            &istio("WorkloadEntry", &format!("{{ address: {address}, labels: {{ app: web }} }}")),
        ])
    };
    check(
        Code::AddressNotStatic,
        &facts(),
        vec![
            selected("STATIC", "address: 10.40.0.317"),
            selected("STATIC", "address: bank.example.com"),
            inline("STATIC", "bank.example.com"),
            of_service("web-1.example.com"),
        ],
        vec![
            selected("STATIC", "address: 10.40.0.31"),
            selected("STATIC", "address: '2001:db8::1'"),
            selected("STATIC", "network: far"),
            selected("DNS", "address: bank.example.com"),
            inline("DNS", "bank.example.com"),
            inline("STATIC", "unix:///run/bank"),
            of_service("192.0.2.1"),
        ],
    );
    let with_ports = |ports: &str| selected("STATIC", &format!("address: 192.0.2.1, ports: {{ {ports} }}"));
    check(
        Code::UnknownPort,
        &facts(),
        vec![with_ports("tls-bnak: 8443"), with_ports("tls-bank: 8443, http: 80"), with_ports("x: 1")],
        vec![with_ports("tls-bank: 8443"), with_ports(""), selected("DNS", "address: a.example.com")],
    );
}
