//! What the objects of an access point become on its targets.
//!
//! Overrides make of one template as many objects as there are targets, and a fault
//! may be in one of these alone: brought by an override, or mended by it. So where
//! targets are known the objects are judged as each target would receive them, and a
//! finding says on which; it points to the rule that wrote what is at fault, else to
//! the template. Where no target is known, or there is no override, what is judged is
//! the templates, and of those that an override changes only what it cannot mend.

use std::collections::{BTreeMap, BTreeSet};

use super::placed::Placed;
use super::reach::{self, Hosts};
use super::{Code, Report, facts, inside, objects, spec};
use crate::access_point::AccessPoint;
use crate::api::{FieldPath, Step};
use crate::fleet::Target;
use crate::name::Name;
use crate::patch::Pointer;
use crate::render::{Inspection, RenderError, Writer, pointer_of};
use crate::template::{Schemas, Template, TemplateId};
use crate::traffic::SteerProblem;

/// Judges the objects of an access point, and tells what cannot be rendered or steered.
pub(super) fn check(
    access_point: &AccessPoint,
    hosts: &Hosts<'_>,
    placed: Option<&Placed<'_>>,
    schemas: &Schemas,
    report: &mut Report,
) {
    let facts = placed.map(|placed| placed.facts);
    let judge = |form: &AccessPoint, on: &[Target<'_>], report: &mut Report| {
        objects::check(form, on, facts, schemas, report);
        reach::check(form, hosts, facts, report);
        facts.iter().for_each(|facts| facts::selectors(form, facts, report));
    };
    let Some(placed) = placed else { return judge(access_point, &[], report) };
    let mut found = OnTargets::default();
    let bare = bare(access_point);
    let mut forms: BTreeMap<String, Form<'_>> = BTreeMap::new();
    for (target, inspection) in placed.inspected() {
        found.add_errors(access_point, target, inspection);
        if inspection.errors.is_empty() && !access_point.overrides.is_empty() {
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
        for finding in of_form.findings {
            let (path, message) = form.written_at(access_point, finding.path, finding.message);
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
        let message =
            if matches!(writer, Writer::Rule { .. }) { format!("{id}: {message}") } else { message };
        (at_fault(access_point, writer, id, &place), message)
    }
}

impl Inspection {
    /// The same for targets that would receive the same.
    fn key(&self) -> String {
        let objects: Vec<_> = self.objects.iter().map(|(_, document)| document.value()).collect();
        serde_json::to_string(&objects).expect("JSON can be written as text")
    }
}

/// What was found, and on which targets.
#[derive(Default)]
struct OnTargets {
    found: BTreeMap<(Code, FieldPath, String, String), BTreeSet<Name>>,
}

impl OnTargets {
    fn add(&mut self, code: Code, path: FieldPath, message: String, fix: String, on: &[Target<'_>]) {
        let targets = self.found.entry((code, path, message, fix)).or_default();
        targets.extend(on.iter().map(|target| target.name().clone()));
    }

    fn add_errors(&mut self, access_point: &AccessPoint, target: &Target<'_>, inspection: &Inspection) {
        // which are found where they are written, by codes of their own
        let is_known = |error: &RenderError| {
            error.rule == Writer::Template || error.reason == SteerProblem::NoOutlierDetection.to_string()
        };
        let errors = inspection.errors.iter().map(|error| (Code::DoesNotRender, error));
        let steering = inspection.steering.iter().map(|error| (Code::TrafficDoesNotHold, error));
        for (code, error) in errors.chain(steering).filter(|(_, error)| !is_known(error)) {
            let path = at_fault(access_point, &error.rule, &error.object, &error.path);
            let fix = "see the message; these targets keep what they have until then";
            self.add(code, path, error.reason.clone(), fix.into(), &[*target]);
        }
    }

    /// Tells all of it; what holds on every target without a word of targets.
    fn report(self, access_point: &AccessPoint, all: usize, report: &mut Report) {
        for ((code, path, mut message, fix), names) in self.found {
            let is_of_all =
                names.len() == all && !matches!(code, Code::DoesNotRender | Code::TrafficDoesNotHold);
            if let Some(first) = names.first().filter(|_| !is_of_all) {
                let more =
                    if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
                message = format!("on {first}{more}: {message}");
            }
            report.of(&access_point.id, code, path, message, &fix);
        }
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
