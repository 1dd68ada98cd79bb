//! What an API server's answer to a write means.
//!
//! The idea: three things follow from an answer, to go on, to look again, or to tell somebody; which of them
//! is decided here by the `Status` object that servers send, not by each adapter. Whatever is not done is tried
//! again, less and less often: what is refused may be allowed tomorrow.
//!
//! Source: Kubernetes' `metav1.Status` and the refusals of its admission of objects into namespaces.

use std::time::Duration;

use serde_json::Value;

use super::WriteCommand;
use crate::nearest::quoted;

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    /// It is as it was to be.
    Done,
    /// Not now: the server has too much to do, could not be reached, or says nothing that is understood.
    Later {
        /// How long it wants to be left alone, if it says so.
        after: Option<Duration>,
    },
    /// No, and the same write will be refused again.
    Refused(Refusal),
    /// It is otherwise there by now than it was seen.
    Stale,
}

/// Why a server refuses a write; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// We, or objects like this, are not allowed there.
    #[error(
        "the target forbids it ({}); give the controller the right, or ask whoever runs the check",
        quoted(message)
    )]
    Forbidden {
        /// The server's words.
        message: String,
    },
    /// A field cannot be changed where the object is.
    #[error(
        "{} cannot be changed there; delete the object, and it is made anew as it is wanted",
        listed(fields)
    )]
    Immutable {
        /// The fields, as the server names them.
        fields: Vec<String>,
    },
    /// The object is not as the server wants it.
    #[error("the target takes no such object ({}); correct the template or its overrides", quoted(message))]
    Invalid {
        /// The server's words.
        message: String,
    },
    /// There is no such kind.
    #[error(
        "the target has no such kind of objects; install its definition there, or delete the object on this target by an override"
    )]
    NoKind,
    /// There is no such namespace.
    #[error("the target has no namespace `{namespace}`; make it there")]
    NoNamespace {
        /// Which.
        namespace: String,
    },
    /// The namespace is being deleted.
    #[error(
        "the namespace is being deleted on the target; make it anew once it is gone, or take the target out of the placement"
    )]
    NamespaceGoing,
}

/// How servers say that a field keeps its first value.
const IMMUTABLE: [&str; 3] = ["field is immutable", "may not change once set", "can not be unset"];

impl WriteAnswer {
    /// From the code of the answer and the `Status` in it, if it is one.
    #[must_use]
    pub fn of(command: &WriteCommand, code: u16, status: &Value) -> Self {
        let reason = status.get("reason").and_then(Value::as_str).unwrap_or_default();
        let message =
            || status.get("message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
        let details = |field: &str| status.pointer("/details").and_then(|details| details.get(field));
        let detail = |field: &str| details(field).and_then(Value::as_str).unwrap_or_default();
        let is_delete = matches!(command, WriteCommand::Delete { .. });
        match code {
            200..=299 => Self::Done,
            404 if detail("kind") == "namespaces" => {
                Self::Refused(Refusal::NoNamespace { namespace: detail("name").to_owned() })
            }
            // a name that is gone, and not a page that is not there
            404 if reason == "NotFound" && !detail("name").is_empty() => {
                if is_delete {
                    Self::Done
                } else {
                    Self::Stale
                }
            }
            404 => Self::Refused(Refusal::NoKind),
            409 => Self::Stale,
            403 if causes(status).any(|(reason, _, _)| reason == "NamespaceTerminating") => {
                Self::Refused(Refusal::NamespaceGoing)
            }
            401 | 403 => Self::Refused(Refusal::Forbidden { message: message() }),
            400 | 405..=408 | 410..=428 => {
                let is_fixed = |text: &str| IMMUTABLE.iter().any(|words| text.contains(words));
                let fixed = causes(status).filter(|(_, text, _)| is_fixed(text));
                let fields: Vec<String> = fixed.map(|(_, _, field)| field.to_owned()).collect();
                if code == 422 && !fields.is_empty() {
                    return Self::Refused(Refusal::Immutable { fields });
                }
                Self::Refused(Refusal::Invalid { message: message() })
            }
            _ => {
                let seconds = details("retryAfterSeconds").and_then(Value::as_u64).filter(|after| *after > 0);
                Self::Later { after: seconds.map(Duration::from_secs) }
            }
        }
    }
}

/// The causes of a refusal: reason, message, field.
fn causes(status: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    let causes = status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
    causes.map(|cause| {
        let part = |field: &str| cause.get(field).and_then(Value::as_str).unwrap_or_default();
        (part("reason"), part("message"), part("field"))
    })
}

fn listed(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
