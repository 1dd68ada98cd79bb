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
//! [`Writer`] is the machine around it: it reads, writes, and tries again. Who is given what when
//! is the [`rollout`](crate::rollout)'s to say; requests are the adapter's. Source: the fields that KubeFed
//! retains, Kubernetes' API conventions.

mod answer;
mod contest;
mod fixed;
mod listing;
mod live;
mod order;
mod retain;
mod writer;

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

use contest::Contests;

pub use answer::{Refusal, WriteAnswer};
pub use contest::Contested;
pub use fixed::Fixed;
pub use listing::{Listed, Listing, Page};
pub use live::{ObjectKey, manager_of};
pub use writer::{Findings, Transmit, WorkState, Writer, WriterEvent};

/// The annotation that holds the hash of what we wrote: by it a change of ours is told from one of others.
pub const APPLIED_ANNOTATION: &str = "overspill.dev/applied";
/// The annotation that holds the keys of the labels and annotations that we wrote, with commas between:
/// by it one that is wanted no longer is told from one of others.
pub const KEYS_ANNOTATION: &str = "overspill.dev/applied-keys";
/// The annotation by which the owner of an object hands it over: to `namespace/name` of an access point, or
/// to `overspill.dev/east-west/ZONE`.
pub const ADOPT_ANNOTATION: &str = "overspill.dev/adopt";

/// Whose objects are written; displays as it stands in [`ADOPT_ANNOTATION`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An access point's, in its namespace.
    AccessPoint(AccessPointId),
    /// What a zone needs to call others, in all namespaces.
    EastWest(Name),
}

impl From<&AccessPointId> for Owner {
    fn from(id: &AccessPointId) -> Self {
        Self::AccessPoint(id.clone())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessPoint(id) => id.fmt(f),
            Self::EastWest(zone) => write!(f, "{EAST_WEST_LABEL}/{zone}"),
        }
    }
}

impl Owner {
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
    /// Fields that somebody changed, took away or added under us; the commands put them right.
    pub drift: Vec<Drift>,
    /// Fields that no server lets change; their objects are not written until somebody deletes them.
    pub fixed: Vec<Fixed>,
    /// Objects that somebody deleted, or that are to go, and that finalizers hold.
    pub leaving: Vec<Leaving>,
    /// Subsets that are wanted no longer and stay until no route is seen to lead there: look again after the writes.
    pub held_back: Vec<HeldBack>,
}

/// An object of ours that was deleted, or is to be, and that finalizers hold.
///
/// What it refers to, and what protects it, stays meanwhile; it is made anew afterwards if it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leaving {
    /// The object.
    pub object: ObjectKey,
    /// Who holds it.
    pub finalizers: Vec<String>,
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

impl WriteCommand {
    /// The object that is written; `None` if it is none.
    #[must_use]
    pub fn key(&self) -> Option<ObjectKey> {
        match self {
            Self::Create { object } | Self::Update { object } => ObjectKey::of(object),
            Self::Delete { object, .. } => Some(object.clone()),
        }
    }
}

/// An object that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Which.
    pub object: ObjectKey,
    /// The access point or zone whose label it carries; `None` if it carries none.
    pub owner: Option<String>,
    /// The object from which a controller made it, which would make it so again, whatever label it carries:
    /// `Kind/name`.
    pub controller: Option<String>,
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
/// That is a look at one moment. A controller runs a [`Writer`], which does this and knows what it wrote before: to
/// carry out such plans without memory is to write for ever what somebody changes back.
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
pub fn reconcile(owner: impl Into<Owner>, rendering: &Rendering, live: Option<&[Value]>) -> TargetPlan {
    plan(&owner.into(), rendering, live, &Contests::default())
}

