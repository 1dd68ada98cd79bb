//! What merges (`<<`) bring that a mapping has already.
//!
//! YAML gives a mapping what it has not of its own, and takes keys of two types for two: `8080` and
//! `"8080"`. In a value of any type both become one text, after the reader merged. Which of two was merged
//! it tells nobody; but it gives what is explicit first. So the text is read once more with merges left as
//! they stand: if all of its keys are different then, a second one can only come from a merge.
//!
//! Source: the merge key of YAML 1.1, <https://yaml.org/type/merge.html>.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Options};

use crate::read_with;
use crate::strict::Again;

/// What is to become of a second key, in a text that is to be read with these options.
pub(super) fn again(text: &str, options: &Options) -> Again {
    if !text.contains("<<") {
        return Again::Refused;
    }
    let mut unmerged = options.clone();
    unmerged.merge_keys = MergeKeyPolicy::AsOrdinary;
    // a mapping may have several merges
    unmerged.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    let read = read_with::<Anything>(text, unmerged, Again::Refused);
    read.map_or(Again::Refused, |_| Again::LeftOut)
}

/// A value of any type all the way down, of which nothing is kept.
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

/// Methods that take a scalar.
macro_rules! scalars {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method<E: Error>(self, _: $type) -> Result<Self, E> {
            Ok(self)
        })*
    };
}

impl<'de> Visitor<'de> for Anything {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars!(
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_str: &str,
        visit_bytes: &[u8],
    );

    fn visit_none<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while let Some(Self) = items.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while let Some((Self, Self)) = entries.next_entry()? {}
        Ok(self)
    }
}
