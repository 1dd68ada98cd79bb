//! Tests of hosts that routes lead to, judged by what each target receives: overrides and placements declare a host,
//! take it away, or hide it.

use super::*;
use crate::footprint::{Services, ServicesFile};

/// All services are known, and there is one of another namespace.
fn all() -> FleetFacts {
    let file = "{ services: [{ name: vault, namespace: money, ports: [80] }] }";
    let around = Services::try_from(serde_saphyr::from_str::<ServicesFile>(file).unwrap()).unwrap();
    FleetFacts { services: Some(around.services), ..facts() }
}

fn entry(host: &str) -> String {
    istio(
        "ServiceEntry",
        &format!(
            "{{ hosts: [{host}], resolution: STATIC, ports: [{{ number: 80, name: http, protocol: HTTP }}], endpoints: [{{ address: 192.0.2.1 }}] }}"
        ),
    )
}

fn routes(host: &str) -> String {
    istio(
        "VirtualService",
        &format!(
            "{{ hosts: [a.example.com], http: [{{ route: [{{ destination: {{ host: {host} }} }}] }}] }}"
        ),
    )
}

/// An access point with these templates, these rules in an override for these targets, and these targets.
fn of(name: &str, templates_of: &[&str], (on, rules): (&str, &str), placement: &str) -> AccessPoint {
    let overrides = if rules.is_empty() {
        String::new()
    } else {
        format!(", overrides: [{{ name: o{on}, rules: [{rules}] }}]")
    };
    let parts = format!("{}{overrides}", templates(templates_of));
    access_point(name, &parts.replacen("selector: {}", placement, 1))
}

/// What is found, with its words.
fn told(access_points: &[AccessPoint], facts: Option<&FleetFacts>) -> Vec<String> {
    let findings = lint(access_points, facts, &Schemas::embedded());
    findings.iter().map(|one| format!("{} {}: {}", one.code, one.path, one.message)).collect()
}

const LEDGER: &str = "ledger.team.svc.cluster.local";
const EVERYWHERE: &str = "selector: {}";
const WEST: &str = ", targets: { zones: [slc-a] }";
const NONE: [&str; 0] = [];

#[test]
fn a_host_is_declared_where_its_entry_is_received() {
    let (declares, leads) = (entry(LEDGER), routes(LEDGER));
    let both = [&*declares, &*leads];
    let here = |on: &str, rules: &str| [of("shop", &both, (on, rules), EVERYWHERE)];
    let name = "ledger-${zone.name}.team.svc.cluster.local";
    let declare = format!("{{ kind: ServiceEntry, merge: {{ spec: {{ hosts: ['{name}'] }} }} }}");
    let lead = format!(
        "{{ kind: VirtualService, patch: [{{ op: replace, path: /spec/http/0/route/0/destination/host, value: '{name}' }}] }}"
    );
    let delete = "{ kind: ServiceEntry, delete: true }";
    let at = "unknown-host spec.templates[1].spec.http[0].route[0].destination.host: ";
    let of_template = |on: &str| format!("{at}{on}nothing declares {LEDGER}");
    let of_rule = |zone: &str| {
        format!(
            "unknown-host spec.overrides[0].rules[0]: on {zone}-1: VirtualService/web: nothing declares ledger-{zone}.team.svc.cluster.local; did you mean `ledger`?"
        )
    };
    for (on, rules, expected) in [
        ("", "", vec![]),
        ("", &*format!("{declare}, {lead}"), vec![]),
        ("", &*lead, vec![of_rule("phx-a"), of_rule("slc-a")]),
        (WEST, &*lead, vec![of_rule("slc-a")]),
        ("", &*declare, vec![of_template("")]),
        ("", delete, vec![of_template("")]),
        (WEST, delete, vec![of_template("on slc-a-1: ") + ": its ServiceEntry is on phx-a-1 alone"]),
    ] {
        assert_eq!(told(&here(on, rules), Some(&all())), expected, "{on} {rules}");
        // where it is not known what is in the mesh besides, nor what it becomes, it may be there
        assert_eq!(told(&here(on, rules), Some(&facts())), NONE, "{on} {rules}");
        assert_eq!(told(&here(on, rules), None), NONE, "{on} {rules}");
    }
}

#[test]
fn a_host_of_another_access_point_is_declared_where_that_one_declares_it() {
    let leads = [of("shop", &[&routes(LEDGER)], ("", ""), EVERYWHERE)];
    let service = SERVICE.replace("name: web", "name: ledger");
    let (right, wrong) = (entry(LEDGER), entry("lodger.team.svc.cluster.local"));
    let rename = format!("{{ kind: ServiceEntry, merge: {{ spec: {{ hosts: [{LEDGER}] }} }} }}");
    let at = "unknown-host spec.templates[0].spec.http[0].route[0].destination.host: ";
    let lacking = vec![format!("{at}nothing declares {LEDGER}; did you mean `lodger`?")];
    let only = |on: &str, there: &str| {
        vec![format!("{at}on {on}: nothing declares {LEDGER}: its ServiceEntry is on {there} alone")]
    };
    let west = only("slc-a-1", "phx-a-1");
    let far = "names: [phx-a-1]";
    for (declares, overridden, placement, expected) in [
        (&right, ("", ""), EVERYWHERE, vec![]),
        (&wrong, ("", ""), EVERYWHERE, lacking),
        (&wrong, ("", &*rename), EVERYWHERE, vec![]),
        (&wrong, (WEST, &*rename), EVERYWHERE, only("phx-a-1", "slc-a-1")),
        // an entry is read in its own cluster alone, and a zone is its gateway cluster
        (&right, ("", ""), far, west.clone()),
        (&right, ("", ""), "level: zone, names: [phx-a]", west),
        (&right, ("", ""), "level: zone, selector: {}", vec![]),
        // Services of other clusters may well be seen
        (&service, ("", ""), far, vec![]),
    ] {
        let till = of("till", &[declares], overridden, placement);
        let told = told(&[leads[0].clone(), till], Some(&all()));
        assert_eq!(told, expected, "{declares} {overridden:?} {placement}");
    }
}

