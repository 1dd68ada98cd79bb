//! What a rollout is told of a target: from what was found out about it, and whether that is news.
//!
//! The idea: a revision is proved by proxies that have it and by gates, and by nothing else. Addresses, names and
//! certificates are no part of one. A target that lacks them is not `Ready` to who reads the status, but a rollout that
//! waited for them would be held up by one name that a provider is slow to publish, and one host that an
//! authority refuses would return what is right.
//!
//! What follows from a report is the [`rollout`](crate::rollout)'s to say.

use super::{Entry, News, TargetFindings};
use crate::rollout::{TargetHealth, TargetReport};
use crate::time::Time;

impl TargetReport {
    /// What a rollout is told of a target by which this was found out, the same since `since`; `None` is no news, or
    /// news too old.
    ///
    /// It is ready while all proxies have the revision that is in its API server, and has failed while there is a
    /// [`failure`](TargetFindings::failure) of that. A revision that is none of ours counts as none.
    ///
    /// ```
    /// use mesh_model::api::RouteStatus;
    /// use mesh_model::render::Revision;
    /// use mesh_model::rollout::{TargetHealth, TargetReport};
    /// use mesh_model::status::TargetFindings;
    /// use mesh_model::time::Time;
    ///
    /// let revision = Revision([7; 32]);
    /// let has = Some(revision.to_string());
    /// let route = RouteStatus { applied: has.clone(), live: has };
    /// let mut findings = TargetFindings { route, ..TargetFindings::default() };
    /// let report = TargetReport::of(Some(&findings), Time::ZERO);
    /// assert_eq!((report.applied, report.health), (Some(revision), TargetHealth::Ready));
    /// findings.failure = Some("gate errors: more than 1% of requests fail".into());
    /// assert_eq!(TargetReport::of(Some(&findings), Time::ZERO).health, TargetHealth::Failed);
    /// assert_eq!(TargetReport::of(None, Time::ZERO).health, TargetHealth::Unknown);
    /// ```
    #[must_use]
    pub fn of(findings: Option<&TargetFindings>, since: Time) -> Self {
        let Some(TargetFindings { route, failure, .. }) = findings else {
            return Self { applied: None, health: TargetHealth::Unknown, since };
        };
        let applied = route.applied.as_deref().and_then(|text| text.parse().ok());
        let health = match (applied, failure) {
            (None, _) => TargetHealth::NotReady,
            (Some(_), Some(_)) => TargetHealth::Failed,
            (Some(_), None) if route.live == route.applied => TargetHealth::Ready,
            (Some(_), None) => TargetHealth::NotReady,
        };
        Self { applied, health, since }
    }

    /// The one of before, if it says the same: it has been so since then.
    fn or_before(self, before: Option<Self>) -> Self {
        before.filter(|before| Self { since: self.since, ..*before } == self).unwrap_or(self)
    }
}

/// What the rollout is told after a report.
pub(super) fn told(before: Option<&Entry>, report: &TargetFindings, news: News) -> TargetReport {
    let before = before.map(|before| before.told);
    match news {
        News::Heard(now) => TargetReport::of(Some(report), now).or_before(before),
        // nobody asks since when nothing is known
        News::None => TargetReport::of(None, before.map_or(Time::ZERO, |before| before.since)),
        News::Same => before.unwrap_or_else(|| TargetReport::of(None, Time::ZERO)),
    }
}
