//! Tests of names: answers, ownership, aliases, deletions that wait, one error at a time.

use std::collections::BTreeMap;

use super::*;
use crate::labels::{Labels, Selector};
use crate::provision::NameProvider;
use crate::units::{Amount, HumanDuration};

mod circles;
mod desired;
mod drain;
mod families;
mod files;
mod properties;
mod settled;
mod trust;
mod whose;
mod zone;

pub(super) fn provider(max_deletions: &str) -> NameProvider {
    NameProvider {
        name: "corp".parse().unwrap(),
        domains: vec!["example.com".parse().unwrap()],
        owner: "fleet-1".parse().unwrap(),
        max_deletions: max_deletions.parse::<Amount>().unwrap(),
        namespaces: None,
        selector: Selector::default(),
        reservations: BTreeMap::new(),
        min_healthy: "50%".parse().unwrap(),
    }
}

/// A member: `owner addresses`, healthy.
pub(super) fn member(text: &str) -> Member {
    let mut words = text.split_whitespace();
    Member {
        owner: words.next().unwrap().parse().unwrap(),
        addresses: words.map(|address| address.parse().unwrap()).collect(),
        weight: 1,
        health: Health::Healthy,
        is_drained: false,
    }
}

fn is(text: &str, health: Health) -> Member {
    Member { health, ..member(text) }
}

pub(super) fn leads(name: &str, members: Vec<Member>) -> Wanted {
    Wanted {
        name: name.parse().unwrap(),
        ttl: Duration::from_secs(30),
        labels: Labels::new(),
        answer: Answer::Members(members),
    }
}

fn alias(name: &str, owner: &str, to: &str) -> Wanted {
    let answer = Answer::Alias { owner: owner.parse().unwrap(), to: to.parse().unwrap() };
    Wanted { name: name.parse().unwrap(), ttl: Duration::from_secs(30), labels: Labels::new(), answer }
}

