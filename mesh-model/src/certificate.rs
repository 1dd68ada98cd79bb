//! Certificates: orders, renewals and the end of them, for the hosts of Gateways.
//!
//! [`GatewayHosts`] says which hosts those are.
//!
//! The idea: a certificate is a group of hosts with a life of its own, and
//! hosts never wait for each other. A new host joins a group with room, whose
//! old certificate is served until the new one is; a host that fails goes on
//! alone, and the certificate that still names it stays beside the others' new
//! one. A host may be used as soon as [`Certificates::serving`]
//! names a certificate: what is added is served before it is used.
//!
//! ```text
//!           due              served              due
//!  Wanted ──────> Ordering ─────────> Issued ──────────> Renewing
//!                  │    ^              ^ ^ │ <── failed, ───┘ │
//!           failed │    │ due   served │ │ │     served       │
//!                  │    │              │ │ │ lapsed           │ lapsed
//!                  v    │              │ │ v                  │
//!                 Failed ──────────────┘ Expired <────────────┘
//! ```
//!
//! Dates are the wall's, waits are not: a clock that jumps may renew early or
//! late, and what it seemed to end is valid again when it is back. Keys, ACME
//! and secrets are for adapters; this says what and when.

mod group;
mod hosts;
mod machine;
mod schedule;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::name::Fqdn;
use crate::time::WallTime;

pub use hosts::{GatewayHosts, HostFault, HostProblem};
pub use machine::Certificates;
pub use state::State;

/// Which certificate of an access point: it outlives renewals; displays as `certificate-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId(pub u32);

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate-{}", self.0)
    }
}

/// A certificate that an authority signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its hosts.
    pub hosts: BTreeSet<Fqdn>,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// When it begins.
    pub not_before: WallTime,
    /// When it ends.
    pub not_after: WallTime,
}

/// Why an order came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFailure {
    /// The authority did not answer, or not now: no host's fault.
    #[error("the authority gives no certificate now: {reason}; it is asked again")]
    Authority {
        /// In its words.
        reason: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Some hosts could not be proved to be ours: all that the authority names, which may be several in
    /// one order (RFC 8555, 6.7.1).
    #[error("{}; check where the names lead, they are tried again", host_words(failed))]
    Hosts {
        /// Which, and why in the authority's words.
        failed: BTreeMap<Fqdn, String>,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Remove its secret: nothing uses it.
    Delete {
        /// Which.
        id: CertificateId,
    },
    /// Ask the authority for a certificate, and give the result to [`Certificates::handle_order_result`],
    /// whatever it is.
    Order {
        /// Which.
        id: CertificateId,
        /// Its hosts.
        hosts: BTreeSet<Fqdn>,
    },
    /// Let the gateways serve what is stored, then tell [`Certificates::handle_pushed`]; asked again until then.
    Push {
        /// Which.
        id: CertificateId,
        /// Its serial number.
        serial: String,
    },
    /// Tell the authority that it names hosts that are no longer ours to serve.
    Revoke {
        /// Which.
        id: CertificateId,
        /// Its serial number.
        serial: String,
    },
    /// Write down what was signed, then tell [`Certificates::handle_stored`]; asked again until then.
    Store {
        /// Which.
        id: CertificateId,
        /// What was signed.
        issued: Issued,
    },
}

/// What has come to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order came to nothing.
    OrderFailed {
        /// Of which certificate.
        id: CertificateId,
        /// Why.
        failure: OrderFailure,
    },
    /// Its state has changed.
    State {
        /// Of which certificate.
        id: CertificateId,
        /// What it was.
        from: State,
        /// What it is.
        to: State,
    },
}

fn host_words(failed: &BTreeMap<Fqdn, String>) -> String {
    let words =
        failed.iter().map(|(host, reason)| format!("{host} could not be proved to be ours: {reason}"));
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
