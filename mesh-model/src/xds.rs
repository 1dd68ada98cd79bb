//! The xDS server's side of one proxy: what is sent next, and what an answer means.
//!
//! One [`Session`] per stream, in state of the world or delta. The idea: there
//! is no plan that could go stale. What is sent next follows from what is
//! wanted and what the proxy is known to have: the first of these steps that
//! has work, and one message of it under way at a time. Endpoints and secrets
//! wait for nobody: an Envoy answers for clusters only once it has theirs.
//!
//! ```text
//! add:     clusters -> endpoints -> secrets -> listeners -> routes
//! remove:  routes -> listeners -> secrets -> endpoints -> clusters
//! ```
//!
//! So nothing refers to what is not there yet, or not any more. (A listener goes
//! before its time where another takes its address: Envoy binds none twice.)
//! Listeners and routes wait until the proxy speaks of clusters: on a new stream an
//! Envoy does not while one of them waits, and that one may not serve (#9934).
//! A message that a proxy refuses is sent again in halves, until it is known
//! which resource it was. That one is not sent again, and nothing that refers to
//! it is, until something else is wanted: the last good one stays in use, and
//! everybody else's come and go as ever. What that last one uses is not taken away
//! meanwhile; where nobody knows what it is, since another stream, nothing is.
//! Protobuf and HTTP/2 are the adapter's; the resources are
//! [`envoy`](crate::envoy)'s. Source: envoyproxy/envoy `xds_protocol.rst`.

mod list;
mod memory;
mod resources;
mod step;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::time::Time;

pub use crate::debounce::Debounce;
pub use memory::Memory;
pub use resources::{Kind, Resource, Snapshot};

/// How resources are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Differences, `DeltaDiscoveryRequest`.
    Delta,
    /// All that is subscribed to, `DiscoveryRequest`.
    StateOfTheWorld,
}

/// A proxy's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it is about.
    pub kind: Kind,
    /// The message that it answers; empty in the first of a stream.
    pub nonce: String,
    /// Why that one is refused, if it is.
    pub error: Option<String>,
    /// State of the world: the version in use; empty for none. Nothing follows from it.
    pub version: String,
    /// Names that are subscribed to: under state of the world all of them, under delta new ones.
    pub subscribe: Vec<String>,
    /// Delta: names that are no longer subscribed to.
    pub unsubscribe: Vec<String>,
    /// Delta, in the first of a stream: what the proxy has, with versions.
    pub has: BTreeMap<String, String>,
}

/// A message to the proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// What it is about.
    pub kind: Kind,
    /// The version of all of the kind.
    pub version: String,
    /// By which the proxy answers.
    pub nonce: String,
    /// The resources.
    pub resources: Vec<Resource>,
    /// Delta: the names that are no longer there.
    pub removed: Vec<String>,
}

/// Something that the owner may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The proxy has all that is wanted and asked for.
    InStep,
    /// The proxy refused a resource; what it had before stays in use.
    Refused {
        /// What it was about.
        kind: Kind,
        /// The resource; none where it refused to let something go.
        names: Vec<String>,
        /// The proxy's words.
        message: String,
    },
    /// A cluster or listener names secrets that are not among what is wanted: write them. It is not
    /// sent until they are there, nor what leads to such a cluster; what the proxy had before stays in use.
    /// (An Envoy that starts would open none of its listeners until the secret of each of them came:
    /// envoyproxy/envoy `listener_impl.cc`, `ListenerImpl::initialize`.)
    Lacks {
        /// Which of both.
        kind: Kind,
        /// Its name.
        name: String,
        /// The secrets.
        secrets: BTreeSet<String>,
    },
}

