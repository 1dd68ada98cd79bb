//! Who wrote the parts of a document, kept beside it.
//!
//! The idea: of a large document few parts have a history of their own. A
//! [`History`] says who wrote a part, who wrote all that is in it, and then the
//! exceptions, which are histories again. So a document that one author wrote
//! has one history however large it is, and a patch adds to it what the patch
//! itself is large. Exceptions follow their parts: who inserts or removes an
//! item here as there keeps the others' writers at their items.
//!
//! What the parts are is not known here: the caller goes through the value and
//! its history together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Origin;

/// Who wrote one part, the first first; copies share it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Writers(Arc<[Origin]>);

/// Who wrote a part and what is in it.
#[derive(Clone, Debug)]
pub(super) struct History {
    own: Writers,
    /// Of all that is in it, but for the exceptions.
    inside: Writers,
    exceptions: Exceptions,
}

/// The parts that have a history of their own.
#[derive(Clone, Debug)]
enum Exceptions {
    None,
    /// Of a list, in order.
    Items(Vec<(usize, History)>),
    /// Of a mapping.
    Members(BTreeMap<Arc<str>, History>),
}

/// The history of a part as seen from around it: it may have none of its own.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    /// All of it has these writers.
    Plain(&'a Writers),
    Own(&'a History),
}

impl Writers {
    pub(super) fn only(origin: Origin) -> Self {
        Self(Arc::new([origin]))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Origin> {
        self.0.iter().copied()
    }

    fn then(&self, origin: Origin) -> Self {
        Self(self.iter().chain([origin]).collect())
    }
}

impl History {
    /// Of what was written at once, with all that is in it.
    pub(super) fn new(writers: Writers) -> Self {
        Self { own: writers.clone(), inside: writers, exceptions: Exceptions::None }
    }

    pub(super) const fn view(&self) -> View<'_> {
        View::Own(self)
    }

    /// Notes that `origin` put an empty part in the place of this one.
    pub(super) fn clear(&mut self, origin: Origin) {
        *self = Self { own: self.own.then(origin), ..Self::new(Writers::only(origin)) };
    }

    /// Notes that `origin` brought this part here, with all that is in it.
    pub(super) fn touch(&mut self, origin: Origin) {
        self.own = self.own.then(origin);
        self.inside = self.inside.then(origin);
        match &mut self.exceptions {
            Exceptions::None => {}
            Exceptions::Items(items) => items.iter_mut().for_each(|(_, item)| item.touch(origin)),
            Exceptions::Members(members) => members.values_mut().for_each(|member| member.touch(origin)),
        }
    }

    /// The history of a member, its own from now on.
    pub(super) fn member_mut(&mut self, key: impl Into<Arc<str>>) -> &mut Self {
        let (members, inside) = self.members_mut();
        members.entry(key.into()).or_insert_with(|| Self::new(inside.clone()))
    }

    pub(super) fn set_member(&mut self, key: impl Into<Arc<str>>, history: Self) {
        self.members_mut().0.insert(key.into(), history);
    }

    /// What is known of a member that goes away.
    pub(super) fn take_member(&mut self, key: &str) -> Self {
        let own = match &mut self.exceptions {
            Exceptions::Members(members) => members.remove(key),
            Exceptions::Items(_) | Exceptions::None => None,
        };
        own.unwrap_or_else(|| Self::new(self.inside.clone()))
    }

    /// The history of an item, its own from now on.
    pub(super) fn item_mut(&mut self, index: usize) -> &mut Self {
        let (items, inside) = self.items_mut();
        let position = match items.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(position) => position,
            Err(position) => {
                items.insert(position, (index, Self::new(inside.clone())));
                position
            }
        };
        &mut items[position].1
    }

    /// The history of an item that is put in before the one of this number.
    pub(super) fn insert_item(&mut self, index: usize, history: Self) {
        let (items, _) = self.items_mut();
        let position = items.partition_point(|(other, _)| *other < index);
        items[position..].iter_mut().for_each(|(index, _)| *index += 1);
        items.insert(position, (index, history));
    }

    /// What is known of an item that goes away.
    pub(super) fn take_item(&mut self, index: usize) -> Self {
        let Exceptions::Items(items) = &mut self.exceptions else { return Self::new(self.inside.clone()) };
        let position = items.partition_point(|(other, _)| *other < index);
        let own = items.get(position).is_some_and(|(other, _)| *other == index);
        let own = own.then(|| items.remove(position).1);
        items[position..].iter_mut().for_each(|(index, _)| *index -= 1);
        own.unwrap_or_else(|| Self::new(self.inside.clone()))
    }

    fn members_mut(&mut self) -> (&mut BTreeMap<Arc<str>, Self>, &Writers) {
        if !matches!(self.exceptions, Exceptions::Members(_)) {
            self.exceptions = Exceptions::Members(BTreeMap::new());
        }
        match &mut self.exceptions {
            Exceptions::Members(members) => (members, &self.inside),
            Exceptions::Items(_) | Exceptions::None => unreachable!("they were made members above"),
        }
    }

    fn items_mut(&mut self) -> (&mut Vec<(usize, Self)>, &Writers) {
        if !matches!(self.exceptions, Exceptions::Items(_)) {
            self.exceptions = Exceptions::Items(Vec::new());
        }
        match &mut self.exceptions {
            Exceptions::Items(items) => (items, &self.inside),
            Exceptions::Members(_) | Exceptions::None => unreachable!("they were made items above"),
        }
    }
}

