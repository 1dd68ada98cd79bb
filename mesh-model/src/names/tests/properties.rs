//! Whatever is wanted and whatever is there: nothing foreign is touched, no answer becomes empty
//! without an operator's word, a plan that is made leaves nothing to do, and nothing is deleted
//! beyond what may be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::names::form::Form;

fn a_member() -> impl Strategy<Value = Member> {
    let health = prop_oneof![Just(Health::Healthy), Just(Health::Unhealthy), Just(Health::Unknown)];
    (
        0..3_u8,
        0..3_u8,
        prop::option::weighted(0.8, 0..4_u8),
        any::<bool>(),
        0..3_u32,
        health,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(owner, target, last, has_v6, weight, health, is_drained)| {
            let namespace = if owner == 2 { "m" } else { "n" };
            let mut text = format!("{namespace}/x{owner}@t{target}");
            if let Some(last) = last {
                text.push_str(&format!(" 10.0.0.{last}"));
                if has_v6 {
                    text.push_str(&format!(" 2001:db8::{last}"));
                }
            }
            Member { weight, health, is_drained, ..member(&text) }
        })
}

fn a_wanted() -> impl Strategy<Value = Wanted> {
    let members = || prop::collection::vec(a_member(), 0..4);
    let answer = prop_oneof![
        4 => members().prop_map(Answer::Members),
        1 => members().prop_map(Answer::Weighted),
        1 => (0..3_u8, 0..4_u8).prop_map(|(owner, to)| Answer::Alias {
            owner: format!("{}/x{owner}", if owner == 2 { "m" } else { "n" }).parse().unwrap(),
            to: format!("{}.example.com", ["a", "b", "d", "d.c"][usize::from(to)]).parse().unwrap(),
        }),
    ];
    (0..4_u8, answer, 1..3_u64).prop_map(|(name, answer, ttl)| Wanted {
        name: ["a.example.com", "b.example.com", "*.c.example.com", "example.com"][usize::from(name)]
            .parse()
            .unwrap(),
        ttl: Duration::from_secs(30 * ttl),
        labels: Labels::new(),
        answer,
    })
}

fn a_foreign() -> impl Strategy<Value = Record> {
    let text = "heritage=overspill,fleet=fleet-2,owner=n/x@t,values=10.9.9.9";
    prop_oneof![
        Just(record("a.example.com", "A", &["10.9.9.9"])),
        Just(record("b.example.com", "CNAME", &["else.example.com"])),
        Just(record("b.example.com", "CNAME", &["a.example.com"])),
        Just(record("b.example.com", "MX", &["10 mail.example.com"])),
        Just(record("_overspill-a.a.example.com", "TXT", &[text])),
        Just(record("_overspill-aaaa.b.example.com", "TXT", &["whatever"])),
        Just(record("elsewhere.example.com", "AAAA", &["2001:db8::9"])),
    ]
}

fn wants() -> impl Strategy<Value = Vec<Wanted>> {
    prop::collection::vec(a_wanted(), 0..8)
}

fn is_subset(records: &[Record], of: &[Record]) -> bool {
    records.iter().all(|record| of.contains(record))
}

/// The names that have an answer.
fn answered(records: &[Record]) -> BTreeSet<Fqdn> {
    let kinds = [RecordKind::A, RecordKind::Aaaa, RecordKind::Cname];
    records.iter().filter(|record| kinds.contains(&record.kind)).map(|record| record.name.clone()).collect()
}

/// No two records of one kind, name and set; no alias beside anything.
fn is_sound(records: &[Record]) -> bool {
    let mut seen = BTreeSet::new();
    records.iter().all(|record| {
        let others = records.iter().filter(|other| other.name == record.name);
        seen.insert((&record.name, &record.kind, &record.set_id))
            && !record.values.is_empty()
            && (record.kind != RecordKind::Cname || others.count() == 1)
    })
}

/// Who is in the marks of each record.
fn owners(records: &[Record]) -> BTreeMap<Fqdn, BTreeSet<ClaimKey>> {
    let mut owners: BTreeMap<Fqdn, BTreeSet<ClaimKey>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == RecordKind::Txt) {
        let marks = record.values.iter().filter_map(|value| value.parse::<Mark>().ok());
        owners.entry(record.name.clone()).or_default().extend(marks.map(|mark| mark.owner));
    }
    owners
}

