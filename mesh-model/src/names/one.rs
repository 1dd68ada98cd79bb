//! What is planned for one name: whose it is, what it is to have, and what of that waits.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Desired, Part, Parts, Trust, desired};
use super::changes::changes;
use super::mark::{self, KINDS};
use super::record::normal;
use super::whose::{Entitled, entitled};
use super::{
    Change, Deletion, Gone, Mark, NameError, NameNote, NameProblem, Note, Record, RecordKind, Wanted,
};
use crate::name::{Fqdn, Name};
use crate::provision::NameProvider;
use crate::vip::ClaimKey;

/// The records of a name, and the marks beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Here {
    /// Its own, of any kind.
    pub(super) records: Vec<Record>,
    /// Marks by the kind of record that they speak of.
    pub(super) marks: Vec<(RecordKind, Record)>,
}

impl Here {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty()
    }

    /// One record more, which marks a kind or is of one.
    pub(super) fn enter(&mut self, marked: Option<RecordKind>, record: Record) {
        let Some(kind) = marked else {
            // whatever the order in which a provider lists them
            let place = self
                .records
                .partition_point(|other| (&other.kind, &other.set_id) <= (&record.kind, &record.set_id));
            return self.records.insert(place, record);
        };
        match self.marks.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, mark)) => *mark = record,
            None => self.marks.push((kind, record)),
        }
    }

    /// A record that the name leads by, and that is not another's beside ours.
    fn leading(&self) -> Option<&Record> {
        self.records.iter().find(|record| KINDS.contains(&record.kind) && !is_others_set(record))
    }

    /// The marks beside the records of a kind.
    pub(super) fn mark(&self, kind: &RecordKind) -> Option<&Record> {
        self.marks.iter().find(|(marked, _)| marked == kind).map(|(_, mark)| mark)
    }
}

/// What is planned for a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The changes.
    pub(super) changes: Vec<Change>,
    /// The changes without the deletions.
    pub(super) held_changes: Vec<Change>,
    /// Who goes.
    pub(super) deletions: Vec<Deletion>,
    /// What cannot be.
    pub(super) errors: Vec<NameError>,
    /// What is planned otherwise than one would think.
    pub(super) notes: Vec<NameNote>,
    /// Whether its deletions wait for an approval however few they are.
    pub(super) waits: bool,
    /// How many marks of ours there are now.
    pub(super) marks: usize,
    /// The name that it is to be an alias of, if it is one; or that it stays one of, whoever made it.
    pub(super) alias: Option<Fqdn>,
}

impl Outcome {
    /// Refuses an alias that leads back to its name; a mistake changes nothing.
    pub(super) fn refuse_circle(&mut self, name: &Fqdn, to: &Fqdn, length: usize) {
        self.errors.retain(|error| !matches!(error.problem, NameProblem::Circle { .. }));
        let problem = NameProblem::Circle { to: to.clone(), length };
        self.errors.push(NameError { name: name.clone(), problem });
        self.changes.clear();
        self.held_changes.clear();
        self.deletions.clear();
        self.notes.clear();
        self.waits = false;
    }
}

/// Whose the records of one kind are.
enum Owned {
    Nobodys,
    Ours(Vec<Mark>),
    Theirs(Option<Name>),
}

