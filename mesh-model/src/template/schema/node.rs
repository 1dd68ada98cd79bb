//! A structural schema, read once into what a walk over an object asks.
//!
//! The idea: nothing is looked up by a keyword's name while an object is
//! checked. A [`Node`] has what a schema says of one value in fields of its own:
//! rules are functions, names that exclude each other are bits, and a mapping's
//! fields lie in order. What most fields have, a type and nothing more, is seen
//! at once. What is found where is [`Schemas`](super::Schemas)'s business.

use serde_json::Value;

use super::rule;

/// What a schema asks of one value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) form: Form,
    pub(super) is_nullable: bool,
    /// What is asked beside the form and what is inside; most have nothing.
    pub(super) demands: Option<Box<Demands>>,
    /// What is asked of a mapping's fields.
    pub(super) fields: Fields,
    /// What is asked of a list's items.
    pub(super) items: Option<Box<Self>>,
}

/// Which values are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    Boolean,
    Integer,
    IntegerOrText,
    List,
    Mapping,
    Number,
    Text,
}

/// What is asked of a value of the right form.
#[derive(Debug)]
pub(super) struct Demands {
    /// The texts that are possible; all if none is here.
    pub(super) known: Vec<String>,
    pub(super) bounds: Vec<Bound>,
    pub(super) choices: Vec<Choice>,
    pub(super) rules: Vec<Rule>,
    pub(super) pattern: Option<Pattern>,
    /// The fields that tell a list's items apart.
    pub(super) keys: Vec<String>,
}

/// How large something may be.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) of: Measure,
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Characters,
    Fields,
    Items,
    Number,
}

/// Fields of which there is to be one, or one at least.
#[derive(Debug)]
pub(super) struct Choice {
    /// In order of mention; a branch knows each by its bit.
    pub(super) fields: Vec<String>,
    branches: Vec<Branch>,
    /// Whether more than one branch may hold.
    is_any: bool,
}

/// What a branch of a choice says of the fields that are there.
#[derive(Debug)]
struct Branch {
    required: u64,
    not: Option<Box<Self>>,
    any: Vec<Self>,
    one: Vec<Self>,
    all: Vec<Self>,
}

/// A rule in CEL.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) holds: rule::Holds,
    pub(super) message: String,
}

/// A regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) matches: rule::Matches,
    pub(super) text: String,
}

/// What is asked of the fields of a mapping.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) required: Vec<String>,
    /// By name, in order.
    known: Vec<(Box<str>, Node)>,
    pub(super) others: Others,
}

/// What is asked of a field that a schema does not name.
#[derive(Debug)]
pub(super) enum Others {
    Checked(Box<Node>),
    Kept,
    Reported,
}

impl Node {
    /// Reads a schema.
    ///
    /// # Panics
    ///
    /// It says something that is not known here; ours are embedded, and a test reads them all.
    pub(super) fn new(schema: &Value) -> Self {
        let inside = |name: &str| schema.get(name).filter(|inside| inside.is_object()).map(Self::new);
        Self {
            form: Form::new(schema),
            is_nullable: is_true(schema, "nullable"),
            demands: Demands::new(schema).map(Box::new),
            fields: Fields::new(schema, inside("additionalProperties")),
            items: inside("items").map(Box::new),
        }
    }

    /// Whether the schema's own rules ask for a duration.
    pub(super) fn is_duration(&self) -> bool {
        let rules = self.demands.iter().flat_map(|demands| &demands.rules);
        rules.into_iter().any(|rule| rule.message.contains("valid duration"))
    }
}

impl Form {
    fn new(schema: &Value) -> Self {
        if is_true(schema, "x-kubernetes-int-or-string") {
            return Self::IntegerOrText;
        }
        match schema.get("type").and_then(Value::as_str) {
            None => Self::Any,
            Some("array") => Self::List,
            Some("boolean") => Self::Boolean,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("object") => Self::Mapping,
            Some("string") => Self::Text,
            Some(other) => panic!("{other} is no type of a structural schema"),
        }
    }

    /// Whether a value has it.
    pub(super) fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::IntegerOrText => value.is_i64() || value.is_u64() || value.is_string(),
            Self::List => value.is_array(),
            Self::Mapping => value.is_object(),
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
        }
    }

    /// What to write.
    pub(super) const fn wanted(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number, without quotes",
            Self::IntegerOrText => "a whole number or a text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
            Self::Number => "a number, without quotes",
            Self::Text => "a text",
        }
    }
}

impl Demands {
    /// `None` if a schema has none.
    fn new(schema: &Value) -> Option<Self> {
        let text = |rule: &Value, field: &str| rule.get(field).and_then(Value::as_str).map(str::to_owned);
        let rule = |rule: &Value| Rule {
            holds: rule::of(&text(rule, "rule").unwrap_or_default()).expect("a test looks for each rule"),
            message: text(rule, "message").unwrap_or_default(),
        };
        let pattern = |text: String| Pattern {
            matches: rule::pattern(&text).expect("a test looks for each pattern"),
            text,
        };
        let mut choices = Vec::new();
        Choice::collect(schema, &mut choices);
        let demands = Self {
            known: names(schema, "enum"),
            bounds: Bound::all(schema),
            choices,
            rules: list(schema, "x-kubernetes-validations").iter().map(rule).collect(),
            pattern: text(schema, "pattern").map(pattern),
            keys: names(schema, "x-kubernetes-list-map-keys"),
        };
        let Self { known, bounds, choices, rules, pattern, keys } = &demands;
        let is_none = known.is_empty()
            && bounds.is_empty()
            && choices.is_empty()
            && rules.is_empty()
            && pattern.is_none()
            && keys.is_empty();
        (!is_none).then_some(demands)
    }
}

