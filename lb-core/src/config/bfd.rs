//! The node file's section `bfd`: how sessions with the peers that want one are timed.
//!
//! One set of values for all; which peers have a session is said in their own
//! section. Ranges are those of most routers (10 ms to a minute, 2 to 255), so
//! that what is written here can be written there. The machine is
//! [`bfd`](crate::bfd)'s.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::HumanDuration;
use super::{FieldPath, Step, text};
use crate::bfd::{Hops, SessionConfig};

/// The shortest interval: below, an ordinary host takes its own pauses for deaths.
const MIN_INTERVAL: HumanDuration = HumanDuration::from_nanos(10_000_000);
/// The longest interval.
const MAX_INTERVAL: HumanDuration = HumanDuration::from_nanos(60_000_000_000);
/// Interval where the file says none.
const INTERVAL: HumanDuration = HumanDuration::from_nanos(300_000_000);
/// Multiplier where the file says none: with the interval above, dead within 0.9 s.
const MULTIPLIER: u16 = 3;
/// Least TTL over several hops where the file says none: one router between.
const LEAST_TTL: u16 = 254;

/// How BFD sessions are timed.
///
/// ```
/// use core::time::Duration;
/// use lb_core::config::{BfdConfig, BfdFile};
///
/// let file: BfdFile = serde_saphyr::from_str("{ transmitInterval: 100ms, multiplier: 5 }")?;
/// let config = BfdConfig::try_from(file)?;
/// assert_eq!(config.session.desired_min_tx(), Duration::from_millis(100));
/// assert_eq!(config.session.required_min_rx(), Duration::from_millis(300));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BfdFile {
    /// Between own packets while up, 10ms to 1m; 300ms where left out. The peer may ask for less haste.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmit_interval: Option<HumanDuration>,
    /// The least time between the peer's packets, 10ms to 1m; 300ms where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_interval: Option<HumanDuration>,
    /// Packets that the other end may miss before it takes this one for dead, 2 to 255; 3 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<2, 255, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 255)))]
    pub multiplier: Option<u16>,
    /// Of peers over several hops: the least TTL with which their packets may
    /// arrive, 1 to 254 (255 less the routers between); 254 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, 254, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 254)))]
    pub minimum_ttl: Option<u16>,
}

/// The valid settings of BFD sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BfdConfig {
    /// Of every session.
    pub session: SessionConfig,
    /// The least TTL of packets that crossed routers, 1 to 254.
    pub least_ttl: u8,
}

impl BfdConfig {
    /// How far away a neighbour is, given whether its peer is configured as multihop.
    #[must_use]
    pub const fn hops(&self, multihop: bool) -> Hops {
        if multihop { Hops::Many { least_ttl: self.least_ttl } } else { Hops::One }
    }
}

/// A field of the section that cannot be, and why; displays as `multiplier: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BfdError {
    /// The field, from the section on.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: BfdProblem,
}

/// What is wrong with a field of the section `bfd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BfdProblem {
    /// An interval out of range, or finer than a microsecond.
    #[error("{interval} is not possible; write 10ms to 1m, in whole microseconds")]
    Interval {
        /// As written.
        interval: HumanDuration,
    },
    /// A multiplier out of range.
    #[error("{multiplier} is not possible; write 2 to 255 (3 is usual)")]
    Multiplier {
        /// As written.
        multiplier: u16,
    },
    /// A TTL out of range.
    #[error("{ttl} is not possible; write 1 to 254: 255 less the routers between")]
    MinimumTtl {
        /// As written.
        ttl: u16,
    },
}

impl TryFrom<BfdFile> for BfdConfig {
    type Error = BfdError;

    /// # Errors
    /// Names the first field that cannot be.
    fn try_from(file: BfdFile) -> Result<Self, BfdError> {
        let transmit = interval("transmitInterval", file.transmit_interval)?;
        let receive = interval("receiveInterval", file.receive_interval)?;
        let multiplier = file.multiplier.unwrap_or(MULTIPLIER);
        let Some(checked) = u8::try_from(multiplier).ok().filter(|multiplier| *multiplier >= 2) else {
            return Err(error("multiplier", BfdProblem::Multiplier { multiplier }));
        };
        let ttl = file.minimum_ttl.unwrap_or(LEAST_TTL);
        let Some(least_ttl) = u8::try_from(ttl).ok().filter(|ttl| (1..=254).contains(ttl)) else {
            return Err(error("minimumTtl", BfdProblem::MinimumTtl { ttl }));
        };
        let session = SessionConfig::new(transmit, receive, checked)
            .expect("10 ms to 1 min in whole microseconds and a multiplier of at least 2 are possible");
        Ok(Self { session, least_ttl })
    }
}

impl Default for BfdConfig {
    fn default() -> Self {
        Self::try_from(BfdFile::default()).expect("the defaults are within the bounds")
    }
}

fn interval(field: &'static str, interval: Option<HumanDuration>) -> Result<Duration, BfdError> {
    let interval = interval.unwrap_or(INTERVAL);
    if !(MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) || !interval.as_nanos().is_multiple_of(1_000) {
        return Err(error(field, BfdProblem::Interval { interval }));
    }
    Ok(interval.duration())
}

fn error(field: &'static str, problem: BfdProblem) -> BfdError {
    BfdError { path: FieldPath::new([Step::Field(field)]), problem }
}

#[cfg(test)]
mod tests;
