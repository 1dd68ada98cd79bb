//! How much of a wrong order may stay.
//!
//! A destination can only be moved to the end of the order of adding, by
//! deleting it and adding it anew. After any number of such moves those that
//! never moved stand first, in the order in which they were. So whoever stays
//! is a *beginning* of the wanted order that is in order already, and the
//! longest such beginning leaves the fewest to move: everyone after it, once
//! each, in the wanted order. No shorter way exists, as a test by brute force
//! finds too.

/// How many of the first stay where they are.
///
/// `places` are where the wanted ones stand now, in the wanted order; `None` is
/// one that is not there.
pub(super) fn staying(places: impl Iterator<Item = Option<usize>>) -> usize {
    let mut before = None;
    let is_next = |place: &Option<usize>| {
        let is_later = place.is_some() && *place > before;
        before = *place;
        is_later
    };
    places.take_while(is_next).count()
}

#[cfg(test)]
mod tests;
