//! Tests of the xDS server: conversations word by word, and a model of a proxy under random changes.

mod envoy;
mod histories;
mod world;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::envoy::EnvoyConfig;

const DEBOUNCE: Debounce = Debounce { quiet: Duration::from_millis(100), most: Duration::from_millis(250) };

/// A snapshot of clusters with endpoints, and of listeners with a route table each.
fn snapshot(clusters: &[(&str, u32)], listeners: &[(&str, &str)]) -> Arc<Snapshot> {
    with_secrets(&[], clusters, listeners, &[])
}

/// The same with endpoints of clusters that the proxy has by itself, and clusters that need a secret, which
/// is there or not.
fn with_secrets(
    own: &[&str],
    clusters: &[(&str, u32)],
    listeners: &[(&str, &str)],
    secrets: &[(&str, bool)],
) -> Arc<Snapshot> {
    let mut config = EnvoyConfig::default();
    for name in own {
        config.endpoints.insert((*name).to_owned(), json!({ "cluster_name": name, "endpoints": [] }));
    }
    let mut known = Vec::new();
    for (name, version) in clusters {
        let mut body = json!({ "name": name, "version": version });
        if let Some((_, is_there)) = secrets.iter().find(|(cluster, _)| cluster == name) {
            let secret = format!("s-{name}");
            body["secret"] = json!({ "name": secret, "sds_config": { "ads": {} } });
            known.extend(is_there.then(|| (secret.clone(), json!({ "name": secret }))));
        }
        config.clusters.insert((*name).to_owned(), body);
        config.endpoints.insert((*name).to_owned(), json!({ "cluster_name": name, "endpoints": [] }));
    }
    for (name, cluster) in listeners {
        config.listeners.insert((*name).to_owned(), json!({ "name": name }));
        config.routes.insert((*name).to_owned(), json!({ "name": name, "cluster": cluster }));
    }
    Arc::new(Snapshot::new(&config, known))
}

fn session(protocol: Protocol, snapshot: &Arc<Snapshot>) -> Session {
    let mut session = Session::new(protocol, DEBOUNCE);
    session.handle_snapshot(Time::ZERO, Arc::clone(snapshot));
    session
}

fn names(response: &Response) -> Vec<&str> {
    response.resources.iter().map(|one| one.name.as_str()).collect()
}

fn first(kind: Kind, names: &[&str]) -> Request {
    Request { subscribe: names.iter().map(|name| (*name).to_owned()).collect(), ..Request::first(kind) }
}

fn refuses(response: &Response) -> Request {
    Request { error: Some("no".to_owned()), version: String::new(), ..Request::acknowledges(response) }
}

/// Changes what is wanted and lets the time pass in which changes are gathered.
fn change(session: &mut Session, now: &mut Time, snapshot: &Arc<Snapshot>) {
    session.handle_snapshot(*now, Arc::clone(snapshot));
    *now = session.poll_timeout().expect("a change is gathered");
    session.handle_timeout(*now);
}

#[test]
fn what_refers_comes_after_what_it_refers_to_and_goes_before_it() {
    let (one, two) = (snapshot(&[("a", 1)], &[("l", "a")]), snapshot(&[("b", 1)], &[("m", "b")]));
    let mut session = session(Protocol::Delta, &one);
    let mut now = Time::ZERO;
    let mut told = Vec::new();
    let mut drain = |session: &mut Session| {
        while let Some(response) = session.poll_transmit() {
            told.push((response.kind, names(&response).join(","), response.removed.join(",")));
            let acknowledged = Request::acknowledges(&response);
            session.handle_request(Time::ZERO, acknowledged);
        }
    };
    for (kind, names) in [
        (Kind::Cluster, &[][..]),
        (Kind::Endpoints, &["a", "b"]),
        (Kind::Listener, &[]),
        (Kind::Route, &["l", "m"]),
    ] {
        session.handle_request(now, first(kind, names));
        drain(&mut session);
    }
    change(&mut session, &mut now, &two);
    drain(&mut session);
    let of = |kind, added: &str, removed: &str| (kind, added.to_owned(), removed.to_owned());
    assert_eq!(
        told,
        [
            of(Kind::Cluster, "a", ""),
            of(Kind::Endpoints, "a", "b"),
            of(Kind::Listener, "l", ""),
            of(Kind::Route, "l", "m"),
            of(Kind::Cluster, "b", ""),
            of(Kind::Endpoints, "b", ""),
            of(Kind::Listener, "m", ""),
            of(Kind::Route, "m", ""),
            of(Kind::Route, "", "l"),
            of(Kind::Listener, "", "l"),
            of(Kind::Endpoints, "", "a"),
            of(Kind::Cluster, "", "a"),
        ]
    );
}