impl<'a> View<'a> {
    /// Who wrote the part itself.
    pub(super) const fn own(self) -> &'a Writers {
        match self {
            Self::Plain(writers) => writers,
            Self::Own(history) => &history.own,
        }
    }

    pub(super) fn member(self, key: &str) -> Self {
        match self {
            Self::Own(History { exceptions: Exceptions::Members(members), inside, .. }) => {
                members.get(key).map_or(Self::Plain(inside), Self::Own)
            }
            other => Self::Plain(other.inside()),
        }
    }

    pub(super) fn item(self, index: usize) -> Self {
        match self {
            Self::Own(History { exceptions: Exceptions::Items(items), inside, .. }) => {
                let position = items.binary_search_by_key(&index, |(index, _)| *index);
                position.map_or(Self::Plain(inside), |position| Self::Own(&items[position].1))
            }
            other => Self::Plain(other.inside()),
        }
    }

    const fn inside(self) -> &'a Writers {
        match self {
            Self::Plain(writers) => writers,
            Self::Own(history) => &history.inside,
        }
    }

    /// The history of a part that `origin`, alone in `only`, overwrites; what has the same place inside
    /// before and after keeps its writers.
    pub(super) fn overwritten(self, old: &Value, new: &Value, origin: Origin, only: &Writers) -> History {
        let exceptions = match (old, new) {
            (Value::Array(old), Value::Array(new)) => {
                let both = old.iter().zip(new).enumerate();
                let item =
                    |(index, (old, new))| (index, self.item(index).overwritten(old, new, origin, only));
                Exceptions::Items(both.map(item).collect())
            }
            (Value::Object(old), Value::Object(new)) => {
                let member = |(key, new): (&String, &Value)| {
                    let history = self.member(key).overwritten(old.get(key)?, new, origin, only);
                    Some((Arc::from(key.as_str()), history))
                };
                Exceptions::Members(new.iter().filter_map(member).collect())
            }
            _ => Exceptions::None,
        };
        History { own: self.own().then(origin), inside: only.clone(), exceptions }
    }

    /// Whether two histories say the same of all parts of a value, however they say it.
    pub(super) fn is_same(self, other: Self, value: &Value) -> bool {
        self.own() == other.own()
            && match value {
                Value::Array(items) => {
                    let mut items = items.iter().enumerate();
                    items.all(|(index, item)| self.item(index).is_same(other.item(index), item))
                }
                Value::Object(members) => {
                    members.iter().all(|(key, member)| self.member(key).is_same(other.member(key), member))
                }
                _ => true,
            }
    }
}
