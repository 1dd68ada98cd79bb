//! All that is written for one owner: looking, deciding, writing, and when to try again, as one machine.
//!
//! The idea: a target is looked at as a whole, and what is written follows from what was just read. There
//! is no list of what remains to be done that could grow old: what is refused, came too late, or is changed
//! back by somebody is seen at the next look. One write is under way at a time, in the order of the plan, and the
//! first that is not carried out ends it, so nothing refers to what is not there.
//!
//! ```text
//!          taken            differs             written
//!  Idle ─────────> Reading ─────────> Writing ──────────┐
//!    ^               │                 │  ^─────────────┘
//!    └─right, unread─┴─finished, stopped
//! ```
//!
//! Changes are gathered ([`Debounce`]), failures wait longer each time ([`WorkQueue`]), what somebody
//! changes back is put right less and less often ([`Contested`]). Whose turn it is to be given what is the
//! [`rollout`](crate::rollout)'s to say; reading and writing are the adapter's.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::contest::Contests;
use super::{
    Conflict, Contested, Drift, Fixed, HeldBack, Leaving, ObjectKey, Owner, Refusal, WriteAnswer,
    WriteCommand, plan,
};
use crate::debounce::Debounce;
use crate::name::Name;
use crate::render::Rendering;
use crate::time::Time;
use crate::work_queue::{BackOff, WorkQueue, WorkResult};

/// Writes one owner's objects to its targets.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then [`poll_event`](Self::poll_event),
/// then read [`poll_timeout`](Self::poll_timeout). Whatever is transmitted is answered, be it that there is no answer.
///
/// ```
/// use mesh_model::debounce::Debounce;
/// use mesh_model::federation::{WriteAnswer, Transmit, WriteCommand, Writer, WriterEvent};
/// use mesh_model::render::Rendering;
/// use mesh_model::time::Time;
/// use mesh_model::work_queue::BackOff;
/// # use serde_json::json;
/// # let owner = mesh_model::access_point::AccessPointId { namespace: "shop".parse()?, name: "web".parse()? };
/// # let object = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop",
/// #     "labels": { "overspill.dev/access-point": "web" } }, "spec": { "ports": [{ "port": 443 }] } });
/// # let rendering =
/// #     Rendering { target: "slc-a-1".parse()?, objects: vec![object], errors: vec![], trace: vec![] };
/// let target = rendering.target.clone();
/// let mut writer = Writer::new(&owner, Debounce::default(), BackOff::default(), 4, 7);
/// writer.handle_wanted(Time::ZERO, rendering);
/// let mut now = writer.poll_timeout().unwrap();
/// writer.handle_timeout(now);
/// assert_eq!(writer.poll_transmit(), Some(Transmit::Read { target: target.clone() }));
/// writer.handle_objects(now, &target, Some(&[]));
/// let Some(Transmit::Write { command: WriteCommand::Create { object }, .. }) = writer.poll_transmit() else {
///     panic!("it is new")
/// };
/// writer.handle_answer(now, &target, WriteAnswer::Done);
/// now = writer.poll_timeout().unwrap();
/// writer.handle_timeout(now);
/// assert_eq!(writer.poll_transmit(), Some(Transmit::Read { target: target.clone() }), "what was written is looked at");
/// writer.handle_objects(now, &target, Some(&[object]));
/// assert_eq!(writer.poll_event(), Some(WriterEvent::Settled { target }));
/// # Ok::<(), mesh_model::name::ParseNameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Writer {
    owner: Owner,
    debounce: Debounce,
    queue: WorkQueue<Name>,
    targets: BTreeMap<Name, Work>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<WriterEvent>,
}

/// What is done at one target.
#[derive(Clone, Debug)]
struct Work {
    wanted: Rendering,
    state: WorkState,
    /// The first and the last of the changes that are gathered.
    gathered: Option<(Time, Time)>,
    /// What is to be written; the first is under way.
    commands: VecDeque<WriteCommand>,
    contests: Contests,
    /// What was told last.
    findings: Findings,
    refused: Option<(ObjectKey, Refusal)>,
    is_settled: bool,
}

/// What is done at a target now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkState {
    /// Nothing.
    #[default]
    Idle,
    /// Its objects are read.
    Reading,
    /// One of them is written.
    Writing,
}

/// What happens to the work at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Differs,
    Finished,
    Right,
    Stopped,
    Taken,
    Unread,
    Written,
}

/// What the adapter is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Transmit {
    /// Read all objects of a target that could be the owner's ([`Listing`](super::Listing)), then tell
    /// [`Writer::handle_objects`].
    Read {
        /// Which.
        target: Name,
    },
    /// Write to a target, then tell [`Writer::handle_answer`].
    Write {
        /// Where.
        target: Name,
        /// What.
        command: WriteCommand,
    },
}

