//! Tests of what a VirtualService, a Gateway and a policy say that never happens: for each code what is wrong, and
//! what looks much like it and is right.

use super::cases::{check, shops};
use super::*;

/// One access point of these templates.
fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, "")]).remove(0)
}

const DESTINATION: &str = "route: [{ destination: { host: web } }]";

#[test]
fn rules_that_no_request_reaches() {
    let of = |rules: &[&str]| {
        let rules: Vec<String> = rules.iter().map(|rule| format!("{{ {rule}{DESTINATION} }}")).collect();
        shop(&[
            SERVICE,
            &istio("VirtualService", &format!("{{ hosts: [web], http: [{}] }}", rules.join(", "))),
        ])
    };
    let uri = |matches: &str| format!("match: [{matches}], ");
    let [pay, slow] = ["{ uri: { prefix: /pay } }", "{ headers: { x: { exact: y } } }"].map(uri);
    check(
        Code::UnreachableRoute,
        &facts(),
        vec![
            of(&["", &pay]),
            of(&["match: [], ", &pay]),
            of(&[&uri("{ name: all, uri: { prefix: / } }"), &slow]),
            of(&[&pay, &uri("{ uri: { exact: /payments } }")]),
            of(&[&pay, &uri("{ uri: { prefix: /pay/card }, method: { exact: GET } }")]),
            of(&[&slow, &uri("{ headers: { x: { exact: y } }, uri: { prefix: /pay } }")]),
            of(&[&pay, &slow, &uri("{ headers: { x: { exact: y } } }, { uri: { prefix: /pay } }")]),
            // one condition of two
            of(&[&pay, &uri("{ uri: { exact: /pay } }, { uri: { exact: /cart } }"), ""]),
        ],
        vec![
            of(&[&pay, ""]),
            of(&[&uri("{ uri: { exact: /payments } }"), &pay, ""]),
            // of which the first may let some pass
            of(&[&uri("{ uri: { prefix: /pay }, method: { exact: GET } }"), &pay, ""]),
            of(&[&uri("{ uri: { regex: '/pay.*' } }"), &pay]),
            of(&[&pay, &uri("{ uri: { prefix: /pay }, ignoreUriCase: true }")]),
            of(&[&uri("{ uri: { exact: /pay } }"), &uri("{ uri: { exact: /pay/card } }")]),
            of(&[&uri("{ gateways: [mesh] }"), &pay]),
        ],
    );
    let delegate = "{ hosts: [web], http: [{ delegate: { name: other } }, { route: [{ destination: { host: web } }] }] }";
    assert_eq!(found(&shop(&[SERVICE, &istio("VirtualService", delegate)]), None), Vec::<String>::new());
    let at = |rules: &[&str]| found(&of(rules), None);
    assert_eq!(at(&["", &pay]), ["shop spec.templates[1].spec.http[1] unreachable-route"]);
    assert_eq!(
        at(&[&pay, &uri("{ uri: { exact: /pay } }, { uri: { exact: /cart } }")]),
        ["shop spec.templates[1].spec.http[1].match[0] unreachable-route"]
    );
}

#[test]
fn subsets_that_no_rule_has() {
    let routes = |subset: &str| {
        istio(
            "VirtualService",
            &format!(
                "{{ hosts: [web], http: [{{ route: [{{ destination: {{ host: web, subset: {subset} }} }}] }}] }}"
            ),
        )
    };
    let rule = istio(
        "DestinationRule",
        "{ host: web.team.svc.cluster.local, subsets: [{ name: v1, labels: { v: one } }] }",
    );
    let patched = ", overrides: [{ name: o, rules: [{ kind: DestinationRule, merge: { spec: { subsets: [{ name: v2 }] } } }] }]";
    check(
        Code::UnknownSubset,
        &facts(),
        vec![
            shop(&[SERVICE, &rule, &routes("v2")]),
            shop(&[SERVICE, &rule, &routes("V1")]),
            shop(&[SERVICE, &istio("DestinationRule", "{ host: web }"), &routes("v1")]),
        ],
        vec![
            shop(&[SERVICE, &rule, &routes("v1")]),
            // the rule may be another's
            shop(&[SERVICE, &routes("v2")]),
            shops(&[(&[SERVICE, &rule, &routes("v2")], patched)]).remove(0),
        ],
    );
}

