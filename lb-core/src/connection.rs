//! The connection table: which flow is on which backend.