#[test]
fn endpoints_are_sent_again_after_their_cluster() {
    for protocol in [Protocol::Delta, Protocol::StateOfTheWorld] {
        let mut session = session(protocol, &snapshot(&[("a", 1), ("b", 1)], &[]));
        let mut now = Time::ZERO;
        session.handle_request(now, Request::first(Kind::Cluster));
        let clusters = session.poll_transmit().unwrap();
        session.handle_request(now, Request::acknowledges(&clusters));
        session.handle_request(now, first(Kind::Endpoints, &["a", "b"]));
        let endpoints = session.poll_transmit().unwrap();
        let both = ["a".to_owned(), "b".to_owned()];
        session.handle_request(
            now,
            Request { subscribe: both.into(), ..Request::acknowledges(&endpoints) }.again(protocol),
        );
        change(&mut session, &mut now, &snapshot(&[("a", 2), ("b", 1)], &[]));
        let clusters = session.poll_transmit().unwrap();
        let expected: &[&str] = if protocol == Protocol::Delta { &["a"] } else { &["a", "b"] };
        assert_eq!(names(&clusters), expected);
        session.handle_request(now, Request::acknowledges(&clusters));
        let endpoints = session.poll_transmit().unwrap();
        assert_eq!((endpoints.kind, names(&endpoints)), (Kind::Endpoints, vec!["a"]), "{protocol:?}");
    }
}

impl Request {
    /// Names are repeated under state of the world only.
    fn again(mut self, protocol: Protocol) -> Self {
        if protocol == Protocol::Delta {
            self.subscribe.clear();
        }
        self
    }
}

#[test]
fn what_is_refused_is_not_sent_again_and_nothing_that_follows_it() {
    for protocol in [Protocol::Delta, Protocol::StateOfTheWorld] {
        let mut session = session(protocol, &snapshot(&[("a", 1)], &[("l", "a")]));
        let mut now = Time::ZERO;
        for kind in [Kind::Cluster, Kind::Listener] {
            session.handle_request(now, Request::first(kind));
            let response = session.poll_transmit().unwrap();
            session.handle_request(now, Request::acknowledges(&response));
        }
        while session.poll_event().is_some() {}
        change(&mut session, &mut now, &snapshot(&[("a", 1), ("bad", 1)], &[("l", "a"), ("m", "bad")]));
        let response = session.poll_transmit().unwrap();
        session.handle_request(now, refuses(&response));
        let refused = Event::Refused { kind: Kind::Cluster, names: vec!["bad".into()], message: "no".into() };
        assert_eq!(session.poll_event(), Some(refused), "{protocol:?}");
        assert_eq!(
            (session.poll_transmit(), session.poll_event()),
            (None, None),
            "m would call what is not there"
        );
        // once something else is wanted it goes on
        change(&mut session, &mut now, &snapshot(&[("a", 1), ("bad", 2)], &[("l", "a"), ("m", "bad")]));
        let response = session.poll_transmit().unwrap();
        assert!(names(&response).contains(&"bad"));
        session.handle_request(now, Request::acknowledges(&response));
        let response = session.poll_transmit().unwrap();
        assert_eq!(response.kind, Kind::Listener);
        session.handle_request(now, Request::acknowledges(&response));
        assert_eq!((session.poll_transmit(), session.poll_event()), (None, Some(Event::InStep)));
    }
}

