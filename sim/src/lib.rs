//! A deterministic discrete-event simulator of a whole fleet.
#![forbid(unsafe_code)]

pub mod digest;
pub mod dns;
pub mod ecmp;
pub mod engine;
pub mod random;
pub mod retry;
pub mod samplers;
pub mod station;
pub mod statistics;