/// Plans one name.
pub(super) fn outcome(name: &Fqdn, wanted: &[Wanted], here: &Here, provider: &NameProvider) -> Outcome {
    let mut outcome = Outcome::default();
    let Published { parts: published, foreign, marks } = published(here, provider);
    outcome.marks = marks;
    let Entitled { wanted: entitled, stay } =
        entitled(name, wanted, &published, provider, &mut outcome.errors);
    let to_be = |is_drain_approved: bool, errors: &mut Vec<NameError>| {
        let trust = Trust { min_healthy: provider.min_healthy, is_drain_approved };
        let mut desired = desired(name, &entitled, &published, trust, errors);
        if desired.owners.is_empty() {
            as_it_is(&mut desired, wanted, here);
        }
        let_stay(&mut desired, &stay, &published);
        desired
    };
    let others_alias = others_alias(here).filter(|_| !published.contains_key(&RecordKind::Cname));
    outcome.alias = alias_of(&published).or_else(|| others_alias.clone());
    let careful = to_be(false, &mut outcome.errors);
    let approved = (!careful.kept.is_empty()).then(|| to_be(true, &mut Vec::new()));
    let desired = approved.as_ref().unwrap_or(&careful);
    if !wanted.is_empty()
        && let Some(problem) = foreign.or_else(|| refused(name, desired, here, provider))
    {
        outcome.errors.push(NameError { name: name.clone(), problem });
        return outcome;
    }
    if desired.parts.is_empty() && outcome.errors.iter().any(|error| error.problem == NameProblem::Loop) {
        return outcome; // a mistake deletes nothing
    }
    outcome.alias = alias_of(&desired.parts).or(others_alias);
    outcome.changes = changes(name, &published, desired, here, provider);
    outcome.deletions = deletions(name, &published, desired, &careful, here);
    outcome.held_changes = if outcome.deletions.is_empty() {
        outcome.changes.clone()
    } else {
        let held = held(name, &careful, &published, &outcome.deletions, here, provider);
        held.map(|held| changes(name, &published, &held, here, provider)).unwrap_or_default()
    };
    outcome.waits = !careful.kept.is_empty();
    outcome.notes = notes(name, &careful, &outcome.deletions, provider);
    outcome
}

/// Who and what goes; `careful` is what is to be until it is approved.
///
/// Who is answered with in one family of addresses and no longer in another goes from that one: whoever asks
/// for it finds it there no more, and it does not come back by itself, as from checks or a drain. An alias in
/// the place of addresses is no deletion, nor are addresses in the place of an alias: both answer for every
/// family, and neither can be there before the other is gone, so that holding one back would hold back both.
fn deletions(
    name: &Fqdn,
    published: &Parts,
    desired: &Desired,
    careful: &Desired,
    here: &Here,
) -> Vec<Deletion> {
    let mut deletions = Vec::new();
    for (kind, parts) in published {
        let left = desired.parts.get(kind);
        let goes = |owner: &ClaimKey| {
            let is_out = left.is_none_or(|left| !left.contains_key(owner));
            desired.parts.is_empty()
                || !desired.owners.contains(owner)
                || (is_out
                    && (careful.kept.contains(owner) || is_in_other_family(owner, kind, &careful.parts)))
        };
        let owners = parts.keys().filter(|owner| goes(owner)).cloned().map(Gone::Owner);
        let known: BTreeSet<&String> = parts
            .values()
            .chain(left.into_iter().flat_map(BTreeMap::values))
            .flat_map(|part| &part.values)
            .collect();
        let records = here.records.iter().filter(|record| record.kind == *kind && !is_others_set(record));
        let strays = records.flat_map(|record| &record.values).filter(|value| !known.contains(value));
        let strays: BTreeSet<&String> = strays.collect();
        let gone = owners.chain(strays.into_iter().cloned().map(Gone::Value));
        deletions.extend(gone.map(|gone| Deletion { name: name.clone(), kind: kind.clone(), gone }));
    }
    deletions
}

/// Whether an owner is answered with, in the family of addresses that a kind is not of.
fn is_in_other_family(owner: &ClaimKey, kind: &RecordKind, parts: &Parts) -> bool {
    let other = match kind {
        RecordKind::A => RecordKind::Aaaa,
        RecordKind::Aaaa => RecordKind::A,
        RecordKind::Cname | RecordKind::Other(_) | RecordKind::Txt => return false,
    };
    parts.get(&other).is_some_and(|parts| parts.contains_key(owner))
}

