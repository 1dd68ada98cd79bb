//! A JSON document of which each part remembers who wrote it.
//!
//! The idea: where a field's value came from is not worked out afterwards from
//! paths, which shift when an item is removed, but travels with the value. Each
//! part has the list of its writers, first to last; overwriting a part keeps
//! the list of what was there. So a trace says the final path of each field and
//! every write that it had, in order of application. The value lies as it is
//! beside its [`History`], so that it can be read without being made anew.

use serde_json::Value;

use super::Pointer;
use super::history::{History, View, Writers};

/// Who wrote: a number that the owner gives, rising in order of application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u32);

/// One write of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Who wrote.
    pub origin: Origin,
    /// The field: where it is now, or, if it was removed, where it was then. Where an item of a list has come
    /// to that place since, which was not removed, `-` stands for the position: `/ports/-`.
    pub path: Pointer,
    /// Whether the field was removed.
    pub is_removal: bool,
}

/// A JSON document with its history.
///
/// ```
/// use mesh_model::patch::{Document, Operation, Origin, apply};
/// use serde_json::json;
///
/// let mut document = Document::new(json!({ "ports": [80, 443] }), Origin(0));
/// let patch = Operation::from_value(&json!({ "op": "remove", "path": "/ports/0" }))?;
/// apply(&mut document, &[patch], Origin(1))?;
/// assert_eq!(*document.value(), json!({ "ports": [443] }));
/// let writes: Vec<_> = document.writes().map(|write| (write.origin.0, write.path.to_string())).collect();
/// assert_eq!(writes, [(0, "/ports/0".to_owned()), (1, "/ports/-".to_owned())], "443 is the template's");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Value,
    pub(super) history: History,
    pub(super) removals: Vec<Write>,
    /// How many parts it has, itself included: counted once, then kept.
    pub(super) parts: usize,
}

impl Document {
    /// A document that `origin` wrote.
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        let parts = size(&value);
        Self { root: value, history: History::new(Writers::only(origin)), removals: Vec::new(), parts }
    }

    /// The document without its history.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.root
    }

    /// The document without its history, to keep.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.root
    }

    /// Every write of every field that is there or was removed, in order of
    /// application and then of the document. The last of a path is the one that holds.
    pub fn writes(&self) -> impl Iterator<Item = Write> {
        let mut writes = self.writes_as_they_lie();
        // stable: within one writer the order of the document stays
        writes.sort_by_key(|write| write.origin);
        writes.into_iter()
    }

    /// The same writes in the order of the document; removals last, but for those of what was written again.
    pub(crate) fn writes_as_they_lie(&self) -> Vec<Write> {
        let mut writes = Vec::with_capacity(self.parts + self.removals.len());
        let (again, mut gone) = (&mut writes, Vec::new());
        for removal in &self.removals {
            match self.since(removal) {
                Since::Nothing => gone.push(removal.clone()),
                Since::Moved(path) => gone.push(Write { path, ..removal.clone() }),
                Since::Written => again.push(removal.clone()),
            }
        }
        collect(&self.root, self.history.view(), &mut Pointer::default(), &mut writes);
        writes.extend(gone);
        writes
    }

    /// What is now where something was removed.
    fn since(&self, removal: &Write) -> Since {
        let (mut value, mut view) = (&self.root, self.history.view());
        let mut list = None;
        for (position, step) in removal.path.steps().iter().enumerate() {
            let next = match value {
                Value::Array(items) => step.parse().ok().and_then(|index: usize| {
                    list = Some(position);
                    Some((items.get(index)?, view.item(index)))
                }),
                Value::Object(members) => members.get(&**step).map(|member| (member, view.member(step))),
                _ => None,
            };
            let Some(next) = next else { return Since::Nothing };
            (value, view) = next;
        }
        let is_older = view.own().iter().last().is_some_and(|writer| writer < removal.origin);
        match list.filter(|_| is_older) {
            Some(list) => {
                let steps = removal.path.steps().iter().enumerate();
                Since::Moved(steps.fold(Pointer::default(), |path, (position, step)| {
                    path.then(if position == list { "-" } else { step })
                }))
            }
            None if is_older => Since::Nothing,
            None => Since::Written,
        }
    }
}

/// What is where something was removed.
enum Since {
    /// Nothing.
    Nothing,
    /// What was elsewhere in a list; how the removed one is called then.
    Moved(Pointer),
    /// Something that the same writer put there, or a later one.
    Written,
}

/// Equal documents have equal values and the same writers of each part, and had the same removed.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
            && self.removals == other.removals
            && self.history.view().is_same(other.history.view(), &self.root)
    }
}

/// The writes of all fields; an empty list or mapping is a field, too.
fn collect(value: &Value, history: View<'_>, at: &mut Pointer, writes: &mut Vec<Write>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                at.push(&index.to_string());
                collect(item, history.item(index), at, writes);
                at.pop();
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                at.push(key);
                collect(member, history.member(key), at, writes);
                at.pop();
            }
        }
        _ => writes.extend(history.own().iter().map(|origin| Write {
            origin,
            path: at.clone(),
            is_removal: false,
        })),
    }
}

/// How many parts a value has, itself included.
pub(super) fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

/// How many levels a value has, 1 for a plain one.
pub(super) fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
