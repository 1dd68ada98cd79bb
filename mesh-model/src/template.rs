//! Templates: the Kubernetes and Istio objects inside an access point.
//!
//! A template is kept as it was written, field by field; only its frame is
//! ours to check: a kind that we know, a name, labels, nothing that belongs to
//! the server. What is inside is checked against the kinds' own schemas
//! ([`Schemas`]) and read through typed views ([`view`]), which look at the
//! fields that decisions need and ignore the rest. Which fields differ on a
//! target is [`overrides`](crate::overrides)'s business.

mod kind;
mod schema;
pub mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::api::{FieldPath, Problem, SpecError};
use crate::labels::{LabelProblem, Labels, check_annotation_key, check_key, check_value, is_ours};
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest, quoted};

pub use kind::{NameForm, TemplateKind};
pub use schema::{SchemaFinding, SchemaProblem, Schemas};

/// One object of an access point, its frame checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its kind and name.
    pub id: TemplateId,
    /// The object as it was written; a mapping.
    pub object: Value,
}

/// Which template of an access point; displays as `Gateway/checkout`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId {
    /// Its kind.
    pub kind: TemplateKind,
    /// Its name; copies share it, for a trace has one with every field.
    pub name: Arc<str>,
}

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// What is wrong with a template's frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// A version of the kind that we do not write.
    #[error("{} is no version of {kind}; write {}", quoted(found), kind.api_versions().join(" or "))]
    ApiVersion {
        /// The kind.
        kind: TemplateKind,
        /// As written.
        found: String,
    },
    /// Two templates of one kind and name.
    #[error("{id} is [{first}] of the templates already; write another name")]
    Duplicate {
        /// The kind and name.
        id: TemplateId,
        /// Position of the first, from 0.
        first: usize,
    },
    /// A kind that is no template.
    #[error("{} can be no template; write {}{}", quoted(found), TemplateKind::ALL.map(TemplateKind::as_str).join(", "), did_you_mean(*nearest))]
    Kind {
        /// As written.
        found: String,
        /// The nearest kind.
        nearest: Option<&'static str>,
    },
    /// A field of the frame that is not there.
    #[error("missing; write {right}")]
    Missing {
        /// What to write.
        right: &'static str,
    },
    /// A name that no object can have.
    #[error("{} is no name of such an object; write {form}", quoted(found))]
    Name {
        /// As written.
        found: String,
        /// What the kind's names are.
        form: NameForm,
    },
    /// Another namespace than the access point's.
    #[error("{} is not the access point's namespace; leave it out, `{wanted}` is written", quoted(found))]
    Namespace {
        /// As written.
        found: String,
        /// The access point's.
        wanted: Name,
    },
    /// Something of another type.
    #[error("{right} is wanted here")]
    Type {
        /// What is right.
        right: &'static str,
    },
    /// A field that is not a person's.
    #[error("the server or a controller writes this; leave it out")]
    Written,
}

impl Template {
    /// The kind's own typed view of it.
    ///
    /// # Errors
    ///
    /// A field is of another type than the schema says, which [`Schemas::check`]
    /// would have found with its place.
    pub fn view<V: view::View>(&self) -> Result<V, view::ViewError> {
        view::of(&self.object)
    }

    /// Checks an object as it is written at `path`, in an access point of `namespace`.
    pub(crate) fn check(object: Value, namespace: &Name, path: &FieldPath) -> Result<Self, SpecError> {
        Ok(Self { id: Self::check_frame(&object, namespace, path)?, object })
    }

    /// The same of an object that somebody else keeps; gives which one it is.
    pub(crate) fn check_frame(
        object: &Value,
        namespace: &Name,
        path: &FieldPath,
    ) -> Result<TemplateId, SpecError> {
        let Some(fields) = object.as_object() else {
            return Err(path.wrong(TemplateProblem::Type { right: "a Kubernetes object" }));
        };
        let at = || path.field("kind");
        let kind = text(fields.get("kind"), "the kind", at)?;
        let kind = kind
            .parse::<TemplateKind>()
            .map_err(|nearest| at().wrong(TemplateProblem::Kind { found: kind.to_owned(), nearest }))?;
        let at = || path.field("apiVersion");
        let version = text(fields.get("apiVersion"), "the group and version", at)?;
        if !kind.api_versions().contains(&version) {
            return Err(at().wrong(TemplateProblem::ApiVersion { kind, found: version.to_owned() }));
        }
        if fields.contains_key("status") {
            return Err(path.field("status").wrong(TemplateProblem::Written));
        }
        let metadata = fields.get("metadata");
        let name = metadata_name(metadata, kind, namespace, || path.field("metadata"))?;
        Ok(TemplateId { kind, name })
    }
}

