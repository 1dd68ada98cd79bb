//! A rollout played over recorded events: what a line says, and what is decided on it.
//!
//! One line of JSON is one event ([`RecordedSpec`](super::RecordedSpec)): `at` on the
//! controller's own clock (a duration since its start), `wall` on the wall's (as
//! before, plus what passed, if left out), `kind`, and what that kind needs. One
//! decision answers each line. Reading lines is the caller's work.

use std::time::Duration;

use serde::Serialize;

use super::{
    Apply, Approval, Awaited, Event, Happening, Phase, Proposal, Recorded, Rollout, TargetExplanation,
    TargetReport,
};
use crate::access_point::RolloutPolicy;
use crate::api::PlacementLevel;
use crate::fleet::{Fleet, Target};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::time::{Time, WallTime};
use crate::units::HumanDuration;

/// What was decided on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// When.
    pub at: HumanDuration,
    /// Where the rollout is afterwards.
    pub phase: Phase,
    /// What targets are given, in this order.
    pub apply: Vec<Apply>,
    /// What there is to tell.
    pub events: Vec<Event>,
    /// Why an approval, an abort or a resume did not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// When the rollout acts by itself if nothing happens before.
    pub next: Option<HumanDuration>,
}

/// Why a line cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayError {
    /// Before the line before.
    #[error("{at} is before {latest}, when the line before happened; put lines in order of time")]
    Backwards {
        /// When it claims to have happened.
        at: HumanDuration,
        /// When the line before did.
        latest: HumanDuration,
    },
    /// The first line has no date.
    #[error("the first line has no `wall`; write a date such as 2026-11-26T09:00:00Z")]
    NoWall,
    /// A target that the fleet does not have.
    #[error("no target {name} in the fleet{}", did_you_mean(nearest.as_deref()))]
    UnknownTarget {
        /// As written.
        name: Name,
        /// The target with the nearest name.
        nearest: Option<String>,
    },
}

/// A recording that is being played.
///
/// ```
/// # use mesh_model::access_point::RolloutPolicy;
/// # use mesh_model::api::PlacementLevel;
/// # use mesh_model::fleet::Fleet;
/// use mesh_model::rollout::{Phase, Play};
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: a }, spec: { region: r }"))?;
/// # let cluster = serde_saphyr::from_str(&frame("Cluster", "metadata: { name: a-1 }, spec: { zone: a }"))?;
/// # let fleet = Fleet::new(vec![zone], vec![cluster])?;
/// let mut play = Play::new(RolloutPolicy::default(), &fleet, PlacementLevel::Cluster);
/// let line = r#"{"at":"0s","wall":"2026-11-26T09:00:00Z","kind":"join","targets":["a-1"]}"#;
/// let decision = play.step(serde_json::from_str(line)?)?;
/// assert_eq!((decision.phase, decision.apply), (Phase::Settled, vec![]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Play<'a> {
    policy: RolloutPolicy,
    fleet: &'a Fleet,
    level: PlacementLevel,
    rollout: Rollout,
    clock: Option<Clock>,
}

/// The clocks of a recording after a line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The controller's, since its start.
    pub at: HumanDuration,
    /// The wall's.
    pub wall: WallTime,
}

impl Clock {
    /// The clocks after a line, given those after the line before.
    ///
    /// # Errors
    ///
    /// Time goes back, or nothing says what the date is.
    pub fn after(latest: Option<Self>, line: &Recorded) -> Result<Self, PlayError> {
        let at = line.at;
        let wall = match (latest, line.wall) {
            (Some(Self { at: latest, .. }), _) if at < latest => {
                return Err(PlayError::Backwards { at, latest });
            }
            (_, Some(wall)) => wall,
            (Some(latest), None) => latest.wall + (at.as_duration() - latest.at.as_duration()),
            (None, None) => return Err(PlayError::NoWall),
        };
        Ok(Self { at, wall })
    }
}

impl<'a> Play<'a> {
    /// A recording that begins with nothing known.
    #[must_use]
    pub fn new(policy: RolloutPolicy, fleet: &'a Fleet, level: PlacementLevel) -> Self {
        Self { rollout: Rollout::new(policy.clone()), policy, fleet, level, clock: None }
    }

