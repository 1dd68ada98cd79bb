//! The connection table: which flow is on which backend.

mod segment;

pub use segment::{SctpClass, Segment};
