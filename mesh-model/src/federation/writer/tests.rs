//! Tests of the machine that writes, against an API server of a few lines: fights, refusals, answers that come too
//! late, and in the end a target that is as it is wanted, and silence.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::federation::tests::{object, owner, rendering, service};
use crate::federation::{ADOPT_ANNOTATION, APPLIED_ANNOTATION};
use crate::render::OWNER_LABEL;

/// What somebody makes of an object as it is written.
type Webhook = fn(&mut Value);

/// An API server that checks versions, and whoever changes what is written as it is written.
struct Server {
    objects: BTreeMap<ObjectKey, Value>,
    version: u64,
    webhook: Webhook,
    writes: Vec<(u64, String)>,
}

impl Server {
    fn new(webhook: Webhook) -> Self {
        Self { objects: BTreeMap::new(), version: 1, webhook, writes: Vec::new() }
    }

    fn put(&mut self, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(ObjectKey::of(&object).unwrap(), object);
    }

    fn answer(&mut self, now: Time, command: &WriteCommand) -> WriteAnswer {
        let key = command.key().unwrap();
        let seen = |version: &Value| {
            self.objects.get(&key).is_some_and(|there| there["metadata"]["resourceVersion"] == *version)
        };
        let (verb, code) = match command {
            WriteCommand::Create { .. } => {
                ("create", if self.objects.contains_key(&key) { 409 } else { 201 })
            }
            WriteCommand::Update { object } => {
                ("update", if seen(&object["metadata"]["resourceVersion"]) { 200 } else { 409 })
            }
            WriteCommand::Delete { resource_version, .. } => {
                ("delete", if seen(&json!(resource_version)) { 200 } else { 409 })
            }
        };
        if code < 300 {
            self.writes.push((now.as_nanos() / 1_000_000_000, format!("{verb} {}", key.name)));
            match command {
                WriteCommand::Create { object } | WriteCommand::Update { object } => {
                    let mut object = object.clone();
                    (self.webhook)(&mut object);
                    self.put(object);
                }
                WriteCommand::Delete { .. } => drop(self.objects.remove(&key)),
            }
        }
        WriteAnswer::of(command, code, &Value::Null)
    }
}

fn writer() -> Writer {
    Writer::new(&owner(), Debounce::default(), BackOff::default(), 1, 7)
}

fn target() -> Name {
    "slc-a-1".parse().unwrap()
}

/// Does what is asked until nothing is, and gives the events.
fn serve(writer: &mut Writer, now: Time, server: &mut Server) -> Vec<WriterEvent> {
    while let Some(transmit) = writer.poll_transmit() {
        match transmit {
            Transmit::Read { target } => {
                let live: Vec<Value> = server.objects.values().cloned().collect();
                writer.handle_objects(now, &target, Some(&live));
            }
            Transmit::Write { target, command } => {
                let answer = server.answer(now, &command);
                writer.handle_answer(now, &target, answer);
            }
        }
    }
    std::iter::from_fn(|| writer.poll_event()).collect()
}

/// Lets the time pass until nothing is to be done, or so many seconds have passed.
fn run(writer: &mut Writer, now: &mut Time, until: u64, server: &mut Server) -> Vec<WriterEvent> {
    let mut events = serve(writer, *now, server);
    for _ in 0..1_000 {
        let Some(due) = writer.poll_timeout().filter(|due| *due <= Time::from_secs(until)) else { break };
        assert!(due >= *now, "{due} is over: it would be asked for ever");
        *now = due;
        writer.handle_timeout(due);
        events.extend(serve(writer, due, server));
    }
    events
}

#[test]
fn every_state_and_every_input() {
    use Input::{Differs, Finished, Right, Stopped, Taken, Unread, Written};
    use WorkState::{Idle, Reading, Writing};
    let inputs = [Differs, Finished, Right, Stopped, Taken, Unread, Written];
    let row = |state| inputs.map(|input| next(state, input));
    assert_eq!(row(Idle), [Idle, Idle, Idle, Idle, Reading, Idle, Idle]);
    assert_eq!(row(Reading), [Writing, Reading, Idle, Reading, Reading, Idle, Reading]);
    assert_eq!(row(Writing), [Writing, Idle, Writing, Idle, Writing, Writing, Writing]);
}