#[test]
fn a_host_is_hidden_where_an_override_hides_it() {
    let leads = of("shop", &[&routes("web.others.svc.cluster.local")], ("", ""), EVERYWHERE);
    let export =
        |of: &str| format!("{{ kind: Service, annotations: {{ networking.istio.io/exportTo: '{of}' }} }}");
    let hidden = SERVICE.replace("name: web", "name: web, annotations: { networking.istio.io/exportTo: . }");
    let at = "hidden-host spec.templates[0].spec.http[0].route[0].destination.host: ";
    let words =
        "web.others.svc.cluster.local is hidden from namespace team, so requests to it find no cluster";
    let (own, team) = (export("."), export("team"));
    for (service, overridden, expected) in [
        (SERVICE, ("", ""), vec![]),
        (SERVICE, ("", &*own), vec![format!("{at}{words}")]),
        (&hidden, ("", ""), vec![format!("{at}{words}")]),
        (&hidden, ("", &*team), vec![]),
        // a cluster's own Service is the one that it sees
        (SERVICE, (WEST, &*own), vec![format!("{at}on slc-a-1: {words}")]),
    ] {
        let both = [leads.clone(), of("other", &[service], overridden, EVERYWHERE)];
        assert_eq!(told(&both, Some(&facts())), expected, "{service} {overridden:?}");
        // what an override makes of it on targets that are not known, nobody can say
        let alone: Vec<String> = if overridden.1.is_empty() { expected } else { vec![] };
        assert_eq!(told(&both, None), alone, "{service} {overridden:?}");
    }
}

/// Whom routes are for is what they say: who else does not see them is no fault.
#[test]
fn what_is_hidden_is_told_of_those_who_follow_the_routes() {
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }",
    );
    let named = |text: String, name: &str| text.replacen("name: web", &format!("name: {name}"), 1);
    let routes = |name: &str, more: &str| {
        let spec =
            format!("{{ hosts: [web], {more} http: [{{ route: [{{ destination: {{ host: web }} }}] }}] }}");
        named(istio("VirtualService", &spec), name)
    };
    let rule = |name: &str, export: &str| {
        named(istio("DestinationRule", &format!("{{ host: web, exportTo: [{export}] }}")), name)
    };
    let service = |export: &str| {
        SERVICE.replace(
            "name: web",
            &format!("name: web, annotations: {{ networking.istio.io/exportTo: '{export}' }}"),
        )
    };
    let known = |of: &[&str], facts: FleetFacts| {
        let told = told(&[access_point("shop", &templates(of))], Some(&facts));
        told.into_iter().filter(|line| line.starts_with("hidden-host")).collect::<Vec<_>>()
    };
    let hidden = |of: &[&str]| known(of, facts());
    let unknown = |of: &[&str]| known(of, FleetFacts { gateways: None, ..facts() });
    let (own, shop) = (routes("own", "exportTo: ['.'],"), routes("for-shop", "exportTo: [shop],"));
    let from = |at: &str, namespace: &str| {
        vec![format!(
            "hidden-host {at}: web.team.svc.cluster.local is hidden from namespace {namespace}, so requests to it find no cluster"
        )]
    };
    let at = "spec.templates[1].spec.http[0].route[0].destination.host";
    for look in [&hidden as &dyn Fn(&[&str]) -> Vec<String>, &unknown] {
        assert_eq!(look(&[SERVICE, &own, &shop]), NONE);
        assert_eq!(look(&[&service("., shop"), &shop]), NONE);
        assert_eq!(look(&[&service("."), &own]), NONE);
        assert_eq!(look(&[&service("."), &shop]), from(at, "shop"));
        assert_eq!(look(&[&service("shop"), &own]), from(at, "team"));
        assert_eq!(look(&[&service("shop"), &routes("all", "")]), from(at, "team"));
    }
    let at_gateway = |more: &str| routes("own", &format!("gateways: [./web], {more}"));
    let edge = at_gateway("exportTo: [edge],");
    let words = "hidden-host spec.templates[1].spec.exportTo: these routes are hidden from the gateways, which run in namespace edge";
    assert_eq!(hidden(&[SERVICE, &edge, &gateway]), NONE);
    assert_eq!(hidden(&[SERVICE, &edge.replace("[edge]", "[far]"), &gateway]), [words]);
    assert_eq!(hidden(&[SERVICE, &edge.replace("./web", "web, mesh"), &gateway]), NONE);
    assert_eq!(
        hidden(&[SERVICE, &edge.replace("./web]", "web, mesh]").replace("[edge]", "['.']"), &gateway]),
        [words]
    );
    // where gateways run is not known
    assert_eq!(unknown(&[SERVICE, &edge, &gateway]), NONE);
    assert_eq!(unknown(&[&service("edge"), &edge, &gateway]), NONE);
    // a rule for each of those who follow
    let (ours, theirs) = (rule("ours", "'.'"), rule("theirs", "edge"));
    let plain = at_gateway("");
    assert_eq!(hidden(&[SERVICE, &plain, &gateway, &ours]).len(), 1);
    assert_eq!(hidden(&[SERVICE, &plain, &gateway, &ours, &theirs]), NONE);
    assert_eq!(hidden(&[SERVICE, &own, &theirs]).len(), 1);
    assert_eq!(hidden(&[SERVICE, &own, &ours, &theirs]), NONE);
    assert_eq!(hidden(&[SERVICE, &shop, &theirs]), NONE);
}
