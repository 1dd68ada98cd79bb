//! The federated control plane as pure values and machines.
//!
//! Every decision of a controller lives here as a function of what was
//! observed, or as a state machine that takes time as an argument: placement,
//! overrides, VIP pools, rollout, status, locality, footprint, names and
//! certificates. Clients, clocks and writers belong to the adapters.
//!
//! This crate holds nothing yet but its place in the dependency order: it does
//! not know `lb-core`, and `sim` stands above both.
#![forbid(unsafe_code)]
