//! The kernel as the node knows it: read, believed, written, read again.
//!
//! What was read is believed and carried forward by every write that
//! succeeded, so that a change is planned at once and not after another
//! listing; every interval it is read anew, and what others changed shows. At
//! most one read or write is under way. After a failure nothing is believed:
//! the kernel is read again before it is written again, later each time.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::action::Write;
use crate::config::ServiceAddress;
use crate::ipvs::{Command, Observed, ObservedDestination, ObservedService, ServiceKey};
use crate::time::Time;

/// The first wait after a failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest wait after failures: a person who repairs something sees it work soon.
const RETRY_LAST: Duration = Duration::from_secs(10);
/// Writes in a row without the kernel coming to rest, before it is read again:
/// a plan has few stages, and one that never ends must not spin.
const ROUNDS: u32 = 8;
/// How long after a deletion nothing is deleted only to be added anew. A kernel
/// that ends connections of nobody (5.9 and newer) begins to look for them a
/// jiffy later (4 to 10 ms), goes through all that it has, and takes one that it
/// finds between the two writes of a pair for such; some millions take it a
/// tenth of a second.
const WALK: Duration = Duration::from_millis(100);

/// What a kernel holds of all that a node may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its IPVS tables, ours and others'.
    pub ipvs: Observed,
    /// The host addresses on `lo`, ours and others'.
    pub addresses: BTreeSet<IpAddr>,
    /// The switches by name with dots; one that the kernel does not have is left out.
    pub sysctls: BTreeMap<&'static str, u32>,
}

impl Snapshot {
    /// Does what a successful write did.
    pub fn apply(&mut self, write: &Write) {
        match write {
            Write::Address { vip, present: true } => {
                self.addresses.insert(*vip);
            }
            Write::Address { vip, present: false } => {
                self.addresses.remove(vip);
            }
            Write::Ipvs(command) => self.obey(command),
            Write::Sysctl { name, value } => {
                self.sysctls.insert(name, *value);
            }
        }
    }

    /// Does what a successful command did. How many connections a destination has
    /// that is added nobody knows: it has those from before, if it was deleted only
    /// to be added anew. The next listing tells.
    fn obey(&mut self, command: &Command) {
        let services = &mut self.ipvs.services;
        match command {
            Command::AddService { key, service } => {
                let service = ObservedService { service: (**service).clone(), destinations: Vec::new() };
                services.insert(*key, service);
            }
            Command::SetService { key, service } => {
                if let Some(found) = services.get_mut(key) {
                    found.service = (**service).clone();
                }
            }
            Command::DeleteService { key } => {
                services.remove(key);
            }
            Command::AddDestination { key, destination } => {
                let added = ObservedDestination { destination: *destination, connections: None };
                services.entry(*key).and_modify(|found| found.destinations.push(added));
            }
            Command::SetDestination { key, destination } => {
                let all = services.get_mut(key).into_iter().flat_map(|found| &mut found.destinations);
                for found in all.filter(|found| found.destination.endpoint == destination.endpoint) {
                    found.destination = *destination;
                }
            }
            Command::DeleteDestination { key, endpoint } => {
                if let Some(found) = services.get_mut(key) {
                    found.destinations.retain(|found| found.destination.endpoint != *endpoint);
                }
            }
            Command::SetExpireNodestConn { value } => {
                self.sysctls.insert(EXPIRE_NODEST_CONN, u32::from(*value));
            }
        }
    }
}

/// The one switch that a plan writes too.
const EXPIRE_NODEST_CONN: &str = "net.ipv4.vs.expire_nodest_conn";

/// How far the node is with its kernel.
///
/// ```text
///            asked            listed             planned
///  Unread ---------> Reading ---------> Settled ---------> Writing
///    ^ ^                |                | ^  ^               | |
///    | |      not listed|             due| |  +---------------+ |
///    | |                v                | |      written       | refused
///    | +------------- Failed <-----------|-|--------------------+
///    |       due                         |
///    +-----------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KernelPhase {
    /// Something failed; it waits before it reads again.
    Failed,
    /// A listing is under way.
    Reading,
    /// What is believed is what was read and written.
    Settled,
    /// It is to be read.
    Unread,
    /// Writes are under way.
    Writing,
}

