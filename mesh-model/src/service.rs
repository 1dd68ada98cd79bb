//! The service controller: from what asks for an address in a target to what load balancers there are to do.
//!
//! ```text
//!  access point, Services ──claims()──> vip ──Held──┐
//!  pods, EndpointSlices, nodes ─────────────────────┴─configure()──> LB services, as the LB file has them
//!  what is announced ──publish()──> finalizer and status of the Service
//!  what is wanted ──Withdrawals──> name, time to live, address: in this order
//! ```
//!
//! The idea: an address is asked for by an access point, or by a Service of
//! type LoadBalancer that belongs to none; what stands behind it is a [`Frontend`],
//! and from there on both are one. Packets reach a pod as the client sent them,
//! so the pod answers on the address and the port of the Service and sees the
//! client, whatever the Service's policy; only where nodes are the backends
//! ([`Backends::Nodes`]) does Kubernetes forward and `externalTrafficPolicy` decide which.
//!
//! What could not be read changes nothing. What is not ours to serve is let be.
//! Whose the addresses are is [`vip`](crate::vip)'s, how a name is left
//! [`names::Drain`](crate::names::Drain)'s; nodes and kernels are the adapters'.
//! [`LbService`] is a service of the LB file field by field, so that whoever
//! stands above both crates hands it on as it is.
//!
//! Sources: Kubernetes' Service and EndpointSlice API, KEP-1669 (terminating
//! endpoints), KEP-1860 (`ipMode`), its service controller.

mod claims;
mod configure;
mod endpoints;
mod lb;
mod publish;
mod withdrawal;

use crate::access_point::AccessPoint;
use crate::name::Name;
use crate::vip::ClaimKey;
use serde_json::Value;

pub use claims::{Claims, Frontend, Origin, claims};
pub use configure::{LbPlan, LbServices, configure};
pub use endpoints::{Condition, Endpoint, GatewayPod, Node};
pub use lb::{
    BackendState, Forward, ForwardKind, HashField, HealthCheck, LbBackend, LbHealth, LbService, Transport,
};
pub use publish::{ServiceCommand, StatusConflict, publish};
pub use withdrawal::{Withdrawal, Withdrawals};

/// The `loadBalancerClass` of Services that are ours.
pub const CLASS: &str = "overspill.dev/vip";
/// The finalizer that holds a Service until its address is withdrawn.
pub const FINALIZER: &str = "overspill.dev/vip";
/// The finalizer by which Kubernetes' own service controller, a cloud's, holds the Services that it serves.
const CLOUD_FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// The annotation by which a Service asks for certain addresses, with commas between.
pub const ADDRESSES_ANNOTATION: &str = "overspill.dev/addresses";
/// The annotation that names the pool of a Service's addresses.
pub const POOL_ANNOTATION: &str = "overspill.dev/vip-pool";
/// The annotation by which Services share addresses where their ports differ.
pub const SHARING_ANNOTATION: &str = "overspill.dev/vip-sharing-key";

/// What was read in one target; `None` is what could not be read to the end.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The target.
    pub target: &'a Name,
    /// All access points that are to be on it.
    pub access_points: Option<&'a [AccessPoint]>,
    /// All its Services.
    pub services: Option<&'a [Value]>,
    /// All its EndpointSlices.
    pub slices: Option<&'a [Value]>,
    /// All its pods that Gateways may select.
    pub pods: Option<&'a [GatewayPod]>,
    /// All its nodes; looked at where they are the backends.
    pub nodes: Option<&'a [Node]>,
    /// The Gateways that were written there.
    pub gateways: Option<&'a [Value]>,
}

/// How load balancers of a target work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What stands behind addresses of Services.
    pub backends: Backends,
    /// Whether Services that name no class are ours; no other controller may think so too.
    pub is_default: bool,
    /// How packets travel; the LB file's default is IP in IP.
    pub forward: Forward,
    /// The MTU of the path to the backends, in bytes; the LB file's default if `None`.
    pub mtu: Option<u16>,
}

