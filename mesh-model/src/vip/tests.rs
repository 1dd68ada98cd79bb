//! Tests of addresses: what pools give to whom, sharing, rests, records, the plan and its file.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::access_point::Sharing;
use crate::api::{self, IpFamily};
use crate::fleet::tests::fleet;
use crate::fleet::{Fleet, Target};
use crate::provision::VipPool;

mod families;
mod metallb;
mod model;
mod releases;
mod terms;

pub(super) fn pool(name: &str, spec: &str) -> VipPool {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: VipPool, metadata: {{ name: {name} }}, spec: {spec} }}"
    );
    let object: api::VipPool =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    VipPool::try_from(object).unwrap()
}

/// A claim for all targets.
pub(super) fn claim(key: &str) -> Claim {
    let key: ClaimKey = key.parse().unwrap();
    let scope = if key.target.is_some() { VipScope::Target } else { VipScope::All };
    let request = VipRequest {
        pool: None,
        scope,
        sharing: Sharing::Exclusive,
        isolation_group: None,
        families: Vec::new(),
        addresses: Vec::new(),
    };
    Claim { key, request, ports: ports("443/tcp"), labels: Labels::new() }
}

pub(super) fn ports(text: &str) -> BTreeSet<Port> {
    text.split_whitespace().map(|port| port.parse().unwrap()).collect()
}

/// A claim that shares.
pub(super) fn sharer(owner: &str, key: &str, served: &str) -> Claim {
    let mut claim = claim(owner);
    claim.request.sharing = Sharing::Key(key.parse().unwrap());
    claim.ports = ports(served);
    claim
}

pub(super) fn at(seconds: i64) -> WallTime {
    WallTime::from_unix_seconds(1_800_000_000 + seconds)
}

pub(super) fn allocator(pools: &[VipPool]) -> Allocator {
    let (allocator, problems) = Allocator::new(pools.to_vec(), Records::default());
    assert_eq!(problems, []);
    allocator
}

/// What a claim gets: addresses with a space between, or the refusal's text.
pub(super) fn get(allocator: &mut Allocator, claim: &Claim) -> String {
    get_at(allocator, 0, claim)
}

