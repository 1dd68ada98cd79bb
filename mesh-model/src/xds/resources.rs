//! Resources by kind, with the versions by which two that are equal are known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::list::Resources;
use crate::envoy::EnvoyConfig;

/// A kind of resources, in the order in which they are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    /// What it cannot be used without, by kind and name, through its tables of routes, too.
    pub refers_to: Arc<BTreeSet<(Kind, String)>>,
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
pub struct Snapshot(BTreeMap<Kind, Resources>);

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
        let names = |kind, values: &BTreeMap<String, Value>| (kind, values.keys().cloned().collect());
        let known: Names = kinds.into_iter().map(|(kind, values)| names(kind, values)).collect();
        let mut of_routes = BTreeMap::new();
        for (name, table) in &config.routes {
            of_routes.insert(name.as_str(), references(Kind::Route, table, &known));
        }
        let of = |(kind, values): (Kind, &BTreeMap<String, Value>)| {
            let resource = |(name, value): (&String, &Value)| {
                let mut refers_to = references(kind, value, &known);
                for (_, name) in refers_to.clone().iter().filter(|(kind, _)| *kind == Kind::Route) {
                    refers_to.extend(of_routes.get(name.as_str()).into_iter().flatten().cloned());
                }
                let (version, body) = (hash(value), Arc::new(value.clone()));
                Resource { name: name.clone(), version, body, refers_to: Arc::new(refers_to) }
            };
            (kind, Resources::new(values.iter().map(resource).collect()))
        };
        Self(kinds.into_iter().map(of).collect())
    }

    /// The version of all of a kind.
    #[must_use]
    pub fn version(&self, kind: Kind) -> &str {
        self.0.get(&kind).map(Resources::version).unwrap_or_default()
    }

    /// The resources of a kind by name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.0.get(&kind).into_iter().flat_map(Resources::iter)
    }

    /// The names of a kind that are not the same in both: new, gone or another version.
    pub(super) fn changed<'a>(&'a self, before: &'a Self, kind: Kind) -> BTreeSet<&'a str> {
        match (self.0.get(&kind), before.0.get(&kind)) {
            (Some(new), Some(old)) => new.changed(old),
            (new, old) => new.or(old).into_iter().flat_map(Resources::iter).map(|one| &*one.name).collect(),
        }
    }

    /// The secrets that a resource names and that are not here.
    pub(super) fn lacking(&self, resource: &Resource) -> BTreeSet<String> {
        let secrets = resource.refers_to.iter().filter(|(kind, _)| *kind == Kind::Secret);
        let lacking = secrets.filter(|(kind, name)| self.get(*kind, name).is_none());
        lacking.map(|(_, name)| name.clone()).collect()
    }

    /// One of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Resource> {
        self.0.get(&kind)?.get(name)
    }
}

/// The names that there are, by kind.
type Names = BTreeMap<Kind, BTreeSet<String>>;

/// The resources of other kinds that a body names.
fn references(kind: Kind, body: &Value, known: &Names) -> BTreeSet<(Kind, String)> {
    let of: &[Kind] = match kind {
        Kind::Cluster | Kind::Secret => &[],
        Kind::Endpoints | Kind::Route => &[Kind::Cluster],
        Kind::Listener => &[Kind::Cluster, Kind::Secret, Kind::Route],
    };
    let mut found = BTreeSet::new();
    if !of.is_empty() {
        collect(body, of, known, &mut found);
    }
    if matches!(kind, Kind::Cluster | Kind::Listener) {
        collect_secrets(body, &mut found);
    }
    found
}

/// The secrets that a body asks for on this stream, known or not.
fn collect_secrets(body: &Value, found: &mut BTreeSet<(Kind, String)>) {
    match body {
        Value::Array(items) => items.iter().for_each(|item| collect_secrets(item, found)),
        Value::Object(members) => {
            let is_ours = members.get("sds_config").is_some_and(|source| source.get("ads").is_some());
            if let Some(name) = members.get("name").and_then(Value::as_str).filter(|_| is_ours) {
                found.insert((Kind::Secret, name.to_owned()));
            }
            members.values().for_each(|member| collect_secrets(member, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn collect(body: &Value, of: &[Kind], known: &Names, found: &mut BTreeSet<(Kind, String)>) {
    match body {
        Value::Array(items) => items.iter().for_each(|item| collect(item, of, known, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, of, known, found)),
        Value::String(text) => {
            let kinds = of.iter().filter(|kind| known.get(*kind).is_some_and(|names| names.contains(text)));
            found.extend(kinds.map(|kind| (*kind, text.clone())));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The addresses that a listener binds.
pub(super) fn addresses(listener: &Value) -> Vec<&Value> {
    let more = listener.get("additional_addresses").and_then(Value::as_array).into_iter().flatten();
    listener.get("address").into_iter().chain(more.filter_map(|one| one.get("address"))).collect()
}

/// What a cluster is told that waits for endpoints of which nothing is known: that there are none.
pub(super) fn no_endpoints(cluster: &str) -> Resource {
    alone(cluster, json!({ "cluster_name": cluster }))
}

/// A resource that is not wanted, of which nobody asks what it refers to.
pub(super) fn alone(name: &str, body: Value) -> Resource {
    let (version, refers_to) = (hash(&body), Arc::default());
    Resource { name: name.to_owned(), version, body: Arc::new(body), refers_to }
}

/// 64 bits of SHA-256 as digits: enough to tell versions apart, and nothing is trusted for it.
fn hash(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("JSON has a form in JSON");
    Sha256::digest(&json).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
