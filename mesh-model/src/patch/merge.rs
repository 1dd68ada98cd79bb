//! Merge patches (RFC 7396): a document-shaped change, null removes, lists are replaced.

use serde_json::{Map, Value};

use super::document::size;
use super::history::{History, Writers};
use super::undo::overwrite;
use super::{Document, Origin, Write};

/// Applies a merge patch for `origin`; every value is one, so it cannot fail.
///
/// ```
/// use mesh_model::patch::{Document, Origin, merge};
/// use serde_json::json;
///
/// let mut document = Document::new(json!({ "a": 1, "b": { "c": 2, "d": 3 } }), Origin(0));
/// merge(&mut document, &json!({ "a": null, "b": { "c": 4 } }), Origin(1));
/// assert_eq!(*document.value(), json!({ "b": { "c": 4, "d": 3 } }));
/// ```
pub fn merge(document: &mut Document, patch: &Value, origin: Origin) {
    let Document { root, history, removals, parts } = document;
    let mut merging = Merging { origin, only: Writers::only(origin), removals, parts, at: Vec::new() };
    merging.apply(root, history, patch);
}

/// A merge patch on its way.
struct Merging<'d, 'p> {
    origin: Origin,
    /// Of what nobody wrote before.
    only: Writers,
    removals: &'d mut Vec<Write>,
    parts: &'d mut usize,
    at: Vec<&'p str>,
}

impl<'p> Merging<'_, 'p> {
    fn apply(&mut self, part: &mut Value, history: &mut History, patch: &'p Value) {
        let Value::Object(changes) = patch else {
            let was = overwrite(part, history, patch.clone(), self.origin, &self.only);
            *self.parts = *self.parts - size(&was.value) + size(patch);
            return;
        };
        let members = match part {
            Value::Object(members) => members,
            other => {
                *self.parts -= size(other) - 1;
                history.clear(self.origin);
                *other = Value::Object(Map::new());
                other.as_object_mut().expect("it was made one a line above")
            }
        };
        for (key, change) in changes {
            self.at.push(key);
            if change.is_null() {
                if let Some(removed) = members.remove(key) {
                    *self.parts -= size(&removed);
                    history.take_member(key);
                    let path = self.at.iter().collect();
                    self.removals.push(Write { origin: self.origin, path, is_removal: true });
                }
            } else if let Some(member) = members.get_mut(key) {
                self.apply(member, history.member_mut(key.as_str()), change);
            } else {
                let member = without_nulls(change);
                *self.parts += size(&member);
                members.insert(key.clone(), member);
                history.set_member(key.as_str(), History::new(self.only.clone()));
            }
            self.at.pop();
        }
    }
}

/// RFC 7396 section 2: a missing member is merged into as if it were empty, which drops nulls.
fn without_nulls(patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let changes = changes.iter().filter(|(_, change)| !change.is_null());
    Value::Object(changes.map(|(key, change)| (key.clone(), without_nulls(change))).collect())
}
