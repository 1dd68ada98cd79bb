//! The rollout policy as a checked value; what follows it step by step is a machine of its own.

use std::time::Duration;

use super::{Cron, TargetSelection, TimeZone};
use crate::api::{FieldPath, OnFailure, Problem, RolloutSpec, SpecError, StageSpec, WindowSpec, repeated};
use crate::name::Name;
use crate::units::{Amount, HumanDuration, Share};

/// How long a target may take to become ready where the policy does not say.
const PROGRESS_DEADLINE: HumanDuration = HumanDuration::from_secs(600);
/// A window that is open longer than until it opens again the week after is always open.
const MAX_WINDOW: HumanDuration = HumanDuration::from_secs(7 * 86_400);

/// How a change reaches the targets.
///
/// A target belongs to the first stage that selects it; targets that no stage
/// selects come after all stages, one at a time. `default()` has no stages: so
/// all targets come one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutPolicy {
    /// In this order; no two have one name.
    pub stages: Vec<Stage>,
    /// Whether approvals must come from somebody else than the author of the change.
    pub four_eyes: bool,
    /// How many targets may fail before the rollout stops.
    pub failure_budget: Amount,
    /// What happens when more fail.
    pub on_failure: OnFailure,
    /// How long a target may take to become ready before it counts as failed.
    pub progress_deadline: Duration,
    /// When targets may be given a new revision; at any time if empty.
    pub windows: Vec<Window>,
}

/// One stage of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// Its targets, of those that no stage before it selects.
    pub targets: TargetSelection,
    /// How many of it may be unverified at once; a share is rounded down, and 1 is the least.
    pub max_concurrency: Amount,
    /// How long a target must have been ready with the new revision before it is verified.
    pub soak: Duration,
    /// Whether the rollout waits for an approval after it.
    pub pause: bool,
}

/// When changes may be made: from each moment that `cron` names, for `duration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub cron: Cron,
    /// How long it is open.
    pub duration: Duration,
    /// Whose clock is meant.
    pub time_zone: TimeZone,
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            stages: Vec::new(),
            four_eyes: false,
            failure_budget: Amount::Count(0),
            on_failure: OnFailure::Pause,
            progress_deadline: PROGRESS_DEADLINE.as_duration(),
            windows: Vec::new(),
        }
    }
}

/// Checks a policy as it is written at `path`.
pub(super) fn check(spec: RolloutSpec, path: &FieldPath) -> Result<RolloutPolicy, SpecError> {
    let default = RolloutPolicy::default();
    let at = path.field("stages");
    if let Some((position, first)) = repeated(spec.stages.iter().map(|stage| &stage.name)) {
        let name = spec.stages[first].name.to_string();
        return Err(at.item(position).field("name").wrong(Problem::Duplicate { name, first }));
    }
    let stage = |(position, stage)| self::stage(stage, &at.item(position));
    let stages = spec.stages.into_iter().enumerate().map(stage).collect::<Result<_, _>>()?;
    let mut windows = Vec::new();
    if let Some(specs) = spec.windows {
        if specs.is_empty() {
            return Err(path.field("windows").wrong(Problem::Empty));
        }
        for (position, window) in specs.into_iter().enumerate() {
            windows.push(self::window(window, &path.field("windows").item(position))?);
        }
    }
    let deadline = spec.progress_deadline.unwrap_or(PROGRESS_DEADLINE);
    positive(deadline, &path.field("progressDeadline"))?;
    Ok(RolloutPolicy {
        stages,
        four_eyes: spec.approval.unwrap_or_default().four_eyes,
        failure_budget: spec.failure_budget.unwrap_or(default.failure_budget),
        on_failure: spec.on_failure.unwrap_or_default(),
        progress_deadline: deadline.as_duration(),
        windows,
    })
}

fn stage(spec: StageSpec, path: &FieldPath) -> Result<Stage, SpecError> {
    let max_concurrency = spec.max_concurrency.unwrap_or(Amount::Count(1));
    if matches!(max_concurrency, Amount::Count(0) | Amount::Share(Share::NONE)) {
        let found = max_concurrency.to_string();
        return Err(path.field("maxConcurrency").wrong(Problem::Zero { found }));
    }
    Ok(Stage {
        name: spec.name,
        targets: TargetSelection::check(spec.targets.unwrap_or_default(), &path.field("targets"))?,
        max_concurrency,
        soak: spec.soak.unwrap_or_default().as_duration(),
        pause: spec.pause,
    })
}

fn window(spec: WindowSpec, path: &FieldPath) -> Result<Window, SpecError> {
    let at = path.field("duration");
    positive(spec.duration, &at)?;
    if spec.duration > MAX_WINDOW {
        return Err(at.wrong(Problem::TooLong { found: spec.duration, most: MAX_WINDOW }));
    }
    let time_zone = spec.time_zone.unwrap_or_default();
    Ok(Window { cron: spec.cron, duration: spec.duration.as_duration(), time_zone })
}

fn positive(duration: HumanDuration, path: &FieldPath) -> Result<(), SpecError> {
    if duration == HumanDuration::ZERO {
        return Err(path.wrong(Problem::Zero { found: duration.to_string() }));
    }
    Ok(())
}
