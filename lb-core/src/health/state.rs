//! The states of a backend and the one function that says which follows.
//!
//! The transition is a plain function on values, so that every pair of state
//! and input is a row of one test table; timing is [`prober`](super::prober)'s.

use crate::config::BackendState;

/// What is known of a backend.
///
/// ```text
///             Enabled              first success
///  Disabled ----------> Unknown -----------------------> Up <-----------+
///     ^                    |                            |  ^            |
///     | Disabled           | first failure     failure, |  | success    |
///     | (from anywhere)    |                   doubt    v  |            |
///     |                    |                         Suspect{failures}  |
///     |                    v                            |               |
///     |                  Down <-------------------------+               |
///     |                  |  ^       fall failures in a row              |
///     |         success  v  | failure                                   |
///     |             Recovering{successes} ------------------------------+
///                                        rise successes in a row
/// ```
///
/// With `fall` 1 there is no stop in `Suspect` on a failure, with `rise` 1 none
/// in `Recovering`. From `Unknown` the first result decides (as in GLB and
/// Envoy): waiting for `rise` of them would only lengthen a cold start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthState {
    /// Taken out by hand: no checks, no new flows.
    Disabled,
    /// Out of service after `fall` failures, or after the first from `Unknown`.
    Down,
    /// Still out of service, with fewer than `rise` successes in a row.
    Recovering {
        /// Successes in a row, at least 1.
        successes: u32,
    },
    /// In service, with evidence against it.
    Suspect {
        /// Failed checks in a row; 0 after a passive doubt or an adoption.
        failures: u32,
    },
    /// Nothing known yet: checked, but without traffic.
    Unknown,
    /// In service.
    Up,
}

/// What may happen to a [`HealthState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Taken out by hand.
    Disabled,
    /// Flows gave reason to look closer, without being proof.
    Doubted,
    /// Put back by hand.
    Enabled,
    /// A check failed, or flows gave proof.
    Failed,
    /// A check succeeded.
    Succeeded,
}

impl HealthState {
    /// The state after `input`, with `rise` and `fall` consecutive results needed.
    ///
    /// ```
    /// use lb_core::health::{HealthState, Input};
    ///
    /// let suspect = HealthState::Up.after(Input::Failed, 2, 3);
    /// assert_eq!(suspect, HealthState::Suspect { failures: 1 });
    /// assert_eq!(suspect.after(Input::Succeeded, 2, 3), HealthState::Up);
    /// ```
    #[must_use]
    pub const fn after(self, input: Input, rise: u32, fall: u32) -> Self {
        match (self, input) {
            (Self::Disabled, Input::Enabled) => Self::Unknown,
            (Self::Disabled, Input::Disabled | Input::Doubted | Input::Failed | Input::Succeeded) => self,

            (Self::Unknown, Input::Disabled) => Self::Disabled,
            (Self::Unknown, Input::Doubted | Input::Enabled) => self,
            (Self::Unknown, Input::Failed) => Self::Down,
            (Self::Unknown, Input::Succeeded) => Self::Up,

            (Self::Up, Input::Disabled) => Self::Disabled,
            (Self::Up, Input::Doubted) => Self::Suspect { failures: 0 },
            (Self::Up, Input::Failed) => Self::failing(1, fall),
            (Self::Up, Input::Enabled | Input::Succeeded) => self,

            (Self::Suspect { .. }, Input::Disabled) => Self::Disabled,
            (Self::Suspect { .. }, Input::Doubted | Input::Enabled) => self,
            (Self::Suspect { failures }, Input::Failed) => Self::failing(failures.saturating_add(1), fall),
            (Self::Suspect { .. }, Input::Succeeded) => Self::Up,

            (Self::Down, Input::Disabled) => Self::Disabled,
            (Self::Down, Input::Doubted | Input::Enabled | Input::Failed) => self,
            (Self::Down, Input::Succeeded) => Self::succeeding(1, rise),

            (Self::Recovering { .. }, Input::Disabled) => Self::Disabled,
            (Self::Recovering { .. }, Input::Doubted | Input::Enabled) => self,
            (Self::Recovering { .. }, Input::Failed) => Self::Down,
            (Self::Recovering { successes }, Input::Succeeded) => {
                Self::succeeding(successes.saturating_add(1), rise)
            }
        }
    }

    const fn failing(failures: u32, fall: u32) -> Self {
        if failures >= fall { Self::Down } else { Self::Suspect { failures } }
    }

    const fn succeeding(successes: u32, rise: u32) -> Self {
        if successes >= rise { Self::Up } else { Self::Recovering { successes } }
    }

    /// Whether the backend is in service: it may get new flows.
    #[must_use]
    pub const fn in_service(self) -> bool {
        match self {
            Self::Up | Self::Suspect { .. } => true,
            Self::Disabled | Self::Down | Self::Recovering { .. } | Self::Unknown => false,
        }
    }

    /// What the state means for flows.
    ///
    /// `Disabled` drains, because a hand is not a failure; `Unknown` drains too,
    /// because nothing is removed on missing evidence.
    #[must_use]
    pub const fn traffic(self) -> BackendState {
        match self {
            Self::Up | Self::Suspect { .. } => BackendState::Active,
            Self::Disabled | Self::Unknown => BackendState::Drain,
            Self::Down | Self::Recovering { .. } => BackendState::Down,
        }
    }

    /// Whether the ordinary interval holds; in every other state the fast one does.
    pub(super) const fn is_settled(self) -> bool {
        match self {
            Self::Up => true,
            Self::Disabled | Self::Down | Self::Recovering { .. } | Self::Suspect { .. } | Self::Unknown => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
