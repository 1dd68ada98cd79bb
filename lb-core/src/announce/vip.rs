//! The states of a VIP's announcement and the one function that says which follows.
//!
//! A plain function on values, so that every pair of state and input is a row
//! of one test table; penalties are [`damping`](super::damping)'s, timing and
//! routes [`announcer`](super::announcer)'s.

/// How it stands with the announcement of one VIP.
///
/// ```text
///            stands                      Drain                 peers told
///  Unknown ----------> Announced -----------------> Withdrawing ---------> Draining
///     |                  |   ^                                                ^  |
///     | falls      falls |   | stands, or its                           Drain |  | delay
///     v                  v   | penalty is served                 (the others) |  v
///    Down <------------ Down/Suppressed --------------------------------------+ Drained
///              falls         stands, but damped
/// ```
///
/// `Undrain` leads from the right-hand side back to what the services say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VipState {
    /// Announced.
    Announced,
    /// Not announced: it does not stand.
    Down,
    /// Not announced: nothing more arrives, and its backends may be taken away.
    Drained,
    /// Withdrawn for a drain: what is under way may still arrive.
    Draining,
    /// Not announced: it stands, but fell too often of late.
    Suppressed,
    /// Not announced: not enough is known of its services yet.
    Unknown,
    /// To be drained: the withdrawal is on its way to the peers.
    Withdrawing,
}

/// What a VIP's services, and its past, amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It stands, but its penalty is not served.
    Damped,
    /// It does not stand.
    Falls,
    /// It stands.
    Stands,
    /// Not enough is known.
    Unknown,
}

/// What may happen to a [`VipState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The withdrawal was handed to all peers that had the route.
    Acknowledged,
    /// It is to be drained.
    Drain,
    /// The drain delay is over.
    Elapsed,
    /// What the services amount to now.
    Judged(Verdict),
    /// It is no longer to be drained; what the services amount to.
    Undrain(Verdict),
}

impl VipState {
    /// The state after `input`.
    ///
    /// ```
    /// use lb_core::announce::{Input, Verdict, VipState};
    ///
    /// assert_eq!(VipState::Unknown.after(Input::Judged(Verdict::Stands)), VipState::Announced);
    /// // Nothing is withdrawn on missing evidence.
    /// assert_eq!(VipState::Announced.after(Input::Judged(Verdict::Unknown)), VipState::Announced);
    /// assert_eq!(VipState::Announced.after(Input::Drain), VipState::Withdrawing);
    /// ```
    #[must_use]
    pub const fn after(self, input: Input) -> Self {
        match (self, input) {
            (Self::Announced, Input::Judged(verdict) | Input::Undrain(verdict)) => match verdict {
                // Damping holds back an announcement; it takes none away.
                Verdict::Damped | Verdict::Stands | Verdict::Unknown => self,
                Verdict::Falls => Self::Down,
            },
            (Self::Announced, Input::Drain) => Self::Withdrawing,
            (Self::Announced, Input::Acknowledged | Input::Elapsed) => self,

            (
                Self::Down | Self::Suppressed | Self::Unknown,
                Input::Judged(verdict) | Input::Undrain(verdict),
            ) => self.judged(verdict),
            // A withdrawal may have been told only just now.
            (Self::Down | Self::Suppressed | Self::Unknown, Input::Drain) => Self::Draining,
            (Self::Down | Self::Suppressed | Self::Unknown, Input::Acknowledged | Input::Elapsed) => self,

            (Self::Withdrawing, Input::Acknowledged) => Self::Draining,
            (Self::Withdrawing, Input::Drain | Input::Elapsed | Input::Judged(_)) => self,
            (Self::Draining, Input::Elapsed) => Self::Drained,
            (Self::Draining, Input::Acknowledged | Input::Drain | Input::Judged(_)) => self,
            (Self::Drained, Input::Acknowledged | Input::Drain | Input::Elapsed | Input::Judged(_)) => self,
            (Self::Withdrawing | Self::Draining | Self::Drained, Input::Undrain(verdict)) => {
                Self::Unknown.judged(verdict)
            }
        }
    }

    /// From a state that is not announced to what the services say.
    const fn judged(self, verdict: Verdict) -> Self {
        match verdict {
            Verdict::Damped => Self::Suppressed,
            Verdict::Falls => Self::Down,
            Verdict::Stands => Self::Announced,
            Verdict::Unknown => self,
        }
    }

    /// Whether it is on its way to being drained, or is.
    #[must_use]
    pub const fn is_draining(self) -> bool {
        match self {
            Self::Withdrawing | Self::Draining | Self::Drained => true,
            Self::Announced | Self::Down | Self::Suppressed | Self::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests;
