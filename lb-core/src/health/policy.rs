//! The valid settings of the health machines, made from a [`HealthFile`](super::HealthFile).

use core::time::Duration;

use super::passive::PassiveVerdict;
use crate::config::units::Share;

/// How one backend is checked and judged; see [`HealthFile`](super::HealthFile) for the fields.
///
/// ```
/// use core::time::Duration;
/// use lb_core::health::HealthFile;
///
/// let file: HealthFile = serde_saphyr::from_str("{ interval: 5s, fastInterval: 1s, timeout: 500ms, fall: 3 }")?;
/// let policy = file.backend_policy()?;
/// // Up to 5 s until a check meets the failure, two more at the fast pace, the last one's timeout.
/// assert_eq!(policy.detection_bound(), Duration::from_millis(5_000 + 2 * 1_000 + 500));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendPolicy {
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) interval: Duration,
    pub(super) fast_interval: Duration,
    pub(super) timeout: Duration,
    pub(super) jitter: Share,
    pub(super) start_within: Duration,
    pub(super) slow_start: Option<SlowStart>,
    pub(super) passive: Option<PassivePolicy>,
}

impl BackendPolicy {
    /// From a backend's failure to its fall, at the latest, if every check from
    /// then on runs into its timeout and results arrive at once.
    ///
    /// The failure may come just after a check was answered, so up to one
    /// ordinary interval passes until the first check that fails. The others
    /// follow at the fast pace, or at that of the timeout where it is longer.
    #[must_use]
    pub fn detection_bound(&self) -> Duration {
        let others = self.fast_interval.max(self.timeout).saturating_mul(self.fall - 1);
        self.interval.saturating_add(others).saturating_add(self.timeout)
    }

    /// Successes in a row that bring a failed backend back, at least 1.
    #[must_use]
    pub const fn rise(&self) -> u32 {
        self.rise
    }

    /// Failures in a row that take a backend out, at least 1.
    #[must_use]
    pub const fn fall(&self) -> u32 {
        self.fall
    }

    /// Start to start of two checks of a backend that is up.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Start to start of two checks in every other state.
    #[must_use]
    pub const fn fast_interval(&self) -> Duration {
        self.fast_interval
    }

    /// Whether a backend's weight grows step by step when it comes into service.
    #[must_use]
    pub const fn has_slow_start(&self) -> bool {
        self.slow_start.is_some()
    }

    /// How a weight grows when a backend comes into service, if not at once.
    #[must_use]
    pub const fn slow_start(&self) -> Option<SlowStart> {
        self.slow_start
    }

    /// The time a whole check may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// How a backend's weight grows when it comes into service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStart {
    pub(super) duration: Duration,
    pub(super) steps: u32,
    pub(super) from: Share,
}

/// What flows may say against a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassivePolicy {
    pub(super) threshold: u32,
    pub(super) within: Duration,
    pub(super) verdict: PassiveVerdict,
    pub(super) hold_min: Duration,
    pub(super) hold_max: Duration,
}

/// When a service stands; all marks are shares of its backends' weight in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServicePolicy {
    /// At least this keeps it up; 0 keeps it up with nothing, for a panic.
    pub(super) low: Mark,
    /// At least this brings it up, and out of a panic.
    pub(super) high: Share,
    /// Less than this is a panic; 0 for never.
    pub(super) panic: Share,
}

/// A level of weight in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Any backend with a weight (Seesaw without watermarks).
    Any,
    /// A share of the total weight.
    Share(Share),
}

impl Mark {
    /// Whether `in_service` out of `total` reaches the mark.
    pub(super) fn is_reached(self, in_service: u64, total: u64) -> bool {
        match self {
            Self::Any => in_service > 0,
            Self::Share(share) => is_reached(share, in_service, total),
        }
    }
}

/// Whether `part` of `whole` is at least `share`; of nothing, only no share is.
pub(super) fn is_reached(share: Share, part: u64, whole: u64) -> bool {
    if whole == 0 {
        return share == Share::ZERO;
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    part * u128::from(Share::ONE.billionths()) >= whole * u128::from(share.billionths())
}

/// This share of a duration, rounded down to the nanosecond.
pub(super) fn part_of(share: Share, duration: Duration) -> Duration {
    Duration::from_nanos(share.of(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}
