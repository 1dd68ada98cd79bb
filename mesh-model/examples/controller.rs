//! A controller's loop, whole and without a cluster: where an access point is placed, what its targets are to
//! have, who receives it when, what is written there, and what is said of it.
//!
//! ```text
//!  AccessPoint ──> place ──────> Rollout ──given──> Versions ──> render_steered ──> Writer ──> writes
//!    ^ edits         ^              ^                                                            │
//!    │               └─ targets     └──────────── TargetReport <── StatusStore <── findings <────┘
//! ```
//!
//! It is played thrice: a first revision goes to all targets; then somebody edits a template, which only the
//! canary is given until it has proved itself, and the policy, which holds at once; then the canary is not heard of,
//! so that its soak begins anew.
//!
//! An adapter has watches, clocks and API servers where maps are here, and decides nothing either. It asks for
//! addresses, names and certificates by the same pattern: `vip`, `names`, `certificates`.
//!
//! Run it: `cargo run -p mesh-model --example controller`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Duration;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{ConditionStatus, RouteStatus};
use mesh_model::debounce::Debounce;
use mesh_model::federation::{ObjectKey, Transmit, WriteAnswer, WriteCommand, Writer};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::name::Name;
use mesh_model::placement::{Evidence, Workload, place, targets};
use mesh_model::render::{Edit, Revision, render_steered};
use mesh_model::rollout::{Approval, ApprovalRefusal, Phase, Progress, Proposal, Rollout, Versions};
use mesh_model::status::{StatusStore, TargetFindings, Wanted};
use mesh_model::template::Schemas;
use mesh_model::time::{Time, WallTime};
use mesh_model::work_queue::BackOff;
use serde_json::Value;

#[path = "support/checkout.rs"]
mod checkout;

/// Older news is none. A soak is longer, so that nobody passes it unheard.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Both clocks: deadlines are on the one that never jumps, conditions and windows on the wall's.
#[derive(Clone, Copy)]
struct Moment {
    now: Time,
    wall: WallTime,
}

/// What a controller of one access point remembers, and what it sees and writes to.
struct Controller {
    schemas: Schemas,
    fleet: Fleet,
    workload: Workload,
    /// What the team writes, and what of it targets have still.
    versions: Versions,
    /// What each target is given, and how far it has proved itself.
    rollout: Rollout,
    writer: Writer,
    /// What is said of it; an adapter writes what each of its calls returns into the object's status.
    status: StatusStore,
    /// What the targets' API servers hold, and those that do not answer.
    servers: BTreeMap<Name, Vec<Value>>,
    silent: BTreeSet<Name>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut controller = Controller::new(checkout::access_point_edited(1, &[])?)?;
    let start = Moment { now: Time::ZERO, wall: "2026-11-30T17:00:00Z".parse()? };
    let mut at = controller.run(start)?;
    assert!(controller.timeouts().values().all(|timeout| timeout == "2s"));

    println!("\na template and the policy are edited");
    let edits = [("timeout: 2s", "timeout: 3s"), ("maxConcurrency: 25%", "maxConcurrency: 50%")];
    controller.versions.handle_edit(checkout::access_point_edited(2, &edits)?);
    controller.pass(at);
    let canary: Name = "slc-a-1".parse()?;
    for (target, timeout) in controller.timeouts() {
        println!("  {target} has {timeout}");
        // whoever was not given the new revision keeps the text of the old one, and is written that at every pass
        assert_eq!(timeout, if target == canary { "3s" } else { "2s" }, "{target}");
    }

    println!("\n{canary} is silent");
    controller.silent.insert(canary.clone());
    at = at.later(MAX_AGE + Duration::from_nanos(1));
    controller.pass(at);
    assert_eq!(controller.status.roll_up()[0].status, ConditionStatus::Unknown);
    let progress = controller.rollout.state().targets[&canary].progress;
    assert!(matches!(progress, Progress::Applying { .. }), "five minutes of its soak count for nothing");

    println!("\n{canary} answers");
    controller.silent.clear();
    controller.run(at)?;
    assert!(controller.timeouts().values().all(|timeout| timeout == "3s"));
    let ready = &controller.status.roll_up()[0];
    println!("{}: {:?} of generation {:?}", ready.kind, ready.status, ready.observed_generation);
    assert_eq!((ready.status, ready.observed_generation), (ConditionStatus::True, Some(2)));
    Ok(())
}

