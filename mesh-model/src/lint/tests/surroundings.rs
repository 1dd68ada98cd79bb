//! Tests of what is held against the fleet and the mesh around: for each code, what is wrong and what looks much
//! like it and is right.

use super::cases::{check, shops};
use super::*;
use crate::api::AvailabilityZone;
use crate::footprint::{Services, ServicesFile};

/// One access point of these templates.
fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, "")]).remove(0)
}

/// One access point with this placement.
fn placed(placement: &str) -> Vec<AccessPoint> {
    vec![access_point("shop", &templates(&[SERVICE]).replace("selector: {}", placement))]
}

#[test]
fn servers_that_istio_refuses() {
    let gateway = |server: &str| {
        istio("Gateway", &format!("{{ selector: {{ istio: ingress }}, servers: [{server}] }}"))
    };
    let of = |server: &str| shop(&[&gateway(server)]);
    let port = |protocol: &str| format!("port: {{ number: 443, name: port, protocol: {protocol} }}");
    let https = |tls: &str| of(&format!("{{ {}, hosts: [a.example.com], tls: {tls} }}", port("HTTPS")));
    let hosts = |hosts: &str| of(&format!("{{ {}, hosts: {hosts} }}", port("HTTP")));
    let of_protocol = |protocol: &str| of(&format!("{{ {}, hosts: ['*'] }}", port(protocol)));
    let patched = "overrides: [{ name: o, rules: [{ kind: Gateway, patch: [{ op: replace, path: /spec/servers/0, value: { port: { number: 80, name: http, protocol: HTTP }, hosts: [a.example.com] } }] }] }]";
    check(
        Code::GatewayRefused,
        &facts(),
        vec![
            https("{ mode: SIMPLE }"),
            https("{ mode: MUTUAL, credentialName: '' }"),
            https("{ mode: OPTIONAL_MUTUAL, serverCertificate: /a }"),
            hosts("[]"),
            hosts("['a.example.com:443']"),
            hosts("[b.example.com, 'team/a.example.com:443']"),
            of_protocol("https2"),
            of_protocol("HTPP"),
            of_protocol("HTTPS"),
            // what the mesh's certificates are for, and files of which one is missing
            https("{ mode: ISTIO_MUTUAL, credentialName: a }"),
            https("{ mode: MUTUAL, serverCertificate: /a, privateKey: /b }"),
            https("{ mode: SIMPLE, serverCertificate: /a, privateKey: /b, caCrl: /c }"),
            https("{ mode: SIMPLE, tlsCertificates: [{ serverCertificate: /a }] }"),
            // TLS on ports of other protocols
            of(&format!("{{ {}, hosts: ['*'], tls: {{ mode: SIMPLE, credentialName: a }} }}", port("HTTP"))),
            of(&format!("{{ {}, hosts: ['*'], tls: {{ mode: PASSTHROUGH }} }}", port("TCP"))),
            // hosts
            hosts("[shop]"),
            hosts("['*shop.example.com']"),
            hosts("['a.*.example.com']"),
            hosts("['Team_1/a.example.com']"),
            hosts("['2001:db8::1']"),
            hosts("[a.example.1]"),
            // ports and addresses
            of("{ port: { number: 0, name: a, protocol: HTTP }, hosts: ['*'] }"),
            of("{ port: { number: 80, name: '', protocol: HTTP }, hosts: ['*'] }"),
            of("{ port: { number: 80, name: a, protocol: HTTP, targetPort: 8080 }, hosts: ['*'] }"),
            of("{ bind: here, port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }"),
            of("{ bind: 'unix:///a', port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }"),
            of(&[80, 81]
                .map(|number| {
                    format!("{{ port: {{ number: {number}, name: a, protocol: HTTP }}, hosts: ['*'] }}")
                })
                .join(", ")),
            of(""),
        ],
        vec![
            https("{ mode: SIMPLE, credentialName: a }"),
            https("{ mode: MUTUAL, credentialNames: [a, b] }"),
            https("{ mode: SIMPLE, serverCertificate: /a, privateKey: /b }"),
            https("{ mode: PASSTHROUGH }"),
            https("{ mode: ISTIO_MUTUAL }"),
            hosts("['*', 'team/*.example.com', './a.example.com']"),
            of_protocol("http2"),
            of_protocol("GRPC-Web"),
            https("{ mode: MUTUAL, serverCertificate: /a, privateKey: /b, caCertificates: /c, caCrl: /d }"),
            https("{ mode: SIMPLE, tlsCertificates: [{ serverCertificate: /a, privateKey: /b }] }"),
            of(&format!("{{ {}, hosts: ['*'], tls: {{ httpsRedirect: true }} }}", port("HTTP"))),
            of(&format!("{{ {}, hosts: ['*'], tls: {{ mode: AUTO_PASSTHROUGH }} }}", port("TLS"))),
            hosts("[192.0.2.1, a.example.com., '*/a.example.com']"),
            of("{ bind: 'unix:///a', port: { number: 0, name: a, protocol: HTTP }, hosts: ['*'] }"),
            of("{ bind: '2001:db8::1', port: { number: 80, name: a, protocol: HTTP }, hosts: ['*'] }"),
            // it is not the template that is served
            shops(&[(&[&gateway(&format!("{{ {}, hosts: [] }}", port("HTTP")))], &format!(", {patched}"))])
                .remove(0),
        ],
    );
    let findings = lint(&of_protocol("https2"), None, &Schemas::embedded());
    assert_eq!(findings[0].message, "`https2` is no protocol; did you mean `HTTP2`?");
    assert_eq!(findings[0].path.to_string(), "spec.templates[0].spec.servers[0].port.protocol");
}

