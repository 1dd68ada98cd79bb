//! Certificates: orders, renewals and the end of them, one for each credential of Gateways.
//!
//! [`GatewayHosts`] says which those are: a server of a Gateway names one secret,
//! so what is in it must name all hosts of all servers that do so.
//!
//! The idea: a [`Credential`] has one certificate, which is replaced as a whole and
//! only by one that takes no host's cover away. A new host is ordered with those
//! that are there, whose certificate is served until the new one is: what is added
//! is served before it is used ([`Certificates::lacking`]). A host that fails is
//! proved by itself, ever more rarely, and joins when it is; meanwhile
//!
//! - if it was not covered, the others go on without it, at once;
//! - if it was, the certificate that covers it stays. The others lose nothing by
//!   that, but a host that is new waits: give it a credential of its own, or take
//!   the failing one away. In the last tenth of its life the others go on without
//!   the failing host: better one lost than all.
//!
//! What cannot be ordered as it is asked for (more hosts than the issuer takes, two
//! issuers, none) goes on as it stands: hosts that are covered are renewed, none joins.
//!
//! ```text
//!           due              served              due
//!  Wanted ──────> Ordering ─────────> Issued ──────────> Renewing
//!    │             │    ^              ^ ^ │ <── failed, ───┘ │
//!    │ failed      │    │ due   served │ │ │     served       │
//!    │      failed │    │              │ │ │ lapsed           │ lapsed
//!    v             v    │              │ │ v                  │
//!   ───────────>  Failed ──────────────┘ Expired <────────────┘
//! ```
//!
//! Dates are the wall's, waits are not: a clock that jumps may renew early or
//! late, and what it seemed to end is valid again when it is back. Keys, ACME
//! and secrets are for adapters; this says what and when.

mod credential;
mod entry;
mod hosts;
mod machine;
mod retry;
mod schedule;
mod state;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::name::{Fqdn, Name};
use crate::time::WallTime;

pub use credential::{Credential, ParseCredentialError};
pub use entry::Certificate;
pub use hosts::{GatewayFault, GatewayHosts, GatewayProblem};
pub use machine::Certificates;
pub use state::State;
pub use wanted::{AskedIssuer, CredentialProblem, NamedBy, Wanted};

/// A certificate that an authority signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The `Issuer` that was asked.
    pub issuer: Name,
    /// Its hosts.
    pub hosts: BTreeSet<Fqdn>,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// When it begins.
    pub not_before: WallTime,
    /// When it ends.
    pub not_after: WallTime,
}

/// Why an order came to nothing, or a proof.
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

/// What is to be done; for one credential in the order in which it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Remove the secret, if what it holds is one of these: nothing uses it. A secret that somebody else
    /// wrote meanwhile stays.
    Delete {
        /// The secret.
        credential: Credential,
        /// The serial numbers of what may be stored there.
        serials: BTreeSet<String>,
    },
    /// Ask the authority for a certificate, and give the result to [`Certificates::handle_order_result`],
    /// whatever it is; also that nobody answered, for nothing else ends an order.
    Order {
        /// For which secret.
        credential: Credential,
        /// Whom to ask.
        issuer: Name,
        /// Its hosts.
        hosts: BTreeSet<Fqdn>,
    },
    /// Have the authority see that a host is ours, without a certificate (RFC 8555: an authorization, 7.4.1,
    /// or an order that is not finalized), and give the result to [`Certificates::handle_proof`], whatever it is.
    Prove {
        /// For whose sake.
        credential: Credential,
        /// Whom to ask.
        issuer: Name,
        /// The host.
        host: Fqdn,
    },
    /// Let the gateways serve what is stored, then tell [`Certificates::handle_pushed`]; asked again until then.
    /// After a restart all are asked for, which is no change where the gateways say that they have it. A gateway
    /// that cannot be reached is not waited for: it would hold up the hosts of all others.
    Push {
        /// The secret.
        credential: Credential,
        /// The serial number.
        serial: String,
    },
    /// Tell the authority that it names hosts that are no longer ours to serve. It is said once: what is lost with
    /// the process, or whose successor was pushed by another, ends by itself, and its key is with no gateway by then.
    Revoke {
        /// Which secret it was of.
        credential: Credential,
        /// The authority.
        issuer: Name,
        /// The serial number.
        serial: String,
    },
    /// Write down what was signed, then tell [`Certificates::handle_stored`]; asked again until then.
    Store {
        /// The secret.
        credential: Credential,
        /// What was signed.
        issued: Issued,
    },
}

/// What has come to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A certificate is not replaced, because another one could not name all hosts that it covers.
    HeldBack {
        /// Of which secret.
        credential: Credential,
        /// The hosts that failed.
        hosts: BTreeSet<Fqdn>,
        /// When the others go on without them.
        until: WallTime,
    },
    /// An order came to nothing.
    OrderFailed {
        /// For which secret.
        credential: Credential,
        /// Why.
        failure: OrderFailure,
    },
    /// A host that had failed, failed again.
    ProofFailed {
        /// For which secret.
        credential: Credential,
        /// The host.
        host: Fqdn,
        /// Why.
        failure: OrderFailure,
    },
    /// It cannot be ordered as it is asked for; what stands goes on.
    Refused {
        /// Which secret.
        credential: Credential,
        /// Why.
        problem: CredentialProblem,
    },
    /// A state has changed.
    State {
        /// Of which secret.
        credential: Credential,
        /// What it was.
        from: State,
        /// What it is.
        to: State,
    },
}

impl OrderFailure {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Authority { retry_after, .. } => *retry_after,
            Self::Hosts { .. } => None,
        }
    }

    /// What the authority says of a host.
    fn reason_of(&self, host: &Fqdn) -> Option<&str> {
        match self {
            Self::Authority { .. } => None,
            Self::Hosts { failed } => failed.get(host).map(String::as_str),
        }
    }
}

fn host_words(failed: &BTreeMap<Fqdn, String>) -> String {
    let words =
        failed.iter().map(|(host, reason)| format!("{host} could not be proved to be ours: {reason}"));
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
