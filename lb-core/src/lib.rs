//! The pure core of an L4 load balancer: every decision, no I/O.
//!
//! The module list below is a map of the code, in the order in which a packet
//! meets it. Nothing here reads a clock, opens a socket or draws a random
//! number: time is an argument ([`Time`]), randomness is a seed, and the crate
//! is `no_std` so that a leak does not compile.
//!
//! A controller embeds the parts it needs ([`table`], [`connection`],
//! [`encapsulation`], [`health`]); [`director`] puts them together into the
//! whole packet path. Feature `arbitrary` adds proptest strategies for testers
//! of other code, feature `schema` JSON Schemas of the files; neither changes
//! what the rest does.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod announce;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod bfd;
pub mod bgp;
pub mod checksum;
pub mod config;
pub mod connection;
pub mod director;
pub mod encapsulation;
pub mod flow;
pub mod fragment;
pub mod hash;
pub mod health;
pub mod icmp;
pub mod identity;
pub mod ipvs;
pub mod node;
pub mod packet;
pub mod scheduler;
pub mod table;
pub mod time;

pub use flow::{FlowKey, HashFields, Protocol};
pub use hash::{FlowHash, HashKey};
pub use identity::{BackendId, Endpoint, Family, ServiceId, Weight};
pub use time::Time;
