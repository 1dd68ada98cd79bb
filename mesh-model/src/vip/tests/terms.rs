//! Why two may not be at one address: each cause by itself, told to who asks, to who changes, and of records.

use super::*;

/// At 10.0.0.1: `owner key group ports...`, with `-` for no key and no group.
fn at_one(text: &str) -> Claim {
    let mut words = text.split(' ');
    let mut claim = claim(words.next().unwrap());
    if let Some(key) = words.next().filter(|key| *key != "-") {
        claim.request.sharing = Sharing::Key(key.parse().unwrap());
    }
    claim.request.isolation_group =
        words.next().filter(|group| *group != "-").map(|group| group.parse().unwrap());
    claim.ports = words.map(|port| port.parse().unwrap()).collect();
    claim.request.addresses = vec!["10.0.0.1".parse().unwrap()];
    claim
}

const FIRST: &str = "n/a@t k - 443/tcp 443/udp";
const CASES: [(&str, &str, &str); 9] = [
    ("n/a@t - - 443/tcp", "n/b@t k - 80/tcp", "n/a@t has no sharing key, and shares with nobody"),
    (FIRST, "n/b@t - - 80/tcp", "n/b@t has no sharing key, and shares with nobody"),
    (FIRST, "n/b@t j - 80/tcp", "their sharing keys are `k` and `j`"),
    (FIRST, "n/b@t k g 80/tcp", "their isolation groups are none and `g`"),
    ("n/a@t k f 443/tcp", "n/b@t k g 80/tcp", "their isolation groups are `f` and `g`"),
    (FIRST, "n/b@u k - 80/tcp", "they are not of one target, where an address is announced"),
    ("n/a@t k -", "n/b@t k - 80/tcp", "n/a@t names no ports, and may serve any"),
    (FIRST, "n/b@t k -", "n/b@t names no ports, and may serve any"),
    (FIRST, "n/b@t k - 80/tcp 443/udp", "both serve 443/udp"),
];

#[test]
fn a_refusal_says_why_an_address_is_not_shared() {
    for (holder, text, why) in CASES {
        let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.0/30] }")]);
        assert_eq!(get(&mut allocator, &at_one(holder)), "10.0.0.1");
        let told =
            format!("no pool can: `p` has given 10.0.0.1 to n/a@t, with whom it may not be shared: {why}");
        assert_eq!(get(&mut allocator, &at_one(text)), told);
    }
}

/// Both keep it.
#[test]
fn two_records_at_one_address_are_told_with_why_they_do_not_share_it() {
    for (first, second, why) in CASES {
        let of = |text: &str| {
            let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.0/30] }")]);
            allocator.claim(at(0), &at_one(text), &[]).unwrap()
        };
        let held = vec![of(first), of(second)];
        let pools = vec![pool("p", "{ addresses: [10.0.0.0/30] }")];
        let (allocator, problems) =
            Allocator::new(pools, Records { held: held.clone(), released: Vec::new() });
        let told = format!(
            "10.0.0.1 is held by n/a@t and by {}, which may not share ({why}); both keep it: release one of them",
            held[1].owner
        );
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
        assert_eq!(allocator.records().held, held);
    }
}

#[test]
fn a_holder_whose_terms_change_is_told_who_is_in_the_way_and_why() {
    let mut allocator = allocator(&[pool("p", "{ addresses: [10.0.0.1] }")]);
    assert_eq!(get(&mut allocator, &sharer("n/a", "k", "443/tcp")), "10.0.0.1");
    assert_eq!(get(&mut allocator, &sharer("n/b", "k", "80/tcp")), "10.0.0.1");
    let told = |why: &str| {
        format!(
            "n/a is at 10.0.0.1 too, and may not share with the new ports, key or group: {why}; change them back, or have it released"
        )
    };
    for (claim, why) in [
        (sharer("n/b", "k", "80/tcp 443/tcp"), "both serve 443/tcp"),
        (sharer("n/b", "j", "80/tcp"), "their sharing keys are `k` and `j`"),
        (claim("n/b"), "n/b has no sharing key, and shares with nobody"),
    ] {
        assert_eq!(get(&mut allocator, &claim), told(why));
    }
    // who has left is there only until its rest is over, and nobody can change that
    allocator.release(at(0), &"n/a".parse().unwrap());
    let rests = "10.0.0.1 rests for n/a until 2027-01-15T09:00:00Z, and may not be shared before with the new ports, key or \
                 group: n/b has no sharing key, and shares with nobody; wait, or change them back";
    assert_eq!(get(&mut allocator, &claim("n/b")), rests);
    assert_eq!(get_at(&mut allocator, 3_600, &claim("n/b")), "10.0.0.1");
}
