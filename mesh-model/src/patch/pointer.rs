//! JSON pointers (RFC 6901).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::nearest::quoted;

/// The way to a part of a document: `/spec/servers/0`, `~1` for `/` and `~0` for `~` in a step.
///
/// Copies share their steps, for a trace names every field of every object.
///
/// ```
/// use mesh_model::patch::Pointer;
///
/// let pointer: Pointer = "/metadata/annotations/a~1b".parse()?;
/// assert_eq!(pointer.steps()[2].as_ref(), "a/b");
/// assert_eq!(pointer.to_string(), "/metadata/annotations/a~1b");
/// # Ok::<(), mesh_model::patch::ParsePointerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Vec<Arc<str>>);

/// A text is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePointerError {
    /// `~` with something else than 0 or 1 after it.
    #[error("`~` is written ~0 and `/` is written ~1; {} has another ~", quoted(text))]
    Escape {
        /// As written.
        text: String,
    },
    /// Something before the first slash.
    #[error("{} is no pointer; begin with `/`", quoted(text))]
    NoSlash {
        /// As written.
        text: String,
    },
}

impl Pointer {
    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Arc<str>] {
        &self.0
    }

    /// This way and one step more.
    #[must_use]
    pub fn then(&self, step: &str) -> Self {
        Self(self.0.iter().cloned().chain([step.into()]).collect())
    }

    /// Whether this is the way to `other` or to something that contains it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    pub(crate) fn push(&mut self, step: &str) {
        self.0.push(step.into());
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }
}

impl<S: AsRef<str>> FromIterator<S> for Pointer {
    fn from_iter<I: IntoIterator<Item = S>>(steps: I) -> Self {
        Self(steps.into_iter().map(|step| step.as_ref().into()).collect())
    }
}

impl FromStr for Pointer {
    type Err = ParsePointerError;

    fn from_str(text: &str) -> Result<Self, ParsePointerError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(steps) = text.strip_prefix('/') else {
            return Err(ParsePointerError::NoSlash { text: text.to_owned() });
        };
        let plain = |step: &str| {
            let right = step.match_indices('~').all(|(at, _)| step[at + 1..].starts_with(['0', '1']));
            right.then(|| step.replace("~1", "/").replace("~0", "~").into())
        };
        let steps: Option<Vec<Arc<str>>> = steps.split('/').map(plain).collect();
        steps.map(Self).ok_or_else(|| ParsePointerError::Escape { text: text.to_owned() })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}
