//! The node file's section `announce`: which VIPs are announced, how, and what a drain waits for.
//!
//! When a service stands is said in its own `health`; to whom routes are told,
//! in `bgp`. The machine is [`announce`](crate::announce)'s.

use alloc::collections::BTreeMap;
#[cfg(feature = "schema")]
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::text;
use super::units::HumanDuration;
use super::{AnyCommunity, FieldPath, Prefix, Step};
use crate::announce::{Aggregate, AnnounceConfig, Damping, DampingError, Policy, VipConfig};
use crate::bgp::Route;

/// The longest delay of a drain: an hour is more than any network needs.
const MAX_DRAIN_DELAY: HumanDuration = seconds(3_600);
/// Drain delay where the file says none: BGP converges in less in all but the largest networks.
const DRAIN_DELAY: HumanDuration = seconds(5);
/// The time in which a penalty halves, where the file says none.
const HALF_LIFE: HumanDuration = seconds(60);
/// The penalty from which a VIP is held back, where the file says none: a third fall in a row.
const SUPPRESS: u32 = 2_000;
/// The penalty under which it is announced again, where the file says none (the usual figure).
const REUSE: u32 = 750;
/// The longest that it is held back, where the file says none.
const MAX_SUPPRESS: HumanDuration = seconds(300);
/// The longest half-life and suppression.
const MAX_DAMPING: HumanDuration = seconds(86_400);
/// The longest that a path is made (as BGP speakers have it).
const MAX_PREPEND: u32 = 32;

const fn seconds(seconds: u64) -> HumanDuration {
    HumanDuration::from_nanos(seconds * 1_000_000_000)
}

/// How VIPs are announced.
///
/// ```
/// use lb_core::announce::{AnnounceConfig, Policy};
/// use lb_core::config::AnnounceFile;
///
/// let file: AnnounceFile = serde_saphyr::from_str(
///     "
/// drainDelay: 10s
/// communities: ['64512:100', '64512:1:2']
/// vips: [{ vip: 203.0.113.10, policy: all, med: 50 }]
/// ",
/// )?;
/// let config = AnnounceConfig::try_from(file)?;
/// assert_eq!(config.policy, Policy::Any);
/// assert_eq!(config.vips[&"203.0.113.10".parse()?].policy, Some(Policy::All));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "How VIPs are announced."))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnnounceFile {
    /// When a VIP of several services stands: `any` of them suffices (where left out), or `all` must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// From a withdrawal to the drain of what it was for, up to 1h; 5s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_delay: Option<HumanDuration>,
    /// How flapping VIPs are held back; with the values below where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damping: Option<DampingFile>,
    /// Communities of all routes: `64512:100`, large ones `64512:1:2`, `no-export`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<AnyCommunity>,
    /// `MULTI_EXIT_DISC` of all routes; the peer's where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, { u32::MAX as u64 }, _, _>"
    )]
    pub med: Option<u32>,
    /// Prefixes that are announced while a VIP in them is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<AggregateFile>,
    /// What is otherwise for single VIPs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vips: Vec<VipFile>,
}

/// How flapping VIPs are held back: each fall costs a penalty of 1000, which halves with time (RFC 2439).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DampingFile {
    /// Whether they are held back at all; they are where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The time in which a penalty halves, 1s to 24h; 1m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life: Option<HumanDuration>,
    /// The penalty from which a VIP is not announced again; 2000 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<2, 1_000_000, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 1_000_000)))]
    pub suppress: Option<u32>,
    /// The penalty under which it is; 750 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, 1_000_000, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub reuse: Option<u32>,
    /// The longest time from the last fall to the next announcement, up to 24h; 5m where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_suppress: Option<HumanDuration>,
}

/// A prefix that is announced while a VIP in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AggregateFile {
    /// The prefix, such as 203.0.113.0/24; shorter than a host's.
    pub prefix: Prefix,
    /// Announce it without the VIPs in it. It attracts traffic for all of them
    /// while one stands; they are announced beside it where left out.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub only: bool,
}

/// What is otherwise for one VIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VipFile {
    /// The VIP, one of the services'.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "ip")))]
    pub vip: IpAddr,
    /// Whether it is announced; it is where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<bool>,
    /// When it stands; as for all where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Its route's communities instead of those of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communities: Option<Vec<AnyCommunity>>,
    /// Its route's `MULTI_EXIT_DISC`; as for all where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, { u32::MAX as u64 }, _, _>"
    )]
    pub med: Option<u32>,
    /// How often our number stands in its path more than it must, up to 32.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, 32, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(max = 32)))]
    pub prepend: Option<u32>,
}

/// A field of the section that cannot be, and why; displays as `vips[0].vip: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct AnnounceError {
    /// The field, from the section on.
    pub path: FieldPath,
    /// What is wrong with it, and what would be right.
    pub problem: AnnounceProblem,
}

/// What is wrong with a field of the section `announce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceProblem {
    /// A prefix that holds one address: that is what VIPs are announced as anyway.
    #[error("{prefix} is no aggregate; write a shorter prefix such as 203.0.113.0/24")]
    AggregateHost {
        /// As written.
        prefix: IpNet,
    },
    /// A duration out of range.
    #[error("{duration} is not possible; write {min} to {max}")]
    Duration {
        /// As written.
        duration: HumanDuration,
        /// The least.
        min: HumanDuration,
        /// The greatest.
        max: HumanDuration,
    },
    /// Written twice.
    #[error("already written at position {first} (from 0); remove one of the two")]
    Duplicate {
        /// Position of the first.
        first: usize,
    },
    /// The longest suppression is shorter than any.
    #[error("a penalty takes {least} from suppress to reuse; write that or more, or a shorter halfLife")]
    MaxSuppressShort {
        /// The least that will do, in whole seconds.
        least: HumanDuration,
    },
    /// A path out of proportion.
    #[error("{prepend} times is not possible; write 0 to 32")]
    Prepend {
        /// As written.
        prepend: u32,
    },
    /// The marks are not in order.
    #[error("not under suppress ({suppress}); the order is 0 < reuse < suppress <= 1000000")]
    ReuseOrder {
        /// The other mark.
        suppress: u32,
    },
}

