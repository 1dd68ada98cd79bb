//! What the objects of an access point become on its targets.
//!
//! Overrides make of one template as many objects as there are targets, and a fault
//! may be in one of these alone: brought by an override, or mended by it. So where
//! targets are known the objects are judged as each target would receive them, and a
//! finding says on which; it points to the rule that wrote what is at fault, else to
//! the template. Where no target is known, or there is no override, what is judged is
//! the templates, and of those that an override changes only what it cannot mend.
//! An object that no server would take is judged beside the others, too: whoever
//! mends it is not to meet the rest only then.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Answers;
use super::claims::Claims;
use super::gateways::Gateways;
use super::hosts::Hosts;
use super::placed::Placed;
use super::proofs::Proofs;
use super::reach;
use super::{Code, FleetFacts, Report, certificates, facts, inside, objects, placed, reference, spec};
use crate::access_point::{AccessPoint, AccessPointId};
use crate::api::{FieldPath, Step};
use crate::certificate::GatewayHosts;
use crate::fleet::Target;
use crate::name::Name;
use crate::patch::Pointer;
use crate::render::{Inspection, Writer, inspect, pointer_of};
use crate::template::{Schemas, Template, TemplateId};
use crate::traffic::SteerProblem;

/// Judges the objects of an access point, and tells what cannot be rendered or steered.
pub(super) fn check<'a>(
    access_point: &'a AccessPoint,
    placed: Option<&Placed<'_>>,
    schemas: &Schemas,
    gathered: &mut Gathered<'a>,
    report: &mut Report,
) {
    let facts = placed.map(|placed| placed.facts);
    let Gathered { claims, certificates, hosts, proofs, answers, gateways } = gathered;
    let number = claims.len();
    claims.push(Claims::new(access_point));
    hosts.begin(access_point);
    let mut judge = |form: &AccessPoint, on: &[Target<'_>], report: &mut Report| {
        objects::check(form, on, facts, schemas, report);
        reach::check(form, on, facts, hosts, report);
        answers.gather(number, form, on);
        gateways.gather(number, form, on);
        if let Some(facts) = facts {
            facts::selectors(form, facts, report);
            certificates::gather(form, facts, certificates, report);
            proofs.gather((number, access_point), form, on);
        }
        claims.iter_mut().last().expect("it was added").gather(form, on, facts);
    };
    let Some(placed) = placed else { return judge(access_point, &[], report) };
    let mut found = OnTargets::default();
    let bare = bare(access_point);
    let mut forms: BTreeMap<String, Form<'_>> = BTreeMap::new();
    for (target, inspection) in placed.inspected() {
        found.add_errors(access_point, target, inspection);
        if !access_point.overrides.is_empty() {
            let form = forms.entry(inspection.key()).or_insert_with(|| Form::of(&bare, inspection));
            form.targets.push(*target);
        }
    }
    if access_point.overrides.is_empty() || placed.targets.is_empty() {
        judge(access_point, &placed.targets, report);
    }
    for form in forms.into_values() {
        let mut of_form = Report { findings: Vec::new() };
        judge(&form.access_point, &form.targets, &mut of_form);
        // what no server would take was found when it was rendered, with whoever wrote it
        of_form.findings.retain(|finding| finding.code != Code::SchemaViolation);
        for finding in of_form.findings {
            let (path, message) = form.written_at(access_point, finding.code, finding.path, finding.message);
            found.add(finding.code, path, message, finding.fix, &form.targets);
        }
    }
    found.report(access_point, placed.targets.len(), report);
}

/// An access point without its objects and what would change them: those are many times as large as the rest.
fn bare(access_point: &AccessPoint) -> AccessPoint {
    let mut bare = access_point.clone();
    bare.templates.clear();
    bare.overrides.clear();
    bare
}

/// What is gathered of each form, to be held against that of other access points.
pub(super) struct Gathered<'a> {
    pub(super) claims: Vec<Claims<'a>>,
    pub(super) certificates: GatewayHosts,
    pub(super) hosts: Hosts<'a>,
    pub(super) proofs: Proofs<'a>,
    pub(super) answers: Answers,
    pub(super) gateways: Gateways,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(facts: Option<&'a FleetFacts>) -> Self {
        Self {
            claims: Vec::new(),
            certificates: GatewayHosts::default(),
            hosts: Hosts::new(facts),
            proofs: Proofs::new(facts),
            answers: Answers::default(),
            gateways: Gateways::default(),
        }
    }
}

/// The clusters of some targets; none where no target is known.
pub(super) type On = BTreeSet<Name>;

