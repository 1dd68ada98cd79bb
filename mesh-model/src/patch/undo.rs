//! The way back from a patch that fails: what each operation changed, taken back from the last to the first.
//!
//! The idea: what an operation displaces is kept instead of dropped, so that
//! going back costs what the patch did and not what the document has.

use std::sync::Arc;

use serde_json::Value;

use super::history::{History, Writers};
use super::place::{index, walk};
use super::{Document, Origin, Pointer};

/// A part that was taken out of a document.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) value: Value,
    pub(super) history: History,
}

/// Overwrites a part for `origin`, alone in `only`; gives what was there.
pub(super) fn overwrite(
    place: &mut Value,
    history: &mut History,
    value: Value,
    origin: Origin,
    only: &Writers,
) -> Part {
    let new = history.view().overwritten(place, &value, origin, only);
    Part { value: std::mem::replace(place, value), history: std::mem::replace(history, new) }
}

/// What one operation changed.
#[derive(Debug)]
pub(super) enum Change<'p> {
    /// A part left one place for another, where another may have been.
    Moved { from: &'p Pointer, history: History, path: &'p Pointer, was: Option<Part> },
    /// A part was put where another may have been.
    Put { path: &'p Pointer, was: Option<Part> },
    /// A part was taken away.
    Removed { path: &'p Pointer, part: Part },
}

/// How to get back to a document.
#[derive(Debug)]
pub(super) struct Undo<'p> {
    changes: Vec<Change<'p>>,
    removals: usize,
    parts: usize,
}

impl<'p> Undo<'p> {
    /// To what the document is now.
    pub(super) const fn to(document: &Document) -> Self {
        Self { changes: Vec::new(), removals: document.removals.len(), parts: document.parts }
    }

    pub(super) fn note(&mut self, change: Change<'p>) {
        self.changes.push(change);
    }

    /// Takes all changes back.
    pub(super) fn roll_back(self, document: &mut Document) {
        for change in self.changes.into_iter().rev() {
            match change {
                Change::Moved { from, history, path, was } => {
                    let value = take_back(document, path, was);
                    put_back(document, from, Part { value, history });
                }
                Change::Put { path, was } => _ = take_back(document, path, was),
                Change::Removed { path, part } => put_back(document, path, part),
            }
        }
        document.removals.truncate(self.removals);
        document.parts = self.parts;
    }
}

const THERE: &str = "the way was there when the operation was applied, and all later ones are taken back";

/// Takes out what was put at a place, and puts back what had been there.
fn take_back(document: &mut Document, path: &Pointer, was: Option<Part>) -> Value {
    if let Some(part) = was {
        // `-` names what is after the last, so nothing was there
        let place = walk(&mut document.root, &mut document.history, path.steps());
        let (value, history) = place.expect(THERE);
        *history = part.history;
        return std::mem::replace(value, part.value);
    }
    let (last, parent, history) = parent(document, path);
    match parent {
        Value::Object(members) => {
            history.take_member(last);
            members.remove(&**last).expect(THERE)
        }
        Value::Array(items) => {
            let index = if &**last == "-" { items.len() - 1 } else { index(last).expect(THERE) };
            history.take_item(index);
            items.remove(index)
        }
        _ => unreachable!("{THERE}"),
    }
}

/// Puts a part where it was taken away.
pub(super) fn put_back(document: &mut Document, path: &Pointer, part: Part) {
    let (last, parent, history) = parent(document, path);
    match parent {
        Value::Object(members) => {
            members.insert(last.to_string(), part.value);
            history.set_member(last.clone(), part.history);
        }
        Value::Array(items) => {
            let index = index(last).expect(THERE);
            items.insert(index, part.value);
            history.insert_item(index, part.history);
        }
        _ => unreachable!("{THERE}"),
    }
}

/// The last step to a place, and what the place is in.
fn parent<'d, 'p>(
    document: &'d mut Document,
    path: &'p Pointer,
) -> (&'p Arc<str>, &'d mut Value, &'d mut History) {
    let (last, way) = path.steps().split_last().expect(THERE);
    let (parent, history) = walk(&mut document.root, &mut document.history, way).expect(THERE);
    (last, parent, history)
}
