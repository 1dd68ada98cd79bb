//! Where each field of a YAML text stands.
//!
//! The text is read a second time into a tree of places, without knowing its
//! type; the reader's own `Spanned` gives the positions.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy, Options, Spanned};

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl From<&Location> for Place {
    fn from(location: &Location) -> Self {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: number(location.line()), column: number(location.column()) }
    }
}

/// A text's structure with places.
#[derive(Debug)]
pub(super) struct Tree {
    place: Place,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Scalar,
    List(Vec<Tree>),
    Mapping(Vec<Entry>),
}

#[derive(Debug)]
struct Entry {
    key: String,
    place: Place,
    value: Tree,
}

/// The way to a field, printed as `services[0].mtu`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way(String);

impl Way {
    /// The way to a field of the mapping at this one.
    pub(super) fn then(&self, key: &str) -> String {
        if self.0.is_empty() { key.to_owned() } else { format!("{}.{key}", self.0) }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tree {
    /// The structure of a text; `None` if it is no YAML.
    pub(super) fn read(text: &str, options: &Options) -> Option<Self> {
        let mut options = options.clone();
        // the place of the second is what a message about a duplicate needs
        options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
        // whatever is wrong with a value, it has a place
        options.no_schema = false;
        options.reject_unsupported_tags = false;
        options.non_finite_float_policy = NonFiniteFloatPolicy::AsString;
        let root: Spanned<Node> = serde_saphyr::from_str_with_options(text, options).ok()?;
        Some(root.into())
    }

    /// The fields at the top.
    pub(super) fn top_fields(&self) -> Vec<String> {
        match &self.node {
            Node::Mapping(entries) => entries.iter().map(|entry| entry.key.clone()).collect(),
            Node::List(_) | Node::Scalar => Vec::new(),
        }
    }

    /// Where the field at `path` stands, or else the nearest one above it.
    pub(super) fn place_of(&self, path: &str) -> Option<Place> {
        let (mut tree, mut rest) = (self, path);
        while let Some((inner, after)) = tree.step(rest) {
            (tree, rest) = (inner, after);
        }
        Some(tree.place)
    }

    /// One step along a path: what it leads to, and the rest of the path.
    fn step<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a Self, &'p str)> {
        let path = path.strip_prefix('.').unwrap_or(path);
        match &self.node {
            Node::Scalar => None,
            Node::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            Node::Mapping(entries) => {
                let fits = |entry: &&Entry| {
                    let rest = path.strip_prefix(entry.key.as_str());
                    !entry.key.is_empty()
                        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                // a key may hold dots itself, so the longest that fits is meant; of two the first, for a merge brings more
                let entry = entries.iter().rev().filter(fits).max_by_key(|entry| entry.key.len())?;
                Some((&entry.value, &path[entry.key.len()..]))
            }
        }
    }

    /// The mapping that begins at a place, or has a key there.
    pub(super) fn mapping_at(&self, place: Place) -> Option<Way> {
        let is_there = |tree: &Self| match &tree.node {
            Node::Mapping(entries) => tree.place == place || entries.iter().any(|entry| entry.place == place),
            Node::List(_) | Node::Scalar => false,
        };
        self.find(&Way::default(), &is_there, &|_| false)
    }

    /// The field whose value or key begins at a place.
    pub(super) fn field_at(&self, place: Place) -> Option<Way> {
        // a mapping begins where its first key does, so it is asked last
        let simple = |tree: &Self| tree.place == place && !matches!(tree.node, Node::Mapping(_));
        self.find(&Way::default(), &simple, &|entry| entry.place == place)
            .or_else(|| self.mapping_at(place))
            .filter(|way| !way.0.is_empty())
    }

    /// Where the key of another place stands first in the mapping that has it twice.
    pub(super) fn first_of(&self, second: Place) -> Option<Place> {
        match &self.node {
            Node::Scalar => None,
            Node::List(items) => items.iter().find_map(|item| item.first_of(second)),
            Node::Mapping(entries) => {
                let again = entries.iter().find(|entry| entry.place == second);
                let first = again.and_then(|again| entries.iter().find(|entry| entry.key == again.key));
                let first = first.map(|entry| entry.place);
                first.or_else(|| entries.iter().find_map(|entry| entry.value.first_of(second)))
            }
        }
    }

    /// Where the single value stands whose key does at a place.
    pub(super) fn value_after(&self, key: Place) -> Option<Place> {
        match &self.node {
            Node::Scalar => None,
            Node::List(items) => items.iter().find_map(|item| item.value_after(key)),
            Node::Mapping(entries) => entries.iter().find_map(|entry| match entry.value.node {
                Node::Scalar => (entry.place == key).then_some(entry.value.place),
                Node::List(_) | Node::Mapping(_) => entry.value.value_after(key),
            }),
        }
    }

    /// The first field in the order of the text of which either question is true.
    fn find(&self, way: &Way, value: &dyn Fn(&Self) -> bool, key: &dyn Fn(&Entry) -> bool) -> Option<Way> {
        if value(self) {
            return Some(way.clone());
        }
        match &self.node {
            Node::Scalar => None,
            Node::List(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| item.find(&Way(format!("{way}[{index}]")), value, key)),
            Node::Mapping(entries) => entries.iter().find_map(|entry| {
                let way = Way(way.then(&entry.key));
                if key(entry) { Some(way) } else { entry.value.find(&way, value, key) }
            }),
        }
    }
}

impl From<Spanned<Node>> for Tree {
    fn from(spanned: Spanned<Node>) -> Self {
        Self { place: Place::from(&spanned.referenced), node: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Node>>()? {
            list.push(item.into());
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut mapping = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value::<Spanned<Node>>()?.into();
            mapping.push(Entry { place: Place::from(&key.referenced), key: key.value, value });
        }
        Ok(Node::Mapping(mapping))
    }
}
