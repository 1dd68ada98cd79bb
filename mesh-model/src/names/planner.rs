//! All names of a provider, and which of them have to be looked at again.

use std::collections::{BTreeMap, BTreeSet};

use super::circle::Aliases;
use super::mark;
use super::one::{Here, Outcome, outcome};
use super::settled::{Settled, settled};
use super::{Deletion, NameNote, NamePlan, Note, Record, RecordKind, Wanted};
use crate::name::Fqdn;
use crate::provision::NameProvider;
use crate::render::Revision;

/// What is wanted and what is there, by name.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::time::Duration;
/// use mesh_model::labels::{Labels, Selector};
/// use mesh_model::name::Name;
/// use mesh_model::names::{Answer, Change, Planner, Wanted};
/// use mesh_model::provision::NameProvider;
/// use mesh_model::units::{Amount, Share};
///
/// let provider = NameProvider {
///     name: "corp".parse()?,
///     domains: vec!["example.com".parse()?],
///     owner: "fleet-1".parse::<Name>()?,
///     max_deletions: Amount::Count(1),
///     namespaces: None,
///     selector: Selector::default(),
///     reservations: BTreeMap::new(),
///     min_healthy: Share::NONE,
/// };
/// let mut planner = Planner::new(provider, Vec::new());
/// let name = "shop.example.com".parse()?;
/// let answer = Answer::Alias { owner: "web/shop".parse()?, to: "www.example.com".parse()? };
/// planner.handle_wanted(&name, vec![Wanted { name: name.clone(), ttl: Duration::from_secs(30), labels: Labels::new(), answer }]);
/// let plan = planner.plan(None);
/// assert_eq!(plan.changes.len(), 2, "the record, and the mark that it is ours");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Planner {
    provider: NameProvider,
    /// One tree for all that is known of a name: looking it up is what a plan of many names spends.
    names: BTreeMap<Fqdn, Known>,
    /// Names whose outcome is not what it was.
    changed: BTreeSet<Fqdn>,
    /// Outcomes of names that something is to be done or said about.
    outcomes: BTreeMap<Fqdn, Outcome>,
    marks_total: usize,
    aliases: Aliases,
}

/// What is known of a name.
#[derive(Clone, Debug, Default)]
struct Known {
    wanted: Vec<Wanted>,
    here: Here,
    /// How many marks of ours there were when it was looked at last.
    marks: usize,
}

/// The plan of all names at once; `approved` is the hash of deletions that somebody approved.
///
/// Only what is not as it should be is copied: of many names nearly all are right, and cost a look.
#[must_use]
pub fn plan(
    wanted: &[Wanted],
    current: &[Record],
    provider: &NameProvider,
    approved: Option<Revision>,
) -> NamePlan {
    let Settled { wanted: is_settled, records, marks } = settled(wanted, current, provider);
    let current = current.iter().zip(records).filter(|(_, is_settled)| !is_settled);
    let mut planner = Planner::new(provider.clone(), current.map(|(record, _)| record.clone()).collect());
    planner.marks_total = marks;
    for (wanted, _) in wanted.iter().zip(is_settled).filter(|(_, is_settled)| !is_settled) {
        planner.changed.insert(wanted.name.clone());
        planner.names.entry(wanted.name.clone()).or_default().wanted.push(wanted.clone());
    }
    planner.plan(approved)
}

impl Planner {
    /// A planner that knows what a provider has, and as yet nothing that is wanted.
    #[must_use]
    pub fn new(provider: NameProvider, current: Vec<Record>) -> Self {
        let mut placed: Vec<(Fqdn, Option<RecordKind>, Record)> = current.into_iter().map(placed).collect();
        // sorted once, the trees are built from end to end instead of searched for each record
        placed.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let mut names: Vec<(Fqdn, Known)> = Vec::new();
        for (name, marked, record) in placed {
            if names.last().is_none_or(|(last, _)| *last != name) {
                names.push((name, Known::default()));
            }
            let (_, known) = names.last_mut().expect("one was just put there, if none was");
            known.here.enter(marked, record);
        }
        Self {
            provider,
            changed: names.iter().map(|(name, _)| name.clone()).collect(),
            names: names.into_iter().collect(),
            outcomes: BTreeMap::new(),
            marks_total: 0,
            aliases: Aliases::default(),
        }
    }