/// What is planned otherwise than one would think.
fn notes(name: &Fqdn, careful: &Desired, deletions: &[Deletion], provider: &NameProvider) -> Vec<NameNote> {
    let doubted = careful.doubted.map(|(left, all)| Note::Doubted { left, all, min: provider.min_healthy });
    let kept = careful.kept.iter().map(|owner| Note::Kept { owner: owner.clone() });
    let strays = deletions.iter().filter_map(|deletion| match &deletion.gone {
        Gone::Owner(_) => None,
        Gone::Value(value) => Some(Note::Stray { kind: deletion.kind.clone(), value: value.clone() }),
    });
    let all = doubted.into_iter().chain(kept).chain(strays);
    all.map(|note| NameNote { name: name.clone(), note }).collect()
}

/// Where nobody says any more how a name is answered, it is as it is.
fn as_it_is(desired: &mut Desired, wanted: &[Wanted], here: &Here) {
    let now = here.leading();
    let shortest = || wanted.iter().map(|wanted| wanted.ttl).min().unwrap_or_default();
    desired.ttl = now.map_or_else(shortest, |now| now.ttl.as_duration());
    desired.is_weighted = now.is_some_and(|now| now.set_id.is_some());
}

/// Adds what stays of those who get nothing new, unless it cannot be beside what is to be.
fn let_stay(desired: &mut Desired, stay: &BTreeMap<ClaimKey, bool>, published: &Parts) {
    for (owner, is_off) in stay {
        let parts = published.iter().filter_map(|(kind, parts)| Some((kind, parts.get(owner)?)));
        for (kind, part) in parts.filter(|_| !is_off) {
            let is_beside = |(other, parts): (&RecordKind, &BTreeMap<ClaimKey, Part>)| {
                let has_alias = *other == RecordKind::Cname || *kind == RecordKind::Cname;
                !has_alias || (other == kind && parts.values().all(|other| other.values == part.values))
            };
            if desired.parts.iter().all(is_beside) {
                desired.parts.entry(kind.clone()).or_default().insert(owner.clone(), part.clone());
                desired.owners.insert(owner.clone());
            }
        }
        if *is_off {
            desired.owners.insert(owner.clone());
        }
    }
}

/// The name that a name with these parts is an alias of.
fn alias_of(parts: &Parts) -> Option<Fqdn> {
    let part = parts.get(&RecordKind::Cname)?.values().next()?;
    part.values.first()?.parse().ok()
}

/// The name that somebody else made a name an alias of.
fn others_alias(here: &Here) -> Option<Fqdn> {
    let is_alias = |record: &&Record| record.kind == RecordKind::Cname && record.set_id.is_none();
    here.records.iter().find(is_alias)?.values.first()?.parse().ok()
}

/// What a name has, by its marks.
#[derive(Default)]
struct Published {
    /// What is ours.
    parts: Parts,
    /// What is not, if anything is.
    foreign: Option<NameProblem>,
    /// How many marks of ours there are.
    marks: usize,
}

fn published(here: &Here, provider: &NameProvider) -> Published {
    let mut published = Published::default();
    for kind in KINDS {
        match owned(here, &kind, provider) {
            Owned::Nobodys => {}
            Owned::Theirs(fleet) => {
                published.foreign = published.foreign.or(Some(NameProblem::Foreign { kind, fleet }));
            }
            Owned::Ours(marks) => {
                published.marks += marks.len();
                let part = |mark: Mark| {
                    let weight = weight_of(here, &kind, &mark.owner);
                    // somebody may have written a mark by hand
                    let values = mark.values.into_iter().map(|value| normal(value, &kind)).collect();
                    (mark.owner, Part { values, weight })
                };
                let parts = marks.into_iter().map(part).collect();
                published.parts.insert(kind, parts);
            }
        }
    }
    published
}

/// Whose the records of a kind are: ours only if every mark beside them is.
fn owned(here: &Here, kind: &RecordKind, provider: &NameProvider) -> Owned {
    let has_record = here.records.iter().any(|record| record.kind == *kind && !is_others_set(record));
    let Some(record) = here.mark(kind) else {
        return if has_record { Owned::Theirs(None) } else { Owned::Nobodys };
    };
    let marks: Result<Vec<Mark>, _> = record.values.iter().map(|value| value.parse::<Mark>()).collect();
    match marks {
        Ok(marks) => match marks.iter().find(|mark| mark.fleet != provider.owner) {
            Some(other) => Owned::Theirs(Some(other.fleet.clone())),
            None => Owned::Ours(marks),
        },
        Err(_) => Owned::Theirs(None),
    }
}

