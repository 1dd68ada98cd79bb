//! Tests of published names whose server is there and whose routes are not, of the hosts of both, and of routes whose
//! Gateway is not there.

use proptest::prelude::*;

use super::cases::{check, shops};
use super::*;
use crate::lint::served::ServedHosts;

const NAME: &str = ", names: [{ fqdn: a.example.com, provider: corp }]";

fn gateway(server: &str) -> String {
    istio("Gateway", &format!("{{ selector: {{ istio: ingress }}, servers: [{server}] }}"))
}

fn http(host: &str) -> String {
    gateway(&format!("{{ port: {{ number: 80, name: http, protocol: HTTP }}, hosts: ['{host}'] }}"))
}

fn tls(mode: &str) -> String {
    gateway(&format!(
        "{{ port: {{ number: 443, name: tls, protocol: TLS }}, hosts: [a.example.com], tls: {mode} }}"
    ))
}

fn routes(hosts: &str, gateways: &str, kind: &str) -> String {
    let route = "route: [{ destination: { host: web, port: { number: 80 } } }]";
    let rule = match kind {
        "tls" => format!("tls: [{{ match: [{{ port: 443, sniHosts: [a.example.com] }}], {route} }}]"),
        _ => format!("{kind}: [{{ {route} }}]"),
    };
    istio("VirtualService", &format!("{{ hosts: [{hosts}], {gateways} {rule} }}"))
}

fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, NAME)]).remove(0)
}

const AT: &str = "gateways: [web],";

#[test]
fn names_without_routes() {
    let bound = |server: &str, kind: &str| shop(&[SERVICE, server, &routes("a.example.com", AT, kind)]);
    let at = |gateways: &str| {
        let gateways = if gateways.is_empty() { String::new() } else { format!("gateways: {gateways},") };
        shop(&[SERVICE, &http("a.example.com"), &routes("a.example.com", &gateways, "http")])
    };
    let redirect = |second: &str| {
        let first = "{ port: { number: 80, name: http, protocol: HTTP }, hosts: [a.example.com], tls: { httpsRedirect: true } }";
        gateway(&format!(
            "{first}, {{ port: {{ number: 443, name: tls, protocol: HTTPS }}, hosts: [a.example.com], tls: {second} }}"
        ))
    };
    let wide = routes("'*.example.com'", AT, "http");
    // another access point has the routes, in a namespace whose routes are let in
    let with_other = |host: &str| {
        let mut both = shop(&[SERVICE, &http(host), &routes("b.example.com", AT, "http")]);
        let theirs = routes("a.example.com", "gateways: [team/web],", "http");
        both.push(access_point("other", &templates(&[&theirs])));
        both
    };
    check(
        Code::NameWithoutRoute,
        &facts(),
        vec![
            // sidecars alone follow these
            at(""),
            at("[]"),
            at("[mesh]"),
            at("[edge/web]"),
            shop(&[SERVICE, &http("*"), &routes("b.example.com", AT, "http")]),
            bound(&http("others/a.example.com"), "http"),
            bound(&tls("{ mode: PASSTHROUGH }"), "http"),
            bound(&tls("{ mode: SIMPLE, credentialName: web }"), "http"),
            bound(&redirect("{ mode: PASSTHROUGH }"), "http"),
            bound(&http("a.example.com"), "tcp"),
            with_other("./a.example.com"),
        ],
        vec![
            bound(&http("a.example.com"), "http"),
            bound(&http("*/a.example.com"), "http"),
            bound(&http("./*.example.com"), "http"),
            bound(&http("team/a.example.com"), "http"),
            shop(&[SERVICE, &http("a.example.com"), &wide]),
            at("[mesh, team/web]"),
            bound(&tls("{ mode: PASSTHROUGH }"), "tls"),
            bound(&tls("{ mode: SIMPLE, credentialName: web }"), "tcp"),
            bound(&redirect("{ mode: SIMPLE, credentialName: web }"), "http"),
            with_other("a.example.com"),
            with_other("others/a.example.com"),
            // its routes may all be elsewhere
            shop(&[SERVICE, &http("a.example.com")]),
            shop(&[SERVICE, &http("a.example.com"), &routes("web", "", "http")]),
            // however the Gateway is called
            at("[./web]"),
            at("[web.team.svc.cluster.local]"),
            // plain TCP is routed by port
            shop(&[
                SERVICE,
                &gateway("{ port: { number: 5432, name: tcp, protocol: TCP }, hosts: ['*'] }"),
                &routes("web.team.svc.cluster.local", "gateways: [web, mesh],", "tcp"),
            ]),
            // a name for all below it
            shops(&[(
                &[SERVICE, &http("*.shop.example.com"), &routes("a.shop.example.com", AT, "http")],
                ", names: [{ fqdn: '*.shop.example.com', provider: corp }]",
            )])
            .remove(0),
            // a server of another zone's routes needs none of its own
            shop(&[
                SERVICE,
                &gateway(
                    "{ port: { number: 15443, name: tls, protocol: TLS }, hosts: [a.example.com], tls: { mode: AUTO_PASSTHROUGH } }",
                ),
                &routes("b.example.com", AT, "http"),
            ]),
            // without a Gateway names lead to Services
            shop(&[SERVICE, &routes("a.example.com", "", "http")]),
        ],
    );
}