#[test]
fn one_bad_resource_holds_nobody_else() {
    for protocol in [Protocol::Delta, Protocol::StateOfTheWorld] {
        let mut clusters: Vec<(String, u32)> = (0..100).map(|number| (format!("c{number:02}"), 1)).collect();
        clusters[42].1 = 2;
        let clusters: Vec<(&str, u32)> =
            clusters.iter().map(|(name, version)| (name.as_str(), *version)).collect();
        let wanted = snapshot(&clusters, &[("good", "c07"), ("ill", "c42")]);
        let mut session = session(protocol, &wanted);
        let (mut has, mut messages) = (BTreeMap::<Kind, BTreeSet<String>>::new(), 0);
        session.handle_request(Time::ZERO, Request::first(Kind::Cluster));
        session.handle_request(Time::ZERO, Request::first(Kind::Listener));
        let tables = || vec!["good".to_owned(), "ill".to_owned()];
        let all: Vec<String> = clusters.iter().map(|(name, _)| (*name).to_owned()).collect();
        session.handle_request(Time::ZERO, Request { subscribe: tables(), ..Request::first(Kind::Route) });
        session.handle_request(
            Time::ZERO,
            Request { subscribe: all.clone(), ..Request::first(Kind::Endpoints) },
        );
        while let Some(response) = session.poll_transmit() {
            messages += 1;
            let is_bad = response.kind == Kind::Cluster
                && response.resources.iter().any(|one| one.body["version"] == 2);
            let subscribe = match (protocol, response.kind) {
                (Protocol::StateOfTheWorld, Kind::Route) => tables(),
                (Protocol::StateOfTheWorld, Kind::Endpoints) => all.clone(),
                _ => Vec::new(),
            };
            let answer = if is_bad { refuses(&response) } else { Request::acknowledges(&response) };
            if !is_bad {
                has.entry(response.kind).or_default().extend(names(&response).into_iter().map(str::to_owned));
            }
            session.handle_request(Time::ZERO, Request { subscribe, ..answer });
        }
        let count = |kind: Kind| has.get(&kind).map_or(0, BTreeSet::len);
        assert_eq!(Kind::ALL.map(count), [99, 100, 0, 1, 1], "{protocol:?}");
        assert!(has[&Kind::Route].contains("good") && messages < 40, "{messages}");
        let told: Vec<Event> = std::iter::from_fn(|| session.poll_event()).collect();
        let refused = Event::Refused { kind: Kind::Cluster, names: vec!["c42".into()], message: "no".into() };
        assert_eq!(told, [refused], "which one it was, and that not all is as wanted");
    }
}

#[test]
fn a_listener_goes_where_another_takes_its_address() {
    let listener = |name: &str, address: &str| {
        let mut config = EnvoyConfig::default();
        let body = json!({ "name": name, "address": { "socket_address": { "address": address, "port_value": 443 } } });
        config.listeners.insert(name.to_owned(), body);
        Arc::new(Snapshot::new(&config, []))
    };
    for protocol in [Protocol::Delta, Protocol::StateOfTheWorld] {
        let mut session = session(protocol, &listener("old", "203.0.113.10"));
        let mut now = Time::ZERO;
        session.handle_request(now, Request::first(Kind::Listener));
        let response = session.poll_transmit().unwrap();
        session.handle_request(now, Request::acknowledges(&response));
        change(&mut session, &mut now, &listener("new", "203.0.113.10"));
        let response = session.poll_transmit().unwrap();
        let removed: &[&str] = if protocol == Protocol::Delta { &["old"] } else { &[] };
        assert_eq!(
            (names(&response), &response.removed[..]),
            (vec!["new"], &removed.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..]),
            "{protocol:?}"
        );
        session.handle_request(now, Request::acknowledges(&response));
        assert_eq!(session.poll_transmit(), None);
        // at another address both are there for a while
        change(&mut session, &mut now, &listener("third", "203.0.113.11"));
        let response = session.poll_transmit().unwrap();
        assert_eq!(response.removed, [""; 0]);
        session.handle_request(now, Request::acknowledges(&response));
        assert!(session.poll_transmit().is_some(), "and the old one goes after");
    }
}

