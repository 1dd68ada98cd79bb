//! The node file's section `bfd`: how sessions with the peers that want one are timed.
//!
//! One set of values for all, and named profiles for those that need others;
//! which peer has a session, and of which profile, is said with the peer.
//! Ranges are those of most routers (10 ms to a minute, 2 to 255), so that what
//! is written here can be written there. The machine is [`bfd`](crate::bfd)'s.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::HumanDuration;
use super::{FieldPath, text};
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
/// let file: BfdFile = serde_saphyr::from_str(
///     "{ multiplier: 5, profiles: [{ name: fast, transmitInterval: 50ms, receiveInterval: 50ms }] }",
/// )?;
/// let config = BfdConfig::try_from(file)?;
/// let fast = config.profile("fast").expect("it is there");
/// assert_eq!(fast.session.desired_min_tx(), Duration::from_millis(50));
/// assert_eq!(fast.session.detect_multiplier(), 5, "what a profile leaves out is as for all");
/// assert!(config.profile("fats").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "How BFD sessions are timed."))]
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
    /// Other values under a name: a peer with `bfd: NAME` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<BfdProfileFile>,
}

/// Values under a name; what is left out is as for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BfdProfileFile {
    /// Its name, for peers; not `default`.
    pub name: String,
    /// Between own packets while up, 10ms to 1m; as for all where left out. The peer may ask for less haste.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmit_interval: Option<HumanDuration>,
    /// The least time between the peer's packets, 10ms to 1m; as for all where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_interval: Option<HumanDuration>,
    /// Packets that the other end may miss before it takes this one for dead, 2 to 255; as for all where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<2, 255, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 255)))]
    pub multiplier: Option<u16>,
    /// Of peers over several hops: the least TTL with which their packets may
    /// arrive, 1 to 254 (255 less the routers between); as for all where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, 254, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 254)))]
    pub minimum_ttl: Option<u16>,
}

/// The valid settings of BFD sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdConfig {
    profiles: BTreeMap<String, BfdProfile>,
}

/// The valid settings of one profile's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BfdProfile {
    /// The machine's.
    pub session: SessionConfig,
    /// The least TTL of packets that crossed routers, 1 to 254.
    pub least_ttl: u8,
}

impl BfdConfig {
    /// The name of the profile that the section's own fields are.
    pub const DEFAULT: &'static str = "default";

    /// The profile of this name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&BfdProfile> {
        self.profiles.get(name)
    }
}

impl BfdProfile {
    /// How far away a neighbour is, given whether routers may be between.
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
    /// A name that is none, or taken.
    #[error(
        "empty, or the name of an earlier profile (or `default`, which the section's own fields are); write another"
    )]
    Name,
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
        let top = FieldPath::default();
        let common = Fields {
            transmit_interval: file.transmit_interval.unwrap_or(INTERVAL),
            receive_interval: file.receive_interval.unwrap_or(INTERVAL),
            multiplier: file.multiplier.unwrap_or(MULTIPLIER),
            minimum_ttl: file.minimum_ttl.unwrap_or(LEAST_TTL),
        };
        let mut profiles = BTreeMap::from([(Self::DEFAULT.into(), common.check(&top)?)]);
        for (position, profile) in file.profiles.into_iter().enumerate() {
            let path = top.field("profiles").item(position);
            let own = Fields {
                transmit_interval: profile.transmit_interval.unwrap_or(common.transmit_interval),
                receive_interval: profile.receive_interval.unwrap_or(common.receive_interval),
                multiplier: profile.multiplier.unwrap_or(common.multiplier),
                minimum_ttl: profile.minimum_ttl.unwrap_or(common.minimum_ttl),
            };
            let checked = own.check(&path)?;
            if profile.name.is_empty() || profiles.insert(profile.name, checked).is_some() {
                return Err(BfdError { path: path.field("name"), problem: BfdProblem::Name });
            }
        }
        Ok(Self { profiles })
    }
}

impl Default for BfdConfig {
    fn default() -> Self {
        Self::try_from(BfdFile::default()).expect("the defaults are within the bounds")
    }
}

/// What a profile is made of, complete.
#[derive(Clone, Copy)]
struct Fields {
    transmit_interval: HumanDuration,
    receive_interval: HumanDuration,
    multiplier: u16,
    minimum_ttl: u16,
}

impl Fields {
    fn check(self, path: &FieldPath) -> Result<BfdProfile, BfdError> {
        let error = |field, problem| BfdError { path: path.field(field), problem };
        let interval = |field, value| interval(value).map_err(|problem| error(field, problem));
        let transmit = interval("transmitInterval", self.transmit_interval)?;
        let receive = interval("receiveInterval", self.receive_interval)?;
        let Some(multiplier) = u8::try_from(self.multiplier).ok().filter(|multiplier| *multiplier >= 2)
        else {
            return Err(error("multiplier", BfdProblem::Multiplier { multiplier: self.multiplier }));
        };
        let Some(least_ttl) = u8::try_from(self.minimum_ttl).ok().filter(|ttl| (1..=254).contains(ttl))
        else {
            return Err(error("minimumTtl", BfdProblem::MinimumTtl { ttl: self.minimum_ttl }));
        };
        let session = SessionConfig::new(transmit, receive, multiplier)
            .expect("10 ms to 1 min in whole microseconds and a multiplier of at least 2 are possible");
        Ok(BfdProfile { session, least_ttl })
    }
}

fn interval(interval: HumanDuration) -> Result<Duration, BfdProblem> {
    if !(MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) || !interval.as_nanos().is_multiple_of(1_000) {
        return Err(BfdProblem::Interval { interval });
    }
    Ok(interval.duration())
}

#[cfg(test)]
mod tests;
