//! Health: when a backend and a service may take traffic.
//!
//! Two pure machines. [`BackendHealth`] times the checks of one backend, counts
//! their results and says whether it takes traffic and with what weight;
//! [`ServiceHealth`] adds its backends up and says whether the service stands,
//! and whether so little is left that it is better to trust nobody's health
//! ("panic"). Which places a name then answers with is one function, [`name_weights`].
//! What is asked of a backend is data ([`Check`]); the sockets that
//! ask it are an adapter's.
//!
//! The contract of both: after every `handle_*`, drain `poll_transmit`, then
//! `poll_event`, until each gives `None`; then read `poll_timeout` and call
//! `handle_timeout` no later than that (earlier or more often is harmless).
//!
//! Sources: the behaviour of Seesaw, keepalived, GLB, DPVS and Envoy, each
//! where it is the better one; every module says which.
//!
//! ```
//! use core::time::Duration;
//! use lb_core::health::{BackendHealth, HealthFile, HealthState, Outcome, Transmit};
//! use lb_core::{Time, Weight};
//!
//! let file = HealthFile { interval: Some(Duration::from_secs(5).into()), ..HealthFile::default() };
//! let policy = file.backend_policy()?;
//! let mut backend = BackendHealth::new(Time::ZERO, policy, Weight(100), 7);
//! assert!(!backend.in_service(), "nothing is known of it yet");
//!
//! let now = backend.poll_timeout().expect("its first check is due");
//! backend.handle_timeout(now);
//! let Some(Transmit::Start(probe)) = backend.poll_transmit() else { panic!("no check") };
//! backend.handle_result(now + Duration::from_millis(3), probe.id, Outcome::Success);
//! assert_eq!(backend.state(), HealthState::Up);
//! # Ok::<(), lb_core::health::HealthError>(())
//! ```

mod backend;
mod check;
mod file;
mod names;
mod passive;
mod policy;
mod prober;
mod service;
mod slow_start;
mod state;

pub use backend::{BackendEvent, BackendHealth, Cause, Report};
pub use check::{
    AnswerStart, Check, CheckFile, CheckKind, CheckName, DnsAnswer, DnsCheck, DnsRecord, Exchange, HexBytes,
    HexPattern, HttpCheck, ParseHexError, ParseStatusError, RadiusCheck, RadiusReply, Secret, StatusCodes,
    Tls, TlsClient, Via,
};
pub use file::{HealthConfig, HealthError, HealthFile, HealthProblem, PassiveFile, SlowStartFile};
pub use names::{NameTarget, name_weights};
pub use passive::{Observation, PassiveVerdict};
pub use policy::{BackendPolicy, PassivePolicy, ServicePolicy, SlowStart};
pub use prober::{Outcome, Probe, ProbeFailure, ProbeId, Transmit};
pub use service::{Offer, ServiceEvent, ServiceHealth, ServiceState};
pub use state::{HealthState, Input};