/// What may happen between a node and its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum KernelInput {
    /// A listing was asked for.
    Asked,
    /// It is time to read again.
    Due,
    /// A listing came.
    Listed,
    /// A listing failed.
    NotListed,
    /// Writes were asked for.
    Planned,
    /// A write failed.
    Refused,
    /// All writes were done.
    Written,
}

impl KernelPhase {
    /// The phase after `input`; what does not belong to a phase changes nothing.
    pub(super) const fn after(self, input: KernelInput) -> Self {
        use KernelInput::{Asked, Due, Listed, NotListed, Planned, Refused, Written};
        match (self, input) {
            (Self::Unread, Asked) => Self::Reading,
            (Self::Unread, Due | Listed | NotListed | Planned | Refused | Written) => self,

            (Self::Reading, Listed) => Self::Settled,
            (Self::Reading, NotListed) => Self::Failed,
            (Self::Reading, Asked | Due | Planned | Refused | Written) => self,

            (Self::Settled, Due) => Self::Unread,
            (Self::Settled, Planned) => Self::Writing,
            (Self::Settled, Asked | Listed | NotListed | Refused | Written) => self,

            (Self::Writing, Refused) => Self::Failed,
            (Self::Writing, Written) => Self::Settled,
            (Self::Writing, Asked | Due | Listed | NotListed | Planned) => self,

            (Self::Failed, Due) => Self::Unread,
            (Self::Failed, Asked | Listed | NotListed | Planned | Refused | Written) => self,
        }
    }
}

/// What writes were about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// How many were asked for.
    pub(super) asked: usize,
    /// The services that those which were done changed.
    pub(super) services: BTreeSet<ServiceAddress>,
    /// The VIPs for which something was done: the services', and addresses.
    pub(super) vips: BTreeSet<IpAddr>,
}

impl Written {
    fn note(&mut self, write: &Write) {
        match write {
            Write::Address { vip, .. } => _ = self.vips.insert(*vip),
            Write::Ipvs(command) => {
                if let Some(ServiceKey::Address(service)) = command.key() {
                    self.services.insert(*service);
                    self.vips.insert(service.address);
                }
            }
            Write::Sysctl { .. } => {}
        }
    }
}

/// The kernel as it is believed to be, and what is under way with it.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    phase: KernelPhase,
    believed: Snapshot,
    /// Whether it was ever read.
    known: bool,
    writing: Vec<Write>,
    /// When to read again, in the phases that wait for that.
    due: Time,
    read_interval: Duration,
    retry: Duration,
    rounds: u32,
    /// Until when it may look for connections of nobody.
    walks_until: Time,
    /// Whether writes wait for that.
    held_back: bool,
}

impl Kernel {
    pub(super) fn new(now: Time, read_interval: Duration) -> Self {
        Self {
            phase: KernelPhase::Unread,
            believed: Snapshot::default(),
            known: false,
            writing: Vec::new(),
            due: now,
            read_interval,
            retry: RETRY_FIRST,
            rounds: 0,
            // an agent before this one may have ended with a deletion
            walks_until: now + WALK,
            held_back: false,
        }
    }

    pub(super) const fn phase(&self) -> KernelPhase {
        self.phase
    }

    /// What the kernel is believed to hold; of use once it is known.
    pub(super) const fn believed(&self) -> &Snapshot {
        &self.believed
    }

    /// Whether it was ever read.
    pub(super) const fn is_known(&self) -> bool {
        self.known
    }

    pub(super) fn set_read_interval(&mut self, now: Time, interval: Duration) {
        self.read_interval = interval;
        if self.phase == KernelPhase::Settled {
            self.due = self.due.min(now + interval);
        }
    }