#[test]
fn what_is_chosen_and_the_fleet_does_not_have() {
    let facts = facts();
    let canary = |name: &str| {
        let stages = format!("rollout: {{ stages: [{{ name: canary, targets: {{ names: [{name}] }} }}] }}");
        vec![access_point("shop", &format!("{}, {stages}", templates(&[SERVICE])))]
    };
    check(
        Code::UnknownZone,
        &facts,
        vec![
            placed("zones: [slc-b]"),
            placed("zones: [slc-a, phx]"),
            placed("selector: {}, zones: [us-west]"),
        ],
        vec![placed("zones: [slc-a]"), placed("zones: [phx-a, slc-a]"), placed("names: [slc-b-1]")],
    );
    check(
        Code::UnknownRegion,
        &facts,
        vec![
            placed("regions: [us-wets]"),
            placed("regions: [us-west, slc-a]"),
            placed("zones: [slc-a], regions: [eu]"),
        ],
        vec![placed("regions: [us-west]"), placed("regions: [us-south, us-west]"), placed("selector: {}")],
    );
    check(
        Code::UnknownTarget,
        &facts,
        vec![placed("names: [slc-b-1]"), placed("names: [slc-a-1, phx-a]"), canary("slc-a-11")],
        vec![placed("names: [slc-a-1, phx-a-1]"), placed("zones: [slc-a]"), canary("slc-a-1")],
    );
    let findings = lint(&placed("zones: [slc-b]"), Some(&facts), &Schemas::embedded());
    let told: Vec<(String, &str)> =
        findings.iter().map(|one| (one.path.to_string(), one.message.as_str())).collect();
    assert_eq!(told[0].0, "spec.placement", "nowhere is told, too");
    assert_eq!(told[1], ("spec.placement.zones[0]".into(), "there is no zone slc-b; did you mean `slc-a`?"));
}

