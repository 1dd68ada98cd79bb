//! One target of a rollout: what it was given, and how far it has proved itself with that.
//!
//! Durations are kept, never points in time, so that a state outlives the
//! clock that measured it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::render::Revision;
use crate::time::Time;

/// What is known of a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetState {
    /// The position of its stage; that of the targets that no stage selects is the number of stages.
    pub stage: usize,
    /// What it was given last.
    pub given: Option<Revision>,
    /// What it said last that it has, since it was given that.
    pub applied: Option<Revision>,
    /// How far it has proved itself with what it was given.
    pub progress: Progress,
    /// The stages that pause and that it came behind since the rollout began, whatever the policy says by now.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub awaits: BTreeSet<Name>,
}

/// How far a target has proved itself with what it was given.
///
/// ```text
///              given a new revision        ready             ready for the soak
///  Held ──────────────────────────> Applying ───> Soaking ──────────────────────> Verified
///   ^                                 │   ^ not ready │                             │
///   │ given the completed revision    v   └───────────┘                             v
///   ├────────────────────────────── Failed <─── says so, or unready for too long ───┘
///   │ says that it has that         v   ^
///   └───────────────────────────── Returning
/// ```
///
/// What may run an unverified revision is `Returning` until it says that it has what it was given
/// instead: `Applying`, `Soaking` and `Failed` lead there, only `Verified` leads to `Held` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Progress {
    /// It was given a new revision and is not ready with it.
    Applying {
        /// How long it has been unready with it, in all.
        #[serde(with = "text")]
        unready: Duration,
        /// How long nothing has said that it is not ready.
        #[serde(with = "text")]
        quiet: Duration,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: FailureCause,
    },
    /// It has nothing to prove: it has the completed revision, or none of ours, or it failed and is to try again.
    Held,
    /// It was given the completed revision, or was found again, and may run an unverified one until it says otherwise.
    Returning {
        /// How long it has not said so.
        #[serde(with = "text")]
        unready: Duration,
    },
    /// It is ready with a new revision, for how long is being watched.
    Soaking {
        /// How long it has been unready with it, in all.
        #[serde(with = "text")]
        unready: Duration,
        /// How long it has been ready without a break.
        #[serde(with = "text")]
        soaked: Duration,
    },
    /// It was ready with a new revision for as long as its stage asks.
    Verified {
        /// Whether it is ready now; nothing is started while it is not.
        ready: bool,
    },
}

/// Why a target failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureCause {
    /// It was unready with the new revision for as long as the policy's progress deadline.
    Deadline,
    /// It said so.
    Reported,
    /// It did not say within the policy's progress deadline that it has what it was to return to.
    Unreturned,
}

/// What a target says, or what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetReport {
    /// The revision that it has; `None` if it has none of ours.
    pub applied: Option<Revision>,
    /// How it is with that.
    pub health: TargetHealth,
    /// Since when it is so with that; believed only where it is after the target was given
    /// this and last said otherwise. An older readiness counts from now on, and an older
    /// failure is taken for not ready yet: it is of what came before.
    pub since: Time,
}

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TargetHealth {
    /// It will not become ready with what it has: a health gate says no.
    Failed,
    /// It is not ready yet, or no longer.
    NotReady,
    /// It serves with what it has.
    Ready,
    /// There is no news of it, or news too old.
    Unknown,
}

/// What happens to a target's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// It failed with what it was given, and says since how long.
    Failed(Duration),
    /// It has what it was given, well or not.
    Has,
    /// It is not known to be ready with what it was given.
    NotReady,
    /// Time passed.
    Passed(Duration),
    /// It is ready with what it was given, and says since how long.
    Ready(Duration),
}

/// What a policy asks of a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    pub(super) soak: Duration,
    pub(super) deadline: Duration,
}

impl Progress {
    /// Freshly given a new revision.
    pub(super) const GIVEN: Self = Self::Applying { unready: Duration::ZERO, quiet: Duration::ZERO };

    /// Freshly returned from what nobody has verified.
    pub(super) const RETURNED: Self = Self::Returning { unready: Duration::ZERO };

    /// It failed to say that it returned.
    pub(super) const UNRETURNED: Self = Self::Failed { cause: FailureCause::Unreturned };

    /// It said that it failed.
    const REPORTED: Self = Self::Failed { cause: FailureCause::Reported };

