//! Applying a JSON Patch (RFC 6902): all of it or nothing.
//!
//! The idea: the document is changed in place, and what each operation displaces
//! is kept until the last has succeeded. So a small patch costs what it is
//! itself large, in whatever document.

use serde_json::{Number, Value};

use super::document::{depth, size};
use super::history::{History, Writers};
use super::place::{find, index, new_index, no_member, no_parts, short, walk};
use super::undo::{Change, Part, Undo, overwrite, put_back};
use super::{Document, MAX_DEPTH, MAX_NODES, Operation, Origin, Pointer, Write};
use crate::nearest::{did_you_mean, quoted};

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation {index} ({operation} {}): {problem}", quoted(&pointer.to_string()))]
pub struct PatchError {
    /// Which operation, from 0.
    pub index: usize,
    /// What it is.
    pub operation: &'static str,
    /// Where it failed.
    pub pointer: Pointer,
    /// Why.
    pub problem: PatchProblem,
}

/// What an operation failed at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchProblem {
    /// Deeper than any reader takes.
    #[error("the document would have more than {MAX_DEPTH} levels")]
    Deep,
    /// A step into a list that is no number.
    #[error(
        "{} is no place in a list; write a number without leading zeros, or `-` to add after the last",
        quoted(step)
    )]
    Index {
        /// The step.
        step: String,
    },
    /// Something cannot be moved into itself.
    #[error("a part cannot be moved into itself")]
    IntoItself,
    /// More parts than any object has.
    #[error("the document would have more than {MAX_NODES} parts")]
    Large,
    /// No item of this number.
    #[error(
        "the list has {length} {}, there is no index {index} (counted from 0)",
        if *length == 1 { "entry" } else { "entries" }
    )]
    NoItem {
        /// The number.
        index: usize,
        /// How many items there are.
        length: usize,
    },
    /// No member of this name.
    #[error("there is no {}{}", quoted(step), did_you_mean(nearest.as_deref()))]
    NoMember {
        /// The name.
        step: String,
        /// The nearest that is there.
        nearest: Option<String>,
    },
    /// A step into something that has no parts.
    #[error("there is {found} on the way, which has no parts")]
    NoParts {
        /// What is there.
        found: String,
    },
    /// The document itself.
    #[error("the whole document cannot be taken away")]
    Root,
    /// Something else is there.
    #[error("{found} is there, not {wanted}")]
    Test {
        /// What is there.
        found: String,
        /// What should be.
        wanted: String,
    },
}

/// Applies all operations in order for `origin`, or none.
///
/// # Errors
///
/// The first operation that fails; the document is then as it was.
pub fn apply(document: &mut Document, patch: &[Operation], origin: Origin) -> Result<(), PatchError> {
    let undo = Undo::to(document);
    let mut patching = Patching { document, origin, only: Writers::only(origin), undo };
    for (index, operation) in patch.iter().enumerate() {
        if let Err((pointer, problem)) = patching.one(operation) {
            patching.undo.roll_back(patching.document);
            return Err(PatchError { index, operation: operation.name(), pointer: pointer.clone(), problem });
        }
    }
    Ok(())
}

/// A patch on its way.
struct Patching<'d, 'p> {
    document: &'d mut Document,
    origin: Origin,
    /// Of what nobody wrote before.
    only: Writers,
    undo: Undo<'p>,
}

