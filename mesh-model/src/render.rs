//! Rendering: what each target would receive, and where each field came from.
//!
//! A pure function of an access point and a target. In this order, the later
//! winning: the template as it is; the access point's namespace, if it has
//! none; the overrides that hold on the target, in their order; the steering of
//! its traffic ([`crate::traffic`]) and the secrets that its Gateways name
//! ([`crate::certificate`]), where that is asked for; the mark by which we know our objects, which no other writes. The result is checked as the target's API server would
//! check it. Either all objects of a target are right or it gets none,
//! and every fault is told with the rule that brought it.
//!
//! Who receives what when is the rollout's to say, writing it the federation's.

mod compare;
mod edit;
mod revision;
mod trace;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::access_point::AccessPoint;
use crate::api::FieldPath;
use crate::certificate::Certificates;
use crate::fleet::{Fleet, Target};
use crate::name::Name;
use crate::overrides::Fate;
use crate::patch::{Document, Operation, Origin, Pointer, apply, merge};
use crate::template::view::gateway_name;
use crate::template::{SchemaFinding, SchemaProblem, Schemas, Template, TemplateId, TemplateKind};
use crate::time::WallTime;
use crate::traffic::{SteerError, SteerProblem, Steering, steer};

pub use compare::{Change, Difference, ParseRevisionError, Revision, TargetDifference, compare};
pub use edit::Edit;
pub use trace::{TraceEntry, Writer};

use trace::Origins;
pub(crate) use trace::pointer_of;

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
/// assert_eq!(last.from.to_string(), "override zones rule 0");
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
    /// Who is at fault.
    #[serde(serialize_with = "trace::as_text")]
    pub rule: Writer,
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
    let renderer = Renderer::new(access_point, target, schemas);
    let mut parts = renderer.plain();
    if parts.errors.is_empty() {
        // whatever keeps it from that is among the errors
        _ = renderer.steer(&mut parts, fleet);
    }
    renderer.rendering(parts)
}

/// Renders what a target is to have now, as [`render_steered`] does, and has each server of its Gateways name the
/// secret in which its hosts lie ([`Certificates::divide`]). Hosts that failed are not in it, nor a Gateway of which
/// nothing is left.
///
/// That is what is written to clusters where we order certificates; it is no [`Revision`] either.
#[must_use]
pub fn render_certified(
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
    schemas: &Schemas,
    (certificates, wall): (&Certificates, WallTime),
) -> Rendering {
    let renderer = Renderer::new(access_point, target, schemas);
    let mut parts = renderer.plain();
    if parts.errors.is_empty() {
        // whatever keeps it from that is among the errors
        _ = renderer.steer(&mut parts, fleet);
    }
    if parts.errors.is_empty() && access_point.issuer.is_some() {
        renderer.certify(&mut parts, certificates, wall);
    }
    renderer.rendering(parts)
}

/// Renders an access point for one target with this steering.
#[must_use]
pub fn render_with(
    access_point: &AccessPoint,
    target: &Target<'_>,
    schemas: &Schemas,
    steering: Option<&Steering>,
) -> Rendering {
    let renderer = Renderer::new(access_point, target, schemas);
    let mut parts = renderer.plain();
    if let Some(steering) = steering.filter(|_| parts.errors.is_empty()) {
        renderer.apply_steering(&mut parts, steering);
    }
    renderer.rendering(parts)
}

/// What lint looks at of a target.
pub(crate) struct Inspection {
    /// What keeps the target from receiving any object, the steering of its traffic apart.
    pub(crate) errors: Vec<RenderError>,
    /// What keeps its traffic from being steered; looked for only where nothing else is at fault.
    pub(crate) steering: Vec<RenderError>,
    /// Which of the steering's own problems that is, if it is one of these.
    pub(crate) unsteered: Option<SteerProblem>,
    /// The objects before any is steered, be they right or not; one that a rule cannot be applied to, as its template
    /// has it.
    pub(crate) objects: Vec<(TemplateId, Document)>,
    origins: Origins,
}

impl Inspection {
    /// Who wrote last at a place of an object, or around it.
    pub(crate) fn writer(&self, object: &Document, place: &Pointer) -> &Writer {
        self.origins.writer(last_writer(object, place))
    }
}

/// What [`render`] makes of a target and what keeps [`render_steered`] from it, without either's trace.
pub(crate) fn inspect(
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
    schemas: &Schemas,
) -> Inspection {
    let renderer = Renderer::new(access_point, target, schemas);
    let mut parts = renderer.plain();
    let errors = std::mem::take(&mut parts.errors);
    let objects =
        parts.objects.iter().map(|(template, document)| (template.id.clone(), document.clone())).collect();
    let is_asked = errors.is_empty() && access_point.traffic.is_some();
    let unsteered = is_asked.then(|| renderer.steer(&mut parts, fleet).err()).flatten();
    Inspection { errors, steering: parts.errors, unsteered, objects, origins: renderer.origins }
}

