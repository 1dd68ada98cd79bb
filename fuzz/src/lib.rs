//! What each fuzz target checks, as plain functions on bytes.
//!
//! Every module has one `check`, which panics where something is wrong that no
//! input may bring about. The targets in `fuzz_targets` only hand bytes over;
//! the inputs to begin with are in `corpus`, written by `examples/corpus.rs`.
//! A crash that is found becomes a unit test of the crate it was found in.

#![forbid(unsafe_code)]

pub mod bfd_session;
pub mod bgp_message;
pub mod bgp_session;
pub mod director_model;
pub mod encapsulate_round_trip;
pub mod ipvs_message;
pub mod lb_file;
pub mod mesh_files;
pub mod mesh_gateway;
pub mod mesh_names;
pub mod mesh_objects;
pub mod mesh_patch;
pub mod mesh_render;
pub mod mesh_rollout;
pub mod mesh_vip;
pub mod packet_parse;
pub mod packets;
pub mod scenario;
