//! What is changed back again and again: who does it is told, and we write less and less often.
//!
//! The idea: we know what we wrote last. To write the same of an object once more is a correction, whoever
//! made it needful: a webhook that changes what we write as we write it, somebody who takes our marks
//! away, another controller that makes anew what we delete, or deletes what we make. The first correction goes out
//! at once, each later one of the same object after twice the time. What we want anew is none and waits
//! for nobody. A controller that restarts begins at the first correction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Drift, ObjectKey, TargetPlan, WriteCommand, applied};
use crate::time::Time;

/// How long a second correction waits.
const FIRST: Duration = Duration::from_secs(10);
/// How long any waits at most, and for how long after that an object must be let alone until nobody fights over it any
/// more: longer than the minutes after which controllers look at everything again.
const MOST: Duration = Duration::from_secs(3_600);

/// What of one target's objects is contested.
#[derive(Clone, Debug, Default)]
pub(super) struct Contests {
    objects: BTreeMap<ObjectKey, Contest>,
    /// The objects that the last plan puts right.
    drifted: BTreeSet<ObjectKey>,
    /// When the first correction is due that the last plan had to leave out.
    due: Option<Time>,
}

#[derive(Clone, Debug)]
struct Contest {
    /// The mark of what we wrote last; `None` if we deleted it.
    wrote: Option<String>,
    corrections: u32,
    at: Time,
}

/// An object that was put right before and is otherwise again: somebody else decides it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The object.
    pub object: ObjectKey,
    /// The fields, and by whom; our own name stands for a webhook, which changes what we write as we write it.
    /// None where the whole object comes or goes.
    pub drift: Vec<Drift>,
    /// How often it was put right.
    pub corrections: u32,
    /// When it is put right next.
    pub next: Time,
}

impl Contest {
    fn wait(&self) -> Duration {
        match self.corrections {
            0 => Duration::ZERO,
            corrections => FIRST.saturating_mul(1 << (corrections - 1).min(16)).min(MOST),
        }
    }
}

impl Contests {
    /// Whether this is what we wrote last of an object.
    pub(super) fn wrote(&self, key: &ObjectKey, mark: Option<&str>) -> bool {
        self.objects.get(key).is_some_and(|contest| contest.wrote.as_deref() == mark)
    }

    /// Takes the corrections out of a plan that come too early, and says which objects are contested.
    pub(super) fn handle_plan(&mut self, now: Time, plan: &mut TargetPlan) -> Vec<Contested> {
        self.objects.retain(|_, contest| now < contest.at + contest.wait() + MOST);
        self.drifted = plan.drift.iter().map(|drift| drift.object.clone()).collect();
        self.due = None;
        let mut contested = Vec::new();
        let commands = std::mem::take(&mut plan.commands);
        for command in commands {
            let Some((object, mark)) = decision(&command) else { continue };
            let is_correction = self.drifted.contains(&object) || self.wrote(&object, mark);
            let contest = self.objects.get(&object).filter(|one| is_correction && one.corrections > 0);
            let Some(contest) = contest else {
                plan.commands.push(command);
                continue;
            };
            let next = contest.at + contest.wait();
            if next <= now {
                plan.commands.push(command);
            } else {
                self.due = Some(self.due.map_or(next, |due| due.min(next)));
            }
            let drift = plan.drift.iter().filter(|drift| drift.object == object).cloned().collect();
            contested.push(Contested {
                object,
                drift,
                corrections: contest.corrections,
                next: next.max(now),
            });
        }
        contested
    }

    /// A command of the last plan was carried out.
    pub(super) fn handle_written(&mut self, now: Time, command: &WriteCommand) {
        let Some((object, mark)) = decision(command) else { return };
        let is_correction = self.drifted.contains(&object) || self.wrote(&object, mark);
        let before = self.objects.get(&object).map_or(0, |contest| contest.corrections);
        let corrections = if is_correction { before.saturating_add(1) } else { 0 };
        let wrote = mark.map(str::to_owned);
        self.objects.insert(object, Contest { wrote, corrections, at: now });
    }

    /// The target is looked at, which finds anew what is due.
    pub(super) const fn look(&mut self) {
        self.due = None;
    }

    /// Whether a correction that was withheld is due.
    pub(super) fn is_due(&mut self, now: Time) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// When a correction that was withheld is due: look at the target again then.
    pub(super) const fn poll_timeout(&self) -> Option<Time> {
        self.due
    }
}

/// What a command decides: of which object, and its mark if it is to be there.
fn decision(command: &WriteCommand) -> Option<(ObjectKey, Option<&str>)> {
    let mark = match command {
        WriteCommand::Create { object } | WriteCommand::Update { object } => applied(object),
        WriteCommand::Delete { .. } => None,
    };
    Some((command.key()?, mark))
}
