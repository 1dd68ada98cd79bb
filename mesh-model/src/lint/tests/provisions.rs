//! Tests of what access points and names are to be provided with and is not there.

use super::cases::{check, shops};
use super::*;

/// One access point of these templates.
fn shop(of: &[&str]) -> Vec<AccessPoint> {
    shops(&[(of, "")]).remove(0)
}

#[test]
fn provisions_that_are_not_there() {
    let pool = |name: &str, addresses: &str, rest: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: VipPool, metadata: {{ name: {name} }}, spec: {{ addresses: [{addresses}]{rest} }} }}"
        );
        VipPool::try_from(serde_saphyr::from_str::<crate::api::VipPool>(&text).unwrap()).unwrap()
    };
    let pools = vec![
        pool("four", "203.0.113.0/24", ""),
        pool("six", "'2001:db8::/120'", ", autoAssign: false"),
        pool("both", "192.0.2.0/28, '2001:db8:1::/120'", ", autoAssign: false"),
    ];
    let facts = FleetFacts { pools, ..facts() };
    let vip = |vip: &str| shops(&[(&[SERVICE], &format!(", vip: {{ {vip} }}"))]).remove(0);
    check(
        Code::VipOutsidePool,
        &facts,
        vec![
            vip("pool: four, families: [ipv6]"),
            vip("pool: four, families: [ipv4, ipv6]"),
            // the one that has them gives only to who names it
            vip("families: [ipv6]"),
        ],
        vec![
            vip("pool: four, families: [ipv4]"),
            vip("pool: both, families: [ipv6, ipv4]"),
            vip("pool: six"),
            vip("families: [ipv4]"),
            // told by a code of its own
            vip("pool: five, families: [ipv6]"),
        ],
    );
    let issued = |rest: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: Issuer, metadata: {{ name: acme }}, spec: {{ acme: {{ directory: 'https://acme.example.com/dir', email: ops@example.com{rest} }} }} }}"
        );
        let issuer = serde_saphyr::from_str::<crate::api::Issuer>(&text).unwrap();
        let facts = FleetFacts { issuers: vec![Issuer::try_from(issuer).unwrap()], ..facts.clone() };
        found(&shop(&[SERVICE]), Some(&facts))
    };
    assert_eq!(issued(", dnsProvider: crop"), ["acme spec.acme.dnsProvider unknown-provider"]);
    assert_eq!(issued(", dnsProvider: corp"), [""; 0]);
    assert_eq!(issued(""), [""; 0]);
}

/// What is found of names (`fqdn target`) by `corp` beside an access point that publishes these.
fn names(published: &[&str], of: &[(&str, &str)]) -> Vec<String> {
    let name = |(number, (fqdn, target)): (usize, &(&str, &str))| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: NameService, metadata: {{ name: name-{number}, namespace: team }}, spec: {{ fqdn: '{fqdn}', provider: corp, target: {{ {target} }} }} }}"
        );
        NameService::try_from(serde_saphyr::from_str::<crate::api::NameService>(&text).unwrap()).unwrap()
    };
    let facts = FleetFacts { names: of.iter().enumerate().map(name).collect(), ..facts() };
    let published: Vec<String> =
        published.iter().map(|fqdn| format!("{{ fqdn: '{fqdn}', provider: corp }}")).collect();
    let parts = format!("{}, names: [{}]", templates(&[SERVICE]), published.join(", "));
    found(&[access_point("shop", &parts)], Some(&facts))
}

#[test]
fn names_that_lead_nowhere() {
    let told = |target: &str| names(&["shop.example.com"], &[("pay.example.com", target)]);
    assert_eq!(told("accessPoint: shpo"), ["name-0 spec.target.accessPoint name-leads-nowhere"]);
    assert_eq!(told("alias: nowhere.example.com"), ["name-0 spec.target.alias name-leads-nowhere"]);
    for right in
        ["accessPoint: shop", "alias: shop.example.com", "alias: edge.example.net", "addresses: [192.0.2.7]"]
    {
        assert_eq!(told(right), [""; 0], "{right}");
    }
}

#[test]
fn names_that_a_wildcard_answers() {
    let told = |published: &[&str], to: &str| {
        names(published, &[("pay.example.com", &format!("alias: '{to}'"))]).len()
    };
    let all = "*.apps.example.com";
    assert_eq!(told(&[all], "shop.apps.example.com"), 0);
    assert_eq!(told(&[all], "Shop.Apps.example.com."), 0);
    assert_eq!(told(&[all], "a.shop.apps.example.com"), 0);
    // what it is for lies below it, and it is for nothing where there is another name, or one below another
    assert_eq!(told(&[all], "apps.example.com"), 1);
    assert_eq!(told(&[all], "shop.example.com"), 1);
    assert_eq!(told(&[all, "a.shop.apps.example.com"], "shop.apps.example.com"), 1);
    assert_eq!(told(&[all, "a.shop.apps.example.com"], "b.shop.apps.example.com"), 1);
    assert_eq!(told(&[all, "a.shop.apps.example.com"], "a.till.apps.example.com"), 0);
    assert_eq!(told(&[all, "*.shop.apps.example.com"], "b.shop.apps.example.com"), 0);
}

#[test]
fn a_wildcard_that_answers_its_own_target() {
    let [all, shop] = ["*.apps.example.com", "shop.apps.example.com"];
    let [to_shop, to_pay, to_all] =
        [shop, "pay.example.com", "till.apps.example.com"].map(|to| format!("alias: {to}"));
    assert_eq!(names(&[], &[(all, &to_shop)]), ["name-0 spec.target.alias alias-circle"]);
    assert_eq!(
        names(&[], &[(all, &to_pay), ("pay.example.com", &to_all)]),
        ["name-0 spec.target.alias alias-circle", "name-1 spec.target.alias alias-circle"]
    );
    assert_eq!(names(&[shop], &[(all, &to_shop)]), [""; 0], "that name is there");
    assert_eq!(names(&[], &[(all, "accessPoint: shop"), ("pay.example.com", &to_all)]), [""; 0]);
}
