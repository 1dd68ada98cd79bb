//! Hosts of Gateways for which no certificate can be had, and credentials that two issuers are asked for.

use super::*;
use crate::api;

/// The fleet with an issuer of this kind, for two names at most.
fn signed_by(authority: &str) -> FleetFacts {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: Issuer, metadata: {{ name: corp }}, spec: {{ {authority}, maxNames: 2 }} }}"
    );
    let issuer: api::Issuer = serde_saphyr::from_str(&text).unwrap();
    let issuer = Issuer::try_from(issuer).unwrap();
    let other = Issuer { name: "other".parse().unwrap(), ..issuer.clone() };
    FleetFacts { issuers: vec![issuer, other], ..facts() }
}

const CA: &str = "ca: { secret: root }";
const ACME: &str = "acme: { directory: 'https://acme.example.com/dir', email: ops@example.com }";

/// An access point with a server of TLS of these hosts, port 443 for `shop` and 444 for any other.
fn shop(name: &str, issuer: &str, hosts: &str) -> AccessPoint {
    overridden((name, issuer, hosts), "")
}

/// The same with these rules of an override.
fn overridden((name, issuer, hosts): (&str, &str, &str), rules: &str) -> AccessPoint {
    let port = if name == "shop" { 443 } else { 444 };
    let gateway = istio(
        "Gateway",
        &format!(
            "{{ selector: {{ istio: ingress }}, servers: [{{ port: {{ number: 80, name: http, protocol: HTTP }}, hosts: ['*'] }}, \
             {{ port: {{ number: {port}, name: https, protocol: HTTPS }}, hosts: [{hosts}], tls: {{ mode: SIMPLE, credentialName: web }} }}] }}"
        ),
    );
    let overrides = if rules.is_empty() {
        String::new()
    } else {
        format!(", overrides: [{{ name: o, rules: [{rules}] }}]")
    };
    let parts = templates(&[&gateway]);
    access_point(name, &format!("{parts}, certificates: {{ issuer: {issuer} }}{overrides}"))
}

/// What is found of certificates: object, place behind the server, code.
fn told(access_points: &[AccessPoint], facts: &FleetFacts) -> Vec<String> {
    let codes = [Code::CertificateNotOrdered.as_str(), Code::HostWithoutCertificate.as_str()];
    let all = found(access_points, Some(facts)).into_iter();
    let all = all.filter(|line| codes.iter().any(|code| line.ends_with(code)));
    all.map(|line| line.replace("spec.templates[0].spec.servers[1].", "")).collect()
}

#[test]
fn hosts_that_no_authority_signs_for() {
    for (authority, hosts, expected) in [
        (CA, "a.example.com, '*.example.com'", &[][..]),
        (CA, "a.example.com, '*'", &["shop hosts[1] host-without-certificate"]),
        (CA, "'./a_b.example.com'", &["shop hosts[0] host-without-certificate"]),
        (ACME, "'*.example.com'", &["shop hosts[0] host-without-certificate"]),
        (ACME, "a.example.com", &[]),
    ] {
        assert_eq!(told(&[shop("shop", "corp", hosts)], &signed_by(authority)), expected, "{hosts}");
    }
    let proved_by_dns = ACME.replace("email:", "dnsProvider: corp, email:");
    assert_eq!(told(&[shop("shop", "corp", "'*.example.com'")], &signed_by(&proved_by_dns)), [""; 0]);
}

#[test]
fn a_credential_that_is_not_ordered_as_it_is_asked_for() {
    let facts = signed_by(CA);
    let at = |name: &str| format!("{name} tls.credentialName certificate-not-ordered");
    let [two, three] = ["a.example.com, b.example.com", "a.example.com, b.example.com, c.example.com"];
    assert_eq!(told(&[shop("shop", "corp", two)], &facts), [""; 0]);
    // more than one certificate takes lie in several secrets
    assert_eq!(told(&[shop("shop", "corp", three)], &facts), [""; 0]);
    // two access points of one namespace name one secret: both are told
    let till = |issuer: &str| shop("till", issuer, "c.example.com");
    let one = "a.example.com";
    assert_eq!(told(&[shop("shop", "corp", one), till("corp")], &facts), [""; 0]);
    assert_eq!(told(&[shop("shop", "corp", two), till("corp")], &facts), [""; 0]);
    assert_eq!(told(&[shop("shop", "corp", one), till("other")], &facts), [at("shop"), at("till")]);
    // of another namespace it is another secret
    let other = shop("other", "other", "c.example.com");
    assert_eq!(told(&[shop("shop", "corp", two), other], &facts), [""; 0]);
    // that there is no such issuer is told by a code of its own
    assert_eq!(told(&[shop("shop", "gone", three)], &facts), [""; 0]);
}

