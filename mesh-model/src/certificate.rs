//! Certificates: orders, renewals and the end of them, for the credentials of Gateways.
//!
//! [`GatewayHosts`] says which those are: a server of a Gateway names one secret,
//! so what is in it must name all hosts of all servers that do so.
//!
//! The idea: a secret has one certificate, which is replaced as a whole and only by
//! one that takes no host's cover away; and the hosts of a [`Credential`] may lie in
//! several secrets, the one that was asked for and `NAME-overspill-2`, `-3`
//! beside it. A new host is ordered with those that are there, whose certificate is
//! served until the new one is: what is added is served before it is used
//! ([`Certificates::lacking`]). A host that fails is proved by itself, ever more
//! rarely, and joins when it is; meanwhile nobody waits for it:
//!
//! - if it was not covered, the others go on without it, at once, and their Gateway is used without it;
//! - if it was, the certificate that covers it stays until it ends. Who is new lies
//!   in another secret at once. Who shares its own has a certificate as well, and goes on
//!   in another secret only in the last tenth of its life: until then what fails is
//!   mostly well again.
//!
//! So it is with more hosts than the issuer takes in one certificate. A host stays in
//! the secret that covers it; [`Certificates::divide`] has the servers of Gateways name
//! these secrets, and [`render_certified`](crate::render::render_certified) writes that.
//! Whoever stops naming a secret for a host has an hour for it after the other is served.
//!
//! What cannot be ordered as it is asked for (two issuers, none) goes on as it stands:
//! hosts that are covered are renewed, none joins. An authority that is asked and does not
//! answer within half an hour counts as one that failed.
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
mod parts;
mod retry;
mod schedule;
mod servers;
mod state;
mod usable;
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

/// What is to be done; for one secret in the order in which it is asked for.
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
    /// whatever it is and however late; what is not answered within half an hour is asked again.
    Order {
        /// For which secret.
        credential: Credential,
        /// Whom to ask.
        issuer: Name,
        /// Its hosts.
        hosts: BTreeSet<Fqdn>,
    },
    /// Have the authority see that a host is ours, without a certificate (RFC 8555: an authorization, 7.4.1,
    /// or an order that is not finalized), and give the result to [`Certificates::handle_proof`], whatever it is;
    /// what is not answered within half an hour is asked again, and a later result is nobody's.
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
    /// Write down what was signed, then tell [`Certificates::handle_stored`]; asked again until then. Beside a
    /// further secret of a [`whole`](Credential::whole) an Istio gateway looks for the authorities of clients, too
    /// (`ca.crt`, `NAME-cacert`): what the whole has of these belongs there as well. Our own gateways ask for the whole's.
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
    /// A certificate is not replaced, because another one could not name all hosts that it covers. Nobody waits for
    /// that who has none.
    HeldBack {
        /// Of which secret.
        credential: Credential,
        /// The hosts that failed.
        hosts: BTreeSet<Fqdn>,
        /// When the others go on in another secret.
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