#[test]
fn a_proxy_that_comes_back_is_sent_what_it_may_lack() {
    let wanted = snapshot(&[("a", 1), ("b", 1)], &[]);
    // of a message that it refused later it may have kept a part, and the version does not say so
    let mut world = session(Protocol::StateOfTheWorld, &wanted);
    let version = wanted.version(Kind::Cluster).to_owned();
    world.handle_request(Time::ZERO, Request { version, ..Request::first(Kind::Cluster) });
    assert_eq!(names(&world.poll_transmit().unwrap()), ["a", "b"]);
    let has = |names: &[&str]| -> BTreeMap<String, String> {
        let has = names
            .iter()
            .map(|name| ((*name).to_owned(), wanted.get(Kind::Cluster, name).unwrap().version.clone()));
        has.collect()
    };
    let mut delta = session(Protocol::Delta, &wanted);
    delta.handle_request(Time::ZERO, Request { has: has(&["a"]), ..Request::first(Kind::Cluster) });
    assert_eq!(names(&delta.poll_transmit().unwrap()), ["b"]);
    // what is no longer wanted goes
    let mut delta = session(Protocol::Delta, &snapshot(&[("a", 1)], &[]));
    delta.handle_request(Time::ZERO, Request { has: has(&["a", "b"]), ..Request::first(Kind::Cluster) });
    let empty = delta.poll_transmit().unwrap();
    delta.handle_request(Time::ZERO, Request::acknowledges(&empty));
    assert_eq!(delta.poll_transmit().unwrap().removed, ["b"]);
}

#[test]
fn a_proxy_that_lets_nothing_go_is_not_asked_for_ever() {
    for protocol in [Protocol::Delta, Protocol::StateOfTheWorld] {
        let mut session = session(protocol, &snapshot(&[("a", 1), ("b", 1)], &[]));
        let mut now = Time::ZERO;
        session.handle_request(now, Request::first(Kind::Cluster));
        let response = session.poll_transmit().unwrap();
        session.handle_request(now, Request::acknowledges(&response));
        change(&mut session, &mut now, &snapshot(&[("a", 1)], &[]));
        let response = session.poll_transmit().unwrap();
        session.handle_request(now, refuses(&response));
        assert_eq!(session.poll_transmit(), None, "{protocol:?}");
        change(&mut session, &mut now, &snapshot(&[], &[]));
        assert!(session.poll_transmit().is_some(), "{protocol:?}");
    }
}

