//! Any names wanted of a provider with any records: what is not ours is let be, and one plan is enough.
//!
//! Records are made of few names, owners and values, so that they meet: marks
//! of ours and of another fleet, texts that are no marks, weighted records,
//! aliases beside addresses. What must hold in any case: a change touches
//! records of ours only, and none that is not there; when it is made nothing is
//! left to do; without an approval not more owners are deleted than may be, from
//! a name or from a family of its addresses, and with it exactly those.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use mesh_model::labels::{Labels, Selector};
use mesh_model::name::Fqdn;
use mesh_model::names::{
    Answer, Change, Gone, Health, Mark, Member, NamePlan, NameProblem, Note, Record, RecordKind, Wanted, plan,
};
use mesh_model::provision::NameProvider;
use mesh_model::units::{Amount, HumanDuration};
use mesh_model::vip::ClaimKey;

/// Most of what one input may have of each.
const MAX: usize = 24;
const NAMES: [&str; 7] = [
    "a.example.com",
    "b.example.com",
    "*.c.example.com",
    "example.com",
    "d.a.example.com",
    "other.net",
    "e.c.example.com",
];
const KINDS: [&str; 5] = ["A", "AAAA", "CNAME", "MX", "TXT"];
const OURS: &str = "fleet-1";

#[derive(Arbitrary, Debug)]
struct WantedInput {
    name: u8,
    ttl: u8,
    kind: u8,
    alias: u8,
    members: Vec<MemberInput>,
}

#[derive(Arbitrary, Debug)]
struct MemberInput {
    owner: u8,
    addresses: u8,
    weight: u8,
    health: u8,
    is_drained: bool,
}

#[derive(Arbitrary, Debug)]
enum RecordInput {
    Mark { name: u8, kind: u8, marks: Vec<(u8, u8, bool)>, is_spoilt: bool },
    Plain { name: u8, kind: u8, values: u8, ttl: u8, set: Option<u8> },
}

/// Plans what the bytes stand for, makes it, and plans again.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok((max, wanted, records)) = <(u8, Vec<WantedInput>, Vec<RecordInput>)>::arbitrary(&mut input) else {
        return;
    };
    let provider = NameProvider {
        name: parsed("corp"),
        domains: vec![parsed("example.com")],
        owner: parsed(OURS),
        max_deletions: Amount::Count(u32::from(max % 4)),
        namespaces: None,
        selector: Selector::default(),
        reservations: BTreeMap::new(),
        min_healthy: parsed("50%"),
    };
    let wanted: Vec<Wanted> = wanted.iter().take(MAX).map(self::wanted).collect();
    let mut records = Provider::of(records.iter().take(MAX).map(record));
    let first = plan(&wanted, &records.list(), &provider, None);
    assert!(serde_json::to_string(&first).is_ok());
    let owners = records.owners();
    records.make(&first);
    let now = records.owners();
    let mut second = plan(&wanted, &records.list(), &provider, None);
    // whoever was refused for the sake of one that left is no longer: a name changes hands in two steps
    let is_taken = first.errors.iter().any(|one| matches!(one.problem, NameProblem::Taken { .. }));
    for _ in 0..if is_taken { 2 } else { 0 } {
        records.make(&second);
        second = plan(&wanted, &records.list(), &provider, None);
    }
    assert_eq!(second.changes, [], "after {first:?}");
    let kept: BTreeSet<&Fqdn> =
        first.notes.iter().filter(|one| matches!(one.note, Note::Kept { .. })).map(|one| &one.name).collect();
    if first.deletions > first.max_deletions {
        assert_eq!(first.held_back.len(), first.deletions);
    } else {
        assert!(first.held_back.iter().all(|deletion| kept.contains(&deletion.name)), "{first:?}");
    }
    let left = owners.difference(&now).filter(|(mark, owner)| {
        other_family(mark).is_some_and(|other| now.contains(&(other, owner.clone())))
    });
    assert!(left.count() <= first.max_deletions, "more leave a family than may: {first:?}");
    if first.held_back.is_empty() || is_taken {
        return;
    }
    for deletion in &first.held_back {
        let Gone::Owner(owner) = &deletion.gone else { continue };
        let mark = (mark_name(&deletion.name, &deletion.kind), owner.clone());
        assert!(!owners.contains(&mark) || now.contains(&mark), "{deletion:?} waits and was made: {first:?}");
    }
    assert_eq!(second.hash, first.hash, "what was approved is something else now");
    records.make(&plan(&wanted, &records.list(), &provider, first.hash));
    assert_eq!(plan(&wanted, &records.list(), &provider, first.hash).changes, []);
}

