//! Where a rollout is, and what leads from where to where.

use serde::{Deserialize, Serialize};

/// Where a rollout is.
///
/// ```text
///             Proposed                GateReached
///  Settled ─────────────> Progressing ───────────> Waiting
///     ^  <──── Finished ────┘ ^   │  <─ Approved, WorkFound ─┘
///     │                Resume │   │ Stop            │
///     │                       │   v                 v
///     │                       └─ Stopped <──────────┤ Stop
///     │                       │   │ Return          │
///     │ Reverted              │   v                 v
///     └── from anywhere       └─ RollingBack <──────┘ Return
///                             │   │ Returned
///         Proposed leads from │   v
///         anywhere here ──────└─ RolledBack
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The stages are under way.
    Progressing,
    /// All targets have the completed revision again; the proposed one waits for somebody to resume it.
    RolledBack,
    /// All targets are returned to the completed revision.
    RollingBack,
    /// There is nothing to do: the proposed revision is the completed one, or none was proposed.
    #[default]
    Settled,
    /// Nothing is started until somebody resumes or aborts.
    Stopped,
    /// A stage that pauses is done, and nobody has approved of what follows.
    Waiting,
}

/// What happens to a rollout as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Somebody approved of what was shown.
    Approved,
    /// Every target of every stage is done, and no approval is missing.
    Finished,
    /// All is done up to a stage that pauses.
    GateReached,
    /// A revision that is not the completed one.
    Proposed,
    /// Somebody lets it go on, or begin again.
    Resume,
    /// Somebody, or the failure budget, wants the completed revision back.
    Return,
    /// Every target says that it has the completed revision.
    Returned,
    /// The completed revision is wanted.
    Reverted,
    /// Somebody, or the failure budget, wants nothing to be started.
    Stop,
    /// Before the stage that pauses, a target is not done after all: it joined.
    WorkFound,
}

impl Phase {
    /// The phase after an input: the only place where one is chosen.
    pub(super) const fn next(self, input: Input) -> Self {
        match (self, input) {
            (_, Input::Proposed) => Self::Progressing,
            (_, Input::Reverted) => Self::Settled,
            (Self::Settled, Input::Approved | Input::Finished | Input::GateReached) => self,
            (Self::Settled, Input::Resume | Input::Return | Input::Returned) => self,
            (Self::Settled, Input::Stop | Input::WorkFound) => self,
            (Self::Progressing, Input::Finished) => Self::Settled,
            (Self::Progressing, Input::GateReached) => Self::Waiting,
            (Self::Progressing, Input::Return) => Self::RollingBack,
            (Self::Progressing, Input::Stop) => Self::Stopped,
            (Self::Progressing, Input::Approved | Input::Resume) => self,
            (Self::Progressing, Input::Returned | Input::WorkFound) => self,
            (Self::Waiting, Input::Approved | Input::WorkFound) => Self::Progressing,
            (Self::Waiting, Input::Return) => Self::RollingBack,
            (Self::Waiting, Input::Stop) => Self::Stopped,
            (Self::Waiting, Input::Finished | Input::GateReached) => self,
            (Self::Waiting, Input::Resume | Input::Returned) => self,
            (Self::Stopped, Input::Resume) => Self::Progressing,
            (Self::Stopped, Input::Return) => Self::RollingBack,
            (Self::Stopped, Input::Approved | Input::Finished | Input::GateReached) => self,
            (Self::Stopped, Input::Returned | Input::Stop | Input::WorkFound) => self,
            (Self::RollingBack, Input::Resume) => Self::Progressing,
            (Self::RollingBack, Input::Returned) => Self::RolledBack,
            (Self::RollingBack, Input::Approved | Input::Finished | Input::GateReached) => self,
            (Self::RollingBack, Input::Return | Input::Stop | Input::WorkFound) => self,
            (Self::RolledBack, Input::Resume) => Self::Progressing,
            (Self::RolledBack, Input::Approved | Input::Finished | Input::GateReached) => self,
            (Self::RolledBack, Input::Return | Input::Returned) => self,
            (Self::RolledBack, Input::Stop | Input::WorkFound) => self,
        }
    }
}