#[test]
fn what_is_wanted_is_written_once_looked_at_and_then_let_be() {
    let (mut writer, mut now, mut server) = (writer(), Time::ZERO, Server::new(|_| {}));
    let wanted = vec![object("VirtualService", "web", json!({ "hosts": ["a"] })), service("web", json!({}))];
    writer.handle_wanted(now, rendering(wanted.clone()));
    writer.handle_wanted(now, rendering(wanted.clone()));
    let events = run(&mut writer, &mut now, 10_000, &mut server);
    assert_eq!(events, [WriterEvent::Settled { target: target() }]);
    assert_eq!(server.writes.len(), 2);
    assert_eq!(writer.poll_timeout(), None, "and nobody is woken for nothing");
    writer.handle_change(now, &target());
    assert_eq!(run(&mut writer, &mut now, 20_000, &mut server), [], "told once");
    writer.handle_withdrawn(now, &target());
    assert_eq!(run(&mut writer, &mut now, 30_000, &mut server), [WriterEvent::Settled { target: target() }]);
    assert!(server.objects.is_empty());
    writer.handle_forget(&target());
    writer.handle_change(now, &target());
    assert_eq!((writer.poll_transmit(), writer.poll_timeout()), (None, None));
}

/// Each row is somebody who will not have it so, and at which second we write then.
#[test]
fn who_fights_is_told_and_written_to_less_and_less_often() {
    let doubled = [0, 0, 10, 30, 70, 150, 310, 630, 1_270, 2_550, 5_110, 8_710, 12_310];
    let fields: [(&str, Webhook); 3] = [
        ("a webhook changes a value", |object| object["spec"]["type"] = json!("ClusterIP")),
        ("a webhook takes our mark away", |object| {
            object["metadata"]["annotations"].as_object_mut().unwrap().remove(APPLIED_ANNOTATION);
        }),
        ("another of us, of another version, puts its mark there", |object| {
            object["metadata"]["annotations"][APPLIED_ANNOTATION] = json!("0123");
        }),
    ];
    for (who, webhook) in fields {
        let (mut writer, mut now, mut server) = (writer(), Time::ZERO, Server::new(webhook));
        writer.handle_wanted(now, rendering(vec![service("web", json!({ "type": "LoadBalancer" }))]));
        let events = run(&mut writer, &mut now, 13_000, &mut server);
        let seconds: Vec<u64> = server.writes.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, doubled, "{who}");
        let contested: Vec<&Contested> = events
            .iter()
            .filter_map(|event| match event {
                WriterEvent::Found { findings, .. } => findings.contested.first(),
                WriterEvent::Refused { .. } | WriterEvent::Settled { .. } | WriterEvent::Unread { .. } => {
                    None
                }
            })
            .collect();
        assert!(
            contested.iter().all(|one| !one.drift.is_empty() && one.object.name == "web"),
            "{who}: {contested:?}"
        );
        assert_eq!(contested.last().unwrap().corrections, 12, "{who}");
        assert!(events.iter().all(|event| !matches!(event, WriterEvent::Settled { .. })), "{who}");
        // what we want anew is no correction
        writer.handle_wanted(now, rendering(vec![service("web", json!({ "type": "NodePort" }))]));
        server.writes.clear();
        let until = now + Duration::from_secs(1);
        run(&mut writer, &mut now, until.as_nanos() / 1_000_000_000, &mut server);
        assert!(!server.writes.is_empty(), "{who}");
    }
}

#[test]
fn who_deletes_what_we_make_or_makes_what_we_delete_is_told_too() {
    for is_wanted in [true, false] {
        let (mut writer, mut now, mut server) = (writer(), Time::ZERO, Server::new(|_| {}));
        let object = service("web", json!({}));
        writer.handle_wanted(now, rendering(if is_wanted { vec![object.clone()] } else { vec![] }));
        let mut events = Vec::new();
        for minute in 0..60 {
            if is_wanted {
                server.objects.clear();
            } else {
                server.put(object.clone());
            }
            now = now.max(Time::from_secs(minute * 60));
            writer.handle_change(now, &target());
            events.extend(run(&mut writer, &mut now, minute * 60 + 59, &mut server));
        }
        assert!((6..12).contains(&server.writes.len()), "{:?}", server.writes);
        let told = |event: &WriterEvent| matches!(event, WriterEvent::Found { findings, .. } if !findings.contested.is_empty());
        assert!(events.iter().any(told), "{is_wanted}");
    }
}