#[test]
fn hosts_that_nothing_declares() {
    let routes = |host: &str| {
        istio(
            "VirtualService",
            &format!(
                "{{ hosts: [a.example.com], http: [{{ route: [{{ destination: {{ host: {host} }} }}] }}] }}"
            ),
        )
    };
    let rule = |host: &str| istio("DestinationRule", &format!("{{ host: {host} }}"));
    let entry = istio(
        "ServiceEntry",
        "{ hosts: [card.team.svc.cluster.local], ports: [{ number: 443, name: tls, protocol: TLS }] }",
    );
    let around: ServicesFile =
        serde_saphyr::from_str("{ services: [{ name: ledger, namespace: team, ports: [80] }, { name: vault, namespace: money, ports: [80] }] }").unwrap();
    let around = Services::try_from(around).unwrap();
    let all = FleetFacts { services: Some(around.services), ..facts() };
    check(
        Code::UnknownHost,
        &all,
        vec![
            shop(&[SERVICE, &routes("wbe.team.svc.cluster.local")]),
            shop(&[SERVICE, &routes("lodger")]),
            shop(&[SERVICE, &routes("web"), &rule("wbe")]),
            shop(&[SERVICE, &routes("nope.money.svc.cluster.local")]),
            shop(&[SERVICE, &routes("web"), &rule("nope.money.svc.cluster.local")]),
            shop(&[SERVICE, &routes("web").replace("}] }", "}], mirror: { host: nope } }")]),
        ],
        vec![
            shop(&[SERVICE, &routes("vault.money.svc.cluster.local")]),
            shop(&[SERVICE, &routes("web").replace("}] }", "}], mirror: { host: ledger } }")]),
            shop(&[SERVICE, &routes("web"), &rule("web.team.svc.cluster.local")]),
            shop(&[SERVICE, &routes("ledger"), &rule("ledger")]),
            shop(&[SERVICE, &entry, &routes("card")]),
            // a team's of which nothing is known, and what is no service of the mesh at all
            shop(&[SERVICE, &routes("wbe.others.svc.cluster.local")]),
            shop(&[SERVICE, &routes("a.example.com"), &rule("'*.team.svc.cluster.local'")]),
        ],
    );
    // a name is meant of the same namespace, or none
    for (host, near) in [("vaul", "; did you mean `vault`?"), ("ledger", "")] {
        let routes = routes(&format!("{host}.money.svc.cluster.local"));
        let findings = lint(&shop(&[SERVICE, &routes]), Some(&all), &Schemas::embedded());
        assert_eq!(findings[0].message, format!("nothing declares {host}.money.svc.cluster.local{near}"));
    }
    // who does not know all services knows only that no route leads to the Service of nearly that name
    check(
        Code::UnknownHost,
        &facts(),
        vec![
            shop(&[SERVICE, &routes("wbe")]),
            shop(&[SERVICE, &routes("weeb.team.svc.cluster.local")]),
            shop(&[
                SERVICE,
                &SERVICE.replace("name: web", "name: ledger"),
                &routes("web").replace("web } }]", "web } }, { destination: { host: leger } }]"),
            ]),
        ],
        vec![
            shop(&[SERVICE, &routes("ledger")]),
            shop(&[
                SERVICE,
                &routes("web"),
                &routes("wbe").replace("name: web }", "name: more }"),
                &rule("wbe"),
            ]),
            shop(&[&routes("wbe")]),
        ],
    );
}

#[test]
fn objects_of_istio_that_nobody_reads() {
    let fleet = |entrance: &str, more: &str| {
        let zone = |name: &str, region: &str, rest: &str| -> AvailabilityZone {
            serde_saphyr::from_str(&format!(
                "{{ apiVersion: overspill.dev/v1alpha1, kind: AvailabilityZone, metadata: {{ name: {name} }}, spec: {{ region: {region}{rest} }} }}"
            ))
            .unwrap()
        };
        let clusters =
            [("slc-a-1", "zone: slc-a, gateway: true"), ("slc-a-2", "zone: slc-a"), ("phx-a-1", more)];
        let clusters = clusters.map(|(name, spec)| cluster(name, &format!("{{ {spec} }}")));
        let zones = vec![zone("slc-a", "us-west", entrance), zone("phx-a", "us-south", "")];
        FleetFacts { fleet: Fleet::new(zones, clusters.into()).unwrap(), ..FleetFacts::default() }
    };
    let rule = istio("DestinationRule", "{ host: web }");
    let of = |placement: &str, of: &[&str]| {
        vec![access_point("shop", &templates(of).replace("selector: {}", placement))]
    };
    let entrance = ", eastWest: { addresses: [198.51.100.1] }";
    let with = fleet(entrance, "zone: phx-a");
    check(
        Code::UnreadObjects,
        &with,
        vec![
            of("selector: {}", &[SERVICE, &rule]),
            of("names: [slc-a-1, slc-a-2]", &[&rule]),
            of("zones: [slc-a]", &[&istio("Gateway", "{ selector: {}, servers: [] }")]),
        ],
        vec![
            of("names: [slc-a-1]", &[SERVICE, &rule]),
            of("level: zone, selector: {}", &[SERVICE, &rule]),
            // a Service is read from every cluster
            of("selector: {}", &[SERVICE]),
            // without an entrance nobody said that one control plane is the zone's
            of("names: [phx-a-1]", &[SERVICE, &rule]),
        ],
    );
    let apart = fleet("", "zone: phx-a");
    assert_eq!(found(&of("selector: {}", &[SERVICE, &rule]), Some(&apart)), Vec::<String>::new());
}