#[test]
fn ports_that_a_gateway_does_not_find() {
    let service =
        SERVICE.replace("[{ port: 80 }]", "[{ name: http-web, port: 80 }, { name: http-admin, port: 8080 }]");
    let gateway = |number: u32| {
        let server = format!("{{ port: {{ number: {number}, name: http, protocol: HTTP }}, hosts: ['*'] }}");
        istio("Gateway", &format!("{{ selector: {{ istio: ingress }}, servers: [{server}] }}"))
    };
    let routes = |rest: &str, port: &str| {
        let route = format!("[{{ destination: {{ host: web{port} }} }}]");
        istio("VirtualService", &format!("{{ hosts: ['*'], {rest}http: [{{ route: {route} }}] }}"))
    };
    let at_gateway = "gateways: [web], ";
    check(
        Code::PortNotChosen,
        &facts(),
        vec![
            shop(&[&service, &gateway(81), &routes(at_gateway, "")]),
            shop(&[&service, &gateway(443), &routes("gateways: [team/web, mesh], ", "")]),
            shop(&[&service, &gateway(8081), &routes(at_gateway, ".team.svc.cluster.local")]),
        ],
        vec![
            shop(&[&service, &gateway(81), &routes(at_gateway, ", port: { number: 80 }")]),
            // the gateway's own port is one of them
            shop(&[&service, &gateway(8080), &routes(at_gateway, "")]),
            shop(&[SERVICE, &gateway(81), &routes(at_gateway, "")]),
            // sidecars ask for a port by themselves
            shop(&[&service, &gateway(81), &routes("", "")]),
        ],
    );
}

#[test]
fn servers_of_tls_that_istio_leaves_out() {
    let server = |port: u32, host: &str, rest: &str| {
        format!(
            "{{ port: {{ number: {port}, name: tls-{port}-{}, protocol: HTTPS }}, hosts: ['{host}'], tls: {{ mode: SIMPLE, credentialName: web }}{rest} }}",
            host.len()
        )
    };
    let gateway = |selector: &str, servers: &str| {
        istio("Gateway", &format!("{{ selector: {{ istio: {selector} }}, servers: [{servers}] }}"))
    };
    let one = gateway("ingress", &server(443, "a.example.com", ""));
    let other = |text: &str| one.replace("name: web }", "name: more }").replace("ingress", text);
    let twice = |first: &str, second: &str| shop(&[&gateway("ingress", &format!("{first}, {second}"))]);
    check(
        Code::TlsServerIgnored,
        &facts(),
        vec![
            shop(&[&one, &other("ingress")]),
            twice(&server(443, "a.example.com", ""), &server(443, "*/a.example.com", "")),
            shop(&[&one, &other("ingress, app: edge")]),
        ],
        vec![
            shop(&[&one, &other("inner")]),
            twice(&server(443, "a.example.com", ""), &server(8443, "a.example.com", "")),
            twice(&server(443, "a.example.com", ""), &server(443, "*.example.com", "")),
            // plain servers are put together
            shop(&[
                &one.replace("protocol: HTTPS", "protocol: HTTP")
                    .replace(", tls: { mode: SIMPLE, credentialName: web }", ""),
                &other("ingress"),
            ]),
            twice(
                &server(443, "a.example.com", ", bind: 192.0.2.1"),
                &server(443, "*/a.example.com", ", bind: 192.0.2.2"),
            ),
        ],
    );
}

