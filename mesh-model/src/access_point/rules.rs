//! The rules of overrides, checked against the templates that they are about.
//!
//! What can be known without a target is refused here: a rule for a template
//! that is not there, a pointer that is none, a field that no rule may write, a
//! variable that does not exist. Whether the template has the field is known
//! only on the target, after the rules before.

use serde_json::Value;

use crate::api::{
    FieldPath, OperationName, OperationSpec, OverrideSpec, Problem, RuleSpec, SpecError, repeated,
};
use crate::labels::{LabelProblem, check_annotation_key, check_key, check_value, is_ours};
use crate::nearest::{did_you_mean, quoted};
use crate::overrides::{Action, Marks, Override, Rule, VariableProblem, is_protected, variables_of};
use crate::patch::{Operation, ParsePointerError, Pointer};
use crate::template::{Template, TemplateKind, TemplateProblem, nearest_template};

use super::TargetSelection;

/// What is wrong with a rule of an override.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// No template is of this kind.
    #[error("no template is a {kind}; write the kind of one")]
    KindUnused {
        /// The kind.
        kind: TemplateKind,
    },
    /// No kind of templates.
    #[error("{} is no kind of templates{}", quoted(found), did_you_mean(*nearest))]
    Kind {
        /// As written.
        found: String,
        /// The nearest kind.
        nearest: Option<&'static str>,
    },
    /// A member that an operation needs.
    #[error("{operation} needs it; add it")]
    Needed {
        /// The operation.
        operation: &'static str,
    },
    /// A member that an operation has no use for.
    #[error("{operation} has no use for it; leave it out")]
    Unneeded {
        /// The operation.
        operation: &'static str,
    },
    /// No template is of this name.
    #[error("no template {kind}/{name}{}", did_you_mean(nearest.as_deref()))]
    NoTemplate {
        /// The kind.
        kind: TemplateKind,
        /// As written.
        name: String,
        /// The nearest name of the kind.
        nearest: Option<String>,
    },
    /// A merge patch that is no mapping would replace the whole object.
    #[error("a merge patch of an object is a mapping; write the fields that differ")]
    NoMapping,
    /// A pointer is none.
    #[error(transparent)]
    Pointer(#[from] ParsePointerError),
    /// What makes the object the one it is, or is written by servers, is not for overrides.
    #[error(
        "`{path}` is not for overrides: it says which object this is, or is written by servers; of metadata only labels and annotations differ"
    )]
    Protected {
        /// The field.
        path: Pointer,
    },
    /// A variable.
    #[error(transparent)]
    Variable(#[from] VariableProblem),
}

/// Checks the overrides of an access point.
pub(super) fn check(
    specs: Vec<OverrideSpec>,
    templates: &[Template],
    path: &FieldPath,
) -> Result<Vec<Override>, SpecError> {
    if let Some((position, first)) = repeated(specs.iter().map(|spec| &spec.name)) {
        let name = specs[first].name.to_string();
        return Err(path.item(position).field("name").wrong(Problem::Duplicate { name, first }));
    }
    let mut overrides: Vec<Override> = Vec::with_capacity(specs.len());
    for (position, spec) in specs.into_iter().enumerate() {
        let here = path.item(position);
        let at = here.field("rules");
        if spec.rules.is_empty() {
            return Err(at.wrong(Problem::Empty));
        }
        let rule = |(position, spec)| rule(spec, templates, &at.item(position));
        overrides.push(Override {
            name: spec.name,
            targets: TargetSelection::check(spec.targets.unwrap_or_default(), &here.field("targets"))?,
            rules: spec.rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?,
        });
    }
    Ok(overrides)
}

fn rule(spec: RuleSpec, templates: &[Template], path: &FieldPath) -> Result<Rule, SpecError> {
    let kind = spec.kind.parse::<TemplateKind>().map_err(|nearest| {
        path.field("kind").wrong(RuleProblem::Kind { found: spec.kind.clone(), nearest })
    })?;
    let is_there = |template: &Template| {
        template.id.kind == kind && spec.name.as_ref().is_none_or(|name| **name == *template.id.name)
    };
    if !templates.iter().any(is_there) {
        return Err(match &spec.name {
            Some(name) => {
                let nearest = nearest_template(templates, kind, name);
                path.field("name").wrong(RuleProblem::NoTemplate { kind, name: name.clone(), nearest })
            }
            None => path.field("kind").wrong(RuleProblem::KindUnused { kind }),
        });
    }
    let action = action(&spec, kind, path)?;
    Ok(Rule { kind, name: spec.name.map(Into::into), action })
}

