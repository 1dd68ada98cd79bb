//! Tests of differences between lists of resources: beside looking at every name, and how much is looked at.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::super::resources::alone;
use super::*;

type Versions = BTreeMap<String, u32>;

fn list(versions: &Versions) -> Resources {
    Resources::new(versions.iter().map(|(name, version)| alone(name, json!(version))).collect())
}

fn versions(count: u32) -> Versions {
    (0..count).map(|number| (format!("outbound|80||web-{number}.shop.svc.cluster.local"), 1)).collect()
}

/// What `changed` is to find, and what a hash of all names and versions would say.
fn check(before: &Versions, after: &Versions) {
    let (old, new) = (list(before), list(after));
    let names = before.keys().chain(after.keys());
    let expected: BTreeSet<&str> =
        names.filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
    assert_eq!(new.changed(&old), expected);
    assert_eq!(old.changed(&new), expected);
    assert_eq!(new.version() == old.version(), expected.is_empty());
}

#[test]
fn every_single_change_is_found_among_many() {
    let all = versions(300);
    check(&all, &all);
    check(&Versions::new(), &all);
    for name in all.keys() {
        let [mut other, mut fewer] = [all.clone(), all.clone()];
        other.insert(name.clone(), 2);
        fewer.remove(name);
        check(&all, &other);
        check(&all, &fewer);
    }
    for more in ["", "a", "outbound|80||web-17", "z"] {
        let mut other = all.clone();
        other.insert(more.to_owned(), 1);
        check(&all, &other);
    }
}

#[test]
fn a_change_among_ten_thousand_is_found_by_looking_at_few() {
    let before = versions(10_000);
    let old = list(&before);
    for (name, _) in before.iter().step_by(501) {
        let mut after = before.clone();
        after.insert(name.clone(), 2);
        let new = list(&after);
        // the runs that are looked at are the top and those on the way down to it
        let mut looked_at = new.levels.last().expect("there are levels").len();
        let mut places: Vec<usize> = (0..looked_at).collect();
        for level in (1..new.levels.len()).rev() {
            let mut others = places.clone();
            assert_eq!(new.levels[level].len(), old.levels[level].len(), "names are cut, not versions");
            new.leave_out_common(&mut places, &old, &mut others, level);
            assert_eq!(places.len(), 1);
            places = new.below(&places, level);
            looked_at += places.len();
        }
        assert!(looked_at < 300, "{looked_at} for {name}");
    }
}

#[test]
fn names_that_are_cut_everywhere_or_nowhere_do_no_harm() {
    let [everywhere, nowhere]: [Versions; 2] = [true, false].map(|is_cut| {
        let names = (0..100_000).map(|number| format!("{number}"));
        names.filter(|name| (height(name) > 0) == is_cut).take(500).map(|name| (name, 1)).collect()
    });
    for all in [everywhere, nowhere] {
        assert!(list(&all).levels.len() <= 4, "{}", list(&all).levels.len());
        for name in all.keys().step_by(50) {
            let mut other = all.clone();
            other.insert(name.clone(), 2);
            check(&all, &other);
        }
    }
}

proptest! {
    #[test]
    fn any_lists_differ_where_their_names_do(
        before in prop::collection::btree_map("[ab]{1,6}", 0..3_u32, 0..80),
        edits in prop::collection::btree_map("[ab]{1,6}", prop::option::of(0..3_u32), 0..20),
    ) {
        let mut after = before.clone();
        for (name, version) in edits {
            match version {
                Some(version) => _ = after.insert(name, version),
                None => _ = after.remove(&name),
            }
        }
        check(&before, &after);
    }
}
