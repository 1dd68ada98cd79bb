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
//! - [`lint`]: what is accepted everywhere and silently does not do what it says.
//! - [`placement`]: which targets an access point has, and why.
//! - [`overrides`]: how a template differs on a target; [`patch`] is the engine
//!   (RFC 6901, 6902, 7396) that remembers where each field came from.
//! - [`traffic`]: an access point's shares, failover and drains as plain Istio
//!   objects, and what regions carry then.
//! - [`render`]: all of that together: what each target would receive.
//! - [`visibility`]: who sees what in a mesh, and the least that has to be seen;
//!   [`footprint`]: how large each proxy's configuration is then, against its budget.
//! - [`vip`]: which addresses an access point has, whatever happens around it;
//!   [`names`]: what names lead to them; [`certificate`]: what is served there.
//! - [`service`]: what asks for an address in a target, what load balancers do for it,
//!   and how it leaves.
//! - [`rollout`]: who receives a revision when: stages, approvals, soak, failures;
//!   [`calendar`] says when a change window is open.
//! - [`federation`]: what is written to a target, given what is there and whose it is.
//! - [`status`]: what each target and all of them say of themselves, and how old that is.
//! - [`envoy`]: from rendered objects to the configuration of a gateway;
//!   [`xds`]: how it reaches a proxy: versions, order, refusals.
//! - [`eastwest`]: how services of one zone call those of another.
//! - [`locality`]: where requests go by priority and locality, given health and
//!   policy, in the integers of Istio and Envoy.
//! - [`work_queue`]: what is looked at next, and when what failed is tried again;
//!   [`debounce`]: what comes in bursts is carried out once each.
//!
//! A controller's loop is five steps: [`placement::place`]; [`render::Edit`], what is shown of an edit;
//! [`rollout::Rollout`]; [`federation::Writer`] of what [`render::render_steered`] makes of the version that a
//! target was given ([`rollout::Versions`]; [`render::render_certified`] where certificates are ordered);
//! [`status::StatusStore`]. `examples/controller.rs` is such a loop, whole, over
//! maps; the other examples each show one module. Objects come in and go out as
//! serde types and `serde_json::Value`s, so any client of Kubernetes and any YAML
//! reader will do.
//!
//! [`labels`], [`name`], [`units`], [`time`] and [`istio`], its versions, are the
//! words of these sentences. The crate does not know `lb-core`, and `sim` stands above both.
#![forbid(unsafe_code)]

pub mod access_point;
pub mod api;
pub mod calendar;
pub mod certificate;
pub mod debounce;
pub mod eastwest;
pub mod envoy;
pub mod federation;
pub mod fleet;
pub mod footprint;
pub mod istio;
pub mod labels;
pub mod lint;
pub mod locality;
pub mod name;
pub mod names;
pub mod overrides;
pub mod patch;
pub mod placement;
pub mod provision;
pub mod render;
pub mod rollout;
pub mod service;
pub mod status;
pub mod template;
pub mod time;
pub mod traffic;
pub mod units;
pub mod vip;
pub mod visibility;
pub mod work_queue;
pub mod xds;

mod nearest;
mod rules;
