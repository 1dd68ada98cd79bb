//! Applying a JSON Patch (RFC 6902): all of it or nothing.

use std::sync::Arc;

use serde_json::{Number, Value};

use super::document::{Content, Node};
use super::{Document, MAX_DEPTH, MAX_NODES, Operation, Origin, Pointer, Write};
use crate::nearest::{did_you_mean, nearest, quoted};

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
    #[error("the list has {length} items, so there is no number {index}, from 0")]
    NoItem {
        /// The number.
        index: String,
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
    let mut next = document.clone();
    let mut room = Room::default();
    for (index, operation) in patch.iter().enumerate() {
        one(&mut next, operation, origin, &mut room).map_err(|(pointer, problem)| PatchError {
            index,
            operation: operation.name(),
            pointer: pointer.clone(),
            problem,
        })?;
    }
    *document = next;
    Ok(())
}

type Failure<'a> = (&'a Pointer, PatchProblem);

fn one<'a>(
    document: &mut Document,
    operation: &'a Operation,
    origin: Origin,
    room: &mut Room,
) -> Result<(), Failure<'a>> {
    match operation {
        Operation::Add { path, value } => {
            let node = Node::new(value.clone(), origin);
            room.check(document, path, &node).map_err(|problem| (path, problem))?;
            add(document, path, node, origin).map_err(|problem| (path, problem))
        }
        Operation::Copy { from, path } => {
            let mut node = find(&document.root, from).map_err(|problem| (from, problem))?.clone();
            room.check(document, path, &node).map_err(|problem| (path, problem))?;
            node.touch(origin);
            add(document, path, node, origin).map_err(|problem| (path, problem))
        }
        Operation::Move { from, path } => {
            // RFC 6902 section 4.4: from must not be a proper prefix of path
            if from.contains(path) {
                find(&document.root, from).map_err(|problem| (from, problem))?;
                return if from == path { Ok(()) } else { Err((path, PatchProblem::IntoItself)) };
            }
            let mut node = take(&mut document.root, from).map_err(|problem| (from, problem))?;
            document.removals.push(Write { origin, path: from.clone(), is_removal: true });
            room.check(document, path, &node).map_err(|problem| (path, problem))?;
            node.touch(origin);
            add(document, path, node, origin).map_err(|problem| (path, problem))
        }
        Operation::Remove { path } => {
            take(&mut document.root, path).map_err(|problem| (path, problem))?;
            document.removals.push(Write { origin, path: path.clone(), is_removal: true });
            Ok(())
        }
        Operation::Replace { path, value } => {
            find(&document.root, path).map_err(|problem| (path, problem))?;
            let new = Node::new(value.clone(), origin);
            room.check(document, path, &new).map_err(|problem| (path, problem))?;
            let node = walk_mut(&mut document.root, path.steps()).map_err(|problem| (path, problem))?;
            overwrite(node, value.clone(), origin);
            Ok(())
        }
        Operation::Test { path, value } => {
            let found = find(&document.root, path).map_err(|problem| (path, problem))?.to_value();
            if is_equal(&found, value) {
                return Ok(());
            }
            Err((path, PatchProblem::Test { found: short(&found), wanted: short(value) }))
        }
    }
}

fn add(document: &mut Document, path: &Pointer, node: Node, origin: Origin) -> Result<(), PatchProblem> {
    let Some((last, way)) = path.steps().split_last() else {
        document.root = node;
        return Ok(());
    };
    let parent = walk_mut(&mut document.root, way)?;
    match &mut parent.content {
        Content::Mapping(members) => {
            let node = match members.remove(&**last) {
                Some(old) => old.overwritten(node.to_value(), origin),
                None => node,
            };
            members.insert(last.to_string(), node);
        }
        Content::List(items) => {
            let index = if &**last == "-" { items.len() } else { index(last)? };
            if index > items.len() {
                return Err(PatchProblem::NoItem { index: last.to_string(), length: items.len() });
            }
            items.insert(index, node);
        }
        Content::Plain(value) => return Err(PatchProblem::NoParts { found: short(value) }),
    }
    Ok(())
}

