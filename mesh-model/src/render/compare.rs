//! What a change would alter, target by target, and what it is called.
//!
//! A [`Revision`] is the SHA-256 of what an author wrote, of rendered objects or of a difference:
//! approvals are bound to it, so two that look alike must not be found on
//! purpose. Objects are compared by kind and name; moving one in the list of
//! templates is no change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{RenderError, Rendering};
use crate::name::Name;
use crate::patch::{Operation, diff};
use crate::units::text_value;

/// The name of what an author wrote, of a set of rendered objects or of a difference: 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub [u8; 32]);

/// What differs between two renderings of an access point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What an approval of exactly this is bound to.
    pub hash: Revision,
    /// The targets that something differs on, by name.
    pub targets: Vec<TargetDifference>,
}

/// What differs on one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetDifference {
    /// The target.
    pub target: Name,
    /// Objects that are new there: `Kind/name`.
    pub added: Vec<String>,
    /// Objects that are no longer there.
    pub removed: Vec<String>,
    /// Objects that differ.
    pub changed: Vec<Change>,
    /// Why the new cannot be rendered, where the old could be or failed otherwise; nothing is written to
    /// the target then, so nothing else is said of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<RenderError>,
}

/// What differs in one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// `Kind/name`.
    pub object: String,
    /// What makes the old into the new.
    pub patch: Vec<Operation>,
}

impl Revision {
    /// The name of rendered targets, whatever their order: another one when a target joins or leaves, so a
    /// rollout is given that of the access point ([`Revision::of_access_point`]). A target that cannot be rendered is not one
    /// without objects: its errors count.
    #[must_use]
    pub fn of(renderings: &[Rendering]) -> Self {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Content<'a> {
            Errors(&'a [RenderError]),
            Objects(BTreeMap<String, &'a Value>),
        }
        fn content(rendering: &Rendering) -> Content<'_> {
            if rendering.errors.is_empty() {
                Content::Objects(by_reference(rendering))
            } else {
                Content::Errors(&rendering.errors)
            }
        }
        let targets: BTreeMap<&str, Content<'_>> =
            renderings.iter().map(|rendering| (rendering.target.as_str(), content(rendering))).collect();
        Self::of_json(&targets)
    }

    /// The hash of a value's JSON; mappings are ordered, so equal values have one.
    pub(crate) fn of_json(value: &impl Serialize) -> Self {
        let json = serde_json::to_vec(value).expect("our own values have a form in JSON");
        Self(Sha256::digest(&json).into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is no revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write 64 lower-case hexadecimal digits, as `diff` prints them")]
pub struct ParseRevisionError;

impl FromStr for Revision {
    type Err = ParseRevisionError;

    fn from_str(text: &str) -> Result<Self, ParseRevisionError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: Option<Vec<u8>> = text.bytes().map(digit).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(ParseRevisionError)?;
        Ok(Self(std::array::from_fn(|byte| digits[2 * byte] << 4 | digits[2 * byte + 1])))
    }
}

text_value!(Revision, "revision", "^[0-9a-f]{64}$", "A SHA-256 in hexadecimal.");

/// What differs between two renderings, whatever the order of their targets and objects.
#[must_use]
pub fn compare(old: &[Rendering], new: &[Rendering]) -> Difference {
    fn by_target(all: &[Rendering]) -> BTreeMap<&Name, &Rendering> {
        all.iter().map(|rendering| (&rendering.target, rendering)).collect()
    }
    fn objects<'a>(all: &BTreeMap<&Name, &'a Rendering>, name: &Name) -> BTreeMap<String, &'a Value> {
        all.get(name).map(|rendering| by_reference(rendering)).unwrap_or_default()
    }
    let (old, new) = (by_target(old), by_target(new));
    let names: BTreeSet<&Name> = old.keys().chain(new.keys()).copied().collect();
    let target = |name: &Name| {
        if let Some(failed) = new.get(name).filter(|rendering| !rendering.errors.is_empty()) {
            // what failed in the same way before is no difference
            let is_new = old.get(name).is_none_or(|rendering| rendering.errors != failed.errors);
            return is_new.then(|| TargetDifference {
                target: name.clone(),
                added: Vec::new(),
                removed: Vec::new(),
                changed: Vec::new(),
                errors: failed.errors.clone(),
            });
        }
        compare_target(name, &objects(&old, name), &objects(&new, name))
    };
    let targets: Vec<TargetDifference> = names.into_iter().filter_map(target).collect();
    Difference { hash: Revision::of_json(&targets), targets }
}

fn compare_target(
    name: &Name,
    old: &BTreeMap<String, &Value>,
    new: &BTreeMap<String, &Value>,
) -> Option<TargetDifference> {
    let missing = |from: &BTreeMap<String, &Value>, of: &BTreeMap<String, &Value>| -> Vec<String> {
        of.keys().filter(|reference| !from.contains_key(*reference)).cloned().collect()
    };
    let change = |(reference, new): (&String, &&Value)| {
        let patch = diff(old.get(reference)?, new);
        (!patch.is_empty()).then(|| Change { object: reference.clone(), patch })
    };
    let found = TargetDifference {
        target: name.clone(),
        added: missing(old, new),
        removed: missing(new, old),
        changed: new.iter().filter_map(change).collect(),
        errors: Vec::new(),
    };
    let is_same = found.added.is_empty() && found.removed.is_empty() && found.changed.is_empty();
    (!is_same).then_some(found)
}

fn by_reference(rendering: &Rendering) -> BTreeMap<String, &Value> {
    let text = |object: &Value, pointer: &str| {
        object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let reference = |object: &Value| format!("{}/{}", text(object, "/kind"), text(object, "/metadata/name"));
    rendering.objects.iter().map(|object| (reference(object), object)).collect()
}