/// One proxy on one stream.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout).
/// When the stream ends, the next session begins with [`memory`](Self::memory).
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use mesh_model::envoy::EnvoyConfig;
/// use mesh_model::time::Time;
/// use mesh_model::xds::{Debounce, Kind, Protocol, Request, Session, Snapshot};
///
/// let mut config = EnvoyConfig::default();
/// config.clusters.insert("web".to_owned(), serde_json::json!({ "name": "web" }));
/// let debounce = Debounce { quiet: Duration::from_millis(100), most: Duration::from_secs(1) };
/// let mut session = Session::new(Protocol::Delta, debounce);
/// session.handle_snapshot(Time::ZERO, Arc::new(Snapshot::new(&config, [])));
/// session.handle_request(Time::ZERO, Request::first(Kind::Cluster));
/// let response = session.poll_transmit().unwrap();
/// assert_eq!(response.resources[0].name, "web");
/// session.handle_request(Time::ZERO, Request::acknowledges(&response));
/// assert!(session.poll_transmit().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    protocol: Protocol,
    debounce: Debounce,
    wanted: Option<Arc<Snapshot>>,
    /// What came since, the moment at which it is sent, and when the first of it came.
    gathered: Option<(Arc<Snapshot>, Time, Time)>,
    kinds: BTreeMap<Kind, Subscription>,
    /// What the proxy may have from before and has not spoken of on this stream, and its secrets.
    before: Memory,
    next_nonce: u64,
    is_in_step: bool,
    transmits: VecDeque<Response>,
    events: VecDeque<Event>,
}

/// What the proxy asked for and has, of one kind.
#[derive(Clone, Debug, Default)]
struct Subscription {
    /// The names.
    names: BTreeSet<String>,
    /// Whether all of the kind is asked for, as it is for clusters and listeners.
    is_for_all: bool,
    /// What it has, the last good ones.
    has: BTreeMap<String, Resource>,
    /// The names that may have to be sent or taken away: whoever is in step with what is wanted is not among them.
    open: BTreeSet<String>,
    /// Parts of messages that it refused, of which not all need be bad; the last is tried first.
    suspects: Vec<BTreeSet<String>>,
    /// What it refused of what is wanted now, with versions.
    refused: BTreeMap<String, String>,
    /// What was in messages that it refused, with what these forms refer to: it may have kept it, where it was
    /// good, or what it had. `None` where nobody knows in which form it has it.
    doubtful: BTreeMap<String, Option<BTreeSet<(Kind, String)>>>,
    /// Whether it refused to let something go; nothing is taken away until something else is wanted.
    keeps_all: bool,
    /// Endpoints that must be sent again, because their cluster was.
    due: BTreeSet<String>,
    /// Those that name secrets which are not wanted, with these.
    lacking: BTreeMap<String, BTreeSet<String>>,
    /// Names of which it was told that they are not there.
    absent: BTreeSet<String>,
    /// Whether it was answered at all: an empty answer is one.
    is_answered: bool,
    /// The last nonce, and what was sent under it if no answer came yet.
    nonce: String,
    sent: Option<Sent>,
}

/// What a message under way holds.
#[derive(Clone, Debug, Default)]
struct Sent {
    resources: BTreeMap<String, Resource>,
    /// Those of them for which it is sent; the others are what the proxy has, said once more.
    new: BTreeSet<String>,
    removed: BTreeSet<String>,
    /// Whether what is not in it is gone (state of the world, clusters and listeners).
    is_whole: bool,
}

