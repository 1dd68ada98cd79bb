//! A server and a model of a proxy with messages on their way between them, and what must hold in the end:
//! the proxy has exactly what is wanted and waits for nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::envoy::{BAD, Habits, OWN, Proxy};
use super::{DEBOUNCE, change};
use crate::time::Time;
use crate::xds::{Event, Kind, Memory, Protocol, Request, Resource, Response, Session, Snapshot};

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Something else is wanted.
    Want(Arc<Snapshot>),
    /// So many messages arrive at the proxy.
    ToProxy(usize),
    /// So many messages arrive at the server.
    ToServer(usize),
    /// The last request of the proxy arrives twice.
    Again,
    /// The stream breaks; the same server answers.
    Break,
    /// The same, and the server begins anew with what it wrote: all but secrets.
    Restart,
    /// The same, and it wrote nothing.
    Cold,
}

/// A server and a proxy, and what is on its way between them.
pub(super) struct World {
    pub(super) session: Session,
    pub(super) proxy: Proxy,
    responses: VecDeque<Response>,
    last: Option<Request>,
    pub(super) wanted: Arc<Snapshot>,
    habits: Habits,
    now: Time,
    pub(super) events: Vec<Event>,
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
    pub(super) fn new(habits: Habits, wanted: &Arc<Snapshot>) -> Self {
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

    pub(super) fn step(&mut self, step: &Step) {
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
            Step::Break => self.resume(self.session.memory()),
            Step::Restart => {
                let kept = serde_json::to_string(&self.session.memory()).unwrap();
                self.resume(serde_json::from_str(&kept).unwrap());
            }
            Step::Cold => {
                // a server that does not know which clusters there are cannot keep them
                self.proxy.is_lenient |= self.habits.protocol == Protocol::StateOfTheWorld;
                self.resume(Memory::default());
            }
        }
    }

    fn resume(&mut self, memory: Memory) {
        self.told.push("broken".to_owned());
        self.session = Session::resumed(self.habits.protocol, DEBOUNCE, memory);
        self.session.handle_snapshot(self.now, Arc::clone(&self.wanted));
        self.responses.clear();
        self.last = None;
        self.proxy.connect();
    }

    pub(super) fn carry_down(&mut self) -> bool {
        let Some(response) = self.responses.pop_front() else { return false };
        let (kind, resources) = (response.kind, words(response.resources.iter()));
        self.told
            .push(format!("  -> {kind:?} {} {resources} without {:?}", response.nonce, response.removed));
        self.proxy.take(&response);
        true
    }

    pub(super) fn carry_up(&mut self) -> bool {
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

    /// Lets both talk until they are silent.
    pub(super) fn settle(&mut self) {
        let mut messages = 0;
        while self.carry_up() || self.carry_down() {
            messages += 1;
            assert!(messages < 300, "they talk for ever");
        }
    }

    /// Lets both talk until they are silent, and looks at what the proxy has then.
    pub(super) fn end(&mut self) {
        self.settle();
        let bad = |name: &str| {
            let cluster = self.wanted.get(Kind::Cluster, name);
            cluster.is_some_and(|one| one.body["version"] == BAD || !self.wanted.lacking(one).is_empty())
        };
        let is_bad = self.wanted.of(Kind::Cluster).any(|one| bad(&one.name));
        assert!(self.proxy.warming.is_empty(), "they wait: {:?}", self.proxy.warming);
        for (kind, of) in [
            (Kind::Cluster, "name"),
            (Kind::Endpoints, "cluster_name"),
            (Kind::Secret, "name"),
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
                        matches!(kind, Kind::Listener | Kind::Secret)
                            || has.get(&one.name) == Some(&*one.body),
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
        let has = one.has.keys().chain(one.refused.keys()).chain(one.doubtful.keys()).chain(&one.names);
        for name in has.chain(wanted.of(*kind).map(|resource| &resource.name)) {
            assert!(
                one.open.contains(name) || one.is_settled(wanted, *kind, name),
                "{kind:?} {name} is forgotten"
            );
        }
    }
}
