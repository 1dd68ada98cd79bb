//! A controller's loop, whole and without a cluster: where an access point is placed, what its targets are to
//! have, who receives it when, what is written there, and what is said of it.
//!
//! ```text
//!  place ──> render ──> Rollout ──Apply──> render_steered ──> reconcile ──> writes
//!    ^                     ^                                                  │
//!    └── current targets   └───────────── TargetReport <── StatusStore <──────┘
//! ```
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
use mesh_model::api::RouteStatus;
use mesh_model::debounce::Debounce;
use mesh_model::federation::{ObjectKey, Transmit, WriteAnswer, WriteCommand, Writer};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::name::Name;
use mesh_model::placement::{Evidence, Workload, place, targets};
use mesh_model::render::{Edit, Revision, render_steered};
use mesh_model::rollout::{Approval, Phase, Proposal, Rollout, TargetHealth, TargetReport};
use mesh_model::status::{self, StatusStore, Wanted};
use mesh_model::template::Schemas;
use mesh_model::time::{Time, WallTime};
use mesh_model::work_queue::BackOff;
use serde_json::Value;

#[path = "support/checkout.rs"]
mod checkout;

/// What a controller of one access point remembers, and the API servers that it writes to.
struct Controller {
    schemas: Schemas,
    access_point: AccessPoint,
    rollout: Rollout,
    status: StatusStore,
    /// Which revision each target was given, and since when it has it.
    given: BTreeMap<Name, (Revision, Time)>,
    writer: Writer,
    servers: BTreeMap<Name, Vec<Value>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (fleet, workload) = (checkout::fleet()?, checkout::workload()?);
    let access_point = checkout::access_point()?;
    let wanted = Wanted::default(); // addresses, names and certificates are left out here
    let mut controller = Controller {
        schemas: Schemas::embedded(),
        rollout: Rollout::new(access_point.rollout.clone()),
        status: StatusStore::new(wanted, Duration::from_secs(3_600)),
        given: BTreeMap::new(),
        // nothing comes in bursts here, so nothing is gathered
        writer: Writer::new(
            &access_point.id,
            Debounce { quiet: Duration::ZERO, most: Duration::ZERO },
            BackOff::default(),
            4,
            7,
        ),
        servers: BTreeMap::new(),
        access_point,
    };
    let (mut now, mut wall): (Time, WallTime) = (Time::ZERO, "2026-11-30T17:00:00Z".parse()?);
    loop {
        if controller.rollout.state().phase == Phase::Waiting
            && let Some(hash) = controller.rollout.state().proposal.as_ref().map(|shown| shown.difference)
        {
            controller.rollout.handle_approval(now, wall, Approval { hash, by: "bob".parse()? })?;
        }
        let writes = controller.pass(&fleet, &workload, now, wall);
        println!("{now} {:?}, {writes} writes", controller.rollout.state().phase);
        while let Some(event) = controller.rollout.poll_event() {
            println!("  {}", serde_json::to_string(&event)?);
        }
        let ready = &controller.status.roll_up()[0];
        println!("  {:?}: {}", ready.status, ready.message);
        if controller.rollout.state().phase == Phase::Settled {
            return Ok(());
        }
        // whatever the rollout waits for: a soak, a window; an adapter is also woken by what it watches
        let wait = controller.rollout.poll_timeout().unwrap_or(now) - now;
        (now, wall) = (now + wait, wall + wait);
    }
}

impl Controller {
    /// What is wanted, and what is shown of it: somebody else has to approve of what it alters on the targets that there are.
    ///
    /// The revision is the same until the access point is edited. What it alters is another thing whenever a
    /// target joins or leaves, so it is said anew at every pass.
    fn propose(&mut self, wanted: &[Target<'_>], now: Time, wall: WallTime) {
        let revision = Revision::of_access_point(&self.access_point);
        // an adapter keeps the versions that targets may have; here there is one
        let complete = self.rollout.state().completed.map(|_| &self.access_point);
        let difference = Edit::of(complete, &self.access_point, wanted, &self.schemas).difference().hash;
        let author = "ann".parse().expect("a name");
        self.rollout.handle_revision(now, wall, Proposal { revision, difference, author });
    }

    /// Whatever changed: everything is looked at, and what is right is not written.
    fn pass(&mut self, fleet: &Fleet, workload: &Workload, now: Time, wall: WallTime) -> usize {
        let current: BTreeSet<Name> = self.servers.keys().cloned().collect();
        let evidence = Evidence { fleet, is_complete: true, workload: Some(workload), current: &current };
        let decisions = place(&self.access_point.placement, evidence);
        let wanted: Vec<Target<'_>> = targets(&decisions, self.access_point.placement.level, fleet).collect();

        let left: Vec<Name> =
            current.into_iter().filter(|name| wanted.iter().all(|target| target.name() != name)).collect();
        self.rollout.handle_targets(now, wall, &wanted, &left); // who left is emptied by `Writer::handle_withdrawn`
        self.propose(&wanted, now, wall);
        self.rollout.handle_timeout(now, wall);
        while let Some(apply) = self.rollout.poll_transmit() {
            self.given.insert(apply.target, (apply.revision, now));
        }

        let mut writes = 0;
        for target in &wanted {
            self.status.expect(target.name(), wall);
            let Some((revision, since)) = self.given.get(target.name()).copied() else { continue };
            writes += self.write(fleet, target, now);
            // an adapter would look at the target; here whatever is written works at once
            let report = TargetReport { applied: Some(revision), health: TargetHealth::Ready, since };
            self.rollout.handle_target_report(now, wall, target.name(), report);
            let is = Some(revision.to_string());
            let route = RouteStatus { applied: is.clone(), live: is };
            let report = status::TargetFindings { route, ..status::TargetFindings::default() };
            self.status.update(target.name(), report, now, wall);
        }
        writes
    }

    /// The target is given what it is to have: the machine asks for what is there, and says what to write.
    fn write(&mut self, fleet: &Fleet, target: &Target<'_>, now: Time) -> usize {
        self.writer.handle_wanted(now, render_steered(&self.access_point, target, fleet, &self.schemas));
        let mut writes = 0;
        while let Some(transmit) = self.writer.poll_transmit() {
            match transmit {
                Transmit::Read { target } => {
                    let live = self.servers.entry(target.clone()).or_default();
                    self.writer.handle_objects(now, &target, Some(live)); // `None` if it could not be read in full
                }
                Transmit::Write { target, command } => {
                    let live = self.servers.entry(target.clone()).or_default();
                    live.retain(|other| ObjectKey::of(other) != command.key());
                    if let WriteCommand::Create { object } | WriteCommand::Update { object } = command {
                        live.push(object);
                    }
                    self.writer.handle_answer(now, &target, WriteAnswer::Done);
                    writes += 1;
                }
            }
        }
        while let Some(event) = self.writer.poll_event() {
            println!("  {event:?}");
        }
        writes
    }
}