pub(super) fn get_at(allocator: &mut Allocator, seconds: i64, claim: &Claim) -> String {
    match allocator.claim(at(seconds), claim, &[]) {
        Ok(held) => held.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn the_lowest_free_address_in_range_order_by_priority_and_name() {
    let pools = [
        pool("b", "{ addresses: [10.0.0.8/31, 10.0.0.2] }"),
        pool("a", "{ addresses: [10.0.1.1] }"),
        pool("first", "{ addresses: [10.0.2.1], priority: 5 }"),
        pool("last", "{ addresses: [10.0.3.1], priority: -5 }"),
        pool("named", "{ addresses: [10.0.4.1], priority: 9, autoAssign: false }"),
    ];
    let mut allocator = allocator(&pools);
    let expected = ["10.0.2.1", "10.0.1.1", "10.0.0.2", "10.0.0.8", "10.0.0.9", "10.0.3.1"];
    for (number, address) in expected.into_iter().enumerate() {
        assert_eq!(get(&mut allocator, &claim(&format!("n/x{number}"))), address);
    }
    let refusal = get(&mut allocator, &claim("n/late"));
    assert!(refusal.contains("`named` is given only to those that name it"), "{refusal}");
    assert!(refusal.contains("`first` has no free IPv4 address"), "{refusal}");
    let mut by_name = claim("n/late");
    by_name.request.pool = Some("named".parse().unwrap());
    assert_eq!(get(&mut allocator, &by_name), "10.0.4.1");
    by_name.key = "n/lost".parse().unwrap();
    by_name.request.pool = Some("nammed".parse().unwrap());
    assert_eq!(get(&mut allocator, &by_name), "there is no VipPool `nammed`; did you mean `named`?");
}

#[test]
fn a_64_is_as_quick_as_a_30() {
    // an allocator that went through a /64 would not come back
    let mut allocator = allocator(&[pool("six", "{ addresses: [\"2001:db8::/64\"] }")]);
    for number in 0..1_000 {
        let expected: IpAddr = format!("2001:db8::{number:x}").parse().unwrap();
        assert_eq!(get(&mut allocator, &claim(&format!("n/x{number}"))), expected.to_string());
    }
    let mut explicit = claim("n/far");
    explicit.request.addresses = vec!["2001:db8::ffff:ffff:ffff:ffff".parse().unwrap()];
    assert_eq!(get(&mut allocator, &explicit), "2001:db8::ffff:ffff:ffff:ffff");
    allocator.release(at(0), &"n/x500".parse().unwrap());
    assert_eq!(get_at(&mut allocator, 3_600, &claim("n/late")), "2001:db8::1f4", "the gap is filled first");
}

#[test]
fn both_families_or_none() {
    let pools = [pool("dual", "{ addresses: [10.0.0.1, 10.0.0.2, \"2001:db8::1\"] }")];
    let mut allocator = allocator(&pools);
    assert_eq!(get(&mut allocator, &claim("n/a")), "10.0.0.1 2001:db8::1", "what the pool has");
    let before = allocator.records();
    assert_eq!(get(&mut allocator, &claim("n/b")), "no pool can: `dual` has no free IPv6 address");
    assert_eq!(allocator.records(), before, "no IPv4 address is lost to it");
    let mut four = claim("n/b");
    four.request.families = vec![IpFamily::Ipv4];
    assert_eq!(get(&mut allocator, &four), "10.0.0.2");
    let mut swapped = claim("n/c");
    swapped.request.families = vec![IpFamily::Ipv6, IpFamily::Ipv4];
    allocator.handle_pools(vec![pool("dual", "{ addresses: [10.0.0.0/29, \"2001:db8::/125\"] }")]);
    assert_eq!(get(&mut allocator, &swapped), "2001:db8:: 10.0.0.0", "in order of wish");
}

#[test]
fn a_holder_may_add_a_family_and_keeps_what_it_has() {
    let mut allocator = allocator(&[pool("dual", "{ addresses: [10.0.0.0/30, \"2001:db8::/126\"] }")]);
    let mut one = claim("n/a");
    one.request.families = vec![IpFamily::Ipv4];
    assert_eq!(get(&mut allocator, &one), "10.0.0.0");
    one.request.families.push(IpFamily::Ipv6);
    assert_eq!(get(&mut allocator, &one), "10.0.0.0 2001:db8::");
    one.request.families.remove(0);
    let refusal = get(&mut allocator, &one);
    assert!(
        refusal.starts_with("it holds 10.0.0.0 and 2001:db8::, which the request no longer fits"),
        "{refusal}"
    );
    assert_eq!(allocator.held(&one.key).unwrap().addresses.len(), 2);
}

#[test]
fn explicit_addresses() {
    let pools = [pool("p", "{ addresses: [10.0.0.0/30] }"), pool("q", "{ addresses: [10.0.1.0/30] }")];
    let mut allocator = allocator(&pools);
    let explicit = |owner: &str, address: &str| {
        let mut claim = claim(owner);
        claim.request.addresses = vec![address.parse().unwrap()];
        claim
    };
    assert_eq!(get(&mut allocator, &explicit("n/a", "10.0.1.2")), "10.0.1.2", "whichever pool has it");
    let busy = get(&mut allocator, &explicit("n/b", "10.0.1.2"));
    assert_eq!(
        busy,
        "no pool can: `p` does not have 10.0.1.2; `q` has given 10.0.1.2 to n/a, with whom it may not be shared: n/a has no sharing key, and shares with nobody"
    );
    allocator.release(at(0), &"n/a".parse().unwrap());
    let resting = get_at(&mut allocator, 10, &explicit("n/b", "10.0.1.2"));
    assert!(
        resting.contains("`q` gives 10.0.1.2 to nobody but n/a before 2027-01-15T09:00:00Z"),
        "{resting}"
    );
    assert_eq!(get_at(&mut allocator, 3_600, &explicit("n/b", "10.0.1.2")), "10.0.1.2");
    let elsewhere = get_at(&mut allocator, 3_600, &explicit("n/c", "10.9.9.9"));
    assert_eq!(elsewhere, "no pool can: `p` does not have 10.9.9.9; `q` does not have 10.9.9.9");
}

#[test]
fn a_released_address_rests_and_comes_back_to_its_owner() {
    let pools = [pool("p", "{ addresses: [10.0.0.1, 10.0.0.2], quarantine: 10m }")];
    let mut allocator = allocator(&pools);
    assert_eq!(get(&mut allocator, &claim("n/a")), "10.0.0.1");
    let released = allocator.release(at(0), &"n/a".parse().unwrap());
    assert_eq!(released[0].until, at(600));
    assert_eq!(get_at(&mut allocator, 1, &claim("n/b")), "10.0.0.2", "not the one that rests");
    let full = get_at(&mut allocator, 2, &claim("n/c"));
    assert_eq!(full, "no pool can: `p` has no free IPv4 address; the next is free at 2027-01-15T08:10:00Z");
    // a restart in between changes nothing
    let (mut allocator, problems) = Allocator::new(pools.to_vec(), allocator.records());
    assert_eq!(problems, []);
    assert_eq!(get_at(&mut allocator, 599, &claim("n/c")), full);
    assert_eq!(get_at(&mut allocator, 599, &claim("n/a")), "10.0.0.1", "it is its own");
    assert_eq!(allocator.records().released, [], "and rests no more");
    allocator.release(at(600), &"n/a".parse().unwrap());
    assert_eq!(get_at(&mut allocator, 1_200, &claim("n/c")), "10.0.0.1", "the rest is over");
    // the wall clock jumps back: the rest is longer, never shorter
    allocator.release(at(1_200), &"n/c".parse().unwrap());
    assert_eq!(
        get_at(&mut allocator, 0, &claim("n/d")).split(';').next(),
        Some("no pool can: `p` has no free IPv4 address")
    );
    let (mut none, _) =
        Allocator::new(vec![pool("p", "{ addresses: [10.0.0.1], quarantine: 0s }")], Records::default());
    assert_eq!(get(&mut none, &claim("n/a")), "10.0.0.1");
    none.release(at(0), &"n/a".parse().unwrap());
    assert_eq!(get(&mut none, &claim("n/b")), "10.0.0.1", "a pool without quarantine");
}

#[test]
fn who_shares_with_whom() {
    let pools = [pool("p", "{ addresses: [10.0.0.0/24] }")];
    let with = |mut claim: Claim, group: &str| {
        claim.request.isolation_group = Some(group.parse().unwrap());
        claim
    };
    let table = [
        ("another port", sharer("n/b", "edge", "80/tcp"), true),
        ("another protocol", sharer("n/b", "edge", "443/udp"), true),
        ("the same port", sharer("n/b", "edge", "80/tcp 443/tcp"), false),
        ("another key", sharer("n/b", "core", "80/tcp"), false),
        ("another group", with(sharer("n/b", "edge", "80/tcp"), "g"), false),
        ("no port, which may mean all", sharer("n/b", "edge", ""), false),
        ("exclusive", claim("n/b"), false),
        ("on a target, not on all", sharer("n/b@t", "edge", "80/tcp"), false),
    ];
    for (what, other, is_shared) in table {
        let mut allocator = allocator(&pools);
        let first = get(&mut allocator, &sharer("n/a", "edge", "443/tcp"));
        assert_eq!(get(&mut allocator, &other) == first, is_shared, "{what}");
        // and asked for by address
        let mut other = other;
        if other.request.scope == VipScope::All {
            allocator.release(at(0), &other.key);
            other.request.addresses = vec![first.parse().unwrap()];
            assert_eq!(get_at(&mut allocator, 9_999, &other) == first, is_shared, "{what}, by address");
        }
    }
}

/// Each needs an address of its own, and none has to be looked at to know that; then each has room for one more.
#[test]
fn ten_thousand_sharers_of_one_port_are_quick() {
    let mut allocator = allocator(&[pool("public", "{ addresses: [10.0.0.0/16], quarantine: 0s }")]);
    for number in 0..10_000 {
        get(&mut allocator, &sharer(&format!("shop/a{number}"), "all", "443/tcp"));
    }
    let held: BTreeSet<IpAddr> =
        allocator.records().held.into_iter().flat_map(|held| held.addresses).collect();
    assert_eq!(held.len(), 10_000);
    for number in 0..1_000 {
        let other = get(&mut allocator, &sharer(&format!("shop/b{number}"), "all", "80/tcp"));
        assert!(held.contains(&other.parse().unwrap()), "{other} was shared");
    }
    assert_eq!(get(&mut allocator, &sharer("shop/c", "all", "80/tcp 443/tcp")), "10.0.39.16", "a new one");
    let key = "shop/a77".parse().unwrap();
    allocator.release(at(0), &key);
    assert_eq!(get(&mut allocator, &sharer("shop/d", "all", "443/tcp")), "10.0.0.77", "beside b77");
}

#[test]
fn a_port_that_a_sharer_gave_up_rests_too() {
    let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.1, 10.0.0.2] }")]);
    assert_eq!(get(&mut allocator, &sharer("n/a", "edge", "443/tcp 80/tcp")), "10.0.0.1");
    assert_eq!(get(&mut allocator, &sharer("n/b", "edge", "25/tcp")), "10.0.0.1");
    assert_eq!(get(&mut allocator, &sharer("n/a", "edge", "443/tcp")), "10.0.0.1");
    assert_eq!(
        get(&mut allocator, &sharer("n/c", "edge", "80/tcp")),
        "10.0.0.2",
        "clients of a still ask there"
    );
    allocator.release(at(0), &"n/c".parse().unwrap());
    assert_eq!(get_at(&mut allocator, 3_600, &sharer("n/d", "edge", "80/tcp")), "10.0.0.1");
    let refusal = get_at(&mut allocator, 3_600, &sharer("n/a", "edge", "443/tcp 25/tcp"));
    assert!(refusal.starts_with("n/b is at 10.0.0.1 too"), "{refusal}");
    assert_eq!(allocator.held(&"n/a".parse().unwrap()).unwrap().ports, ports("443/tcp"), "as it was");
}

