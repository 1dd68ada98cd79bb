//! `overspill lint` and what Istio takes without a word, or refuses after CRD schemas let it pass: each of it told
//! by code, line and what to do, and gone when that is done.

use crate::lint_codes::{FLEET, GATEWAY, rule, shop, told, told_of_failover};

#[test]
fn a_stage_that_holds_nothing_back() {
    let more = "  rollout:\n    stages:\n      - { name: canary, targets: { names: [slc-a-9] }, soak: 10m, pause: true }\n      - { name: rest, soak: 10m }\n";
    told(
        &[("shop.yaml", &shop(&[], more))],
        ("slc-a-9", "slc-a-1"),
        "\
shop.yaml:16:34: warning: stage-never-matches
    FederatedAccessPoint/team/shop
    spec.rollout.stages[0].targets
    stage canary is empty: it selects none of the 2 targets
    fix: correct the names, or take the stage away: it proves nothing, and if it
    pauses nobody can let it pass
shop.yaml:16:44: error: unknown-target
    FederatedAccessPoint/team/shop
    spec.rollout.stages[0].targets.names[0]
    there is no target slc-a-9; did you mean `slc-a-1`?
    fix: name a target of the fleet
1 access point: 1 error, 1 warning
",
    );
}

#[test]
fn a_name_that_no_gateway_serves() {
    let more = "  names: [{ fqdn: buy.example.com, provider: corp }]\n";
    told(
        &[("shop.yaml", &shop(&[GATEWAY], more))],
        ("fqdn: buy.", "fqdn: shop."),
        "\
shop.yaml:15:19: error: name-not-served
    FederatedAccessPoint/team/shop
    spec.names[0].fqdn
    buy.example.com is published, and no server of a Gateway has this host:
    whoever follows the name is turned away
    fix: add the host to a server, or take the name away
1 access point: 1 error, 0 warnings
",
    );
}

/// The fleet with a third region, without its loads.
fn three_regions(istio: &str) -> String {
    let third = "---\napiVersion: overspill.dev/v1alpha1\nkind: AvailabilityZone\nmetadata: { name: rno-a }\nspec: { region: us-north }\n\
                 ---\napiVersion: overspill.dev/v1alpha1\nkind: Cluster\nmetadata: { name: rno-a-1 }\nspec: { zone: rno-a, gateway: true, istio: '1.31' }\n";
    let first = FLEET.replace("zone: slc-a,", &format!("zone: slc-a, istio: '{istio}',"));
    first.replace("zone: phx-a,", "zone: phx-a, istio: '1.31',").replace("status: { requests: 400/s }\n", "")
        + third
}

#[test]
fn regions_whose_order_is_not_kept() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop.example.com], http: [{ route: [{ destination: { host: shop } }] }] }";
    let more = "  traffic: { local: 99%, regions: [us-west, us-south, us-north] }\n";
    let shop = shop(&[&rule("outlierDetection: { maxEjectionPercent: 100 }"), routes], more);
    told(
        &[("shop.yaml", &shop), ("fleet.yaml", &three_regions("1.30"))],
        ("istio: '1.30'", "istio: '1.31'"),
        "\
shop.yaml:16:35: warning: regions-unordered
    FederatedAccessPoint/team/shop
    spec.traffic.regions
    on slc-a-1: both us-south and us-north take what spills beyond us-west at
    once, by the number of their hosts
    fix: write `istio` in the Cluster if it is 1.31 or later, or give all zones
    an eastWest entrance; else there is no order
1 access point: 0 errors, 1 warning
",
    );
}

#[test]
fn failover_by_the_younger_setting_that_nothing_triggers() {
    told_of_failover("zoneAwareLbSetting", 167);
}