#[test]
fn a_refusal_ends_the_plan_is_told_once_and_tried_less_and_less_often() {
    let (mut writer, mut now) = (writer(), Time::ZERO);
    writer
        .handle_wanted(now, rendering(vec![service("web", json!({})), object("Gateway", "web", json!({}))]));
    let status = json!({ "reason": "NotFound", "details": { "kind": "namespaces", "name": "shop" } });
    let (mut tries, mut told) = (0, Vec::new());
    while now < Time::from_secs(3_600) {
        now = writer.poll_timeout().unwrap();
        writer.handle_timeout(now);
        while let Some(transmit) = writer.poll_transmit() {
            match transmit {
                Transmit::Read { target } => writer.handle_objects(now, &target, Some(&[])),
                Transmit::Write { target, command } => {
                    assert_eq!(command.key().unwrap().kind, "Service", "what leads to it waits");
                    tries += 1;
                    writer.handle_answer(now, &target, WriteAnswer::of(&command, 404, &status));
                }
            }
        }
        told.extend(std::iter::from_fn(|| writer.poll_event()));
    }
    assert!((18..26).contains(&tries), "{tries}");
    let [WriterEvent::Refused { object, refusal, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (object.name.as_str(), refusal.to_string().as_str()),
        ("web", "the target has no namespace `shop`; make it there")
    );
}

#[test]
fn a_target_that_cannot_be_read_is_let_be_and_holds_nobody_up() {
    let (mut writer, mut now) = (writer(), Time::ZERO);
    let mut other = rendering(vec![service("web", json!({}))]);
    writer.handle_wanted(now, other.clone());
    other.target = "slc-b-1".parse().unwrap();
    writer.handle_wanted(now, other.clone());
    now = writer.poll_timeout().unwrap();
    writer.handle_timeout(now);
    let Some(Transmit::Read { target }) = writer.poll_transmit() else { panic!("one worker") };
    assert_eq!(writer.poll_transmit(), None);
    writer.handle_objects(now, &target, None);
    assert_eq!(writer.poll_event(), Some(WriterEvent::Unread { target }));
    assert_eq!(writer.poll_transmit(), Some(Transmit::Read { target: other.target.clone() }));
    // what does not say which it is makes all of it unread
    writer.handle_objects(now, &other.target, Some(&[json!({ "metadata": { "name": "web" } })]));
    assert_eq!(writer.poll_event(), Some(WriterEvent::Unread { target: other.target }));
    assert_eq!(writer.poll_transmit(), None);
}

#[test]
fn a_plan_that_is_wanted_no_longer_is_not_carried_out() {
    let (mut writer, mut now) = (writer(), Time::ZERO);
    let all = ["a", "b", "c"].map(|name| service(name, json!({})));
    writer.handle_wanted(now, rendering(all.to_vec()));
    now = writer.poll_timeout().unwrap();
    writer.handle_timeout(now);
    assert!(matches!(writer.poll_transmit(), Some(Transmit::Read { .. })));
    writer.handle_objects(now, &target(), Some(&[]));
    assert!(matches!(writer.poll_transmit(), Some(Transmit::Write { .. })));
    writer.handle_wanted(now, rendering(vec![all[1].clone()]));
    writer.handle_answer(now, &target(), WriteAnswer::Done);
    assert_eq!((writer.poll_transmit(), writer.state(&target())), (None, WorkState::Idle));
    let mut server = Server::new(|_| {});
    server.put(all[0].clone());
    run(&mut writer, &mut now, 60, &mut server);
    let names: Vec<&str> = server.objects.keys().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["b"]);
    // one that was forgotten in the middle of its work sets the worker free
    writer.handle_change(now, &target());
    now = writer.poll_timeout().unwrap();
    writer.handle_timeout(now);
    assert!(matches!(writer.poll_transmit(), Some(Transmit::Read { .. })));
    writer.handle_forget(&target());
    let mut other = rendering(vec![]);
    other.target = "slc-b-1".parse().unwrap();
    writer.handle_wanted(now, other.clone());
    writer.handle_objects(now, &target(), Some(&[]));
    now = writer.poll_timeout().unwrap();
    writer.handle_timeout(now);
    assert_eq!(writer.poll_transmit(), Some(Transmit::Read { target: other.target }));
}

