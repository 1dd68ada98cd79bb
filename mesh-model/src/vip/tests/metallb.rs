//! What happened to MetalLB's users, by the number of the issue: none of it may happen here.

use super::*;

/// A restart: whatever is known now is written down and read again, in any order.
fn restart(allocator: &Allocator, pools: &[VipPool], is_reversed: bool) -> (Allocator, Vec<RecordProblem>) {
    let mut records = allocator.records();
    if is_reversed {
        records.held.reverse();
    }
    Allocator::new(pools.to_vec(), records)
}

/// 435: one address, two that want it; after a restart the other had it.
#[test]
fn issue_435_the_holder_has_it_after_a_restart_too() {
    let pools = [pool("p", "{ addresses: [192.168.0.2] }")];
    for (holder, waiting) in [("n/a", "n/b"), ("n/b", "n/a")] {
        let mut allocator = allocator(&pools);
        assert_eq!(get(&mut allocator, &claim(holder)), "192.168.0.2");
        assert!(get(&mut allocator, &claim(waiting)).starts_with("no pool can"));
        let (mut allocator, problems) = restart(&allocator, &pools, true);
        assert_eq!(problems, []);
        // the one that waits is heard of first
        assert!(get(&mut allocator, &claim(waiting)).starts_with("no pool can"));
        assert_eq!(get(&mut allocator, &claim(holder)), "192.168.0.2");
    }
}

/// 435, its cause: the list of claims was not whole at the start, and that cleared the assignment.
#[test]
fn issue_435_a_half_read_list_clears_nothing() {
    let pools = vec![pool("p", "{ addresses: [192.168.0.2] }")];
    let mut allocator = allocator(&pools);
    get(&mut allocator, &claim("n/a"));
    let asked = vec![Asked { claim: claim("n/b"), targets: Vec::new() }];
    let plan = plan(pools, asked, allocator.records(), Unclaimed::Keep, at(0));
    assert_eq!(plan.assigned.len(), 1);
    assert_eq!(plan.assigned[0].owner.to_string(), "n/a");
    assert_eq!(plan.refused[0].owner.to_string(), "n/b");
}

/// 1591: the pool that the address came from was deleted; it was given again from elsewhere, twice.
#[test]
fn issue_1591_a_deleted_pool_moves_nobody() {
    let both = [
        pool("cheap", "{ addresses: [192.168.1.0/24] }"),
        pool("default", "{ addresses: [192.168.10.0/24] }"),
    ];
    let mut allocator = allocator(&both);
    for number in 0..3 {
        get(&mut allocator, &claim(&format!("n/x{number}")));
    }
    let one = [pool("default", "{ addresses: [192.168.1.0/31, 192.168.10.0/24] }")];
    let before = allocator.records();
    let (mut allocator, problems) = restart(&allocator, &one, false);
    assert_eq!(problems.len(), 3, "each is told of: {problems:?}");
    assert!(problems.iter().all(|problem| matches!(problem, RecordProblem::UnknownPool { .. })));
    assert_eq!(
        get(&mut allocator, &claim("n/new")),
        "192.168.10.0",
        "not what others hold, whichever pool has it now"
    );
    for held in &before.held {
        let again = allocator.claim(at(0), &claim(&held.owner.to_string()), &[]).unwrap();
        assert_eq!(again.addresses, held.addresses);
    }
}

/// 1774: after a restart a waiting service was given the only address, which was another's.
/// 2443: the same, and what followed moved one service after another.
#[test]
fn issues_1774_and_2443_those_that_wait_take_nothing_from_those_that_hold() {
    let pools = [pool("p", "{ addresses: [10.0.0.0/30] }")];
    let mut allocator = allocator(&pools);
    for number in 0..4 {
        get(&mut allocator, &claim(&format!("n/holder{number}")));
    }
    let before = allocator.records();
    for is_reversed in [false, true] {
        let (mut allocator, problems) = restart(&allocator, &pools, is_reversed);
        assert_eq!(problems, []);
        for number in 0..4 {
            assert!(get(&mut allocator, &claim(&format!("a/waiting{number}"))).starts_with("no pool can"));
            get(&mut allocator, &claim(&format!("n/holder{}", 3 - number)));
        }
        assert_eq!(allocator.records(), before);
    }
}

/// 2479: after a restart an address that was given was given again.
#[test]
fn issue_2479_an_address_is_not_given_twice_after_a_restart() {
    let pools = [pool("p", "{ addresses: [10.0.0.0/29, \"2001:db8::/125\"] }")];
    let mut allocator = allocator(&pools);
    let mut given = BTreeSet::new();
    for number in 0..8 {
        (allocator, _) = restart(&allocator, &pools, number % 2 == 0);
        let held = allocator.claim(at(0), &claim(&format!("n/x{number}")), &[]).unwrap();
        assert!(held.addresses.iter().all(|address| given.insert(*address)), "{held:?}");
    }
    assert_eq!(given.len(), 16);
}

/// What a duplicate looks like that was made elsewhere: both keep it, and it is told.
#[test]
fn a_recorded_duplicate_is_reported_and_nobody_is_moved() {
    let pools = vec![pool("p", "{ addresses: [10.0.0.0/29] }")];
    let held = |owner: &str, address: &str| Held {
        owner: owner.parse().unwrap(),
        pool: "p".parse().unwrap(),
        addresses: vec![address.parse().unwrap()],
        sharing_key: None,
        isolation_group: None,
        ports: ports("443/tcp"),
    };
    let records = |order: [usize; 3]| {
        let all = [held("n/a", "10.0.0.1"), held("n/b", "10.0.0.1"), held("n/b", "10.0.0.3")];
        Records { held: order.map(|position| all[position].clone()).to_vec(), released: Vec::new() }
    };
    let (mut allocator, problems) = Allocator::new(pools.clone(), records([0, 1, 2]));
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "10.0.0.1 is held by n/a and by n/b, which may not share (n/a has no sharing key, and shares with nobody); both keep it: release one of them",
            "n/b is recorded more than once; it keeps all of 10.0.0.1 and 10.0.0.3",
        ]
    );
    for order in [[2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let (other, same) = Allocator::new(pools.clone(), records(order));
        assert_eq!((other.records(), same), (allocator.records(), problems.clone()), "{order:?}");
    }
    assert_eq!(get(&mut allocator, &claim("n/a")), "10.0.0.1");
    assert_eq!(get(&mut allocator, &claim("n/b")), "10.0.0.1 10.0.0.3");
    allocator.release(at(0), &"n/a".parse().unwrap());
    let (_, problems) = Allocator::new(pools, allocator.records());
    assert_eq!(problems, [], "what is over is not told of again");
}
