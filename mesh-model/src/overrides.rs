//! Overrides: how an object differs on some targets.
//!
//! The order is the order in which they are written, and the later wins:
//! overrides as listed, in each its rules as listed, in each rule its operations
//! as listed. Nothing else counts: no priorities, no "more special" selector. A
//! rule is applied whole or not at all; if it fails, that target is not
//! rendered and the error says rule, path and reason. What says which object it
//! is cannot be overridden.
//!
//! Putting it together is [`render`](crate::render)'s.

mod variables;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access_point::TargetSelection;
use crate::fleet::Target;
use crate::labels::is_ours;
use crate::name::Name;
use crate::patch::{Document, Operation, Origin, PatchError, Pointer, apply, merge};
use crate::template::{TemplateId, TemplateKind};

pub use variables::{Unexpanded, Variable, VariableProblem, expand, variables_of};

use variables::has_variables;

/// Labels or annotations to set, `None` to remove.
pub type Marks = BTreeMap<String, Option<String>>;

/// How objects differ on some targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Its name.
    pub name: Name,
    /// Where it holds.
    pub targets: TargetSelection,
    /// What it changes, in order of application; at least one.
    pub rules: Vec<Rule>,
}

/// One change of one object, or of all of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The kind of the objects.
    pub kind: TemplateKind,
    /// Their name; all of the kind if `None`.
    pub name: Option<Box<str>>,
    /// What is done to them.
    pub action: Action,
}

/// What a rule does to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sets and removes annotations.
    Annotations(Marks),
    /// Takes the object away.
    Delete,
    /// Sets and removes labels.
    Labels(Marks),
    /// Applies a merge patch.
    Merge(Value),
    /// Applies a JSON Patch.
    Patch(Vec<Operation>),
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there, changed or not.
    Kept,
    /// It is not to be there.
    Deleted,
}

/// Why a rule cannot be applied on a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The patch does not fit the object.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A variable has no value on this target.
    #[error("{problem}")]
    Variable {
        /// The field that it would be written to.
        path: Pointer,
        /// What is wrong with it.
        problem: VariableProblem,
    },
}

impl RuleError {
    /// Where in the object it failed.
    #[must_use]
    pub fn path(&self) -> Pointer {
        match self {
            Self::Patch(error) => error.pointer.clone(),
            Self::Variable { path, .. } => path.clone(),
        }
    }

    /// What is wrong with a value that a rule brings to this place.
    fn of_value(error: &Unexpanded, at: &Pointer) -> Self {
        Self::Variable { path: error.path(at), problem: error.problem.clone() }
    }
}

impl Rule {
    /// Whether the rule is about this object.
    #[must_use]
    pub fn concerns(&self, id: &TemplateId) -> bool {
        self.kind == id.kind && self.name.as_ref().is_none_or(|name| **name == *id.name)
    }

    /// Applies the rule to an object for a target.
    ///
    /// # Errors
    ///
    /// It does not fit; the object is then as it was.
    pub fn apply(
        &self,
        object: &mut Document,
        target: &Target<'_>,
        origin: Origin,
    ) -> Result<Fate, RuleError> {
        match &self.action {
            Action::Annotations(marks) => {
                merge(object, &marks_patch("annotations", marks, target)?, origin);
            }
            Action::Delete => return Ok(Fate::Deleted),
            Action::Labels(marks) => merge(object, &marks_patch("labels", marks, target)?, origin),
            Action::Merge(patch) if has_variables(patch) => {
                let expanded = expand(patch, target);
                let expanded = expanded.map_err(|error| RuleError::of_value(&error, &Pointer::default()))?;
                merge(object, &expanded, origin);
            }
            Action::Merge(patch) => merge(object, patch, origin),
            Action::Patch(operations) if operations.iter().filter_map(value_of).any(has_variables) => {
                let operations: Result<Vec<Operation>, RuleError> =
                    operations.iter().map(|operation| expanded(operation, target)).collect();
                apply(object, &operations?, origin)?;
            }
            Action::Patch(operations) => apply(object, operations, origin)?,
        }
        Ok(Fate::Kept)
    }
}

/// Labels or annotations as a merge patch.
fn marks_patch(field: &str, marks: &Marks, target: &Target<'_>) -> Result<Value, RuleError> {
    let at = Pointer::default().then("metadata").then(field);
    let mark = |(key, value): (&String, &Option<String>)| {
        let value = value.clone().map_or(Value::Null, Value::String);
        let expanded = expand(&value, target).map_err(|error| RuleError::of_value(&error, &at.then(key)))?;
        Ok((key.clone(), expanded))
    };
    let marks: serde_json::Map<String, Value> = marks.iter().map(mark).collect::<Result<_, RuleError>>()?;
    Ok(serde_json::json!({ "metadata": { field: marks } }))
}

/// An operation with the values that its variables have on a target.
fn expanded(operation: &Operation, target: &Target<'_>) -> Result<Operation, RuleError> {
    let mut operation = operation.clone();
    match &mut operation {
        Operation::Add { path, value }
        | Operation::Replace { path, value }
        | Operation::Test { path, value } => {
            *value = expand(value, target).map_err(|error| RuleError::of_value(&error, path))?;
        }
        Operation::Copy { .. } | Operation::Move { .. } | Operation::Remove { .. } => {}
    }
    Ok(operation)
}

/// The value that an operation brings, if it brings one.
const fn value_of(operation: &Operation) -> Option<&Value> {
    match operation {
        Operation::Add { value, .. } | Operation::Replace { value, .. } | Operation::Test { value, .. } => {
            Some(value)
        }
        Operation::Copy { .. } | Operation::Move { .. } | Operation::Remove { .. } => None,
    }
}

/// Whether no rule may write this field: it says which object it is, or is written by servers or by us.
///
/// The version of its API says not which object it is: a target may serve another than others do.
#[must_use]
pub fn is_protected(pointer: &Pointer) -> bool {
    match pointer.steps() {
        [] => true,
        [top, rest @ ..] => match (&**top, rest) {
            ("kind" | "status", _) => true,
            ("metadata", [field, rest @ ..]) => {
                !matches!(&**field, "labels" | "annotations") || rest.first().is_some_and(|key| is_ours(key))
            }
            ("metadata", []) => true,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests;
