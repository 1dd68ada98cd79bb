//! The operations of a JSON Patch (RFC 6902 section 4).

use serde_json::{Map, Value, json};

use super::{ParsePointerError, Pointer};
use crate::nearest::{did_you_mean, nearest, quoted};

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Sets a member, or inserts an item; `-` is after the last.
    Add {
        /// Where.
        path: Pointer,
        /// What.
        value: Value,
    },
    /// Adds what is at `from`.
    Copy {
        /// Whence.
        from: Pointer,
        /// Where.
        path: Pointer,
    },
    /// Removes what is at `from` and adds it.
    Move {
        /// Whence.
        from: Pointer,
        /// Where.
        path: Pointer,
    },
    /// Takes away what is there.
    Remove {
        /// Where.
        path: Pointer,
    },
    /// Changes what is there.
    Replace {
        /// Where.
        path: Pointer,
        /// What.
        value: Value,
    },
    /// Fails unless this is there.
    Test {
        /// Where.
        path: Pointer,
        /// What.
        value: Value,
    },
}

/// As the RFC calls them.
const NAMES: [&str; 6] = ["add", "copy", "move", "remove", "replace", "test"];

/// A value is no operation; unknown members are ignored, as RFC 6902 section 4 wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// A member that the operation needs.
    #[error("`{member}` is missing or of another type; {operation} needs it")]
    Member {
        /// The member.
        member: &'static str,
        /// The operation.
        operation: String,
    },
    /// No mapping.
    #[error("an operation is a mapping with `op` and `path`")]
    NoMapping,
    /// A pointer is none.
    #[error("`{member}`: {error}")]
    Pointer {
        /// `path` or `from`.
        member: &'static str,
        /// What is wrong with it.
        error: ParsePointerError,
    },
    /// No such operation.
    #[error(
        "{} is no operation; write add, remove, replace, move, copy or test{}",
        quoted(operation),
        did_you_mean(nearest(operation, NAMES.into_iter()))
    )]
    Unknown {
        /// As written.
        operation: String,
    },
}

impl Operation {
    /// Reads an operation.
    ///
    /// # Errors
    ///
    /// It lacks what it needs, or is none of the six.
    pub fn from_value(value: &Value) -> Result<Self, OperationError> {
        let members = value.as_object().ok_or(OperationError::NoMapping)?;
        let member = |member: &'static str, operation: &str| {
            let missing = || OperationError::Member { member, operation: operation.to_owned() };
            members.get(member).ok_or_else(missing)
        };
        let text = |name: &'static str, operation: &str| {
            let missing = || OperationError::Member { member: name, operation: operation.to_owned() };
            member(name, operation)?.as_str().ok_or_else(missing)
        };
        let operation = text("op", "every operation")?;
        let pointer = |name: &'static str| {
            let parsed = text(name, operation)?.parse();
            parsed.map_err(|error| OperationError::Pointer { member: name, error })
        };
        let value = || member("value", operation).cloned();
        Ok(match operation {
            "add" => Self::Add { path: pointer("path")?, value: value()? },
            "copy" => Self::Copy { from: pointer("from")?, path: pointer("path")? },
            "move" => Self::Move { from: pointer("from")?, path: pointer("path")? },
            "remove" => Self::Remove { path: pointer("path")? },
            "replace" => Self::Replace { path: pointer("path")?, value: value()? },
            "test" => Self::Test { path: pointer("path")?, value: value()? },
            _ => return Err(OperationError::Unknown { operation: operation.to_owned() }),
        })
    }

    /// As JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = Map::from_iter([
            ("op".to_owned(), json!(self.name())),
            ("path".to_owned(), json!(self.path().to_string())),
        ]);
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } | Self::Test { value, .. } => {
                members.insert("value".to_owned(), value.clone());
            }
            Self::Copy { from, .. } | Self::Move { from, .. } => {
                members.insert("from".to_owned(), json!(from.to_string()));
            }
            Self::Remove { .. } => {}
        }
        Value::Object(members)
    }

    /// As the RFC calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Copy { .. } => "copy",
            Self::Move { .. } => "move",
            Self::Remove { .. } => "remove",
            Self::Replace { .. } => "replace",
            Self::Test { .. } => "test",
        }
    }

    /// Where it does something.
    #[must_use]
    pub const fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. }
            | Self::Copy { path, .. }
            | Self::Move { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Test { path, .. } => path,
        }
    }

    /// What it changes: nothing for `test`, two places for `move`.
    pub fn writes(&self) -> impl Iterator<Item = &Pointer> {
        let (one, two) = match self {
            Self::Test { .. } => (None, None),
            Self::Move { from, path } => (Some(from), Some(path)),
            Self::Add { path, .. }
            | Self::Copy { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. } => (Some(path), None),
        };
        one.into_iter().chain(two)
    }
}

impl serde::Serialize for Operation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}
