//! Who is in which stage, and which stages nobody is in.
//!
//! A target belongs to the first stage that selects it. Whom no stage selects
//! comes last, one at a time and without a soak, for no stage says how long.
//!
//! A stage that selects nobody proves nothing, and it must not be taken for one
//! that did. One that does not pause is passed, which an [event](super::Event::EmptyStage)
//! says; then whoever is first goes alone, as somebody of that stage would have, and so it is where all of a stage
//! failed within the budget. One that pauses holds: an approval of it counts only where somebody before it is verified.

use std::fmt;

use crate::access_point::RolloutPolicy;
use crate::fleet::Target;
use crate::name::Name;

/// A stage that none of these targets is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptyStage {
    /// Its position in the policy.
    pub position: usize,
    /// Its name.
    pub name: Name,
    /// Why nobody is in it.
    pub cause: EmptyCause,
}

/// Why nobody is in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmptyCause {
    /// It selects nobody.
    SelectsNobody {
        /// Of how many.
        targets: usize,
    },
    /// An earlier stage has all that it selects.
    Taken {
        /// The first that has one of them.
        by: Name,
        /// Whether that one has more than it selects, so that the two could change places.
        is_narrower: bool,
    },
}

impl fmt::Display for EmptyStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.cause {
            EmptyCause::SelectsNobody { targets } => {
                write!(f, "stage {name} is empty: it selects none of the {targets} targets")
            }
            EmptyCause::Taken { by, .. } => {
                write!(f, "stage {name} is empty: stage {by} before it has all that it selects")
            }
        }
    }
}

/// The stages of a policy that nobody is in, in its order; none where there is no target at all.
#[must_use]
pub fn empty_stages(policy: &RolloutPolicy, targets: &[Target<'_>]) -> Vec<EmptyStage> {
    let stages = if targets.is_empty() { &[] } else { policy.stages.as_slice() };
    let stages = stages.iter().enumerate().filter_map(|(position, stage)| {
        let mut chosen = targets.iter().filter(|target| stage.targets.matches(target)).peekable();
        let cause = if chosen.peek().is_none() {
            EmptyCause::SelectsNobody { targets: targets.len() }
        } else {
            let firsts: Vec<usize> = chosen.map(|target| stage_of(policy, target)).collect();
            let by = *firsts.first().filter(|_| !firsts.contains(&position))?;
            // whoever goes first must leave something to those that had all of it
            let is_narrower = firsts.iter().all(|first| {
                let selects = |one: usize, target: &Target<'_>| policy.stages[one].targets.matches(target);
                targets.iter().any(|target| {
                    stage_of(policy, target) == *first
                        && selects(*first, target)
                        && !selects(position, target)
                })
            });
            EmptyCause::Taken { by: policy.stages[by].name.clone(), is_narrower }
        };
        Some(EmptyStage { position, name: stage.name.clone(), cause })
    });
    stages.collect()
}

/// The targets that no stage of a policy selects; none where it has no stages, so that nobody was forgotten.
pub fn without_stage<'a>(policy: &RolloutPolicy, targets: &[Target<'a>]) -> Vec<Target<'a>> {
    let last = policy.stages.len();
    let is_last = |target: &&Target<'a>| last > 0 && stage_of(policy, target) == last;
    targets.iter().filter(is_last).copied().collect()
}

/// The position of the first stage that selects a target; that of no stage is their number.
pub(super) fn stage_of(policy: &RolloutPolicy, target: &Target<'_>) -> usize {
    let position = policy.stages.iter().position(|stage| stage.targets.matches(target));
    position.unwrap_or(policy.stages.len())
}