#[test]
fn a_server_that_istio_refuses() {
    told(
        &[("shop.yaml", &shop(&[&GATEWAY.replace("HTTP }", "TCP }, tls: { mode: PASSTHROUGH }")], ""))],
        ("protocol: TCP", "protocol: TLS"),
        "\
shop.yaml:14:190: error: gateway-refused
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.servers[0].tls
    a port whose protocol is neither HTTPS nor TLS ends no TLS
    fix: write protocol: HTTPS or TLS, or nothing but httpsRedirect in tls of an
    HTTP port
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_server_of_tls_that_istio_leaves_out() {
    let server = |name: &str, port: u32| {
        format!(
            "{{ port: {{ number: {port}, name: {name}, protocol: HTTPS }}, hosts: [shop.example.com], tls: {{ mode: SIMPLE, credentialName: shop }} }}"
        )
    };
    let gateway = format!(
        "kind: Gateway, metadata: {{ name: shop }}, spec: {{ selector: {{ istio: ingress }}, servers: [{}, {}] }}",
        server("one", 443),
        server("other", 443).replace("443,", "443 ,"),
    );
    told(
        &[("shop.yaml", &shop(&[&gateway], ""))],
        ("443 ,", "8443,"),
        "\
shop.yaml:14:325: error: tls-server-ignored
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.servers[1].hosts[0]
    server 0 of Gateway/shop serves shop.example.com on port 443 by TLS already,
    and Istio leaves this server out
    fix: put the host into one server of TLS on this port
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_rule_that_no_request_reaches() {
    let route = "route: [{ destination: { host: shop } }]";
    let routes = format!(
        "kind: VirtualService, metadata: {{ name: shop }}, spec: {{ hosts: [shop], http: [{{ match: [{{ uri: {{ prefix: /pay }} }}], {route} }}, {{ match: [{{ uri: {{ prefix: /payments }} }}], {route} }}] }}"
    );
    told(
        &[("shop.yaml", &shop(&[&routes], ""))],
        ("prefix: /payments", "prefix: /cart"),
        "\
shop.yaml:14:205: warning: unreachable-route
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.http[1]
    no request comes to this rule: http[0] takes all that it is for
    fix: write what is narrower first, or take it away
1 access point: 0 errors, 1 warning
",
    );
}

#[test]
fn a_subset_that_no_rule_has() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop], http: [{ route: [{ destination: { host: shop, subset: canry } }] }] }";
    let rule = "kind: DestinationRule, metadata: { name: shop }, spec: { host: shop, subsets: [{ name: canary, labels: { canary: yes } }] }".replace("yes", "'1'");
    told(
        &[("shop.yaml", &shop(&[routes, &rule], ""))],
        ("canry", "canary"),
        "\
shop.yaml:14:170: error: unknown-subset
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.http[0].route[0].destination.subset
    no DestinationRule of shop.team.svc.cluster.local has a subset `canry`, so
    requests find no cluster; did you mean `canary`?
    fix: add the subset, or name one that is there
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_port_that_a_gateway_does_not_find() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop.example.com], gateways: [shop], http: [{ route: [{ destination: { host: shop } }] }] }";
    let gateway = GATEWAY.replace("number: 80,", "number: 8000,");
    let two = shop(&[&gateway, routes], "").replace(
        "{ name: http-web, port: 80 }",
        "{ name: http-web, port: 80 }, { name: http-admin, port: 81 }",
    );
    told(
        &[("shop.yaml", &two)],
        ("destination: { host: shop }", "destination: { host: shop, port: { number: 80 } }"),
        "\
shop.yaml:15:178: error: port-not-chosen
    FederatedAccessPoint/team/shop
    spec.templates[2].spec.http[0].route[0].destination
    shop.team.svc.cluster.local has the ports 80, 81 and none is chosen, so what
    comes to the Gateway's port 8000 is sent to a port 8000 that is not there
    fix: write the destination's port: { number: ... }
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn callers_that_do_not_speak_mutual_tls() {
    let strict = "kind: PeerAuthentication, metadata: { name: shop }, spec: { mtls: { mode: STRICT } }";
    let text = shop(&[strict, &rule("tls: { mode: DISABLE }")], "").replacen(
        "networking.istio.io/v1, kind: PeerAuthentication",
        "security.istio.io/v1, kind: PeerAuthentication",
        1,
    );
    told(
        &[("shop.yaml", &text)],
        ("mode: DISABLE", "mode: ISTIO_MUTUAL"),
        "\
shop.yaml:15:144: error: mtls-conflict
    FederatedAccessPoint/team/shop
    spec.templates[2].spec.trafficPolicy.tls.mode
    PeerAuthentication/shop takes mutual TLS of the mesh alone, and with mode
    DISABLE callers of shop.team.svc.cluster.local do not speak it
    fix: write mode: ISTIO_MUTUAL, or leave tls out
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_path_that_a_slash_leads_around() {
    let deny = "kind: AuthorizationPolicy, metadata: { name: shop }, spec: { action: DENY, rules: [{ to: [{ operation: { paths: ['*/admin' ] } }] }] }";
    let text = shop(&[deny], "").replacen(
        "networking.istio.io/v1, kind: Auth",
        "security.istio.io/v1, kind: Auth",
        1,
    );
    told(
        &[("shop.yaml", &text)],
        ("'*/admin' ", "'*/admin', '*/admin/'"),
        "\
shop.yaml:14:156: warning: path-without-slash
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.rules[0].to[0].operation.paths[0]
    `*/admin/` passes, as does `*/admin;x=1`: many servers take them for
    `*/admin`
    fix: add `*/admin/`; the rest is a prefix's alone to take, as `/admin*`
1 access point: 0 errors, 1 warning
",
    );
}

/// The gateway of `shop` with TLS, and the fleet with an authority that signs for one name at once.
fn signed(hosts: &str) -> (String, String) {
    let server = "protocol: HTTPS }, tls: { mode: SIMPLE, credentialName: shop }";
    let gateway = GATEWAY.replace("protocol: HTTP }", server).replace("[shop.example.com]", hosts);
    let issuer = "---\napiVersion: overspill.dev/v1alpha1\nkind: Issuer\nmetadata: { name: corp }\nspec: { ca: { secret: root }, maxNames: 1 }\n";
    (shop(&[&gateway], "  certificates: { issuer: corp }\n"), FLEET.to_owned() + issuer)
}

#[test]
fn a_host_that_no_authority_signs_for() {
    let (shop, fleet) = signed("[shop.example.com, '*' ]");
    told(
        &[("shop.yaml", &shop), ("fleet.yaml", &fleet)],
        (", '*' ", ""),
        "\
shop.yaml:14:258: warning: host-without-certificate
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.servers[0].hosts[1]
    no certificate will name `*`: no authority signs for every host; write the
    hosts, or *.example.com
    fix: see the message; where its secret is somebody else's to fill, use an
    access point without `certificates`
1 access point: 0 errors, 1 warning
",
    );
}

/// More names than the authority signs for at once lie in several secrets.
#[test]
fn a_secret_that_two_issuers_would_sign_for() {
    let (shop, fleet) = signed("[shop.example.com, buy.example.com]");
    let till = shop.replace("name: shop", "name: till").replace("app: shop", "app: till");
    let till = till.replace("[shop.example.com, buy.example.com]", "[till.example.com]");
    let till = till.replace("issuer: corp }", "issuer: other }");
    let other = fleet[FLEET.len()..].replace("name: corp", "name: other");
    told(
        &[("shop.yaml", &shop), ("till.yaml", &till), ("fleet.yaml", &(fleet + &other))],
        ("issuer: other }", "issuer: corp }"),
        "\
shop.yaml:14:224: error: certificate-not-ordered
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.servers[0].tls.credentialName
    no certificate is ordered for team/shop: it is named by team/shop
    Gateway/shop, team/till Gateway/till with the issuers corp, other; let them
    ask for one, or name secrets of their own
    fix: see the message; hosts that have a certificate keep it until then, none
    joins
till.yaml:14:224: error: certificate-not-ordered
    FederatedAccessPoint/team/till
    spec.templates[1].spec.servers[0].tls.credentialName
    no certificate is ordered for team/shop: it is named by team/shop
    Gateway/shop, team/till Gateway/till with the issuers corp, other; let them
    ask for one, or name secrets of their own
    fix: see the message; hosts that have a certificate keep it until then, none
    joins
2 access points: 2 errors, 0 warnings
",
    );
}
