//! Strategies of [proptest] for testers of other code (feature `arbitrary`).
//!
//! The one idea: a controller that embeds this crate needs the same inputs for
//! its property tests as this crate has, and as good ones. What is here are
//! values that a kernel would take or send; bytes that it would not are any
//! `Vec<u8>`.
//!
//! ```
//! use lb_netlink::arbitrary::ipvs;
//! use proptest::prelude::*;
//!
//! proptest!(|(command in ipvs::command())| {
//!     prop_assert!(command.to_message().to_bytes().len() < 1_000);
//! });
//! ```
//!
//! [proptest]: https://docs.rs/proptest

pub mod ipvs;
