//! Variables in the texts of overrides: `${zone.name}`.
//!
//! A text with a variable stays a text, whatever the value looks like. `$${` is
//! a plain `${`. A variable that nobody knows is refused when the access point
//! is read; a label that the target lacks, when it is rendered: an empty value
//! would be believed.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::fleet::Target;
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;

/// Something that differs between targets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    /// A label of the cluster: `cluster.labels.KEY`.
    ClusterLabel(Box<str>),
    /// `cluster.name`: the cluster that the objects go to.
    ClusterName,
    /// `cluster.network`: Istio's network.
    ClusterNetwork,
    /// `region.name`.
    RegionName,
    /// `target.name`: the cluster's or the zone's, by level.
    TargetName,
    /// A label of the zone: `zone.labels.KEY`.
    ZoneLabel(Box<str>),
    /// `zone.name`.
    ZoneName,
}

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableProblem {
    /// `${` without an end.
    #[error("`${{` without `}}` in {}; add it, or write `$${{` for a plain one", quoted(text))]
    Open {
        /// The text.
        text: String,
    },
    /// No such variable.
    #[error(
        "no variable {}{} (there are cluster.name, cluster.network, cluster.labels.KEY, zone.name, zone.labels.KEY, region.name, target.name)",
        quoted(name), did_you_mean(*nearest)
    )]
    Unknown {
        /// As written.
        name: String,
        /// The nearest.
        nearest: Option<&'static str>,
    },
    /// The target has no such label.
    #[error("`{variable}` has no value on this target; give it the label")]
    NoValue {
        /// The variable.
        variable: Variable,
        /// The target's name.
        target: String,
    },
}

/// The variables that have a name of their own.
const PLAIN: [(&str, Variable); 5] = [
    ("cluster.name", Variable::ClusterName),
    ("cluster.network", Variable::ClusterNetwork),
    ("region.name", Variable::RegionName),
    ("target.name", Variable::TargetName),
    ("zone.name", Variable::ZoneName),
];

impl Variable {
    fn value(&self, target: &Target<'_>) -> Result<String, VariableProblem> {
        let value = match self {
            Self::ClusterLabel(key) => target.cluster.labels.get(&**key).map(String::as_str),
            Self::ClusterName => Some(target.cluster.name.as_str()),
            Self::ClusterNetwork => Some(target.cluster.network.as_str()),
            Self::RegionName => Some(target.zone.region.as_str()),
            Self::TargetName => Some(target.name().as_str()),
            Self::ZoneLabel(key) => target.zone.labels.get(&**key).map(String::as_str),
            Self::ZoneName => Some(target.zone.name.as_str()),
        };
        let missing =
            || VariableProblem::NoValue { variable: self.clone(), target: target.name().to_string() };
        value.map(str::to_owned).ok_or_else(missing)
    }
}

impl FromStr for Variable {
    type Err = VariableProblem;

    fn from_str(text: &str) -> Result<Self, VariableProblem> {
        if let Some((_, variable)) = PLAIN.into_iter().find(|(name, _)| *name == text) {
            return Ok(variable);
        }
        let label = |prefix| text.strip_prefix(prefix).filter(|key| !key.is_empty()).map(Box::from);
        if let Some(key) = label("cluster.labels.") {
            return Ok(Self::ClusterLabel(key));
        }
        if let Some(key) = label("zone.labels.") {
            return Ok(Self::ZoneLabel(key));
        }
        const KNOWN: [&str; 7] = [
            "cluster.name",
            "cluster.network",
            "cluster.labels.KEY",
            "zone.name",
            "zone.labels.KEY",
            "region.name",
            "target.name",
        ];
        let near = nearest(text, KNOWN.into_iter());
        let nearest = KNOWN.into_iter().find(|known| Some(*known) == near);
        Err(VariableProblem::Unknown { name: text.to_owned(), nearest })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterLabel(key) => write!(f, "cluster.labels.{key}"),
            Self::ClusterName => f.write_str("cluster.name"),
            Self::ClusterNetwork => f.write_str("cluster.network"),
            Self::RegionName => f.write_str("region.name"),
            Self::TargetName => f.write_str("target.name"),
            Self::ZoneLabel(key) => write!(f, "zone.labels.{key}"),
            Self::ZoneName => f.write_str("zone.name"),
        }
    }
}

/// A piece of a text.
enum Piece<'a> {
    Plain(&'a str),
    Variable(Variable),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, VariableProblem> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            // the first of the two dollars is the one that is left out
            pieces.push(Piece::Plain(&rest[..at - 1]));
            pieces.push(Piece::Plain("${"));
            rest = &rest[at + 2..];
            continue;
        }
        let Some((name, after)) = rest[at + 2..].split_once('}') else {
            return Err(VariableProblem::Open { text: text.to_owned() });
        };
        pieces.push(Piece::Plain(&rest[..at]));
        pieces.push(Piece::Variable(name.parse()?));
        rest = after;
    }
    pieces.push(Piece::Plain(rest));
    Ok(pieces)
}

/// The variables of a text, in order.
///
/// # Errors
///
/// One is not known, or has no end.
pub fn variables_of(text: &str) -> Result<Vec<Variable>, VariableProblem> {
    let variable = |piece| match piece {
        Piece::Plain(_) => None,
        Piece::Variable(variable) => Some(variable),
    };
    Ok(pieces(text)?.into_iter().filter_map(variable).collect())
}

/// Whether [`expand`] would change anything of a value, on any target.
pub(super) fn has_variables(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(has_variables),
        Value::Object(members) => members.values().any(has_variables),
    }
}

/// A variable has no value on a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unexpanded {
    /// The keys and positions that lead to the text, the innermost first.
    inwards: Vec<String>,
    /// What is wrong with it.
    pub problem: VariableProblem,
}

impl Unexpanded {
    fn at(mut self, step: impl ToString) -> Self {
        self.inwards.push(step.to_string());
        self
    }

    /// Where the text is in a value that is itself at this place.
    #[must_use]
    pub fn path(&self, at: &Pointer) -> Pointer {
        self.inwards.iter().rev().fold(at.clone(), |path, step| path.then(step))
    }
}

impl From<VariableProblem> for Unexpanded {
    fn from(problem: VariableProblem) -> Self {
        Self { inwards: Vec::new(), problem }
    }
}

/// A value with the texts that its variables have on a target; keys are left as they are.
///
/// # Errors
///
/// A variable has no value there; the error says where in the value.
pub fn expand(value: &Value, target: &Target<'_>) -> Result<Value, Unexpanded> {
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) if text.contains("${") => {
            let mut expanded = String::new();
            for piece in pieces(text)? {
                match piece {
                    Piece::Plain(text) => expanded.push_str(text),
                    Piece::Variable(variable) => expanded.push_str(&variable.value(target)?),
                }
            }
            Value::String(expanded)
        }
        Value::String(text) => Value::String(text.clone()),
        Value::Array(items) => {
            let item = |(position, item)| expand(item, target).map_err(|error| error.at(position));
            Value::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                let value = expand(value, target).map_err(|error| error.at(key))?;
                Ok((key.clone(), value))
            };
            Value::Object(members.iter().map(member).collect::<Result<_, Unexpanded>>()?)
        }
    })
}
