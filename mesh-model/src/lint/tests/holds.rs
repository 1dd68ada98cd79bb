//! Tests of what looks right and holds for nobody: labels of no pod, a detection that is off,
//! regions, ports and addresses that are not there, a policy that another rule's displaces.

use super::cases::{check, shops};
use super::*;

fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, "")]).remove(0)
}

#[test]
fn policies_and_entries_of_no_pod() {
    let policy = |labels: &str| {
        let spec = format!("{{ selector: {{ matchLabels: {labels} }}, action: DENY, rules: [{{}}] }}");
        istio("AuthorizationPolicy", &spec).replace("networking.istio.io", "security.istio.io")
    };
    let mtls = |labels: &str| {
        let spec = format!("{{ selector: {{ matchLabels: {labels} }}, mtls: {{ mode: STRICT }} }}");
        istio("PeerAuthentication", &spec).replace("networking.istio.io", "security.istio.io")
    };
    let entry = |labels: &str| {
        let entry = istio("WorkloadEntry", &format!("{{ address: 192.0.2.1, labels: {labels} }}"));
        let service = istio(
            "ServiceEntry",
            "{ hosts: [bank.example.com], location: MESH_INTERNAL, resolution: STATIC, ports: [{ number: 443, name: tls, protocol: TLS }], workloadSelector: { labels: { app: bank } } }",
        );
        shop(&[SERVICE, &service, &entry])
    };
    let mut inside = facts();
    let labels = Labels::from([("app".to_owned(), "gate".to_owned())]);
    inside.gateways = Some(vec![GatewayPods { namespace: "team".parse().unwrap(), labels }]);
    check(
        Code::SelectsNothing,
        &inside,
        vec![
            shop(&[SERVICE, &policy("{ app: wbe }")]),
            shop(&[SERVICE, &policy("{ tier: front, app: wbe }")]),
            shop(&[SERVICE, &mtls("{ app: wbe }")]),
            entry("{ app: bnak }"),
        ],
        vec![
            shop(&[SERVICE, &policy("{ app: web }")]),
            // pods may have labels that no Service asks for
            shop(&[SERVICE, &policy("{ tier: front }")]),
            shop(&[SERVICE, &policy("{ app: gate }")]),
            shop(&[&policy("{ app: wbe }")]),
            shop(&[SERVICE, &policy("{}")]),
            entry("{ app: bank }"),
            entry("{ app: web }"),
            entry("{}"),
        ],
    );
}

#[test]
fn a_detection_that_is_switched_off() {
    let rule = |outlier: &str| {
        let spec = format!(
            "{{ host: web, trafficPolicy: {{ loadBalancer: {{ localityLbSetting: {{ failover: [{{ from: us-west, to: us-south }}] }} }}, outlierDetection: {{ maxEjectionPercent: 100, {outlier} }} }} }}"
        );
        shop(&[SERVICE, &istio("DestinationRule", &spec)])
    };
    check(
        Code::FailoverWithoutOutlierDetection,
        &facts(),
        vec![
            rule("consecutive5xxErrors: 0"),
            rule("consecutive5xxErrors: 0, consecutiveGatewayErrors: 0"),
            rule(
                "consecutive5xxErrors: 0, splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 0",
            ),
        ],
        vec![
            rule("consecutive5xxErrors: 5"),
            rule("interval: 1s"),
            rule("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"),
            rule("consecutive5xxErrors: 0, splitExternalLocalOriginErrors: true"),
        ],
    );
}

#[test]
fn regions_of_settings_that_the_fleet_does_not_have() {
    let rule = |setting: &str| {
        let spec = format!(
            "{{ host: web, trafficPolicy: {{ loadBalancer: {{ localityLbSetting: {setting} }}, outlierDetection: {{ maxEjectionPercent: 100 }} }} }}"
        );
        shop(&[SERVICE, &istio("DestinationRule", &spec)])
    };
    check(
        Code::UnknownRegion,
        &facts(),
        vec![
            rule("{ failover: [{ from: us-wset, to: us-south }] }"),
            rule("{ failover: [{ from: us-west, to: us-north }] }"),
            rule(
                "{ distribute: [{ from: us-west/*, to: { us-west/*: 80, us-north/*: 20 } }, { from: '*', to: { us-west: 100 } }] }",
            ),
        ],
        vec![
            rule("{ failover: [{ from: us-west, to: us-south }] }"),
            rule("{ distribute: [{ from: '*', to: { us-west/*: 80, us-south/phx-a: 20 } }] }"),
            rule("{ enabled: false, failover: [{ from: us-wset, to: us-south }] }"),
        ],
    );
}