/// What happens in between.
#[derive(Clone, Debug)]
enum Step {
    Want(Vec<(u8, u8)>),
    Change(u8, u8),
    Remove(u8),
    Foreign(u8),
    /// Answers of this many transmits: whether each is lost.
    Serve(Vec<bool>),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec((0..4_u8, 0..3_u8), 0..4).prop_map(Step::Want),
        (0..4_u8, 0..3_u8).prop_map(|(name, value)| Step::Change(name, value)),
        (0..4_u8).prop_map(Step::Remove),
        (0..4_u8).prop_map(Step::Foreign),
        prop::collection::vec(any::<bool>(), 1..6).prop_map(Step::Serve),
        (0..2_000_u16).prop_map(Step::Pass),
    ]
}

fn named(name: u8, value: u8) -> Value {
    service(&format!("s{name}"), json!({ "selector": { "v": value.to_string() } }))
}

fn foreign(name: u8) -> Value {
    let mut object = named(name, 9);
    object["metadata"]["labels"] = json!({ OWNER_LABEL: "other" });
    object["metadata"]["annotations"] = json!({ ADOPT_ANNOTATION: "shop/third" });
    object
}

proptest! {
    /// Whatever others do and whatever is lost: nothing foreign is touched, and once they are quiet the target is as
    /// it is wanted and nothing is written any more.
    #[test]
    fn in_the_end_it_is_as_it_is_wanted_and_silent(steps in prop::collection::vec(step(), 0..30)) {
        let (mut writer, mut now, mut server) = (writer(), Time::ZERO, Server::new(|_| {}));
        let mut wanted: BTreeMap<u8, u8> = BTreeMap::new();
        writer.handle_wanted(now, rendering(vec![]));
        let is_foreign = |object: &Value| object["metadata"]["labels"][OWNER_LABEL] == "other";
        for step in steps {
            match step {
                Step::Want(pairs) => {
                    wanted = pairs.into_iter().collect();
                    writer.handle_wanted(now, rendering(wanted.iter().map(|(name, value)| named(*name, *value)).collect()));
                }
                Step::Change(name, value) => {
                    if let Some(object) = server.objects.get(&ObjectKey::of(&named(name, 0)).unwrap()).cloned() {
                        let mut object = object;
                        object["spec"]["selector"]["v"] = json!(value.to_string());
                        server.put(object);
                    }
                }
                Step::Remove(name) => drop(server.objects.remove(&ObjectKey::of(&named(name, 0)).unwrap())),
                Step::Foreign(name) => server.put(foreign(name)),
                Step::Serve(lost) => {
                    let before: Vec<Value> = server.objects.values().filter(|one| is_foreign(one)).cloned().collect();
                    for is_lost in lost {
                        let Some(transmit) = writer.poll_transmit() else { break };
                        match transmit {
                            Transmit::Read { target } => {
                                let live: Vec<Value> = server.objects.values().cloned().collect();
                                writer.handle_objects(now, &target, (!is_lost).then_some(&live[..]));
                            }
                            Transmit::Write { target, command } => {
                                // an answer that is lost may be of a write that was carried out
                                let answer = server.answer(now, &command);
                                writer.handle_answer(now, &target, if is_lost { WriteAnswer::Later { after: None } } else { answer });
                            }
                        }
                    }
                    let after: Vec<Value> = server.objects.values().filter(|one| is_foreign(one)).cloned().collect();
                    prop_assert_eq!(before, after);
                }
                Step::Pass(milliseconds) => {
                    now = now + Duration::from_millis(milliseconds.into());
                    writer.handle_timeout(now);
                }
            }
            writer.handle_change(now, &target());
        }
        let end = now + Duration::from_secs(20_000);
        run(&mut writer, &mut now, end.as_nanos() / 1_000_000_000, &mut server);
        let foreign_names: Vec<String> = server.objects.values().filter(|one| is_foreign(one)).map(|one| one["metadata"]["name"].to_string()).collect();
        for (name, value) in &wanted {
            let key = ObjectKey::of(&named(*name, 0)).unwrap();
            let there = &server.objects[&key];
            prop_assert!(is_foreign(there) || there["spec"]["selector"]["v"] == *value.to_string());
        }
        let ours = server.objects.values().filter(|one| !is_foreign(one)).count();
        prop_assert!(ours <= wanted.len(), "{foreign_names:?}");
        server.writes.clear();
        writer.handle_change(now, &target());
        run(&mut writer, &mut now, end.as_nanos() / 1_000_000_000 + 10_000, &mut server);
        prop_assert_eq!(&server.writes, &[]);
    }
}