/// What makes a target ready; addresses, names and certificates are left out here.
fn wanted(access_point: &AccessPoint) -> Wanted {
    Wanted { generation: access_point.generation, ..Wanted::default() } // an adapter takes `Wanted::of`
}

impl Moment {
    fn later(self, time: Duration) -> Self {
        Self { now: self.now + time, wall: self.wall + time }
    }
}

impl Controller {
    fn new(access_point: AccessPoint) -> Result<Self, Box<dyn Error>> {
        // nothing comes in bursts here, so nothing is gathered
        let debounce = Debounce { quiet: Duration::ZERO, most: Duration::ZERO };
        Ok(Self {
            schemas: Schemas::embedded(),
            fleet: checkout::fleet()?,
            workload: checkout::workload()?,
            rollout: Rollout::new(access_point.rollout.clone()),
            writer: Writer::new(&access_point.id, debounce, BackOff::default(), 4, 7),
            status: StatusStore::new(wanted(&access_point), MAX_AGE),
            versions: Versions::new(access_point),
            servers: BTreeMap::new(),
            silent: BTreeSet::new(),
        })
    }

    /// Looks again whenever something is due, until the rollout has settled. An adapter is also woken by what it watches.
    fn run(&mut self, mut at: Moment) -> Result<Moment, ApprovalRefusal> {
        loop {
            let has_given = self.pass(at);
            match self.rollout.state().phase {
                Phase::Settled => return Ok(at),
                Phase::Waiting => self.approve(at)?,
                _ if has_given => {} // and it is written at once
                _ => {
                    let due = [self.rollout.poll_timeout(), self.status.poll_timeout()];
                    let due = due.into_iter().flatten().chain(self.writer.poll_timeout()).min();
                    at = at.later(due.map_or(MAX_AGE, |due| due - at.now));
                }
            }
        }
    }

    /// Somebody else than the author looks at the difference, and consents to it.
    fn approve(&mut self, at: Moment) -> Result<(), ApprovalRefusal> {
        let Some(shown) = &self.rollout.state().proposal else { return Ok(()) };
        let approval = Approval { hash: shown.difference, by: "bob".parse().expect("a name") };
        self.rollout.handle_approval(at.now, at.wall, approval)
    }

    /// Whatever changed: everything is looked at, and what is right is not written. Whether somebody was given
    /// something, so that there is more to write.
    fn pass(&mut self, at: Moment) -> bool {
        let (fleet, workload) = (self.fleet.clone(), self.workload.clone());
        let current: BTreeSet<Name> = self.servers.keys().cloned().collect();
        let evidence =
            Evidence { fleet: &fleet, is_complete: true, workload: Some(&workload), current: &current };
        let placement = &self.versions.latest().placement;
        let decisions = place(placement, evidence);
        let wanted: Vec<Target<'_>> = targets(&decisions, placement.level, &fleet).collect();
        // who left is emptied by `Writer::handle_withdrawn`, and forgotten by both
        let is_left = |name: &Name| wanted.iter().all(|target| target.name() != name);
        let left: Vec<Name> = current.into_iter().filter(is_left).collect();

        self.roll_out(&wanted, &left, at);
        self.status.handle_wanted(self::wanted(self.versions.latest()), at.wall);
        for target in &wanted {
            self.status.expect(target.name(), at.wall);
            self.write(&fleet, target, at);
            self.hear(target.name(), at);
        }
        self.age(at);
        self.versions.forget_unused(self.rollout.state());
        self.tell(at)
    }