impl Session {
    /// The first stream of a proxy, without requests yet; [`resumed`](Self::resumed) is for those that follow.
    ///
    /// A proxy that comes from another stream under state of the world, and of which nothing is remembered,
    /// loses clusters that are not wanted any more before its routes leave them. Nothing that it says could prevent
    /// that: its request for clusters names none of them, and a version that is a hash of all and cannot be
    /// turned back; that for endpoints names those clusters that ask for some. Yet to keep one it must be said once more, whole,
    /// for a message of clusters is all that there are, and of a name no cluster can be made. Not to
    /// answer at all would keep them, and no route could lead to a new one. So whoever cannot remember
    /// ([`memory`](Self::memory) can be written down) uses delta, where what is not spoken of stays.
    #[must_use]
    pub fn new(protocol: Protocol, debounce: Debounce) -> Self {
        Self {
            protocol,
            debounce,
            wanted: None,
            gathered: None,
            kinds: BTreeMap::new(),
            before: Memory::default(),
            next_nonce: 1,
            is_in_step: false,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes what is wanted from now on; the first is sent at once, later ones are gathered.
    pub fn handle_snapshot(&mut self, now: Time, snapshot: Arc<Snapshot>) {
        if self.wanted.is_none() {
            for (kind, subscription) in &mut self.kinds {
                subscription.open.extend(snapshot.of(*kind).map(|one| one.name.clone()));
            }
            self.wanted = Some(snapshot);
            self.advance();
            return;
        }
        let first = self.gathered.as_ref().map_or(now, |(_, _, first)| *first);
        let at = self.debounce.due(first, now);
        self.gathered = Some((snapshot, at, first));
        self.handle_timeout(now);
    }

    /// Sends what was gathered, if it is time; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        if let Some((wanted, ..)) = self.gathered.take_if(|(_, at, _)| *at <= now) {
            let before = self.wanted.replace(Arc::clone(&wanted)).unwrap_or_default();
            for (kind, subscription) in &mut self.kinds {
                if before.version(*kind) != wanted.version(*kind) {
                    subscription.open.extend(wanted.changed(&before, *kind).into_iter().map(str::to_owned));
                    subscription.keeps_all = false;
                    // a message is refused for one of its resources, so the others have another try
                    subscription.suspects.clear();
                    let refused = std::mem::take(&mut subscription.refused);
                    subscription
                        .open
                        .extend(refused.into_keys().chain(subscription.doubtful.keys().cloned()));
                }
            }
            if before.version(Kind::Secret) != wanted.version(Kind::Secret) {
                self.forget_secrets();
            }
            self.is_in_step = false;
            self.advance();
        }
    }

    /// Takes a proxy's message: an answer, a subscription, or both.
    pub fn handle_request(&mut self, _now: Time, request: Request) {
        let kind = request.kind;
        let is_first = !self.kinds.contains_key(&kind);
        let protocol = self.protocol;
        if is_first {
            let recalled = self.recall(kind);
            self.kinds.insert(kind, recalled);
        }
        let Some(subscription) = self.kinds.get_mut(&kind) else { return };
        let is_stale = !is_first && !request.nonce.is_empty() && request.nonce != subscription.nonce;
        if is_stale && protocol == Protocol::StateOfTheWorld {
            // the proxy has not seen our last message yet and will answer that one
            return;
        }
        if !is_stale && !request.nonce.is_empty() {
            let sent = subscription.sent.take();
            let refused = subscription.settle(sent, request.error.is_some());
            if let (Some(names), Some(message)) = (refused, request.error.clone()) {
                self.events.push_back(Event::Refused { kind, names, message });
            }
        }
        self.subscribe(request, is_first);
        self.is_in_step = false;
        self.advance();
    }