/// The clusters of these: a zone is its gateway cluster, which may be another's target by its own name.
pub(super) fn names(on: &[Target<'_>]) -> impl Iterator<Item = Name> {
    on.iter().map(|target| target.cluster.name.clone())
}

/// Where an object says something.
pub(super) type Place = (TemplateId, Pointer);

/// The objects of an access point as some of its targets have them.
struct Form<'a> {
    /// The access point with these objects for templates, and nothing that would change them.
    access_point: AccessPoint,
    inspection: &'a Inspection,
    targets: Vec<Target<'a>>,
}

impl<'a> Form<'a> {
    fn of(bare: &AccessPoint, inspection: &'a Inspection) -> Self {
        let objects = inspection.objects.iter();
        let templates =
            objects.map(|(id, document)| Template { id: id.clone(), object: document.value().clone() });
        let access_point = AccessPoint { templates: templates.collect(), ..bare.clone() };
        Self { access_point, inspection, targets: Vec::new() }
    }

    /// Where a person wrote what is at a place of this form: in the rule of an override, which may change
    /// many objects, so that the message names this one; or in the template.
    fn written_at(
        &self,
        access_point: &AccessPoint,
        code: Code,
        path: FieldPath,
        message: String,
    ) -> (FieldPath, String) {
        let [Step::Field(top), Step::Field(field), Step::Index(number), place @ ..] = path.steps() else {
            return (path, message);
        };
        if (&**top, &**field) != ("spec", "templates") {
            return (path, message);
        }
        let (id, document) = &self.inspection.objects[*number];
        let place = pointer_of(place);
        let writer = self.inspection.writer(document, &place);
        // the words of a schema alone do not say which field is meant
        let is_bare = code == Code::UnknownField && matches!(writer, Writer::Rule { .. });
        let message = if is_bare { format!("{place}: {message}") } else { message };
        told_at(access_point, writer, (id, &place), message)
    }
}

impl Inspection {
    /// The same for targets that would receive the same.
    fn key(&self) -> String {
        let objects: Vec<_> = self.objects.iter().map(|(_, document)| document.value()).collect();
        serde_json::to_string(&objects).expect("JSON can be written as text")
    }
}

/// Where persons wrote what targets receive, looked up anew for what only all access points together show.
pub(super) struct Sites<'a> {
    facts: Option<&'a FleetFacts>,
    schemas: &'a Schemas,
    inspections: BTreeMap<(AccessPointId, Name), Inspection>,
    /// The targets of access points, by their clusters.
    targets: BTreeMap<AccessPointId, BTreeMap<Name, Name>>,
}

impl<'a> Sites<'a> {
    pub(super) const fn new(facts: Option<&'a FleetFacts>, schemas: &'a Schemas) -> Self {
        Self { facts, schemas, inspections: BTreeMap::new(), targets: BTreeMap::new() }
    }

    /// Whether targets are known.
    pub(super) const fn has_targets(&self) -> bool {
        self.facts.is_some()
    }

    /// Where a person wrote what is received in these clusters at a place, and the message as it is to be there.
    pub(super) fn written_at(
        &mut self,
        access_point: &AccessPoint,
        on: &On,
        (id, place): (&TemplateId, &Pointer),
        message: String,
    ) -> (FieldPath, String) {
        let is_changed =
            access_point.overrides.iter().flat_map(|one| &one.rules).any(|rule| rule.concerns(id));
        let target = self.facts.zip(on.first()).filter(|_| is_changed).and_then(|(facts, name)| {
            let mut targets = facts.fleet.targets(access_point.placement.level);
            Some((facts, targets.find(|target| target.cluster.name == *name)?))
        });
        let Some((facts, target)) = target else { return (inside(access_point, id, place), message) };
        let inspection = self
            .inspections
            .entry((access_point.id.clone(), target.name().clone()))
            .or_insert_with(|| inspect(access_point, &target, &facts.fleet, self.schemas));
        let object = inspection.objects.iter().find(|(other, _)| other == id);
        let Some((_, document)) = object else { return (inside(access_point, id, place), message) };
        told_at(access_point, inspection.writer(document, place), (id, place), message)
    }

    /// Tells what is so in these clusters at a place, and where that is not on every target, on which it is.
    pub(super) fn tell(
        &mut self,
        (access_point, (id, place)): (&AccessPoint, &Place),
        on: &On,
        (code, message, fix): (Code, String, &str),
        report: &mut Report,
    ) {
        let (path, message) = self.written_at(access_point, on, (id, place), message);
        self.tell_of((access_point, path), on, (code, message, fix), report);
    }

