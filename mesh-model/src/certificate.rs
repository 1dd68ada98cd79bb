//! Certificates: orders, renewals and the end of them, for the hosts of Gateways.
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
mod machine;
mod schedule;
mod state;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::name::Fqdn;
use crate::time::WallTime;

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
    /// One host could not be proved to be ours (RFC 8555, 6.7.1).
    #[error("{host} could not be proved to be ours: {reason}; check where the name leads, it is tried again")]
    Host {
        /// Which.
        host: Fqdn,
        /// In the authority's words.
        reason: String,
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

#[cfg(test)]
mod tests;
