//! What a resolver remembers: one name's answer, until its time to live is over.
//!
//! Resolver caches are environment: they are why clients keep coming after a
//! zone has left the DNS. A cache asks nobody; its owner carries the question
//! out and brings the answer back. Many clients behind one resolver share one
//! cache and one question at a time.
//!
//! Source: RFC 1035, RFC 2181 section 8 (TTL), RFC 8767 (serving stale data).

use core::time::Duration;

use lb_core::Time;

/// How a resolver bends the time to live it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolverPolicy {
    /// Shorter times to live are made this long.
    pub ttl_min: Duration,
    /// Longer times to live are cut to this; 7 days is what RFC 8767 recommends.
    pub ttl_max: Duration,
    /// How long after its end an answer may still be used while no new one is to be had.
    pub stale: Duration,
}

impl Default for ResolverPolicy {
    fn default() -> Self {
        Self { ttl_min: Duration::ZERO, ttl_max: Duration::from_secs(604_800), stale: Duration::ZERO }
    }
}

/// A resolver's cache for one name, with answers of type `A`.
///
/// ```
/// use core::time::Duration;
/// use lb_core::Time;
/// use sim::dns::{Lookup, ResolverCache, ResolverPolicy};
///
/// let mut cache = ResolverCache::new(ResolverPolicy::default());
/// assert_eq!(cache.handle_query(Time::ZERO), Lookup::Ask);
/// assert_eq!(cache.handle_query(Time::ZERO), Lookup::Wait);
/// cache.handle_answer(Time::from_secs(1), "192.0.2.1", Duration::from_secs(30));
/// assert_eq!(cache.handle_query(Time::from_secs(30)), Lookup::Answer(&"192.0.2.1"));
/// assert_eq!(cache.handle_query(Time::from_secs(31)), Lookup::Ask);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverCache<A> {
    policy: ResolverPolicy,
    /// The last answer and the first instant at which it is too old.
    held: Option<(A, Time)>,
    asking: bool,
}

/// What a resolver does about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a, A> {
    /// It answers from its cache.
    Answer(&'a A),
    /// It asks; the owner brings [`handle_answer`](ResolverCache::handle_answer) or
    /// [`handle_failure`](ResolverCache::handle_failure).
    Ask,
    /// It has asked already; the client waits for that answer.
    Wait,
}

impl<A> ResolverCache<A> {
    /// An empty cache.
    #[must_use]
    pub const fn new(policy: ResolverPolicy) -> Self {
        Self { policy, held: None, asking: false }
    }

    /// A client asks.
    pub fn handle_query(&mut self, now: Time) -> Lookup<'_, A> {
        match &self.held {
            Some((answer, end)) if now < *end => Lookup::Answer(answer),
            Some(_) | None if self.asking => Lookup::Wait,
            Some(_) | None => {
                self.asking = true;
                Lookup::Ask
            }
        }
    }

    /// The authority has answered.
    pub fn handle_answer(&mut self, now: Time, answer: A, ttl: Duration) {
        let ttl = ttl.max(self.policy.ttl_min).min(self.policy.ttl_max);
        self.held = Some((answer, now + ttl));
        self.asking = false;
    }

    /// The question was lost or refused; the next query asks again. The stale answer, if policy allows one.
    pub fn handle_failure(&mut self, now: Time) -> Option<&A> {
        self.asking = false;
        let (answer, end) = self.held.as_ref()?;
        (now < *end + self.policy.stale).then_some(answer)
    }

    /// Until when the held answer is good, if there is one; it may have passed.
    #[must_use]
    pub fn expires(&self) -> Option<Time> {
        self.held.as_ref().map(|&(_, end)| end)
    }
}

#[cfg(test)]
mod tests;
