//! Whether an object is what its kind's own schema says.
//!
//! A small reader of the structural schemas that Kubernetes' API servers
//! enforce: types, required fields, enums, bounds, the `oneOf` of Istio's
//! choices, and the rules that Istio writes in CEL ([`rule`]); for a Service what
//! its server checks in code ([`service`]). A field that the schema does not know
//! is a warning here, for newer servers may know it, while all else is an error.
//! Sources: Istio's CRDs (`data/README.md`), the Kubernetes API for Service.

mod rule;
mod service;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Template, TemplateKind};
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;

/// The schemas of all kinds that can be templates.
///
/// ```
/// use mesh_model::template::{SchemaProblem, Schemas, TemplateKind};
/// use serde_json::json;
///
/// let schemas = Schemas::embedded();
/// let object = json!({ "spec": { "servers": [{ "port": { "number": "443" } }] } });
/// let findings = schemas.check_object(TemplateKind::Gateway, &object);
/// assert!(findings.iter().any(|finding| finding.path.to_string() == "/spec/servers/0/port/number"
///     && matches!(finding.problem, SchemaProblem::Type { .. })));
/// ```
#[derive(Clone, Debug)]
pub struct Schemas(BTreeMap<TemplateKind, Value>);

/// Something that is not as a schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFinding {
    /// Where, from the top of the object.
    pub path: Pointer,
    /// What.
    pub problem: SchemaProblem,
}

/// What is not as a schema says; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaProblem {
    /// Not one of the values.
    #[error("{} is not possible here; write {}{}", quoted(found), known.join(", "), did_you_mean(nearest.as_deref()))]
    Enum {
        /// As written.
        found: String,
        /// What is possible.
        known: Vec<String>,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// Fields that exclude each other, or of which one is needed.
    #[error("{}", choice(fields, given))]
    Choice {
        /// The fields.
        fields: Vec<String>,
        /// Those that are given.
        given: Vec<String>,
    },
    /// Too many or too few, too long or too short, too large or too small.
    #[error("{found} is out of bounds; {bound}")]
    Bound {
        /// What it is.
        found: String,
        /// What it may be.
        bound: String,
    },
    /// A field that must be there.
    #[error("`{field}` is missing; add it")]
    Missing {
        /// The field.
        field: String,
    },
    /// Something that the kind's own rules forbid.
    #[error("{reason}")]
    Rule {
        /// Which, in the schema's words where it has some.
        reason: String,
    },
    /// Another type.
    #[error("{found} is not possible here; write {wanted}")]
    Type {
        /// As written.
        found: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A field that the schema does not have; it is kept.
    #[error("no known field{}", did_you_mean(nearest.as_deref()))]
    UnknownField {
        /// The nearest known field.
        nearest: Option<String>,
    },
}

impl SchemaProblem {
    /// Whether the object can be sent all the same.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        matches!(self, Self::UnknownField { .. })
    }
}

const ISTIO: &str = include_str!("../../data/istio-schemas.json");
const SERVICE: &str = include_str!("../../schemas/service.json");

impl Schemas {
    /// The schemas that are compiled in; reading them takes some milliseconds, so keep the value.
    #[must_use]
    pub fn embedded() -> Self {
        let istio: BTreeMap<String, Value> =
            serde_json::from_str(ISTIO).expect("an embedded file, read in tests");
        let service = serde_json::from_str(SERVICE).expect("an embedded file, read in tests");
        let named = |(name, mut schema): (String, Value)| {
            rule::unfold(&mut schema);
            (name.parse::<TemplateKind>().expect("the file has our kinds, which tests check"), schema)
        };
        Self(istio.into_iter().map(named).chain([(TemplateKind::Service, service)]).collect())
    }

    /// What is wrong with a template, in the order of its fields.
    #[must_use]
    pub fn check(&self, template: &Template) -> Vec<SchemaFinding> {
        self.check_object(template.id.kind, &template.object)
    }

    /// The same of an object of a kind, whose frame is right.
    #[must_use]
    pub fn check_object(&self, kind: TemplateKind, object: &Value) -> Vec<SchemaFinding> {
        let mut findings = Vec::new();
        let mut check = Check { at: Vec::new(), findings: &mut findings };
        let top = object.as_object();
        for key in top.into_iter().flat_map(Map::keys) {
            if !["apiVersion", "kind", "metadata", "spec"].contains(&key.as_str()) {
                check.at.push(Step::Field(key));
                check.found(SchemaProblem::UnknownField { nearest: None });
                check.at.pop();
            }
        }
        match top.and_then(|fields| fields.get("spec")) {
            Some(spec) => {
                check.at.push(Step::Field("spec"));
                check.value(&self.0[&kind], spec);
            }
            None if kind.needs_spec() => check.found(SchemaProblem::Missing { field: "spec".to_owned() }),
            None => {}
        }
        if kind == TemplateKind::Service && findings.iter().all(|finding| finding.problem.is_warning()) {
            findings.extend(service::check(object.get("spec").unwrap_or(&Value::Null)));
        }
        findings
    }
}