/// What a provider has: one record for each name, kind and set.
struct Provider(BTreeMap<(Fqdn, RecordKind, Option<String>), Record>);

impl Provider {
    fn of(records: impl Iterator<Item = Record>) -> Self {
        let key = |record: &Record| (record.name.clone(), record.kind.clone(), record.set_id.clone());
        Self(records.map(|record| (key(&record), record)).collect())
    }

    /// As it lists them: not in the order in which names are planned.
    fn list(&self) -> Vec<Record> {
        self.0.values().rev().cloned().collect()
    }

    /// Makes changes, none of which may touch what is not ours.
    fn make(&mut self, plan: &NamePlan) {
        let names = |mark: &Record| mark.name.as_str().strip_prefix("_overspill-").is_some();
        let before: BTreeMap<_, _> =
            self.0.iter().map(|(key, record)| (key.clone(), record.clone())).collect();
        for change in &plan.changes {
            let (old, new) = match change {
                Change::Create { record } => (None, Some(record)),
                Change::Delete { record } => (Some(record), None),
                Change::Update { old, record } => (Some(old), Some(record)),
            };
            if let Some(old) = old {
                assert!(is_ours(old, &before), "{old:?} is not ours: {plan:?}");
                let key = (old.name.clone(), old.kind.clone(), old.set_id.clone());
                let there = self.0.remove(&key).map(Record::normal);
                assert_eq!(there.as_ref(), Some(old), "it is not there");
            }
            if let Some(new) = new {
                assert!(new.kind != RecordKind::Txt || names(new), "{new:?} is no record that we write");
                let key = (new.name.clone(), new.kind.clone(), new.set_id.clone());
                assert_eq!(self.0.insert(key, new.clone()), None, "something is there already");
                assert!(!new.values.is_empty());
            }
        }
    }

    /// Whoever has a mark of ours.
    fn owners(&self) -> BTreeSet<(Fqdn, ClaimKey)> {
        let marks = |record: &Record| {
            let marks: Vec<Mark> = record.values.iter().filter_map(|value| value.parse().ok()).collect();
            let of = |mark: Mark| (mark.fleet == OURS).then(|| (record.name.clone(), mark.owner));
            marks.into_iter().filter_map(of).collect::<Vec<_>>()
        };
        self.0.values().filter(|record| record.kind == RecordKind::Txt).flat_map(marks).collect()
    }
}

/// Whether a record is a mark that is wholly ours, or has such a mark beside it.
fn is_ours(record: &Record, all: &BTreeMap<(Fqdn, RecordKind, Option<String>), Record>) -> bool {
    let is_mark = |record: &Record| {
        let mark =
            |value: &String| value.trim_matches('"').parse::<Mark>().is_ok_and(|mark| mark.fleet == OURS);
        record.name.as_str().starts_with("_overspill-") && record.values.iter().all(mark)
    };
    if record.kind == RecordKind::Txt {
        return is_mark(record);
    }
    let name = mark_name(&record.name, &record.kind);
    all.values().any(|other| other.kind == RecordKind::Txt && other.name == name && is_mark(other))
}

fn mark_name(name: &Fqdn, kind: &RecordKind) -> Fqdn {
    let kind = kind.as_str().to_ascii_lowercase();
    parsed(&match name.as_str().strip_prefix("*.") {
        Some(below) => format!("_overspill-{kind}-all.{below}"),
        None => format!("_overspill-{kind}.{name}"),
    })
}

/// The name of the mark of the family of addresses that a mark is not of.
fn other_family(mark: &Fqdn) -> Option<Fqdn> {
    let pairs = [("a.", "aaaa."), ("a-all.", "aaaa-all."), ("aaaa.", "a."), ("aaaa-all.", "a-all.")];
    let rest = mark.as_str().strip_prefix("_overspill-")?;
    let other = |(kind, other): (&str, &str)| Some(format!("_overspill-{other}{}", rest.strip_prefix(kind)?));
    pairs.into_iter().find_map(other).map(|name| parsed(&name))
}

