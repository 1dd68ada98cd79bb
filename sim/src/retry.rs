//! When a client tries again: how often, after what pause, and within what budget.
//!
//! A client's retries are environment: they turn a short outage into a long
//! one. [`RetryPolicy`] is a value and decides one request; [`RetryBudget`]
//! limits the retries of one client over all its requests.
//!
//! Sources: Envoy's retry back-off (fully jittered, ten times the base at
//! most), Google's SRE book, chapter 22 (budgets, amplification through layers).

use core::time::Duration;

use crate::random::Stream;

/// How one request is retried.
///
/// ```
/// use core::time::Duration;
/// use sim::random::Seed;
/// use sim::retry::RetryPolicy;
///
/// let policy = RetryPolicy { retries: 2, ..RetryPolicy::NONE };
/// let mut stream = Seed(1).stream("client/1", "retry");
/// assert_eq!(policy.pause_after(1, &mut stream), Some(Duration::ZERO));
/// assert_eq!(policy.pause_after(2, &mut stream), Some(Duration::ZERO));
/// assert_eq!(policy.pause_after(3, &mut stream), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a failed request is tried again.
    pub retries: u32,
    /// Longest pause before the first retry; each further one may be twice as long.
    pub backoff: Duration,
    /// Longest pause at all.
    pub backoff_max: Duration,
    /// Whether a pause is drawn between zero and its longest, or is the longest.
    pub jitter: bool,
}

impl RetryPolicy {
    /// No retry.
    pub const NONE: Self =
        Self { retries: 0, backoff: Duration::ZERO, backoff_max: Duration::MAX, jitter: true };

    /// How long to wait after attempt number `attempt` (from 1) has failed; `None` to give up.
    ///
    /// Takes one number from the stream if there is a pause to draw.
    #[must_use]
    pub fn pause_after(&self, attempt: u32, stream: &mut Stream) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        // 2^63 times anything but zero is beyond the longest pause.
        let doublings = attempt.saturating_sub(1).min(63);
        let nanoseconds = self.backoff.as_nanos().saturating_mul(1 << doublings);
        let longest = nanoseconds.min(self.backoff_max.as_nanos());
        let longest = u64::try_from(longest).unwrap_or(u64::MAX);
        let drawn = self.jitter && longest > 0;
        Some(Duration::from_nanos(if drawn { stream.below(longest) } else { longest }))
    }
}

/// A client's allowance of retries: a share of its first attempts, saved up to a limit.
///
/// ```
/// use sim::retry::RetryBudget;
///
/// let mut budget = RetryBudget::new(0.2, 1);
/// assert!(budget.handle_retry(), "one is saved up at the start");
/// assert!(!budget.handle_retry());
/// for _ in 0..5 {
///     budget.handle_request();
/// }
/// assert!(budget.handle_retry(), "five requests pay for one retry");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// What one request adds, in units of 2^-20 retries.
    income: u64,
    saved: u64,
    limit: u64,
}

const ONE_RETRY: u64 = 1 << 20;

impl RetryBudget {
    /// `share` retries per request (0.2 is usual), at most `burst` saved up; begins full.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
    pub fn new(share: f64, burst: u32) -> Self {
        let limit = u64::from(burst) * ONE_RETRY;
        Self { income: libm::ceil(share * ONE_RETRY as f64) as u64, saved: limit, limit }
    }

    /// A first attempt is made.
    pub fn handle_request(&mut self) {
        self.saved = self.saved.saturating_add(self.income).min(self.limit);
    }

    /// A retry is wanted: whether the budget pays for it.
    pub fn handle_retry(&mut self) -> bool {
        let paid = self.saved.checked_sub(ONE_RETRY);
        self.saved = paid.unwrap_or(self.saved);
        paid.is_some()
    }
}

#[cfg(test)]
mod tests;