/// Checks all templates of an access point.
pub(crate) fn check(
    objects: Vec<Value>,
    namespace: &Name,
    path: &FieldPath,
) -> Result<Vec<Template>, SpecError> {
    if objects.is_empty() {
        return Err(path.wrong(Problem::Empty));
    }
    let mut templates: Vec<Template> = Vec::with_capacity(objects.len());
    let mut places: BTreeMap<TemplateId, usize> = BTreeMap::new();
    for (position, object) in objects.into_iter().enumerate() {
        let here = path.item(position);
        let template = Template::check(object, namespace, &here)?;
        if let Some(first) = places.insert(template.id.clone(), position) {
            let problem = TemplateProblem::Duplicate { id: template.id, first };
            return Err(here.field("metadata").field("name").wrong(problem));
        }
        templates.push(template);
    }
    Ok(templates)
}

/// The fields of `metadata` that a person writes.
const WRITABLE: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// The name of an object whose metadata a person may have written.
///
/// Here and below a path is made only where something is wrong: renderings check every object of every target.
fn metadata_name(
    metadata: Option<&Value>,
    kind: TemplateKind,
    namespace: &Name,
    path: impl Fn() -> FieldPath,
) -> Result<Arc<str>, SpecError> {
    let Some(fields) = metadata.and_then(Value::as_object) else {
        return Err(path().wrong(TemplateProblem::Missing { right: "metadata with a name" }));
    };
    let at = || path().field("name");
    let name = text(fields.get("name"), "a name", at)?;
    let form = kind.name_form();
    if !form.is_met(name) {
        return Err(at().wrong(TemplateProblem::Name { found: name.to_owned(), form }));
    }
    if let Some(found) = fields.get("namespace") {
        let at = || path().field("namespace");
        let found = text(Some(found), "a namespace", at)?;
        if *namespace != *found {
            let problem = TemplateProblem::Namespace { found: found.to_owned(), wanted: namespace.clone() };
            return Err(at().wrong(problem));
        }
    }
    if let Some(field) = fields.keys().find(|field| !WRITABLE.contains(&field.as_str())) {
        return Err(path().field(field).wrong(TemplateProblem::Written));
    }
    marks(fields.get("labels"), || path().field("labels"), check_key, check_value)?;
    marks(fields.get("annotations"), || path().field("annotations"), check_annotation_key, |_| Ok(()))?;
    Ok(name.into())
}

/// Checks labels or annotations of a template.
fn marks(
    marks: Option<&Value>,
    path: impl Fn() -> FieldPath,
    is_key: impl Fn(&str) -> Result<(), LabelProblem>,
    is_value: impl Fn(&str) -> Result<(), LabelProblem>,
) -> Result<(), SpecError> {
    let Some(marks) = marks else { return Ok(()) };
    let Some(marks) = marks.as_object() else {
        return Err(path().wrong(TemplateProblem::Type { right: "a mapping of texts" }));
    };
    for (key, value) in marks {
        let here = || path().field(key);
        is_key(key).map_err(|problem| here().wrong(problem))?;
        if is_ours(key) {
            return Err(here().wrong(LabelProblem::Reserved { key: key.clone() }));
        }
        let Some(value) = value.as_str() else {
            return Err(here().wrong(TemplateProblem::Type { right: "a text (in quotes)" }));
        };
        is_value(value).map_err(|problem| here().wrong(problem))?;
    }
    Ok(())
}

fn text<'a>(
    value: Option<&'a Value>,
    right: &'static str,
    path: impl Fn() -> FieldPath,
) -> Result<&'a str, SpecError> {
    match value {
        None | Some(Value::Null) => Err(path().wrong(TemplateProblem::Missing { right })),
        Some(value) => value.as_str().ok_or_else(|| path().wrong(TemplateProblem::Type { right: "a text" })),
    }
}

/// The labels of an object whose frame was checked.
#[must_use]
pub fn labels_of(object: &Value) -> Labels {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

/// The template that a misspelt name most likely meant.
pub(crate) fn nearest_template(templates: &[Template], kind: TemplateKind, name: &str) -> Option<String> {
    let of_kind = templates.iter().filter(|template| template.id.kind == kind);
    nearest(name, of_kind.map(|template| &*template.id.name)).map(str::to_owned)
}

#[cfg(test)]
mod tests;