    /// The rollout as it is now.
    #[must_use]
    pub const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Each target by name after the last line: what it has, and what it waits for.
    #[must_use]
    pub fn explain(&self) -> Vec<TargetExplanation> {
        self.clock.map(|clock| self.rollout.explain(clock.wall)).unwrap_or_default()
    }

    /// What the rollout as a whole waits for after the last line.
    #[must_use]
    pub fn awaited(&self) -> Option<Awaited> {
        self.rollout.awaited_now(self.clock?.wall)
    }

    /// Plays one line.
    ///
    /// # Errors
    ///
    /// The line cannot be; nothing changes then.
    pub fn step(&mut self, line: Recorded) -> Result<Decision, PlayError> {
        let clock = Clock::after(self.clock, &line)?;
        let (at, now) = (clock.at, Time::ZERO + clock.at.as_duration());
        let refused = self.happen(now, clock.wall, line.happening)?;
        self.clock = Some(clock);
        let next = self.rollout.poll_timeout().map(|time| since_start(time - Time::ZERO));
        Ok(Decision {
            at,
            phase: self.rollout.state().phase,
            apply: std::iter::from_fn(|| self.rollout.poll_transmit()).collect(),
            events: std::iter::from_fn(|| self.rollout.poll_event()).collect(),
            refused,
            next,
        })
    }

    fn happen(
        &mut self,
        now: Time,
        wall: WallTime,
        happening: Happening,
    ) -> Result<Option<String>, PlayError> {
        match happening {
            Happening::Abort { by } => {
                let result = self.rollout.handle_abort(now, wall, &by);
                return Ok(result.err().map(|idle| idle.to_string()));
            }
            Happening::Approval { hash, by } => {
                let result = self.rollout.handle_approval(now, wall, Approval { hash, by });
                return Ok(result.err().map(|refusal| refusal.to_string()));
            }
            Happening::Join { targets } => {
                let targets = self.targets(&targets)?;
                self.rollout.handle_targets(now, wall, &targets, &[]);
            }
            Happening::Leave { targets } => {
                self.targets(&targets)?;
                self.rollout.handle_targets(now, wall, &[], &targets);
            }
            Happening::Report { target, applied, health, since } => {
                self.target(&target)?;
                let since = since.map_or(now, |since| Time::ZERO + since.as_duration());
                let report = TargetReport { applied, health, since };
                self.rollout.handle_target_report(now, wall, &target, report);
            }
            Happening::Restart {} => {
                let targets: Vec<Target<'a>> = self.fleet.targets(self.level).collect();
                let state = self.rollout.state().clone();
                self.rollout = Rollout::restore(self.policy.clone(), state, &targets, now);
                self.rollout.handle_timeout(now, wall);
            }
            Happening::Resume { by } => {
                let result = self.rollout.handle_resume(now, wall, &by);
                return Ok(result.err().map(|idle| idle.to_string()));
            }
            Happening::Revision { revision, difference, author } => {
                let difference = difference.unwrap_or(revision);
                self.rollout.handle_revision(now, wall, Proposal { revision, difference, author });
            }
            Happening::Timeout {} => self.rollout.handle_timeout(now, wall),
        }
        Ok(None)
    }

    fn targets(&self, names: &[Name]) -> Result<Vec<Target<'a>>, PlayError> {
        names.iter().map(|name| self.target(name)).collect()
    }

    /// What the fleet does not have can never have joined: a slip of the pen, even where the rollout let it be.
    fn target(&self, name: &Name) -> Result<Target<'a>, PlayError> {
        let found = self.fleet.target(self.level, name.as_str());
        found.ok_or_else(|| {
            let known = self.fleet.targets(self.level).map(|target| target.name().as_str());
            let nearest = nearest(name.as_str(), known).map(str::to_owned);
            PlayError::UnknownTarget { nearest, name: name.clone() }
        })
    }
}

fn since_start(duration: Duration) -> HumanDuration {
    HumanDuration::from_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}
