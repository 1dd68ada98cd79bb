//! A naive proxy that asks, takes, refuses and checks, under random changes of what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{change, snapshot};
use crate::time::Time;
use crate::xds::{Event, Kind, Protocol, Request, Response, Session, Snapshot};

/// The version of clusters that this proxy refuses.
const BAD: u32 = 3;

#[derive(Debug)]
struct Proxy {
    protocol: Protocol,
    has: BTreeMap<Kind, BTreeMap<String, serde_json::Value>>,
    asked: BTreeMap<Kind, BTreeSet<String>>,
    /// Clusters that wait for endpoints.
    warming: BTreeSet<String>,
    /// That clusters were taken, which a real Envoy says only once none of them waits any more.
    withheld: Option<Request>,
}

impl Proxy {
    fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            has: BTreeMap::new(),
            asked: BTreeMap::new(),
            warming: BTreeSet::new(),
            withheld: None,
        }
    }

    /// Takes a message or refuses it; gives what it says then.
    fn take(&mut self, response: &Response) -> Vec<Request> {
        let kind = response.kind;
        let answer = Request::acknowledges(response);
        let repeated = || self.asked.get(&kind).into_iter().flatten().cloned().collect();
        let subscribe: Vec<String> =
            if self.protocol == Protocol::StateOfTheWorld { repeated() } else { Vec::new() };
        let answer = Request { subscribe, ..answer };
        if response.resources.iter().any(|one| one.body["version"] == BAD) {
            return vec![Request { error: Some("bad".to_owned()), ..answer }];
        }
        let has = self.has.entry(kind).or_default();
        if self.protocol == Protocol::StateOfTheWorld && kind.is_whole() {
            has.retain(|name, _| response.resources.iter().any(|one| one.name == *name));
        }
        for name in &response.removed {
            has.remove(name);
        }
        for one in &response.resources {
            let old = has.insert(one.name.clone(), (*one.body).clone());
            if kind == Kind::Cluster && old.as_ref() != Some(&*one.body) {
                self.warming.insert(one.name.clone());
            }
            if kind == Kind::Endpoints {
                self.warming.remove(&one.name);
            }
        }
        let mut requests = Vec::new();
        if kind == Kind::Cluster && !self.warming.is_empty() {
            self.withheld = Some(answer);
        } else {
            requests.push(answer);
        }
        requests.extend(self.withheld.take_if(|_| self.warming.is_empty()));
        requests.extend(match kind {
            Kind::Cluster => self.ask(Kind::Endpoints, Kind::Cluster),
            Kind::Listener => self.ask(Kind::Route, Kind::Listener),
            Kind::Endpoints | Kind::Route | Kind::Secret => None,
        });
        self.check();
        requests
    }

    /// Asks for what belongs to the resources of another kind, by their names.
    fn ask(&mut self, kind: Kind, of: Kind) -> Option<Request> {
        let wanted: BTreeSet<String> =
            self.has.get(&of).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        let before = self.asked.insert(kind, wanted.clone()).unwrap_or_default();
        if wanted == before {
            return None;
        }
        self.warming.retain(|name| wanted.contains(name));
        let has = self.has.entry(kind).or_default();
        has.retain(|name, _| wanted.contains(name));
        let (new, old): (Vec<String>, Vec<String>) = match self.protocol {
            Protocol::Delta => {
                (wanted.difference(&before).cloned().collect(), before.difference(&wanted).cloned().collect())
            }
            Protocol::StateOfTheWorld => (wanted.into_iter().collect(), Vec::new()),
        };
        Some(Request { subscribe: new, unsubscribe: old, ..Request::first(kind) })
    }

    /// No route in use leads to a cluster that is not there.
    fn check(&self) {
        let of = |kind| self.has.get(&kind).cloned().unwrap_or_default();
        let (clusters, listeners) = (of(Kind::Cluster), of(Kind::Listener));
        for (name, route) in of(Kind::Route) {
            let cluster = route["cluster"].as_str().expect("routes of these tests have one");
            let is_used = listeners.contains_key(&name);
            assert!(
                !is_used || clusters.contains_key(cluster),
                "{name} leads to {cluster}, which is not there"
            );
        }
    }
}

/// Carries messages until both are silent; gives whether something was refused.
fn talk(session: &mut Session, proxy: &mut Proxy, now: Time) -> bool {
    let mut is_refused = false;
    for _ in 0..1_000 {
        let Some(response) = session.poll_transmit() else {
            while let Some(event) = session.poll_event() {
                is_refused |= matches!(event, Event::Refused { .. });
            }
            return is_refused;
        };
        for request in proxy.take(&response) {
            session.handle_request(now, request);
            check_open(session);
        }
    }
    panic!("they talk for ever");
}

/// Whoever is not looked at has nothing to be told: the open names are beside a search through all.
fn check_open(session: &Session) {
    let Some(wanted) = &session.wanted else { return };
    for (kind, one) in &session.kinds {
        let has = one.has.keys().chain(one.refused.keys()).chain(&one.doubtful).chain(&one.names);
        for name in has.chain(wanted.of(*kind).map(|resource| &resource.name)) {
            assert!(
                one.open.contains(name) || one.is_settled(wanted, *kind, name),
                "{kind:?} {name} is forgotten"
            );
        }
    }
}