/// What renders one access point for one target.
struct Renderer<'a> {
    access_point: &'a AccessPoint,
    target: &'a Target<'a>,
    schemas: &'a Schemas,
    origins: Origins,
}

/// The objects that a target would receive, each with its template, and all that is wrong.
#[derive(Default)]
struct Parts<'a> {
    objects: Vec<(&'a Template, Document)>,
    errors: Vec<RenderError>,
}

impl<'a> Renderer<'a> {
    fn new(access_point: &'a AccessPoint, target: &'a Target<'a>, schemas: &'a Schemas) -> Self {
        Self { access_point, target, schemas, origins: Origins::new(access_point) }
    }

    /// All objects without the steering of traffic.
    fn plain(&self) -> Parts<'a> {
        let mut parts = Parts::default();
        for template in &self.access_point.templates {
            match self.document(template) {
                Ok(None) => {}
                Ok(Some(document)) => {
                    self.check(template, &document, &mut parts.errors);
                    parts.objects.push((template, document));
                }
                Err(error) => {
                    // nobody receives it, but what else there is may be looked at beside it
                    parts.objects.push((template, self.unchanged(template)));
                    parts.errors.push(error);
                }
            }
        }
        parts
    }

    /// Steers the traffic of objects that are right; what keeps it from that goes to the errors, too.
    fn steer(&self, parts: &mut Parts<'a>, fleet: &Fleet) -> Result<(), SteerProblem> {
        let object =
            |(template, document): &(&Template, Document)| (template.id.clone(), document.value().clone());
        let objects: Vec<(TemplateId, Value)> = parts.objects.iter().map(object).collect();
        match steer(&objects, self.access_point, self.target, fleet) {
            Ok(steering) => {
                self.apply_steering(parts, &steering);
                Ok(())
            }
            Err(SteerError { object, path, problem }) => {
                let reason = problem.to_string();
                parts.errors.push(RenderError { object, rule: Writer::Traffic, path, reason });
                Err(problem)
            }
        }
    }

    fn apply_steering(&self, parts: &mut Parts<'a>, steering: &Steering) {
        self.change(parts, self.origins.traffic(), |template, _| {
            Some(Cow::Borrowed(steering.operations(&template.id)))
        });
    }

    /// Has Gateways name the secrets in which their hosts lie, and routes only the Gateways that are left.
    fn certify(&self, parts: &mut Parts<'a>, certificates: &Certificates, wall: WallTime) {
        let gone = self.divide_gateways(parts, certificates, wall);
        if !gone.is_empty() {
            self.take_off_routes(parts, &gone);
        }
    }

    /// Has each server of the Gateways name the secret in which its hosts lie, without those that failed.
    ///
    /// A Gateway of which nothing is left is left out; gives their names, with the namespace.
    fn divide_gateways(
        &self,
        parts: &mut Parts<'a>,
        certificates: &Certificates,
        wall: WallTime,
    ) -> BTreeSet<String> {
        let namespace = &self.access_point.id.namespace;
        let mut gone = BTreeSet::new();
        self.change(parts, self.origins.certificates(), |template, document| {
            if template.id.kind != TemplateKind::Gateway {
                return Some(Cow::default());
            }
            let operations = certificates.divide(wall, namespace, document.value());
            if operations.is_none() {
                gone.insert(format!("{namespace}/{}", template.id.name));
            }
            operations.map(Cow::Owned)
        });
        gone
    }

    /// Takes Gateways that are left out off the lists of VirtualServices; one that was for no other is left out, too.
    fn take_off_routes(&self, parts: &mut Parts<'a>, gone: &BTreeSet<String>) {
        let namespace = &self.access_point.id.namespace;
        self.change(parts, self.origins.certificates(), |template, document| {
            if template.id.kind != TemplateKind::VirtualService {
                return Some(Cow::default());
            }
            without_gateways(document.value(), gone, namespace).map(Cow::Owned)
        });
    }

    /// Changes what is to be changed and leaves out what `operations` gives nothing for; an object without any
    /// operation is what it was.
    fn change<'o>(
        &self,
        parts: &mut Parts<'a>,
        origin: Origin,
        mut operations: impl FnMut(&Template, &Document) -> Option<Cow<'o, [Operation]>>,
    ) {
        let Parts { objects, errors } = parts;
        objects.retain_mut(|(template, document)| {
            let Some(operations) = operations(template, document) else { return false };
            if operations.is_empty() {
                return true;
            }
            match apply(document, &operations, origin) {
                Ok(()) => self.check(template, document, errors),
                Err(error) => errors.push(RenderError {
                    object: template.id.clone(),
                    rule: self.origins.writer(origin).clone(),
                    path: error.pointer.clone(),
                    reason: error.to_string(),
                }),
            }
            true
        });
    }

    fn rendering(&self, parts: Parts<'a>) -> Rendering {
        let target = self.target.name().clone();
        if !parts.errors.is_empty() {
            return Rendering { target, objects: Vec::new(), errors: parts.errors, trace: Vec::new() };
        }
        let mark = json!({ "metadata": { "labels": { OWNER_LABEL: self.access_point.id.name.as_str() } } });
        let (mut trace, mut objects) = (Vec::new(), Vec::new());
        for (template, mut document) in parts.objects {
            merge(&mut document, &mark, self.origins.owner());
            trace.extend(self.origins.trace(&template.id, &document));
            objects.push(document.into_value());
        }
        // stable: within one writer the order of templates and fields stays
        trace.sort_by_key(|entry: &TraceEntry| entry.origin);
        Rendering { target, objects, errors: Vec::new(), trace }
    }

    /// A template in the access point's namespace.
    fn unchanged(&self, template: &Template) -> Document {
        let mut document = Document::new(template.object.clone(), Origins::TEMPLATE);
        if metadata(document.value(), "namespace").is_none() {
            let namespace = json!({ "metadata": { "namespace": self.access_point.id.namespace.as_str() } });
            merge(&mut document, &namespace, Origins::ACCESS_POINT);
        }
        document
    }

    /// One object with its overrides; `None` if it is not to be there.
    fn document(&self, template: &Template) -> Result<Option<Document>, RenderError> {
        let mut document = self.unchanged(template);
        for (position, one) in self.access_point.overrides.iter().enumerate() {
            if !one.targets.matches(self.target) {
                continue;
            }
            for (number, rule) in one.rules.iter().enumerate().filter(|(_, rule)| rule.concerns(&template.id))
            {
                let origin = self.origins.rule(position, number);
                match rule.apply(&mut document, self.target, origin) {
                    Ok(Fate::Kept) => {}
                    Ok(Fate::Deleted) => return Ok(None),
                    Err(error) => {
                        return Err(RenderError {
                            object: template.id.clone(),
                            rule: self.origins.writer(origin).clone(),
                            path: error.path(),
                            reason: error.to_string(),
                        });
                    }
                }
            }
        }
        Ok(Some(document))
    }

    /// What the target's API server would refuse of an object goes to the errors, with whoever wrote it.
    fn check(&self, template: &Template, document: &Document, errors: &mut Vec<RenderError>) {
        let error = |path: Pointer, reason: String, writer: Origin| {
            let rule = self.origins.writer(writer).clone();
            RenderError { object: template.id.clone(), rule, path, reason }
        };
        let value = document.value();
        let unmarked = without_mark(value);
        let namespace = &self.access_point.id.namespace;
        if let Err(wrong) = Template::check_frame(&unmarked, namespace, &FieldPath::default()) {
            let path = pointer_of(wrong.path.steps());
            let writer = last_writer(document, &path);
            return errors.push(error(path, wrong.problem.to_string(), writer));
        }
        let findings = self.schemas.check_object(template.id.kind, value).into_iter();
        let findings = findings.filter(|finding| !finding.problem.is_warning());
        let writer = |finding: &SchemaFinding| match &finding.problem {
            SchemaProblem::Missing { field } if never_had(template, &finding.path, field) => {
                Origins::TEMPLATE
            }
            _ => last_writer(document, &finding.path),
        };
        errors.extend(findings.map(|finding| {
            let writer = writer(&finding);
            error(finding.path, finding.problem.to_string(), writer)
        }));
    }
}

