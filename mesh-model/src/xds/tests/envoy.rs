//! A proxy that does as an Envoy does, with messages that are on their way in both directions.
//!
//! What matters of it: a cluster that is new or changed *warms*: it serves (or replaces the one that
//! does) once its endpoints came, after the cluster, although they may be the same, and then its secret,
//! for which it asks only now. Meanwhile no request
//! for clusters leaves it, be it an answer or the first of a new stream (its cluster manager pauses
//! them). Of a message that it refuses it keeps what is good. Under delta, names that are asked for
//! already are not asked for again. Sources: envoyproxy/envoy `cluster_manager_impl.cc`
//! (`updateClusterCounts`), `cds_api_helper.cc`, `eds.cc`, `grpc_mux_impl.cc`; issues #9934 and #13994.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::xds::{Kind, Protocol, Request, Response};

/// The version of clusters that this proxy refuses.
pub(super) const BAD: u32 = 3;

/// How proxies differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) protocol: Protocol,
    /// Whether it says that it took clusters before it asks for their endpoints.
    pub(super) answers_first: bool,
    /// Whether it keeps requests for clusters back while one waits, as it does once it has started.
    pub(super) withholds: bool,
    /// Whether it has a cluster of its own, whose endpoints it asks for.
    pub(super) has_own: bool,
}

/// The cluster of its own.
pub(super) const OWN: &str = "own";

#[derive(Debug)]
pub(super) struct Proxy {
    habits: Habits,
    /// What it took and was not taken away since.
    pub(super) has: BTreeMap<Kind, BTreeMap<String, Value>>,
    /// Clusters that serve.
    serving: BTreeSet<String>,
    /// Clusters that wait for endpoints, themselves or their changed form.
    pub(super) warming: BTreeSet<String>,
    /// Those of them whose endpoints came, and that wait for secrets.
    told: BTreeSet<String>,
    asked: BTreeMap<Kind, BTreeSet<String>>,
    /// The last version and nonce by kind, for state of the world.
    last: BTreeMap<Kind, (String, String)>,
    /// Versions by kind and name, for delta.
    versions: BTreeMap<Kind, BTreeMap<String, String>>,
    /// Requests for clusters that may not leave yet.
    withheld: VecDeque<Request>,
    pub(super) requests: VecDeque<Request>,
    /// Whether it has its first clusters, after which it asks for listeners.
    is_started: bool,
    /// Whether routes may lead nowhere for a while.
    pub(super) is_lenient: bool,
}

impl Proxy {
    /// A proxy that begins its first stream.
    pub(super) fn new(habits: Habits) -> Self {
        let mut proxy = Self {
            habits,
            has: BTreeMap::new(),
            serving: BTreeSet::new(),
            warming: BTreeSet::new(),
            told: BTreeSet::new(),
            asked: BTreeMap::new(),
            last: BTreeMap::new(),
            versions: BTreeMap::new(),
            withheld: VecDeque::new(),
            requests: VecDeque::new(),
            is_started: false,
            is_lenient: false,
        };
        if habits.has_own {
            proxy.asked.insert(Kind::Endpoints, [OWN.to_owned()].into());
        }
        proxy.connect();
        proxy
    }

    /// Begins a stream: says what it has and asks for all that it asked for before.
    pub(super) fn connect(&mut self) {
        self.requests.clear();
        self.withheld.clear();
        for (_, nonce) in self.last.values_mut() {
            nonce.clear();
        }
        for kind in Kind::ALL {
            let asked = self.asked.get(&kind).cloned().unwrap_or_default();
            if (!kind.is_whole() && asked.is_empty()) || (kind == Kind::Listener && !self.is_started) {
                continue;
            }
            let mut first = Request { subscribe: asked.into_iter().collect(), ..Request::first(kind) };
            match self.habits.protocol {
                Protocol::Delta => first.has = self.versions.get(&kind).cloned().unwrap_or_default(),
                Protocol::StateOfTheWorld => {
                    first.version = self.last.get(&kind).cloned().unwrap_or_default().0;
                }
            }
            self.send(first);
        }
    }

    fn send(&mut self, request: Request) {
        if request.kind == Kind::Cluster {
            if self.habits.protocol == Protocol::StateOfTheWorld {
                self.withheld.clear();
            }
            self.withheld.push_back(request);
            self.release();
        } else {
            self.requests.push_back(request);
        }
    }

    fn release(&mut self) {
        if self.warming.is_empty() || !self.is_started || !self.habits.withholds {
            self.requests.append(&mut self.withheld);
        }
    }

    /// Takes a message or refuses it, and says so.
    pub(super) fn take(&mut self, response: &Response) {
        let kind = response.kind;
        let is_bad = |body: &Value| body["version"] == BAD;
        let error = response.resources.iter().any(|one| is_bad(&one.body)).then(|| "bad".to_owned());
        let mut gone: BTreeSet<String> = response.removed.iter().cloned().collect();
        if self.habits.protocol == Protocol::StateOfTheWorld && kind.is_whole() {
            let has = self.has.get(&kind).into_iter().flat_map(BTreeMap::keys);
            let is_gone = |name: &&String| response.resources.iter().all(|one| one.name != **name);
            gone.extend(has.filter(is_gone).cloned());
        }
        for name in &gone {
            self.drop_one(kind, name);
        }
        for one in response.resources.iter().filter(|one| !is_bad(&one.body)) {
            self.keep(kind, &one.name, &one.body);
            self.versions.entry(kind).or_default().insert(one.name.clone(), one.version.clone());
        }
        let (version, nonce) = self.last.entry(kind).or_default();
        nonce.clone_from(&response.nonce);
        if error.is_none() {
            version.clone_from(&response.version);
        }
        if self.habits.answers_first {
            self.answer(kind, error, &response.nonce);
            self.ask_for_what_belongs(kind);
        } else {
            self.ask_for_what_belongs(kind);
            self.answer(kind, error, &response.nonce);
        }
        self.release();
        if !self.is_started && self.warming.is_empty() && self.last.contains_key(&Kind::Cluster) {
            self.is_started = true;
            self.send(Request::first(Kind::Listener));
        }
        if !self.is_lenient {
            self.check();
        }
    }

