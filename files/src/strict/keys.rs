//! The keys of mappings in a value of any type, such as an object of somebody else's API.
//!
//! An API server reads YAML as JSON, in which every key is a text, so that people write
//! `portLevelMtls: { 8080: ... }` as Istio's documents do. So a whole number and a truth value are the
//! text that the server makes of them here: `8080`, `true`. What else stands as a key is refused, each
//! with the form to write: of a number with a fraction a server makes a text with other digits than were
//! written, and nothing at all it refuses itself. Two keys that become one are told, however they are
//! written. In our own types a key is a text as everywhere, and a number asks for quotes.
//!
//! YAML is 1.2 here as for values: `on`, `012` and `1_000` are texts as they stand, of which a server with
//! an older YAML makes others; quotes say the same to both.
//!
//! Source: kubernetes-sigs/yaml, `convertToJSONableObject`.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Strict;

/// The entries of a mapping of any type.
pub(super) struct Entries<A> {
    inner: A,
    /// The keys that are, or could be, what a number or a truth value became.
    made: BTreeSet<String>,
}

impl<A> Entries<A> {
    pub(super) const fn new(inner: A) -> Self {
        Self { inner, made: BTreeSet::new() }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(Key { inner: seed, made: &mut self.made })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// A key's seed, deserializer or visitor.
struct Key<'k, T> {
    inner: T,
    made: &'k mut BTreeSet<String>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Key { inner: deserializer, made: self.made })
    }
}

/// Whatever is asked for, what stands there is told.
impl<'de, D: Deserializer<'de>> Deserializer<'de> for Key<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Key { inner: visitor, made: self.made })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Key<'_, V> {
    /// A key that is written as another type than a text.
    fn made<E: Error>(self, key: String) -> Result<V::Value, E> {
        if !self.made.insert(key.clone()) {
            return Err(twice(&key));
        }
        self.inner.visit_string(key)
    }

    /// Takes note of a text that a number or a truth value could become.
    fn note<E: Error>(&mut self, key: &str) -> Result<(), E> {
        let could_be_made = ["true", "false"].contains(&key) || key.parse::<i128>().is_ok();
        if could_be_made && !self.made.insert(key.to_owned()) {
            return Err(twice(key));
        }
        Ok(())
    }
}

fn twice<E: Error>(key: &str) -> E {
    E::custom(format_args!("`{key}` is already given in this mapping; remove one of the two"))
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Key<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<V::Value, E> {
        self.made(key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<V::Value, E> {
        self.made(key.to_string())
    }

    fn visit_i128<E: Error>(self, key: i128) -> Result<V::Value, E> {
        self.made(key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<V::Value, E> {
        self.made(key.to_string())
    }

    fn visit_u128<E: Error>(self, key: u128) -> Result<V::Value, E> {
        self.made(key.to_string())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<V::Value, E> {
        Err(E::custom(
            "a key is a text, and of this number servers make one with other digits; write it in quotes",
        ))
    }

    fn visit_str<E: Error>(mut self, key: &str) -> Result<V::Value, E> {
        self.note(key)?;
        self.inner.visit_str(key)
    }

    fn visit_borrowed_str<E: Error>(mut self, key: &'de str) -> Result<V::Value, E> {
        self.note(key)?;
        self.inner.visit_borrowed_str(key)
    }

    fn visit_string<E: Error>(mut self, key: String) -> Result<V::Value, E> {
        self.note(&key)?;
        self.inner.visit_string(key)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        Err(E::custom("a key is a text, and nothing is none; write one, `null` in quotes"))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}