    /// The one place that assigns the phase; `true` if it changed.
    fn step(&mut self, input: KernelInput) -> bool {
        let next = self.phase.after(input);
        let changed = next != self.phase;
        self.phase = next;
        changed
    }

    /// Whether a listing is to be asked for now; after `true` it is under way.
    pub(super) fn wants_read(&mut self) -> bool {
        self.step(KernelInput::Asked)
    }

    /// Takes a listing; `false` if none was asked for.
    pub(super) fn handle_snapshot(&mut self, now: Time, snapshot: Snapshot) -> bool {
        if !self.step(KernelInput::Listed) {
            return false;
        }
        self.believed = snapshot;
        self.known = true;
        self.rounds = 0;
        self.due = now + self.read_interval;
        true
    }

    /// Takes word that the listing failed; `false` if none was asked for.
    pub(super) fn handle_read_failed(&mut self, now: Time) -> bool {
        let failed = self.step(KernelInput::NotListed);
        if failed {
            self.back_off(now);
        }
        failed
    }

    /// Whether these writes have to wait for the kernel to have looked through
    /// its connections, as they delete what is to stay; then it is due later.
    pub(super) fn holds_back(&mut self, now: Time, writes: &[Write]) -> bool {
        let is_pairs =
            |write: &Write| matches!(write, Write::Ipvs(Command::SetExpireNodestConn { value: false }));
        self.held_back = now < self.walks_until && writes.iter().any(is_pairs);
        self.held_back
    }

    /// Notes writes that are asked for; `false` if none may be now, or none is to be.
    pub(super) fn handle_plan(&mut self, now: Time, writes: &[Write]) -> bool {
        if self.phase != KernelPhase::Settled {
            return false;
        }
        self.held_back = false;
        if writes.is_empty() {
            self.rounds = 0;
            self.retry = RETRY_FIRST;
            return false;
        }
        if self.rounds == ROUNDS {
            self.step(KernelInput::Planned);
            self.step(KernelInput::Refused);
            self.back_off(now);
            return false;
        }
        self.rounds += 1;
        self.writing = writes.to_vec();
        self.step(KernelInput::Planned)
    }

    /// Takes how many of the writes were done, all of them or not; `None` if
    /// none was asked for.
    pub(super) fn handle_written(&mut self, now: Time, done: usize) -> Option<Written> {
        let all = self.writing.len();
        let input = if done >= all { KernelInput::Written } else { KernelInput::Refused };
        if !self.step(input) {
            return None;
        }
        let mut written = Written { asked: all, ..Written::default() };
        let mut deletes = false;
        for (number, write) in core::mem::take(&mut self.writing).iter().enumerate() {
            // one that was not done as far as is known may have been
            deletes |= self.ends_flows() && is_deletion(write);
            if number < done {
                self.believed.apply(write);
                written.note(write);
            }
        }
        if deletes {
            self.walks_until = now + WALK;
        }
        if input == KernelInput::Refused {
            self.back_off(now);
        }
        Some(written)
    }

    /// Whether the kernel ends the connections of a destination that is deleted; it does unless it says otherwise.
    fn ends_flows(&self) -> bool {
        self.believed.sysctls.get(EXPIRE_NODEST_CONN) != Some(&0)
    }

    fn back_off(&mut self, now: Time) {
        self.due = now + self.retry;
        self.retry = (self.retry * 2).min(RETRY_LAST);
        self.rounds = 0;
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        // whoever waits looks again now
        self.held_back &= now < self.walks_until;
        if self.due <= now {
            self.step(KernelInput::Due);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            KernelPhase::Settled if self.held_back => Some(self.due.min(self.walks_until)),
            KernelPhase::Failed | KernelPhase::Settled => Some(self.due),
            KernelPhase::Reading | KernelPhase::Unread | KernelPhase::Writing => None,
        }
    }
}

fn is_deletion(write: &Write) -> bool {
    matches!(write, Write::Ipvs(Command::DeleteDestination { .. } | Command::DeleteService { .. }))
}

#[cfg(test)]
mod tests;