pub(super) fn record(name: &str, kind: &str, values: &[&str]) -> Record {
    Record {
        name: name.parse().unwrap(),
        kind: kind.parse().unwrap(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ttl: HumanDuration::from_secs(30),
        set_id: None,
        weight: None,
    }
}

/// Makes the changes, and checks that each speaks of what is there.
pub(super) fn make(changes: &[Change], records: &mut Vec<Record>) {
    for change in changes {
        match change {
            Change::Create { record } => {
                let is_same = |other: &Record| {
                    other.name == record.name && other.kind == record.kind && other.set_id == record.set_id
                };
                assert!(!records.iter().any(is_same), "{record:?} is there already");
                records.push(record.clone());
            }
            Change::Delete { record } => {
                let position = records.iter().position(|other| other == record);
                records.remove(position.unwrap_or_else(|| panic!("{record:?} is not there")));
            }
            Change::Update { old, record } => {
                let position = records.iter().position(|other| other == old);
                records[position.unwrap_or_else(|| panic!("{old:?} is not there"))] = record.clone();
            }
        }
    }
}

/// A provider's records after a plan without errors that holds nothing back.
fn settled(wanted: Vec<Wanted>) -> Vec<Record> {
    let mut records = Vec::new();
    let plan = plan(&wanted, &[], &provider("0"), None);
    assert_eq!(plan.errors, []);
    make(&plan.changes, &mut records);
    records
}

fn values(records: &[Record], name: &str, kind: &str) -> String {
    let kind: RecordKind = kind.parse().unwrap();
    let found = records.iter().find(|record| record.name.as_str() == name && record.kind == kind);
    found.map(|record| record.values.iter().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn errors(plan: &NamePlan) -> Vec<String> {
    plan.errors.iter().map(ToString::to_string).collect()
}

const SHOP: &str = "shop.example.com";

#[test]
fn a_record_of_all_targets_and_a_mark_for_each() {
    let records = settled(vec![
        leads(SHOP, vec![member("pay/shop@a 10.0.0.1 2001:db8::1"), member("pay/shop@b 10.0.0.2")]),
        leads(SHOP, vec![member("pay/web@a 10.0.0.1")]),
    ]);
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.1 10.0.0.2");
    assert_eq!(values(&records, SHOP, "AAAA"), "2001:db8::1");
    assert_eq!(
        values(&records, "_overspill-a.shop.example.com", "TXT"),
        "heritage=overspill,fleet=fleet-1,owner=pay/shop@a,values=10.0.0.1 \
         heritage=overspill,fleet=fleet-1,owner=pay/shop@b,values=10.0.0.2 \
         heritage=overspill,fleet=fleet-1,owner=pay/web@a,values=10.0.0.1"
    );
    // one of the two owners of 10.0.0.1 goes, the address stays; the record goes with the last
    let mut records = records;
    for (wanted, expected) in
        [(vec![leads(SHOP, vec![member("pay/web@a 10.0.0.1")])], "10.0.0.1"), (vec![], "")]
    {
        let plan = plan(&wanted, &records, &provider("100%"), None);
        make(&plan.changes, &mut records);
        assert_eq!(values(&records, SHOP, "A"), expected);
    }
    assert_eq!(records, [], "marks too");
}

#[test]
fn what_is_right_is_not_written() {
    let wanted = vec![
        leads(SHOP, vec![member("pay/shop@a 10.0.0.1")]),
        leads("*.apps.example.com", vec![member("pay/apps@a 10.0.0.1")]),
        alias("www.example.com", "pay/www", SHOP),
    ];
    let mut records = settled(wanted.clone());
    assert!(
        values(&records, "_overspill-a-all.apps.example.com", "TXT")
            .ends_with("owner=pay/apps@a,values=10.0.0.1")
    );
    // as providers write it: quotes, capitals, a dot at the end
    for record in &mut records {
        let spelt = |value: &String| match record.kind {
            RecordKind::Txt => format!("\"{value}\""),
            RecordKind::Cname => format!("{}.", value.to_uppercase()),
            _ => value.clone(),
        };
        record.values = record.values.iter().map(spelt).collect();
    }
    assert_eq!(plan(&wanted, &records, &provider("0"), None).changes, []);
}

#[test]
fn who_is_answered_with() {
    use Health::{Healthy, Unhealthy, Unknown};
    let published = settled(vec![leads(SHOP, vec![member("n/x@a 10.0.0.1"), member("n/x@b 10.0.0.2")])]);
    let drained = |text: &str| Member { is_drained: true, ..member(text) };
    let weightless = |text: &str| Member { weight: 0, ..member(text) };
    let (a, b, c) = ("n/x@a 10.0.0.1", "n/x@b 10.0.0.2", "n/x@c 10.0.0.3");
    let table = [
        ("all are healthy", vec![member(a), member(b), member(c)], "10.0.0.1 10.0.0.2 10.0.0.3"),
        ("one is unhealthy", vec![member(a), is(b, Unhealthy)], "10.0.0.1"),
        ("the last is unhealthy", vec![is(b, Unhealthy)], "10.0.0.2"),
        ("all are unhealthy", vec![is(a, Unhealthy), is(b, Unhealthy)], "10.0.0.1 10.0.0.2"),
        ("nobody knows: as it is", vec![is(a, Unknown), is(b, Unknown), is(c, Unknown)], "10.0.0.1 10.0.0.2"),
        ("an unknown newcomer waits", vec![is(a, Healthy), is(c, Unknown)], "10.0.0.1"),
        ("unless there is nobody else", vec![is(c, Unknown), is(a, Unhealthy)], "10.0.0.3"),
        ("an unknown one that is published stays", vec![is(a, Unknown), is(b, Healthy)], "10.0.0.1 10.0.0.2"),
        ("a drained one goes", vec![drained(a), member(b)], "10.0.0.2"),
        ("but not the last that is healthy", vec![drained(a), is(b, Unhealthy)], "10.0.0.1"),
        ("a weight of 0 is a drain", vec![weightless(a), is(b, Unknown)], "10.0.0.2"),
        ("an operator's word holds for the last too", vec![drained(a), drained(b)], ""),
        ("an address that is not known stays", vec![member("n/x@a"), member(b)], "10.0.0.1 10.0.0.2"),
        ("one that never was known waits", vec![member("n/x@d"), member(b)], "10.0.0.2"),
    ];
    for (what, members, expected) in table {
        let mut records = published.clone();
        let plan = plan(&[leads(SHOP, members)], &records, &provider("100%"), None);
        make(&plan.changes, &mut records);
        assert_eq!(values(&records, SHOP, "A"), expected, "{what}");
        assert_eq!(plan.errors, [], "{what}");
    }
}

#[test]
fn weighted_records_one_for_each_member() {
    let weighted = |weight: u32| {
        let second = Member { weight, ..member("n/x@b 10.0.0.2") };
        Wanted { answer: Answer::Weighted(vec![member("n/x@a 10.0.0.1"), second]), ..leads(SHOP, vec![]) }
    };
    let mut records = settled(vec![weighted(3)]);
    let sets = |records: &[Record]| -> Vec<String> {
        let sets = records.iter().filter(|record| record.kind == RecordKind::A);
        sets.map(|record| {
            format!("{} {}", record.set_id.clone().unwrap_or_default(), record.weight.unwrap_or(0))
        })
        .collect()
    };
    assert_eq!(sets(&records), ["n/x@a 1", "n/x@b 3"]);
    let change = plan(&[weighted(5)], &records, &provider("0"), None);
    assert_eq!(change.changes.len(), 1, "a weight is one record's: {change:?}");
    make(&change.changes, &mut records);
    assert_eq!(sets(&records), ["n/x@a 1", "n/x@b 5"]);
    // back to one record: the sets make room for it
    let change = plan(
        &[leads(SHOP, vec![member("n/x@a 10.0.0.1"), member("n/x@b 10.0.0.2")])],
        &records,
        &provider("0"),
        None,
    );
    make(&change.changes, &mut records);
    assert_eq!((values(&records, SHOP, "A").as_str(), change.deletions), ("10.0.0.1 10.0.0.2", 0));
}

#[test]
fn foreign_records_are_never_touched() {
    let mark = "heritage=overspill,fleet=fleet-2,owner=n/x@a,values=10.9.9.9";
    let table: [(&str, Vec<Record>, &str); 5] = [
        (
            "no mark",
            vec![record(SHOP, "A", &["10.9.9.9"])],
            "it has a record of kind A that bears no mark of ours",
        ),
        (
            "another family without a mark",
            vec![record(SHOP, "AAAA", &["2001:db8::9"])],
            "it has a record of kind AAAA",
        ),
        (
            "an alias without a mark",
            vec![record(SHOP, "CNAME", &["else.example.com"])],
            "it has a record of kind CNAME",
        ),
        (
            "another fleet's",
            vec![record(SHOP, "A", &["10.9.9.9"]), record("_overspill-a.shop.example.com", "TXT", &[mark])],
            "it has a record of kind A, which is fleet `fleet-2`'s",
        ),
        (
            "a text of somebody else where marks are",
            vec![record("_overspill-a.shop.example.com", "TXT", &["v=spf1 -all"])],
            "that bears no mark of ours",
        ),
    ];
    for (what, records, expected) in table {
        let wanted = vec![
            leads(SHOP, vec![member("n/x@a 10.0.0.1")]),
            leads("fine.example.com", vec![member("n/y@a 10.0.0.2")]),
        ];
        let taken = plan(&wanted, &records, &provider("100%"), None);
        assert!(errors(&taken)[0].contains(expected), "{what}: {:?}", errors(&taken));
        assert!(taken.errors.len() == 1 && taken.changes.len() == 2, "{what}: the other name goes on");
        let unwanted = plan(&[], &records, &provider("100%"), None);
        assert_eq!((unwanted.changes, unwanted.errors), (vec![], vec![]), "{what}: nobody asks");
    }
    // other kinds are no obstacle
    let beside = vec![record(SHOP, "MX", &["10 mail.example.com"]), record(SHOP, "TXT", &["v=spf1 -all"])];
    let fine = plan(&[leads(SHOP, vec![member("n/x@a 10.0.0.1")])], &beside, &provider("0"), None);
    assert_eq!((fine.changes.len(), fine.errors.len()), (2, 0));
}

/// A provider of weighted records answers with the sets of several owners under one name and kind.
#[test]
fn a_set_of_somebody_else_is_let_be_beside_ours() {
    let other =
        Record { set_id: Some("blue".to_owned()), weight: Some(9), ..record(SHOP, "A", &["10.9.9.9"]) };
    let ours = || vec![member("n/x@a 10.0.0.1"), member("n/x@b 10.0.0.2")];
    let weighted = |members| vec![Wanted { answer: Answer::Weighted(members), ..leads(SHOP, vec![]) }];
    let mut records = vec![other.clone()];
    for wanted in [weighted(ours()), weighted(ours()[..1].to_vec()), vec![]] {
        let planned = plan(&wanted, &records, &provider("100%"), None);
        assert_eq!(errors(&planned), Vec::<String>::new());
        make(&planned.changes, &mut records);
        assert!(records.contains(&other), "{planned:?}");
    }
    assert_eq!((records.len(), &records[0]), (1, &other), "and nothing else is left");
    // one record for all, or an alias, cannot lie beside it
    for wanted in [leads(SHOP, ours()), alias(SHOP, "n/x", "www.example.com")] {
        let planned = plan(&[wanted], std::slice::from_ref(&other), &provider("0"), None);
        assert!(
            errors(&planned)[0].contains("it has a record of kind A that bears no mark of ours"),
            "{planned:?}"
        );
        assert_eq!(planned.changes, []);
    }
}

#[test]
fn aliases_and_what_is_beside_them() {
    let apex = plan(&[alias("example.com", "n/x", "www.example.com")], &[], &provider("0"), None);
    assert_eq!(
        errors(&apex),
        ["example.com: it is the top of a domain, where no alias can be; write addresses, or a name below"]
    );
    let circle = plan(&[alias(SHOP, "n/x", SHOP)], &[], &provider("0"), None);
    assert_eq!(errors(&circle), ["shop.example.com: it is an alias of itself; name what it leads to"]);
    let mail = vec![record(SHOP, "MX", &["10 mail.example.com"])];
    let beside = plan(&[alias(SHOP, "n/x", "www.example.com")], &mail, &provider("0"), None);
    assert!(errors(&beside)[0].contains("a record of somebody else's of kind MX"), "{:?}", errors(&beside));

    // addresses win, and the alias that is there makes room in the same change
    let mut records = settled(vec![alias(SHOP, "n/x", "www.example.com")]);
    let both = vec![alias(SHOP, "n/x", "www.example.com"), leads(SHOP, vec![member("n/y@a 10.0.0.1")])];
    let change = plan(&both, &records, &provider("0"), None);
    assert_eq!(
        errors(&change),
        ["shop.example.com: n/x wants an alias where others want addresses, which win; give it another name"]
    );
    make(&change.changes, &mut records);
    assert_eq!(
        (values(&records, SHOP, "A").as_str(), values(&records, SHOP, "CNAME").as_str()),
        ("10.0.0.1", "")
    );

    // of two aliases the published one stays, or else the least
    let two = || vec![alias(SHOP, "n/x", "b.example.com"), alias(SHOP, "n/y", "a.example.com")];
    let fresh = plan(&two(), &[], &provider("0"), None);
    assert_eq!(
        errors(&fresh),
        ["shop.example.com: n/x wants another alias than n/y, which is published; agree on one"]
    );
    let records = settled(vec![alias(SHOP, "n/x", "b.example.com")]);
    let later = plan(&two(), &records, &provider("0"), None);
    assert!(errors(&later)[0].contains("n/y wants another alias than n/x"), "{:?}", errors(&later));
    assert_eq!(later.changes, []);
    // whoever wants two keeps the one that is published, whichever that is
    let records = settled(vec![alias(SHOP, "n/x", "b.example.com")]);
    let torn = ["b.example.com", "a.example.com"].map(|to| alias(SHOP, "n/x", to));
    assert_eq!(plan(&torn, &records, &provider("0"), None).changes, []);
    // a mistake deletes nothing
    let records = settled(vec![alias(SHOP, "n/x", "b.example.com")]);
    assert_eq!(plan(&[alias(SHOP, "n/x", SHOP)], &records, &provider("100%"), None).changes, []);
}

fn many(count: usize) -> Vec<Wanted> {
    let one = |number| {
        let members =
            vec![member(&format!("n/x{number}@a 10.0.0.1")), member(&format!("n/x{number}@b 10.0.0.2"))];
        leads(&format!("x{number}.example.com"), members)
    };
    (0..count).map(one).collect()
}

#[test]
fn many_deletions_wait_for_somebody_who_approves_exactly_these() {
    let records = settled(many(20));
    let mut fewer = many(15);
    fewer.push(leads("new.example.com", vec![member("n/new@a 10.0.0.9")]));
    let provider = provider("10%");
    let waits = plan(&fewer, &records, &provider, None);
    assert_eq!((waits.deletions, waits.max_deletions, waits.held_back.len()), (10, 4, 10));
    assert_eq!(waits.changes.len(), 2, "what is new does not wait: {:?}", waits.changes);
    let mut after = records.clone();
    make(&waits.changes, &mut after);
    assert_eq!(after.len(), records.len() + 2);

    let wrong = plan(&fewer, &records, &provider, Some(Revision([7; 32])));
    assert_eq!(wrong, waits, "an approval of something else is none");
    let others = plan(&many(14), &records, &provider, waits.hash);
    assert_eq!(others.held_back.len(), 12, "nor is one of fewer");
    let approved = plan(&fewer, &records, &provider, waits.hash);
    assert_eq!((approved.held_back.len(), approved.changes.len()), (0, 2 + 10));
    make(
        &approved.changes,
        &mut after.clone().into_iter().filter(|record| !record.name.as_str().contains("new")).collect(),
    );
    let few = plan(&many(18), &records, &provider, None);
    assert_eq!((few.deletions, few.held_back.len()), (4, 0), "as many as may be");
}

#[test]
fn a_target_that_goes_from_every_name_is_many_deletions_too() {
    let records = settled(many(20));
    let mut half = many(20);
    for wanted in &mut half {
        let Answer::Members(members) = &mut wanted.answer else { unreachable!("they are members") };
        members.remove(0);
        wanted.ttl = Duration::from_secs(60);
    }
    let held = plan(&half, &records, &provider("10%"), None);
    assert_eq!(held.held_back.len(), 20, "no record goes, but an owner from each");
    let mut after = records.clone();
    make(&held.changes, &mut after);
    assert_eq!(values(&after, "x3.example.com", "A"), "10.0.0.1 10.0.0.2", "they stay");
    assert_eq!(
        after.iter().filter(|record| record.ttl == HumanDuration::from_secs(60)).count(),
        20,
        "the rest does not wait"
    );
    let unhealthy = many(20).into_iter().map(|mut wanted| {
        let Answer::Members(members) = &mut wanted.answer else { unreachable!("they are members") };
        members[0].health = Health::Unhealthy;
        wanted
    });
    let plan = plan(&unhealthy.collect::<Vec<_>>(), &records, &provider("0"), None);
    assert_eq!((plan.deletions, plan.changes.len()), (0, 40), "health takes out what comes back by itself");
}

#[test]
fn a_share_of_a_few_is_one_and_of_none_is_none() {
    for (max, all, expected) in [("10%", 1, 1), ("0%", 20, 0), ("0", 20, 0), ("50%", 20, 20), ("3", 1, 3)] {
        let plan = plan(&many(all), &settled(many(all)), &provider(max), None);
        assert_eq!(plan.max_deletions, expected, "{max} of {}", all * 2);
    }
}

#[test]
fn one_bad_name_is_one_error_and_keeps_what_it_has() {
    let long =
        format!("{}.example.com", ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(50)].join("."));
    let mut wanted = many(3);
    wanted.push(leads("shop.example.org", vec![member("n/x@a 10.0.0.1")]));
    wanted.push(leads(&long, vec![member("n/x@a 10.0.0.1")]));
    let plan = plan(&wanted, &[], &provider("0"), None);
    assert_eq!(plan.changes.len(), 6);
    let texts = errors(&plan);
    assert!(
        texts[1].ends_with("NameProvider `corp` does not serve it; choose a name below its domains"),
        "{texts:?}"
    );
    assert!(texts[0].contains("too long for a mark"), "{texts:?}");
}

#[test]
fn a_planner_looks_at_what_changed_and_gives_the_same() {
    let mut planner = Planner::new(provider("0"), settled(many(5)));
    for wanted in many(5) {
        planner.handle_wanted(&wanted.name.clone(), vec![wanted]);
    }
    assert_eq!(planner.plan(None).changes, []);
    let name: Fqdn = "x2.example.com".parse().unwrap();
    let changed = leads("x2.example.com", vec![member("n/x2@a 10.0.0.1"), member("n/x2@b 10.0.0.7")]);
    planner.handle_wanted(&name, vec![changed.clone()]);
    let plan = planner.plan(None);
    assert_eq!(plan.changes.len(), 2);
    assert_eq!(planner.plan(None), plan, "until they are made");
    let mut there = settled(many(5))
        .into_iter()
        .filter(|record| record.name.as_str().ends_with("x2.example.com"))
        .collect();
    make(&plan.changes, &mut there);
    planner.handle_current(&name, there);
    assert_eq!(planner.plan(None).changes, []);
}

#[test]
fn a_mark_that_somebody_wrote_in_another_form_is_put_right_once() {
    let mark = "heritage=overspill,fleet=fleet-1,owner=n/x@t,values=2001:DB8:0::2";
    let mut records = vec![record("_overspill-aaaa.a.example.com", "TXT", &[mark])];
    // its addresses are not known, so those of the mark stay
    let wanted = Wanted {
        name: "a.example.com".parse().unwrap(),
        ttl: Duration::from_secs(30),
        labels: Labels::new(),
        answer: Answer::Members(vec![member("n/x@t")]),
    };
    make(&plan(std::slice::from_ref(&wanted), &records, &provider("0"), None).changes, &mut records);
    assert_eq!(values(&records, "a.example.com", "AAAA"), "2001:db8::2");
    assert_eq!(plan(&[wanted], &records, &provider("0"), None).changes, []);
}

/// The plan of each name by itself, none of which is passed over for being right already.
fn by_name(wanted: &[Wanted], records: &[Record], provider: &NameProvider) -> NamePlan {
    let mut planner = Planner::new(provider.clone(), records.to_vec());
    for name in wanted.iter().map(|wanted| &wanted.name) {
        planner.handle_wanted(name, wanted.iter().filter(|other| other.name == *name).cloned().collect());
    }
    planner.plan(None)
}