    /// The same of a field that no override changes.
    pub(super) fn tell_of(
        &mut self,
        (access_point, path): (&AccessPoint, FieldPath),
        on: &On,
        (code, mut message, fix): (Code, String, &str),
        report: &mut Report,
    ) {
        if let Some(facts) = self.facts {
            let all = self.targets.entry(access_point.id.clone()).or_insert_with(|| {
                let targets = placed::targets(access_point, facts).into_iter();
                targets.map(|target| (target.cluster.name.clone(), target.name().clone())).collect()
            });
            let names: BTreeSet<Name> = on.iter().filter_map(|cluster| all.get(cluster).cloned()).collect();
            if !names.is_empty() && names.len() < all.len() {
                message = format!("on {}: {message}", listed(&names));
            }
        }
        report.of(&access_point.id, code, path, message, fix);
    }
}

/// The first of some names, and how many more there are.
pub(super) fn listed(names: &BTreeSet<Name>) -> String {
    let first = names.first().map_or("no target", Name::as_str);
    if names.len() > 1 { format!("{first} and {} more", names.len() - 1) } else { first.to_owned() }
}

/// The place that a person wrote, and the message as it is to be there.
fn told_at(
    access_point: &AccessPoint,
    writer: &Writer,
    (id, place): (&TemplateId, &Pointer),
    message: String,
) -> (FieldPath, String) {
    let is_of_rule = matches!(writer, Writer::Rule { .. });
    let message = if is_of_rule { format!("{id}: {message}") } else { message };
    (at_fault(access_point, writer, id, place), message)
}

/// What was found, and on which targets.
#[derive(Default)]
struct OnTargets {
    found: Found,
    /// Traffic that is not steered for want of outlier detection, which the rule itself is told of in words of its own.
    undetected: Found,
}

/// Code, place, message and fix, and the targets.
type Found = BTreeMap<(Code, FieldPath, String, String), BTreeSet<Name>>;

/// What to do about what keeps a target from its objects.
const KEPT: &str = "see the message; these targets keep what they have until then";

impl OnTargets {
    fn add(&mut self, code: Code, path: FieldPath, message: String, fix: String, on: &[Target<'_>]) {
        let targets = self.found.entry((code, path, message, fix)).or_default();
        targets.extend(on.iter().map(|target| target.name().clone()));
    }

    fn add_errors(&mut self, access_point: &AccessPoint, target: &Target<'_>, inspection: &Inspection) {
        for error in &inspection.errors {
            let path = at_fault(access_point, &error.rule, &error.object, &error.path);
            let on = &[*target];
            match error.rule {
                Writer::Rule { .. } => {
                    let message = within(&error.object, &error.path, &error.reason);
                    self.add(Code::DoesNotRender, path, message, KEPT.into(), on);
                }
                // without an override the templates themselves are looked at
                _ if access_point.overrides.is_empty() => {}
                _ => {
                    let fix = objects::SCHEMA_FIX.into();
                    self.add(Code::SchemaViolation, path, error.reason.clone(), fix, on);
                }
            }
        }
        for error in &inspection.steering {
            let path = at_fault(access_point, &error.rule, &error.object, &error.path);
            let found = match inspection.unsteered {
                Some(SteerProblem::NoOutlierDetection) => &mut self.undetected,
                _ => &mut self.found,
            };
            let key = (Code::TrafficDoesNotHold, path, error.reason.clone(), KEPT.to_owned());
            found.entry(key).or_default().insert(target.name().clone());
        }
    }

    /// Tells all of it; what holds on every target without a word of targets.
    fn report(mut self, access_point: &AccessPoint, all: usize, report: &mut Report) {
        let is_told = |code: Code| code == Code::FailoverWithoutOutlierDetection;
        let own = reference(&access_point.id);
        let of_rules = report.findings.iter().filter(|finding| finding.object == own);
        let of_rules = of_rules.map(|finding| finding.code);
        if !self.found.keys().map(|(code, ..)| *code).chain(of_rules).any(is_told) {
            self.found.append(&mut self.undetected);
        }
        for ((code, path, mut message, fix), names) in self.found {
            let is_of_all =
                names.len() == all && !matches!(code, Code::DoesNotRender | Code::TrafficDoesNotHold);
            if !names.is_empty() && !is_of_all {
                message = format!("on {}: {message}", listed(&names));
            }
            report.of(&access_point.id, code, path, message, &fix);
        }
    }
}

/// What is said of a place that somebody's rule wrote, which may change many: with the object and the place.
fn within(object: &TemplateId, place: &Pointer, message: &str) -> String {
    if place.steps().is_empty() {
        format!("{object}: {message}")
    } else {
        format!("{object}: {place}: {message}")
    }
}

/// The field of the access point that is at fault: the rule's, or the template's.
fn at_fault(access_point: &AccessPoint, writer: &Writer, object: &TemplateId, place: &Pointer) -> FieldPath {
    if let Writer::Rule { name, number } = writer
        && let Some(position) = access_point.overrides.iter().position(|one| one.name == *name)
    {
        return spec("overrides").item(position).field("rules").item(*number);
    }
    inside(access_point, object, place)
}
