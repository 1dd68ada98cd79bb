//! Who proposes, approves, aborts and resumes.
//!
//! The idea: whether two names are one person's is asked where four eyes are
//! wanted, and a doubt there counts against the approval. So `Ann`, ` ann` and
//! `ANN` are one, nobody is no one, and what cannot be seen in a name is refused
//! rather than compared. That a name is its bearer's is for whoever
//! authenticates them.

use std::fmt;
use std::str::FromStr;

use crate::units::text_value;

/// The name of whoever does something: not empty, without space around it and without characters that nobody sees.
///
/// ```
/// use mesh_model::rollout::Identity;
///
/// let ann: Identity = " ann ".parse()?;
/// assert_eq!(ann.to_string(), "ann");
/// assert!(ann.is_same(&"Ann".parse()?) && !ann.is_same(&"anna".parse()?));
/// assert!("  ".parse::<Identity>().is_err());
/// # Ok::<(), mesh_model::rollout::ParseIdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(String);

impl Identity {
    /// As it was written, but for space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are one: by all characters, capital or small.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        // to capitals and back, because some small letters, such as ß, have capitals that lead to others
        let folded = |text: &str| text.to_uppercase().to_lowercase();
        folded(&self.0) == folded(&other.0)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text is nobody's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdentityError {
    /// There is nothing but space.
    #[error("empty; write who it is")]
    Empty,
    /// Two names could look alike.
    #[error("has a character that nobody sees, U+{code:04X}; write the name without it")]
    Invisible {
        /// Its number in Unicode.
        code: u32,
    },
}

impl FromStr for Identity {
    type Err = ParseIdentityError;

    fn from_str(text: &str) -> Result<Self, ParseIdentityError> {
        let text = text.trim();
        if let Some(found) = text.chars().find(|character| is_invisible(*character)) {
            return Err(ParseIdentityError::Invisible { code: found.into() });
        }
        if text.is_empty() {
            return Err(ParseIdentityError::Empty);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Control characters, and what Unicode's `Default_Ignorable_Code_Point` has outside of scripts and planes of its own.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

text_value!(
    Identity,
    "identity",
    r"\S",
    "Somebody's name; capital and small letters are one where two are compared."
);