#[test]
fn aliases_that_lead_back_to_themselves() {
    let names = |of: &[(&str, &str)]| {
        let one = |(name, target): &(&str, &str)| {
            let text = format!(
                "{{ apiVersion: overspill.dev/v1alpha1, kind: NameService, metadata: {{ name: {name}, namespace: team }}, spec: {{ fqdn: {name}.example.com, provider: corp, target: {{ {target} }} }} }}"
            );
            NameService::try_from(serde_saphyr::from_str::<crate::api::NameService>(&text).unwrap()).unwrap()
        };
        let facts = FleetFacts { names: of.iter().map(one).collect(), ..facts() };
        let findings = lint(&shop(&[SERVICE]), Some(&facts), &Schemas::embedded());
        findings
            .iter()
            .map(|one| format!("{} {} {}", one.object.name, one.code, one.message))
            .collect::<Vec<_>>()
    };
    let told =
        |name: &str, way: &str| format!("{name} alias-circle {way} is a circle, so no address is ever found");
    let [a, b, c] = ["alias: a.example.com", "alias: b.example.com", "alias: c.example.com"];
    let two = "a.example.com -> b.example.com -> a.example.com";
    let back = "b.example.com -> a.example.com -> b.example.com";
    assert_eq!(names(&[("a", b), ("b", a)]), [told("a", two), told("b", back)]);
    assert_eq!(names(&[("a", b), ("b", c), ("c", a)]).len(), 3);
    // who leads into a circle is in none; the circle is told
    assert_eq!(names(&[("c", a), ("a", b), ("b", a)]), [told("a", two), told("b", back)]);
    let none = Vec::<String>::new();
    assert_eq!(names(&[("a", b), ("b", c), ("c", "addresses: [192.0.2.1]")]), none);
    assert_eq!(names(&[("a", b), ("b", "accessPoint: shop")]), none);
    assert_eq!(names(&[("a", "alias: edge.example.net"), ("b", a)]), none);
    // each of two that lead into one circle, whichever comes first
    assert_eq!(names(&[("a", c), ("b", c), ("c", "alias: d.example.com"), ("d", c)]).len(), 2);
    // a long way is told by its beginning
    let ring = |length: usize| {
        let all: Vec<(String, String)> = (0..length)
            .map(|one| (format!("n{one:02}"), format!("alias: n{:02}.example.com", (one + 1) % length)))
            .collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, to)| (&**name, &**to)).collect();
        names(&all)
    };
    let of = |numbers: std::ops::RangeInclusive<usize>| {
        numbers.map(|one| format!("n{one:02}.example.com")).collect::<Vec<_>>().join(" -> ")
    };
    let eight = ring(8);
    assert_eq!((eight.len(), &eight[0]), (8, &told("n00", &format!("{} -> n00.example.com", of(0..=7)))));
    let twelve = ring(12);
    let expected = format!("{} -> (4 more) -> n00.example.com", of(0..=7));
    assert_eq!((twelve.len(), &twelve[0]), (12, &told("n00", &expected)));
}