#[test]
fn names_that_no_server_has() {
    let gateway = |hosts: &str| {
        istio(
            "Gateway",
            &format!(
                "{{ selector: {{ istio: ingress }}, servers: [{{ port: {{ number: 80, name: http, protocol: HTTP }}, hosts: [{hosts}] }}] }}"
            ),
        )
    };
    let of = |templates: &[&str], names: &[&str], more: &str| {
        let names: Vec<String> =
            names.iter().map(|name| format!("{{ fqdn: {name}, provider: corp }}")).collect();
        shops(&[(templates, &format!(", names: [{}]{more}", names.join(", ")))]).remove(0)
    };
    let patched = ", overrides: [{ name: o, rules: [{ kind: Gateway, patch: [{ op: add, path: /spec/servers/0/hosts/-, value: b.example.com }] }] }]";
    check(
        Code::NameNotServed,
        &facts(),
        vec![
            of(&[&gateway("a.example.com")], &["b.example.com"], ""),
            of(&[&gateway("'*.example.com'")], &["example.com"], ""),
            of(&[&gateway("team/a.example.com"), SERVICE], &["a.example.com", "aa.example.com"], ""),
        ],
        vec![
            of(&[&gateway("team/a.example.com")], &["a.example.com"], ""),
            of(&[&gateway("'./*.example.com'")], &["a.b.example.com"], ""),
            of(&[&gateway("'*'")], &["a.example.com"], ""),
            of(&[&gateway("A.Example.com")], &["a.example.com"], ""),
            // without a Gateway the name leads to the Service
            of(&[SERVICE], &["a.example.com"], ""),
            of(&[&gateway("a.example.com")], &["b.example.com"], patched),
        ],
    );
    let second = found(&of(&[&gateway("a.example.com")], &["a.example.com", "b.example.com"], ""), None);
    assert_eq!(second, ["shop spec.names[1].fqdn name-not-served"]);
}

#[test]
fn callers_and_called_that_disagree_about_mutual_tls() {
    let strict = |rest: &str| {
        format!(
            "{{ apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{ name: web }}, spec: {{ {rest}mtls: {{ mode: STRICT }} }} }}"
        )
    };
    let rule = |spec: &str| istio("DestinationRule", &format!("{{ host: web, {spec} }}"));
    let plain = rule("trafficPolicy: { tls: { mode: DISABLE } }");
    let of_web = "selector: { matchLabels: { app: web } }, ";
    check(
        Code::MtlsConflict,
        &facts(),
        vec![
            shop(&[SERVICE, &strict(""), &plain]),
            shop(&[
                SERVICE,
                &strict(of_web),
                &rule("subsets: [{ name: a, trafficPolicy: { tls: { mode: SIMPLE } } }]"),
            ]),
            shop(&[
                SERVICE,
                &strict(of_web),
                &rule(
                    "trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: DISABLE } }] }",
                ),
            ]),
        ],
        vec![
            shop(&[SERVICE, &strict(""), &rule("trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }")]),
            shop(&[SERVICE, &strict("").replace("STRICT", "PERMISSIVE"), &plain]),
            shop(&[SERVICE, &strict(&of_web.replace("web", "ledger")), &plain]),
            shop(&[
                SERVICE,
                &strict("portLevelMtls: { 80: { mode: DISABLE } }, ")
                    .replace("spec: { p", &format!("spec: {{ {of_web}p")),
                &plain,
            ]),
            shop(&[SERVICE, &plain]),
        ],
    );
}

#[test]
fn the_younger_setting_of_localities_needs_detection_too() {
    let rule =
        |policy: &str| istio("DestinationRule", &format!("{{ host: web, trafficPolicy: {{ {policy} }} }}"));
    const ZONES: &str =
        "loadBalancer: { zoneAwareLbSetting: { failover: [{ from: us-west, to: us-south }] } }";
    let at = "shop spec.templates[1].spec.trafficPolicy";
    fault(
        &templates(&[SERVICE, &rule(&format!("{ZONES}, connectionPool: {{}}"))]),
        &[&format!("{at}.loadBalancer.zoneAwareLbSetting failover-without-outlier-detection")],
        "connectionPool: {}",
        "outlierDetection: { maxEjectionPercent: 100 }",
        true,
    );
    fault(
        &templates(&[SERVICE, &rule(&format!("outlierDetection: {{ maxEjectionPercent: 10 }}, {ZONES}"))]),
        &[&format!("{at}.outlierDetection ejection-below-local-share")],
        "maxEjectionPercent: 10 ",
        "maxEjectionPercent: 50 ",
        true,
    );
    let off = ZONES.replace("{ failover", "{ enabled: false, failover");
    assert_eq!(found(&shop(&[SERVICE, &rule(&off)]), None), Vec::<String>::new());
    // the older one is not looked at beside it
    let both = "loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] }, zoneAwareLbSetting: { enabled: false } }";
    assert_eq!(found(&shop(&[SERVICE, &rule(both)]), None), Vec::<String>::new(), "{both}");
}
