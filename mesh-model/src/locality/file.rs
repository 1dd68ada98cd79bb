//! The locality file: a question as a person writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who asks, by which policy, of which endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalityFile {
    /// Version of this format: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The proxy's own region/zone/subzone.
    pub from: String,
    /// The proxy's labels, for `failoverPriority`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_labels: BTreeMap<String, String>,
    /// The `trafficPolicy` of an Istio DestinationRule; none where left out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Value>"))]
    pub policy: Value,
    /// Envoy's overprovisioning factor in percent, 100 to 10,000. Default: 140.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overprovisioning_factor: Option<u32>,
    /// Envoy's panic threshold in percent, 0 to 100. Default: `minHealthPercent`, or 0, with outlier detection, 50 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_threshold: Option<u32>,
    /// The endpoints by locality.
    pub endpoints: Vec<EndpointsSpec>,
}

/// The endpoints of one locality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointsSpec {
    /// region/zone/subzone.
    pub locality: String,
    /// How many there are, those that are excluded too.
    pub hosts: u32,
    /// How many are healthy, those that are degraded not. Default: all that are neither degraded nor excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<u32>,
    /// How many are degraded. Default: 0.
    #[serde(default)]
    pub degraded: u32,
    /// How many do not count, such as those that are not warmed up. Default: 0.
    #[serde(default)]
    pub excluded: u32,
    /// The locality's weight, 1 to 1,000,000. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Their labels, for `failoverPriority`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}
