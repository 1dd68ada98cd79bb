//! For each code that is about one access point or two: configurations that are wrong in ways of their
//! own, and legitimate ones that look much like them and must be left in peace.

use super::*;

/// Rules of `web` with these policies, and the Service.
fn rules(specs: &[&str]) -> Vec<Vec<AccessPoint>> {
    let of =
        |spec: &&str| vec![access_point("shop", &templates(&[SERVICE, &istio("DestinationRule", spec)]))];
    specs.iter().map(of).collect()
}

/// Two access points of these templates.
fn pairs(of: &[[&str; 2]]) -> Vec<Vec<AccessPoint>> {
    let pair = |[one, other]: &[&str; 2]| {
        vec![access_point("shop", &templates(&[one])), access_point("other", &templates(&[other]))]
    };
    of.iter().map(pair).collect()
}

/// Access points with templates and more parts of the spec.
pub(super) fn shops(of: &[(&[&str], &str)]) -> Vec<Vec<AccessPoint>> {
    of.iter().map(|(of, more)| vec![access_point("shop", &format!("{}{more}", templates(of)))]).collect()
}

#[track_caller]
pub(super) fn check(
    code: Code,
    facts: &FleetFacts,
    wrong: Vec<Vec<AccessPoint>>,
    right: Vec<Vec<AccessPoint>>,
) {
    assert!(wrong.len() >= 3 && right.len() >= 3, "{code}: three of each");
    for (number, one) in wrong.iter().enumerate() {
        let found = found(one, Some(facts));
        assert!(found.iter().any(|line| line.ends_with(code.as_str())), "{code}: wrong {number}: {found:?}");
    }
    for (number, one) in right.iter().enumerate() {
        let found = found(one, Some(facts));
        assert!(!found.iter().any(|line| line.ends_with(code.as_str())), "{code}: right {number}: {found:?}");
    }
}

#[test]
fn failover_without_outlier_detection() {
    const FAILOVER: &str = "localityLbSetting: { failover: [{ from: us-west, to: us-south }] }";
    const OUTLIER: &str = "outlierDetection: { maxEjectionPercent: 100 }";
    check(
        Code::FailoverWithoutOutlierDetection,
        &facts(),
        rules(&[
            &format!("{{ host: web, trafficPolicy: {{ loadBalancer: {{ {FAILOVER} }} }} }}"),
            "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { failoverPriority: [topology.kubernetes.io/region] } } } }",
            &format!(
                "{{ host: web, subsets: [{{ name: a, trafficPolicy: {{ loadBalancer: {{ {FAILOVER} }} }} }}] }}"
            ),
            // a port has nothing of its host's policy
            &format!(
                "{{ host: web, trafficPolicy: {{ {OUTLIER}, portLevelSettings: [{{ port: {{ number: 80 }}, loadBalancer: {{ {FAILOVER} }} }}] }} }}"
            ),
        ]),
        rules(&[
            &format!("{{ host: web, trafficPolicy: {{ {OUTLIER}, loadBalancer: {{ {FAILOVER} }} }} }}"),
            // switched off
            "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { enabled: false, failover: [{ from: us-west, to: us-south }] } } } }",
            // a subset has its host's outlier detection
            &format!(
                "{{ host: web, trafficPolicy: {{ {OUTLIER} }}, subsets: [{{ name: a, trafficPolicy: {{ loadBalancer: {{ {FAILOVER} }} }} }}] }}"
            ),
            &format!(
                "{{ host: web, trafficPolicy: {{ portLevelSettings: [{{ port: {{ number: 80 }}, {OUTLIER}, loadBalancer: {{ {FAILOVER} }} }}] }} }}"
            ),
            // nothing fails over by distribute
            "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { distribute: [{ from: '*', to: { us-west/*: 100 } }] } } } }",
        ]),
    );
}