    /// Whether it holds a slot: it runs or may run what is neither verified nor failed.
    #[must_use]
    pub const fn is_unverified(self) -> bool {
        matches!(self, Self::Applying { .. } | Self::Returning { .. } | Self::Soaking { .. })
    }

    /// Whether nothing more is awaited from it.
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Self::Verified { .. } | Self::Failed { .. })
    }

    /// The progress after a signal: the only place where a target's state is chosen by what it does.
    pub(super) fn next(self, signal: Signal, demands: Demands) -> Self {
        match (self, signal) {
            (Self::Held, Signal::Failed(_) | Signal::Has | Signal::NotReady) => self,
            (Self::Held, Signal::Passed(_) | Signal::Ready(_)) => self,
            (Self::Applying { .. } | Self::Soaking { .. } | Self::Verified { .. }, Signal::Has) => self,
            (Self::Returning { .. } | Self::UNRETURNED, Signal::Has) => Self::Held,
            (Self::Returning { .. }, Signal::Failed(_) | Signal::NotReady | Signal::Ready(_)) => self,
            (Self::Returning { unready }, Signal::Passed(elapsed)) => {
                let unready = unready.saturating_add(elapsed);
                if unready >= demands.deadline { Self::UNRETURNED } else { Self::Returning { unready } }
            }
            (Self::Failed { .. }, Signal::Failed(_) | Signal::Has | Signal::NotReady) => self,
            (Self::Failed { .. }, Signal::Passed(_) | Signal::Ready(_)) => self,
            (Self::Applying { unready, .. }, Signal::Failed(since)) => {
                // as with readiness: what is older than what it was given is of something else
                if since <= unready { Self::REPORTED } else { self.next(Signal::NotReady, demands) }
            }
            (Self::Soaking { unready, soaked }, Signal::Failed(since)) => {
                let given = unready.saturating_add(soaked);
                if since <= given { Self::REPORTED } else { self.next(Signal::NotReady, demands) }
            }
            (Self::Verified { .. }, Signal::Failed(_)) => Self::REPORTED,
            (Self::Applying { unready, .. }, Signal::NotReady) => {
                Self::Applying { unready, quiet: Duration::ZERO }
            }
            (Self::Applying { unready, quiet }, Signal::Passed(elapsed)) => {
                let (unready, quiet) = (unready.saturating_add(elapsed), quiet.saturating_add(elapsed));
                if unready >= demands.deadline {
                    return Self::Failed { cause: FailureCause::Deadline };
                }
                Self::Applying { unready, quiet }
            }
            (Self::Applying { unready, quiet }, Signal::Ready(since)) => {
                // a claim that is older than what it was given, or than what it said since, is of something else
                let soaked = if since <= quiet { since } else { Duration::ZERO };
                let soaking = Self::Soaking { unready: unready.saturating_sub(soaked), soaked };
                soaking.next(Signal::Passed(Duration::ZERO), demands)
            }
            (Self::Soaking { unready, .. }, Signal::NotReady) => {
                Self::Applying { unready, quiet: Duration::ZERO }
            }
            (Self::Soaking { unready, soaked }, Signal::Passed(elapsed)) => {
                let soaked = soaked.saturating_add(elapsed);
                if soaked >= demands.soak {
                    return Self::Verified { ready: true };
                }
                Self::Soaking { unready, soaked }
            }
            (Self::Soaking { .. }, Signal::Ready(_)) => self,
            (Self::Verified { .. }, Signal::NotReady) => Self::Verified { ready: false },
            (Self::Verified { .. }, Signal::Passed(_)) => self,
            (Self::Verified { .. }, Signal::Ready(_)) => Self::Verified { ready: true },
        }
    }

    /// How long until time alone changes it.
    pub(super) fn changes_in(self, demands: Demands) -> Option<Duration> {
        match self {
            Self::Applying { unready, .. } => Some(demands.deadline.saturating_sub(unready)),
            Self::Returning { unready } => Some(demands.deadline.saturating_sub(unready)),
            Self::Soaking { soaked, .. } => Some(demands.soak.saturating_sub(soaked)),
            Self::Failed { .. } | Self::Held | Self::Verified { .. } => None,
        }
    }
}

/// A duration as people write it, to the nanosecond.
mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::units::HumanDuration;

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        HumanDuration::from_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        HumanDuration::deserialize(deserializer).map(HumanDuration::as_duration)
    }
}