    /// What a name is to lead to from now on; nothing if `wanted` is empty.
    pub fn handle_wanted(&mut self, name: &Fqdn, wanted: Vec<Wanted>) {
        self.changed.insert(name.clone());
        self.names.entry(name.clone()).or_default().wanted = wanted;
    }

    /// What a provider has now at a name and its marks: all of its records.
    pub fn handle_current(&mut self, name: &Fqdn, records: Vec<Record>) {
        self.changed.insert(name.clone());
        self.names.entry(name.clone()).or_default().here = Here::default();
        for record in records {
            let (name, marked, record) = placed(record);
            self.changed.insert(name.clone());
            self.names.entry(name).or_default().here.enter(marked, record);
        }
    }

    /// The changes that are left to make. The same again until something is handled.
    pub fn plan(&mut self, approved: Option<Revision>) -> NamePlan {
        for name in std::mem::take(&mut self.changed) {
            self.look_at(name);
        }
        self.refuse_circles();
        let deletions = self.outcomes.values().map(|outcome| outcome.deletions.len()).sum();
        let max = self.provider.max_deletions.at_once(self.marks_total);
        let waits = |outcome: &&Outcome| deletions > max || outcome.waits;
        let waiting = self.outcomes.values().filter(waits);
        let mut waiting: Vec<Deletion> = waiting.flat_map(|outcome| outcome.deletions.clone()).collect();
        waiting.sort();
        // what does not wait is made meanwhile, and is no part of what is approved
        let hash = (!waiting.is_empty()).then(|| Revision::of_json(&waiting));
        let is_approved = approved == hash;
        let is_held = |outcome: &Outcome| waits(&outcome) && !is_approved;
        let changes = |outcome: &Outcome| {
            if is_held(outcome) { outcome.held_changes.clone() } else { outcome.changes.clone() }
        };
        let notes = |outcome: &Outcome| {
            let is_so = |note: &&NameNote| !matches!(note.note, Note::Kept { .. }) || is_held(outcome);
            outcome.notes.iter().filter(is_so).cloned().collect::<Vec<_>>()
        };
        NamePlan {
            changes: self.outcomes.values().flat_map(changes).collect(),
            notes: self.outcomes.values().flat_map(notes).collect(),
            errors: self.outcomes.values().flat_map(|outcome| outcome.errors.clone()).collect(),
            deletions,
            max_deletions: max,
            hash,
            held_back: if is_approved { Vec::new() } else { waiting },
        }
    }

    /// Refuses aliases that lead back to themselves, which no name's plan sees by itself.
    fn refuse_circles(&mut self) {
        for name in self.aliases.look(&self.names) {
            self.look_at(name);
        }
        for (name, to, length) in self.aliases.in_circles() {
            let is_wanted = self.names.get(name).is_some_and(|known| !known.wanted.is_empty());
            if is_wanted {
                self.outcomes.entry(name.clone()).or_default().refuse_circle(name, to, length);
            }
        }
    }

    fn look_at(&mut self, name: Fqdn) {
        let Some(known) = self.names.get_mut(&name) else { return };
        let outcome = outcome(&name, &known.wanted, &known.here, &self.provider);
        self.marks_total = self.marks_total + outcome.marks - known.marks;
        known.marks = outcome.marks;
        self.aliases.note(&name, outcome.alias.as_ref());
        if known.wanted.is_empty() && known.here.is_empty() {
            self.names.remove(&name);
            self.aliases.handle_gone();
        }
        let is_told = !outcome.errors.is_empty() || !outcome.notes.is_empty();
        if outcome.changes.is_empty() && outcome.deletions.is_empty() && !is_told {
            self.outcomes.remove(&name);
        } else {
            self.outcomes.insert(name, outcome);
        }
    }
}

/// A record with the name that it belongs to, and the kind that it marks if it is a mark.
fn placed(record: Record) -> (Fqdn, Option<RecordKind>, Record) {
    let record = record.normal();
    let subject = (record.kind == RecordKind::Txt).then(|| mark::subject(&record.name)).flatten();
    match subject.and_then(|(name, kind)| Some((name.to_fqdn()?, kind))) {
        Some((name, kind)) => (name, Some(kind), record),
        None => (record.name.clone(), None, record),
    }
}