fn wanted(input: &WantedInput) -> Wanted {
    let members = input.members.iter().take(4).map(member).collect();
    let answer = match input.kind % 4 {
        0 => Answer::Alias { owner: owner(input.alias), to: name(input.alias) },
        1 => Answer::Weighted(members),
        _ => Answer::Members(members),
    };
    Wanted {
        name: name(input.name),
        ttl: Duration::from_secs(30 * u64::from(1 + input.ttl % 3)),
        labels: Labels::new(),
        answer,
    }
}

fn member(input: &MemberInput) -> Member {
    let all = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"];
    let addresses = all.iter().enumerate().filter(|(at, _)| input.addresses >> at & 1 == 1);
    Member {
        owner: owner(input.owner),
        addresses: addresses.map(|(_, text)| text.parse().expect("is one")).collect(),
        weight: u32::from(input.weight % 3),
        health: [Health::Healthy, Health::Unhealthy, Health::Unknown][usize::from(input.health % 3)],
        is_drained: input.is_drained,
    }
}

fn record(input: &RecordInput) -> Record {
    match input {
        RecordInput::Mark { name: at, kind: of, marks, is_spoilt } => {
            let of = kind(of % 3);
            let mark = |(who, values, is_ours): &(u8, u8, bool)| {
                let fleet = if *is_ours { OURS } else { "fleet-2" };
                let values = normal(&of, *values);
                Mark { fleet: parsed(fleet), owner: owner(*who), values }.to_string()
            };
            let mut values: BTreeSet<String> = marks.iter().take(3).map(mark).collect();
            if *is_spoilt || values.is_empty() {
                values.insert("v=spf1 -all".to_owned());
            }
            let ttl = HumanDuration::from_secs(300);
            Record {
                name: mark_name(&name(*at), &of),
                kind: RecordKind::Txt,
                values,
                ttl,
                set_id: None,
                weight: None,
            }
        }
        RecordInput::Plain { name: at, kind: of, values, ttl, set } => {
            let of = kind(*of);
            let set_id = set.map(|set| owner(set).to_string());
            Record {
                name: name(*at),
                values: self::values(&of, *values),
                kind: of,
                ttl: HumanDuration::from_secs(30 * u64::from(1 + ttl % 3)),
                weight: set_id.is_some().then_some(u32::from(ttl % 3)),
                set_id,
            }
        }
    }
}

/// One or two values of a kind; some not in the form that they are compared in.
fn values(kind: &RecordKind, bits: u8) -> BTreeSet<String> {
    let all = match kind {
        RecordKind::A => ["10.0.0.1", "10.0.0.2"],
        RecordKind::Aaaa => ["2001:db8::1", "2001:DB8:0::2"],
        RecordKind::Cname => ["a.example.com", "B.example.com."],
        RecordKind::Other(_) => ["10 mail.example.com", "20 mail.example.com"],
        RecordKind::Txt => ["\"text\"", "text"],
    };
    let chosen = all.iter().enumerate().filter(|(at, _)| bits % 3 == 2 || usize::from(bits % 3) == *at);
    chosen.map(|(_, value)| (*value).to_owned()).collect()
}

/// The same as marks have them, which we write.
fn normal(kind: &RecordKind, bits: u8) -> BTreeSet<String> {
    let record = Record {
        name: name(0),
        kind: kind.clone(),
        values: values(kind, bits),
        ttl: HumanDuration::from_secs(30),
        set_id: None,
        weight: None,
    };
    record.normal().values
}

fn name(number: u8) -> Fqdn {
    parsed(NAMES[usize::from(number) % NAMES.len()])
}

fn kind(number: u8) -> RecordKind {
    parsed(KINDS[usize::from(number) % KINDS.len()])
}

fn owner(number: u8) -> ClaimKey {
    let target = number / 4 % 4;
    let target = if target == 3 { String::new() } else { format!("@t{target}") };
    let namespace = if number % 4 == 3 { "m" } else { "n" };
    parsed(&format!("{namespace}/x{}{target}", number % 4))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("it is written here")
}