/// Whether a record is one of several sets of its name and kind, and was not called so by us: a provider
/// answers with it beside ours, by their weights.
pub(super) fn is_others_set(record: &Record) -> bool {
    let is_ours = |id: &String| id.parse::<ClaimKey>().is_ok();
    KINDS.contains(&record.kind) && record.set_id.as_ref().is_some_and(|id| !is_ours(id))
}

/// Why a name that is wanted cannot be.
fn refused(name: &Fqdn, desired: &Desired, here: &Here, provider: &NameProvider) -> Option<NameProblem> {
    if !provider.serves(name) {
        return Some(NameProblem::NotServed { provider: provider.name.clone() });
    }
    if !mark::has_room(name) {
        return Some(NameProblem::Long);
    }
    // sets may lie side by side, but not beside one record, and not beside an alias
    let is_alias = desired.parts.contains_key(&RecordKind::Cname);
    let is_beside = |other: &Record| desired.is_weighted && !is_alias && other.kind != RecordKind::Cname;
    let mut others = here.records.iter().filter(|record| is_others_set(record));
    if let Some(other) = others.find(|other| !is_beside(other)) {
        return Some(NameProblem::Foreign { kind: other.kind.clone(), fleet: None });
    }
    if desired.parts.contains_key(&RecordKind::Cname) {
        if provider.domains.contains(name) {
            return Some(NameProblem::Apex);
        }
        let other = here.records.iter().find(|record| !KINDS.contains(&record.kind));
        return other.map(|record| NameProblem::Beside { kind: record.kind.clone() });
    }
    None
}

/// What is to be without the deletions; `None` if that cannot be beside what is new.
fn held(
    name: &Fqdn,
    desired: &Desired,
    published: &Parts,
    deletions: &[Deletion],
    here: &Here,
    provider: &NameProvider,
) -> Option<Desired> {
    let is_new = |owner: &&ClaimKey| !published.values().any(|parts| parts.contains_key(*owner));
    let mut owners = Vec::new();
    for deletion in deletions {
        match &deletion.gone {
            Gone::Owner(owner) => owners.push((&deletion.kind, owner)),
            Gone::Value(_) => return None, // no part of a record has it, so the record is let be
        }
    }
    let may = |new: &ClaimKey, gone: &ClaimKey| {
        provider.is_shared(name, &new.owner.namespace, &gone.owner.namespace)
    };
    let is_stranger = |new: &ClaimKey| owners.iter().any(|(_, gone)| !may(new, gone));
    if desired.parts.values().flat_map(BTreeMap::keys).filter(is_new).any(is_stranger) {
        return None;
    }
    if desired.owners.is_empty() {
        here.leading()?; // or nobody says how it would be answered
    }
    let mut held = desired.clone();
    for (kind, owner) in owners {
        let part = published.get(kind)?.get(owner)?;
        held.parts.entry(kind.clone()).or_default().insert(owner.clone(), part.clone());
    }
    let aliases = held.parts.get(&RecordKind::Cname);
    let has_two = aliases.is_some_and(|parts| parts.values().any(|part| Some(part) != parts.values().next()));
    let has_both = aliases.is_some() && held.parts.len() > 1;
    (!has_two && !has_both).then_some(held)
}

/// The weight of an owner's own record, if it has one.
fn weight_of(here: &Here, kind: &RecordKind, owner: &ClaimKey) -> u32 {
    if here.records.iter().all(|record| record.set_id.is_none()) {
        return 1;
    }
    let set_id = owner.to_string();
    let own =
        here.records.iter().find(|record| record.kind == *kind && record.set_id.as_ref() == Some(&set_id));
    own.and_then(|record| record.weight).unwrap_or(1)
}