/// What is wanted: clusters 0 to 4 with versions, and listeners that lead to some of them.
fn snapshots() -> impl Strategy<Value = (Arc<Snapshot>, bool)> {
    let clusters = proptest::collection::btree_map(0..5_usize, 0..=BAD, 1..5);
    (clusters, proptest::collection::btree_map(0..4_usize, 0..5_usize, 0..4)).prop_map(
        |(clusters, listeners)| {
            let names = ["a", "b", "c", "d", "e"];
            let is_bad = clusters.values().any(|version| *version == BAD);
            let all: Vec<(&str, u32)> =
                clusters.into_iter().map(|(at, version)| (names[at], version)).collect();
            let lines = ["l", "m", "n", "o"];
            let to = |(at, cluster): (usize, usize)| (lines[at], all[cluster % all.len()].0);
            let listeners: Vec<(&str, &str)> = listeners.into_iter().map(to).collect();
            (snapshot(&all, &listeners), is_bad)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_route_ever_leads_nowhere_and_in_the_end_all_is_as_wanted(
        is_delta in any::<bool>(),
        wanted in proptest::collection::vec(snapshots(), 1..8),
    ) {
        let protocol = if is_delta { Protocol::Delta } else { Protocol::StateOfTheWorld };
        let (mut session, mut proxy, mut now) = (Session::new(protocol, super::DEBOUNCE), Proxy::new(protocol), Time::ZERO);
        for kind in [Kind::Cluster, Kind::Listener] {
            session.handle_request(now, Request::first(kind));
        }
        for (number, (wanted, is_bad)) in wanted.iter().enumerate() {
            check_open(&session);
            if number == 0 {
                session.handle_snapshot(now, Arc::clone(wanted));
            } else {
                change(&mut session, &mut now, wanted);
            }
            let is_refused = talk(&mut session, &mut proxy, now);
            prop_assert!(!is_refused || *is_bad);
            if *is_bad {
                // whoever has nothing to do with what is refused has all that is wanted
                let bad = |name: &str| wanted.get(Kind::Cluster, name).is_some_and(|one| one.body["version"] == BAD);
                for (kind, of) in [(Kind::Cluster, "name"), (Kind::Endpoints, "cluster_name"), (Kind::Route, "cluster")] {
                    for one in wanted.of(kind).filter(|one| !one.body[of].as_str().is_some_and(bad)) {
                        let has = proxy.has.get(&kind).and_then(|has| has.get(&one.name));
                        prop_assert_eq!(has, Some(&*one.body), "{:?} {}", kind, one.name);
                    }
                }
                continue;
            }
            for kind in [Kind::Cluster, Kind::Endpoints, Kind::Listener, Kind::Route] {
                let has = proxy.has.get(&kind).cloned().unwrap_or_default();
                let wanted = wanted.of(kind).map(|one| (one.name.clone(), (*one.body).clone()));
                prop_assert_eq!(&has, &wanted.collect::<BTreeMap<_, _>>(), "{:?}", kind);
            }
            prop_assert!(proxy.warming.is_empty(), "without endpoints: {:?}", proxy.warming);
        }
    }

    #[test]
    fn changes_amid_a_conversation_end_as_wanted(
        is_delta in any::<bool>(),
        wanted in proptest::collection::vec((snapshots(), 0..6_usize), 2..8),
    ) {
        let protocol = if is_delta { Protocol::Delta } else { Protocol::StateOfTheWorld };
        let (mut session, mut proxy, mut now) = (Session::new(protocol, super::DEBOUNCE), Proxy::new(protocol), Time::ZERO);
        session.handle_snapshot(now, Arc::clone(&wanted[0].0.0));
        for kind in [Kind::Cluster, Kind::Listener] {
            session.handle_request(now, Request::first(kind));
        }
        for ((wanted, _), messages) in &wanted {
            change(&mut session, &mut now, wanted);
            check_open(&session);
            for _ in 0..*messages {
                let Some(response) = session.poll_transmit() else { break };
                for request in proxy.take(&response) {
                    session.handle_request(now, request);
                    check_open(&session);
                }
            }
        }
        talk(&mut session, &mut proxy, now);
        let ((wanted, is_bad), _) = wanted.last().expect("there are two at least");
        // a cluster that went before its endpoints came is waited for, and nothing is sent meanwhile
        let is_open = *is_bad || proxy.withheld.is_some();
        for kind in [Kind::Cluster, Kind::Endpoints, Kind::Listener, Kind::Route].into_iter().filter(|_| !is_open) {
            let has = proxy.has.get(&kind).cloned().unwrap_or_default();
            let wanted = wanted.of(kind).map(|one| (one.name.clone(), (*one.body).clone()));
            prop_assert_eq!(&has, &wanted.collect::<BTreeMap<_, _>>(), "{:?}", kind);
        }
    }
}
