//! Typed views of templates: the fields that decisions read.
//!
//! A view looks and changes nothing: fields that it does not know are not its
//! business, and what is written to a cluster is always the template itself.
//! Field names and meanings are those of the Kubernetes and Istio APIs; a field
//! that may be left out is an `Option` or empty.

mod connection;
mod gateway;
mod http;
mod policy;
mod routing;
mod service;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::TemplateKind;

pub use connection::{
    ClientTls, ClientTlsMode, ConnectionPool, ConsistentHash, HashCookie, HttpPool, MaglevHash,
    PortTrafficPolicy, RingHash, TcpKeepalive, TcpPool,
};
pub(crate) use gateway::gateway_name;
pub use gateway::{Gateway, Server, ServerPort, ServerTls, TlsMode};
pub use http::{
    CorsPolicy, DirectBody, DirectResponse, FaultAbort, FaultDelay, HeaderChanges, HeaderOperations,
    HttpFault, HttpMirror, HttpRedirect, HttpRetry, HttpRewrite, Percent, RegexRewrite,
};
pub use policy::{
    AuthorizationAction, AuthorizationPolicy, AuthorizationRule, MutualTls, MutualTlsMode,
    PeerAuthentication, PolicySelector, RuleCondition, RuleFrom, RuleOperation, RuleSource, RuleTo,
};
pub use routing::{
    Destination, DestinationRule, HttpMatch, HttpRoute, LoadBalancerSettings, LocalityFailover,
    LocalityLbSetting, LocalityShare, OutlierDetection, PortSelector, RetryBudget, RouteDestination,
    StringMatch, Subset, TcpMatch, TcpRoute, TlsMatch, TlsRoute, TrafficPolicy, VirtualService, Warmup,
    ZoneAwareLbSetting,
};
pub use service::{EntryPort, Service, ServiceEntry, ServicePort, WorkloadEntry, WorkloadSelector};

/// A typed view of a kind.
pub trait View: DeserializeOwned {
    /// The kind.
    const KIND: TemplateKind;
}

/// An object is no such view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// It is of another kind.
    #[error("a {found} is no {wanted}")]
    Kind {
        /// What it is.
        found: String,
        /// What was asked for.
        wanted: TemplateKind,
    },
    /// A field is of another type.
    #[error("{message}")]
    Spec {
        /// Which, and what is wrong.
        message: String,
    },
}

/// The view of an object's `spec`.
///
/// # Errors
///
/// The object is of another kind, or a field is of another type than its schema says.
pub fn of<V: View>(object: &Value) -> Result<V, ViewError> {
    let found = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    if found != V::KIND.as_str() {
        return Err(ViewError::Kind { found: found.to_owned(), wanted: V::KIND });
    }
    let spec = object.get("spec").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    serde_json::from_value(spec).map_err(|error| ViewError::Spec { message: error.to_string() })
}
