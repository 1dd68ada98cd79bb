//! The sections of an LB file that the agent alone reads: whose prefixes, where it listens and how it tells.
//!
//! Serde types only, as in [`file`](super::file): a file with these sections is
//! an LB file like any other to whoever asks for services alone. What they mean
//! together is checked by [`NodeConfig`](crate::node::NodeConfig). Health, BGP,
//! BFD and announcements have their sections beside the machines they feed.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{self, FromText};
use super::units::HumanDuration;

/// Bounds as messages have them.
const MAX_PORT: u64 = u16::MAX as u64;

/// A prefix that the agent may touch: `203.0.113.0/24`, or an address for itself alone.
///
/// ```
/// use lb_core::config::Prefix;
///
/// let prefix: Prefix = serde_saphyr::from_str("203.0.113.0/24")?;
/// assert!(prefix.0.contains(&core::net::IpAddr::from([203, 0, 113, 10])));
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(pub IpNet);

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PrefixTextError {
    #[error("write an address and its prefix length, such as 203.0.113.0/24 or \"2001:db8:1::/64\"")]
    Syntax,
    #[error("it has bits beyond its length; write {0}")]
    HostBits(IpNet),
}

impl FromText for Prefix {
    const NOUN: &'static str = "prefix";
    type Error = PrefixTextError;

    fn from_text(text: &str) -> Result<Self, PrefixTextError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address)));
        }
        let net: IpNet = text.parse().map_err(|_| PrefixTextError::Syntax)?;
        if net.trunc() == net { Ok(Self(net)) } else { Err(PrefixTextError::HostBits(net.trunc())) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::required(deserializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Prefix {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Prefix".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An address and a prefix length, such as 203.0.113.0/24; an address stands for itself alone."
        })
    }
}

/// What is wrong with an address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address and a port, such as 127.0.0.1:9469 or \"[::1]:9469\"")]
pub(super) struct SocketTextError;

impl FromText for SocketAddr {
    const NOUN: &'static str = "address with a port";
    type Error = SocketTextError;

    fn from_text(text: &str) -> Result<Self, SocketTextError> {
        text.parse().map_err(|_| SocketTextError)
    }
}

/// How the agent keeps the kernel as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KernelFile {
    /// How often the kernel is read again to find what others changed, 1s to 24h; 30s where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_interval: Option<HumanDuration>,
}

/// Where Prometheus finds the agent's metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsFile {
    /// The address and port to serve `/metrics` on.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub address: SocketAddr,
}

/// The socket by which `lb-agent status` and its sisters ask a running agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlFile {
    /// The path of a Unix socket; `/run/lb-agent/control.sock` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// The group that may use it beside the agent's own user; nobody else where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// How the agent logs, to standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogFile {
    /// `text` for people, `json` for machines; `text` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// From which severity on; `info` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
}

/// The forms of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// A line for people.
    #[default]
    Text,
}

/// The severities of a log line, from the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs a person.
    Error,
    /// What may come to need one.
    Warn,
    /// What changed.
    #[default]
    Info,
    /// What was done for it.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TracingFile {
    /// The host of a collector that takes OTLP over HTTP, by its address; no TLS.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub address: IpAddr,
    /// Its port; 4318 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_PORT, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
}