    fn answer(&mut self, kind: Kind, error: Option<String>, nonce: &str) {
        let request = Request { error, nonce: nonce.to_owned(), ..self.repeated(kind) };
        self.send(request);
    }

    /// Under state of the world every request repeats names, version and nonce.
    fn repeated(&self, kind: Kind) -> Request {
        if self.habits.protocol == Protocol::Delta {
            return Request::first(kind);
        }
        let (version, nonce) = self.last.get(&kind).cloned().unwrap_or_default();
        let subscribe = self.asked.get(&kind).into_iter().flatten().cloned().collect();
        Request { version, nonce, subscribe, ..Request::first(kind) }
    }

    fn drop_one(&mut self, kind: Kind, name: &str) {
        match kind {
            Kind::Cluster => {
                self.serving.remove(name);
                self.warming.remove(name);
                self.told.remove(name);
            }
            // that there are none ends the waiting, and whatever serves keeps those that it has
            Kind::Endpoints => {
                self.told.insert(name.to_owned());
                return;
            }
            // a secret cannot be taken away
            Kind::Secret => return,
            Kind::Listener | Kind::Route => {}
        }
        self.has.entry(kind).or_default().remove(name);
        self.versions.entry(kind).or_default().remove(name);
    }

    fn keep(&mut self, kind: Kind, name: &str, body: &Value) {
        let is_asked = |kind| self.asked.get(&kind).is_some_and(|names| names.contains(name));
        if !kind.is_whole() && !is_asked(kind) {
            return;
        }
        let old = self.has.entry(kind).or_default().insert(name.to_owned(), body.clone());
        match kind {
            Kind::Cluster if old.as_ref() != Some(body) => {
                self.warming.insert(name.to_owned());
                self.told.remove(name);
            }
            Kind::Endpoints => {
                self.told.insert(name.to_owned());
            }
            Kind::Cluster | Kind::Listener | Kind::Route | Kind::Secret => {}
        }
    }

    /// Clusters whose endpoints and secrets came serve.
    fn warm(&mut self) {
        for name in self.warming.intersection(&self.told).cloned().collect::<Vec<_>>() {
            if self.secret_of(&name).is_none_or(|secret| self.has_one(Kind::Secret, &secret)) {
                self.warming.remove(&name);
                self.serving.insert(name);
            }
        }
    }

    fn has_one(&self, kind: Kind, name: &str) -> bool {
        self.has.get(&kind).is_some_and(|has| has.contains_key(name))
    }

    fn secret_of(&self, cluster: &str) -> Option<String> {
        Some(self.has.get(&Kind::Cluster)?.get(cluster)?["secret"]["name"].as_str()?.to_owned())
    }

    /// Asks for what belongs to the resources of a kind, by their names; for secrets once endpoints came.
    fn ask_for_what_belongs(&mut self, of: Kind) {
        let names = |kind| self.has.get(&kind).into_iter().flat_map(BTreeMap::keys).cloned();
        match of {
            Kind::Cluster => {
                let own = self.habits.has_own.then(|| OWN.to_owned());
                self.ask(Kind::Endpoints, names(Kind::Cluster).chain(own).collect());
            }
            Kind::Listener => self.ask(Kind::Route, names(Kind::Listener).collect()),
            Kind::Endpoints | Kind::Route | Kind::Secret => {}
        }
        if matches!(of, Kind::Cluster | Kind::Endpoints) {
            let ready = self.serving.union(&self.told);
            self.ask(Kind::Secret, ready.filter_map(|cluster| self.secret_of(cluster)).collect());
        }
        self.warm();
    }

    fn ask(&mut self, kind: Kind, wanted: BTreeSet<String>) {
        let before = self.asked.insert(kind, wanted.clone()).unwrap_or_default();
        self.has.entry(kind).or_default().retain(|name, _| wanted.contains(name));
        self.versions.entry(kind).or_default().retain(|name, _| wanted.contains(name));
        let subscribe: Vec<String> = wanted.difference(&before).cloned().collect();
        let unsubscribe: Vec<String> = before.difference(&wanted).cloned().collect();
        let is_repeated = kind != Kind::Secret && !self.warming.is_empty();
        match self.habits.protocol {
            Protocol::Delta if subscribe.is_empty() && unsubscribe.is_empty() => {}
            Protocol::Delta => self.send(Request { subscribe, unsubscribe, ..Request::first(kind) }),
            Protocol::StateOfTheWorld if wanted == before && !is_repeated => {}
            Protocol::StateOfTheWorld => self.send(self.repeated(kind)),
        }
    }

    /// No route in use leads to a cluster that does not serve, or has no endpoints.
    pub(super) fn check(&self) {
        let of = |kind| self.has.get(&kind).cloned().unwrap_or_default();
        let (listeners, endpoints) = (of(Kind::Listener), of(Kind::Endpoints));
        for (name, route) in of(Kind::Route).iter().filter(|(name, _)| listeners.contains_key(*name)) {
            let cluster = route["cluster"].as_str().expect("routes of these tests have one");
            assert!(self.serving.contains(cluster), "{name} leads to {cluster}, which does not serve");
            let hosts = endpoints.get(cluster).map(|one| &one["endpoints"]);
            assert!(hosts.is_some_and(Value::is_array), "{name} leads to {cluster}, which is empty");
        }
    }
}
