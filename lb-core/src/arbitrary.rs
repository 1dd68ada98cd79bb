//! Strategies of [proptest] for testers of other code (feature `arbitrary`).
//!
//! A controller, an adapter or a simulator that embeds this crate has the same
//! inputs as this crate, and needs as good ones for its own property tests. So
//! what this crate tests itself with is offered, and nothing else:
//!
//! | module | strategies of |
//! |---|---|
//! | [`config`] | valid configurations, services, schedulers |
//! | [`flow`] | flow keys of either family, to a service, to a configuration's services |
//! | [`packet`] | packets as bytes: good ones of every kind, of one flow, in fragments; damaged ones |
//! | [`connection`] | keys, segments and operations of a connection table |
//! | [`ipvs`] | kernel services as they are wanted, and what others write to the kernel |
//! | [`bgp`] | BGP messages in any dialect, and nearly so |
//! | [`director`] | courses of packets, time, health and configurations for a whole node |
//!
//! The feature adds this module and changes nothing else. Strategies shrink to
//! the simplest case of their kind: a first flow, a plain packet, an empty course.
//!
//! ```
//! use lb_core::arbitrary::{config, director};
//! use lb_core::director::Director;
//! use lb_core::table::TableCache;
//! use lb_core::Time;
//! use proptest::prelude::*;
//!
//! // Whatever is sent to whatever node: what it says adds up.
//! let course = config::small().prop_flat_map(|config| (director::packets(&config, 1..20), Just(config)));
//! proptest!(|((packets, config) in course)| {
//!     let mut director = Director::new(config, &mut TableCache::default()).unwrap();
//!     let mut out = [0; 70_000];
//!     for packet in &packets {
//!         director.handle_packet(Time::ZERO, packet, &mut out);
//!     }
//!     prop_assert_eq!(director.counters().total(), packets.len() as u64);
//! });
//! ```
//!
//! [proptest]: https://docs.rs/proptest

pub mod bgp;
pub mod config;
pub mod connection;
pub mod director;
pub mod flow;
pub mod ipvs;
pub mod packet;

#[cfg(test)]
mod tests;