#[test]
fn pools_serve_certain_targets_and_access_points() {
    let fleet: Fleet = fleet();
    let target = |name: &str| -> Target<'_> { fleet.target(api::PlacementLevel::Cluster, name).unwrap() };
    let pools = [
        pool("west", "{ addresses: [10.0.0.0/29], targets: { regions: [us-west] }, priority: 1 }"),
        pool("rest", "{ addresses: [10.0.1.0/29] }"),
        pool("team", "{ addresses: [10.0.2.0/29], accessPoints: { namespaces: [team] }, priority: 2 }"),
    ];
    let mut allocator = allocator(&pools);
    let mut ask = |key: &str, targets: &[&str]| {
        let targets: Vec<Target<'_>> = targets.iter().map(|name| target(name)).collect();
        allocator.claim(at(0), &claim(key), &targets).unwrap().pool.to_string()
    };
    assert_eq!(ask("n/a@slc-a-1", &["slc-a-1"]), "west");
    assert_eq!(ask("n/a@lvs-a-1", &["lvs-a-1"]), "rest");
    assert_eq!(ask("n/b", &["slc-a-1", "slc-b-1"]), "west", "one for all, which are all in the west");
    assert_eq!(ask("n/c", &["slc-a-1", "lvs-a-1"]), "rest", "one for all must reach all");
    assert_eq!(ask("n/d", &[]), "rest", "of targets that are not known nothing is supposed");
    assert_eq!(ask("team/a@slc-a-1", &["slc-a-1"]), "team");
}

