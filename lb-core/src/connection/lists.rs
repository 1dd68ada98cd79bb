//! Doubly linked lists through entries that lie elsewhere.
//!
//! All lists of a table thread through its entries by number: a slot of the
//! timer wheel, the queues of unproven flows. An entry is on one list at a
//! time. The ends of a list point back to the list itself (top bit set), so an
//! entry leaves its list in constant time without knowing which one it is.

use alloc::boxed::Box;
use alloc::vec;

/// Marks a link that names a list, not an entry.
const LIST: u32 = 1 << 31;

/// Where the links of an entry lie: the next and the previous.
pub(super) trait Nodes {
    /// The links of entry `number`.
    fn links(&mut self, number: u32) -> &mut Links;
}

/// The neighbours of an entry, or the first and the last entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    next: u32,
    previous: u32,
}

impl Links {
    /// Of an entry on no list.
    pub(super) const NONE: Self = Self { next: LIST, previous: LIST };

    /// The entry that follows.
    pub(super) const fn next(self) -> Option<u32> {
        if self.next & LIST == 0 { Some(self.next) } else { None }
    }

    /// For the list of free entries, which uses no other link.
    pub(super) const fn free(next: Option<u32>) -> Self {
        match next {
            Some(next) => Self { next, previous: LIST },
            None => Self::NONE,
        }
    }
}

/// The ends of a fixed number of lists.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    ends: Box<[Links]>,
}

impl Lists {
    /// Empty lists, numbered from 0.
    pub(super) fn new(count: usize) -> Self {
        let mut ends = vec![Links::NONE; count].into_boxed_slice();
        for (list, number) in ends.iter_mut().zip(LIST..) {
            *list = Links { next: number, previous: number };
        }
        Self { ends }
    }

    /// The first entry of a list.
    pub(super) fn first(&self, list: usize) -> Option<u32> {
        self.ends[list].next()
    }

    /// Appends an entry that is on no list.
    pub(super) fn push(&mut self, nodes: &mut impl Nodes, list: usize, number: u32) {
        let own = self.ends[list].previous;
        let end = LIST | u32::try_from(list).expect("lists are few");
        *nodes.links(number) = Links { next: end, previous: own };
        if own == end {
            self.ends[list].next = number;
        } else {
            nodes.links(own).next = number;
        }
        self.ends[list].previous = number;
    }

    /// Takes an entry off its list; the list's number if it is empty now.
    pub(super) fn remove(&mut self, nodes: &mut impl Nodes, number: u32) -> Option<usize> {
        let Links { next, previous } = core::mem::replace(nodes.links(number), Links::NONE);
        if previous & LIST == 0 {
            nodes.links(previous).next = next;
        } else {
            self.ends[(previous & !LIST) as usize].next = next;
        }
        if next & LIST == 0 {
            nodes.links(next).previous = previous;
        } else {
            self.ends[(next & !LIST) as usize].previous = previous;
        }
        (next & previous & LIST != 0).then_some((next & !LIST) as usize)
    }

    /// Moves a whole list to another, which is empty.
    pub(super) fn take(&mut self, nodes: &mut impl Nodes, from: usize, to: usize) {
        debug_assert!(self.first(to).is_none(), "the target list is empty");
        let Links { next, previous } = self.ends[from];
        if next & LIST != 0 {
            return;
        }
        let (from_end, to_end) = (nodes.links(next).previous, self.ends[to].next);
        nodes.links(next).previous = to_end;
        nodes.links(previous).next = to_end;
        self.ends[to] = Links { next, previous };
        self.ends[from] = Links { next: from_end, previous: from_end };
    }

    /// The memory of the ends.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.ends)
    }
}
