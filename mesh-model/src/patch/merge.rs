//! Merge patches (RFC 7396): a document-shaped change, null removes, lists are replaced.

use serde_json::Value;

use super::apply::overwrite;
use super::document::{Content, Node};
use super::{Document, Origin, Pointer, Write};

/// Applies a merge patch for `origin`; every value is one, so it cannot fail.
///
/// ```
/// use mesh_model::patch::{Document, Origin, merge};
/// use serde_json::json;
///
/// let mut document = Document::new(json!({ "a": 1, "b": { "c": 2, "d": 3 } }), Origin(0));
/// merge(&mut document, &json!({ "a": null, "b": { "c": 4 } }), Origin(1));
/// assert_eq!(document.to_value(), json!({ "b": { "c": 4, "d": 3 } }));
/// ```
pub fn merge(document: &mut Document, patch: &Value, origin: Origin) {
    let Document { root, removals } = document;
    into(root, patch, origin, &mut Pointer::default(), removals);
}

fn into(node: &mut Node, patch: &Value, origin: Origin, at: &mut Pointer, removals: &mut Vec<Write>) {
    let Value::Object(changes) = patch else {
        return overwrite(node, patch.clone(), origin);
    };
    let members = node.members_mut(origin);
    for (key, change) in changes {
        at.push(key);
        if change.is_null() {
            if members.remove(key).is_some() {
                removals.push(Write { origin, path: at.clone(), is_removal: true });
            }
        } else if let Some(member) = members.get_mut(key) {
            into(member, change, origin, at, removals);
        } else {
            // RFC 7396 section 2: a missing member is merged into as if it were empty, which drops nulls
            let mut member = Node::new(Value::Null, origin);
            if change.is_object() {
                member.content = Content::Mapping(Default::default());
                into(&mut member, change, origin, at, removals);
            } else {
                member = Node::new(change.clone(), origin);
            }
            members.insert(key.clone(), member);
        }
        at.pop();
    }
}
