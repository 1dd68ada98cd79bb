//! Passive evidence: what flows say of a backend beside what checks say.
//!
//! A direct-return balancer sees one direction, so its evidence is thin: a SYN
//! that nothing followed, a reset from a client. A stranger can forge both (a
//! SYN flood is nothing but SYNs that nothing follows), so the default verdict
//! is a doubt that brings the next check forward to the fast pace, and only a fleet that trusts
//! its clients lets it count as a failure. Then the backend is also held down
//! for a time that doubles with each such fall and halves with each as long a
//! time in service, as in DPVS: checks alone would bring it straight back.

use core::time::Duration;

use super::policy::PassivePolicy;
use crate::time::Time;

/// What a flow said of its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observation {
    /// The client went on talking as one does after an answer: a proof of life.
    Answered,
    /// The connection was reset before it was of use. A director never says so (a
    /// backend's reset goes straight to the client); who sees answers may.
    Reset,
    /// A SYN (or its repetitions) led to nothing.
    SynUnanswered,
}

/// What enough bad observations amount to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PassiveVerdict {
    /// A doubt: checks follow at the fast pace until one succeeds.
    #[default]
    Doubt,
    /// As much as a failed check.
    Failure,
}

/// The bad observations of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    since: Time,
    bad: u32,
    /// How often the hold-down has doubled.
    level: u32,
    held_until: Time,
}

impl Evidence {
    /// Counts an observation; `true` when the policy's threshold is reached,
    /// whereupon counting starts again.
    pub(super) fn observe(&mut self, now: Time, policy: &PassivePolicy, observation: Observation) -> bool {
        match observation {
            Observation::Answered => {
                self.bad = 0;
                false
            }
            Observation::Reset | Observation::SynUnanswered => self.count(now, policy),
        }
    }

    fn count(&mut self, now: Time, policy: &PassivePolicy) -> bool {
        if self.bad == 0 || now.saturating_since(self.since) > policy.within {
            self.bad = 0;
            self.since = now;
        }
        self.bad += 1;
        let enough = self.bad >= policy.threshold;
        if enough {
            self.bad = 0;
        }
        enough
    }

    /// Notes a fall on this evidence after `in_service` of service.
    pub(super) fn hold_down(&mut self, now: Time, policy: &PassivePolicy, in_service: Duration) {
        let mut quiet = in_service;
        while self.level > 0 && quiet >= policy.hold(self.level) {
            quiet -= policy.hold(self.level);
            self.level -= 1;
        }
        let hold = policy.hold(self.level);
        self.held_until = now + hold;
        if hold < policy.hold_max {
            self.level += 1;
        }
    }

    /// Whether successes do not count yet.
    pub(super) fn holds(&self, now: Time) -> bool {
        now < self.held_until
    }

    /// Forgets everything: a hand has intervened.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl PassivePolicy {
    /// The hold-down after `level` doublings.
    fn hold(&self, level: u32) -> Duration {
        let factor = 1_u32.checked_shl(level).unwrap_or(u32::MAX);
        self.hold_min.saturating_mul(factor).min(self.hold_max)
    }
}