impl<'p> Patching<'_, 'p> {
    fn one(&mut self, operation: &'p Operation) -> Result<(), (&'p Pointer, PatchProblem)> {
        match operation {
            Operation::Add { path, value } => {
                let part = Part { value: value.clone(), history: History::new(self.only.clone()) };
                self.add(path, part).map_err(|problem| (path, problem))
            }
            Operation::Copy { from, path } => {
                let part = self.copy(from).map_err(|problem| (from, problem))?;
                self.add(path, part).map_err(|problem| (path, problem))
            }
            Operation::Move { from, path } => self.relocate(from, path),
            Operation::Remove { path } => {
                let part = self.take(path).map_err(|problem| (path, problem))?;
                self.document.parts -= size(&part.value);
                self.undo.note(Change::Removed { path, part });
                Ok(())
            }
            Operation::Replace { path, value } => {
                self.replace(path, value).map_err(|problem| (path, problem))
            }
            Operation::Test { path, value } => {
                let found = find(&self.document.root, path.steps()).map_err(|problem| (path, problem))?;
                if is_equal(found, value) {
                    return Ok(());
                }
                Err((path, PatchProblem::Test { found: short(found), wanted: short(value) }))
            }
        }
    }

    fn add(&mut self, path: &'p Pointer, part: Part) -> Result<(), PatchProblem> {
        check_depth(path, &part.value)?;
        let added = size(&part.value);
        let was = self.put(path, part, added)?;
        self.undo.note(Change::Put { path, was });
        Ok(())
    }

    fn replace(&mut self, path: &'p Pointer, value: &Value) -> Result<(), PatchProblem> {
        let Document { root, history, parts, .. } = &mut *self.document;
        let (old, history) = walk(root, history, path.steps())?;
        check_depth(path, value)?;
        grow(parts, size(old), size(value))?;
        let was = overwrite(old, history, value.clone(), self.origin, &self.only);
        self.undo.note(Change::Put { path, was: Some(was) });
        Ok(())
    }

    /// RFC 6902 section 4.4: `from` must not be a proper prefix of `path`.
    fn relocate(&mut self, from: &'p Pointer, path: &'p Pointer) -> Result<(), (&'p Pointer, PatchProblem)> {
        if from.contains(path) {
            find(&self.document.root, from.steps()).map_err(|problem| (from, problem))?;
            return if from == path { Ok(()) } else { Err((path, PatchProblem::IntoItself)) };
        }
        let mut part = self.take(from).map_err(|problem| (from, problem))?;
        if let Err(problem) = self.check_place(path, from, &part.value) {
            put_back(self.document, from, part);
            return Err((path, problem));
        }
        let history = part.history.clone();
        part.history.touch(self.origin);
        // what leaves makes the room for what arrives
        let was = self.put(path, part, 0).expect("the place was looked at above");
        self.undo.note(Change::Moved { from, history, path, was });
        Ok(())
    }

    /// Whether what was taken away from one place can be put at another.
    fn check_place(&self, path: &Pointer, from: &Pointer, value: &Value) -> Result<(), PatchProblem> {
        // what gets no deeper than it was need not be looked through
        if path.steps().len() > from.steps().len() {
            check_depth(path, value)?;
        }
        let Some((last, way)) = path.steps().split_last() else { return Ok(()) };
        match find(&self.document.root, way)? {
            Value::Object(_) => Ok(()),
            Value::Array(items) => new_index(last, items.len()).map(|_| ()),
            plain => Err(no_parts(plain)),
        }
    }

    /// A part with its history once more, brought by us.
    fn copy(&mut self, from: &Pointer) -> Result<Part, PatchProblem> {
        let Document { root, history, .. } = &mut *self.document;
        let (value, history) = walk(root, history, from.steps())?;
        let mut part = Part { value: value.clone(), history: history.clone() };
        part.history.touch(self.origin);
        Ok(part)
    }

    /// Puts a part at a place, where it takes so much of the room; gives what was there.
    fn put(&mut self, path: &Pointer, part: Part, added: usize) -> Result<Option<Part>, PatchProblem> {
        let Document { root, history, parts, .. } = &mut *self.document;
        let Some((last, way)) = path.steps().split_last() else {
            grow(parts, size(root), added)?;
            let value = std::mem::replace(root, part.value);
            return Ok(Some(Part { value, history: std::mem::replace(history, part.history) }));
        };
        let (parent, history) = walk(root, history, way)?;
        match parent {
            Value::Object(members) => {
                if let Some(old) = members.get_mut(&**last) {
                    grow(parts, size(old), added)?;
                    let history = history.member_mut(last.clone());
                    return Ok(Some(overwrite(old, history, part.value, self.origin, &self.only)));
                }
                grow(parts, 0, added)?;
                members.insert(last.to_string(), part.value);
                history.set_member(last.clone(), part.history);
            }
            Value::Array(items) => {
                let index = new_index(last, items.len())?;
                grow(parts, 0, added)?;
                items.insert(index, part.value);
                history.insert_item(index, part.history);
            }
            plain => return Err(no_parts(plain)),
        }
        Ok(None)
    }

    /// Takes a part away, and notes that.
    fn take(&mut self, path: &Pointer) -> Result<Part, PatchProblem> {
        let Document { root, history, removals, .. } = &mut *self.document;
        let (last, way) = path.steps().split_last().ok_or(PatchProblem::Root)?;
        let (parent, history) = walk(root, history, way)?;
        let part = match parent {
            Value::Object(members) => {
                let value = members.remove(&**last).ok_or_else(|| no_member(last, members.keys()))?;
                Part { value, history: history.take_member(last) }
            }
            Value::Array(items) => {
                let (index, length) = (index(last)?, items.len());
                if index >= length {
                    return Err(PatchProblem::NoItem { index, length });
                }
                Part { value: items.remove(index), history: history.take_item(index) }
            }
            plain => return Err(no_parts(plain)),
        };
        removals.push(Write { origin: self.origin, path: path.clone(), is_removal: true });
        Ok(part)
    }
}

/// What is there is within the limit, so only a new part can be too deep.
fn check_depth(path: &Pointer, value: &Value) -> Result<(), PatchProblem> {
    if path.steps().len() + depth(value) > MAX_DEPTH { Err(PatchProblem::Deep) } else { Ok(()) }
}

/// Counts parts that come and go; nobody is refused who brings no more than goes.
fn grow(parts: &mut usize, displaced: usize, added: usize) -> Result<(), PatchProblem> {
    let new = *parts - displaced + added;
    if added > displaced && new > MAX_NODES {
        return Err(PatchProblem::Large);
    }
    *parts = new;
    Ok(())
}

/// RFC 6902 section 4.6: numbers are equal if their values are, members whatever their order.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => is_same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has =
                |(key, value): (&String, &Value)| other.get(key).is_some_and(|other| is_equal(value, other));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

/// Numbers are equal if their values are, to the last digit: a float near a whole number is another one.
fn is_same_number(one: &Number, other: &Number) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A number without a fraction, exactly; `None` for one beyond 128 bits, where there are floats alone.
fn whole(number: &Number) -> Option<i128> {
    // what no float rounds to is written in full by it, as many digits as it has
    number
        .as_i128()
        .or_else(|| format!("{:.0}", number.as_f64().filter(|float| float.fract() == 0.0)?).parse().ok())
}