/// How many left a family of addresses while they are answered with in the other.
fn left_a_family(before: &[Record], after: &[Record]) -> usize {
    let has = |of: &BTreeMap<Fqdn, BTreeSet<ClaimKey>>, name: &Fqdn, kind, owner: &ClaimKey| {
        let mark = mark::name_of(name, &kind).unwrap();
        of.get(&mark).is_some_and(|owners| owners.contains(owner))
    };
    let (were, are) = (owners(before), owners(after));
    let all: BTreeSet<&ClaimKey> = were.values().flatten().collect();
    let has_left = |name: &Fqdn, owner: &ClaimKey, gone: RecordKind, stays: RecordKind| {
        has(&were, name, gone.clone(), owner)
            && !has(&are, name, gone, owner)
            && has(&are, name, stays, owner)
    };
    let of = |name: &Fqdn| {
        let has_left = |owner: &&&ClaimKey| {
            has_left(name, owner, RecordKind::A, RecordKind::Aaaa)
                || has_left(name, owner, RecordKind::Aaaa, RecordKind::A)
        };
        all.iter().filter(has_left).count()
    };
    answered(before).iter().map(of).sum()
}

/// The same, but for families of some members: bits of each, the first for IPv4.
fn without_families(wanted: &[Wanted], gone: &[u8]) -> Vec<Wanted> {
    let mut wanted = wanted.to_vec();
    let members = wanted.iter_mut().flat_map(|wanted| match &mut wanted.answer {
        Answer::Alias { .. } => &mut [][..],
        Answer::Members(members) | Answer::Weighted(members) => members.as_mut_slice(),
    });
    for (member, gone) in members.zip(gone) {
        let is_left = |address: &IpAddr| gone & if address.is_ipv4() { 1 } else { 2 } == 0;
        if member.addresses.iter().any(is_left) {
            member.addresses.retain(is_left);
        }
    }
    wanted
}