    /// The next message to send.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Response> {
        self.transmits.pop_front()
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.gathered.as_ref().map(|(_, at, _)| *at)
    }

    /// Takes what is asked for, and in the first request of a stream what the proxy says that it has.
    ///
    /// Under state of the world nothing is believed: the version that it names is of the last message
    /// that it took whole, and of one that it refused later it may have kept a part. Under delta endpoints
    /// are not: a cluster may wait for those that the proxy has, because it was changed after they came.
    /// Nor are secrets and routes, which are told once more: an Envoy names those, too, that came while it did not
    /// ask for them and that it left alone (envoyproxy/envoy `delta_subscription_state.cc`).
    /// (An Envoy with a cluster that waits does not even begin a new stream with a request for clusters,
    /// envoyproxy/envoy#9934.)
    fn subscribe(&mut self, request: Request, is_first: bool) {
        let wanted = self.wanted.clone();
        let Some(subscription) = self.kinds.get_mut(&request.kind) else { return };
        let all = |names: &[String]| names.iter().any(|name| name == "*");
        let is_for_all = all(&request.subscribe) || (is_first && request.subscribe.is_empty());
        let was_for_all = subscription.is_for_all;
        subscription.is_for_all |= request.kind.is_whole() && is_for_all;
        subscription.is_for_all &= !all(&request.unsubscribe);
        if subscription.is_for_all && !was_for_all {
            let all = wanted.iter().flat_map(|wanted| wanted.of(request.kind));
            subscription.open.extend(all.map(|one| one.name.clone()));
        }
        match self.protocol {
            Protocol::Delta => {
                for name in request.unsubscribe {
                    subscription.names.remove(&name);
                    subscription.forget(&name);
                }
                for name in request.subscribe.into_iter().filter(|name| name != "*") {
                    // whoever asks again has lost it
                    subscription.forget(&name);
                    subscription.names.insert(name);
                }
                let is_taken = is_first && request.kind != Kind::Endpoints;
                for (name, version) in request.has.into_iter().filter(|_| is_taken) {
                    let body = Arc::new(serde_json::Value::Null);
                    let refers_to = Arc::default();
                    subscription.open.insert(name.clone());
                    if !request.kind.is_whole() {
                        subscription.doubtful.insert(name.clone(), None);
                    }
                    subscription.has.insert(name.clone(), Resource { name, version, body, refers_to });
                }
            }
            Protocol::StateOfTheWorld => {
                let names: BTreeSet<String> = request.subscribe.into_iter().collect();
                subscription.open.extend(names.difference(&subscription.names).cloned());
                subscription.names.clone_from(&names);
                if !request.kind.is_whole() {
                    subscription.has.retain(|name, _| names.contains(name));
                    subscription.doubtful.retain(|name, _| names.contains(name));
                    subscription.refused.retain(|name, _| names.contains(name));
                    subscription.due.retain(|name| names.contains(name));
                }
            }
        }
    }
}

impl Subscription {
    /// Takes note of an answer; gives what was refused once it is known which it was.
    fn settle(&mut self, sent: Option<Sent>, is_refused: bool) -> Option<Vec<String>> {
        let sent = sent?;
        // what is wanted may have changed and changed back meanwhile
        self.open.extend(sent.resources.keys().chain(&sent.removed).cloned());
        if is_refused {
            // what it has already it did not refuse
            self.keeps_all |= sent.new.is_empty();
            let new = sent.resources.into_values().filter(|one| sent.new.contains(&one.name));
            let new: Vec<Resource> = new.collect();
            for one in &new {
                let uses = self.doubtful.entry(one.name.clone()).or_insert_with(|| Some(BTreeSet::new()));
                if let Some(uses) = uses {
                    uses.extend(one.refers_to.iter().cloned());
                }
            }
            let names: Vec<String> = new.iter().map(|one| one.name.clone()).collect();
            if names.len() > 1 {
                let (one, other) = names.split_at(names.len() / 2);
                self.suspects.extend([other, one].map(|half| half.iter().cloned().collect()));
                return None;
            }
            self.refused.extend(new.into_iter().map(|one| (one.name, one.version)));
            return Some(names);
        }
        if sent.is_whole {
            self.open.extend(std::mem::take(&mut self.has).into_keys());
            self.doubtful.clear();
        }
        for name in sent.removed {
            self.has.remove(&name);
            self.refused.remove(&name);
            self.doubtful.remove(&name);
        }
        for (name, resource) in sent.resources {
            self.refused.remove(&name);
            self.doubtful.remove(&name);
            self.has.insert(name, resource);
        }
        None
    }

    fn forget(&mut self, name: &str) {
        self.open.insert(name.to_owned());
        self.has.remove(name);
        self.refused.remove(name);
        self.doubtful.remove(name);
        self.due.remove(name);
        self.absent.remove(name);
    }
}

impl Request {
    /// The first message about a kind, for all of it.
    #[must_use]
    pub const fn first(kind: Kind) -> Self {
        Self {
            kind,
            nonce: String::new(),
            error: None,
            version: String::new(),
            subscribe: Vec::new(),
            unsubscribe: Vec::new(),
            has: BTreeMap::new(),
        }
    }

    /// That a message was taken; under state of the world the names must be repeated, see `subscribe`.
    #[must_use]
    pub fn acknowledges(response: &Response) -> Self {
        let (nonce, version) = (response.nonce.clone(), response.version.clone());
        Self { nonce, version, ..Self::first(response.kind) }
    }
}

#[cfg(test)]
mod tests;