/// Removes a part and gives it.
fn take(root: &mut Node, path: &Pointer) -> Result<Node, PatchProblem> {
    let (last, way) = path.steps().split_last().ok_or(PatchProblem::Root)?;
    let parent = walk_mut(root, way)?;
    match &mut parent.content {
        Content::Mapping(members) => members.remove(&**last).ok_or_else(|| no_member(last, members.keys())),
        Content::List(items) => {
            let index = index(last)?;
            if index >= items.len() {
                return Err(PatchProblem::NoItem { index: last.to_string(), length: items.len() });
            }
            Ok(items.remove(index))
        }
        Content::Plain(value) => Err(PatchProblem::NoParts { found: short(value) }),
    }
}

pub(super) fn overwrite(node: &mut Node, value: Value, origin: Origin) {
    let old = std::mem::replace(node, Node::new(Value::Null, origin));
    *node = old.overwritten(value, origin);
}

fn find<'a>(root: &'a Node, path: &Pointer) -> Result<&'a Node, PatchProblem> {
    path.steps().iter().try_fold(root, |node, step| match &node.content {
        Content::Mapping(members) => members.get(&**step).ok_or_else(|| no_member(step, members.keys())),
        Content::List(items) => {
            let no_item = || PatchProblem::NoItem { index: step.to_string(), length: items.len() };
            items.get(index(step)?).ok_or_else(no_item)
        }
        Content::Plain(value) => Err(PatchProblem::NoParts { found: short(value) }),
    })
}

fn walk_mut<'a>(root: &'a mut Node, steps: &[Arc<str>]) -> Result<&'a mut Node, PatchProblem> {
    steps.iter().try_fold(root, |node, step| match &mut node.content {
        Content::Mapping(members) => {
            if !members.contains_key(&**step) {
                return Err(no_member(step, members.keys()));
            }
            Ok(members.get_mut(&**step).expect("it was there a line above"))
        }
        Content::List(items) => {
            let length = items.len();
            let no_item = || PatchProblem::NoItem { index: step.to_string(), length };
            items.get_mut(index(step)?).ok_or_else(no_item)
        }
        Content::Plain(value) => Err(PatchProblem::NoParts { found: short(value) }),
    })
}

fn no_member<'a>(step: &str, keys: impl Iterator<Item = &'a String>) -> PatchProblem {
    let nearest = nearest(step, keys.map(String::as_str)).map(str::to_owned);
    PatchProblem::NoMember { step: step.to_owned(), nearest }
}

/// RFC 6901 section 4: digits, without leading zeros.
fn index(step: &str) -> Result<usize, PatchProblem> {
    let is_number = step.bytes().all(|byte| byte.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    let wrong = || PatchProblem::Index { step: step.to_owned() };
    if is_number { step.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

/// How many parts may still be added for certain, without counting those that are there each time.
#[derive(Default)]
struct Room(usize);

impl Room {
    /// Whether a part may be put at a place; what it replaces is not taken off until the room is used up.
    fn check(&mut self, document: &Document, path: &Pointer, node: &Node) -> Result<(), PatchProblem> {
        // what is there is within the limits, so only the new part can be too deep
        if path.steps().len() + node.depth() > MAX_DEPTH {
            return Err(PatchProblem::Deep);
        }
        let added = node.size();
        if added > self.0 {
            let replaced = find(&document.root, path).map_or(0, Node::size);
            self.0 = (MAX_NODES + replaced).saturating_sub(document.root.size());
        }
        self.0 = self.0.checked_sub(added).ok_or(PatchProblem::Large)?;
        Ok(())
    }
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

fn is_same_number(one: &Number, other: &Number) -> bool {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}

/// A value for a message.
fn short(value: &Value) -> String {
    quoted(&value.to_string())
}
