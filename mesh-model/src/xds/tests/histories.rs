//! Histories of what is wanted, of messages under way and of broken streams: whatever happened, in the
//! end a proxy has exactly what is wanted, and no route ever led nowhere.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::envoy::{BAD, Habits, OWN, Proxy};
use super::{DEBOUNCE, change, snapshot, snapshot_beside};
use crate::time::Time;
use crate::xds::{Event, Kind, Protocol, Request, Resource, Response, Session, Snapshot};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// Something else is wanted.
    Want(Arc<Snapshot>),
    /// So many messages arrive at the proxy.
    ToProxy(usize),
    /// So many messages arrive at the server.
    ToServer(usize),
    /// The last request of the proxy arrives twice.
    Again,
    /// The stream breaks, and a server that knows nothing of the old one answers.
    Break,
}

/// A server and a proxy, and what is on its way between them.
struct World {
    session: Session,
    proxy: Proxy,
    responses: VecDeque<Response>,
    last: Option<Request>,
    wanted: Arc<Snapshot>,
    habits: Habits,
    now: Time,
    events: Vec<Event>,
    /// What happened, to be read when a test fails.
    told: Vec<String>,
}

#[allow(clippy::disallowed_macros, reason = "a history that fails is told to whoever reads the test")]
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?}\n{}", self.habits, self.told.join("\n"));
        }
    }
}

/// Names and versions, as far as a reader asks for them.
fn words<'a>(resources: impl Iterator<Item = &'a Resource>) -> String {
    let one = |one: &Resource| {
        let body = &one.body;
        format!(" {}{}{}", one.name, body["version"], body["cluster"]).replace("null", "")
    };
    resources.map(one).collect()
}

impl World {
    fn new(habits: Habits, wanted: &Arc<Snapshot>) -> Self {
        Self {
            session: super::session(habits.protocol, wanted),
            proxy: Proxy::new(habits),
            responses: VecDeque::new(),
            last: None,
            wanted: Arc::clone(wanted),
            habits,
            now: Time::ZERO,
            events: Vec::new(),
            told: vec![format!("wanted {}", Kind::ALL.map(|kind| words(wanted.of(kind))).join(","))],
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Want(wanted) => {
                self.wanted = Arc::clone(wanted);
                self.told.push(format!("wanted {}", Kind::ALL.map(|kind| words(wanted.of(kind))).join(",")));
                change(&mut self.session, &mut self.now, wanted);
                self.collect();
            }
            Step::ToProxy(messages) => {
                for _ in 0..*messages {
                    self.carry_down();
                }
            }
            Step::ToServer(messages) => {
                for _ in 0..*messages {
                    self.carry_up();
                }
            }
            Step::Again => {
                if let Some(request) = self.last.clone() {
                    self.session.handle_request(self.now, request);
                    self.collect();
                }
            }
            Step::Break => {
                self.told.push("broken".to_owned());
                self.session = Session::new(self.habits.protocol, DEBOUNCE);
                self.session.handle_snapshot(self.now, Arc::clone(&self.wanted));
                self.responses.clear();
                self.last = None;
                // a server that does not know which clusters there are cannot keep them
                self.proxy.is_lenient |= self.habits.protocol == Protocol::StateOfTheWorld;
                self.proxy.connect();
            }
        }
    }

    fn carry_down(&mut self) -> bool {
        let Some(response) = self.responses.pop_front() else { return false };
        let (kind, resources) = (response.kind, words(response.resources.iter()));
        self.told
            .push(format!("  -> {kind:?} {} {resources} without {:?}", response.nonce, response.removed));
        self.proxy.take(&response);
        true
    }

    fn carry_up(&mut self) -> bool {
        let Some(request) = self.proxy.requests.pop_front() else { return false };
        self.last = Some(request.clone());
        let Request { kind, nonce, error, subscribe, unsubscribe, has, .. } = &request;
        self.told
            .push(format!("  <- {kind:?} {nonce} {error:?} {subscribe:?} not {unsubscribe:?} has {has:?}"));
        self.session.handle_request(self.now, request);
        self.collect();
        true
    }

    fn collect(&mut self) {
        self.responses.extend(std::iter::from_fn(|| self.session.poll_transmit()));
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
        check_open(&self.session);
    }