/// Rules of one host are as one: what one says of the host holds for the subsets of another.
#[test]
fn failover_of_subsets_whose_host_another_rule_is_about() {
    const FAILOVER: &str =
        "loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } }";
    const OUTLIER: &str = "outlierDetection: { maxEjectionPercent: 100 }";
    const STEERED: &str = ", traffic: { local: 99%, regions: [us-west, us-south] }";
    let of = |[first, second]: [&str; 2], more: &str| {
        let second = istio("DestinationRule", second).replace("name: web", "name: subsets");
        let routes = "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }";
        let of = [SERVICE, &istio("DestinationRule", first), &second, &istio("VirtualService", routes)];
        shops(&[(&of, more)]).remove(0)
    };
    let host = |policy: &str| format!("{{ host: web, trafficPolicy: {{ {policy} }} }}");
    let subset = |policy: &str| {
        format!(
            "{{ host: web.team.svc.cluster.local, subsets: [{{ name: a, trafficPolicy: {{ {policy} }} }}] }}"
        )
    };
    let [detects, fails_over] = [host(OUTLIER), subset(FAILOVER)];
    let only = |more: &str, rule: &str| rule.replacen("{ host", &format!("{{ {more}, host"), 1);
    let selected = only("workloadSelector: { matchLabels: { app: web } }", &fails_over);
    check(
        Code::FailoverWithoutOutlierDetection,
        &facts(),
        vec![
            of([&host("connectionPool: {}"), &fails_over], ""),
            // what others see, and what is for some workloads, stands by itself
            of([&detects, &only("exportTo: ['.']", &fails_over)], ""),
            of([&detects, &selected], ""),
            of([&detects, &fails_over.replace("web.team", "pay.team")], ""),
            // a host has the policy of one rule
            of([&detects, &host(FAILOVER)], ""),
            of([&host("connectionPool: {}"), "{ host: web, subsets: [{ name: a }] }"], STEERED),
            of(["{ host: web }", "{ host: web, subsets: [{ name: a }] }"], STEERED),
            // a subset has its host's failover, too
            of([&host(FAILOVER), &subset("connectionPool: {}")], ""),
        ],
        vec![
            of([&detects, &fails_over], ""),
            of([&fails_over, &detects], ""),
            of([&detects, "{ host: web, subsets: [{ name: a }] }"], STEERED),
            of(["{ host: web, subsets: [{ name: a }] }", &detects], STEERED),
            of([&detects, &subset("connectionPool: {}")], STEERED),
            of([&only("exportTo: ['.']", &detects), &only("exportTo: ['.']", &fails_over)], ""),
        ],
    );
    let little = of([&host("outlierDetection: { maxEjectionPercent: 10 }"), &fails_over], "");
    assert_eq!(
        found(&little, Some(&facts())),
        ["shop spec.templates[1].spec.trafficPolicy.outlierDetection ejection-below-local-share"],
        "where the host's policy is written"
    );
}

#[test]
fn ejection_below_the_local_share() {
    let rule = |outlier: &str, more: &str| {
        format!(
            "{{ host: web, trafficPolicy: {{ outlierDetection: {outlier}, loadBalancer: {{ localityLbSetting: {{ failover: [{{ from: us-west, to: us-south }}] }} }} }}{more} }}"
        )
    };
    check(
        Code::EjectionBelowLocalShare,
        &facts(),
        rules(&[
            &rule("{ interval: 5s }", ""),
            &rule("{ maxEjectionPercent: 49 }", ""),
            // a subset has its host's failover
            &rule(
                "{ maxEjectionPercent: 100 }",
                ", subsets: [{ name: a, trafficPolicy: { outlierDetection: { maxEjectionPercent: 10 } } }]",
            ),
        ]),
        rules(&[
            &rule("{ maxEjectionPercent: 100 }", ""),
            &rule("{ maxEjectionPercent: 50 }", ""),
            // without failover it is only a limit
            "{ host: web, trafficPolicy: { outlierDetection: { maxEjectionPercent: 10 } } }",
        ]),
    );
}

#[test]
fn distribute_without_from() {
    let rule = |setting: &str| {
        format!("{{ host: web, trafficPolicy: {{ loadBalancer: {{ localityLbSetting: {setting} }} }} }}")
    };
    check(
        Code::DistributeWithoutFrom,
        &facts(),
        rules(&[
            &rule("{ distribute: [{ from: us-west/*, to: { us-west/*: 100 } }] }"),
            &rule(
                "{ distribute: [{ from: us-west/*, to: { us-west/*: 100 } }, { from: us-south/phx-b, to: { us-south/*: 100 } }] }",
            ),
            &rule("{ enabled: true, distribute: [{ from: us-east/*, to: { us-west/*: 100 } }] }"),
        ]),
        rules(&[
            &rule("{ distribute: [{ from: '*', to: { us-west/*: 100 } }] }"),
            &rule(
                "{ distribute: [{ from: us-west, to: { us-west/*: 100 } }, { from: us-south/phx-a/*, to: { us-south/*: 100 } }] }",
            ),
            &rule("{ enabled: false, distribute: [{ from: us-west/*, to: { us-west/*: 100 } }] }"),
        ]),
    );
}

