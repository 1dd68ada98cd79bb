//! A vector that grows without ever moving what it holds.
//!
//! Elements live in segments of 64, 128, 256, ... An append that fills one
//! opens the next, so growth copies nothing and costs the same at any size; an
//! empty vector owns no memory, and no more than half of it, plus one segment's 64, is unused. The
//! price is a few instructions to find the segment.

use alloc::vec::Vec;

/// The elements of the first segment, as a power of two.
const BASE_BITS: u32 = 6;
/// Enough for every `u32`.
const SEGMENTS: usize = 27;

/// An append-only vector of at most `limit` elements, numbered from 0.
#[derive(Clone, Debug)]
pub(super) struct Segmented<T> {
    segments: [Vec<T>; SEGMENTS],
    length: u32,
    limit: u32,
}

impl<T> Segmented<T> {
    /// An empty vector; it never reserves memory for more than `limit` elements.
    pub(super) const fn new(limit: u32) -> Self {
        Self { segments: [const { Vec::new() }; SEGMENTS], length: 0, limit }
    }

    /// How many elements there are.
    pub(super) const fn len(&self) -> u32 {
        self.length
    }

    /// Appends an element; its number was the length before.
    pub(super) fn push(&mut self, element: T) {
        let (segment, offset) = place(self.length);
        let elements = &mut self.segments[segment];
        if elements.capacity() == 0 {
            let room = self.limit.saturating_sub(self.length).max(1);
            elements.reserve_exact((1 << (BASE_BITS as usize + segment)).min(room as usize));
        }
        debug_assert_eq!(elements.len(), offset, "elements are appended in order");
        elements.push(element);
        self.length += 1;
    }

    #[inline]
    pub(super) fn at(&self, number: u32) -> &T {
        let (segment, offset) = place(number);
        &self.segments[segment][offset]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, number: u32) -> &mut T {
        let (segment, offset) = place(number);
        &mut self.segments[segment][offset]
    }

    /// The memory reserved for elements.
    pub(super) fn memory_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.capacity() * size_of::<T>()).sum()
    }
}

/// The segment and the place in it of an element.
#[inline]
const fn place(number: u32) -> (usize, usize) {
    // Counted from 64, segment s holds 64 * 2^s up to twice that: its number is
    // the position of the highest bit, the place is the bits below.
    let shifted = number as usize + (1 << BASE_BITS);
    let top = shifted.ilog2();
    ((top - BASE_BITS) as usize, shifted ^ (1 << top))
}