/// Something that the owner may want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum WriterEvent {
    /// What was found at the last look is otherwise than at the one before.
    Found {
        /// Where.
        target: Name,
        /// What.
        findings: Findings,
    },
    /// A server refuses an object; it is tried again, less and less often.
    Refused {
        /// Where.
        target: Name,
        /// Which.
        object: ObjectKey,
        /// Why.
        refusal: Refusal,
    },
    /// All was read there and is as it is wanted; told again after anything else was.
    Settled {
        /// Where.
        target: Name,
    },
    /// It could not be read in full; what is there stays as it is.
    Unread {
        /// Where.
        target: Name,
    },
}

/// What keeps a target from being as it is wanted, or kept it from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Objects that somebody else has under a name that we want.
    pub conflicts: Vec<Conflict>,
    /// Objects that somebody else decides, too.
    pub contested: Vec<Contested>,
    /// Fields that somebody changed under us.
    pub drift: Vec<Drift>,
    /// Fields that no server lets change.
    pub fixed: Vec<Fixed>,
    /// Subsets that stay until no route leads there.
    pub held_back: Vec<HeldBack>,
    /// Objects that finalizers hold.
    pub leaving: Vec<Leaving>,
}

impl Writer {
    /// One without targets, which works on so many of them at a time; the seed is of the random part of waits.
    #[must_use]
    pub fn new(
        owner: impl Into<Owner>,
        debounce: Debounce,
        back_off: BackOff,
        workers: usize,
        seed: u64,
    ) -> Self {
        let queue = WorkQueue::new(back_off, workers, seed);
        let (targets, owner) = (BTreeMap::new(), owner.into());
        Self { owner, debounce, queue, targets, transmits: VecDeque::new(), events: VecDeque::new() }
    }

    /// What a target is to have from now on; what is planned there already is not carried out any more.
    pub fn handle_wanted(&mut self, now: Time, rendering: Rendering) {
        let target = rendering.target.clone();
        match self.targets.get_mut(&target) {
            Some(work) if work.wanted == rendering => return,
            Some(work) => {
                work.wanted = rendering;
                work.is_settled = false;
                work.commands.truncate(1); // it is under way
            }
            None => drop(self.targets.insert(target.clone(), Work::new(rendering))),
        }
        self.handle_change(now, &target);
    }

    /// Nothing is wanted there any more: what is ours goes. Once it is settled, [`handle_forget`](Self::handle_forget).
    pub fn handle_withdrawn(&mut self, now: Time, target: &Name) {
        self.handle_wanted(now, super::nothing(target));
    }

    /// Something happened to an object there, or may have.
    pub fn handle_change(&mut self, now: Time, target: &Name) {
        if let Some(work) = self.targets.get_mut(target) {
            let (first, _) = work.gathered.unwrap_or((now, now));
            work.gathered = Some((first, now));
            self.handle_timeout(now);
        }
    }

    /// A target is of no interest any more: nothing is read or written there from now on.
    pub fn handle_forget(&mut self, target: &Name) {
        self.targets.remove(target);
        self.queue.handle_forget(target);
    }

    /// All objects of a target that could be the owner's; `None` if any may be missing.
    pub fn handle_objects(&mut self, now: Time, target: &Name, live: Option<&[Value]>) {
        let Some(work) = self.targets.get_mut(target).filter(|work| work.state == WorkState::Reading) else {
            return self.handle_stray(now, target);
        };
        let is_identified = |live: &&[Value]| live.iter().all(|object| ObjectKey::of(object).is_some());
        let Some(live) = live.filter(is_identified) else {
            work.is_settled = false;
            self.events.push_back(WriterEvent::Unread { target: target.clone() });
            return self.enter(now, target, Input::Unread, WorkResult::Failed);
        };
        let mut plan = plan(&self.owner, &work.wanted, Some(live), &work.contests);
        let contested = work.contests.handle_plan(now, &mut plan);
        let (conflicts, drift, fixed) = (plan.conflicts, plan.drift, plan.fixed);
        let (held_back, leaving) = (plan.held_back, plan.leaving);
        let findings = Findings { conflicts, contested, drift, fixed, held_back, leaving };
        let is_right =
            plan.commands.is_empty() && findings == Findings::default() && work.wanted.errors.is_empty();
        if work.findings != findings {
            work.findings.clone_from(&findings);
            self.events.push_back(WriterEvent::Found { target: target.clone(), findings });
        }
        if is_right && !work.is_settled {
            self.events.push_back(WriterEvent::Settled { target: target.clone() });
        }
        work.is_settled = is_right;
        work.commands = plan.commands.into();
        let input = if work.commands.is_empty() { Input::Right } else { Input::Differs };
        if input == Input::Right {
            work.refused = None;
        }
        self.enter(now, target, input, WorkResult::Succeeded);
    }

