//! A pool that gains a family, or loses one: who named no family has those of its pool, and nothing moves.

use super::*;

const FOUR: &str = "{ addresses: [10.0.0.0/29] }";
const DUAL: &str = "{ addresses: [10.0.0.0/29, \"2001:db8::/125\"] }";

/// The whole plan, from the records of the one before.
fn planned(spec: &str, claims: &[Claim], held: Vec<Held>) -> VipPlan {
    let asked = claims.iter().map(|claim| Asked { claim: claim.clone(), targets: Vec::new() }).collect();
    let unclaimed = Unclaimed::Release { approved: None };
    plan(vec![pool("p", spec)], asked, Records { held, released: Vec::new() }, unclaimed, at(0))
}

fn addresses(plan: &VipPlan) -> Vec<String> {
    let texts =
        |one: &Assignment| one.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    plan.assigned.iter().map(|one| format!("{} {}", one.owner, texts(one))).collect()
}

#[test]
fn holders_of_a_pool_that_gains_a_family_are_given_it_and_keep_what_they_have() {
    let mut claims: Vec<Claim> = ["n/a@s", "n/a@t", "n/b@s"].map(claim).to_vec();
    claims[2].request.families = vec![IpFamily::Ipv4]; // in so many words
    let before = planned(FOUR, &claims, Vec::new());
    assert_eq!(addresses(&before), ["n/a@s 10.0.0.0", "n/a@t 10.0.0.1", "n/b@s 10.0.0.2"]);
    claims.push(claim("n/a@u"));
    let expected = [
        "n/a@s 10.0.0.0 2001:db8::",
        "n/a@t 10.0.0.1 2001:db8::1",
        "n/a@u 10.0.0.3 2001:db8::2",
        "n/b@s 10.0.0.2",
    ];
    let after = planned(DUAL, &claims, before.held.clone());
    assert_eq!((addresses(&after), &after.refused[..]), (expected.map(str::to_owned).to_vec(), &[][..]));
    assert_eq!(after.assigned.iter().map(|one| one.is_new).collect::<Vec<_>>(), [true, true, true, false]);
    // whatever the order, and once
    let (mut turned, mut held) = (claims.clone(), before.held);
    turned.reverse();
    held.reverse();
    assert_eq!(planned(DUAL, &turned, held), after);
    let again = planned(DUAL, &claims, after.held.clone());
    assert_eq!((&again.held, again.assigned.iter().any(|one| one.is_new)), (&after.held, false));
    // a pool that loses it again takes it from nobody
    assert_eq!(planned(FOUR, &claims, after.held.clone()).held, after.held);
}

#[test]
fn who_shares_an_address_shares_the_other_family_too() {
    let claims = [sharer("n/a", "k", "443/tcp"), sharer("n/b", "k", "80/tcp"), sharer("n/c", "j", "80/tcp")];
    let before = planned(FOUR, &claims, Vec::new());
    assert_eq!(addresses(&before), ["n/a 10.0.0.0", "n/b 10.0.0.0", "n/c 10.0.0.1"]);
    let after = planned(DUAL, &claims, before.held);
    assert_eq!(
        addresses(&after),
        ["n/a 10.0.0.0 2001:db8::", "n/b 10.0.0.0 2001:db8::", "n/c 10.0.0.1 2001:db8::1"]
    );
}

/// Nobody has half of what it is for without a word, and whoever may have nothing new keeps what it has.
#[test]
fn a_family_that_cannot_be_added_is_told_and_one_that_may_not_be_is_not_asked_for() {
    let claims = ["n/a", "n/b"].map(claim);
    let held = planned(FOUR, &claims, Vec::new()).held;
    let scarce = planned("{ addresses: [10.0.0.0/29, \"2001:db8::1\"] }", &claims, held.clone());
    assert_eq!(addresses(&scarce), ["n/a 10.0.0.0 2001:db8::1", "n/b 10.0.0.1"]);
    let told: Vec<String> = scarce.refused.iter().map(|one| one.reason.to_string()).collect();
    assert_eq!(told, ["no pool can: `p` has no free IPv6 address"]);
    assert_eq!(scarce.refused[0].keeps, held[1].addresses);
    // what else it asks for does not wait for the family
    let mut other_ports = claims.clone();
    other_ports[1].ports = ports("80/tcp");
    let changed = planned("{ addresses: [10.0.0.0/29, \"2001:db8::1\"] }", &other_ports, scarce.held.clone());
    assert_eq!((&changed.held[1].ports, changed.refused.len()), (&ports("80/tcp"), 1));
    assert_eq!(addresses(&changed), addresses(&scarce));
    let by_name = "{ addresses: [10.0.0.0/29, \"2001:db8::/125\"], autoAssign: false }";
    let kept = planned(by_name, &claims, held.clone());
    assert_eq!((kept.held, kept.refused), (held.clone(), vec![]));
    // in so many words it is asked for, and refused
    let mut dual = claims.clone();
    dual[0].request.families = vec![IpFamily::Ipv4, IpFamily::Ipv6];
    let refused = planned(by_name, &dual, held.clone());
    assert_eq!(refused.refused[0].reason.to_string(), "no pool can: `p` is given only to those that name it");
    assert_eq!(refused.held, held);
    // who asks for an address has that one
    let mut explicit = claims.to_vec();
    explicit[0].request.addresses = vec!["10.0.0.0".parse().unwrap()];
    assert_eq!(addresses(&planned(DUAL, &explicit, held)), ["n/a 10.0.0.0", "n/b 10.0.0.1 2001:db8::"]);
}
