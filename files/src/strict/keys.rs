//! The keys of mappings in a value of any type, such as an object of somebody else's API.
//!
//! An API server reads YAML as JSON, in which every key is a text, so that people write
//! `portLevelMtls: { 8080: ... }` as Istio's documents do. So a whole number and a truth value are the
//! text that the server makes of them here: `8080`, `true`. What else stands as a key is refused, each
//! with the form to write: of a number with a fraction a server makes a text with other digits than were
//! written, and nothing at all it refuses itself. Two keys that become one are told, however they are
//! written; but what is explicit holds over what a merge (`<<`) brings, as it does where both are of one type
//! ([`Again`]). In our own types a key is a text as everywhere, and a number asks for quotes.
//!
//! YAML is 1.2 here as for values: `on`, `012` and `1_000` are texts as they stand, of which a server with
//! an older YAML makes others; quotes say the same to both.
//!
//! Source: kubernetes-sigs/yaml, `convertToJSONableObject`.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};

use super::Strict;

/// What becomes of a key that is in the mapping already: of two, one is a number or a truth value and one its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It is told, for nobody knows which of the two is meant.
    Refused,
    /// It is left out with its value, for a merge brought it: all that is explicit is different, and comes first.
    LeftOut,
}

/// The entries of a mapping of any type.
pub(super) struct Entries<A> {
    inner: A,
    again: Again,
    /// The keys that are, or could be, what a number or a truth value became.
    made: BTreeSet<String>,
}

impl<A> Entries<A> {
    pub(super) const fn new(inner: A, again: Again) -> Self {
        Self { inner, again, made: BTreeSet::new() }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        loop {
            let key = Key { again: self.again, made: &mut self.made };
            match self.inner.next_key_seed(key)? {
                None => return Ok(None),
                Some(Some(text)) => return seed.deserialize(text.into_deserializer()).map(Some),
                Some(None) => _ = self.inner.next_value::<IgnoredAny>()?,
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Strict(seed, self.again))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// What reads a key, whatever stands there, as a text; as nothing, if it is to be left out.
struct Key<'k> {
    again: Again,
    made: &'k mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Key<'_> {
    /// A key that a number or a truth value became, or could become.
    fn made<E: Error>(self, key: String) -> Result<Option<String>, E> {
        let is_new = self.made.insert(key.clone());
        match self.again {
            _ if is_new => Ok(Some(key)),
            Again::Refused => Err(twice(&key)),
            Again::LeftOut => Ok(None),
        }
    }
}

fn twice<E: Error>(key: &str) -> E {
    E::custom(format_args!("`{key}` is already given in this mapping; remove one of the two"))
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<Option<String>, E> {
        self.made(key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<Option<String>, E> {
        self.made(key.to_string())
    }

    fn visit_i128<E: Error>(self, key: i128) -> Result<Option<String>, E> {
        self.made(key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<Option<String>, E> {
        self.made(key.to_string())
    }

    fn visit_u128<E: Error>(self, key: u128) -> Result<Option<String>, E> {
        self.made(key.to_string())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Option<String>, E> {
        Err(E::custom(
            "a key is a text, and of this number servers make one with other digits; write it in quotes",
        ))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<String>, E> {
        self.visit_string(key.to_owned())
    }

    fn visit_string<E: Error>(self, key: String) -> Result<Option<String>, E> {
        let could_be_made = ["true", "false"].contains(&&*key) || key.parse::<i128>().is_ok();
        if could_be_made { self.made(key) } else { Ok(Some(key)) }
    }

    fn visit_none<E: Error>(self) -> Result<Option<String>, E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<Option<String>, E> {
        Err(E::custom("a key is a text, and nothing is none; write one, `null` in quotes"))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}
