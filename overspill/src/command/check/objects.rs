//! `check` of a file of API objects: each by itself, then what they say of each other.

use std::collections::BTreeMap;

use mesh_model::template::Schemas;
use serde::Serialize;

use super::kind::OBJECTS;
use super::{Checked, plural};
use crate::objects::{Objects, template_findings};
use files::{Fault, Source};

/// An object of a file.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    kind: &'static str,
    namespace: Option<String>,
    name: String,
    line: u32,
}

/// Whether a text looks like objects: by its first document, or any if that one is broken.
pub(super) fn are_in(source: &Source) -> bool {
    // `Kind` is misspelt, which the object's own fields tell best
    let is_mark = |field: &String| ["kind", "apiversion"].contains(&field.to_lowercase().as_str());
    let is_object = |document: &Source| document.top_fields().iter().any(is_mark);
    source.documents().iter().any(is_object)
}

pub(super) fn check(file: String, source: &Source) -> Checked {
    let mut objects = Objects::default();
    let mut faults = objects.add(source);
    // clusters are measured against zones only where all of them could be read
    if faults.is_empty() {
        faults.extend(objects.fleet_by_itself().err());
    }
    let (wrong, warnings) = templates(&objects);
    faults.extend(wrong);
    let found = objects.found().iter().map(|(reference, source)| Found {
        kind: reference.kind.as_str(),
        namespace: reference.namespace.as_ref().map(ToString::to_string),
        name: reference.name.to_string(),
        line: source.first_line(),
    });
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for reference in objects.found().keys() {
        *counts.entry(reference.kind.as_str()).or_default() += 1;
    }
    if !objects.sidecars.is_empty() {
        counts.insert("Sidecar", objects.sidecars.len());
    }
    let summary = counts.iter().map(|(kind, count)| plural(*count, kind)).collect::<Vec<_>>().join(", ");
    let mut kinds = counts.keys();
    let kind = match (kinds.next(), kinds.next()) {
        (Some(only), None) => Some(*only),
        (Some(_), Some(_)) => Some(OBJECTS),
        (None, _) => None,
    };
    Checked {
        file,
        kind,
        ok: faults.is_empty(),
        summary: faults.is_empty().then_some(summary),
        fault: faults.first().cloned(),
        faults,
        objects: found.collect(),
        warnings,
    }
}

/// What is wrong inside templates, and what is hardly meant.
fn templates(objects: &Objects) -> (Vec<Fault>, Vec<Fault>) {
    if objects.access_points.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let schemas = Schemas::embedded();
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    for access_point in &objects.access_points {
        let (wrong, doubtful) = template_findings(access_point, &schemas);
        faults.extend(wrong);
        warnings.extend(doubtful);
    }
    (faults, warnings)
}
