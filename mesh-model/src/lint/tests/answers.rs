//! Tests of published names whose server is there and whose routes are not, and of the hosts of both.

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
    let mut changed_elsewhere = with_other("./a.example.com");
    let rule = "{ kind: VirtualService, merge: { spec: { hosts: [a.example.com] } } }";
    let theirs = templates(&[&routes("c.example.com", "gateways: [team/web],", "http")]);
    changed_elsewhere[1] =
        access_point("other", &format!("{theirs}, overrides: [{{ name: o, rules: [{rule}] }}]"));
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
            // what an override makes of others' routes is not known
            changed_elsewhere,
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