#[test]
fn a_host_for_routes_of_another_namespace_is_unserved() {
    let of = |host: &str| {
        shops(&[(&[SERVICE, &http(host), &routes("a.example.com", "gateways: [web],", "http")], "")])
            .remove(0)
    };
    check(
        Code::UnservedHost,
        &facts(),
        vec![of("others/a.example.com"), of("others/*"), of("others/*.example.com")],
        vec![of("team/a.example.com"), of("./*"), of("*/*.example.com")],
    );
}

#[test]
fn why_a_name_is_not_answered_is_told_once_and_mended_by_an_override() {
    let parts = format!(
        "{}{NAME}",
        templates(&[SERVICE, &http("a.example.com"), &routes("a.example.com", "gateways: [],", "http")])
    );
    let findings = lint(&[access_point("shop", &parts)], Some(&facts()), &Schemas::embedded());
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].path.to_string(), "spec.names[0].fqdn");
    assert!(findings[0].message.contains("sidecars alone follow it"), "{}", findings[0].message);
    let mended =
        ", overrides: [{ name: o, rules: [{ kind: VirtualService, merge: { spec: { gateways: [web] } } }] }]";
    assert_eq!(found(&[access_point("shop", &format!("{parts}{mended}"))], Some(&facts())), [""; 0]);
}

