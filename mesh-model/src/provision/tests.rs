//! Tests of pools, providers and issuers: ranges, defaults, what is refused.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn read<T: serde::de::DeserializeOwned, C: TryFrom<T, Error = SpecError>>(
    kind: &str,
    spec: &str,
) -> Result<C, String> {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, metadata: {{ name: x }}, spec: {spec} }}"
    );
    let object: T = serde_saphyr::from_str(&text).map_err(|error| error.without_snippet().to_string())?;
    C::try_from(object).map_err(|error| error.to_string())
}

fn pool(spec: &str) -> Result<VipPool, String> {
    read::<api::VipPool, _>("VipPool", spec)
}

fn ranges(spec: &str) -> String {
    pool(spec).unwrap().ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn ranges_are_one_ascending_list_whatever_was_written() {
    let table = [
        ("{ addresses: [203.0.113.0/30] }", "203.0.113.0-203.0.113.3"),
        ("{ addresses: [203.0.113.4/30, 203.0.113.0/30] }", "203.0.113.0-203.0.113.7"),
        (
            "{ addresses: [203.0.113.9, 203.0.113.0-203.0.113.4, 203.0.113.2-203.0.113.6] }",
            "203.0.113.0-203.0.113.6 203.0.113.9",
        ),
        (
            "{ addresses: [203.0.113.0/29], exclude: [203.0.113.0, 203.0.113.3-203.0.113.4, 203.0.113.7] }",
            "203.0.113.1-203.0.113.2 203.0.113.5-203.0.113.6",
        ),
        (
            "{ addresses: [\"2001:db8::/126\", 203.0.113.1], exclude: [\"2001:db8::\"] }",
            "203.0.113.1 2001:db8::1-2001:db8::3",
        ),
        ("{ addresses: [\"2001:db8::1 - 2001:db8::2\"] }", "2001:db8::1-2001:db8::2"),
        ("{ addresses: [203.0.113.1], exclude: [10.0.0.0/8, \"2001:db8::/32\"] }", "203.0.113.1"),
    ];
    for (spec, expected) in table {
        assert_eq!(ranges(spec), expected, "{spec}");
    }
}

proptest! {
    /// Against a set of addresses: what is in a range and not excluded, and nothing else.
    #[test]
    fn ranges_are_a_set(parts in prop::collection::vec((0_u8..64, 0_u8..8), 1..6), holes in prop::collection::vec((0_u8..64, 0_u8..8), 0..6)) {
        let text = |parts: &[(u8, u8)]| -> String {
            let range = |(first, length): &(u8, u8)| format!("203.0.113.{first}-203.0.113.{}", first + length);
            parts.iter().map(range).collect::<Vec<_>>().join(", ")
        };
        let is_in = |parts: &[(u8, u8)], n: u8| parts.iter().any(|(first, length)| (*first..=first + length).contains(&n));
        let expected: Vec<IpAddr> = (0..=255).filter(|n| is_in(&parts, *n) && !is_in(&holes, *n)).map(|n| IpAddr::from([203, 0, 113, n])).collect();
        match pool(&format!("{{ addresses: [{}], exclude: [{}] }}", text(&parts), text(&holes))) {
            Ok(pool) => {
                let found: Vec<IpAddr> = pool.ranges.iter().flat_map(AddressRange::iter).collect();
                prop_assert_eq!(&found, &expected);
                prop_assert!(pool.ranges.windows(2).all(|pair| pair[0].last() < pair[1].first()));
                prop_assert!(found.iter().all(|address| pool.ranges.iter().filter(|range| range.contains(*address)).count() == 1));
            }
            Err(refused) => {
                prop_assert!(expected.is_empty() && refused.contains("nothing is left"), "{}", refused);
            }
        }
    }
}

#[test]
fn defaults() {
    let pool = pool("{ addresses: [203.0.113.0/24] }").unwrap();
    assert!(pool.auto_assign && pool.priority == 0 && pool.quarantine == Duration::from_secs(3_600));
    assert!(pool.admits(&"payments".parse().unwrap(), &Labels::new()));
    let provider: NameProvider =
        read::<api::NameProvider, _>("NameProvider", "{ domains: [example.com] }").unwrap();
    assert_eq!((provider.owner.as_str(), provider.max_deletions.of(200)), ("overspill", 20));
    assert!(
        provider.serves(&"a.example.com".parse().unwrap())
            && !provider.serves(&"a.example.org".parse().unwrap())
    );
    let issuer: Issuer = read::<api::Issuer, _>("Issuer", "{ ca: { secret: root } }").unwrap();
    assert_eq!((issuer.max_names, issuer.lifetime), (100, Duration::from_secs(90 * 86_400)));
}

#[test]
fn who_may_have_addresses() {
    let pool = pool("{ addresses: [203.0.113.1], accessPoints: { namespaces: [payments], selector: { matchLabels: { tier: edge } } } }").unwrap();
    let labels = Labels::from([("tier".into(), "edge".into())]);
    let namespace = |name: &str| name.parse::<Name>().unwrap();
    assert!(pool.admits(&namespace("payments"), &labels));
    assert!(
        !pool.admits(&namespace("search"), &labels) && !pool.admits(&namespace("payments"), &Labels::new())
    );
}

#[test]
fn who_may_have_names() {
    let provider: NameProvider = read::<api::NameProvider, _>(
        "NameProvider",
        "{ domains: [example.com], accessPoints: { namespaces: [pay, web, ops], selector: { matchLabels: { tier: edge } } }, \
         reservations: [{ name: a.example.com, namespaces: [pay, web] }] }",
    )
    .unwrap();
    let edge = Labels::from([("tier".into(), "edge".into())]);
    let [pay, web, ops, else_] = ["pay", "web", "ops", "else"].map(|name| name.parse::<Name>().unwrap());
    let [reserved, other] = ["a.example.com", "b.example.com"].map(|name| name.parse::<Fqdn>().unwrap());
    for (name, namespace, labels, expected) in [
        (&reserved, &pay, &edge, true),
        (&reserved, &ops, &edge, false),
        (&reserved, &pay, &Labels::new(), false),
        (&other, &ops, &edge, true),
        (&other, &else_, &edge, false),
    ] {
        assert_eq!(provider.admits(name, namespace, labels), expected, "{name} for {namespace}");
    }
    assert!(provider.is_shared(&reserved, &pay, &web) && provider.is_shared(&other, &ops, &ops));
    assert!(!provider.is_shared(&reserved, &pay, &ops) && !provider.is_shared(&other, &pay, &web));
    assert_eq!(provider.min_healthy.to_string(), "50%");
}

#[test]
fn what_is_refused() {
    let pools = [
        ("{ addresses: [] }", "spec.addresses: an empty list"),
        (
            "{ addresses: [203.0.113.1/24] }",
            "spec.addresses[0]: the prefix of this length begins at 203.0.113.0/24",
        ),
        ("{ addresses: [203.0.113.9-203.0.113.1] }", "spec.addresses[0]: the last address comes before"),
        ("{ addresses: [\"203.0.113.9-2001:db8::1\"] }", "spec.addresses[0]: a range is of one family"),
        ("{ addresses: [somewhere] }", "spec.addresses[0]: `somewhere` is neither prefix nor range"),
        (
            "{ addresses: [203.0.113.1, 223.255.255.255-224.0.0.5] }",
            "spec.addresses[1]: 224.0.0.0 can be no VIP",
        ),
        ("{ addresses: [\"::ffff:203.0.113.1\"] }", "can be no VIP"),
        ("{ addresses: [203.0.113.1], exclude: [203.0.113.0/24] }", "spec.exclude: nothing is left"),
        ("{ addresses: [203.0.113.1], exclude: [x] }", "spec.exclude[0]: `x` is neither"),
        (
            "{ addresses: [203.0.113.1], accessPoints: { namespaces: [] } }",
            "spec.accessPoints.namespaces: an empty list",
        ),
        ("{ addresses: [203.0.113.1], targets: { zones: [a, a] } }", "spec.targets.zones[1]: `a` is already"),
        ("{ adresses: [203.0.113.1] }", "unknown field `adresses`"),
    ];
    for (spec, expected) in pools {
        let refused = pool(spec).unwrap_err();
        assert!(refused.contains(expected), "{spec}: {refused}");
    }
    let providers = [
        ("{ domains: [] }", "spec.domains: an empty list"),
        ("{ domains: [\"*.example.com\"] }", "spec.domains[0]: *.example.com is a name for all below it"),
        ("{ domains: [a.example, A.example.] }", "spec.domains[1]: `a.example` is already"),
        (
            "{ domains: [example.com], accessPoints: { namespaces: [] } }",
            "spec.accessPoints.namespaces: an empty list",
        ),
        (
            "{ domains: [example.com], reservations: [{ name: a.example.org, namespaces: [a] }] }",
            "spec.reservations[0].name: a reservation says nothing without its domain in domains",
        ),
        (
            "{ domains: [example.com], reservations: [{ name: a.example.com, namespaces: [] }] }",
            "spec.reservations[0].namespaces: an empty list",
        ),
        (
            "{ domains: [example.com], reservations: [{ name: a.example.com, namespaces: [a] }, { name: a.example.com, namespaces: [b] }] }",
            "spec.reservations[1].name: `a.example.com` is already [0] of this list",
        ),
        (
            "{ domains: [example.com], accessPoints: { namespaces: [a] }, reservations: [{ name: a.example.com, namespaces: [a, b] }] }",
            "spec.reservations[0].namespaces[1]: a reservation says nothing without its namespace in accessPoints.namespaces",
        ),
        ("{ domains: [example.com], minHealthy: 101% }", "a share from 0% to 100%"),
    ];
    for (spec, expected) in providers {
        let refused = read::<api::NameProvider, NameProvider>("NameProvider", spec).unwrap_err();
        assert!(refused.contains(expected), "{spec}: {refused}");
    }
    let issuers = [
        ("{}", "spec: write one of acme or ca; none is given"),
        ("{ ca: { secret: a }, acme: { directory: \"https://a\" } }", "given are acme and ca"),
        ("{ acme: { directory: \"http://a\" } }", "spec.acme.directory: an authority is asked over TLS only"),
        ("{ ca: { secret: a }, lifetime: 5m }", "spec.lifetime: 5m is too short; write at least 1h"),
        ("{ ca: { secret: a }, maxNames: 0 }", "spec.maxNames: 0 lets nothing happen"),
    ];
    for (spec, expected) in issuers {
        let refused = read::<api::Issuer, Issuer>("Issuer", spec).unwrap_err();
        assert!(refused.contains(expected), "{spec}: {refused}");
    }
}