    /// Lets both talk until they are silent, and looks at what the proxy has then.
    fn end(&mut self) {
        let mut messages = 0;
        while self.carry_up() || self.carry_down() {
            messages += 1;
            assert!(messages < 200, "they talk for ever");
        }
        let bad = |name: &str| {
            let cluster = self.wanted.get(Kind::Cluster, name);
            cluster.is_some_and(|one| one.body["version"] == BAD)
        };
        let is_bad = self.wanted.of(Kind::Cluster).any(|one| bad(&one.name));
        assert!(self.proxy.warming.is_empty(), "without endpoints: {:?}", self.proxy.warming);
        for (kind, of) in [
            (Kind::Cluster, "name"),
            (Kind::Endpoints, "cluster_name"),
            (Kind::Listener, "name"),
            (Kind::Route, "cluster"),
        ] {
            let mut has = self.proxy.has.get(&kind).cloned().unwrap_or_default();
            if kind == Kind::Endpoints && self.wanted.get(kind, OWN).is_none() {
                // it was told that they are not there, or has the last that there were
                has.remove(OWN);
            }
            let is_asked = |name: &str| kind != Kind::Endpoints || name != OWN || self.habits.has_own;
            let wanted = self.wanted.of(kind).filter(|one| is_asked(&one.name));
            if is_bad {
                // whoever has nothing to do with what is refused has all that is wanted
                for one in wanted.filter(|one| !one.body[of].as_str().is_some_and(bad)) {
                    assert!(
                        kind == Kind::Listener || has.get(&one.name) == Some(&*one.body),
                        "{kind:?} {}",
                        one.name
                    );
                }
            } else {
                let wanted: BTreeMap<_, _> =
                    wanted.map(|one| (one.name.clone(), (*one.body).clone())).collect();
                assert_eq!(has, wanted, "{kind:?}");
            }
        }
        if !is_bad {
            self.proxy.check();
        }
        assert!(is_bad || self.events.last() == Some(&Event::InStep), "{:?}", self.events);
    }
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

fn run(habits: Habits, first: &Arc<Snapshot>, steps: &[Step]) {
    let mut world = World::new(habits, first);
    for step in steps {
        world.step(step);
    }
    world.end();
}

const ALL_HABITS: [(Protocol, bool); 4] = [
    (Protocol::Delta, false),
    (Protocol::Delta, true),
    (Protocol::StateOfTheWorld, false),
    (Protocol::StateOfTheWorld, true),
];

#[test]
fn a_cluster_that_is_not_wanted_any_more_is_not_waited_for() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        let of = |name| snapshot(&[(name, 1)], &[("l", name)]);
        let mut world = World::new(habits, &of("a"));
        while world.carry_up() || world.carry_down() {}
        world.step(&Step::Want(of("b")));
        world.step(&Step::ToProxy(1));
        world.step(&Step::Want(of("c")));
        world.end();
    }
}

/// Every way in which two changes, or a change and a broken stream, fall between the messages.
#[test]
fn all_short_histories_end_as_wanted() {
    let states: [Arc<Snapshot>; 5] = [
        snapshot(&[("a", 1)], &[("l", "a")]),
        snapshot(&[("a", 2)], &[("l", "a")]),
        snapshot(&[("b", 1)], &[("l", "b")]),
        snapshot(&[("a", 1), ("b", 2)], &[("l", "b"), ("m", "a")]),
        snapshot(&[], &[]),
    ];
    let mut histories = 0;
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        for (first, second, third) in (0..125).map(|number| (number / 25, number / 5 % 5, number % 5)) {
            for (messages, is_broken) in (0..14).map(|number| (number / 2, number % 2 == 1)) {
                for later in [0, 1, 2, 5] {
                    let mut world = World::new(habits, &states[first]);
                    while world.carry_up() || world.carry_down() {}
                    world.step(&Step::Want(Arc::clone(&states[second])));
                    // one to and one fro by turns
                    (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                    if is_broken {
                        world.step(&Step::Break);
                    }
                    (0..later).for_each(|_| _ = world.carry_down() || world.carry_up());
                    world.step(&Step::Want(Arc::clone(&states[third])));
                    world.end();
                    histories += 1;
                }
            }
        }
    }
    assert_eq!(histories, 4 * 125 * 14 * 4);
}

/// What is wanted: clusters with versions, listeners that lead to some of them, and endpoints of the proxy's own.
fn wanted() -> impl Strategy<Value = Arc<Snapshot>> {
    let clusters = proptest::collection::btree_map(0..4_usize, 0..=BAD, 0..5);
    let listeners = proptest::collection::btree_map(0..4_usize, 0..4_usize, 0..4);
    (clusters, listeners, any::<bool>()).prop_map(|(clusters, listeners, has_own)| {
        let names = ["a", "b", "c", "d"];
        let all: Vec<(&str, u32)> = clusters.into_iter().map(|(at, version)| (names[at], version)).collect();
        let lines = ["l", "m", "n", "o"];
        let to = |(at, cluster): (usize, usize)| Some((lines[at], all.get(cluster)?.0));
        let listeners: Vec<(&str, &str)> = listeners.into_iter().filter_map(to).collect();
        snapshot_beside(if has_own { &[OWN] } else { &[] }, &all, &listeners)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => wanted().prop_map(Step::Want),
        6 => (1..4_usize).prop_map(Step::ToProxy),
        6 => (1..4_usize).prop_map(Step::ToServer),
        1 => Just(Step::Again),
        1 => Just(Step::Break),
    ];
    proptest::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_as_wanted(
        is_delta in any::<bool>(),
        answers_first in any::<bool>(),
        withholds in any::<bool>(),
        has_own in any::<bool>(),
        first in wanted(),
        steps in steps(),
    ) {
        let protocol = if is_delta { Protocol::Delta } else { Protocol::StateOfTheWorld };
        run(Habits { protocol, answers_first, withholds, has_own }, &first, &steps);
    }
}
