//! A family of addresses that goes is a deletion: counted, held back, approved; an alias in its place is none.

use super::*;

/// `count` names, each of one owner with the addresses that `addresses` gives.
fn names(count: usize, addresses: impl Fn(usize) -> String) -> Vec<Wanted> {
    let one = |number: usize| {
        leads(
            &format!("x{number}.example.com"),
            vec![member(&format!("n/x{number}@a {}", addresses(number)))],
        )
    };
    (0..count).map(one).collect()
}

fn four(number: usize) -> String {
    format!("10.0.0.{number}")
}

fn six(number: usize) -> String {
    format!("2001:db8::{number:x}")
}

fn dual(number: usize) -> String {
    format!("{} {}", four(number), six(number))
}

/// Who asks for the family that goes finds nobody any more, though each owner is still published.
#[test]
fn a_family_that_goes_from_many_names_waits() {
    type Addresses = fn(usize) -> String;
    let cases: [(&str, Addresses, Addresses, &str, usize); 3] = [
        ("IPv6 goes", dual, four, "AAAA", 0),
        ("IPv4 goes", dual, six, "A", 0),
        ("IPv6 comes for IPv4", four, six, "A", 40), // with its marks, which takes nothing from anybody
    ];
    for (what, before, after, kind, changes) in cases {
        let mut records = settled(names(20, before));
        let (wanted, provider) = (names(20, after), provider("1"));
        let held = plan(&wanted, &records, &provider, None);
        assert_eq!((held.deletions, held.held_back.len(), held.changes.len()), (20, 20, changes), "{what}");
        assert!(held.held_back.iter().all(|deletion| deletion.kind.as_str() == kind), "{what}: {held:?}");
        make(&held.changes, &mut records);
        let again = plan(&wanted, &records, &provider, None);
        assert_eq!((again.changes, again.hash), (vec![], held.hash), "{what}: it waits, and for the same");
        make(&plan(&wanted, &records, &provider, held.hash).changes, &mut records);
        assert_eq!(values(&records, "x7.example.com", kind), "", "{what}: it is approved");
        assert_eq!(plan(&wanted, &records, &provider, None).changes, [], "{what}");
        // as many as may be go by themselves
        let mut one = names(20, before);
        one[7] = names(8, after).remove(7);
        let few = plan(&one, &settled(names(20, before)), &provider, None);
        assert_eq!((few.deletions, few.held_back.len()), (1, 0), "{what}");
    }
}

#[test]
fn an_owner_that_leaves_a_family_is_a_deletion_even_where_others_stay_in_it() {
    let both = |first: &str| vec![leads(SHOP, vec![member(first), member("n/x@b 10.0.0.2 2001:db8::2")])];
    let records = settled(both("n/x@a 10.0.0.1 2001:db8::1"));
    let waits = plan(&both("n/x@a 10.0.0.1"), &records, &provider("0"), None);
    let expected = Deletion {
        name: SHOP.parse().unwrap(),
        kind: RecordKind::Aaaa,
        gone: Gone::Owner("n/x@a".parse().unwrap()),
    };
    assert_eq!((waits.changes, waits.held_back), (vec![], vec![expected]));
}

/// What comes back by itself, what is not known, and what another address takes the place of.
#[test]
fn what_leaves_a_family_and_is_no_deletion() {
    let records =
        settled(vec![leads(SHOP, vec![member("n/x@a 10.0.0.1 2001:db8::1"), member("n/x@b 10.0.0.2")])]);
    let other = || member("n/x@b 10.0.0.2");
    let cases = [
        ("checks fail", is("n/x@a 10.0.0.1 2001:db8::1", Health::Unhealthy), "10.0.0.2", ""),
        (
            "checks fail of one that has IPv4 only now",
            is("n/x@a 10.0.0.1", Health::Unhealthy),
            "10.0.0.2",
            "",
        ),
        (
            "it is drained",
            Member { is_drained: true, ..member("n/x@a 10.0.0.1 2001:db8::1") },
            "10.0.0.2",
            "",
        ),
        ("its addresses are not known", member("n/x@a"), "10.0.0.1 10.0.0.2", "2001:db8::1"),
        ("it moves", member("n/x@a 10.0.0.9 2001:db8::9"), "10.0.0.2 10.0.0.9", "2001:db8::9"),
    ];
    for (what, member, a, aaaa) in cases {
        let mut records = records.clone();
        let plan = plan(&[leads(SHOP, vec![member, other()])], &records, &provider("0"), None);
        assert_eq!((plan.deletions, errors(&plan)), (0, Vec::new()), "{what}");
        make(&plan.changes, &mut records);
        assert_eq!(
            (values(&records, SHOP, "A"), values(&records, SHOP, "AAAA")),
            (a.to_owned(), aaaa.to_owned()),
            "{what}"
        );
    }
}

/// Who is out for its checks has left no family, also where it would come back if somebody else's drain were approved.
#[test]
fn what_an_approval_would_bring_back_in_one_family_is_no_deletion_of_the_other() {
    let a = "n/x@a 10.0.0.1";
    let mut records = settled(vec![leads(SHOP, vec![member(a), member("n/x@b 10.0.0.2 2001:db8::2")])]);
    let drained = Member { is_drained: true, ..member(a) };
    let wanted = [leads(SHOP, vec![drained, is("n/x@b 10.0.0.2", Health::Unhealthy)])];
    let first = plan(&wanted, &records, &provider("0"), None);
    let gone = |plan: &NamePlan| plan.held_back.iter().map(|one| one.gone.clone()).collect::<Vec<_>>();
    assert_eq!(gone(&first), [Gone::Owner("n/x@a".parse().unwrap())]);
    make(&first.changes, &mut records);
    let there = |records: &[Record]| ["A", "AAAA"].map(|kind| values(records, SHOP, kind));
    assert_eq!(there(&records), ["10.0.0.1", ""].map(str::to_owned));
    let second = plan(&wanted, &records, &provider("0"), None);
    assert_eq!((second.changes, second.hash), (vec![], first.hash));
    make(&plan(&wanted, &records, &provider("0"), first.hash).changes, &mut records);
    assert_eq!(there(&records), ["10.0.0.2", ""].map(str::to_owned));
}

/// An alias answers for every family, and cannot be there before addresses are gone.
#[test]
fn an_alias_takes_the_place_of_addresses_at_once_and_back() {
    let addresses = |of: &str| leads(SHOP, vec![member(&format!("n/x {of}"))]);
    let mut records = settled(vec![addresses("10.0.0.1 2001:db8::1")]);
    for (wanted, kinds) in [
        (alias(SHOP, "n/x", "www.example.com"), ["", "", "www.example.com"]),
        (addresses("10.0.0.1"), ["10.0.0.1", "", ""]),
    ] {
        let plan = plan(&[wanted], &records, &provider("0"), None);
        assert_eq!((plan.deletions, errors(&plan)), (0, Vec::new()));
        make(&plan.changes, &mut records);
        assert_eq!(["A", "AAAA", "CNAME"].map(|kind| values(&records, SHOP, kind)), kinds.map(str::to_owned));
    }
}
