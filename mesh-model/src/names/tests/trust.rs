//! What is not believed at once: drains that leave nobody healthy, checks that leave too few, values that nobody marked.

use super::*;

fn drained(text: &str) -> Member {
    Member { is_drained: true, ..member(text) }
}

fn notes(plan: &NamePlan) -> Vec<String> {
    plan.notes.iter().map(ToString::to_string).collect()
}

const A: &str = "n/x@a 10.0.0.1";
const B: &str = "n/x@b 10.0.0.2";

#[test]
fn a_drain_that_would_leave_nobody_healthy_waits_for_an_approval() {
    let weightless = Member { weight: 0, ..member(A) };
    for (health, off) in [
        (Health::Unhealthy, drained(A)),
        (Health::Unhealthy, weightless), // which means the same
        (Health::Unknown, drained(A)),   // never published, so nobody knows whether it serves
    ] {
        let mut records = settled(vec![leads(SHOP, vec![member(A)])]);
        let before = records.clone();
        let wanted = [leads(SHOP, vec![off, is(B, health)])];
        let provider = provider("100%");
        let waits = plan(&wanted, &records, &provider, None);
        assert_eq!(waits.changes, [], "neither goes the one who serves nor comes the one who does not");
        let told = "shop.example.com: n/x@a is drained and stays all the same, for it is healthy and nobody else is \
                    known to be; its deletion waits for an approval";
        assert_eq!((notes(&waits), waits.held_back.len(), waits.deletions), (vec![told.to_owned()], 1, 1));
        let approved = plan(&wanted, &records, &provider, waits.hash);
        assert_eq!((notes(&approved).len(), approved.held_back.len()), (0, 0));
        make(&approved.changes, &mut records);
        assert_eq!(values(&records, SHOP, "A"), "10.0.0.2");
        // an approval of something else is none
        assert_eq!(plan(&wanted, &before, &provider, Some(Revision([7; 32]))), waits);
    }
}

#[test]
fn a_drain_that_leaves_somebody_is_obeyed_and_one_of_all_too() {
    let published = settled(vec![leads(SHOP, vec![member(A), member(B)])]);
    for (members, expected) in [
        (vec![drained(A), member(B)], "10.0.0.2"),
        (vec![drained(A), is(B, Health::Unknown)], "10.0.0.2"),
        (vec![Member { health: Health::Unhealthy, ..drained(A) }, is(B, Health::Unhealthy)], "10.0.0.2"),
        (vec![drained(A), drained(B)], ""),
    ] {
        let mut records = published.clone();
        let plan = plan(&[leads(SHOP, members.clone())], &records, &provider("100%"), None);
        make(&plan.changes, &mut records);
        assert_eq!(values(&records, SHOP, "A"), expected, "{members:?}");
        assert_eq!(plan.held_back, []);
    }
    // who was drained already does not come back by it
    let mut records = settled(vec![leads(SHOP, vec![member(B)])]);
    let plan =
        plan(&[leads(SHOP, vec![drained(A), is(B, Health::Unhealthy)])], &records, &provider("0"), None);
    make(&plan.changes, &mut records);
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.2");
}

/// `count` members, of which the first few are unhealthy.
fn members(count: usize, unhealthy: usize) -> Vec<Wanted> {
    let one = |number: usize| {
        let health = if number < unhealthy { Health::Unhealthy } else { Health::Healthy };
        is(&format!("n/x@t{number} 10.0.0.{number}"), health)
    };
    vec![leads(SHOP, (0..count).map(one).collect())]
}

#[test]
fn checks_that_leave_too_few_are_not_believed() {
    let published = settled(members(20, 0));
    for (min_healthy, unhealthy, left) in [
        ("50%", 10, 10),
        ("50%", 11, 20),
        ("50%", 19, 20),
        ("50%", 20, 20),
        ("0%", 19, 1),
        ("0%", 20, 20), // never nobody
        ("5%", 19, 1),
        ("5.1%", 19, 20),
        ("100%", 1, 20),
    ] {
        let provider = NameProvider { min_healthy: min_healthy.parse().unwrap(), ..provider("0") };
        let mut records = published.clone();
        let plan = plan(&members(20, unhealthy), &records, &provider, None);
        make(&plan.changes, &mut records);
        let what = format!("{unhealthy} at {min_healthy}");
        assert_eq!(values(&records, SHOP, "A").split(' ').count(), left, "{what}");
        let told = format!(
            "shop.example.com: without the unhealthy {} of 20 members would be left, and {min_healthy} must be (minHealthy \
             of the provider): the checks are not believed, and whoever is published stays",
            20 - unhealthy
        );
        let is_told = left == 20 && min_healthy != "0%";
        assert_eq!(notes(&plan), if is_told { vec![told] } else { vec![] }, "{what}");
        assert_eq!(
            (plan.deletions, super::plan(&members(20, unhealthy), &records, &provider, None).changes),
            (0, vec![])
        );
    }
}

