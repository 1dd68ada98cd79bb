//! Any access point in any fleet: no target suffers from what is wrong on another.
//!
//! What must hold: an override that does not hold on a target has no say there;
//! a target gets all objects or none; what cannot be steered was renderable; the
//! trace ends with what holds; what is written once is right, and is then
//! neither written again nor taken for a difference.

use mesh_model::access_point::AccessPoint;
use mesh_model::federation::{WriteCommand, reconcile};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::patch::{Document, Origin, Pointer, apply, diff};
use mesh_model::render::{Rendering, Revision, TraceEntry, Writer, compare, render, render_steered};
use mesh_model::template::{Schemas, TemplateId};
use serde_json::Value;

use crate::mesh_objects::{access_point_and_fleet, placed};

/// Reads `bytes` as documents: an access point, then zones and clusters.
pub fn check(bytes: &[u8]) {
    let Some((access_point, fleet)) = access_point_and_fleet(bytes) else { return };
    let schemas = Schemas::embedded();
    let mut all = Vec::new();
    for target in placed(&access_point, &fleet).iter().take(4) {
        let rendering = render(&access_point, target, &schemas);
        whole(&rendering);
        let alone = render(&without_others(&access_point, target), target, &schemas);
        assert_eq!((&rendering.objects, &rendering.errors), (&alone.objects, &alone.errors));
        assert!(rendering.trace.iter().map(written).eq(alone.trace.iter().map(written)));
        steered(&access_point, target, &fleet, &schemas, &rendering);
        written_once(&access_point, &rendering);
        all.push(rendering);
    }
    assert_eq!(compare(&all, &all).targets, []);
    for pair in all.windows(2) {
        differing(&pair[0], &pair[1]);
    }
    let revision = Revision::of(&all);
    all.reverse();
    assert_eq!(Revision::of(&all), revision, "the order of targets matters");
}

/// All of a write but its number, which other overrides have a part in.
fn written(entry: &TraceEntry) -> (&TemplateId, &Pointer, &Writer, bool) {
    (&entry.object, &entry.path, &entry.from, entry.removed)
}

/// The same without the overrides that do not hold on a target.
fn without_others(access_point: &AccessPoint, target: &Target<'_>) -> AccessPoint {
    let mut alone = access_point.clone();
    alone.overrides.retain(|one| one.targets.matches(target));
    alone
}

fn whole(rendering: &Rendering) {
    if !rendering.errors.is_empty() {
        assert!(rendering.objects.is_empty() && rendering.trace.is_empty(), "half-rendered: {rendering:?}");
        assert!(rendering.errors.iter().all(|error| !error.reason.is_empty()));
    }
    let origins = rendering.trace.iter().map(|entry| entry.origin);
    assert!(origins.is_sorted_by(|one, other| one <= other), "not in order of application");
    assert!(!rendering.trace.is_empty() || rendering.objects.is_empty(), "nobody wrote it");
}

fn steered(
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
    schemas: &Schemas,
    plain: &Rendering,
) {
    let steered = render_steered(access_point, target, fleet, schemas);
    whole(&steered);
    if !plain.errors.is_empty() {
        assert_eq!(&steered, plain);
    } else if steered.errors.is_empty() {
        assert_eq!(steered.objects.len(), plain.objects.len(), "steering adds and removes no object");
    } else {
        assert!(steered.errors.iter().all(|error| error.rule == Writer::Traffic), "{:?}", steered.errors);
    }
}

/// What is created is right: it is not written again, and goes when nobody wants it.
fn written_once(access_point: &AccessPoint, rendering: &Rendering) {
    let created = reconcile(&access_point.id, rendering, Some(&[]));
    let objects: Vec<Value> = created.commands.iter().filter_map(created_object).collect();
    assert_eq!(objects.len(), created.commands.len(), "nothing is there that could be changed");
    assert_eq!(objects.len(), rendering.objects.len());
    let again = reconcile(&access_point.id, rendering, Some(&objects));
    assert_eq!((again.commands, again.conflicts, again.drift), (vec![], vec![], vec![]));
    let none = Rendering { objects: Vec::new(), errors: Vec::new(), ..rendering.clone() };
    let deleted = reconcile(&access_point.id, &none, Some(&objects)).commands;
    assert_eq!(deleted.len(), objects.len());
}

fn created_object(command: &WriteCommand) -> Option<Value> {
    match command {
        WriteCommand::Create { object } => Some(object.clone()),
        WriteCommand::Delete { .. } | WriteCommand::Update { .. } => None,
    }
}

/// What differs between two targets makes the one's objects into the other's.
fn differing(one: &Rendering, other: &Rendering) {
    for (one, other) in one.objects.iter().zip(&other.objects) {
        let mut document = Document::new(one.clone(), Origin(0));
        apply(&mut document, &diff(one, other), Origin(1)).expect("a difference can be applied");
        assert_eq!(document.value(), other);
    }
}
