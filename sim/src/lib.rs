//! A deterministic discrete-event simulator of a whole fleet.
//!
//! [`scenario`] reads what a person wrote; [`run`](mod@run) runs it and gives the
//! result; [`record`] is how to watch. Below them the model is made of parts
//! that stand for themselves: an agenda ([`engine`]), random streams
//! ([`random`], [`samplers`]), queueing stations ([`station`]), routers
//! ([`ecmp`]), resolver caches ([`dns`]), retries ([`retry`]), [`statistics`]
//! and the [`digest`] that proves two runs equal; [`validate`] holds them against
//! closed forms. Decisions are `lb-core`'s own
//! code. A run is one thread, no file, no clock: a value in, a value out.
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
pub mod validate;

pub use model::{Cause, NodeError, PacketPath};
