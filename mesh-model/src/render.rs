//! Rendering: what each target would receive, and where each field came from.
//!
//! A pure function of an access point and a target. In this order, the later
//! winning: the template as it is; the access point's namespace, if it has
//! none; the overrides that hold on the target, in their order; the steering of
//! its traffic ([`crate::traffic`]), where that is asked for; the mark by which
//! we know our objects. The result is checked as the target's API server would
//! check it. Either all objects of a target are right or it gets none,
//! and every fault is told with the rule that brought it.
//!
//! Who receives what when is the rollout's to say, writing it the federation's.

mod compare;
mod revision;
mod trace;

use serde::Serialize;
use serde_json::{Value, json};

use crate::access_point::AccessPoint;
use crate::api::FieldPath;
use crate::fleet::{Fleet, Target};
use crate::name::Name;
use crate::overrides::Outcome;
use crate::patch::{Document, Origin, Pointer, apply};
use crate::template::{SchemaFinding, SchemaProblem, Schemas, Template, TemplateId};
use crate::traffic::{Steering, steer};

pub use compare::{Change, Difference, ParseRevisionError, Revision, TargetDifference, compare};
pub use trace::TraceEntry;

use trace::Origins;

/// The label by which our objects are known; its value is the access point's name.
pub const OWNER_LABEL: &str = "overspill.dev/access-point";

/// What one target would receive.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::api::PlacementLevel;
/// use mesh_model::fleet::Fleet;
/// use mesh_model::render::render;
/// use mesh_model::template::Schemas;
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: slc-a }, spec: { region: us-west }"))?;
/// # let cluster = serde_saphyr::from_str(&frame("Cluster", "metadata: { name: slc-a-1 }, spec: { zone: slc-a }"))?;
/// let fleet = Fleet::new(vec![zone], vec![cluster])?;
/// let access_point: mesh_model::api::FederatedAccessPoint = serde_saphyr::from_str("
/// apiVersion: overspill.dev/v1alpha1
/// kind: FederatedAccessPoint
/// metadata: { name: checkout, namespace: payments }
/// spec:
///   placement: { selector: {} }
///   templates:
///     - { apiVersion: v1, kind: Service, metadata: { name: checkout }, spec: { ports: [{ port: 443 }] } }
///   overrides:
///     - { name: zones, rules: [{ kind: Service, labels: { zone: \"${zone.name}\" } }] }
/// ")?;
/// let access_point = AccessPoint::try_from(access_point)?;
/// let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
/// let rendering = render(&access_point, &target, &Schemas::embedded());
/// assert_eq!(rendering.objects[0]["metadata"]["labels"]["zone"], "slc-a");
/// let last = rendering.trace.iter().find(|entry| entry.path.to_string() == "/metadata/labels/zone").unwrap();
/// assert_eq!(last.from, "override zones rule 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rendering {
    /// The target.
    pub target: Name,
    /// The objects in the order of the templates; none if there are errors.
    pub objects: Vec<Value>,
    /// What keeps the target from receiving any.
    pub errors: Vec<RenderError>,
    /// Every write of every field, in order of application: the last of a field is the one that holds.
    pub trace: Vec<TraceEntry>,
}

/// Why an object cannot be rendered for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenderError {
    /// The object.
    #[serde(serialize_with = "trace::as_text")]
    pub object: TemplateId,
    /// Who is at fault: `template`, `override NAME rule N` (from 0), `traffic`.
    pub rule: String,
    /// Where in the object.
    #[serde(serialize_with = "trace::as_text")]
    pub path: Pointer,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Rendering {
    /// The objects with their kinds and names.
    #[must_use]
    pub fn identified(&self) -> Vec<(TemplateId, Value)> {
        let identified = |object: &Value| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            let kind = text("/kind")?.parse().ok()?;
            Some((TemplateId { kind, name: text("/metadata/name")?.into() }, object.clone()))
        };
        self.objects.iter().filter_map(identified).collect()
    }
}

/// Renders an access point for one target, as revisions have it: without the steering of traffic.
#[must_use]
pub fn render(access_point: &AccessPoint, target: &Target<'_>, schemas: &Schemas) -> Rendering {
    render_with(access_point, target, schemas, None)
}

/// Renders what a target is to have now: an access point with its traffic steered and drains obeyed.
///
/// That is what is written to clusters. What is compared and approved is what [`render`]
/// gives, for a shift of traffic or a drain is no [`Revision`] and waits for no approval.
/// What cannot be steered is an error of the target by the rule `traffic`.
#[must_use]
pub fn render_steered(
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
    schemas: &Schemas,
) -> Rendering {
    let mut plain = render(access_point, target, schemas);
    if !plain.errors.is_empty() {
        return plain;
    }
    match steer(&plain.identified(), access_point, target, fleet) {
        Ok(steering) if steering.is_empty() => plain,
        Ok(steering) => render_with(access_point, target, schemas, Some(&steering)),
        Err(error) => {
            plain.objects.clear();
            plain.trace.clear();
            plain.errors.push(RenderError {
                object: error.object,
                rule: trace::TRAFFIC.to_owned(),
                path: error.path,
                reason: error.problem.to_string(),
            });
            plain
        }
    }
}