#[test]
fn weight_sums() {
    let routes = |routes: &str| istio("VirtualService", &format!("{{ hosts: [web], {routes} }}"));
    let [a, b] = ["{ destination: { host: web }, weight: 90 }", "{ destination: { host: far }, weight: 10 }"];
    let of = |text: &str| {
        let object = routes(text);
        shops(&[(&[SERVICE, &object], "")]).remove(0)
    };
    check(
        Code::WeightSum,
        &facts(),
        vec![
            of(&format!("http: [{{ route: [{a}, {}] }}]", b.replace("10", "20"))),
            of("http: [{ route: [{ destination: { host: web } }, { destination: { host: far } }] }]"),
            of(&format!("tcp: [{{ route: [{a}, {a}] }}]")),
        ],
        vec![
            of(&format!("http: [{{ route: [{a}, {b}] }}]")),
            // all of one is all, whatever it says
            of("http: [{ route: [{ destination: { host: web }, weight: 1 }] }]"),
            of(&format!(
                "http: [{{ match: [{{ uri: {{ prefix: /a }} }}], route: [{}] }}, {{ route: [{a}, {b}] }}]",
                a
            )),
            of(
                "http: [{ route: [{ destination: { host: web }, weight: 100 }, { destination: { host: far } }] }]",
            ),
        ],
    );
}

#[test]
fn hosts_claimed_twice() {
    let gateway = |selector: &str, port: u32, host: &str| {
        istio(
            "Gateway",
            &format!(
                "{{ selector: {{ istio: {selector} }}, servers: [{{ port: {{ number: {port}, name: http, protocol: HTTP }}, hosts: [{host}] }}] }}"
            ),
        )
    };
    let mesh = |host: &str, export: &str| {
        istio("VirtualService", &format!("{{ hosts: [{host}], exportTo: ['{export}'] }}"))
    };
    let public = gateway("ingress", 80, "a.example.com");
    check(
        Code::HostClaimedTwice,
        &facts(),
        pairs(&[
            [&public, &public],
            [&public, &gateway("ingress", 80, "'./a.example.com'")],
            [&public, &public.replace("istio: ingress", "")],
            [&mesh("a.example.com", "*"), &mesh("a.example.com", "*")],
        ]),
        pairs(&[
            // other ports, other pods, and a name among those of a wildcard
            [&public, &gateway("ingress", 8080, "a.example.com")],
            [&public, &gateway("inner", 80, "a.example.com")],
            [&public, &gateway("ingress", 80, "'*.example.com'")],
            [&mesh("a.example.com", "."), &mesh("a.example.com", ".")],
            // a short name is each namespace's own
            [&mesh("web", "*"), &mesh("web", "*")],
        ]),
    );
}

#[test]
fn hosts_that_no_server_has_and_gateways_that_are_not_there() {
    let gateway = |hosts: &str| {
        istio(
            "Gateway",
            &format!(
                "{{ selector: {{ istio: ingress }}, servers: [{{ port: {{ number: 80, name: http, protocol: HTTP }}, hosts: [{hosts}] }}] }}"
            ),
        )
    };
    let routes = |hosts: &str, gateways: &str| {
        istio(
            "VirtualService",
            &format!(
                "{{ hosts: [{hosts}], gateways: [{gateways}], http: [{{ route: [{{ destination: {{ host: web }} }}] }}] }}"
            ),
        )
    };
    let of = |server: &str, hosts: &str, gateways: &str| {
        shops(&[(&[SERVICE, &gateway(server), &routes(hosts, gateways)], "")]).remove(0)
    };
    check(
        Code::UnservedHost,
        &facts(),
        vec![
            of("a.example.com", "b.example.com", "web"),
            of("'*.example.com'", "example.com", "web"),
            of("a.example.com", "a.example.com, b.example.com", "team/web"),
        ],
        vec![
            of("'*.example.com'", "a.example.com", "web"),
            of("'./a.example.com'", "'*'", "web"),
            // sidecars follow the short name, and who knows what the other Gateway has
            of("a.example.com", "web, a.example.com", "mesh, web"),
            of("a.example.com", "b.example.com", "web, edge/shared"),
        ],
    );
    check(
        Code::UnknownGateway,
        &facts(),
        vec![
            of("'*'", "a.example.com", "wbe"),
            of("'*'", "a.example.com", "team/wbe"),
            of("'*'", "a.example.com", "web, gone"),
        ],
        vec![
            of("'*'", "a.example.com", "web"),
            of("'*'", "a.example.com", "team/web, mesh"),
            of("'*'", "a.example.com", "edge/shared"),
        ],
    );
}

