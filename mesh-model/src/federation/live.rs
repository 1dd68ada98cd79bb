//! Objects as an API server shows them: their key, which fields differ, and who wrote a field.

use serde::Serialize;
use serde_json::Value;

use super::text;
use crate::patch::Pointer;

/// What two objects in one API server cannot share: group, kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ObjectKey {
    /// The API group without its version: one object is served in all of them. Empty for the core's.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty if it has none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object; `None` if it is none.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let group = text(object, "/apiVersion")?.split_once('/').map_or("", |(group, _)| group);
        Some(Self {
            group: group.to_owned(),
            kind: text(object, "/kind")?.to_owned(),
            namespace: text(object, "/metadata/namespace").unwrap_or_default().to_owned(),
            name: text(object, "/metadata/name")?.to_owned(),
        })
    }
}

/// The fields that are wanted and are otherwise there; what the server added to an object is no difference.
pub(super) fn differing(desired: &Value, there: &Value) -> Vec<Pointer> {
    let mut paths = Vec::new();
    descend(desired, there, &mut String::new(), &mut paths);
    paths.iter().map(|path| path.parse().expect("steps were escaped as pointers want it")).collect()
}

fn descend(desired: &Value, there: &Value, path: &mut String, paths: &mut Vec<String>) {
    let length = path.len();
    match (desired, there) {
        (Value::Object(desired), Value::Object(there)) => {
            for (key, value) in desired {
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                match there.get(key) {
                    Some(other) => descend(value, other, path, paths),
                    None if is_nothing(value) => {}
                    None => paths.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (Value::Array(desired), Value::Array(there)) if desired.len() == there.len() => {
            for (position, (value, other)) in desired.iter().zip(there).enumerate() {
                path.push_str(&format!("/{position}"));
                descend(value, other, path, paths);
                path.truncate(length);
            }
        }
        (desired, there) if desired == there => {}
        _ => paths.push(path.clone()),
    }
}

/// What a server leaves out when it is written.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Who wrote a field last, by the object's `managedFields`: the manager with the latest entry that names it.
///
/// An element of a list is written under its keys there, so from the first list on the list decides.
#[must_use]
pub fn manager_of(object: &Value, path: &Pointer) -> Option<String> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let names = |entry: &&Value| {
        let mut fields = entry.get("fieldsV1");
        for step in path.to_string().split('/').skip(1) {
            let Some(inner) = fields else { return false };
            let step = step.replace("~1", "/").replace("~0", "~");
            match inner.get(format!("f:{step}")) {
                Some(next) => fields = Some(next),
                None => return step.bytes().all(|byte| byte.is_ascii_digit()),
            }
        }
        fields.is_some()
    };
    let latest =
        entries.iter().filter(names).max_by_key(|entry| text(entry, "/time").unwrap_or_default().to_owned());
    text(latest?, "/manager").map(str::to_owned)
}
