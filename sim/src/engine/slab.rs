//! Where payloads wait: fixed places with a free list, named by (slot, generation).
//!
//! The queue refers to a place by its slot. A cancelled place stays taken until
//! the queue lets go of it, so that no key ever points at a stranger's payload.

/// A pending event's name, for cancelling it; stays invalid after the event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    slot: u32,
    generation: u32,
}

impl EventId {
    pub(super) const fn slot(self) -> u32 {
        self.slot
    }
}

pub(super) struct Slab<P> {
    places: Vec<Place<P>>,
    /// First place of the free list, or `NONE`.
    free: u32,
    live: usize,
    cancelled: usize,
}

struct Place<P> {
    /// Counts the tenants, so that an old [`EventId`] does not fit a new one (until 2^32 of them).
    generation: u32,
    content: Content<P>,
}

enum Content<P> {
    Live(P),
    Cancelled,
    Free { next: u32 },
}

/// Fewer places than this stay in the caches anyway.
const TOUCH_FROM: usize = 1 << 14;
/// No place.
const NONE: u32 = u32::MAX;

impl<P> Slab<P> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: NONE, live: 0, cancelled: 0 }
    }

    pub(super) const fn live(&self) -> usize {
        self.live
    }

    pub(super) const fn cancelled(&self) -> usize {
        self.cancelled
    }

    #[inline]
    pub(super) fn insert(&mut self, payload: P) -> EventId {
        self.live += 1;
        let slot = self.free;
        if let Some(place) = self.places.get_mut(slot as usize)
            && let Content::Free { next } = place.content
        {
            self.free = next;
            place.content = Content::Live(payload);
            return EventId { slot, generation: place.generation };
        }
        let slot = u32::try_from(self.places.len()).unwrap_or(NONE);
        assert!(slot < super::queue::SLOTS, "more than {} events are pending", super::queue::SLOTS);
        self.places.push(Place { generation: 0, content: Content::Live(payload) });
        EventId { slot, generation: 0 }
    }

    pub(super) fn payload(&self, event: EventId) -> Option<&P> {
        let place = self.places.get(event.slot as usize)?;
        match &place.content {
            Content::Live(payload) if place.generation == event.generation => Some(payload),
            Content::Live(_) | Content::Cancelled | Content::Free { .. } => None,
        }
    }

    /// Takes the payload of a live event out and leaves the place taken.
    pub(super) fn cancel(&mut self, event: EventId) -> Option<P> {
        let place = self.places.get_mut(event.slot as usize)?;
        if place.generation != event.generation {
            return None;
        }
        match core::mem::replace(&mut place.content, Content::Cancelled) {
            Content::Live(payload) => {
                self.live -= 1;
                self.cancelled += 1;
                Some(payload)
            }
            other @ (Content::Cancelled | Content::Free { .. }) => {
                place.content = other;
                None
            }
        }
    }

    #[inline]
    pub(super) fn is_live(&self, slot: u32) -> bool {
        matches!(self.places[slot as usize].content, Content::Live(_))
    }

    /// Looks at places that will be taken soon: their cache misses overlap instead of adding up.
    pub(super) fn touch(&self, slots: impl Iterator<Item = u32>) {
        if self.places.len() > TOUCH_FROM {
            let look = |slot: u32| self.places.get(slot as usize).map_or(0, |place| place.generation);
            core::hint::black_box(slots.map(look).fold(0, u32::wrapping_add));
        }
    }

    /// Empties the place that the queue let go of; `None` if the event was cancelled.
    #[inline]
    pub(super) fn take(&mut self, slot: u32) -> Option<P> {
        let place = &mut self.places[slot as usize];
        place.generation = place.generation.wrapping_add(1);
        let content = core::mem::replace(&mut place.content, Content::Free { next: self.free });
        self.free = slot;
        match content {
            Content::Live(payload) => {
                self.live -= 1;
                Some(payload)
            }
            Content::Cancelled => {
                self.cancelled -= 1;
                None
            }
            Content::Free { .. } => unreachable!("the queue names a place once"),
        }
    }

    /// Frees the place of a cancelled event.
    pub(super) fn release(&mut self, slot: u32) {
        let payload = self.take(slot);
        debug_assert!(payload.is_none(), "only a cancelled event is released");
    }
}