/// Others' routes count where their targets receive them.
#[test]
fn routes_of_others_are_those_that_their_targets_receive() {
    let shop = shop(&[SERVICE, &http("a.example.com"), &routes("b.example.com", AT, "http")]).remove(0);
    let told = |host: &str, (on, rule): (&str, &str), placement: &str, facts: Option<&FleetFacts>| {
        let parts = templates(&[&routes(host, "gateways: [team/web],", "http")]);
        let overrides = format!(", overrides: [{{ name: o{on}, rules: [{rule}] }}]");
        let overrides = if rule.is_empty() { String::new() } else { overrides };
        let parts = format!("{parts}{overrides}").replacen("selector: {}", placement, 1);
        let findings = lint(&[shop.clone(), access_point("other", &parts)], facts, &Schemas::embedded());
        let findings = findings.iter().filter(|one| one.code == Code::NameWithoutRoute);
        findings.map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    let words = "a.example.com is published and served by Gateway/web, and no VirtualService has this host: whoever follows the name finds nothing";
    let lacking = |on: &str| vec![format!("{on}{words}")];
    let merge =
        |hosts: &str| format!("{{ kind: VirtualService, merge: {{ spec: {{ hosts: [{hosts}] }} }} }}");
    let (bring, take) = (merge("a.example.com"), merge("c.example.com"));
    let timeout = "{ kind: VirtualService, patch: [{ op: add, path: /spec/http/0/timeout, value: 5s }] }";
    let (a, c, all, west) =
        ("a.example.com", "c.example.com", "selector: {}", ", targets: { zones: [slc-a] }");
    for (host, overridden, placement, expected) in [
        (a, ("", ""), all, vec![]),
        (c, ("", ""), all, lacking("")),
        (c, ("", &*bring), all, vec![]),
        (c, (west, &*bring), all, lacking("on phx-a-1: ")),
        (a, ("", &*take), all, lacking("")),
        (a, (west, &*take), all, lacking("on slc-a-1: ")),
        (a, (west, "{ kind: VirtualService, delete: true }"), all, lacking("on slc-a-1: ")),
        (c, ("", timeout), all, lacking("")),
        (a, ("", timeout), all, vec![]),
        (a, ("", ""), "names: [phx-a-1]", lacking("on slc-a-1: ")),
        (a, ("", ""), "level: zone, selector: {}", vec![]),
        // who is nowhere has no routes, whatever overrides would make of them
        (a, ("", timeout), "names: [slc-a-9]", lacking("")),
    ] {
        assert_eq!(
            told(host, overridden, placement, Some(&facts())),
            expected,
            "{host} {overridden:?} {placement}"
        );
        // where no target is known, nobody knows what an override makes of routes, nor who receives them
        let alone = if host == c && overridden.1.is_empty() { lacking("") } else { vec![] };
        assert_eq!(told(host, overridden, placement, None), alone, "{host} {overridden:?} {placement}");
    }
}

proptest! {
    /// What the order of hosts finds is what a comparison of each with each finds.
    #[test]
    fn hosts_meet_as_pairs_do(
        served in prop::collection::vec("(\\*|(\\*\\.)?[ab](\\.[ab]){0,2})", 0..6),
        host in "(\\*|(\\*\\.)?[ab](\\.[ab]){0,2})",
    ) {
        let team = "team".parse().unwrap();
        let mut hosts = ServedHosts::default();
        served.iter().for_each(|one| hosts.add(one, &team));
        let covers = |wide: &str, narrow: &str| {
            wide == narrow || wide.strip_prefix('*').is_some_and(|end| narrow.ends_with(end))
        };
        prop_assert_eq!(hosts.meets(&host, &team), served.iter().any(|one| covers(one, &host) || covers(&host, one)));
        prop_assert_eq!(hosts.has(&host), served.iter().any(|one| covers(one, &host)));
    }
}

/// Routes at the Gateway of another access point, which is known by its name wherever it is received.
#[test]
fn a_gateway_of_another_access_point() {
    let caller = |gateway: &str| {
        access_point(
            "api",
            &templates(&[&routes("a.example.com", &format!("gateways: [{gateway}],"), "tls")]),
        )
    };
    let owner = |name: &str| access_point(name, &templates(&[SERVICE, &http("a.example.com")]));
    let delete =
        ", overrides: [{ name: o, targets: { zones: [slc-a] }, rules: [{ kind: Gateway, delete: true }] }]";
    let on_one = access_point("shop", &format!("{}{delete}", templates(&[SERVICE, &http("a.example.com")])));
    let told = |access_points: &[AccessPoint], facts: Option<&FleetFacts>| -> Vec<String> {
        let findings = lint(access_points, facts, &Schemas::embedded()).into_iter();
        let findings = findings.filter(|one| one.code == Code::UnknownGateway);
        findings.map(|one| format!("{} {}: {}", one.object.name, one.path, one.message)).collect()
    };
    let unknown = |name: &str, near: &str| {
        [format!(
            "api spec.templates[0].spec.gateways[0]: no access point has the Gateway `team/{name}`, so nothing reaches these routes{near}"
        )]
    };
    let facts = facts();
    for facts in [None, Some(&facts)] {
        for name in ["web", "team/web", "./web", "edge/shared"] {
            for owner in [owner("shop"), on_one.clone()] {
                assert_eq!(told(&[owner.clone(), caller(name)], facts), [""; 0], "{name}");
                assert_eq!(told(&[caller(name), owner], facts), [""; 0], "{name}, whatever the order");
            }
        }
        let near = "; did you mean `web`?";
        assert_eq!(told(&[owner("shop"), caller("team/wbe")], facts), unknown("wbe", near));
        // what another namespace has is another Gateway
        assert_eq!(told(&[owner("other"), caller("web")], facts), unknown("web", ""));
        assert_eq!(told(&[caller("web")], facts), unknown("web", ""));
    }
    // of its own it is the one that the same targets receive
    let both = [SERVICE, &http("a.example.com"), &routes("a.example.com", AT, "http")];
    let own = access_point("shop", &format!("{}{delete}", templates(&both)));
    let on_slc = "shop spec.templates[2].spec.gateways[0]: on slc-a-1: no access point has the Gateway `team/web`, so nothing reaches these routes";
    assert_eq!(told(std::slice::from_ref(&own), Some(&facts)), [on_slc]);
    assert_eq!(told(&[own, owner("till")], Some(&facts)), [""; 0]);
}