/// One walk over an object.
struct Check<'v, 'f> {
    at: Vec<Step<'v>>,
    findings: &'f mut Vec<SchemaFinding>,
}

/// A step of the walk; a pointer is made of them only where something is found.
enum Step<'v> {
    Field(&'v str),
    Item(usize),
}

impl<'v> Check<'v, '_> {
    fn found(&mut self, problem: SchemaProblem) {
        let step = |step: &Step<'v>| match step {
            Step::Field(name) => Cow::Borrowed(*name),
            Step::Item(index) => Cow::Owned(index.to_string()),
        };
        self.findings.push(SchemaFinding { path: self.at.iter().map(step).collect(), problem });
    }

    fn value(&mut self, schema: &Value, value: &'v Value) {
        let is = |name: &str| schema.get(name) == Some(&Value::Bool(true));
        if value.is_null() && is("nullable") {
            return;
        }
        let wanted = match schema.get("type").and_then(Value::as_str) {
            _ if is("x-kubernetes-int-or-string") => {
                (!value.is_i64() && !value.is_u64() && !value.is_string())
                    .then_some("a whole number or a text")
            }
            Some("object") => (!value.is_object()).then_some("a mapping"),
            Some("array") => (!value.is_array()).then_some("a list"),
            Some("string") => {
                (!value.is_string()).then_some("a text (in quotes where it looks like a number)")
            }
            Some("boolean") => (!value.is_boolean()).then_some("true or false"),
            Some("integer") => {
                (!value.is_i64() && !value.is_u64()).then_some("a whole number, without quotes")
            }
            Some("number") => (!value.is_number()).then_some("a number, without quotes"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let large = too_large(value).filter(|_| wanted.starts_with("a whole number"));
            let wanted = if large.is_some() { "a smaller whole number" } else { wanted };
            let found = large.unwrap_or_else(|| value.to_string());
            return self.found(SchemaProblem::Type { found: quoted(&found), wanted });
        }
        if schema.as_object().is_some_and(|schema| schema.len() == 1 && schema.contains_key("type"))
            && !value.is_object()
            && !value.is_array()
        {
            // most fields have a type and nothing more to be asked for
            return;
        }
        self.among(schema, value);
        self.bounds(schema, value);
        self.choices(schema, value);
        self.rules(schema, value);
        match value {
            Value::Object(fields) => self.fields(schema, fields),
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.at.push(Step::Item(index));
                    self.value(schema, item);
                    self.at.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn fields(&mut self, schema: &Value, fields: &'v Map<String, Value>) {
        for field in names(schema.get("required")).filter(|field| !fields.contains_key(*field)) {
            self.found(SchemaProblem::Missing { field: field.to_owned() });
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let other = schema.get("additionalProperties");
        let keeps = schema.get("x-kubernetes-preserve-unknown-fields").is_some()
            || (known.is_none() && other.is_none());
        for (key, value) in fields {
            self.at.push(Step::Field(key));
            match (known.and_then(|known| known.get(key)), other) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => self.value(schema, value),
                (None, Some(Value::Bool(true))) => {}
                _ if keeps => {}
                _ => {
                    let names = known.into_iter().flat_map(Map::keys).map(String::as_str);
                    let nearest = nearest(key, names).map(str::to_owned);
                    self.found(SchemaProblem::UnknownField { nearest });
                }
            }
            self.at.pop();
        }
    }

    fn among(&mut self, schema: &Value, value: &Value) {
        let Some(known) = schema.get("enum").and_then(Value::as_array) else { return };
        if known.contains(value) {
            return;
        }
        let found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let known: Vec<String> = names(schema.get("enum")).map(str::to_owned).collect();
        let nearest = nearest(&found, known.iter().map(String::as_str)).map(str::to_owned);
        self.found(SchemaProblem::Enum { found, known, nearest });
    }

    fn bounds(&mut self, schema: &Value, value: &Value) {
        let (measure, unit, [least, most]) = match value {
            Value::Number(number) => (number.as_f64(), "", ["minimum", "maximum"]),
            Value::String(text) => {
                (Some(text.chars().count() as f64), " characters", ["minLength", "maxLength"])
            }
            Value::Array(items) => (Some(items.len() as f64), " items", ["minItems", "maxItems"]),
            Value::Object(fields) => {
                (Some(fields.len() as f64), " fields", ["minProperties", "maxProperties"])
            }
            Value::Null | Value::Bool(_) => return,
        };
        let Some(measure) = measure else { return };
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let bound = match (bound(least), bound(most)) {
            (Some(least), _) if measure < least => format!("write at least {least}"),
            (_, Some(most)) if measure > most => format!("write at most {most}"),
            _ => return,
        };
        self.found(SchemaProblem::Bound { found: format!("{measure}{unit}"), bound });
    }

    /// Rules in CEL, patterns, and lists whose items are told apart by a field.
    fn rules(&mut self, schema: &Value, value: &Value) {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
        for rule in rules.into_iter().flatten() {
            let text = |field: &str| rule.get(field).and_then(Value::as_str).unwrap_or_default();
            if rule::holds(text("rule"), value) == Some(false) {
                let found = if value.is_object() || value.is_array() {
                    String::new()
                } else {
                    quoted(&value.to_string()) + ": "
                };
                self.found(SchemaProblem::Rule { reason: format!("{found}{}", text("message")) });
            }
        }
        if let (Some(pattern), Some(text)) = (schema.get("pattern").and_then(Value::as_str), value.as_str())
            && rule::matches(pattern, text) == Some(false)
        {
            let reason = format!("{} does not match {pattern}", quoted(text));
            self.found(SchemaProblem::Rule { reason });
        }
        let keys: Vec<&str> = names(schema.get("x-kubernetes-list-map-keys")).collect();
        let mut seen = BTreeMap::new();
        for (position, item) in
            value.as_array().into_iter().flatten().enumerate().filter(|_| !keys.is_empty())
        {
            let key: Vec<String> = keys.iter().map(|key| item[*key].to_string()).collect();
            if let Some(first) = seen.insert(key, position) {
                self.at.push(Step::Item(position));
                let reason =
                    format!("it has the {} of number {first}, from 0; write another", keys.join(" and "));
                self.found(SchemaProblem::Rule { reason });
                self.at.pop();
            }
        }
    }

    /// Istio says by these which fields exclude each other.
    fn choices(&mut self, schema: &Value, value: &Value) {
        let branches = |name: &str| schema.get(name).and_then(Value::as_array).map(Vec::as_slice);
        let one = branches("oneOf").is_some_and(|branches| count(branches, value) != 1);
        let any = branches("anyOf").is_some_and(|branches| count(branches, value) == 0);
        for (is_wrong, name) in [(one, "oneOf"), (any, "anyOf")] {
            if is_wrong {
                let mut fields = Vec::new();
                mentioned(&schema[name], &mut fields);
                let given =
                    fields.iter().filter(|field| value.get(field.as_str()).is_some()).cloned().collect();
                self.found(SchemaProblem::Choice { fields, given });
            }
        }
        for branch in branches("allOf").unwrap_or_default() {
            self.choices(branch, value);
        }
    }
}

/// The digits of a whole number that no program here holds as one.
fn too_large(value: &Value) -> Option<String> {
    let number = value.as_number().filter(|number| number.is_f64())?.as_f64()?;
    (number.fract() == 0.0 && number.abs() >= u64::MAX as f64).then(|| format!("{number}"))
}

fn count(branches: &[Value], value: &Value) -> usize {
    branches.iter().filter(|branch| holds(branch, value)).count()
}

/// Whether a value is as a schema without fields of its own says.
fn holds(schema: &Value, value: &Value) -> bool {
    let branches = |name: &str| schema.get(name).and_then(Value::as_array);
    names(schema.get("required")).all(|field| value.get(field).is_some())
        && schema.get("not").is_none_or(|schema| !holds(schema, value))
        && branches("anyOf").is_none_or(|branches| count(branches, value) > 0)
        && branches("oneOf").is_none_or(|branches| count(branches, value) == 1)
        && branches("allOf").is_none_or(|branches| count(branches, value) == branches.len())
}

/// The fields that a choice is about, in order of mention.
fn mentioned(schema: &Value, fields: &mut Vec<String>) {
    match schema {
        Value::Array(branches) => branches.iter().for_each(|branch| mentioned(branch, fields)),
        Value::Object(parts) => {
            for field in names(parts.get("required")) {
                if fields.iter().all(|known| known != field) {
                    fields.push(field.to_owned());
                }
            }
            for part in ["not", "anyOf", "oneOf", "allOf"].iter().filter_map(|name| parts.get(*name)) {
                mentioned(part, fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn choice(fields: &[String], given: &[String]) -> String {
    match given {
        [] => format!("write one of {}", fields.join(", ")),
        given => format!("{} exclude each other; write one of them", given.join(" and ")),
    }
}
