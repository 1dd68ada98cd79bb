//! The settings of a session, checked once.

use core::time::Duration;

/// How often a session speaks, how often it can listen, and when it gives up.
///
/// ```
/// use core::time::Duration;
/// use lb_core::bfd::SessionConfig;
///
/// let interval = Duration::from_millis(300);
/// let config = SessionConfig::new(interval, interval, 3)?;
/// assert_eq!(config.detect_multiplier(), 3);
/// assert!(SessionConfig::new(Duration::ZERO, interval, 3).is_err());
/// # Ok::<(), lb_core::bfd::SessionConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionConfig {
    desired_min_tx_us: u32,
    required_min_rx_us: u32,
    detect_multiplier: u8,
}

/// Why settings cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionConfigError {
    /// An interval that would spin, or that the wire cannot carry.
    #[error("an interval of {interval:?} is not possible; choose 1ms to 1h in whole microseconds")]
    Interval {
        /// As given.
        interval: Duration,
    },
    /// Death at the first packet that is not even late.
    #[error("a multiplier of 0 would mean death at once; choose 1 to 255")]
    Multiplier,
}

impl SessionConfig {
    /// The shortest interval, so that no session spins.
    pub const MIN_INTERVAL: Duration = Duration::from_millis(1);
    /// The longest interval; the wire carries a little more.
    pub const MAX_INTERVAL: Duration = Duration::from_secs(3_600);

    /// Settings from the wanted interval between own packets, the least interval
    /// between the neighbour's, and the packets that the neighbour may miss.
    ///
    /// # Errors
    ///
    /// An interval outside 1 ms to 1 h or finer than a microsecond, or a multiplier of 0.
    pub fn new(
        desired_min_tx: Duration,
        required_min_rx: Duration,
        detect_multiplier: u8,
    ) -> Result<Self, SessionConfigError> {
        if detect_multiplier == 0 {
            return Err(SessionConfigError::Multiplier);
        }
        Ok(Self {
            desired_min_tx_us: microseconds(desired_min_tx)?,
            required_min_rx_us: microseconds(required_min_rx)?,
            detect_multiplier,
        })
    }

    /// The wanted interval between own packets while up.
    #[must_use]
    pub const fn desired_min_tx(&self) -> Duration {
        Duration::from_micros(self.desired_min_tx_us as u64)
    }

    /// The least interval between the neighbour's packets.
    #[must_use]
    pub const fn required_min_rx(&self) -> Duration {
        Duration::from_micros(self.required_min_rx_us as u64)
    }

    /// Packets that the neighbour may miss before it gives up, at least 1.
    #[must_use]
    pub const fn detect_multiplier(&self) -> u8 {
        self.detect_multiplier
    }

    pub(super) const fn desired_min_tx_us(&self) -> u32 {
        self.desired_min_tx_us
    }

    pub(super) const fn required_min_rx_us(&self) -> u32 {
        self.required_min_rx_us
    }
}

impl Default for SessionConfig {
    /// 300 ms, 300 ms, 3: dead within 0.9 s, as FRR and most routers have it.
    fn default() -> Self {
        Self { desired_min_tx_us: 300_000, required_min_rx_us: 300_000, detect_multiplier: 3 }
    }
}

fn microseconds(interval: Duration) -> Result<u32, SessionConfigError> {
    let possible = SessionConfig::MIN_INTERVAL..=SessionConfig::MAX_INTERVAL;
    if !possible.contains(&interval) || !interval.subsec_nanos().is_multiple_of(1_000) {
        return Err(SessionConfigError::Interval { interval });
    }
    Ok(u32::try_from(interval.as_micros()).expect("an hour has fewer microseconds than a u32 holds"))
}
