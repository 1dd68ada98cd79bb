//! After a restart: what of a status is believed, how long, and how often its age is written for that.
//!
//! Nothing is known then but what the object shows, so its `freshAt` bears the age over: it is written with
//! every change, and where nothing changes once in ten limits, however often news comes. What is shown is
//! therefore at most ten limits older than what was heard, and restored news is believed until it is eleven
//! limits old, one of them from the restart at most. So a restart amid news writes nothing, one after a long
//! silence makes all `Unknown` at once, and no row of restarts keeps an old `Ready`: what it may last is counted
//! from `freshAt`, which no restart moves. A mark of the restart would have to be written by each; without
//! either a restart in a long calm and one after a long silence look the same.
//!
//! Unless something else is written that often anyhow, as a controller's Lease is. Whoever was shown `Ready` while
//! the controller was alive had been heard of within the limit before, so a limit after that nothing is
//! believed, however young it would be by its `freshAt`: after a longer silence of the controller all is `Unknown`
//! at once. What is shown without news is then at most one limit old, and one more for each restart meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use super::conditions::{self, Aspect};
use super::{Entry, StatusStore, StatusWrite, TargetFindings, Wanted, after};
use crate::api::{AccessPointStatus, Condition, ConditionStatus, TargetStatus};
use crate::rollout::TargetReport;
use crate::time::{Time, WallTime};

/// In how many limits `freshAt` is written where nothing else changes.
const LIMITS_TO_REFRESH: u32 = 10;

impl StatusStore {
    /// Goes on from what the object shows, so that a controller that restarts writes only what is new: what is
    /// to be written at once is whoever is `Unknown` now, and of whom something else is said by what is wanted now.
    ///
    /// What it shows is believed for the limit from `now`, and not after its `freshAt` is eleven limits before
    /// `wall` (why, says the module): whoever is not heard of until then becomes `Unknown`. A `freshAt` in the
    /// future counts as now, and who has none is not believed.
    ///
    /// `last_alive` is when a controller kept this status last, by the `renewTime` of its Lease; `None` if nobody
    /// knows. With it nothing is believed for longer than the limit from then. One in the future counts as now; one
    /// that is too early makes whoever is not heard of soon `Unknown` before it would have to be.
    ///
    /// Targets whose conditions are not those of this store are left out, and written when they are heard of.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mesh_model::api::{ConditionStatus, RouteStatus};
    /// # use mesh_model::status::{StatusStore, TargetFindings, Wanted};
    /// # use mesh_model::time::{Time, WallTime};
    /// let limit = Duration::from_secs(60);
    /// let start: WallTime = "2026-11-26T12:00:00Z".parse()?;
    /// let mut store = StatusStore::new(Wanted::default(), limit);
    /// # let route = RouteStatus { applied: Some("r1".into()), live: Some("r1".into()) };
    /// # let findings = TargetFindings { route, ..TargetFindings::default() };
    /// store.update(&"slc-a-1".parse()?, findings, Time::ZERO, start);
    /// let shown = store.status(None, 1);
    /// let ready_after = |down: u64, last_alive| {
    ///     let now = start + Duration::from_secs(down);
    ///     let (store, _) = StatusStore::restore(Wanted::default(), limit, &shown, Time::ZERO, now, last_alive);
    ///     store.roll_up()[0].status
    /// };
    /// assert_eq!(ready_after(300, None), ConditionStatus::True, "it may have been heard of once more");
    /// assert_eq!(ready_after(300, Some(start)), ConditionStatus::Unknown, "nobody was there to hear of it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn restore(
        wanted: Wanted,
        max_age: Duration,
        status: &AccessPointStatus,
        now: Time,
        wall: WallTime,
        last_alive: Option<WallTime>,
    ) -> (Self, Vec<StatusWrite>) {
        let mut store = Self::new(wanted, max_age);
        if let Some(shown) = conditions::all(&status.conditions) {
            store.shown = shown.to_vec();
        }
        let mut due: BTreeMap<usize, Time> = BTreeMap::new();
        for target in &status.targets {
            let Some(conditions) = conditions::all(&target.conditions) else { continue };
            let report = TargetFindings::shown_as(target, &conditions);
            let is_heard_of = conditions[0].status != ConditionStatus::Unknown;
            let fresh_at = target.fresh_at;
            let told = TargetReport::of(is_heard_of.then_some(&report), now);
            let entry = Entry { report, fresh_at, shown_fresh_at: fresh_at, conditions, told };
            // of one that is shown twice the last is what it is
            if let Some((slot, before)) = store.targets.remove(&target.name) {
                store.counts.remove(&before.conditions, slot);
                due.remove(&slot);
            }
            let slot = store.targets.take(&target.name);
            store.counts.add(&entry.conditions, slot);
            if is_heard_of {
                due.insert(slot, store.restored_due(fresh_at, now, wall, last_alive));
            }
            store.targets.put(slot, entry);
        }
        let mut due: Vec<(Time, usize)> = due.into_iter().map(|(slot, due)| (due, slot)).collect();
        due.sort_unstable();
        for (due, slot) in due {
            store.heard.insert(slot, due);
        }
        let mut writes = store.expire(now, wall);
        writes.extend(store.judge(wall));
        (store, writes)
    }

    /// How much older what is shown may be than what was heard.
    const fn lag(&self) -> Duration {
        self.max_age.saturating_mul(LIMITS_TO_REFRESH)
    }

    /// When news that was restored is too old.
    fn restored_due(
        &self,
        fresh_at: Option<WallTime>,
        now: Time,
        wall: WallTime,
        last_alive: Option<WallTime>,
    ) -> Time {
        // who has no `fresh_at` may be of any age
        let by_age = fresh_at
            .and_then(|fresh_at| self.lag().saturating_add(self.max_age).checked_sub(wall - fresh_at));
        let by_silence = self.max_age.checked_sub(wall - last_alive.unwrap_or(wall));
        by_age.zip(by_silence).map_or(now, |(one, two)| after(now, one.min(two)))
    }

    /// Whether what is shown is so much older than news, or later, that a restart would be misled.
    pub(super) fn is_lagging(&self, shown: Option<WallTime>, wall: WallTime) -> bool {
        shown.is_none_or(|shown| (wall - shown).max(shown - wall) >= self.lag())
    }
}

impl TargetFindings {
    /// What a target that is shown so said, as far as that is shown.
    fn shown_as(target: &TargetStatus, conditions: &[Condition; Aspect::ALL.len()]) -> Self {
        Self {
            vip: target.vip.clone(),
            vip_owner: target.vip_owner.clone(),
            fqdn: target.fqdn.clone(),
            certificate: target.certificate.clone(),
            route: target.route.clone().unwrap_or_default(),
            failure: conditions::failure(&conditions[Aspect::Route as usize]),
            observed_generation: conditions[0].observed_generation.unwrap_or_default(),
        }
    }
}
