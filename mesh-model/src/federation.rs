//! From what a target should have and what it has to what is written there.
//!
//! A pure difference in the order in which writes are safe: what protects
//! first, then what is referred to before what refers to it, and deletions last
//! and the other way round. Whose an object is
//! decides its label ([`OWNER_LABEL`]): what is not ours is a conflict and
//! stays as it is. What the API server and its controllers put into an object
//! is carried over, so that what is right is not written; what anybody else adds
//! to a spec of ours (a label to a selector, a route) is put right. A target that could
//! not be read gets nothing, nor does one whose objects cannot be rendered.
//!
//! Who is given what when is the [`rollout`](crate::rollout)'s to say; writing
//! is the adapter's. Source: the fields that KubeFed retains.

mod contest;
mod live;
mod order;
mod retain;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::access_point::AccessPointId;
use crate::eastwest::EAST_WEST_LABEL;
use crate::name::Name;
use crate::patch::Pointer;
use crate::render::{OWNER_LABEL, Rendering};

pub use contest::{Contested, Contests};
pub use live::{ObjectKey, manager_of};

/// The annotation that holds the hash of what we wrote: by it a change of ours is told from one of others.
pub const APPLIED_ANNOTATION: &str = "overspill.dev/applied";
/// The annotation that holds the keys of the labels and annotations that we wrote, with commas between:
/// by it one that is wanted no longer is told from one of others.
pub const KEYS_ANNOTATION: &str = "overspill.dev/applied-keys";
/// The annotation by which the owner of an object hands it over: to `namespace/name` of an access point, or
/// to `overspill.dev/east-west/ZONE`.
pub const ADOPT_ANNOTATION: &str = "overspill.dev/adopt";

/// Whose objects are written; displays as it stands in [`ADOPT_ANNOTATION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// An access point's, in its namespace.
    AccessPoint(&'a AccessPointId),
    /// What a zone needs to call others, in all namespaces.
    EastWest(&'a Name),
}

impl<'a> From<&'a AccessPointId> for Owner<'a> {
    fn from(id: &'a AccessPointId) -> Self {
        Self::AccessPoint(id)
    }
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessPoint(id) => id.fmt(f),
            Self::EastWest(zone) => write!(f, "{EAST_WEST_LABEL}/{zone}"),
        }
    }
}

impl Owner<'_> {
    /// Whether an object carries its mark.
    fn has(&self, object: &Value, key: &ObjectKey) -> bool {
        match self {
            Self::AccessPoint(id) => {
                key.namespace == id.namespace.as_str() && label(object, OWNER_LABEL) == Some(id.name.as_str())
            }
            Self::EastWest(zone) => label(object, EAST_WEST_LABEL) == Some(zone.as_str()),
        }
    }

    /// Whether somebody handed an object over.
    fn is_given(&self, object: &Value) -> bool {
        let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let adopt =
            annotations.and_then(|annotations| annotations.get(ADOPT_ANNOTATION)).and_then(Value::as_str);
        adopt == Some(self.to_string().as_str())
    }
}

/// What is to be written to one target, and what was found there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TargetPlan {
    /// In this order.
    pub commands: Vec<WriteCommand>,
    /// Objects that somebody else has under a name that we want; they are let be.
    pub conflicts: Vec<Conflict>,
    /// Fields that somebody changed, took away or added under us; the commands put them right, as often as
    /// [`Contests`] lets them.
    pub drift: Vec<Drift>,
    /// Subsets that are wanted no longer and stay until no route is seen to lead there: look again after the writes.
    pub held_back: Vec<HeldBack>,
}

/// Subsets of a DestinationRule to which routes lead still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// The rule.
    pub object: ObjectKey,
    /// The subsets.
    pub subsets: Vec<String>,
}

/// One write to a target's API server.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum WriteCommand {
    /// Create this; if it is there by now, look again.
    Create {
        /// The object.
        object: Value,
    },
    /// Delete this, if it is still what was seen.
    Delete {
        /// Which.
        object: ObjectKey,
        /// The version that was seen.
        resource_version: Option<String>,
    },
    /// Put this in the place of what is there; it carries the version that was seen.
    Update {
        /// The object.
        object: Value,
    },
}

/// An object that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Which.
    pub object: ObjectKey,
    /// The access point or zone whose label it carries; `None` if it carries none.
    pub owner: Option<String>,
}

/// A field that is not as we wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The object.
    pub object: ObjectKey,
    /// The field.
    #[serde(serialize_with = "as_text")]
    pub path: Pointer,
    /// Who wrote it last, as the object itself says.
    pub manager: Option<String>,
}

