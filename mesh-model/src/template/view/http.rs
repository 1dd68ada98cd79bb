//! What happens to a request of HTTP on its way: headers, redirects, retries, copies.
//!
//! Source: istio/api `networking/v1alpha3/virtual_service.proto`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Destination, StringMatch};

/// Changes of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeaderChanges {
    /// Of requests.
    pub request: HeaderOperations,
    /// Of responses.
    pub response: HeaderOperations,
}

/// Changes of one side's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeaderOperations {
    /// Put in place of what is there.
    pub set: BTreeMap<String, String>,
    /// Put beside what is there.
    pub add: BTreeMap<String, String>,
    /// Taken away.
    pub remove: Vec<String>,
}

/// An answer that sends the client elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRedirect {
    /// The whole path.
    pub uri: Option<String>,
    /// What the matched prefix becomes.
    pub prefix_rewrite: Option<String>,
    /// The authority.
    pub authority: Option<String>,
    /// The port.
    pub port: Option<u32>,
    /// `FROM_PROTOCOL_DEFAULT` or `FROM_REQUEST_PORT`.
    pub derive_port: Option<String>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// 301, 302, 303, 307 or 308; 301 if `None`.
    pub redirect_code: Option<u32>,
}

/// A change of path or authority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRewrite {
    /// What the matched prefix, or the whole path, becomes.
    pub uri: Option<String>,
    /// The authority.
    pub authority: Option<String>,
    /// What the parts of the path that match become.
    pub uri_regex_rewrite: Option<RegexRewrite>,
}

/// A pattern (RE2) and what its matches become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegexRewrite {
    /// The pattern.
    #[serde(rename = "match")]
    pub pattern: String,
    /// What a match becomes.
    pub rewrite: String,
}

/// An answer without a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectResponse {
    /// The status.
    pub status: u32,
    /// The body; none if `None`.
    pub body: Option<DirectBody>,
}

/// The body of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectBody {
    /// As text.
    pub string: Option<String>,
}

/// How often a request is tried again; a field that is `None` has Istio's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRetry {
    /// How often; 0 is never.
    pub attempts: u32,
    /// How long one attempt may take.
    pub per_try_timeout: Option<String>,
    /// After what, with commas between; statuses as numbers.
    pub retry_on: Option<String>,
    /// How long is waited at least; `25ms`.
    pub backoff: Option<String>,
    /// Whether endpoints of other localities are tried; false.
    pub retry_remote_localities: Option<bool>,
    /// Whether endpoints that failed are left out; true.
    pub retry_ignore_previous_hosts: Option<bool>,
}

/// Where copies of requests go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpMirror {
    /// The host.
    pub destination: Destination,
    /// How many; all if `None`.
    pub percentage: Option<Percent>,
}

/// A number of percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Percent {
    /// 0 to 100.
    pub value: f64,
}

/// Which pages of other origins may read answers, as browsers ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CorsPolicy {
    /// The origins, any of these.
    pub allow_origins: Vec<StringMatch>,
    /// The methods.
    pub allow_methods: Vec<String>,
    /// Headers that requests may have.
    pub allow_headers: Vec<String>,
    /// Headers of answers that may be read.
    pub expose_headers: Vec<String>,
    /// For how long a browser need not ask again.
    pub max_age: Option<String>,
    /// Whether cookies and the like may be sent.
    pub allow_credentials: Option<bool>,
    /// What happens to a question of an origin that may not: `FORWARD` (the default) or `IGNORE`.
    pub unmatched_preflights: Option<String>,
}

/// Faults that are made to see what becomes of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpFault {
    /// Waiting.
    pub delay: Option<FaultDelay>,
    /// Failing.
    pub abort: Option<FaultAbort>,
}

/// Requests that are made to wait.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultDelay {
    /// How many; none if `None`.
    pub percentage: Option<Percent>,
    /// How long.
    pub fixed_delay: Option<String>,
}

/// Requests that fail.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultAbort {
    /// How many; none if `None`.
    pub percentage: Option<Percent>,
    /// With which status of HTTP.
    pub http_status: Option<u32>,
    /// With which status of gRPC, by its name (`UNAVAILABLE`).
    pub grpc_status: Option<String>,
}
