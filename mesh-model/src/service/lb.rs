//! A service of the LB file, field by field.
//!
//! These types are written as YAML and JSON exactly as the LB file has them, and
//! leave out what is the file's default. What may be given to a node is decided
//! when the file is read; here nothing is written that it refuses.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One virtual service and its backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LbService {
    /// The virtual address.
    pub vip: IpAddr,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: Transport,
    /// The fields of a flow that choose its backend; all five if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_fields: Option<Vec<HashField>>,
    /// How packets travel to the backends.
    #[serde(default, skip_serializing_if = "Forward::is_default")]
    pub forward: Forward,
    /// The MTU of the path to the backends, in bytes; 1500 if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// How its backends are checked; as the node says if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<LbHealth>,
    /// The backends by address; no two have one.
    pub backends: Vec<LbBackend>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// SCTP.
    Sctp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A field of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashField {
    /// The service's port.
    Dport,
    /// The virtual address.
    Dst,
    /// The protocol.
    Proto,
    /// The client's port.
    Sport,
    /// The client's address.
    Src,
}

/// How packets travel to the backends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forward {
    /// The tunnel.
    pub kind: ForwardKind,
    /// `gue`: the UDP port; the file's default if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Forward {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForwardKind {
    /// Generic routing encapsulation.
    Gre,
    /// Generic UDP encapsulation.
    Gue,
    /// IP in IP.
    #[default]
    Ipip,
}

/// How the backends of a service are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LbHealth {
    /// What is asked.
    pub check: HealthCheck,
}

/// What is asked of a node that may have pods of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum HealthCheck {
    /// A page that is there while the node has any.
    Http {
        /// The port of kube-proxy's answer.
        port: u16,
        /// The page.
        path: String,
    },
}

/// One backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LbBackend {
    /// Its own address.
    pub address: IpAddr,
    /// Its share of new flows, relative to the others'.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u16,
    /// What it may be given.
    #[serde(default, skip_serializing_if = "BackendState::is_active")]
    pub state: BackendState,
}

/// What a backend may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendState {
    /// New flows by its weight.
    #[default]
    Active,
    /// Its flows, and no new ones.
    Drain,
}

impl BackendState {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_active(&self) -> bool {
        matches!(self, Self::Active)
    }
}

const fn one() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_one(weight: &u16) -> bool {
    *weight == 1
}
