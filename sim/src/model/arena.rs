//! Places for things that come and go, named by small ids that are never mistaken.
//!
//! An id is a place and the number of times the place was used before, so an
//! event that outlives its request or connection finds nothing, instead of
//! somebody else's.

use core::fmt;
use core::marker::PhantomData;

/// The name of one `T` in its [`Arena`].
pub(super) struct Id<T> {
    place: u32,
    turn: u32,
    what: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Both numbers, for the digest.
    pub(super) const fn canonical(self) -> u64 {
        (self.turn as u64) << 32 | self.place as u64
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.turn == other.turn
    }
}

impl<T> Eq for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place, self.turn)
    }
}

/// Things by id; a place that is left is used again, last left first.
#[derive(Debug)]
pub(super) struct Arena<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    turn: u32,
    thing: Option<T>,
}

impl<T> Arena<T> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.thing.as_ref())
    }

    pub(super) fn insert(&mut self, thing: T) -> Id<T> {
        if let Some(place) = self.free.pop() {
            let slot = &mut self.places[place as usize];
            slot.thing = Some(thing);
            return Id { place, turn: slot.turn, what: PhantomData };
        }
        let place = u32::try_from(self.places.len()).expect("fewer than 2^32 things at a time fit memory");
        self.places.push(Place { turn: 0, thing: Some(thing) });
        Id { place, turn: 0, what: PhantomData }
    }

    pub(super) fn get(&self, id: Id<T>) -> Option<&T> {
        let slot = self.places.get(id.place as usize)?;
        if slot.turn == id.turn { slot.thing.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self.places.get_mut(id.place as usize)?;
        if slot.turn == id.turn { slot.thing.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, id: Id<T>) -> Option<T> {
        let slot = self.places.get_mut(id.place as usize)?;
        if slot.turn != id.turn {
            return None;
        }
        let thing = slot.thing.take()?;
        slot.turn = slot.turn.wrapping_add(1);
        self.free.push(id.place);
        Some(thing)
    }
}