/// Renders an access point for one target with this steering.
#[must_use]
pub fn render_with(
    access_point: &AccessPoint,
    target: &Target<'_>,
    schemas: &Schemas,
    steering: Option<&Steering>,
) -> Rendering {
    let origins = Origins::new(access_point);
    let mut rendering = Rendering {
        target: target.name().clone(),
        objects: Vec::new(),
        errors: Vec::new(),
        trace: Vec::new(),
    };
    for template in &access_point.templates {
        match object(access_point, template, target, &origins, steering) {
            Ok(None) => {}
            Ok(Some(document)) => {
                let value = document.to_value();
                rendering.errors.extend(faults(access_point, template, &document, &value, schemas, &origins));
                rendering.trace.extend(origins.trace(&template.id, &document));
                rendering.objects.push(value);
            }
            Err(error) => rendering.errors.push(error),
        }
    }
    if !rendering.errors.is_empty() {
        rendering.objects.clear();
        rendering.trace.clear();
    }
    // stable: within one writer the order of templates and fields stays
    rendering.trace.sort_by_key(|entry| entry.origin);
    rendering
}

/// One object for a target; `None` if it is not to be there.
fn object(
    access_point: &AccessPoint,
    template: &Template,
    target: &Target<'_>,
    origins: &Origins,
    steering: Option<&Steering>,
) -> Result<Option<Document>, RenderError> {
    let mut document = Document::new(template.object.clone(), Origins::TEMPLATE);
    const NAMESPACE: [&str; 2] = ["metadata", "namespace"];
    if document.get(&NAMESPACE).is_none() {
        document.set(&NAMESPACE, json!(access_point.id.namespace.as_str()), Origins::ACCESS_POINT);
    }
    for (position, one) in access_point.overrides.iter().enumerate() {
        if !one.targets.matches(target) {
            continue;
        }
        for (number, rule) in one.rules.iter().enumerate().filter(|(_, rule)| rule.concerns(&template.id)) {
            let origin = origins.rule(position, number);
            match rule.apply(&mut document, target, origin) {
                Ok(Outcome::Kept) => {}
                Ok(Outcome::Deleted) => return Ok(None),
                Err(error) => {
                    return Err(RenderError {
                        object: template.id.clone(),
                        rule: origins.name(origin).to_owned(),
                        path: error.path(),
                        reason: error.to_string(),
                    });
                }
            }
        }
    }
    let operations = steering.map(|steering| steering.operations(&template.id)).unwrap_or_default();
    if !operations.is_empty() {
        apply(&mut document, operations, origins.traffic()).map_err(|error| RenderError {
            object: template.id.clone(),
            rule: trace::TRAFFIC.to_owned(),
            path: error.pointer.clone(),
            reason: error.to_string(),
        })?;
    }
    let name = json!(access_point.id.name.as_str());
    document.set(&["metadata", "labels", OWNER_LABEL], name, origins.owner());
    Ok(Some(document))
}

/// What the target's API server would refuse, with whoever wrote it.
fn faults(
    access_point: &AccessPoint,
    template: &Template,
    document: &Document,
    value: &Value,
    schemas: &Schemas,
    origins: &Origins,
) -> Vec<RenderError> {
    let error = |path: Pointer, reason: String, writer: Origin| {
        let rule = origins.name(writer).to_owned();
        RenderError { object: template.id.clone(), rule, path, reason }
    };
    let mut bare = value.clone();
    if let Some(labels) = bare.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(OWNER_LABEL); // which a person may not write
    }
    if let Err(wrong) = Template::check(bare, &access_point.id.namespace, &FieldPath::default()) {
        let path = trace::pointer_of(&wrong.path);
        let writer = last_writer(document, &path);
        return vec![error(path, wrong.problem.to_string(), writer)];
    }
    let findings = schemas.check_object(template.id.kind, value).into_iter();
    let findings = findings.filter(|finding| !finding.problem.is_warning());
    let writer = |finding: &SchemaFinding| match &finding.problem {
        SchemaProblem::Missing { field } if never_had(template, &finding.path, field) => Origins::TEMPLATE,
        _ => last_writer(document, &finding.path),
    };
    let error = |finding: SchemaFinding| {
        let writer = writer(&finding);
        error(finding.path, finding.problem.to_string(), writer)
    };
    findings.map(error).collect()
}

/// Whether a template has the place where a field is missing, and not the field: then nobody took it away.
fn never_had(template: &Template, path: &Pointer, field: &str) -> bool {
    let has = |pointer: &Pointer| template.object.pointer(&pointer.to_string()).is_some();
    has(path) && !has(&path.then(field))
}

/// Who wrote last at a place, or around it.
fn last_writer(document: &Document, path: &Pointer) -> Origin {
    let touches = |other: &Pointer| other.contains(path) || path.contains(other);
    let writes = document.writes().filter(|write| touches(&write.path));
    writes.map(|write| write.origin).max().unwrap_or(Origins::TEMPLATE)
}

#[cfg(test)]
mod tests;