#[test]
fn what_overrides_make_of_gateways_is_what_certificates_are_for() {
    let with = |hosts: &str, rule: &str| overridden(("shop", "corp", hosts), rule);
    let facts = signed_by(ACME);
    let wrong = ["shop hosts[0] host-without-certificate"];
    // a label of a Gateway changes nothing
    let label = "{ kind: Gateway, labels: { zone: '${zone.name}' } }";
    assert_eq!(told(&[with("'*.example.com'", label)], &facts), wrong);
    let host = |host: &str| {
        format!(
            "{{ kind: Gateway, patch: [{{ op: replace, path: /spec/servers/1/hosts/0, value: '{host}' }}] }}"
        )
    };
    assert_eq!(told(&[with("'*.example.com'", &host("a.example.com"))], &facts), [""; 0]);
    assert_eq!(
        told(&[with("a.example.com", &host("*.example.com"))], &facts),
        ["shop spec.overrides[0].rules[0] host-without-certificate"]
    );
    // nor does it hide that two issuers are asked for one secret
    let two = [with("a.example.com", label), shop("till", "other", "c.example.com")];
    let at = |name: &str| format!("{name} tls.credentialName certificate-not-ordered");
    assert_eq!(told(&two, &facts), [at("shop"), at("till")]);
    let name =
        "{ kind: Gateway, patch: [{ op: replace, path: /spec/servers/1/tls/credentialName, value: till }] }";
    let two = [with("a.example.com", name), shop("till", "other", "c.example.com")];
    assert_eq!(told(&two, &facts), [""; 0], "their secrets are two");
}

#[test]
fn a_host_whose_proof_nobody_answers_for() {
    let facts = signed_by(ACME);
    let without = |port: &str, hosts: &str| {
        let mut shop = shop("shop", "corp", "a.example.com");
        let gateway = &mut shop.templates[0].object["spec"]["servers"][0];
        gateway["port"]["number"] = port.parse::<u64>().unwrap().into();
        gateway["hosts"] = serde_json::json!([hosts]);
        shop
    };
    let wrong = ["shop hosts[0] host-without-certificate"];
    assert_eq!(told(&[without("8080", "*")], &facts), wrong);
    assert_eq!(told(&[without("80", "b.example.com")], &facts), wrong);
    for right in ["*", "a.example.com", "./*.example.com"] {
        assert_eq!(told(&[without("80", right)], &facts), [""; 0], "{right}");
    }
    // where nobody receives the Gateway, that is told and no more
    let mut nowhere = without("8080", "*");
    nowhere.placement =
        access_point("shop", &templates(&[SERVICE]).replace("selector: {}", "names: [gone]")).placement;
    assert_eq!(told(&[nowhere], &facts), [""; 0]);
    // whoever answers there on the same gateways answers for all
    let redirect = |name: &str, (selector, port, hosts): (&str, u16, &str), placement: &str, rules: &str| {
        let server = format!(
            "{{ port: {{ number: {port}, name: http, protocol: HTTP }}, hosts: ['{hosts}'], tls: {{ httpsRedirect: true }} }}"
        );
        let gateway =
            istio("Gateway", &format!("{{ selector: {{ istio: {selector} }}, servers: [{server}] }}"));
        let overrides =
            format!(", overrides: [{{ name: o, targets: {{ zones: [slc-a] }}, rules: [{rules}] }}]");
        let overrides = if rules.is_empty() { String::new() } else { overrides };
        access_point(
            name,
            &format!("{}{overrides}", templates(&[&gateway])).replacen("selector: {}", placement, 1),
        )
    };
    let (all, delete) = ("selector: {}", "{ kind: Gateway, delete: true }");
    for (server, placement, rules, on) in [
        (("ingress", 80, "*"), all, "", None),
        (("ingress", 80, "*.example.com"), "level: zone, selector: {}", "", None),
        (("ingress", 80, "A.example.com"), all, "", None),
        (("ingress", 8080, "*"), all, "", Some("")),
        (("ingress", 80, "b.example.com"), all, "", Some("")),
        (("inner", 80, "*"), all, "", Some("")),
        (("ingress", 80, "*"), "names: [phx-a-1]", "", Some("on slc-a-1: ")),
        (("ingress", 80, "*"), all, delete, Some("on slc-a-1: ")),
        (("ingress", 80, "*"), "names: [gone]", "", Some("")),
    ] {
        let both = [without("8080", "*"), redirect("other", server, placement, rules)];
        let findings = lint(&both, Some(&facts), &Schemas::embedded());
        let told = findings.iter().find(|one| one.code == Code::HostWithoutCertificate);
        let expected = on.map(|on| {
            format!(
                "{on}no certificate will name `a.example.com`: the authority asks for proof on port 80 (http-01), and no server of HTTP has the host there"
            )
        });
        assert_eq!(told.map(|one| &one.message), expected.as_ref(), "{server:?} {placement} {rules}");
    }
    // by DNS, or with a key of one's own, nobody asks on port 80
    for authority in [CA, &ACME.replace("email:", "dnsProvider: corp, email:")] {
        assert_eq!(told(&[without("8080", "*")], &signed_by(authority)), [""; 0]);
    }
}
