//! What a proxy may have, kept beyond its stream.
//!
//! Under state of the world a message of clusters or listeners is all that there are, so whoever leaves
//! one out takes it away: to keep a cluster that routes still use, a session must be able to say it
//! again. A proxy that begins a stream tells names at most. The idea: what a session knows goes to the
//! one that follows; nothing of it is believed, but nothing of it is taken away before its time either.
//! Where it is kept is the controller's business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::resources::alone;
use super::{Kind, Protocol, Resource, Session, Snapshot, Subscription};
use crate::debounce::Debounce;

/// What a proxy may have of a stream that ended.
///
/// A controller that lives on hands it from one session to the next. One that restarts reads what it
/// wrote: after each `handle_*`, before what is to be sent is sent. What is written has no secrets.
///
/// ```
/// use std::time::Duration;
/// use mesh_model::xds::{Debounce, Memory, Protocol, Session};
///
/// let debounce = Debounce { quiet: Duration::from_millis(100), most: Duration::from_secs(1) };
/// let broken = Session::new(Protocol::StateOfTheWorld, debounce);
/// let kept = serde_json::to_string(&broken.memory())?;
/// let next = Session::resumed(Protocol::StateOfTheWorld, debounce, serde_json::from_str(&kept)?);
/// assert_eq!(next.memory(), Memory::default(), "it never had a request");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Bodies", into = "Bodies")]
pub struct Memory {
    has: BTreeMap<Kind, BTreeMap<String, Resource>>,
    /// Secrets that a cluster may wait for.
    secrets: BTreeMap<String, Resource>,
}

/// The form in which it is written; the rest follows from the bodies.
type Bodies = BTreeMap<Kind, BTreeMap<String, Value>>;

impl From<Bodies> for Memory {
    fn from(bodies: Bodies) -> Self {
        let of = |bodies: BTreeMap<String, Value>| {
            bodies.into_iter().map(|(name, body)| (name.clone(), alone(&name, body))).collect()
        };
        let has = bodies.into_iter().map(|(kind, bodies)| (kind, of(bodies))).collect();
        Self { has, secrets: BTreeMap::new() }
    }
}

impl From<Memory> for Bodies {
    fn from(memory: Memory) -> Self {
        let body = |resource: Resource| Arc::unwrap_or_clone(resource.body);
        let of = |resources: BTreeMap<String, Resource>| {
            resources.into_iter().map(|(name, resource)| (name, body(resource))).collect()
        };
        memory.has.into_iter().map(|(kind, resources)| (kind, of(resources))).collect()
    }
}

impl Session {
    /// What the next session must know if the stream ends now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let mut memory = self.before.clone();
        for kind in [Kind::Cluster, Kind::Endpoints, Kind::Listener] {
            if let Some(subscription) = self.kinds.get(&kind) {
                memory.has.insert(kind, subscription.has.clone());
            }
        }
        memory
    }

    /// A new stream of a proxy that had another, with what the session of that one knew.
    ///
    /// Under delta a proxy says itself what it has, so of the memory only secrets are used.
    #[must_use]
    pub fn resumed(protocol: Protocol, debounce: Debounce, memory: Memory) -> Self {
        Self { before: memory, ..Self::new(protocol, debounce) }
    }

    /// Takes note of the secrets that clusters which are sent may wait for.
    pub(super) fn remember_secrets<'a>(
        &mut self,
        wanted: &Snapshot,
        clusters: impl Iterator<Item = &'a Resource>,
    ) {
        let names = clusters.flat_map(|one| one.refers_to.iter()).filter(|(kind, _)| *kind == Kind::Secret);
        let secrets = names.filter_map(|(kind, name)| wanted.get(*kind, name));
        self.before.secrets.extend(secrets.map(|secret| (secret.name.clone(), secret.clone())));
    }

    /// Forgets the secrets that no cluster names which is wanted or which the proxy may have; one that waits
    /// since before this stream did not speak of clusters yet, or did not say yet what became of them.
    pub(super) fn forget_secrets(&mut self) {
        let Some(clusters) = self.kinds.get(&Kind::Cluster) else { return };
        if !clusters.is_answered || clusters.sent.is_some() {
            return; // it may have some of which only another stream knew
        }
        if !clusters.doubtful.is_empty() || clusters.has.values().any(|one| one.body.is_null()) {
            return; // it may have kept some that it refused, or told their names alone
        }
        let wanted = self.wanted.iter().flat_map(|wanted| wanted.of(Kind::Cluster));
        let all = clusters.has.values().chain(wanted);
        let named: BTreeSet<&String> =
            all.flat_map(|one| one.refers_to.iter()).map(|(_, name)| name).collect();
        self.before.secrets.retain(|name, _| named.contains(name));
    }

    /// The last that was known under the name of a secret.
    pub(super) fn last_secret(&self, name: &str) -> Option<&Resource> {
        self.before.secrets.get(name)
    }

    /// What a proxy may have of a kind of which it speaks for the first time on this stream.
    pub(super) fn recall(&mut self, kind: Kind) -> Subscription {
        let has = self.before.has.remove(&kind).unwrap_or_default();
        if self.protocol == Protocol::Delta {
            return Subscription::default();
        }
        let names: BTreeSet<String> = has.keys().cloned().collect();
        // a cluster may wait for those that came before it was changed
        let due = if kind == Kind::Endpoints { names.clone() } else { BTreeSet::new() };
        let doubtful = names.iter().map(|name| (name.clone(), None)).collect();
        Subscription { has, open: names, doubtful, due, ..Subscription::default() }
    }
}