/// The ways to say what a rule does.
const ACTIONS: &[&str] = &["patch", "merge", "labels", "annotations", "delete: true"];

fn action(spec: &RuleSpec, kind: TemplateKind, path: &FieldPath) -> Result<Action, SpecError> {
    let is_given = [
        spec.patch.is_some(),
        spec.merge.is_some(),
        spec.labels.is_some(),
        spec.annotations.is_some(),
        spec.delete,
    ];
    let given: Vec<&'static str> =
        ACTIONS.iter().zip(is_given).filter_map(|(name, is_given)| is_given.then_some(*name)).collect();
    if given.len() != 1 {
        return Err(path.wrong(Problem::OneOf { given, of: ACTIONS }));
    }
    if let Some(specs) = &spec.patch {
        let at = path.field("patch");
        if specs.is_empty() {
            return Err(at.wrong(Problem::Empty));
        }
        let operation = |(position, spec)| operation(spec, kind, &at.item(position));
        return Ok(Action::Patch(specs.iter().enumerate().map(operation).collect::<Result<_, _>>()?));
    }
    if let Some(merge) = &spec.merge {
        merge_patch(merge, kind, &path.field("merge"))?;
        return Ok(Action::Merge(merge.clone()));
    }
    if let Some(labels) = &spec.labels {
        marks(labels, &path.field("labels"), true)?;
        return Ok(Action::Labels(labels.clone()));
    }
    if let Some(annotations) = &spec.annotations {
        marks(annotations, &path.field("annotations"), false)?;
        return Ok(Action::Annotations(annotations.clone()));
    }
    Ok(Action::Delete)
}

fn operation(spec: &OperationSpec, kind: TemplateKind, path: &FieldPath) -> Result<Operation, SpecError> {
    let pointer = |text: &str, field: &str| -> Result<Pointer, SpecError> {
        text.parse().map_err(|error: ParsePointerError| path.field(field).wrong(RuleProblem::from(error)))
    };
    let to = pointer(&spec.path, "path")?;
    let from = spec.from.as_deref().map(|from| pointer(from, "from")).transpose()?;
    let (operation, needs_from, needs_value) = match spec.op {
        OperationName::Add => ("add", false, true),
        OperationName::Copy => ("copy", true, false),
        OperationName::Move => ("move", true, false),
        OperationName::Remove => ("remove", false, false),
        OperationName::Replace => ("replace", false, true),
        OperationName::Test => ("test", false, true),
    };
    for (field, needed, given) in
        [("from", needs_from, from.is_some()), ("value", needs_value, spec.value.is_some())]
    {
        match (needed, given) {
            (true, false) => return Err(path.field(field).wrong(RuleProblem::Needed { operation })),
            (false, true) => return Err(path.field(field).wrong(RuleProblem::Unneeded { operation })),
            (true, true) | (false, false) => {}
        }
    }
    let value = spec.value.clone().unwrap_or_default();
    texts(&value, &path.field("value"))?;
    let from = from.unwrap_or_default();
    let operation = match spec.op {
        OperationName::Add => Operation::Add { path: to, value },
        OperationName::Copy => Operation::Copy { from, path: to },
        OperationName::Move => Operation::Move { from, path: to },
        OperationName::Remove => Operation::Remove { path: to },
        OperationName::Replace => Operation::Replace { path: to, value },
        OperationName::Test => Operation::Test { path: to, value },
    };
    let version = Pointer::default().then("apiVersion");
    let is_said = match &operation {
        Operation::Add { path: to, value } | Operation::Replace { path: to, value } if *to == version => {
            version_of(value, kind, &path.field("value"))?;
            true
        }
        _ => false,
    };
    let is_taken = |pointer: &&Pointer| is_protected(pointer) || (!is_said && is_of_version(pointer));
    if let Some(protected) = operation.writes().find(is_taken) {
        let field = if protected == operation.path() { "path" } else { "from" };
        return Err(path.field(field).wrong(RuleProblem::Protected { path: protected.clone() }));
    }
    if let Operation::Add { path: to, value } | Operation::Replace { path: to, value } = &operation
        && let [top, field] = to.steps()
        && **top == *"metadata"
    {
        keys(field, value, &path.field("value"))?; // labels or annotations, for the rest is protected
    }
    Ok(operation)
}

