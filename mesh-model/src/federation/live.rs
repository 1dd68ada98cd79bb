//! Objects as an API server shows them: their key, which fields differ, and who wrote a field.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{APPLIED_ANNOTATION, text};
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

/// The fields that are otherwise there than they are wanted, and those that are there, are not wanted and are
/// ours to decide; what the server and its controllers put into an object is no difference.
pub(super) fn differing(desired: &Value, there: &Value) -> Vec<Pointer> {
    let mut found = Found { owned: Owned::of(desired), paths: Vec::new(), added: Vec::new() };
    found.descend(desired, there, &mut String::new());
    let parse = |path: &String| -> Pointer { path.parse().expect("steps were escaped as pointers want it") };
    let mut paths: Vec<Pointer> = found.paths.iter().map(parse).collect();
    // a default that came with our own write is in our name
    let ours =
        manager_of(there, &Pointer::default().then("metadata").then("annotations").then(APPLIED_ANNOTATION));
    let is_by_others = |path: &Pointer| ours.is_none() || manager_of(there, path) != ours;
    paths.extend(found.added.iter().map(parse).filter(is_by_others));
    paths
}

/// What of an object nobody else writes, so that a field which is not wanted is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owned {
    /// The spec of a kind of Istio's: its schemas have no defaults, its controllers write status and metadata.
    Istio,
    /// Neither; a namespace is many people's, and labels and annotations of any object are.
    Nothing,
    /// The spec of a Service but for what [`is_given`].
    Service,
}

impl Owned {
    fn of(object: &Value) -> Self {
        let group = text(object, "/apiVersion").and_then(|version| version.split_once('/'));
        match (group, text(object, "/kind")) {
            (Some((group, _)), _) if group.ends_with(".istio.io") => Self::Istio,
            (None, Some("Service")) => Self::Service,
            (Some(_) | None, _) => Self::Nothing,
        }
    }
}

struct Found {
    owned: Owned,
    /// What is wanted and is otherwise there.
    paths: Vec<String>,
    /// What is there, is not wanted and would be ours to write.
    added: Vec<String>,
}

impl Found {
    fn descend(&mut self, desired: &Value, there: &Value, path: &mut String) {
        let length = path.len();
        match (desired, there) {
            (Value::Object(desired), Value::Object(there)) => {
                for (key, value) in desired {
                    if path.is_empty() && key == "apiVersion" {
                        continue; // a server shows an object in whichever version it is asked for
                    }
                    step(path, key);
                    match there.get(key) {
                        Some(other) => self.descend(value, other, path),
                        None if self.is_left_out(path, value) => {}
                        None => self.paths.push(path.clone()),
                    }
                    path.truncate(length);
                }
                for (key, value) in there.iter().filter(|(key, _)| !desired.contains_key(*key)) {
                    step(path, key);
                    if self.is_added(path, key, value, there) {
                        self.added.push(path.clone());
                    }
                    path.truncate(length);
                }
            }
            (Value::Array(desired), Value::Array(there)) if desired.len() == there.len() => {
                for (position, (value, other)) in desired.iter().zip(there).enumerate() {
                    step(path, &position.to_string());
                    self.descend(value, other, path);
                    path.truncate(length);
                }
            }
            (desired, there) if desired == there => {}
            _ => self.paths.push(path.clone()),
        }
    }

    /// Whether a server that is given a value leaves it out. Of a kind of Istio's it leaves out nothing of a
    /// spec but null, and nothing is something there: `rules: [{}]` allows, `outlierDetection: {}` ejects.
    fn is_left_out(&self, path: &str, value: &Value) -> bool {
        match self.owned {
            Owned::Istio if path.starts_with("/spec/") => value.is_null(),
            Owned::Istio | Owned::Nothing | Owned::Service => is_nothing(value),
        }
    }

    /// Whether a field that is not wanted is ours to decide, and not what a server gives by itself.
    fn is_added(&self, path: &str, key: &str, value: &Value, around: &Map<String, Value>) -> bool {
        let is_in_spec = path.starts_with("/spec/") || path == "/spec";
        match self.owned {
            Owned::Istio => is_in_spec && !value.is_null(),
            Owned::Service => is_in_spec && !value.is_null() && !is_given(path, key, value, around),
            Owned::Nothing => false,
        }
    }
}

fn step(path: &mut String, key: &str) {
    path.push('/');
    path.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Whether a Service's server gives a field by itself: what it assigns, whatever it is, and its defaults.
fn is_given(path: &str, key: &str, value: &Value, around: &Map<String, Value>) -> bool {
    let is = |default: &str| value == default;
    let is_of_port = path.starts_with("/spec/ports/");
    match key {
        _ if path.starts_with("/spec/selector/") => false,
        "clusterIP" | "clusterIPs" | "healthCheckNodePort" | "ipFamilies" | "ipFamilyPolicy" => true,
        // of its class, and whether it opens ports on nodes, installations decide by their webhooks
        "allocateLoadBalancerNodePorts" | "loadBalancerClass" => true,
        "nodePort" => is_of_port,
        "protocol" => is_of_port && is("TCP"),
        "targetPort" => is_of_port && around.get("port") == Some(value),
        "externalTrafficPolicy" | "internalTrafficPolicy" => is("Cluster"),
        "publishNotReadyAddresses" => value == &Value::Bool(false),
        "sessionAffinity" => is("None"),
        // three hours
        "sessionAffinityConfig" => value.pointer("/clientIP/timeoutSeconds") == Some(&10_800.into()),
        "type" => is("ClusterIP"),
        _ => false,
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
/// An item of a list that is merged by keys (a Service's ports) is written under its keys there; from any other list on
/// the list decides.
#[must_use]
pub fn manager_of(object: &Value, path: &Pointer) -> Option<String> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let names = |entry: &&Value| {
        let (mut fields, mut there) = (entry.get("fieldsV1"), Some(object));
        for step in path.steps() {
            let Some(inner) = fields else { return false };
            there = there.and_then(|there| match there {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                other => other.get(&**step),
            });
            fields = match (inner.get(format!("f:{step}")), item(inner, there)) {
                (Some(next), _) => Some(next),
                (None, Some(item)) => item,
                (None, None) => return step.bytes().all(|byte| byte.is_ascii_digit()),
            };
        }
        fields.is_some()
    };
    let latest =
        entries.iter().filter(names).max_by_key(|entry| text(entry, "/time").unwrap_or_default().to_owned());
    text(latest?, "/manager").map(str::to_owned)
}

/// What a manager wrote of an item of a list, if the list is one that is merged by keys.
fn item<'a>(list: &'a Value, there: Option<&Value>) -> Option<Option<&'a Value>> {
    let keyed = |(key, fields): (&String, &'a Value)| {
        let keys: Value = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
        Some((keys, fields))
    };
    let mut items = list.as_object()?.iter().filter_map(keyed).peekable();
    items.peek()?;
    let is_it = |keys: &Value| {
        let mut keys = keys.as_object().into_iter().flatten();
        keys.all(|(key, value)| there.and_then(|there| there.get(key)) == Some(value))
    };
    Some(items.find(|(keys, _)| is_it(keys)).map(|(_, fields)| fields))
}

#[cfg(test)]
mod tests;