/// The same by who remembers what was written last.
fn plan(owner: &Owner, rendering: &Rendering, live: Option<&[Value]>, contests: &Contests) -> TargetPlan {
    let mut plan = TargetPlan::default();
    let Some(live) = live.filter(|_| rendering.errors.is_empty()) else { return plan };
    let routed = order::routed(live);
    let mut found: BTreeMap<ObjectKey, &Value> = BTreeMap::new();
    for object in live {
        // one that does not say which it is could be any
        let Some(key) = ObjectKey::of(object) else { return plan };
        found.insert(key, object);
    }
    for object in &rendering.objects {
        let Some(key) = ObjectKey::of(object) else { continue };
        let there = found.remove(&key);
        let controller = there.filter(|_| !is_shared(&key)).and_then(controller_of);
        match there {
            None => plan.commands.push(WriteCommand::Create { object: marked(object) }),
            Some(there)
                if is_shared(&key)
                    || (controller.is_none() && (owner.has(there, &key) || owner.is_given(there))) =>
            {
                let mut desired = object.clone();
                let subsets = order::keep_routed(&key, &mut desired, there, &routed);
                plan.compare(&key, marked(&desired), there, contests);
                if !subsets.is_empty() {
                    plan.held_back.push(HeldBack { object: key, subsets });
                }
            }
            Some(there) => {
                let owner =
                    label(there, OWNER_LABEL).or_else(|| label(there, EAST_WEST_LABEL)).map(str::to_owned);
                plan.conflicts.push(Conflict { object: key, owner, controller });
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
        owner.has(there, key) && !is_shared(key) && controller_of(there).is_none()
    };
    plan.delete(found.into_iter().filter(is_ours).collect());
    plan
}

impl TargetPlan {
    /// Decides whether an object of ours is as it should be.
    fn compare(&mut self, key: &ObjectKey, mut desired: Value, there: &Value, contests: &Contests) {
        if is_going(there) {
            // whoever deletes it finishes first; then it is created anew
            return self.leaving.push(Leaving { object: key.clone(), finalizers: finalizers(there) });
        }
        retain::retain(&mut desired, there);
        let fixed = fixed::fixed(key, &desired, there);
        if !fixed.is_empty() {
            return self.fixed.extend(fixed);
        }
        // who takes our mark away, or puts another there, does not make our next write a change of ours
        let mark = applied(&desired);
        let is_our_change = applied(there) != mark && !contests.wrote(key, mark);
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

    /// Deletes what is wanted no longer, in the reverse order of its making, up to the first place where something is
    /// held by finalizers: what protects it, and what it refers to, goes once it is seen to be gone.
    fn delete(&mut self, mut superfluous: Vec<(ObjectKey, &Value)>) {
        superfluous.sort_by_key(|(key, _)| std::cmp::Reverse(order::rank(&key.kind)));
        // of those that are wanted and go, too
        let mut held = self.leaving.iter().map(|leaving| order::rank(&leaving.object.kind)).max();
        for (object, there) in superfluous {
            let rank = order::rank(&object.kind);
            if held.is_some_and(|held| rank < held) {
                break;
            }
            let finalizers = finalizers(there);
            if !finalizers.is_empty() || is_going(there) {
                held = Some(rank);
                self.leaving.push(Leaving { object: object.clone(), finalizers });
            }
            if !is_going(there) {
                let resource_version = text(there, "/metadata/resourceVersion").map(str::to_owned);
                self.commands.push(WriteCommand::Delete { object, resource_version });
            }
        }
    }
}

/// A target whose objects are no longer wanted at all: what is ours there goes, the rest stays.
#[must_use]
pub fn withdraw(owner: impl Into<Owner>, target: &Name, live: Option<&[Value]>) -> TargetPlan {
    reconcile(owner, &nothing(target), live)
}

/// What a target is to have where nothing is wanted.
fn nothing(target: &Name) -> Rendering {
    Rendering { target: target.clone(), objects: Vec::new(), errors: Vec::new(), trace: Vec::new() }
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

/// The object from which a controller made this one. Some copy labels to what they make, ours too (those of a
/// Service stand on its EndpointSlices), so a label alone is not enough to change or delete it.
fn controller_of(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let part = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{}/{}", part("kind"), part("name")))
}

fn finalizers(object: &Value) -> Vec<String> {
    let all = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
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
