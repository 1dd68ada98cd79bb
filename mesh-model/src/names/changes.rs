//! The changes of one name's records, from what is there to what is to be.
//!
//! What is to be is decided before ([`one`](super::one)); here it is only written
//! down: one record for all owners or one for each, and the marks beside them.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Desired, Part, Parts};
use super::mark;
use super::one::{Here, is_others_set};
use super::{Change, Record, RecordKind};
use crate::name::Fqdn;
use crate::provision::NameProvider;
use crate::units::HumanDuration;
use crate::vip::ClaimKey;

/// How long resolvers may remember marks, which only we ask for.
const MARK_TTL: HumanDuration = HumanDuration::from_secs(300);

/// The changes from what is there to what is to be: marks come first and go last, what goes makes room.
pub(super) fn changes(
    name: &Fqdn,
    published: &Parts,
    desired: &Desired,
    here: &Here,
    provider: &NameProvider,
) -> Vec<Change> {
    let (mut marks, mut gone, mut come, mut unmarked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let kinds: BTreeSet<&RecordKind> = published.keys().chain(desired.parts.keys()).collect();
    for kind in kinds {
        let parts = desired.parts.get(kind);
        let mut new = parts.map(|parts| records(name, kind, parts, desired)).unwrap_or_default();
        for old in here.records.iter().filter(|record| record.kind == *kind && !is_others_set(record)) {
            match new.remove(&old.set_id) {
                None => gone.push(Change::Delete { record: old.clone() }),
                Some(record) if record == *old => {}
                Some(record) => come.push(Change::Update { old: old.clone(), record }),
            }
        }
        come.extend(new.into_values().map(|record| Change::Create { record }));
        let new = parts.and_then(|parts| mark_record(name, kind, parts, provider));
        match (here.mark(kind), new) {
            (None, None) => {}
            (None, Some(record)) => marks.push(Change::Create { record }),
            (Some(old), None) => unmarked.push(Change::Delete { record: old.clone() }),
            (Some(old), Some(record)) if old.values == record.values => {}
            (Some(old), Some(record)) => marks.push(Change::Update { old: old.clone(), record }),
        }
    }
    [marks, gone, come, unmarked].concat()
}

/// The records of one kind, by set.
fn records(
    name: &Fqdn,
    kind: &RecordKind,
    parts: &BTreeMap<ClaimKey, Part>,
    desired: &Desired,
) -> BTreeMap<Option<String>, Record> {
    let ttl = HumanDuration::from_secs(desired.ttl.as_secs());
    let record = |set_id: Option<String>, values: BTreeSet<String>, weight: Option<u32>| {
        let record =
            Record { name: name.clone(), kind: kind.clone(), values, ttl, set_id: set_id.clone(), weight };
        (set_id, record)
    };
    if desired.is_weighted && *kind != RecordKind::Cname {
        let one = |(owner, part): (&ClaimKey, &Part)| {
            record(Some(owner.to_string()), part.values.clone(), Some(part.weight))
        };
        return parts.iter().map(one).collect();
    }
    let values = parts.values().flat_map(|part| part.values.iter().cloned()).collect();
    BTreeMap::from([record(None, values, None)])
}

fn mark_record(
    name: &Fqdn,
    kind: &RecordKind,
    parts: &BTreeMap<ClaimKey, Part>,
    provider: &NameProvider,
) -> Option<Record> {
    let mark = |(owner, part): (&ClaimKey, &Part)| mark::text(&provider.owner, owner, &part.values);
    Some(Record {
        name: mark::name_of(name, kind)?,
        kind: RecordKind::Txt,
        values: parts.iter().map(mark).collect(),
        ttl: MARK_TTL,
        set_id: None,
        weight: None,
    })
}