#[test]
fn a_namespace_that_no_control_plane_looks_at() {
    let facts = |settings: &str| {
        let file = format!("{{ services: [], {settings} }}");
        let file = serde_saphyr::from_str::<ServicesFile>(&file).unwrap();
        let discovery = Services::try_from(file).unwrap().discovery;
        FleetFacts { discovery, ..facts() }
    };
    let of = |settings: &str| found(&[access_point("shop", &templates(&[SERVICE]))], Some(&facts(settings)));
    let told = ["shop metadata.namespace unread-objects"];
    let selectors = "discoverySelectors: [{ matchLabels: { mesh: 'on' } }]";
    assert_eq!(of(""), Vec::<String>::new());
    assert_eq!(of(selectors), told);
    assert_eq!(of(&format!("{selectors}, namespaces: {{ team: {{ labels: {{ mesh: 'off' }} }} }}")), told);
    let labelled = format!("{selectors}, namespaces: {{ team: {{ labels: {{ mesh: 'on' }} }} }}");
    assert_eq!(of(&labelled), Vec::<String>::new());
    let by_name = "discoverySelectors: [{ matchLabels: { kubernetes.io/metadata.name: team } }]";
    assert_eq!(of(by_name), Vec::<String>::new());
}

/// Findings of access points (`namespace/name fqdn`) and NameServices (`namespace/name fqdn target`) by `corp`.
fn claims(provider: &str, of: &[&str]) -> Vec<String> {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: NameProvider, metadata: {{ name: corp }}, spec: {{ domains: [example.com]{provider} }} }}"
    );
    let object: crate::api::NameProvider = serde_saphyr::from_str(&text).unwrap();
    let mut facts = FleetFacts { providers: vec![NameProvider::try_from(object).unwrap()], ..facts() };
    let mut access_points = Vec::new();
    for one in of {
        let (id, rest) = one.split_once(' ').unwrap();
        let (namespace, name) = id.split_once('/').unwrap();
        match rest.split_once(' ') {
            None => {
                let mut one = access_point(
                    name,
                    &format!("{}, names: [{{ fqdn: {rest}, provider: corp }}]", templates(&[SERVICE])),
                );
                one.id.namespace = namespace.parse().unwrap();
                access_points.push(one);
            }
            Some((fqdn, target)) => {
                let text = format!(
                    "{{ apiVersion: overspill.dev/v1alpha1, kind: NameService, metadata: {{ name: {name}, namespace: {namespace} }}, \
                     spec: {{ fqdn: {fqdn}, provider: corp, target: {{ {target} }} }} }}"
                );
                let object: crate::api::NameService = serde_saphyr::from_str(&text).unwrap();
                facts.names.push(NameService::try_from(object).unwrap());
            }
        }
    }
    let findings = lint(&access_points, Some(&facts), &Schemas::embedded());
    let of_names = [Code::NameClaimedTwice, Code::UnknownProvider];
    let findings = findings.iter().filter(|one| of_names.contains(&one.code));
    findings.map(|one| format!("{} {} {} {}", one.object, one.path, one.code, one.message)).collect()
}

#[test]
fn a_name_that_two_claim() {
    let none = Vec::<String>::new();
    let strangers = ["pay/shop a.example.com", "web/shop a.example.com"];
    assert_eq!(
        claims("", &strangers),
        ["FederatedAccessPoint/web/shop spec.names[0].fqdn name-claimed-twice a.example.com is wanted by \
          FederatedAccessPoint/pay/shop, too, which is of another namespace: whichever has it published keeps it, and of a \
          new name none gets anything"]
    );
    let both = ", reservations: [{ name: a.example.com, namespaces: [pay, web] }]";
    assert_eq!(claims(both, &strangers), none);
    assert_eq!(
        claims("", &["pay/shop a.example.com", "pay/shop2 a.example.com"]),
        none,
        "one namespace shares"
    );
    assert_eq!(claims("", &["pay/shop a.example.com", "web/shop b.example.com"]), none);
    // an alias beside what is published, of the same namespace and of another
    let [own, other] =
        ["pay/www a.example.com alias: b.example.com", "web/www a.example.com alias: b.example.com"];
    let told = claims("", &["pay/shop a.example.com", own]);
    assert_eq!(
        told,
        [
            "NameService/pay/www spec.fqdn name-claimed-twice a.example.com is wanted by FederatedAccessPoint/pay/shop, too, \
          as addresses: a name has one alias or addresses, so this alias is not published"
        ]
    );
    let told = claims("", &["pay/shop a.example.com", other]);
    assert!(told.len() == 1 && told[0].contains("of another namespace"), "{told:?}");
    let told = claims(both, &["pay/shop a.example.com", other]);
    assert!(told.len() == 1 && told[0].contains("too, as addresses"), "{told:?}");
    // of two aliases the same is no quarrel, another is
    let second = "pay/www2 a.example.com alias: c.example.com";
    let told = claims("", &[own, second]);
    assert!(told.len() == 1 && told[0].contains("NameService/pay/www, too, as another alias"), "{told:?}");
    assert_eq!(claims("", &[own, &second.replace("c.example", "b.example")]), none);
    assert_eq!(claims("", &["pay/shop a.example.com", "pay/www a.example.com accessPoint: shop"]), none);
}