impl Bound {
    fn all(schema: &Value) -> Vec<Self> {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let bounds = [
            (Measure::Characters, "minLength", "maxLength"),
            (Measure::Fields, "minProperties", "maxProperties"),
            (Measure::Items, "minItems", "maxItems"),
            (Measure::Number, "minimum", "maximum"),
        ];
        let bounds = bounds.map(|(of, least, most)| Self { of, least: bound(least), most: bound(most) });
        bounds.into_iter().filter(|bound| bound.least.is_some() || bound.most.is_some()).collect()
    }
}

impl Measure {
    /// How large a value is, in its own measure.
    pub(super) fn of(value: &Value) -> Option<(Self, f64)> {
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Number(number) => Some((Self::Number, number.as_f64()?)),
            Value::String(text) => Some((Self::Characters, text.chars().count() as f64)),
            Value::Array(items) => Some((Self::Items, items.len() as f64)),
            Value::Object(fields) => Some((Self::Fields, fields.len() as f64)),
        }
    }

    /// What stands after the number.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Characters => " characters",
            Self::Fields => " fields",
            Self::Items => " items",
            Self::Number => "",
        }
    }
}

impl Choice {
    /// Istio says by these which fields exclude each other; those in `allOf` hold all of them.
    fn collect(schema: &Value, choices: &mut Vec<Self>) {
        for (name, is_any) in [("oneOf", false), ("anyOf", true)] {
            let mut fields = Vec::new();
            let branches = branches(schema, name, &mut fields);
            if !branches.is_empty() {
                choices.push(Self { fields, branches, is_any });
            }
        }
        list(schema, "allOf").iter().for_each(|branch| Self::collect(branch, choices));
    }

    /// Whether a value has as many of the fields as it should.
    pub(super) fn is_met(&self, value: &Value) -> bool {
        let bits = self.fields.iter().enumerate().filter(|(_, field)| value.get(field.as_str()).is_some());
        let given = bits.fold(0, |given, (position, _)| given | 1 << position);
        let holding = holding(&self.branches, given);
        if self.is_any { holding > 0 } else { holding == 1 }
    }
}

impl Branch {
    /// Reads a branch; the fields that it mentions come after those that were mentioned before.
    fn new(schema: &Value, fields: &mut Vec<String>) -> Self {
        let mut bit = |name: String| {
            let position = fields.iter().position(|known| *known == name).unwrap_or_else(|| {
                fields.push(name);
                fields.len() - 1
            });
            assert!(position < 64, "no schema has a choice of more fields");
            1_u64 << position
        };
        Self {
            required: names(schema, "required").into_iter().fold(0, |all, name| all | bit(name)),
            not: schema.get("not").map(|schema| Box::new(Self::new(schema, fields))),
            any: branches(schema, "anyOf", fields),
            one: branches(schema, "oneOf", fields),
            all: branches(schema, "allOf", fields),
        }
    }

    fn holds(&self, given: u64) -> bool {
        given & self.required == self.required
            && self.not.as_ref().is_none_or(|branch| !branch.holds(given))
            && (self.any.is_empty() || holding(&self.any, given) > 0)
            && (self.one.is_empty() || holding(&self.one, given) == 1)
            && holding(&self.all, given) == self.all.len()
    }
}

fn branches(schema: &Value, name: &str, fields: &mut Vec<String>) -> Vec<Branch> {
    list(schema, name).iter().map(|branch| Branch::new(branch, fields)).collect()
}

fn holding(branches: &[Branch], given: u64) -> usize {
    branches.iter().filter(|branch| branch.holds(given)).count()
}

impl Fields {
    fn new(schema: &Value, others: Option<Node>) -> Self {
        let known = schema.get("properties").and_then(Value::as_object);
        let says_nothing = known.is_none() && schema.get("additionalProperties").is_none();
        let keeps = says_nothing
            || is_true(schema, "additionalProperties")
            || schema.get("x-kubernetes-preserve-unknown-fields").is_some();
        let field = |(name, schema): (&String, &Value)| (Box::from(name.as_str()), Node::new(schema));
        let mut known: Vec<(Box<str>, Node)> = known.into_iter().flatten().map(field).collect();
        known.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let others = match others {
            Some(node) => Others::Checked(Box::new(node)),
            None if keeps => Others::Kept,
            None => Others::Reported,
        };
        Self { required: names(schema, "required"), known, others }
    }

    /// What is asked of a field that the schema names.
    pub(super) fn of(&self, name: &str) -> Option<&Node> {
        let position = self.known.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.known[position].1)
    }

    /// The names of the fields that the schema has.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| &**name)
    }
}

fn is_true(schema: &Value, name: &str) -> bool {
    schema.get(name) == Some(&Value::Bool(true))
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A list of texts; the schemas' enumerations and names are nothing else.
fn names(schema: &Value, name: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("each is a text").to_owned();
    list(schema, name).iter().map(text).collect()
}
