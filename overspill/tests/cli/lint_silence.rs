//! `overspill lint` and faults that used to hide others, or be told elsewhere than they stand: each by its line.

use crate::lint_codes::{GATEWAY, shop, told};

const ROUTE: &str = "route: [{ destination: { host: shop } }]";

/// Routes at these gateways, by these rules.
fn routes(gateways: &str, rules: &str) -> String {
    format!(
        "kind: VirtualService, metadata: {{ name: shop }}, spec: {{ hosts: [shop.example.com], gateways: [{gateways}], http: [{rules}] }}"
    )
}

#[test]
fn a_name_that_no_routes_answer() {
    let names = "  names: [{ fqdn: shop.example.com, provider: corp }]\n";
    let text = shop(&[GATEWAY, &routes("mesh", &format!("{{ {ROUTE} }}"))], names);
    told(
        &[("shop.yaml", &text)],
        ("gateways: [mesh]", "gateways: [mesh, shop]"),
        "\
shop.yaml:16:19: error: name-without-route
    FederatedAccessPoint/team/shop
    spec.names[0].fqdn
    shop.example.com is published and served by Gateway/shop, and no
    VirtualService with this host names that Gateway, without which sidecars
    alone follow it: whoever follows the name finds nothing
    fix: name the Gateway in `gateways` of the VirtualService
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_template_that_no_server_takes_hides_nothing() {
    let rule = "kind: DestinationRule, metadata: { name: shop }, spec: { host: shop, trafficPolicy: { loadBalancer: { simple: LEAST_REQUESTS, localityLbSetting: { failover: [{ from: us-west, to: us-south }] } } } }";
    let overrides =
        "  overrides: [{ name: all, rules: [{ kind: Service, labels: { zone: \"${zone.name}\" } }] }]\n";
    told(
        &[("shop.yaml", &shop(&[rule], overrides))],
        (
            "simple: LEAST_REQUESTS, localityLbSetting: { failover: [{ from: us-west, to: us-south }] }",
            "simple: LEAST_REQUEST",
        ),
        "\
shop.yaml:14:190: error: failover-without-outlier-detection
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.trafficPolicy.loadBalancer.localityLbSetting
    failover without outlierDetection: no host is ever taken for ill, so nothing
    fails over
    fix: add outlierDetection with maxEjectionPercent: 100
shop.yaml:14:155: error: schema-violation
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.trafficPolicy.loadBalancer.simple
    `LEAST_REQUESTS` is not possible here; write UNSPECIFIED, LEAST_CONN,
    RANDOM, PASSTHROUGH, ROUND_ROBIN, LEAST_REQUEST; did you mean
    `LEAST_REQUEST`?
    fix: write what the schema asks for
1 access point: 2 errors, 0 warnings
",
    );
}

#[test]
fn a_policy_that_bars_nothing() {
    let policy = "kind: AuthorizationPolicy, metadata: { name: shop }, spec: { action: DENY, rules: [{ to: [{ operation: { paths: ['*admin*'] } }] }] }";
    let text =
        shop(&[policy], "").replace("networking.istio.io/v1, kind: Auth", "security.istio.io/v1, kind: Auth");
    told(
        &[("shop.yaml", &text)],
        ("'*admin*'", "'/admin*'"),
        "\
shop.yaml:14:156: error: policy-never-matches
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.rules[0].to[0].operation.paths[0]
    in `*admin*` a star stands for itself: Istio takes one as a wildcard at the
    beginning or at the end alone, so this matches nothing
    fix: write a prefix (`/admin*`) or a suffix (`*/admin`), or a template in
    which `{*}` is one part of a path and a last `{**}` the rest
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn what_istio_refuses_of_routes() {
    let text = shop(&[GATEWAY, &routes("shop", &format!("{{ redirect: {{ uri: /b }}, {ROUTE} }}"))], "");
    told(
        &[("shop.yaml", &text)],
        ("redirect: { uri: /b }, ", ""),
        "\
shop.yaml:15:165: error: object-refused
    FederatedAccessPoint/team/shop
    spec.templates[2].spec.http[0].redirect
    a rule has redirect or route, not both
    fix: take one of them away, or write two rules
1 access point: 1 error, 0 warnings
",
    );
}
