//! A deterministic discrete-event simulator of a whole fleet.
#![forbid(unsafe_code)]

pub mod digest;
pub mod dns;
pub mod ecmp;
pub mod engine;
mod model;
pub mod random;
pub mod record;
pub mod retry;
pub mod run;
pub mod samplers;
pub mod scenario;
pub mod station;
pub mod statistics;

pub use model::Cause;
