//! The flows of one address family: entries, index, timers and queues.
//!
//! Entries lie in an arena and are named by number. What a hit needs lies close
//! together, 20 bytes for IPv4 and 32 for IPv6, so that as many as may be fit
//! the processor's cache; the 12 bytes by which an entry hangs in index and lists
//! are apart. Each entry is on one list: a proven flow in a slot of the timer wheel,
//! an unproven one in the queue of its state. A hit writes the time and the
//! state and touches no list; a slot of the wheel that comes due looks at the
//! time and places the flow again if it was seen since.
//!
//! A queue holds flows of one timeout in the order of their first packets, so
//! its head is both the next to expire and the oldest to evict. `seen` of an
//! unproven flow is therefore the time of its first packet (of its last SYN, or
//! of its last packet that was refused as a proof): were it more than a second
//! before the last one, the flow would be proven.

use core::hint::black_box;

use super::Found;
use super::code::{Code, Event, Rules};
use super::entry::{Client, Entry, Status, wrap};
use super::event::Cause;
use super::index::{Index, Place};
use super::key::{Address, ConnectionKey};
use super::ledger::{Gone, Ledger, Standing};
use super::lists::{Links, Lists, Nodes};
use super::segment::Segment;
use super::segmented::Segmented;
use super::wheel::Wheel;
use crate::identity::BackendId;

/// How far apart two packets must be to prove a flow.
const PROOF_MS: u32 = 1000;
/// A tick of the wheel is 2^6 ms: a flow is collected at most 64 ms late.
const TICK_BITS: u32 = 6;
/// The list of the slot that came due and is being looked at.
const PENDING: usize = Wheel::SLOTS;
/// The queues of unproven flows, one for each state.
const QUEUES: usize = PENDING + 1;

/// A new flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival<A> {
    pub(super) client: Client<A>,
    pub(super) place: Place,
    pub(super) segment: Segment,
    pub(super) backend: BackendId,
}

/// Where an entry hangs: what is needed when it comes, moves or goes.
#[derive(Clone, Debug)]
struct Hold {
    place: Place,
    links: Links,
}

/// All flows of a family.
#[derive(Debug)]
pub(super) struct Family<A: Address> {
    entries: Segmented<Entry<A>>,
    /// By the numbers of the entries.
    holds: Segmented<Hold>,
    free: Option<u32>,
    index: Index,
    lists: Lists,
    wheel: Wheel,
    /// The states whose queues are not empty, as bits.
    queued: u64,
    /// Nothing is due before this millisecond.
    wake: u64,
}

