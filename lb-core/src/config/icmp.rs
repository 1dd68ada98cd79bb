//! How many ICMP messages a node sends: the LB file's section `icmp`.
//!
//! What is left out keeps its default; the meaning of the numbers is
//! [`icmp`](crate::icmp)'s.

use serde::{Deserialize, Serialize};

use super::text;
use crate::icmp::{IcmpLimits, RateLimits};

/// Of a rate and of a burst; more than a line carries.
const MOST: u64 = 1_000_000_000;

/// Rates of ICMP messages, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IcmpFile {
    /// Echo replies; 10,000 a second, bursts of 1,000, and 100 and 100 for each client where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<RateFile>,
    /// "Too big" to clients; 10,000 a second, bursts of 1,000, and 10 and 10 for each client where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_big: Option<RateFile>,
    /// Time exceeded and port unreachable; 1,000 a second, bursts of 50, and 10 and 10 for each client where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<RateFile>,
}

/// The rate of one kind of message; 0 lets none pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateFile {
    /// Messages per second to all clients together.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MOST, _, _>"
    )]
    pub per_second: Option<u32>,
    /// How many of them may leave at once after a pause.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MOST, _, _>"
    )]
    pub burst: Option<u32>,
    /// Messages per second to one client (an IPv4 address, an IPv6 /64).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MOST, _, _>"
    )]
    pub client_per_second: Option<u32>,
    /// How many of them may leave at once after a pause.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MOST, _, _>"
    )]
    pub client_burst: Option<u32>,
}

impl From<IcmpFile> for IcmpLimits {
    fn from(file: IcmpFile) -> Self {
        let usual = Self::default();
        Self {
            echo: rate(file.echo, usual.echo),
            too_big: rate(file.too_big, usual.too_big),
            other: rate(file.other, usual.other),
        }
    }
}

impl From<IcmpLimits> for IcmpFile {
    fn from(limits: IcmpLimits) -> Self {
        let file = |limits: RateLimits| RateFile {
            per_second: Some(limits.per_second),
            burst: Some(limits.burst),
            client_per_second: Some(limits.client_per_second),
            client_burst: Some(limits.client_burst),
        };
        Self {
            echo: Some(file(limits.echo)),
            too_big: Some(file(limits.too_big)),
            other: Some(file(limits.other)),
        }
    }
}

fn rate(file: Option<RateFile>, usual: RateLimits) -> RateLimits {
    let file = file.unwrap_or_default();
    RateLimits {
        per_second: file.per_second.unwrap_or(usual.per_second),
        burst: file.burst.unwrap_or(usual.burst),
        client_per_second: file.client_per_second.unwrap_or(usual.client_per_second),
        client_burst: file.client_burst.unwrap_or(usual.client_burst),
        client_buckets: usual.client_buckets,
    }
}