#[test]
fn two_rules_of_one_host() {
    let rule = |name: &str, more: &str| {
        let spec = format!(
            "{{ host: web, {more} trafficPolicy: {{ connectionPool: {{ http: {{ http2MaxRequests: 9 }} }} }} }}"
        );
        istio("DestinationRule", &spec).replace("name: web }", &format!("name: {name} }}"))
    };
    let subsets = istio("DestinationRule", "{ host: web, subsets: [{ name: v1, labels: { version: v1 } }] }")
        .replace("name: web }", "name: subsets }");
    let full = rule("b", "").replace("host: web", "host: web.team.svc.cluster.local");
    check(
        Code::PolicyIgnored,
        &facts(),
        vec![
            shop(&[SERVICE, &rule("a", ""), &rule("b", "")]),
            shop(&[SERVICE, &rule("a", ""), &full]),
            shop(&[SERVICE, &subsets, &rule("a", ""), &rule("b", "")]),
        ],
        vec![
            shop(&[SERVICE, &rule("a", ""), &subsets]),
            shop(&[SERVICE, &rule("a", ""), &rule("b", "exportTo: [edge],")]),
            shop(&[
                SERVICE,
                &rule("a", ""),
                &rule("b", "workloadSelector: { matchLabels: { app: caller } },"),
            ]),
        ],
    );
}

#[test]
fn ports_that_a_service_does_not_have() {
    let routes = |port: &str| {
        let spec =
            format!("{{ hosts: [web], http: [{{ route: [{{ destination: {{ host: web{port} }} }}] }}] }}");
        istio("VirtualService", &spec)
    };
    let two =
        SERVICE.replace("[{ port: 80 }]", "[{ name: a, port: 80, targetPort: 9999 }, { name: b, port: 81 }]");
    check(
        Code::UnknownPort,
        &facts(),
        vec![
            shop(&[SERVICE, &routes(", port: { number: 9999 }")]),
            shop(&[&two, &routes(", port: { number: 9999 }")]),
            shop(&[
                SERVICE,
                &routes(", port: { number: 9999 }")
                    .replace("host: web,", "host: web.team.svc.cluster.local,"),
            ]),
        ],
        vec![
            shop(&[SERVICE, &routes(", port: { number: 80 }")]),
            shop(&[&two, &routes(", port: { number: 81 }")]),
            shop(&[SERVICE, &routes("")]),
            shop(&[SERVICE, &routes(", port: { number: 9999 }").replace("host: web,", "host: elsewhere,")]),
        ],
    );
}

#[test]
fn addresses_that_no_pool_has() {
    let pool = |name: &str, rest: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: VipPool, metadata: {{ name: {name} }}, spec: {{ {rest} }} }}"
        );
        let object: crate::api::VipPool = serde_saphyr::from_str(&text).unwrap();
        VipPool::try_from(object).unwrap()
    };
    let mut known = facts();
    known.pools = vec![
        pool("public", "addresses: [203.0.113.0/28]"),
        pool("inner", "addresses: [192.0.2.0/28]"),
        pool("others", "addresses: [198.51.100.0/28], accessPoints: { namespaces: [others] }"),
    ];
    let of = |vip: &str| shops(&[(&[SERVICE], &format!(", vip: {{ scope: all, {vip} }}"))]).remove(0);
    check(
        Code::VipOutsidePool,
        &known,
        vec![
            of("pool: public, addresses: [192.0.2.1]"),
            of("addresses: [198.51.100.1]"),
            of("pool: public, addresses: [203.0.113.16]"),
        ],
        vec![of("pool: public, addresses: [203.0.113.15]"), of("addresses: [192.0.2.1]"), of("pool: public")],
    );
}