impl TryFrom<AnnounceFile> for AnnounceConfig {
    type Error = AnnounceError;

    /// # Errors
    /// Names the first field that cannot be.
    fn try_from(file: AnnounceFile) -> Result<Self, AnnounceError> {
        let top = FieldPath::default();
        let drain_delay = file.drain_delay.unwrap_or(DRAIN_DELAY);
        let drain_delay = within(drain_delay, HumanDuration::ZERO, MAX_DRAIN_DELAY)
            .map_err(|wrong| at(&top, "drainDelay", wrong))?;
        let damping = damping(file.damping.unwrap_or_default(), &top.field("damping"))?;
        let route = Route { med: file.med, ..with_communities(&file.communities) };
        let mut aggregates: Vec<Aggregate> = Vec::with_capacity(file.aggregates.len());
        for (position, aggregate) in file.aggregates.iter().enumerate() {
            let wrong = |problem| at(&top.field("aggregates").item(position), "prefix", problem);
            let prefix = checked_prefix(aggregate.prefix.0).map_err(wrong)?;
            if let Some(first) = aggregates.iter().position(|known| known.prefix == prefix) {
                return Err(wrong(AnnounceProblem::Duplicate { first }));
            }
            aggregates.push(Aggregate { prefix, only: aggregate.only });
        }
        let mut vips = BTreeMap::new();
        for (position, vip) in file.vips.iter().enumerate() {
            let path = top.field("vips").item(position);
            if vips.insert(vip.vip, vip_config(vip, &route, &path)?).is_some() {
                let first = file.vips.iter().position(|other| other.vip == vip.vip).unwrap_or_default();
                return Err(at(&path, "vip", AnnounceProblem::Duplicate { first }));
            }
        }
        Ok(Self { policy: file.policy.unwrap_or_default(), damping, drain_delay, route, vips, aggregates })
    }
}

fn at(path: &FieldPath, field: &'static str, problem: AnnounceProblem) -> AnnounceError {
    AnnounceError { path: path.then(Step::Field(field)), problem }
}

fn within(
    duration: HumanDuration,
    min: HumanDuration,
    max: HumanDuration,
) -> Result<Duration, AnnounceProblem> {
    if (min..=max).contains(&duration) {
        Ok(duration.duration())
    } else {
        Err(AnnounceProblem::Duration { duration, min, max })
    }
}

fn damping(file: DampingFile, path: &FieldPath) -> Result<Option<Damping>, AnnounceError> {
    let half_life = within(file.half_life.unwrap_or(HALF_LIFE), seconds(1), MAX_DAMPING)
        .map_err(|problem| at(path, "halfLife", problem))?;
    let max_suppress = within(file.max_suppress.unwrap_or(MAX_SUPPRESS), seconds(1), MAX_DAMPING)
        .map_err(|problem| at(path, "maxSuppress", problem))?;
    let suppress = file.suppress.unwrap_or(SUPPRESS);
    let order = || at(path, "reuse", AnnounceProblem::ReuseOrder { suppress });
    match Damping::new(half_life, suppress, file.reuse.unwrap_or(REUSE), max_suppress) {
        Ok(damping) => Ok(file.enabled.unwrap_or(true).then_some(damping)),
        Err(DampingError::HalfLife | DampingError::Order) => Err(order()),
        Err(DampingError::MaxSuppressShort { least }) => {
            let least = seconds(least.as_secs() + 1);
            Err(at(path, "maxSuppress", AnnounceProblem::MaxSuppressShort { least }))
        }
    }
}

fn checked_prefix(prefix: IpNet) -> Result<IpNet, AnnounceProblem> {
    if prefix.prefix_len() == prefix.max_prefix_len() {
        return Err(AnnounceProblem::AggregateHost { prefix });
    }
    Ok(prefix)
}

fn vip_config(file: &VipFile, all: &Route, path: &FieldPath) -> Result<VipConfig, AnnounceError> {
    let prepend = file.prepend.unwrap_or(0);
    let Some(prepend) = u8::try_from(prepend).ok().filter(|_| prepend <= MAX_PREPEND) else {
        return Err(at(path, "prepend", AnnounceProblem::Prepend { prepend }));
    };
    let own = file.communities.is_some() || file.med.is_some() || prepend > 0;
    let route = own.then(|| {
        let communities = file.communities.as_deref().map_or_else(|| all.clone(), with_communities);
        Route { med: file.med.or(all.med), prepend, ..communities }
    });
    Ok(VipConfig { policy: file.policy, route, silent: file.announce == Some(false) })
}

fn with_communities(texts: &[AnyCommunity]) -> Route {
    let mut route = Route::default();
    for text in texts {
        match text {
            AnyCommunity::Plain(community) => route.communities.push(*community),
            AnyCommunity::Large(community) => route.large_communities.push(*community),
        }
    }
    route
}

#[cfg(test)]
mod tests;
