//! A deterministic discrete-event simulator of a whole fleet.
#![forbid(unsafe_code)]

pub mod engine;
pub mod random;
pub mod samplers;