#[test]
fn the_scope_is_the_claims() {
    let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.0/29] }")]);
    let mut all = claim("n/a@t");
    all.request.scope = VipScope::All;
    assert_eq!(allocator.claim(at(0), &all, &[]), Err(Refusal::Scope { scope: VipScope::All }));
    let mut each = claim("n/a");
    each.request.scope = VipScope::Target;
    assert_eq!(allocator.claim(at(0), &each, &[]), Err(Refusal::Scope { scope: VipScope::Target }));
    assert_ne!(get(&mut allocator, &claim("n/a@t")), get(&mut allocator, &claim("n/a@u")), "each its own");
    assert_eq!(get(&mut allocator, &claim("n/b")), "10.0.0.2", "all one");
}

#[test]
fn a_pool_that_shrinks_under_a_holder() {
    let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.0/30] }")]);
    for owner in ["n/a", "n/b"] {
        get(&mut allocator, &claim(owner));
    }
    let problems = allocator.handle_pools(vec![pool("p", "{ addresses: [10.0.0.1-10.0.0.2] }")]);
    let owner: ClaimKey = "n/a".parse().unwrap();
    let outside = RecordProblem::Outside {
        owner: owner.clone(),
        address: "10.0.0.0".parse().unwrap(),
        pool: "p".parse().unwrap(),
    };
    assert_eq!(problems, [outside]);
    assert_eq!(get(&mut allocator, &claim("n/a")), "10.0.0.0", "it keeps it");
    assert_eq!(get(&mut allocator, &claim("n/c")), "10.0.0.2");
    allocator.release(at(0), &owner);
    let refusal = get_at(&mut allocator, 1, &claim("n/a"));
    assert!(refusal.contains("has no free IPv4 address"), "once released it is not given again: {refusal}");
    let gone = allocator.handle_pools(Vec::new());
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert_eq!(get_at(&mut allocator, 2, &claim("n/b")), "10.0.0.1", "even without its pool");
}