    /// The rollout is told who is there, how it is to go, and what is wanted.
    fn roll_out(&mut self, wanted: &[Target<'_>], left: &[Name], at: Moment) {
        let latest = self.versions.latest();
        // the same policy, and the same revision, change nothing; a policy is no revision and holds at once
        self.rollout.handle_policy(at.now, at.wall, latest.rollout.clone(), wanted);
        self.rollout.handle_targets(at.now, at.wall, wanted, left);
        // what is shown to whoever approves is another thing whenever a target joins or leaves
        let complete = self.rollout.state().completed.and_then(|revision| self.versions.get(revision));
        let difference = Edit::of(complete, latest, wanted, &self.schemas).difference().hash;
        let revision = Revision::of_access_point(latest);
        let proposal = Proposal { revision, difference, author: "ann".parse().expect("a name") };
        self.rollout.handle_revision(at.now, at.wall, proposal);
        self.rollout.handle_timeout(at.now, at.wall);
    }

    /// What a target was given last.
    fn given(&self, target: &Name) -> Option<Revision> {
        self.rollout.state().targets.get(target)?.given
    }

    /// The target is given what it is to have: the version of its own revision, steered as all are now.
    fn write(&mut self, fleet: &Fleet, target: &Target<'_>, at: Moment) {
        let Some(version) = self.given(target.name()).and_then(|revision| self.versions.get(revision)) else {
            return; // its turn will come
        };
        self.writer.handle_wanted(at.now, render_steered(version, target, fleet, &self.schemas));
        self.writer.handle_timeout(at.now);
        let mut writes = 0;
        while let Some(transmit) = self.writer.poll_transmit() {
            match transmit {
                Transmit::Read { target } => {
                    let live = self.servers.entry(target.clone()).or_default();
                    let is_read = !self.silent.contains(&target);
                    self.writer.handle_objects(at.now, &target, is_read.then_some(live));
                }
                Transmit::Write { target, command } => {
                    let live = self.servers.entry(target.clone()).or_default();
                    live.retain(|other| ObjectKey::of(other) != command.key());
                    if let WriteCommand::Create { object } | WriteCommand::Update { object } = command {
                        live.push(object);
                    }
                    self.writer.handle_answer(at.now, &target, WriteAnswer::Done);
                    writes += 1;
                }
            }
        }
        if writes > 0 {
            println!("{} {}: {writes} writes", at.now, target.name());
        }
    }

    /// An adapter looks at the target and at its proxies; here whatever was written works at once.
    fn hear(&mut self, target: &Name, at: Moment) {
        let Some(revision) = self.given(target).filter(|_| !self.silent.contains(target)) else { return };
        let is = Some(revision.to_string());
        let findings = TargetFindings {
            route: RouteStatus { applied: is.clone(), live: is },
            failure: None, // what proxies refuse, or which gate says no
            observed_generation: self.versions.latest().generation,
            ..TargetFindings::default()
        };
        self.status.update(target, findings, at.now, at.wall);
        self.report(target, at);
    }

    /// Whoever was not heard of for too long is `Unknown`, to readers and to the rollout.
    fn age(&mut self, at: Moment) {
        for write in self.status.expire(at.now, at.wall) {
            let Some(target) = write.target else { continue };
            println!("{} {} is not heard of", at.now, target.name);
            self.report(&target.name, at);
        }
    }

    /// What proves a revision, or disproves it, is not for whoever looks to say.
    fn report(&mut self, target: &Name, at: Moment) {
        if let Some(report) = self.status.report(target) {
            self.rollout.handle_target_report(at.now, at.wall, target, report);
        }
    }

    /// What happened is told to people. What was given stands in the rollout's state, which an adapter keeps first.
    fn tell(&mut self, at: Moment) -> bool {
        while let Some(event) = self.rollout.poll_event() {
            println!("{} {}", at.now, serde_json::to_string(&event).expect("it has texts for keys"));
        }
        while let Some(event) = self.writer.poll_event() {
            println!("{} {event:?}", at.now);
        }
        let mut has_given = false;
        while let Some(apply) = self.rollout.poll_transmit() {
            println!("{} {} is given {:.8}", at.now, apply.target, apply.revision.to_string());
            has_given = true;
        }
        has_given
    }

    /// What the servers hold: how long a payment may take, by target.
    fn timeouts(&self) -> BTreeMap<Name, String> {
        let timeout = |objects: &Vec<Value>| {
            let service = objects.iter().find(|object| object["kind"] == "VirtualService")?;
            Some(service["spec"]["http"][0]["timeout"].as_str()?.to_owned())
        };
        let all = self.servers.iter();
        all.filter_map(|(target, objects)| Some((target.clone(), timeout(objects)?))).collect()
    }
}