fn as_text<S: serde::Serializer>(path: &Pointer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

/// What has to be written to a target, given all that was read there; `live` is `None` if it could not be read in full.
///
/// In full is every kind that a template can be, to the end of its list: of what
/// is missing nobody knows whether it was never there, so one kind unread is all unread.
///
/// ```
/// use mesh_model::federation::{WriteCommand, reconcile};
/// use mesh_model::render::Rendering;
/// # use serde_json::json;
/// # let owner = mesh_model::access_point::AccessPointId { namespace: "shop".parse()?, name: "web".parse()? };
/// let object = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop",
///     "labels": { "overspill.dev/access-point": "web" } }, "spec": { "ports": [{ "port": 443 }] } });
/// let rendering =
///     Rendering { target: "slc-a-1".parse()?, objects: vec![object], errors: vec![], trace: vec![] };
/// let plan = reconcile(&owner, &rendering, Some(&[]));
/// let [WriteCommand::Create { object }] = &plan.commands[..] else { panic!("one that is new") };
/// assert_eq!(reconcile(&owner, &rendering, Some(&[object.clone()])).commands, [], "what is right is not written");
/// assert_eq!(reconcile(&owner, &rendering, None).commands, [], "nothing on missing evidence");
/// # Ok::<(), mesh_model::name::ParseNameError>(())
/// ```
#[must_use]
pub fn reconcile<'a>(
    owner: impl Into<Owner<'a>>,
    rendering: &Rendering,
    live: Option<&[Value]>,
) -> TargetPlan {
    let owner = owner.into();
    let mut plan = TargetPlan::default();
    let Some(live) = live.filter(|_| rendering.errors.is_empty()) else { return plan };
    let routed = order::routed(live);
    let mut found: BTreeMap<ObjectKey, &Value> =
        live.iter().filter_map(|object| Some((ObjectKey::of(object)?, object))).collect();
    for object in &rendering.objects {
        let Some(key) = ObjectKey::of(object) else { continue };
        match found.remove(&key) {
            None => plan.commands.push(WriteCommand::Create { object: marked(object) }),
            Some(there) if owner.has(there, &key) || owner.is_given(there) || is_shared(&key) => {
                let mut desired = object.clone();
                let subsets = order::keep_routed(&key, &mut desired, there, &routed);
                plan.compare(&key, marked(&desired), there);
                if !subsets.is_empty() {
                    plan.held_back.push(HeldBack { object: key, subsets });
                }
            }
            Some(there) => {
                let owner =
                    label(there, OWNER_LABEL).or_else(|| label(there, EAST_WEST_LABEL)).map(str::to_owned);
                plan.conflicts.push(Conflict { object: key, owner });
            }
        }
    }
    // stable: of one kind, in the order of the templates
    plan.commands.sort_by_key(|command| match command {
        WriteCommand::Create { object } | WriteCommand::Update { object } => {
            order::rank(text(object, "/kind").unwrap_or_default())
        }
        WriteCommand::Delete { object, .. } => order::rank(&object.kind),
    });
    let is_ours = |(key, there): &(ObjectKey, &Value)| {
        owner.has(there, key) && !is_shared(key) && !is_made_by_a_controller(there)
    };
    let mut superfluous: Vec<(ObjectKey, &Value)> = found.into_iter().filter(is_ours).collect();
    superfluous.sort_by_key(|(key, _)| std::cmp::Reverse(order::rank(&key.kind)));
    plan.commands.extend(superfluous.into_iter().filter(|(_, there)| !is_going(there)).map(
        |(object, there)| {
            let resource_version = text(there, "/metadata/resourceVersion").map(str::to_owned);
            WriteCommand::Delete { object, resource_version }
        },
    ));
    plan
}

impl TargetPlan {
    /// Decides whether an object of ours is as it should be.
    fn compare(&mut self, key: &ObjectKey, mut desired: Value, there: &Value) {
        if is_going(there) {
            return; // whoever deletes it finishes first; then it is created anew
        }
        retain::retain(&mut desired, there);
        let is_our_change = applied(there) != applied(&desired);
        let differing = live::differing(&desired, there);
        if !is_our_change {
            self.drift.extend(differing.iter().map(|path| Drift {
                object: key.clone(),
                path: path.clone(),
                manager: manager_of(there, path),
            }));
        }
        if is_our_change || !differing.is_empty() {
            self.commands.push(WriteCommand::Update { object: desired });
        }
    }
}

/// The targets whose objects are no longer wanted at all: what is ours there goes, the rest stays.
#[must_use]
pub fn withdraw<'a>(owner: impl Into<Owner<'a>>, target: &Name, live: Option<&[Value]>) -> TargetPlan {
    let nothing =
        Rendering { target: target.clone(), objects: Vec::new(), errors: Vec::new(), trace: Vec::new() };
    reconcile(owner, &nothing, live)
}

/// The object with the hash of itself.
fn marked(object: &Value) -> Value {
    let json = serde_json::to_vec(object).expect("a value has a form in JSON");
    let hash: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut marked = object.clone();
    let keys = |field: &str| {
        let of =
            object.pointer("/metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_object);
        of.into_iter().flat_map(|of| of.keys().cloned()).collect::<BTreeSet<String>>()
    };
    let keys: Vec<String> = keys("annotations").union(&keys("labels")).cloned().collect();
    marked["metadata"]["annotations"][APPLIED_ANNOTATION] = Value::String(hash);
    marked["metadata"]["annotations"][KEYS_ANNOTATION] = Value::String(keys.join(","));
    marked
}

fn applied(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(APPLIED_ANNOTATION)?.as_str()
}

fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// A namespace is many people's: it is marked, never deleted.
fn is_shared(key: &ObjectKey) -> bool {
    key.group.is_empty() && key.kind == "Namespace"
}

/// Whether a controller made it from another object. Some copy labels to what they make, ours too (those of a
/// Service stand on its EndpointSlices), so a label alone is not enough to delete it.
fn is_made_by_a_controller(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// Whether somebody deleted it already, and finalizers hold it.
fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests;