const CLAIMS: &str = "
claims:
  - { owner: payments/checkout@slc-a-1, vip: { pool: p }, ports: [443/tcp] }
  - { owner: search/web, vip: { scope: all, addresses: [10.0.0.1] }, ports: [443/tcp], targets: [slc-a-1, slc-a-2] }
held:
  - { owner: old/gone, pool: p, addresses: [10.0.0.0], ports: [80/tcp] }
";

#[test]
fn the_plan_of_a_file() {
    let file: ClaimsFile = serde_saphyr::from_str(CLAIMS).unwrap();
    let fleet = fleet();
    let pools = vec![pool("p", "{ addresses: [10.0.0.0/29] }")];
    let asked = file.claims(&fleet).unwrap();
    let plan = plan(pools.clone(), asked.clone(), file.records(), file.unclaimed(), at(0));
    let json = serde_json::to_value(&plan).unwrap();
    let expected = serde_json::json!({
        "assigned": [
            { "owner": "payments/checkout@slc-a-1", "pool": "p", "addresses": ["10.0.0.2"], "is_new": true },
            { "owner": "search/web", "pool": "p", "addresses": ["10.0.0.1"], "is_new": true },
        ],
        "refused": [],
        "held_back": [],
        "releases": 1,
        "hash": null,
        "held": [
            { "owner": "payments/checkout@slc-a-1", "pool": "p", "addresses": ["10.0.0.2"], "ports": ["443/tcp"] },
            { "owner": "search/web", "pool": "p", "addresses": ["10.0.0.1"], "ports": ["443/tcp"] },
        ],
        "released": [{
            "held": { "owner": "old/gone", "pool": "p", "addresses": ["10.0.0.0"], "ports": ["80/tcp"] },
            "until": "2027-01-15T09:00:00Z",
        }],
        "problems": [],
        "pools": [{ "pool": "p", "held": 2, "resting": 1 }],
    });
    assert_eq!(json, expected, "who asks for an address comes before who takes any");
    let half = super::plan(pools.clone(), asked.clone(), file.records(), Unclaimed::Keep, at(0));
    assert_eq!((half.assigned.len(), half.released.len()), (3, 0), "a half-read list releases nothing");
    let mut turned = asked;
    turned.reverse();
    assert_eq!(super::plan(pools, turned, file.records(), file.unclaimed(), at(0)), plan, "order is nothing");
}