impl Default for Settings {
    /// Pods, reached by IP in IP; Services without a class are ours.
    fn default() -> Self {
        Self { backends: Backends::default(), is_default: true, forward: Forward::default(), mtu: None }
    }
}

/// What stands behind the address of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backends {
    /// Nodes, whose kube-proxy forwards; `externalTrafficPolicy` and `healthCheckNodePort` are obeyed.
    Nodes,
    /// The pods themselves: they have the address and unpack the tunnel.
    #[default]
    Pods,
}

/// Something about a Service or access point that keeps it from being served as it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceProblem {
    /// The Service or Gateway, `namespace/name`; the access point where it is about all of it.
    pub object: String,
    /// What it is.
    pub problem: Problem,
}

/// What keeps something from being served as it says; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// An annotation or field that cannot be.
    #[error("{field}: `{found}` is not possible; write {right}")]
    Field {
        /// Which.
        field: &'static str,
        /// As written.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// `externalTrafficPolicy: Local` and no port to ask nodes at.
    #[error(
        "externalTrafficPolicy is Local and the server gave no healthCheckNodePort yet; all nodes would be asked for pods that few have"
    )]
    NoHealthCheckNodePort,
    /// No backend speaks the address's family.
    #[error(
        "no endpoint is of the family of {address}; give the pods addresses of it, or ask for the other family alone"
    )]
    NoEndpointOfFamily {
        /// The address.
        address: std::net::IpAddr,
    },
    /// An endpoint that no packet finds, or that is an address of ours: it is left out.
    #[error(
        "an endpoint has the address {address}, at which no host is reached, or which is served here itself; it is left out"
    )]
    NoHost {
        /// The address.
        address: std::net::IpAddr,
    },
    /// A plain Service under the name of an access point.
    #[error(
        "`{owner}` is an access point, and an address has one owner; give the Service another name, or the access point a Service of type LoadBalancer"
    )]
    NameOfAccessPoint {
        /// The access point.
        owner: String,
    },
    /// Nothing says which ports are served.
    #[error(
        "it asks for an address and has neither a Service of type LoadBalancer nor a Gateway on this target"
    )]
    NoPorts,
    /// A port that another Service of the same access point has.
    #[error("{port} of this access point is served by `{by}` already; write another port")]
    PortTaken {
        /// The port.
        port: crate::vip::Port,
        /// Who has it.
        by: String,
    },
    /// A port that a pod would have to be reached at under another number.
    #[error(
        "port {port} has targetPort {target}: a pod that answers directly is reached at the port of the Service; write {port}, or let nodes be the backends"
    )]
    PortRewritten {
        /// The Service's.
        port: u16,
        /// The pod's.
        target: u16,
    },
    /// Backends could not be read; those that are known stay.
    #[error("its backends could not be read; those that are known stay, and none is added")]
    Unread,
}

impl std::fmt::Display for ServiceProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.object, self.problem)
    }
}

/// Whose addresses an access point's are on a target.
fn key_of(access_point: &AccessPoint, target: &Name) -> Option<ClaimKey> {
    let target = match access_point.vip.as_ref()?.scope {
        crate::api::VipScope::All => None,
        crate::api::VipScope::Target => Some(target.clone()),
    };
    Some(ClaimKey { owner: access_point.id.clone(), target })
}

/// Whether a Service is one that this controller serves.
fn is_ours(service: &Value, settings: &Settings) -> bool {
    let spec = |field: &str| service.get("spec").and_then(|spec| spec.get(field)).and_then(Value::as_str);
    let has_class = spec("loadBalancerClass").map_or(settings.is_default, |class| class == CLASS);
    spec("type") == Some("LoadBalancer") && has_class
}

/// Whether somebody deleted it already, and finalizers hold it.
fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}

/// `namespace/name` of an object.
fn name_of(object: &Value) -> String {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    format!("{}/{}", part("/metadata/namespace"), part("/metadata/name"))
}

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

#[cfg(test)]
mod tests;
