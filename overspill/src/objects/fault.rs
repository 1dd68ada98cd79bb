//! From what is wrong with an object's part to the line of the access point's file that says so.

use std::collections::BTreeMap;

use files::{Fault, Source};
use mesh_model::access_point::AccessPoint;
use mesh_model::name::Name;
use mesh_model::overrides::Action;
use mesh_model::patch::Pointer;
use mesh_model::render::{RenderError, Rendering, Writer};
use mesh_model::template::{Schemas, Template};
use serde_json::Value;

use super::Located;

/// What is wrong inside the templates, and what is hardly meant.
pub(crate) fn template_findings(
    access_point: &Located<AccessPoint>,
    schemas: &Schemas,
) -> (Vec<Fault>, Vec<Fault>) {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    for (position, template) in access_point.value.templates.iter().enumerate() {
        for finding in schemas.check(template) {
            let list = if finding.problem.is_warning() { &mut warnings } else { &mut faults };
            let path = path_in_template(position, template, &finding.path);
            list.push(access_point.source.fault(&path, finding.problem.to_string()));
        }
    }
    (faults, warnings)
}

/// What keeps targets from receiving anything, at the rule or template that is at fault; one fault
/// for all targets that have the same.
pub(crate) fn rendering_faults(access_point: &Located<AccessPoint>, renderings: &[Rendering]) -> Vec<Fault> {
    let mut found: BTreeMap<(Writer, String, String), (Fault, Vec<&str>)> = BTreeMap::new();
    for rendering in renderings {
        for error in &rendering.errors {
            let key =
                (error.rule.clone(), error.object.to_string(), format!("{}: {}", error.path, error.reason));
            let fault = || rendering_fault(&access_point.value, &access_point.source, error);
            found.entry(key).or_insert_with(|| (fault(), Vec::new())).1.push(rendering.target.as_str());
        }
    }
    found.into_values().map(|(fault, targets)| for_targets(fault, &targets)).collect()
}

fn for_targets(fault: Fault, targets: &[&str]) -> Fault {
    const SHOWN: usize = 5;
    let names = targets.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    let more = targets.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Fault { message: format!("on {names}{more}: {}", fault.message), ..fault }
}

fn rendering_fault(access_point: &AccessPoint, source: &Source, error: &RenderError) -> Fault {
    let place = error.path.to_string();
    let place = if error.reason.contains(&place) { String::new() } else { format!(" {place}") };
    let message = format!("{}{place}: {}", error.object, error.reason);
    let by_name = |name: &Name| access_point.overrides.iter().position(|one| one.name == *name);
    if let Writer::Rule { name, number } = &error.rule
        && let Some(position) = by_name(name)
    {
        let part = match &access_point.overrides[position].rules[*number].action {
            Action::Annotations(_) => ".annotations",
            Action::Delete => ".delete",
            Action::Labels(_) => ".labels",
            Action::Merge(_) => ".merge",
            Action::Patch(_) => ".patch",
        };
        return source.fault(&format!("spec.overrides[{position}].rules[{number}]{part}"), message);
    }
    let template =
        access_point.templates.iter().enumerate().find(|(_, template)| template.id == error.object);
    let path = template.map(|(position, template)| path_in_template(position, template, &error.path));
    source.fault(&path.unwrap_or_else(|| "spec.templates".to_owned()), message)
}

/// The path in the access point's file of a place in a template.
fn path_in_template(position: usize, template: &Template, pointer: &Pointer) -> String {
    format!("spec.templates[{position}]{}", path_of(&template.object, pointer))
}

/// A pointer into a value as a path of fields, which tells places in lists from names.
pub(crate) fn path_of(value: &Value, pointer: &Pointer) -> String {
    let (mut path, mut at) = (String::new(), Some(value));
    for step in pointer.steps() {
        match at {
            Some(Value::Array(items)) => {
                path += &format!("[{step}]");
                at = step.parse::<usize>().ok().and_then(|index| items.get(index));
            }
            _ => {
                path += &format!(".{step}");
                at = at.and_then(|value| value.get(&**step));
            }
        }
    }
    path
}