    /// What came of the write that is under way at a target.
    pub fn handle_answer(&mut self, now: Time, target: &Name, answer: WriteAnswer) {
        let Some(work) = self.targets.get_mut(target).filter(|work| work.state == WorkState::Writing) else {
            return self.handle_stray(now, target);
        };
        let Some(command) = work.commands.pop_front() else { return };
        let (input, result) = match answer {
            WriteAnswer::Done => {
                work.contests.handle_written(now, &command);
                // what was written is looked at, for a server may have made something else of it
                let again = WorkResult::Again(self.debounce.quiet);
                (if work.commands.is_empty() { Input::Finished } else { Input::Written }, again)
            }
            WriteAnswer::Later { after: Some(after) } => (Input::Stopped, WorkResult::Again(after)),
            WriteAnswer::Later { after: None } | WriteAnswer::Stale => (Input::Stopped, WorkResult::Failed),
            WriteAnswer::Refused(refusal) => {
                let refused = command.key().map(|object| (object, refusal));
                if let Some((object, refusal)) = refused.clone().filter(|_| work.refused != refused) {
                    self.events.push_back(WriterEvent::Refused { target: target.clone(), object, refusal });
                }
                work.refused = refused;
                (Input::Stopped, WorkResult::Failed)
            }
        };
        self.enter(now, target, input, result);
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        for (target, work) in &mut self.targets {
            let due = work.gathered.map(|(first, last)| self.debounce.due(first, last));
            let is_gathered = due.is_some_and(|due| due <= now);
            if is_gathered || work.contests.is_due(now) {
                work.gathered = work.gathered.filter(|_| !is_gathered);
                self.queue.handle_change(target.clone());
            }
        }
        self.queue.handle_timeout(now);
        self.take(now);
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<WriterEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let gathered = |work: &Work| work.gathered.map(|(first, last)| self.debounce.due(first, last));
        let own = self
            .targets
            .values()
            .filter_map(|work| gathered(work).into_iter().chain(work.contests.poll_timeout()).min());
        own.chain(self.queue.poll_timeout()).min()
    }

    /// What is done at a target.
    #[must_use]
    pub fn state(&self, target: &Name) -> WorkState {
        self.targets.get(target).map_or(WorkState::Idle, |work| work.state)
    }

    /// Begins with as many targets as there are workers.
    fn take(&mut self, now: Time) {
        while let Some(target) = self.queue.poll_transmit() {
            if self.targets.contains_key(&target) {
                self.enter(now, &target, Input::Taken, WorkResult::Succeeded);
            } else {
                self.queue.handle_result(now, &target, WorkResult::Succeeded);
            }
        }
    }

    /// An answer that nobody waits for: that of a target which was forgotten meanwhile sets its worker free.
    fn handle_stray(&mut self, now: Time, target: &Name) {
        if !self.targets.contains_key(target) {
            self.queue.handle_result(now, target, WorkResult::Succeeded);
            self.take(now);
        }
    }

    /// The one place where a state changes, with what follows from it; `result` is told where the work ends.
    fn enter(&mut self, now: Time, target: &Name, input: Input, result: WorkResult) {
        let Some(work) = self.targets.get_mut(target) else { return };
        let from = work.state;
        work.state = next(from, input);
        match work.state {
            WorkState::Reading if from == WorkState::Idle => {
                work.contests.look();
                self.transmits.push_back(Transmit::Read { target: target.clone() });
            }
            WorkState::Writing => {
                if let Some(command) = work.commands.front().cloned() {
                    self.transmits.push_back(Transmit::Write { target: target.clone(), command });
                }
            }
            WorkState::Idle if from != WorkState::Idle => {
                work.commands.clear();
                self.queue.handle_result(now, target, result);
                self.handle_timeout(now); // whoever waited for the worker
            }
            WorkState::Idle | WorkState::Reading => {}
        }
    }
}

impl Work {
    fn new(wanted: Rendering) -> Self {
        Self {
            wanted,
            state: WorkState::Idle,
            gathered: None,
            commands: VecDeque::new(),
            contests: Contests::default(),
            findings: Findings::default(),
            refused: None,
            is_settled: false,
        }
    }
}

/// Where an input leads.
const fn next(state: WorkState, input: Input) -> WorkState {
    use Input::{Differs, Finished, Right, Stopped, Taken, Unread, Written};
    use WorkState::{Idle, Reading, Writing};
    match (state, input) {
        (Idle, Differs | Finished | Right | Stopped | Unread | Written) => Idle,
        (Idle, Taken) | (Reading, Finished | Stopped | Taken | Written) => Reading,
        (Reading, Right | Unread) | (Writing, Finished | Stopped) => Idle,
        (Reading, Differs) | (Writing, Differs | Right | Taken | Unread | Written) => Writing,
    }
}

#[cfg(test)]
mod tests;
