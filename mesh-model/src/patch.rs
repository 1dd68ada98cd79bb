//! JSON Patch and merge patch: changes of a document as values.
//!
//! [`Operation`]s are RFC 6902's six in full, over RFC 6901's pointers; [`merge()`]
//! is RFC 7396; [`diff()`] is the way back. They work on a [`Document`], a JSON
//! value of which each part remembers who wrote it, so that a rendering can be
//! explained. A patch is applied whole or not at all, and an error names the
//! operation, the pointer and the reason. Limits keep `copy` from growing a
//! document without bound. What may not be patched is for
//! [`overrides`](crate::overrides) to say.

mod apply;
mod diff;
mod document;
mod history;
mod merge;
mod operation;
mod place;
mod pointer;
mod undo;

pub use apply::{PatchError, PatchProblem, apply};
pub use diff::diff;
pub use document::{Document, Origin, Write};
pub use merge::merge;
pub use operation::{Operation, OperationError};
pub use pointer::{ParsePointerError, Pointer};

/// The most parts of a document, far more than an object in a cluster can have.
pub const MAX_NODES: usize = 100_000;
/// The most levels of a document: what JSON readers take.
pub const MAX_DEPTH: usize = 127;

#[cfg(test)]
mod tests;
