//! A JSON document of which each part remembers who wrote it.
//!
//! The idea: where a field's value came from is not worked out afterwards from
//! paths, which shift when an item is removed, but travels with the value. Each
//! part has the list of its writers, first to last; overwriting a part keeps
//! the list of what was there. So a trace says the final path of each field and
//! every write that it had, in order of application.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Pointer;

/// Who wrote: a number that the owner gives, rising in order of application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u32);

/// One write of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Who wrote.
    pub origin: Origin,
    /// The field: where it is now, or, if it was removed, where it was then.
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
/// assert_eq!(document.to_value(), json!({ "ports": [443] }));
/// let writes: Vec<_> = document.writes().map(|write| (write.origin.0, write.path.to_string())).collect();
/// assert_eq!(writes, [(0, "/ports/0".to_owned()), (1, "/ports/0".to_owned())], "443 is the template's");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(super) root: Node,
    pub(super) removals: Vec<Write>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) content: Content,
    /// The first writer.
    first: Origin,
    /// The writers after the first.
    later: Vec<Origin>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// Null, a truth value, a number or a text.
    Plain(Value),
    List(Vec<Node>),
    Mapping(BTreeMap<String, Node>),
}

impl Document {
    /// A document that `origin` wrote.
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { root: Node::new(value, origin), removals: Vec::new() }
    }

    /// The document without its history.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.root.to_value()
    }

    /// Every write of every field that is there or was removed, in order of
    /// application and then of the document. The last of a path is the one that holds.
    pub fn writes(&self) -> impl Iterator<Item = Write> {
        let mut writes = Vec::new();
        self.root.collect(&mut Pointer::default(), &mut writes);
        writes.extend(self.removals.iter().cloned());
        // stable: within one writer the order of the document stays
        writes.sort_by_key(|write| write.origin);
        writes.into_iter()
    }

    /// What is at a pointer.
    pub(crate) fn get(&self, pointer: &[&str]) -> Option<Value> {
        let mut node = &self.root;
        for step in pointer {
            let Content::Mapping(members) = &node.content else { return None };
            node = members.get(*step)?;
        }
        Some(node.to_value())
    }

    /// Sets a member of nested mappings, which are made where they are missing;
    /// what is in their place and no mapping is replaced.
    pub(crate) fn set(&mut self, pointer: &[&str], value: Value, origin: Origin) {
        let Some((last, way)) = pointer.split_last() else { return };
        let mut node = &mut self.root;
        for step in way {
            let empty = || Node::new(Value::Object(serde_json::Map::new()), origin);
            node = node.members_mut(origin).entry((*step).to_owned()).or_insert_with(empty);
        }
        let members = node.members_mut(origin);
        let node = match members.remove(*last) {
            Some(old) => old.overwritten(value, origin),
            None => Node::new(value, origin),
        };
        members.insert((*last).to_owned(), node);
    }
}

impl Node {
    pub(super) fn new(value: Value, origin: Origin) -> Self {
        let content = match value {
            Value::Array(items) => {
                Content::List(items.into_iter().map(|item| Self::new(item, origin)).collect())
            }
            Value::Object(members) => {
                let member = |(key, value)| (key, Self::new(value, origin));
                Content::Mapping(members.into_iter().map(member).collect())
            }
            plain => Content::Plain(plain),
        };
        Self { content, first: origin, later: Vec::new() }
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Plain(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Content::Mapping(members) => {
                Value::Object(members.iter().map(|(key, member)| (key.clone(), member.to_value())).collect())
            }
        }
    }

    /// This part with another value; what has the same place inside keeps its writers.
    pub(super) fn overwritten(self, value: Value, origin: Origin) -> Self {
        let mut later = self.later;
        later.push(origin);
        let content = match (self.content, value) {
            (Content::List(old), Value::Array(new)) => {
                let mut old = old.into_iter();
                let item = |value| match old.next() {
                    Some(old) => old.overwritten(value, origin),
                    None => Self::new(value, origin),
                };
                Content::List(new.into_iter().map(item).collect())
            }
            (Content::Mapping(mut old), Value::Object(new)) => {
                let member = |(key, value)| {
                    let node = match old.remove(&key) {
                        Some(old) => old.overwritten(value, origin),
                        None => Self::new(value, origin),
                    };
                    (key, node)
                };
                Content::Mapping(new.into_iter().map(member).collect())
            }
            (_, value) => return Self { first: self.first, later, ..Self::new(value, origin) },
        };
        Self { content, first: self.first, later }
    }

    /// Notes that `origin` brought this part here, with all that is in it.
    pub(super) fn touch(&mut self, origin: Origin) {
        self.later.push(origin);
        match &mut self.content {
            Content::Plain(_) => {}
            Content::List(items) => items.iter_mut().for_each(|item| item.touch(origin)),
            Content::Mapping(members) => members.values_mut().for_each(|member| member.touch(origin)),
        }
    }

    /// The members of a mapping; what is none becomes an empty one.
    pub(super) fn members_mut(&mut self, origin: Origin) -> &mut BTreeMap<String, Self> {
        if !matches!(self.content, Content::Mapping(_)) {
            self.content = Content::Mapping(BTreeMap::new());
            self.later.push(origin);
        }
        match &mut self.content {
            Content::Mapping(members) => members,
            Content::List(_) | Content::Plain(_) => unreachable!("it was made a mapping above"),
        }
    }

    /// How many parts it has, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match &self.content {
            Content::Plain(_) => 0,
            Content::List(items) => items.iter().map(Self::size).sum(),
            Content::Mapping(members) => members.values().map(Self::size).sum(),
        }
    }

    /// How many levels it has, 1 for a plain value.
    pub(super) fn depth(&self) -> usize {
        1 + match &self.content {
            Content::Plain(_) => 0,
            Content::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Content::Mapping(members) => members.values().map(Self::depth).max().unwrap_or(0),
        }
    }

    /// The writes of all fields; an empty list or mapping is a field, too.
    fn collect(&self, at: &mut Pointer, writes: &mut Vec<Write>) {
        let mut is_field = false;
        match &self.content {
            Content::Plain(_) => is_field = true,
            Content::List(items) => {
                is_field = items.is_empty();
                for (index, item) in items.iter().enumerate() {
                    at.push(&index.to_string());
                    item.collect(at, writes);
                    at.pop();
                }
            }
            Content::Mapping(members) => {
                is_field = is_field || members.is_empty();
                for (key, member) in members {
                    at.push(key);
                    member.collect(at, writes);
                    at.pop();
                }
            }
        }
        if is_field {
            let origins = std::iter::once(self.first).chain(self.later.iter().copied());
            writes.extend(origins.map(|origin| Write { origin, path: at.clone(), is_removal: false }));
        }
    }
}
