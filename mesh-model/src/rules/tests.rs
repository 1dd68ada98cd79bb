//! Tests of which DestinationRules hold for a host: the narrowest, put together, and what they say twice.

use super::*;

const HOST: &str = "web.shop.svc.cluster.local";

fn rule(of: u32, host: &'static str, has_policy: bool, subsets: &[&'static str]) -> Rule<'static, u32> {
    Rule { of, host, has_policy, subsets: subsets.to_vec(), export_to: Vec::new() }
}

fn of(rules: Vec<Rule<'static, u32>>) -> Option<Together<'static, u32>> {
    together(rules, HOST, &"shop".parse().unwrap())
}

fn clash(of: u32, at: &str, other: u32) -> Clash<u32> {
    Clash { of, at: at.parse().unwrap(), other }
}

#[test]
fn the_narrowest_host_alone_holds() {
    let hosts = ["*", "*.cluster.local", "*.shop.svc.cluster.local", "web", HOST];
    for (position, host) in hosts.into_iter().enumerate() {
        // whatever the order
        for turn in 0..=position {
            let mut rules: Vec<_> =
                (0..=position).map(|at| rule(u32::try_from(at).unwrap(), hosts[at], true, &[])).collect();
            rules.rotate_left(turn);
            let found = of(rules).unwrap();
            // the last two are one host
            let is_it = found.first as usize == position || (position == 4 && found.first == 3);
            assert!(is_it && found.policy == Some(found.first), "{host}: {found:?}");
        }
    }
    for host in ["api", "*.shop.example.com", "web.bank.svc.cluster.local", "*api", "shop.svc.cluster.local"]
    {
        assert_eq!(of(vec![rule(0, host, true, &[])]), None, "{host}");
    }
    // a wildcard adds nothing to what a narrower rule says
    let found = of(vec![rule(0, "*.shop.svc.cluster.local", true, &["v1"]), rule(1, "web", false, &[])]);
    let alone = Together { first: 1, policy: None, subsets: BTreeMap::new(), clashes: Vec::new() };
    assert_eq!(found, Some(alone));
}

#[test]
fn rules_of_one_host_are_as_one() {
    let found = of(vec![
        rule(0, "web", false, &["v1"]),
        rule(1, HOST, true, &["v2", "v3"]),
        rule(2, "web", false, &["v4"]),
    ]);
    let subsets = [("v1", (0, 0)), ("v2", (1, 0)), ("v3", (1, 1)), ("v4", (2, 0))].into();
    assert_eq!(found, Some(Together { first: 0, policy: Some(1), subsets, clashes: Vec::new() }));
    // also of one wildcard
    let every = "*.svc.cluster.local";
    let found = of(vec![rule(0, every, true, &[]), rule(1, every, false, &["v1"])]).unwrap();
    assert_eq!((found.policy, found.subsets["v1"], found.clashes), (Some(0), (1, 0), Vec::new()));
}

#[test]
fn what_two_say_is_told_of_the_second() {
    let found = of(vec![rule(0, "web", true, &["v1"]), rule(1, HOST, true, &["v2", "v1"])]).unwrap();
    assert_eq!((found.policy, found.subsets["v1"], found.subsets["v2"]), (Some(0), (0, 0), (1, 0)));
    assert_eq!(found.clashes, [clash(1, "/spec/trafficPolicy", 0), clash(1, "/spec/subsets/1/name", 0)]);
    // a subset that one rule has twice is its own matter
    let found = of(vec![rule(0, "web", false, &["v1", "v1"]), rule(1, "web", false, &["v2", "v2"])]).unwrap();
    assert_eq!((found.subsets["v1"], found.subsets["v2"], found.clashes), ((0, 0), (1, 0), Vec::new()));
}

#[test]
fn rules_that_others_see_are_not_put_together() {
    let seen = |of: u32, export_to: &[&'static str]| Rule {
        export_to: export_to.to_vec(),
        ..rule(of, "web", of == 0, &[])
    };
    let clashes = |one: &[&'static str], other: &[&'static str]| {
        of(vec![seen(0, one), seen(1, other)]).unwrap().clashes
    };
    for (one, other) in [(&[][..], &[][..]), (&["."], &["shop"]), (&["bank", "."], &["shop", "bank"])] {
        assert_eq!(clashes(one, other), [], "{one:?} {other:?}");
    }
    for (one, other) in [(&["."][..], &["*"][..]), (&["."], &[]), (&["."], &[".", "bank"])] {
        assert_eq!(clashes(one, other), [clash(1, "/spec/exportTo", 0)], "{one:?} {other:?}");
    }
}