proptest! {

    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_is_made_leaves_nothing_to_do(first in wants(), second in wants(), foreign in prop::collection::vec(a_foreign(), 0..3)) {
        let mut foreign = foreign;
        foreign.sort_by_key(|record| (record.name.clone(), record.kind.clone()));
        foreign.dedup();
        let provider = provider("100%");
        let mut records = foreign.clone();
        for wanted in [first, second] {
            let before = answered(&records);
            let plan = plan(&wanted, &records, &provider, None);
            prop_assert_eq!(&plan, &by_name(&wanted, &records, &provider));
            make(&plan.changes, &mut records);
            prop_assert!(is_subset(&foreign, &records), "a foreign record was touched");
            let own: Vec<Record> = records.iter().filter(|record| !foreign.contains(record)).cloned().collect();
            prop_assert!(is_sound(&own), "{:?}", own);
            let again = super::plan(&wanted, &records, &provider, None);
            prop_assert_eq!(&again, &by_name(&wanted, &records, &provider));
            prop_assert_eq!(again.changes, vec![], "after {:?}", plan);
            // an answer ends only if nobody wants it, or an operator says so for all
            for name in before.difference(&answered(&records)) {
                let here: Vec<&Wanted> = wanted.iter().filter(|wanted| wanted.name == *name).collect();
                let members: Vec<&Member> = here.iter().flat_map(|wanted| match &wanted.answer {
                    Answer::Alias { .. } => &[],
                    Answer::Members(members) | Answer::Weighted(members) => members.as_slice(),
                }).collect();
                let is_off = |member: &Member| members.iter().any(|other| {
                    other.owner == member.owner && (other.is_drained || other.weight == 0)
                });
                let has_alias = members.is_empty() && here.iter().any(|wanted| matches!(wanted.answer, Answer::Alias { .. }));
                let may_end = !has_alias && members.iter().all(|member| is_off(member) || member.addresses.is_empty());
                prop_assert!(may_end || plan.errors.iter().any(|error| error.name == *name), "{} has no answer any more", name);
            }
        }
    }

    #[test]
    fn without_approval_nobody_is_deleted_beyond_what_may_be(first in wants(), second in wants(), max in 0..3_u32) {
        let mut records = Vec::new();
        make(&plan(&first, &[], &provider("100%"), None).changes, &mut records);
        let before = records.clone();
        let provider = provider(&max.to_string());
        let held = plan(&second, &records, &provider, None);
        make(&held.changes, &mut records);
        prop_assert!(is_sound(&records));
        let max = usize::try_from(max).unwrap();
        if held.deletions > max {
            prop_assert_eq!(held.held_back.len(), held.deletions);
            prop_assert!(answered(&before).is_subset(&answered(&records)), "an answer is gone that was to wait");
            let approved = plan(&second, &records, &provider, None);
            prop_assert_eq!(approved.hash, held.hash, "what was not held back changes no approval");
            let made = plan(&second, &records, &provider, held.hash);
            make(&made.changes, &mut records);
            for deletion in &held.held_back {
                let kind = deletion.kind.clone();
                let mark = mark::name_of(&deletion.name, &kind).unwrap();
                let Gone::Owner(owner) = &deletion.gone else { panic!("all values are marked: {deletion:?}") };
                let is_there = owners(&records).get(&mark).is_some_and(|owners| owners.contains(owner));
                prop_assert!(!is_there, "{:?} is still there", deletion);
            }
        } else {
            // of those that are held back all the same each is one that stays where nobody else is healthy
            let kept = |deletion: &Deletion| held.notes.iter().any(|note| note.name == deletion.name && matches!(note.note, Note::Kept { .. }));
            prop_assert!(held.held_back.iter().all(kept), "{:?}", held);
        }
    }

    /// Owners that all stay, and families that go from some.
    #[test]
    fn without_approval_no_more_families_go_than_may(first in wants(), gone in prop::collection::vec(0..4_u8, 32), max in 0..3_u32) {
        let mut records = Vec::new();
        make(&plan(&first, &[], &provider("100%"), None).changes, &mut records);
        let (before, provider) = (records.clone(), provider(&max.to_string()));
        let second = without_families(&first, &gone);
        let held = plan(&second, &records, &provider, None);
        make(&held.changes, &mut records);
        let left = left_a_family(&before, &records);
        prop_assert!(left <= held.max_deletions.min(held.deletions), "{} leave: {:?}", left, held);
        let again = plan(&second, &records, &provider, None);
        prop_assert_eq!((again.changes, left + again.deletions), (vec![], held.deletions), "they went or wait");
        make(&plan(&second, &records, &provider, held.hash).changes, &mut records);
        prop_assert_eq!(left_a_family(&before, &records), held.deletions);
    }

    #[test]
    fn a_planner_that_is_told_in_any_order_is_the_plan(first in wants(), second in wants()) {
        let provider = provider("50%");
        let mut records = Vec::new();
        make(&plan(&first, &[], &provider, None).changes, &mut records);
        let mut turned = records.clone();
        turned.reverse();
        let mut planner = Planner::new(provider.clone(), turned);
        let by_name = |wanted: &[Wanted], name: &Fqdn| wanted.iter().filter(|one| one.name == *name).cloned().collect::<Vec<_>>();
        let names: BTreeSet<Fqdn> = first.iter().chain(&second).map(|one| one.name.clone()).collect();
        for name in &names {
            planner.handle_wanted(name, by_name(&first, name));
        }
        planner.plan(None);
        for name in names.iter().rev() {
            planner.handle_wanted(name, by_name(&second, name));
        }
        prop_assert_eq!(planner.plan(None), plan(&second, &records, &provider, None));
    }

    /// The form that is written without the heap is the one that is displayed, and no other text is.
    #[test]
    fn forms_of_addresses(segments in prop::array::uniform8(prop_oneof![2 => Just(0_u16), 1 => 0..0x20_u16, 1 => any::<u16>()]),
        mapped in prop::bool::weighted(0.1), four in any::<u32>(), cut in 0..40_usize, other in "[0-9a-fA-F:.]{0,3}") {
        let mut six = Ipv6Addr::from(segments);
        if mapped {
            six = Ipv6Addr::from(u128::from(six) & 0xffff_ffff | 0xffff << 32);
        }
        let whole = segments.map(|segment| format!("{segment:x}")).join(":");
        for address in [IpAddr::from(six), IpAddr::from(Ipv4Addr::from(four))] {
            let form = address.to_string();
            prop_assert!(Form::of(&address).is(&form), "{}", form);
            let cut = cut.min(form.len());
            let edited = [&form[..cut], &other, &form[cut..]].concat();
            for text in [&whole, &form.to_uppercase(), &edited, &form[..cut].to_owned(), &format!("{form} ")] {
                prop_assert_eq!(Form::of(&address).is(text), *text == form, "{} as {}", address, text);
            }
        }
    }

    /// What is written as a zone file has it is read as what it was.
    #[test]
    fn texts_come_back(text in "\\PC{0,300}|[a\"\\\\ ;]{0,600}") {
        let record = Record { values: BTreeSet::from([text.clone()]), ..record("a.example.com", "TXT", &[]) };
        let value = record.presentation().remove(0);
        prop_assert!(value.is_ascii());
        let read = Record { values: BTreeSet::from([value]), ..record.clone() }.normal();
        prop_assert_eq!(read, record);
    }
}
