//! Resources by kind, with the versions by which two that are equal are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::envoy::EnvoyConfig;

/// A kind of resources, in the order in which they are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// CDS.
    Cluster,
    /// EDS.
    Endpoints,
    /// SDS.
    Secret,
    /// LDS.
    Listener,
    /// RDS.
    Route,
}

impl Kind {
    /// All of them, in the order in which they are added.
    pub const ALL: [Self; 5] = [Self::Cluster, Self::Endpoints, Self::Secret, Self::Listener, Self::Route];

    /// The name of the type in messages.
    #[must_use]
    pub const fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        }
    }

    /// Whether proxies ask for all of the kind, and take what a message of state of the world lacks for gone.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Cluster | Self::Listener => true,
            Self::Endpoints | Self::Route | Self::Secret => false,
        }
    }
}

/// One resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// The hash of what it is.
    pub version: String,
    /// What it is.
    pub body: Arc<Value>,
}

/// Resources are equal by name and version, which is a hash of all the rest.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.version) == (&other.name, &other.version)
    }
}

impl Eq for Resource {}

/// All that one proxy is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<Kind, (String, BTreeMap<String, Resource>)>);

impl Snapshot {
    /// A gateway's configuration, and the secrets that it asks for, by name.
    #[must_use]
    pub fn new(config: &EnvoyConfig, secrets: impl IntoIterator<Item = (String, Value)>) -> Self {
        let secrets = secrets.into_iter().collect();
        let kinds = [
            (Kind::Cluster, &config.clusters),
            (Kind::Endpoints, &config.endpoints),
            (Kind::Secret, &secrets),
            (Kind::Listener, &config.listeners),
            (Kind::Route, &config.routes),
        ];
        let of = |(kind, values): (Kind, &BTreeMap<String, Value>)| {
            let resource = |(name, value): (&String, &Value)| {
                let resource =
                    Resource { name: name.clone(), version: hash(value), body: Arc::new(value.clone()) };
                (name.clone(), resource)
            };
            (kind, (hash(values), values.iter().map(resource).collect()))
        };
        Self(kinds.into_iter().map(of).collect())
    }

    /// The version of all of a kind.
    #[must_use]
    pub fn version(&self, kind: Kind) -> &str {
        self.0.get(&kind).map(|(version, _)| version.as_str()).unwrap_or_default()
    }

    /// The resources of a kind by name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.0.get(&kind).into_iter().flat_map(|(_, resources)| resources.values())
    }

    /// One of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Resource> {
        self.0.get(&kind)?.1.get(name)
    }
}

/// 64 bits of SHA-256 as digits: enough to tell versions apart, and nothing is trusted for it.
fn hash(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(value).expect("JSON has a form in JSON");
    Sha256::digest(&json).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