/// One after the other is no way around it: all that fail count, the published and those that were taken out.
#[test]
fn failing_one_by_one_leaves_as_many_as_failing_at_once() {
    let mut records = settled(members(20, 0));
    for unhealthy in 1..=20 {
        let plan = plan(&members(20, unhealthy), &records, &provider("0"), None);
        make(&plan.changes, &mut records);
        let left = values(&records, SHOP, "A").split(' ').count();
        assert_eq!(left, if unhealthy == 20 { 20 } else { (20 - unhealthy).max(10) }, "{unhealthy} fail");
    }
}

#[test]
fn a_value_that_no_mark_speaks_of_is_told_and_counts_as_a_deletion() {
    let wanted = vec![leads(SHOP, vec![member(A), member(B)])];
    let mut records = settled(wanted.clone());
    for record in records.iter_mut().filter(|record| record.kind == RecordKind::A) {
        record.values.insert("10.9.9.9".to_owned());
    }
    let waits = plan(&wanted, &records, &provider("0"), None);
    let told = "shop.example.com: 10.9.9.9 is in its A record and no mark speaks of it: it goes, and counts as a deletion";
    assert_eq!((waits.changes.len(), waits.deletions, notes(&waits)), (0, 1, vec![told.to_owned()]));
    let json = serde_json::to_value(&waits).unwrap();
    let expected = serde_json::json!([{ "name": SHOP, "kind": "A", "value": "10.9.9.9" }]);
    assert_eq!(json["held_back"], expected);
    for (max, approved) in [("1", None), ("0", waits.hash)] {
        let mut records = records.clone();
        let plan = plan(&wanted, &records, &provider(max), approved);
        make(&plan.changes, &mut records);
        assert_eq!((values(&records, SHOP, "A").as_str(), plan.held_back.len()), ("10.0.0.1 10.0.0.2", 0));
    }
    // what comes to be wanted is no stray any more
    let more = vec![leads(SHOP, vec![member(A), member(B), member("n/x@c 10.9.9.9")])];
    let plan = plan(&more, &records, &provider("0"), None);
    assert_eq!((plan.deletions, plan.changes.len()), (0, 1), "its mark is missing");
}

#[test]
fn whoever_stays_against_a_drain_is_given_nothing_that_it_had_not() {
    let mut records = settled(vec![leads(SHOP, vec![member(A)])]);
    let both = Member { is_drained: true, ..member("n/x@a 10.0.0.1 2001:db8::1") };
    let wanted = [leads(SHOP, vec![both, is(B, Health::Unhealthy)])];
    let first = plan(&wanted, &records, &provider("0"), None);
    make(&first.changes, &mut records);
    assert_eq!(
        (values(&records, SHOP, "A").as_str(), values(&records, SHOP, "AAAA").as_str()),
        ("10.0.0.1", "")
    );
    assert_eq!(
        plan(&wanted, &records, &provider("0"), None).hash,
        first.hash,
        "one approval, until it is given"
    );
}

#[test]
fn a_drain_waits_for_those_too_who_have_no_address_yet() {
    let mut records = settled(vec![leads(SHOP, vec![member(A), member(B)])]);
    let none = Member { addresses: Vec::new(), ..is(B, Health::Unhealthy) };
    let wanted = [leads(SHOP, vec![drained(A), none])];
    for pass in 0..2 {
        let plan = plan(&wanted, &records, &provider("100%"), None);
        make(&plan.changes, &mut records);
        assert_eq!((values(&records, SHOP, "A").as_str(), plan.held_back.len()), ("10.0.0.1", 1), "{pass}");
    }
}

/// The deletion of the other name does not wait, so that an approval of the first must not be of both.
#[test]
fn an_approval_is_of_what_waits_and_holds_when_the_rest_is_made() {
    let other = leads("old.example.com", vec![member("n/old@a 10.0.0.9")]);
    let mut records = settled(vec![leads(SHOP, vec![member(A)]), other]);
    let wanted = [leads(SHOP, vec![drained(A), is(B, Health::Unhealthy)])];
    let first = plan(&wanted, &records, &provider("2"), None);
    assert_eq!((first.deletions, first.held_back.len()), (2, 1));
    make(&first.changes, &mut records);
    assert_eq!(values(&records, "old.example.com", "A"), "", "as many as may be go at once");
    let second = plan(&wanted, &records, &provider("2"), None);
    assert_eq!((second.deletions, second.hash), (1, first.hash));
    make(&plan(&wanted, &records, &provider("2"), first.hash).changes, &mut records);
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.2");
    assert_eq!(plan(&wanted, &records, &provider("2"), first.hash).hash, None, "nothing waits");
}