/// A field of an object's metadata; a pointer in text would be taken apart, with copies, for each object of each target.
fn metadata<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(field)
}

/// An object without our mark, which a person may not write but a rule can copy from elsewhere: ours comes over it.
fn without_mark(object: &Value) -> Cow<'_, Value> {
    let mut unmarked = Cow::Borrowed(object);
    if metadata(object, "labels").and_then(|labels| labels.get(OWNER_LABEL)).is_some() {
        let labels = unmarked.to_mut().pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
        labels.expect("it has the mark in them").remove(OWNER_LABEL);
    }
    unmarked
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

/// What takes Gateways that are not written off the list of a VirtualService; `None` if none is left on it, for
/// without any it would be for sidecars.
fn without_gateways(service: &Value, gone: &BTreeSet<String>, namespace: &Name) -> Option<Vec<Operation>> {
    let list = service.pointer("/spec/gateways").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else { return Some(Vec::new()) };
    let stays = |one: &&Value| one.as_str().is_none_or(|name| !gone.contains(&gateway_name(name, namespace)));
    let left: Vec<Value> = list.iter().filter(stays).cloned().collect();
    if left.len() == list.len() {
        return Some(Vec::new());
    }
    let path = Pointer::default().then("spec").then("gateways");
    (!left.is_empty()).then(|| vec![Operation::Replace { path, value: Value::Array(left) }])
}

#[cfg(test)]
mod tests;
