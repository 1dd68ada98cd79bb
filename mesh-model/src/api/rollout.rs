//! How a change reaches the targets, as it is written.

use serde::{Deserialize, Serialize};

use super::TargetsSpec;
use super::fleet::is_false;
use crate::access_point::{Cron, TimeZone};
use crate::name::Name;
use crate::units::{Amount, HumanDuration};

/// The rollout policy: stages in order, and what happens when something fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutSpec {
    /// In this order. A target belongs to the first stage that chooses it; targets that none chooses are a last stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSpec>,
    /// What an approval needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalSpec>,
    /// How many targets may fail before the rollout stops, a number or a share of all. Default: 0.
    ///
    /// A target fails by its own word, or by not becoming ready within `progressDeadline`. One that was verified
    /// and is not ready any more, or not heard of, is no failure: a partition is no fault of the revision. It
    /// holds the rollout, which starts nothing and is not complete until that target is ready, fails by its own
    /// word or leaves, or until somebody aborts.
    ///
    /// As long as nobody has verified the revision, stages behind the first give it to one target at a time: a
    /// canary that fails within the budget has proved nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_budget: Option<Amount>,
    /// What happens when more than that fail. Default: pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// How long a target may take to become ready before it counts as failed. Default: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline: Option<HumanDuration>,
    /// When targets may be given a new revision; at any time where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<WindowSpec>>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageSpec {
    /// Its name.
    pub name: Name,
    /// Its targets; all that no stage before it chose where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetsSpec>,
    /// How many of it may be unverified at once: a number, or a share of the stage rounded down, at least 1. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<Amount>,
    /// How long a target must have been ready with the new revision before it is verified. Default: 0s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<HumanDuration>,
    /// Whether the rollout waits for an approval after this stage. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pause: bool,
}

/// What an approval needs; it is always bound to the hash of what is shown, as `diff` prints it.
///
/// The rollout's policy is no part of that, and an edit of it takes effect at once. But until a rollout that is
/// under way settles, no approval that was asked of it is spared it: neither four eyes nor a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalSpec {
    /// Whether it must come from somebody else than the author of the change; capital and small letters are one there. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub four_eyes: bool,
}

/// What happens when more targets failed than may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The rollout stops where it is and waits for somebody.
    #[default]
    Pause,
    /// All targets return to the revision that was complete last.
    Rollback,
}

/// When changes may be made: from each moment that `cron` names, for `duration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowSpec {
    /// When it opens: minute, hour, day of month, month, day of week.
    pub cron: Cron,
    /// How long it is open, up to 7d.
    pub duration: HumanDuration,
    /// Whose clock is meant, an IANA name. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
}