#[test]
fn hosts_hidden_by_a_sidecar_or_an_export() {
    let of = |egress: Option<(&str, &[&str])>, routes: &str| {
        let mut facts = facts();
        let sidecar =
            egress.map(|(of, hosts)| Sidecar::new(of.parse().unwrap(), hosts.iter().copied()).unwrap());
        facts.sidecars.extend(sidecar);
        found(&[access_point("shop", &templates(&[SERVICE, &istio("VirtualService", routes)]))], Some(&facts))
    };
    const ROUTES: &str = "{ hosts: [a.example.com], http: [{ route: [{ destination: { host: web.others.svc.cluster.local } }] }] }";
    let hidden = ["shop spec.templates[1].spec.hosts[0] hidden-host"];
    assert_eq!(of(Some(("team", &["others/*"])), ROUTES), hidden);
    assert_eq!(of(Some(("team", &["./web.team.svc.cluster.local", "istio-system/*"])), ROUTES), hidden);
    assert_eq!(of(Some(("istio-system", &["istio-system/*"])), ROUTES), hidden, "the root's holds for all");
    let none = Vec::<String>::new();
    assert_eq!(of(None, ROUTES), none);
    // what a route leads to comes with it
    assert_eq!(of(Some(("team", &["./*"])), ROUTES), none);
    assert_eq!(of(Some(("istio-system", &["./*"])), ROUTES), none);
    assert_eq!(of(Some(("others", &["~/*"])), ROUTES), none);
    let at_gateway = ROUTES.replace("http:", "gateways: [edge/shared], http:");
    assert_eq!(of(Some(("team", &["others/*"])), &at_gateway), none, "gateways know no Sidecar");
}

#[test]
fn gateways_that_no_pod_serves_and_overrides_that_never_match() {
    let gateway = |selector: &str| {
        let object = istio("Gateway", &format!("{{ selector: {selector}, servers: [] }}"));
        shops(&[(&[&object], "")]).remove(0)
    };
    check(
        Code::GatewaySelectsNothing,
        &facts(),
        vec![
            gateway("{ istio: egress }"),
            gateway("{ istio: ingress, more: \"1\" }"),
            gateway("{ app: ingress }"),
        ],
        vec![gateway("{ istio: ingress }"), gateway("{}"), shops(&[(&[SERVICE], "")]).remove(0)],
    );
    let on = |targets: &str, placement: &str| {
        let parts = format!(
            "{}, overrides: [{{ name: o{targets}, rules: [{{ kind: Service, labels: {{ a: b }} }}] }}]",
            templates(&[SERVICE])
        );
        vec![access_point("shop", &parts.replace("selector: {}", placement))]
    };
    let all = "selector: {}";
    check(
        Code::OverrideNeverMatches,
        &facts(),
        vec![
            on(", targets: { zones: [slc-b] }", all),
            on(", targets: { names: [phx-a-1] }", "names: [slc-a-1]"),
            on(", targets: { regions: [us-west], zones: [phx-a] }", all),
        ],
        vec![
            on("", all),
            on(", targets: { regions: [us-south] }", all),
            on(", targets: { names: [phx-a-1, phx-a-2] }", all),
        ],
    );
}

#[test]
fn vips_claimed_twice_and_providers_that_are_missing() {
    let vips = |one: &str, other: &str| {
        let of = |name: &str, vip: &str| {
            access_point(name, &format!("{}, vip: {{ scope: all, {vip} }}", templates(&[SERVICE])))
        };
        vec![of("shop", one), of("other", other)]
    };
    // agreed, and on ports of their own
    let apart = |port: &str| {
        let mut both = vips("addresses: [203.0.113.1], sharingKey: a", "");
        let service = SERVICE.replace("{ port: 80 }", port);
        let vip = "vip: { scope: all, addresses: [203.0.113.1], sharingKey: a }";
        both[1] = access_point("other", &format!("{}, {vip}", templates(&[&service])));
        both
    };
    check(
        Code::VipClaimedTwice,
        &facts(),
        vec![
            vips("addresses: [203.0.113.1]", "addresses: [203.0.113.1]"),
            vips("addresses: [203.0.113.1], sharingKey: a", "addresses: [203.0.113.1], sharingKey: b"),
            vips("addresses: ['2001:db8::1']", "addresses: ['2001:db8:0::1']"),
            // agreed, and both serve 80/tcp there
            vips("addresses: [203.0.113.1], sharingKey: a", "addresses: [203.0.113.1], sharingKey: a"),
        ],
        vec![
            vips("addresses: [203.0.113.1]", "addresses: [203.0.113.2]"),
            apart("{ port: 53 }"),
            // the same number of another protocol
            apart("{ port: 80, protocol: UDP }"),
            vips("addresses: [203.0.113.1]", "sharingKey: a"),
        ],
    );
    let named = |names: &str| shops(&[(&[SERVICE], &format!(", names: [{names}]"))]).remove(0);
    check(
        Code::UnknownProvider,
        &facts(),
        vec![
            named("{ fqdn: a.example.com, provider: crop }"),
            named("{ fqdn: a.example.net, provider: corp }"),
            named("{ fqdn: a.example.com, provider: corp }, { fqdn: notexample.com, provider: corp }"),
        ],
        vec![
            named("{ fqdn: a.example.com, provider: corp }"),
            named("{ fqdn: a.b.example.com, provider: corp }"),
            shops(&[(&[SERVICE], "")]).remove(0),
        ],
    );
}
