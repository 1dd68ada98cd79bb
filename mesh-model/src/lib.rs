//! The federated control plane as pure values and machines.
//!
//! Every decision of a controller lives here as a function of what was
//! observed, or as a state machine that takes time as an argument. Clients,
//! clocks and writers belong to the adapters. In the order in which an access
//! point meets them:
//!
//! - [`api`]: what people write, as strict serde types, and what is refused.
//! - [`fleet`], [`access_point`], [`provision`]: the same as checked values.
//! - [`template`]: the Kubernetes and Istio objects inside an access point,
//!   kept as they are, checked against their schemas, read through typed views.
//! - [`placement`]: which targets an access point has, and why.
//! - [`overrides`]: how a template differs on a target; [`patch`] is the engine
//!   (RFC 6901, 6902, 7396) that remembers where each field came from.
//! - [`render`]: all of that together: what each target would receive.
//! - [`envoy`]: from rendered objects to the configuration of a gateway.
//! - [`xds`]: how it reaches a proxy: versions, order, refusals.
//! - [`locality`]: where requests go by priority and locality, given health and
//!   policy, in the integers of Istio and Envoy.
//!
//! [`labels`], [`name`], [`units`] and [`time`] are the words of these
//! sentences. The crate does not know `lb-core`, and `sim` stands above both.
#![forbid(unsafe_code)]

pub mod access_point;
pub mod api;
pub mod envoy;
pub mod fleet;
pub mod labels;
pub mod locality;
pub mod name;
pub mod overrides;
pub mod patch;
pub mod placement;
pub mod provision;
pub mod render;
pub mod template;
pub mod time;
pub mod units;
pub mod xds;

mod nearest;
