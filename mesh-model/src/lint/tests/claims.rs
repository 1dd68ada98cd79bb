//! Tests of what access points claim by what their targets receive: an override brings a clash or mends it, and one
//! namespace has one object of a name.

use super::*;

fn gateway(host: &str) -> String {
    istio(
        "Gateway",
        &format!(
            "{{ selector: {{ istio: ingress }}, servers: [{{ port: {{ number: 80, name: http, protocol: HTTP }}, hosts: [{host}] }}] }}"
        ),
    )
}

fn routes(host: &str) -> String {
    istio("VirtualService", &format!("{{ hosts: [{host}], exportTo: ['*'] }}"))
}

/// Two access points of two namespaces, the first with an override of this rule on these targets.
fn pair([one, other]: [&str; 2], targets: &str, rule: &str) -> [AccessPoint; 2] {
    let overrides = format!(", overrides: [{{ name: o{targets}, rules: [{rule}] }}]");
    [
        access_point("shop", &format!("{}{overrides}", templates(&[one]))),
        access_point("other", &templates(&[other])),
    ]
}

/// What is found of two, with its words.
fn told(both: &[AccessPoint]) -> Vec<String> {
    let findings = lint(both, Some(&facts()), &Schemas::embedded());
    findings
        .iter()
        .map(|one| format!("{} {} {}: {}", one.object.name, one.path, one.code, one.message))
        .collect()
}

#[test]
fn a_host_that_an_override_brings_is_claimed_on_its_targets() {
    let add = "{ kind: Gateway, patch: [{ op: add, path: /spec/servers/0/hosts/-, value: a.example.com }] }";
    let clash = "shop spec.overrides[0].rules[0] host-claimed-twice: Gateway/web: a.example.com is already served by others/other";
    let both = [&*gateway("b.example.com"), &*gateway("a.example.com")];
    for targets in ["", ", targets: { zones: [slc-a] }"] {
        let told = told(&pair(both, targets, add));
        assert!(told.len() == 1 && told[0].starts_with(clash), "{told:#?}");
    }
    // of routes for sidecars, too
    let add = "{ kind: VirtualService, patch: [{ op: add, path: /spec/hosts/-, value: a.example.com }] }";
    let told = told(&pair([&routes("b.example.com"), &routes("a.example.com")], "", add));
    assert!(told.len() == 1 && told[0].starts_with(&clash.replace("Gateway", "VirtualService")), "{told:#?}");
}

#[test]
fn a_host_that_overrides_replace_everywhere_is_claimed_no_more() {
    let replace = |kind: &str, path: &str| {
        format!("{{ kind: {kind}, patch: [{{ op: replace, path: {path}, value: [b.example.com] }}] }}")
    };
    let at_gateway = replace("Gateway", "/spec/servers/0/hosts");
    let both = [&*gateway("a.example.com"), &*gateway("a.example.com")];
    assert_eq!(told(&pair(both, "", &at_gateway)), [""; 0]);
    // nor without a fleet, where nobody knows on which targets it is replaced
    assert_eq!(found(&pair(both, "", &at_gateway), None), [""; 0]);
    // on one target it is still there
    let clash = "shop spec.templates[0].spec.servers[0].hosts[0] host-claimed-twice: a.example.com";
    for rule in [at_gateway.as_str(), "{ kind: Gateway, delete: true }"] {
        let told = told(&pair(both, ", targets: { zones: [slc-a] }", rule));
        assert!(told.len() == 1 && told[0].starts_with(clash), "{told:#?}");
    }
    let label = "{ kind: Gateway, labels: { zone: '${zone.name}' } }";
    assert_eq!(found(&pair(both, "", label), None).len(), 1, "a label changes no host");
    let in_mesh = replace("VirtualService", "/spec/hosts");
    let both = [&*routes("a.example.com"), &*routes("a.example.com")];
    assert_eq!(told(&pair(both, "", &in_mesh)), [""; 0]);
}

#[test]
fn an_object_that_two_write_is_told_with_its_owner() {
    let of = |name: &str, placement: &str, more: &str| {
        let parts = format!("{}{more}", templates(&[SERVICE])).replace("selector: {}", placement);
        access_point(name, &parts)
    };
    let (all, one) = ("selector: {}", "names: [slc-a-1]");
    let clash = "till spec.templates[0].metadata.name object-written-twice: on slc-a-1: Service/web is written by team/shop, too";
    for both in [[of("shop", one, ""), of("till", all, "")], [of("till", one, ""), of("shop", all, "")]] {
        let found = told(&both);
        assert!(found.len() == 1 && found[0].starts_with(clash), "{found:#?}");
    }
    let many = told(&[of("shop", all, ""), of("till", all, "")]);
    assert!(many[0].contains("on phx-a-1 and 1 more: "), "{many:#?}");
    let third = told(&[of("shop", one, ""), of("till", one, ""), of("bar", one, "")]);
    assert_eq!(third.len(), 3, "each pair: {third:#?}");
    let away =
        ", overrides: [{ name: o, targets: { zones: [slc-a] }, rules: [{ kind: Service, delete: true }] }]";
    for right in [
        [of("shop", one, ""), of("till", "names: [phx-a-1]", "")],
        [of("shop", one, ""), of("till", all, away)],
        // of another namespace
        [of("shop", all, ""), of("other", all, "")],
    ] {
        assert_eq!(told(&right), [""; 0]);
    }
}

/// A zone's objects are those of its gateway cluster, which another may have by its own name.
#[test]
fn a_zone_and_its_gateway_cluster_are_one_place() {
    let of = |name: &str, placement: &str| {
        access_point(name, &templates(&[SERVICE]).replace("selector: {}", placement))
    };
    let found = told(&[of("shop", "names: [slc-a-1]"), of("till", "level: zone, names: [slc-a]")]);
    assert!(found.len() == 1 && found[0].contains("object-written-twice"), "{found:#?}");
    assert_eq!(told(&[of("shop", "names: [phx-a-1]"), of("till", "level: zone, names: [slc-a]")]), [""; 0]);
}

/// Routes for different namespaces meet nowhere.
#[test]
fn routes_that_no_namespace_sees_both_of_do_not_clash() {
    let of = |name: &str, export: &str| {
        let spec = format!(
            "{{ hosts: [web.team.svc.cluster.local], exportTo: [{export}], http: [{{ route: [{{ destination: {{ host: web.team.svc.cluster.local }} }}] }}] }}"
        );
        let routes = istio("VirtualService", &spec).replacen("name: web", &format!("name: {name}"), 1);
        access_point(name, &templates(&[&routes]))
    };
    let clashes = |one: &str, other: &str| {
        let found = told(&[of("shop", one), of("till", other)]);
        found.iter().any(|line| line.contains("host-claimed-twice"))
    };
    assert!(!clashes("'.'", "edge") && !clashes("edge", "others"));
    assert!(clashes("'.'", "'*'") && clashes("edge", "'edge'") && clashes("'.'", "'.'"));
}