/// Whether a pointer leads to the version of the API, or into it.
fn is_of_version(pointer: &Pointer) -> bool {
    pointer.steps().first().is_some_and(|top| **top == *"apiVersion")
}

/// A target may serve a kind in another version than others do; one that differs by target is looked at there.
fn version_of(value: &Value, kind: TemplateKind, path: &FieldPath) -> Result<(), SpecError> {
    let found = value.as_str().unwrap_or_default();
    if kind.api_versions().contains(&found) || variables_of(found).is_ok_and(|all| !all.is_empty()) {
        return Ok(());
    }
    Err(path.wrong(TemplateProblem::ApiVersion { kind, found: found.to_owned() }))
}

/// A merge patch writes the leaves of its own shape.
fn merge_patch(patch: &Value, kind: TemplateKind, path: &FieldPath) -> Result<(), SpecError> {
    let Some(fields) = patch.as_object() else {
        return Err(path.wrong(RuleProblem::NoMapping));
    };
    texts(patch, path)?;
    let top = Pointer::default();
    for (key, value) in fields {
        let here = top.then(key);
        if key == "apiVersion" {
            version_of(value, kind, &path.field(key))?;
        }
        let inner = value.as_object().filter(|_| key == "metadata");
        let written: Vec<(Pointer, FieldPath)> = match inner {
            Some(fields) => {
                fields.keys().map(|inner| (here.then(inner), path.field(key).field(inner))).collect()
            }
            None => vec![(here, path.field(key))],
        };
        if let Some((pointer, at)) = written.into_iter().find(|(pointer, _)| is_protected(pointer)) {
            return Err(at.wrong(RuleProblem::Protected { path: pointer }));
        }
        for (field, value) in inner.into_iter().flatten() {
            keys(field, value, &path.field(key).field(field))?;
        }
    }
    Ok(())
}

/// Checks the keys of labels or annotations that are written all at once.
fn keys(field: &str, marks: &Value, path: &FieldPath) -> Result<(), SpecError> {
    for key in marks.as_object().into_iter().flat_map(serde_json::Map::keys) {
        let here = path.field(key);
        let is_right = if field == "labels" { check_key(key) } else { check_annotation_key(key) };
        is_right.map_err(|problem| here.wrong(problem))?;
        if is_ours(key) {
            return Err(here.wrong(LabelProblem::Reserved { key: key.clone() }));
        }
    }
    Ok(())
}

fn marks(marks: &Marks, path: &FieldPath, are_labels: bool) -> Result<(), SpecError> {
    if marks.is_empty() {
        return Err(path.wrong(Problem::Empty));
    }
    for (key, value) in marks {
        let here = path.field(key);
        let is_right = if are_labels { check_key(key) } else { check_annotation_key(key) };
        is_right.map_err(|problem| here.wrong(problem))?;
        if is_ours(key) {
            return Err(here.wrong(LabelProblem::Reserved { key: key.clone() }));
        }
        let Some(value) = value else { continue };
        let variables = variables_of(value).map_err(|problem| here.wrong(RuleProblem::from(problem)))?;
        if are_labels && variables.is_empty() {
            check_value(value).map_err(|problem| here.wrong(problem))?;
        }
    }
    Ok(())
}

/// Checks the variables in all texts of a value.
fn texts(value: &Value, path: &FieldPath) -> Result<(), SpecError> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => {
            variables_of(text).map(|_| ()).map_err(|problem| path.wrong(RuleProblem::from(problem)))
        }
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| texts(item, &path.item(index)))
        }
        Value::Object(members) => members.iter().try_for_each(|(key, value)| texts(value, &path.field(key))),
    }
}
