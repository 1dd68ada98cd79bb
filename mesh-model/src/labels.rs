//! Labels, annotations and selectors, checked as Kubernetes checks them.
//!
//! A [`Selector`] is a conjunction; without requirements it matches everything.
//! Keys under `overspill.dev/` are marks of ours that nobody else may write.

use std::collections::BTreeMap;

use crate::api::{FieldPath, GROUP, LabelSelectorSpec, RequirementOperator, SpecError};
use crate::name::is_subdomain;
use crate::nearest::quoted;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// What is wrong with a label, an annotation or a requirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelProblem {
    /// A key that no label can have.
    #[error(
        "{} is no key; write up to 63 letters, digits, `-`, `_`, `.`, optionally after a domain and `/`",
        quoted(key)
    )]
    Key {
        /// As written.
        key: String,
    },
    /// A key that only we write.
    #[error("{} is a mark of {GROUP}, which it sets itself; write another key", quoted(key))]
    Reserved {
        /// As written.
        key: String,
    },
    /// A value that no label can have.
    #[error(
        "{} is no label's value; write up to 63 letters, digits, `-`, `_`, `.`, a letter or digit at both ends",
        quoted(value)
    )]
    Value {
        /// As written.
        value: String,
    },
    /// `In` and `NotIn` ask for values, the other two take none.
    #[error("{}", if *wanted { "no values; write those that the label may have" } else { "this operator asks for no value; leave them out" })]
    Values {
        /// Whether some are wanted.
        wanted: bool,
    },
}

/// A choice by labels.
///
/// ```
/// use mesh_model::labels::{Labels, Selector};
///
/// let selector = Selector::of(&[("tier", "edge")]);
/// assert!(selector.matches(&Labels::from([("tier".into(), "edge".into()), ("more".into(), String::new())])));
/// assert!(!selector.matches(&Labels::new()));
/// assert!(Selector::default().matches(&Labels::new()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Selector(Vec<Requirement>);

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
enum Requirement {
    Exists(String),
    DoesNotExist(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Selector {
    /// A selector of labels with these values.
    #[must_use]
    pub fn of(labels: &[(&str, &str)]) -> Self {
        let requirement = |(key, value): &(&str, &str)| Requirement::In((*key).into(), vec![(*value).into()]);
        Self(labels.iter().map(requirement).collect())
    }

    /// Whether all requirements hold.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_by(|key| labels.get(key).map(String::as_str))
    }

    /// Whether all requirements hold of labels that are looked up.
    pub fn matches_by<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::DoesNotExist(key) => label(key).is_none(),
            Requirement::In(key, values) => {
                label(key).is_some_and(|found| values.iter().any(|value| value == found))
            }
            Requirement::NotIn(key, values) => {
                label(key).is_none_or(|found| values.iter().all(|value| value != found))
            }
        })
    }

    /// Checks a selector as it is written at `path`.
    pub(crate) fn check(spec: LabelSelectorSpec, path: &FieldPath) -> Result<Self, SpecError> {
        let mut requirements = Vec::new();
        let at = path.field("matchLabels");
        for (key, value) in spec.match_labels {
            let here = at.field(&key);
            check_key(&key).map_err(|problem| here.wrong(problem))?;
            check_value(&value).map_err(|problem| here.wrong(problem))?;
            requirements.push(Requirement::In(key, vec![value]));
        }
        for (position, one) in spec.match_expressions.into_iter().enumerate() {
            let here = path.field("matchExpressions").item(position);
            check_key(&one.key).map_err(|problem| here.field("key").wrong(problem))?;
            let wanted = matches!(one.operator, RequirementOperator::In | RequirementOperator::NotIn);
            if one.values.is_empty() == wanted {
                return Err(here.field("values").wrong(LabelProblem::Values { wanted }));
            }
            for (position, value) in one.values.iter().enumerate() {
                check_value(value).map_err(|problem| here.field("values").item(position).wrong(problem))?;
            }
            requirements.push(match one.operator {
                RequirementOperator::DoesNotExist => Requirement::DoesNotExist(one.key),
                RequirementOperator::Exists => Requirement::Exists(one.key),
                RequirementOperator::In => Requirement::In(one.key, one.values),
                RequirementOperator::NotIn => Requirement::NotIn(one.key, one.values),
            });
        }
        Ok(Self(requirements))
    }
}

/// Whether a key of a label or annotation is a mark of ours.
#[must_use]
pub fn is_ours(key: &str) -> bool {
    key.split_once('/').is_some_and(|(domain, _)| {
        domain.strip_suffix(GROUP).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// Checks labels as they are written at `path`.
pub(crate) fn check_labels(labels: &Labels, path: &FieldPath) -> Result<(), SpecError> {
    labels.iter().try_for_each(|(key, value)| {
        check_key(key).and_then(|()| check_value(value)).map_err(|problem| path.field(key).wrong(problem))
    })
}

/// Checks labels and annotations as they are written in the metadata at `path`.
pub(crate) fn check_marks(labels: &Labels, annotations: &Labels, path: &FieldPath) -> Result<(), SpecError> {
    check_labels(labels, &path.field("labels"))?;
    let at = path.field("annotations");
    annotations
        .keys()
        .try_for_each(|key| check_annotation_key(key).map_err(|problem| at.field(key).wrong(problem)))
}

/// Whether a text can be the key of an annotation, whose domain may have capitals.
pub(crate) fn check_annotation_key(key: &str) -> Result<(), LabelProblem> {
    check_key(&key.to_ascii_lowercase()).map_err(|_| LabelProblem::Key { key: key.to_owned() })
}

/// Whether a text can be the key of a label.
pub(crate) fn check_key(key: &str) -> Result<(), LabelProblem> {
    let (domain, name) = key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    let is_right = domain.is_none_or(is_subdomain) && !name.is_empty() && is_word(name);
    if is_right { Ok(()) } else { Err(LabelProblem::Key { key: key.to_owned() }) }
}

/// Whether a text can be the value of a label.
pub(crate) fn check_value(value: &str) -> Result<(), LabelProblem> {
    if is_word(value) { Ok(()) } else { Err(LabelProblem::Value { value: value.to_owned() }) }
}

/// Up to 63 letters, digits and `-_.`, letters or digits at the ends.
fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests;