#[test]
fn a_provider_that_is_for_others() {
    let of = ["pay/shop a.example.com", "pay/www b.example.com alias: c.example.com"];
    for provider in [
        ", accessPoints: { namespaces: [web] }",
        ", accessPoints: { selector: { matchLabels: { tier: edge } } }",
        ", reservations: [{ name: a.example.com, namespaces: [web] }, { name: b.example.com, namespaces: [web] }]",
    ] {
        let told = claims(provider, &of);
        assert_eq!(
            told,
            [
                "FederatedAccessPoint/pay/shop spec.names[0].provider unknown-provider NameProvider corp is not for this \
                 access point, by its namespaces, labels or reservations, so a.example.com is never published",
                "NameService/pay/www spec.provider unknown-provider NameProvider corp is not for this NameService, by its \
                 namespaces, labels or reservations, so b.example.com is never published"
            ],
            "{provider}"
        );
    }
    assert_eq!(claims(", accessPoints: { namespaces: [pay] }", &of), Vec::<String>::new());
    let told = claims("", &["pay/www b.example.org alias: c.example.com"]);
    assert!(told.len() == 1 && told[0].contains("does not serve b.example.org"), "{told:?}");
}

#[test]
fn ports_of_services_of_others() {
    let file = "{ services: [{ name: vault, namespace: money, ports: [8080, 9090] }] }";
    let around = Services::try_from(serde_saphyr::from_str::<ServicesFile>(file).unwrap()).unwrap();
    let all = FleetFacts { services: Some(around.services), ..facts() };
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
    );
    let routes = |port: &str, gateways: &str| {
        let destination = format!("{{ host: vault.money.svc.cluster.local{port} }}");
        let routes = format!(
            "{{ hosts: [a.example.com], {gateways} http: [{{ route: [{{ destination: {destination} }}] }}] }}"
        );
        shop(&[SERVICE, &istio("VirtualService", &routes), &gateway])
    };
    let at = "shop spec.templates[1].spec.http[0].route[0].destination";
    let told = |port: &str, gateways: &str| found(&routes(port, gateways), Some(&all));
    assert_eq!(told(", port: { number: 8081 }", ""), [format!("{at}.port unknown-port")]);
    assert_eq!(told("", "gateways: [web],"), [format!("{at} port-not-chosen")]);
    assert_eq!(told(", port: { number: 9090 }", "gateways: [web],"), [""; 0]);
    // a sidecar sends to the port that was called
    assert_eq!(told("", ""), [""; 0]);
    assert_eq!(found(&routes(", port: { number: 8081 }", ""), Some(&facts())), [""; 0]);
}