#[test]
fn stale_answers_are_none() {
    let mut session = session(Protocol::StateOfTheWorld, &snapshot(&[("a", 1), ("b", 1)], &[]));
    session.handle_request(Time::ZERO, Request::first(Kind::Cluster));
    let clusters = session.poll_transmit().unwrap();
    session.handle_request(Time::ZERO, Request::acknowledges(&clusters));
    session.handle_request(Time::ZERO, first(Kind::Endpoints, &["a"]));
    let old = session.poll_transmit().unwrap();
    session.handle_request(
        Time::ZERO,
        Request { subscribe: vec!["a".into(), "b".into()], ..Request::acknowledges(&old) },
    );
    let new = session.poll_transmit().unwrap();
    assert_eq!(names(&new), ["b"]);
    session.handle_request(Time::ZERO, Request { error: Some("late".into()), ..Request::acknowledges(&old) });
    while let Some(event) = session.poll_event() {
        assert_eq!(event, Event::InStep);
    }
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn changes_are_gathered_but_not_for_ever() {
    let at = |milliseconds: u64| Time::ZERO + Duration::from_millis(milliseconds);
    let mut session = session(Protocol::Delta, &snapshot(&[("a", 0)], &[]));
    session.handle_request(at(0), Request::first(Kind::Cluster));
    let first = session.poll_transmit().unwrap();
    session.handle_request(at(0), Request::acknowledges(&first));
    for (now, deadline) in [(0, 100), (80, 180), (160, 250), (240, 250)] {
        session.handle_snapshot(at(now), snapshot(&[("a", 1 + u32::try_from(now).unwrap())], &[]));
        assert_eq!((session.poll_timeout(), session.poll_transmit()), (Some(at(deadline)), None), "{now}");
    }
    session.handle_timeout(at(249));
    assert_eq!(session.poll_transmit(), None);
    session.handle_timeout(at(250));
    assert_eq!(*session.poll_transmit().unwrap().resources[0].body, json!({ "name": "a", "version": 241 }));
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn versions_are_of_content() {
    let (one, other) = (snapshot(&[("a", 1)], &[]), snapshot(&[("a", 2)], &[]));
    assert_ne!(one.version(Kind::Cluster), other.version(Kind::Cluster));
    assert_eq!(one.version(Kind::Endpoints), other.version(Kind::Endpoints));
    assert_eq!(one, snapshot(&[("a", 1)], &[]));
    let body: &Value = &one.get(Kind::Cluster, "a").unwrap().body;
    assert_eq!(body, &json!({ "name": "a", "version": 1 }));
}

/// A listener with a name, what it shows by which its versions differ, the cluster that it leads to by itself, and
/// the secret that it asks for.
fn with_listeners(listeners: &[(&str, u32, &str, &str)], secrets: &[&str]) -> Arc<Snapshot> {
    let mut config = EnvoyConfig::default();
    for (name, version, cluster, secret) in listeners {
        let asks = json!({ "name": secret, "sds_config": { "ads": {} } });
        let body =
            json!({ "name": name, "version": version, "tcp": { "cluster": cluster }, "secrets": [asks] });
        config.listeners.insert((*name).to_owned(), body);
        config.clusters.insert((*cluster).to_owned(), json!({ "name": cluster }));
    }
    Arc::new(Snapshot::new(&config, secrets.iter().map(|name| ((*name).to_owned(), json!({ "name": name })))))
}

/// Answers all that is sent and asks for secrets as listeners come; gives what was told.
fn talk(session: &mut Session) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(response) = session.poll_transmit() {
        let removed = if response.removed.is_empty() {
            String::new()
        } else {
            format!(" without {}", response.removed.join(","))
        };
        told.push(format!("{:?} {}{removed}", response.kind, names(&response).join(",")));
        session.handle_request(Time::ZERO, Request::acknowledges(&response));
    }
    told.extend(std::iter::from_fn(|| session.poll_event()).map(|event| match event {
        Event::InStep => "in step".to_owned(),
        Event::Lacks { kind, name, .. } => format!("{kind:?} {name} lacks"),
        Event::Refused { names, .. } => panic!("{names:?}"),
    }));
    told
}

/// An Envoy that starts opens none of its listeners while one of them waits for a secret, so that one is not
/// sent; what its last form uses stays while that serves on, and everything else goes.
#[test]
fn a_listener_whose_secret_is_not_there_is_held_back_and_holds_nobody_else_back() {
    let first = with_listeners(&[("l", 1, "a", "s"), ("m", 1, "b", "t"), ("n", 1, "c", "s")], &["s"]);
    let mut session = session(Protocol::Delta, &first);
    let mut now = Time::ZERO;
    session.handle_request(now, Request::first(Kind::Cluster));
    assert_eq!(talk(&mut session), ["Cluster a,b,c", "in step"]);
    session.handle_request(now, Request::first(Kind::Listener));
    assert_eq!(talk(&mut session), ["Listener l,n", "Listener m lacks"]);
    // its secret comes; then the next form of another lacks one, and others go
    change(
        &mut session,
        &mut now,
        &with_listeners(&[("l", 1, "a", "s"), ("m", 1, "b", "t"), ("n", 1, "c", "s")], &["s", "t"]),
    );
    assert_eq!(talk(&mut session), ["Listener m", "in step"]);
    change(&mut session, &mut now, &with_listeners(&[("l", 2, "d", "u"), ("m", 1, "b", "t")], &["s", "t"]));
    assert_eq!(
        talk(&mut session),
        ["Cluster d", "Listener  without n", "Cluster  without c", "Listener l lacks"],
        "a serves on"
    );
    change(&mut session, &mut now, &with_listeners(&[("l", 2, "d", "u"), ("m", 1, "b", "t")], &["t", "u"]));
    assert_eq!(talk(&mut session), ["Listener l", "Cluster  without a", "in step"]);
    // on another stream names alone are known: nothing goes until it is known what uses what
    let mut session = Session::new(Protocol::Delta, DEBOUNCE);
    session.handle_snapshot(now, with_listeners(&[("l", 3, "e", "v"), ("m", 1, "b", "t")], &["t"]));
    let has = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "old".to_owned())).collect();
    session.handle_request(now, Request { has: has(&["b", "d"]), ..Request::first(Kind::Cluster) });
    session.handle_request(now, Request { has: has(&["l", "m"]), ..Request::first(Kind::Listener) });
    let told = talk(&mut session);
    assert_eq!(told, ["Cluster b,e", "Listener m", "Listener l lacks"]);
}