impl<A: Address> Family<A> {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            entries: Segmented::new(limit),
            holds: Segmented::new(limit),
            free: None,
            index: Index::new(limit),
            lists: Lists::new(QUEUES + Code::COUNT),
            wheel: Wheel::new(),
            queued: 0,
            wake: u64::MAX,
        }
    }

    /// The number of a client's entry, expired or not.
    #[inline(always)]
    pub(super) fn search(&self, client: &Client<A>, place: Place) -> Option<u32> {
        self.index.find(place, |number| self.entries.at(number).is_of(client))
    }

    /// Fetches a line of the index into the cache.
    #[inline(always)]
    pub(super) fn fetch_index(&self, place: Place) {
        self.index.fetch(place);
    }

    /// Fetches the entry that a client's probably is, by one look at the index.
    #[inline(always)]
    pub(super) fn fetch_entry(&self, place: Place) {
        if let Some(number) = self.index.candidate(place) {
            black_box(self.entries.at(number).seen);
        }
    }

    /// What is known of a flow; `None` if it was silent for too long.
    #[inline(always)]
    pub(super) fn view(&self, rules: &Rules, now: u64, number: u32) -> Option<Found> {
        let entry = self.entries.at(number);
        (!entry.is_expired(rules, now)).then(|| entry.found(number))
    }

    /// Finds a flow and takes note of its packet.
    #[inline]
    pub(super) fn find(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        client: &Client<A>,
        place: Place,
        segment: Segment,
    ) -> Option<Found> {
        let number = self.live(rules, ledger, now, client, place)?;
        self.observe(rules, ledger, now, number, segment);
        Some(self.entries.at(number).found(number))
    }

    /// The number of a client's entry; drops it if it has expired.
    #[inline(always)]
    pub(super) fn live(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        client: &Client<A>,
        place: Place,
    ) -> Option<u32> {
        let number = self.search(client, place)?;
        if self.is_expired(rules, now, number) {
            self.drop_flow(ledger, number, Cause::Expired);
            return None;
        }
        Some(number)
    }

    fn is_expired(&self, rules: &Rules, now: u64, number: u32) -> bool {
        self.entries.at(number).is_expired(rules, now)
    }

    /// Takes note of a packet of a flow that is there.
    #[inline(always)]
    pub(super) fn observe(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        number: u32,
        segment: Segment,
    ) {
        if !self.entries.at_mut(number).take_note(now, Event::of(segment, true)) {
            self.observe_change(rules, ledger, now, number, segment);
        }
    }

    /// Enters a flow that is not there; the limits are the caller's business.
    pub(super) fn insert(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        arrival: Arrival<A>,
    ) -> u32 {
        let Arrival { client, place, segment, backend } = arrival;
        let entry = Entry {
            alignment: [],
            source: client.source,
            service: client.service,
            backend,
            seen: wrap(now),
            port: client.port,
            state: Code::unknown(rules.machine).next(Event::of(segment, false)),
            status: Status::Unproven,
        };
        ledger.enter(entry.standing());
        let number = self.allocate(entry, Hold { place, links: Links::NONE });
        let holds = &self.holds;
        self.index.insert(place, number, |number| holds.at(number).place);
        self.link(rules, now, number);
        number
    }

    /// Binds a flow to another backend, where it starts again.
    pub(super) fn rebind(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        number: u32,
        segment: Segment,
        backend: BackendId,
    ) {
        let Some(before) = self.standing(number) else { return };
        let state = Code::unknown(rules.machine).next(Event::of(segment, before.proven));
        let entry = self.entries.at_mut(number);
        entry.backend = backend;
        entry.state = state;
        entry.seen = wrap(now);
        ledger.change(before, entry.standing());
        self.unlink(number);
        self.link(rules, now, number);
    }

    /// Forgets a flow; nothing happens if there is none of that number.
    pub(super) fn remove(&mut self, ledger: &mut Ledger, number: u32) {
        if self.standing(number).is_some() {
            self.unlink(number);
            let gone = self.release(number);
            ledger.leave(&gone);
        }
    }

    /// Forgets all flows of a backend; stops when the last one is gone.
    pub(super) fn remove_backend(&mut self, ledger: &mut Ledger, backend: BackendId) {
        let mut number = 0;
        while number < self.entries.len() && ledger.of(backend).total() > 0 {
            if self.standing(number).is_some_and(|standing| standing.backend == backend) {
                self.remove(ledger, number);
            }
            number += 1;
        }
    }

    /// Forgets all flows as expired.
    pub(super) fn expire_all(&mut self, ledger: &mut Ledger) {
        for number in 0..self.entries.len() {
            if self.standing(number).is_some() {
                self.drop_flow(ledger, number, Cause::Expired);
            }
        }
    }

    /// The oldest unproven flow, by its queue's head, and its age.
    pub(super) fn oldest_unproven(&self, now: u64) -> Option<(u32, u32)> {
        let heads = bits(self.queued).filter_map(|queue| self.lists.first(QUEUES + queue));
        heads.map(|number| (self.entries.at(number).age(now), number)).max_by_key(|(age, _)| *age)
    }

    /// Drops a flow by the table's own rule.
    pub(super) fn drop_flow(&mut self, ledger: &mut Ledger, number: u32, cause: Cause) {
        self.unlink(number);
        let gone = self.release(number);
        ledger.drop_flow(&gone, cause);
    }

    /// Collects what has expired; false if `budget` flows were looked at and
    /// more is due.
    pub(super) fn sweep(&mut self, rules: &Rules, ledger: &mut Ledger, now: u64, budget: &mut u32) -> bool {
        for queue in bits(self.queued) {
            while let Some(number) = self.lists.first(QUEUES + queue) {
                if !self.is_expired(rules, now, number) {
                    break;
                }
                if *budget == 0 {
                    return false;
                }
                *budget -= 1;
                self.drop_flow(ledger, number, Cause::Expired);
            }
        }
        loop {
            while let Some(number) = self.lists.first(PENDING) {
                if *budget == 0 {
                    return false;
                }
                *budget -= 1;
                if self.is_expired(rules, now, number) {
                    self.drop_flow(ledger, number, Cause::Expired);
                } else {
                    self.unlink(number);
                    self.link(rules, now, number);
                }
            }
            match self.wheel.next() {
                Some((tick, slot)) if tick <= now >> TICK_BITS => {
                    self.wheel.advance(tick);
                    self.wheel.vacate(slot);
                    self.lists.take(&mut self.holds, slot, PENDING);
                }
                Some(_) | None => break,
            }
        }
        self.wheel.advance(now >> TICK_BITS);
        self.wake = self.next_deadline(rules, now);
        true
    }

    /// Nothing is due before this millisecond.
    pub(super) const fn wake(&self) -> u64 {
        self.wake
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let flows = self.entries.memory_bytes() + self.holds.memory_bytes();
        flows + self.index.memory_bytes() + self.lists.memory_bytes()
    }

    /// A packet of an unproven flow, or one that changes a proven flow's state.
    #[cold]
    fn observe_change(
        &mut self,
        rules: &Rules,
        ledger: &mut Ledger,
        now: u64,
        number: u32,
        segment: Segment,
    ) {
        let entry = self.entries.at_mut(number);
        let (before, previous) = (entry.standing(), entry.state);
        let opens = segment.opens();
        // A repeated SYN proves nothing, or a flood from few addresses would
        // prove itself; it starts the clock again.
        let proves = !opens && entry.age(now) >= PROOF_MS;
        let proven = before.proven || proves && ledger.may_prove();
        entry.state = previous.next(Event::of(segment, proven));
        if proven {
            entry.status = Status::Proven;
        }
        // Where proof is refused the flow is as young as if it began now: among
        // the unproven those who talk outlast those who do not.
        if proven || opens || proves {
            entry.seen = wrap(now);
        }
        // A later deadline is seen when the slot comes due, a sooner one is not.
        let moves = if before.proven {
            rules.timeout_ms(entry.state) < rules.timeout_ms(previous)
        } else {
            proven || opens || proves || entry.state != previous
        };
        let after = entry.standing();
        if after != before {
            ledger.change(before, after);
        }
        if moves {
            self.unlink(number);
            self.link(rules, now, number);
        }
    }

    fn standing(&self, number: u32) -> Option<Standing> {
        if number >= self.entries.len() {
            return None;
        }
        let entry = self.entries.at(number);
        (entry.status != Status::Free).then(|| entry.standing())
    }

    fn allocate(&mut self, entry: Entry<A>, hold: Hold) -> u32 {
        let Some(number) = self.free else {
            self.entries.push(entry);
            self.holds.push(hold);
            return self.entries.len() - 1;
        };
        let freed = core::mem::replace(self.holds.at_mut(number), hold);
        self.free = freed.links.next();
        *self.entries.at_mut(number) = entry;
        number
    }

    /// Takes an unlinked entry out of the index and frees it.
    fn release(&mut self, number: u32) -> Gone {
        let entry = self.entries.at_mut(number);
        let key = ConnectionKey::new(entry.service, entry.source.to_ip(), entry.port);
        let gone = Gone { key, standing: entry.standing() };
        entry.status = Status::Free;
        let hold = self.holds.at_mut(number);
        hold.links = Links::free(self.free);
        self.free = Some(number);
        self.index.remove(hold.place, number);
        gone
    }

    /// Puts an entry on the list it belongs to.
    fn link(&mut self, rules: &Rules, now: u64, number: u32) {
        let entry = self.entries.at(number);
        let deadline = entry.deadline(rules, now);
        let (list, due) = if entry.status == Status::Proven {
            if self.wheel.is_empty() {
                self.wheel.advance(now >> TICK_BITS);
            }
            let tick = deadline.div_ceil(1 << TICK_BITS);
            match self.wheel.slot(tick) {
                Some(slot) => {
                    self.wheel.occupy(slot);
                    (slot, Wheel::start(tick, slot) << TICK_BITS)
                }
                None => (PENDING, now),
            }
        } else {
            let queue = entry.state.index();
            self.queued |= 1 << queue;
            (QUEUES + queue, deadline)
        };
        self.wake = self.wake.min(due);
        self.lists.push(&mut self.holds, list, number);
    }

    /// Takes an entry off its list.
    fn unlink(&mut self, number: u32) {
        let Some(emptied) = self.lists.remove(&mut self.holds, number) else { return };
        if emptied < PENDING {
            self.wheel.vacate(emptied);
        } else if emptied >= QUEUES {
            self.queued &= !(1 << (emptied - QUEUES));
        }
    }

    fn next_deadline(&self, rules: &Rules, now: u64) -> u64 {
        let heads = bits(self.queued).filter_map(|queue| self.lists.first(QUEUES + queue));
        let queues = heads.map(|number| self.entries.at(number).deadline(rules, now));
        let slot = self.wheel.next().map(|(tick, _)| tick << TICK_BITS);
        queues.chain(slot).min().unwrap_or(u64::MAX)
    }
}

impl Nodes for Segmented<Hold> {
    fn links(&mut self, number: u32) -> &mut Links {
        &mut self.at_mut(number).links
    }
}

/// The positions of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let position = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (position < 64).then_some(position as usize)
    })
}