#[test]
fn an_access_point_that_is_nowhere_is_told_once() {
    let overrides = ", overrides: [{ name: a, targets: { zones: [slc-a] }, rules: [{ kind: Service, labels: { a: b } }] }, { name: b, rules: [{ kind: Service, labels: { a: b } }] }]";
    let of = |labels: &str| {
        let parts = format!("{}{overrides}", templates(&[SERVICE]));
        found(&[access_point("shop", &parts.replace("selector: {}", labels))], Some(&facts()))
    };
    assert_eq!(of("selector: { matchLabels: { tire: edge } }"), ["shop spec.placement placed-nowhere"]);
    assert_eq!(of("selector: {}"), [""; 0]);
    let empty = FleetFacts { fleet: Fleet::default(), ..facts() };
    assert_eq!(found(&shop(&[SERVICE]), Some(&empty)), [""; 0], "no fleet at all is not its fault");
}

/// Targets that a status has and whose workload was not seen to have left are kept, and judged as any other.
#[test]
fn an_access_point_that_keeps_its_targets_is_somewhere() {
    let workload = |seen: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedDeployment, metadata: {{ name: web, namespace: team }}, spec: {{ placement: {{ clusters: [{{ name: slc-a-1, replicas: 0 }}] }} }}{seen} }}"
        );
        Workload::try_from(serde_saphyr::from_str::<crate::api::FederatedDeployment>(&text).unwrap()).unwrap()
    };
    let shop = |more: &str| {
        let parts = format!("{}{more}", templates(&[SERVICE]));
        access_point(
            "shop",
            &parts.replace("selector: {}", "follow: { kind: FederatedDeployment, name: web }"),
        )
    };
    let told = |access_point: AccessPoint, seen: &str, current: &[&str]| {
        let current = current.iter().map(|name| name.parse().unwrap()).collect();
        let current = BTreeMap::from([(access_point.id.clone(), current)]);
        let facts = FleetFacts { workloads: vec![workload(seen)], current, ..facts() };
        found(&[access_point], Some(&facts))
    };
    let nowhere = ["shop spec.placement placed-nowhere"];
    let [leaving, left] = ["1", "0"].map(|replicas| {
        format!(", status: {{ clusters: [{{ name: slc-a-1, replicas: {replicas}, ready: 0 }}] }}")
    });
    assert_eq!(told(shop(""), "", &[]), nowhere);
    assert_eq!(told(shop(""), "", &["slc-a-1"]), [""; 0], "nobody saw whether it has left");
    assert_eq!(told(shop(""), &leaving, &["slc-a-1"]), [""; 0]);
    assert_eq!(told(shop(""), &left, &["slc-a-1"]), nowhere);
    assert_eq!(told(shop(""), &leaving, &["slc-a-9"]), nowhere, "it is no longer in the fleet");
    let of = |zone: &str| {
        shop(&format!(
            ", overrides: [{{ name: o, targets: {{ zones: [{zone}] }}, rules: [{{ kind: Service, labels: {{ a: b }} }}] }}]"
        ))
    };
    assert_eq!(told(of("slc-a"), &leaving, &["slc-a-1"]), [""; 0]);
    assert_eq!(
        told(of("phx-a"), &leaving, &["slc-a-1"]),
        ["shop spec.overrides[0].targets override-never-matches"]
    );
}

#[test]
fn a_stage_that_nobody_is_in_is_told_what_helps() {
    let told = |stages: &str| {
        let parts = format!("{}, rollout: {{ stages: [{stages}] }}", templates(&[SERVICE]));
        let findings = lint(&[access_point("shop", &parts)], Some(&facts()), &Schemas::embedded());
        assert_eq!(findings.len(), 1, "{stages}: {findings:#?}");
        (findings[0].path.to_string(), findings[0].fix.clone())
    };
    let [canary, all] = ["{ name: canary, targets: { names: [slc-a-1] } }", "{ name: all }"];
    let (path, fix) = told(&format!("{all}, {canary}"));
    assert_eq!(
        (path.as_str(), fix.as_str()),
        ("spec.rollout.stages[1].targets", "put the narrower stage first")
    );
    // the canary is first already, and this one is no wider
    let again = "{ name: again, targets: { zones: [slc-a] } }";
    let (path, fix) = told(&format!("{canary}, {again}, {all}"));
    assert_eq!(path, "spec.rollout.stages[1].targets");
    assert!(fix.starts_with("let it select others, or take it away"), "{fix}");
}
