//! Releases for want of a claim: their bound, their approval, and a claim for all targets in place of each.

use super::*;
use crate::render::Revision;

/// `count` holders of pool `p`, each on a target of its own, and a plan in which only some claim.
fn planned(count: usize, claimed: &[usize], max: &str, approved: Option<Revision>) -> VipPlan {
    let key = |number: &usize| -> ClaimKey { format!("n/x{number}@t").parse().unwrap() };
    let held = |number: usize| Held {
        owner: key(&number),
        pool: "p".parse().unwrap(),
        addresses: vec![IpAddr::from([10, 0, 0, u8::try_from(number).unwrap()])],
        sharing_key: None,
        isolation_group: None,
        ports: BTreeSet::new(),
    };
    let asked = claimed.iter().map(|number| {
        let mut claim = claim("n/x");
        claim.key = key(number);
        claim.request.scope = VipScope::Target;
        Asked { claim, targets: Vec::new() }
    });
    let pools = vec![pool("p", &format!("{{ addresses: [10.0.0.0/24], maxReleases: {max} }}"))];
    let records = Records { held: (0..count).map(held).collect(), released: Vec::new() };
    plan(pools, asked.collect(), records, Unclaimed::Release { approved }, at(0))
}

#[test]
fn many_releases_wait_for_somebody_who_approves_exactly_these() {
    for (max, claimed, held_back) in [
        ("10%", 20, 0),
        ("10%", 18, 0),
        ("10%", 17, 3),
        ("10%", 0, 20), // the whole list is missing
        ("3", 17, 0),
        ("0", 19, 1),
        ("0%", 19, 1),
        ("100%", 0, 0),
    ] {
        let claimed: Vec<usize> = (0..claimed).collect();
        let waits = planned(20, &claimed, max, None);
        let releases = 20 - claimed.len();
        let what = format!("{releases} at {max}");
        assert_eq!((waits.held_back.len(), waits.releases), (held_back, releases), "{what}");
        assert_eq!(waits.released.len(), releases - held_back, "{what}");
        assert_eq!(waits.held.len(), claimed.len() + held_back, "who is held back keeps it: {what}");
        let approved = planned(20, &claimed, max, waits.hash);
        assert_eq!((approved.held_back.len(), approved.released.len()), (0, releases), "{what}");
    }
    assert_eq!(planned(2, &[0], "10%", None).held_back, [], "of a few one may go");
    let other = planned(20, &[0, 1], "10%", None).hash;
    assert_eq!(planned(20, &[0], "10%", other).held_back.len(), 19, "an approval of others is none");
    let text = serde_json::to_value(&planned(3, &[], "0", None).held_back[0]).unwrap();
    assert_eq!(text, serde_json::json!({ "owner": "n/x0@t", "pool": "p", "addresses": ["10.0.0.0"] }));
}

/// What goes from one pool does not wait, so that an approval of what does must not be of both.
#[test]
fn an_approval_is_of_what_waits_and_holds_when_the_rest_is_made() {
    let held = |owner: &str, pool: &str, address: &str| Held {
        owner: owner.parse().unwrap(),
        pool: pool.parse().unwrap(),
        addresses: vec![address.parse().unwrap()],
        sharing_key: None,
        isolation_group: None,
        ports: BTreeSet::new(),
    };
    let pools = vec![
        pool("few", "{ addresses: [10.0.0.0/24], maxReleases: 1 }"),
        pool("none", "{ addresses: [10.0.1.0/24], maxReleases: 0 }"),
    ];
    let planned = |records: Records, approved: Option<Revision>| {
        plan(pools.clone(), Vec::new(), records, Unclaimed::Release { approved }, at(0))
    };
    let held = vec![held("n/x0@t", "few", "10.0.0.1"), held("n/x1@t", "none", "10.0.1.1")];
    let first = planned(Records { held, released: Vec::new() }, None);
    assert_eq!((first.releases, first.held_back.len(), first.held.len()), (2, 1, 1));
    let records = Records { held: first.held.clone(), released: first.released.clone() };
    let second = planned(records.clone(), None);
    assert_eq!((second.releases, second.hash), (1, first.hash));
    let approved = planned(records, first.hash);
    assert_eq!((approved.held.len(), approved.hash), (0, first.hash));
    let none = planned(Records { held: approved.held, released: approved.released }, first.hash);
    assert_eq!(none.hash, None, "nothing waits");
}

#[test]
fn one_allocation_for_all_targets_and_one_for_each_are_not_exchanged_at_once() {
    for (before, after) in [("n/x@t", "n/x"), ("n/x", "n/x@t")] {
        let wants = |key: &str| {
            let mut claim = claim("n/x");
            claim.key = key.parse().unwrap();
            claim.request.scope = if claim.key.target.is_some() { VipScope::Target } else { VipScope::All };
            claim
        };
        let pools = vec![pool("p", "{ addresses: [10.0.0.0/24], maxReleases: 100% }")];
        let release = Unclaimed::Release { approved: None };
        let asked = |key: &str| vec![Asked { claim: wants(key), targets: Vec::new() }];
        let first = plan(pools.clone(), asked(before), Records::default(), release, at(0));
        let records = Records { held: first.held.clone(), released: Vec::new() };
        let changed = plan(pools.clone(), asked(after), records.clone(), release, at(0));
        assert_eq!((&changed.held, changed.releases), (&first.held, 0), "{before} stays");
        let addresses = first.held[0].addresses.clone();
        assert_eq!(changed.refused[0].reason, Refusal::Changed { held: addresses });
        // once it is released, which is a plan without the claim, the other can be had
        let none = plan(pools.clone(), Vec::new(), records, release, at(1));
        assert_eq!((none.held.len(), none.released.len()), (0, 1));
        let records = Records { held: none.held, released: none.released };
        let second = plan(pools, asked(after), records, release, at(2));
        assert_eq!((second.refused.len(), second.held[0].owner.to_string()), (0, after.to_owned()));
        // and a record of no address is of nothing that would have to be released first
        let empty = first.held.into_iter().map(|held| Held { addresses: Vec::new(), ..held });
        let records = Records { held: empty.collect(), released: Vec::new() };
        let pools = vec![pool("p", "{ addresses: [10.0.0.0/24], maxReleases: 100% }")];
        let third = plan(pools, asked(after), records, release, at(0));
        let owners: Vec<String> = third.held.iter().map(|held| held.owner.to_string()).collect();
        assert_eq!((owners, third.releases), (vec![after.to_owned()], 0));
    }
}
