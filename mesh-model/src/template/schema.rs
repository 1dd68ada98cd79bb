//! Whether an object is what its kind's own schema says.
//!
//! A small reader of the structural schemas that Kubernetes' API servers
//! enforce: types, required fields, enums, bounds, the `oneOf` of Istio's
//! choices, and the rules that Istio writes in CEL ([`rule`]); for a Service what
//! its server checks in code ([`service`]). A field that the schema does not know
//! is a warning here, for newer servers may know it, while all else is an error.
//! Sources: Istio's CRDs (`data/README.md`), the Kubernetes API for Service.

mod node;
mod rule;
mod service;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Template, TemplateKind};
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;

use node::{Demands, Fields, Form, Measure, Node, Others};

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
pub struct Schemas(Arc<BTreeMap<TemplateKind, Node>>);

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
        wanted: Cow<'static, str>,
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
    /// The schemas that are compiled in; reading them takes some milliseconds, so keep the value or copies, which share it.
    #[must_use]
    pub fn embedded() -> Self {
        let nodes = texts().into_iter().map(|(kind, schema)| (kind, Node::new(&schema)));
        Self(Arc::new(nodes.collect()))
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

    fn value(&mut self, node: &Node, value: &'v Value) {
        if value.is_null() && node.is_nullable {
            return;
        }
        if !node.form.is_of(value) {
            return self.other_form(node, value);
        }
        if let Some(demands) = &node.demands {
            self.demands(demands, value);
        }
        match value {
            Value::Object(fields) => self.fields(&node.fields, fields),
            Value::Array(items) => {
                let Some(node) = &node.items else { return };
                for (index, item) in items.iter().enumerate() {
                    self.at.push(Step::Item(index));
                    self.value(node, item);
                    self.at.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn other_form(&mut self, node: &Node, value: &Value) {
        let is_whole = matches!(node.form, Form::Integer | Form::IntegerOrText);
        let large = too_large(value).filter(|_| is_whole);
        let wanted = match value {
            _ if large.is_some() => Cow::Borrowed("a smaller whole number"),
            Value::Number(seconds) if node.is_duration() => {
                Cow::Owned(format!("a duration with its unit, `{seconds}s` if these are seconds"))
            }
            Value::Bool(_) | Value::Number(_) if node.form == Form::Text => {
                Cow::Owned(format!("a text, which is \"{value}\" in quotes"))
            }
            _ => Cow::Borrowed(node.form.wanted()),
        };
        let found = large.unwrap_or_else(|| value.to_string());
        self.found(SchemaProblem::Type { found: quoted(&found), wanted });
    }

    fn fields(&mut self, known: &Fields, fields: &'v Map<String, Value>) {
        for field in known.required.iter().filter(|field| !fields.contains_key(*field)) {
            self.found(SchemaProblem::Missing { field: field.clone() });
        }
        for (key, value) in fields {
            self.at.push(Step::Field(key));
            match (known.of(key), &known.others) {
                (Some(node), _) => self.value(node, value),
                (None, Others::Checked(node)) => self.value(node, value),
                (None, Others::Kept) => {}
                (None, Others::Reported) => {
                    let nearest = nearest(key, known.names()).map(str::to_owned);
                    self.found(SchemaProblem::UnknownField { nearest });
                }
            }
            self.at.pop();
        }
    }

    fn demands(&mut self, demands: &Demands, value: &'v Value) {
        self.among(&demands.known, value);
        self.bounds(demands, value);
        for choice in demands.choices.iter().filter(|choice| !choice.is_met(value)) {
            let fields = choice.fields.clone();
            let given = fields.iter().filter(|field| value.get(field.as_str()).is_some()).cloned().collect();
            self.found(SchemaProblem::Choice { fields, given });
        }
        self.rules(demands, value);
        if let (false, Value::Array(items)) = (demands.keys.is_empty(), value) {
            self.told_apart(&demands.keys, items);
        }
    }

    fn among(&mut self, known: &[String], value: &Value) {
        if known.is_empty() || value.as_str().is_some_and(|text| known.iter().any(|known| known == text)) {
            return;
        }
        let found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let nearest = nearest(&found, known.iter().map(String::as_str)).map(str::to_owned);
        self.found(SchemaProblem::Enum { found, known: known.to_vec(), nearest });
    }

    fn bounds(&mut self, demands: &Demands, value: &Value) {
        if demands.bounds.is_empty() {
            return;
        }
        let Some((of, measure)) = Measure::of(value) else { return };
        for bound in demands.bounds.iter().filter(|bound| bound.of == of) {
            let bound = match (bound.least, bound.most) {
                (Some(least), _) if measure < least => format!("write at least {least}"),
                (_, Some(most)) if measure > most => format!("write at most {most}"),
                _ => continue,
            };
            self.found(SchemaProblem::Bound { found: format!("{measure}{}", of.unit()), bound });
        }
    }

    /// Rules in CEL, and patterns.
    fn rules(&mut self, demands: &Demands, value: &Value) {
        for rule in demands.rules.iter().filter(|rule| !(rule.holds)(value)) {
            let found = if value.is_object() || value.is_array() {
                String::new()
            } else {
                quoted(&value.to_string()) + ": "
            };
            self.found(SchemaProblem::Rule { reason: format!("{found}{}", rule.message) });
        }
        if let (Some(pattern), Some(text)) = (&demands.pattern, value.as_str())
            && !(pattern.matches)(text)
        {
            let reason = format!("{} does not match {}", quoted(text), pattern.text);
            self.found(SchemaProblem::Rule { reason });
        }
    }

    /// Whether a list's items differ in the fields that tell them apart.
    fn told_apart(&mut self, keys: &[String], items: &[Value]) {
        let mut seen = BTreeMap::new();
        for (position, item) in items.iter().enumerate() {
            let key: Vec<String> = keys.iter().map(|key| item[key.as_str()].to_string()).collect();
            if let Some(first) = seen.insert(key, position) {
                self.at.push(Step::Item(position));
                let reason = format!("[{first}] has the same {} already; write another", keys.join(" and "));
                self.found(SchemaProblem::Rule { reason });
                self.at.pop();
            }
        }
    }
}

/// The schemas as they are embedded, rules in one line each.
fn texts() -> BTreeMap<TemplateKind, Value> {
    let istio: BTreeMap<String, Value> =
        serde_json::from_str(ISTIO).expect("an embedded file, read in tests");
    let service = serde_json::from_str(SERVICE).expect("an embedded file, read in tests");
    let named = |(name, mut schema): (String, Value)| {
        rule::unfold(&mut schema);
        (name.parse::<TemplateKind>().expect("the file has our kinds, which tests check"), schema)
    };
    istio.into_iter().map(named).chain([(TemplateKind::Service, service)]).collect()
}

/// The digits of a whole number that no program here holds as one.
fn too_large(value: &Value) -> Option<String> {
    let number = value.as_number().filter(|number| number.is_f64())?.as_f64()?;
    (number.fract() == 0.0 && number.abs() >= u64::MAX as f64).then(|| format!("{number}"))
}

fn choice(fields: &[String], given: &[String]) -> String {
    match given {
        [] => format!("write one of {}", fields.join(", ")),
        given => format!("{} exclude each other; write one of them", given.join(" and ")),
    }
}