#[test]
fn files_that_are_refused() {
    let fleet = fleet();
    let refused = |text: &str| -> String {
        let file: Result<ClaimsFile, _> = serde_saphyr::from_str(text);
        match file {
            Ok(file) => file.claims(&fleet).unwrap_err().to_string(),
            Err(error) => error.without_snippet().to_string(),
        }
    };
    let table = [
        ("{ claims: [{ owner: checkout }] }", "write namespace/name, or namespace/name@target"),
        ("{ claims: [{ owner: a/b, ports: [0/tcp] }] }", "write a number from 1 to 65535 and a protocol"),
        (
            "{ claims: [{ owner: a/b }, { owner: a/b }] }",
            "claims[1].owner: `a/b` is already [0] of this list",
        ),
        (
            "{ claims: [{ owner: a/b@slc-a-9 }] }",
            "claims[0].owner: there is no target `slc-a-9`; did you mean",
        ),
        (
            "{ claims: [{ owner: a/b, targets: [slc-b] }] }",
            "claims[0].targets[0]: there is no target `slc-b`",
        ),
        (
            "{ claims: [{ owner: a/b, vip: { exclusive: false } }] }",
            "claims[0].vip.exclusive: exclusive: false says nothing",
        ),
        ("{ claims: [{ owner: a/b, vips: {} }] }", "unknown field `vips`"),
        ("{ held: [{ owner: a/b, pool: p, addresses: [10.0.0.1] }] }", "missing field `claims`"),
        (
            "{ claims: [], held: [{ owner: a/b, pool: p, addresses: [] }] }",
            "held[0].addresses: an empty list holds nothing; write at least an address",
        ),
        // what stands for an IPv4 address would be given to somebody else as that
        (
            "{ claims: [], held: [{ owner: a/b, pool: p, addresses: [\"::ffff:10.0.0.1\"] }] }",
            "held[0].addresses[0]: ::ffff:10.0.0.1 can be no VIP; write 10.0.0.1, which it stands for",
        ),
        (
            "{ claims: [], held: [{ owner: a/b, pool: p, addresses: [10.0.0.1, 10.0.0.1] }] }",
            "held[0].addresses[1]: `10.0.0.1` is already [0] of this list",
        ),
        (
            "{ claims: [], released: [{ held: { owner: a/b, pool: p, addresses: [127.0.0.1] }, until: 2026-11-30T18:30:00Z }] }",
            "released[0].held.addresses[0]: 127.0.0.1 can be no VIP; write unicast addresses of hosts",
        ),
        (
            "{ claims: [{ owner: a/b, targets: [slc-a-1, slc-a-1] }] }",
            "claims[0].targets[1]: `slc-a-1` is already [0] of this list",
        ),
        ("{ version: 2, claims: [] }", "version: version 2 is not known"),
    ];
    for (text, expected) in table {
        let found = refused(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn claims_of_an_access_point() {
    let text = "{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: { name: a, namespace: n },
        spec: { placement: { selector: {} }, templates: [{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: { ports: [{ port: 443 }] } }], vip: { scope: SCOPE } } }";
    let of = |scope: &str, targets: &[&str]| -> Vec<String> {
        let object: api::FederatedAccessPoint =
            serde_saphyr::from_str(&text.replace("SCOPE", scope)).unwrap();
        let targets: Vec<Name> = targets.iter().map(|name| name.parse().unwrap()).collect();
        let claims = Claim::of(&AccessPoint::try_from(object).unwrap(), &targets, &ports("443/tcp"));
        claims.iter().map(|claim| claim.key.to_string()).collect()
    };
    assert_eq!(of("target", &["t", "u"]), ["n/a@t", "n/a@u"]);
    assert_eq!(of("all", &["t", "u"]), ["n/a"]);
    assert!(of("all", &[]).is_empty() && of("target", &[]).is_empty(), "no target, no address");
    assert_eq!(Duration::from_secs(3_600), pool("p", "{ addresses: [10.0.0.1] }").quarantine);
}
