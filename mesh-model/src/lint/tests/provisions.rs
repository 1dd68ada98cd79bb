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

#[test]
fn names_that_lead_nowhere() {
    let told = |target: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: NameService, metadata: {{ name: pay, namespace: team }}, spec: {{ fqdn: pay.example.com, provider: corp, target: {{ {target} }} }} }}"
        );
        let name = serde_saphyr::from_str::<crate::api::NameService>(&text).unwrap();
        let facts = FleetFacts { names: vec![NameService::try_from(name).unwrap()], ..facts() };
        let shop = access_point(
            "shop",
            &format!("{}, names: [{{ fqdn: shop.example.com, provider: corp }}]", templates(&[SERVICE])),
        );
        found(&[shop], Some(&facts))
    };
    assert_eq!(told("accessPoint: shpo"), ["pay spec.target.accessPoint name-leads-nowhere"]);
    assert_eq!(told("alias: nowhere.example.com"), ["pay spec.target.alias name-leads-nowhere"]);
    for right in
        ["accessPoint: shop", "alias: shop.example.com", "alias: edge.example.net", "addresses: [192.0.2.7]"]
    {
        assert_eq!(told(right), [""; 0], "{right}");
    }
}
