//! All names of a provider, and which of them have to be looked at again.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::mark;
use super::one::{Here, Outcome, outcome};
use super::{Deletion, NamePlan, Record, RecordKind, Wanted};
use crate::name::Fqdn;
use crate::provision::NameProvider;
use crate::render::Revision;
use crate::units::Amount;

/// What is wanted and what is there, by name.
///
/// ```
/// use std::time::Duration;
/// use mesh_model::name::Name;
/// use mesh_model::names::{Answer, Change, Planner, Wanted};
/// use mesh_model::provision::NameProvider;
/// use mesh_model::units::Amount;
///
/// let provider = NameProvider {
///     name: "corp".parse()?,
///     domains: vec!["example.com".parse()?],
///     owner: "fleet-1".parse::<Name>()?,
///     max_deletions: Amount::Count(1),
/// };
/// let mut planner = Planner::new(provider, Vec::new());
/// let name = "shop.example.com".parse()?;
/// let answer = Answer::Alias { owner: "web/shop".parse()?, to: "www.example.com".parse()? };
/// planner.handle_wanted(&name, vec![Wanted { name: name.clone(), ttl: Duration::from_secs(30), answer }]);
/// let plan = planner.plan(None);
/// assert_eq!(plan.changes.len(), 2, "the record, and the mark that it is ours");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Planner {
    provider: NameProvider,
    wanted: BTreeMap<Fqdn, Vec<Wanted>>,
    current: BTreeMap<Fqdn, Here>,
    /// Names whose outcome is not what it was.
    changed: BTreeSet<Fqdn>,
    /// Outcomes of names that something is to be done or said about.
    outcomes: BTreeMap<Fqdn, Outcome>,
    /// Marks of ours, by name.
    marks: BTreeMap<Fqdn, usize>,
    marks_total: usize,
}

/// The plan of all names at once; `approved` is the hash of deletions that somebody approved.
#[must_use]
pub fn plan(
    wanted: Vec<Wanted>,
    current: Vec<Record>,
    provider: &NameProvider,
    approved: Option<Revision>,
) -> NamePlan {
    let mut planner = Planner::new(provider.clone(), current);
    let mut by_name: BTreeMap<Fqdn, Vec<Wanted>> = BTreeMap::new();
    for one in wanted {
        by_name.entry(one.name.clone()).or_default().push(one);
    }
    for (name, wanted) in by_name {
        planner.handle_wanted(&name, wanted);
    }
    planner.plan(approved)
}

impl Planner {
    /// A planner that knows what a provider has, and as yet nothing that is wanted.
    #[must_use]
    pub fn new(provider: NameProvider, current: Vec<Record>) -> Self {
        let mut planner = Self {
            provider,
            wanted: BTreeMap::new(),
            current: BTreeMap::new(),
            changed: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            marks: BTreeMap::new(),
            marks_total: 0,
        };
        for record in current {
            planner.enter(record);
        }
        planner
    }

    /// What a name is to lead to from now on; nothing if `wanted` is empty.
    pub fn handle_wanted(&mut self, name: &Fqdn, wanted: Vec<Wanted>) {
        self.changed.insert(name.clone());
        if wanted.is_empty() {
            self.wanted.remove(name);
        } else {
            self.wanted.insert(name.clone(), wanted);
        }
    }

    /// What a provider has now at a name and its marks: all of its records.
    pub fn handle_current(&mut self, name: &Fqdn, records: Vec<Record>) {
        self.current.remove(name);
        self.changed.insert(name.clone());
        for record in records {
            self.enter(record);
        }
    }

    /// The changes that are left to make. The same again until something is handled.
    pub fn plan(&mut self, approved: Option<Revision>) -> NamePlan {
        for name in std::mem::take(&mut self.changed) {
            self.look_at(name);
        }
        let mut deletions: Vec<&Deletion> =
            self.outcomes.values().flat_map(|outcome| &outcome.deletions).collect();
        deletions.sort();
        let hash = (!deletions.is_empty()).then(|| {
            let json = serde_json::to_vec(&deletions).expect("our own values have a form in JSON");
            Revision(Sha256::digest(&json).into())
        });
        let max = max_deletions(self.provider.max_deletions, self.marks_total);
        let is_held = deletions.len() > max && approved != hash;
        let changes =
            |outcome: &Outcome| if is_held { outcome.held_changes.clone() } else { outcome.changes.clone() };
        NamePlan {
            changes: self.outcomes.values().flat_map(changes).collect(),
            errors: self.outcomes.values().flat_map(|outcome| outcome.errors.clone()).collect(),
            deletions: deletions.len(),
            max_deletions: max,
            hash,
            held_back: if is_held { deletions.into_iter().cloned().collect() } else { Vec::new() },
        }
    }

    fn look_at(&mut self, name: Fqdn) {
        let (wanted, here) = (self.wanted.get(&name), self.current.get(&name));
        let nothing = Here::default();
        let outcome =
            outcome(&name, wanted.map_or(&[], Vec::as_slice), here.unwrap_or(&nothing), &self.provider);
        let before = if outcome.marks == 0 {
            self.marks.remove(&name)
        } else {
            self.marks.insert(name.clone(), outcome.marks)
        };
        self.marks_total = self.marks_total + outcome.marks - before.unwrap_or(0);
        if outcome.changes.is_empty() && outcome.errors.is_empty() && outcome.deletions.is_empty() {
            self.outcomes.remove(&name);
        } else {
            self.outcomes.insert(name, outcome);
        }
    }

    fn enter(&mut self, record: Record) {
        let record = record.normal();
        let of = (record.kind == RecordKind::Txt).then(|| mark::subject(&record.name)).flatten();
        let (name, marked) = match of {
            Some((name, kind)) => (name, Some(kind)),
            None => (record.name.clone(), None),
        };
        let here = self.current.entry(name.clone()).or_default();
        match marked {
            Some(kind) => {
                here.marks.insert(kind, record);
            }
            None => {
                // whatever the order in which a provider lists them
                let key = |record: &Record| (record.kind.clone(), record.set_id.clone());
                let place = here.records.partition_point(|other| key(other) <= key(&record));
                here.records.insert(place, record);
            }
        }
        self.changed.insert(name);
    }
}

/// How many deletions need no approval: a share of a few is one, or nothing could ever go.
fn max_deletions(amount: Amount, all: usize) -> usize {
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    let max = match amount {
        Amount::Count(count) => count,
        Amount::Share(share) if share.as_millionths() == 0 => 0,
        Amount::Share(_) => amount.of(all).max(1),
    };
    usize::try_from(max).unwrap_or(usize::MAX)
}
