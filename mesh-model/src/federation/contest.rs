//! Fields that are changed back again and again: who does it is told, and we write less and less often.
//!
//! The idea: a webhook that changes what we write does so at every write, so a controller that puts it
//! right at every look writes for ever and says nothing. The first correction goes out at once, each
//! later one of the same object after twice the time. What we want anew is no correction and waits for
//! nobody. A controller that restarts begins at the first correction.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Drift, ObjectKey, TargetPlan, WriteCommand};
use crate::time::Time;

/// How long a second correction waits.
const FIRST: Duration = Duration::from_secs(10);
/// How long any waits at most.
const MOST: Duration = Duration::from_secs(3_600);

/// What of one target's objects is contested.
///
/// ```
/// use mesh_model::federation::{Contests, TargetPlan};
/// use mesh_model::time::Time;
///
/// let mut plan = TargetPlan::default();
/// assert_eq!(Contests::default().handle_plan(Time::ZERO, &mut plan), [], "nobody changed anything");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Contests(BTreeMap<ObjectKey, Contest>);

#[derive(Clone, Copy, Debug)]
struct Contest {
    corrections: u32,
    next: Time,
}

/// An object that was put right before and is otherwise again: somebody else decides these fields too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The fields, and by whom; our own name stands for a webhook, which changes what we write as we write it.
    pub drift: Vec<Drift>,
    /// How often it was put right.
    pub corrections: u32,
    /// When it is put right next, if it is looked at then.
    pub next: Time,
}

impl Contests {
    /// Takes the corrections out of a plan that come too early, and says which objects are contested.
    pub fn handle_plan(&mut self, now: Time, plan: &mut TargetPlan) -> Vec<Contested> {
        let mut drifted: BTreeMap<ObjectKey, Vec<Drift>> = BTreeMap::new();
        for drift in &plan.drift {
            drifted.entry(drift.object.clone()).or_default().push(drift.clone());
        }
        // who leaves it alone for as long as we would have waited has given in
        self.0.retain(|key, contest| drifted.contains_key(key) || now < contest.next);
        let mut contested = Vec::new();
        for (object, drift) in drifted {
            let contest = self.0.entry(object.clone()).or_insert(Contest { corrections: 0, next: now });
            if now >= contest.next {
                let wait = FIRST.saturating_mul(1 << contest.corrections.min(16)).min(MOST);
                *contest = Contest { corrections: contest.corrections.saturating_add(1), next: now + wait };
            } else {
                let is_this = |command: &WriteCommand| match command {
                    WriteCommand::Update { object: other } => ObjectKey::of(other).as_ref() == Some(&object),
                    WriteCommand::Create { .. } | WriteCommand::Delete { .. } => false,
                };
                plan.commands.retain(|command| !is_this(command));
            }
            let Contest { corrections, next } = *contest;
            let is_first = corrections == 1 && next == now + FIRST;
            if !is_first {
                contested.push(Contested { drift, corrections, next });
            }
        }
        contested
    }

    /// When a correction that was withheld is due: look at the target again then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.0.values().map(|contest| contest.next).min()
    }
}
