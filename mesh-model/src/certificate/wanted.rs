//! What is asked of one credential, by whom, and whether it can be had.
//!
//! The idea: everything that names a secret is added up, so that the answer does
//! not depend on the order, and who has to change what is named. Two access points
//! of a namespace that name one secret share its certificate, as two Gateways of
//! Istio do; they cannot share it if they ask for different issuers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::access_point::AccessPointId;
use crate::name::{Fqdn, Name};
use crate::template::TemplateId;

/// What is asked of one credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The hosts that its certificates must name, each host one of them.
    pub hosts: BTreeSet<Fqdn>,
    /// Those of them that nobody can prove now: none is ordered, and what covers one stays.
    pub unprovable: BTreeSet<Fqdn>,
    /// Whether an authority that is asked for sees at the gateways that hosts are ours (`http-01`).
    pub is_proved_at_gateways: bool,
    /// The issuers that are asked for, one if it is right.
    pub issuers: BTreeMap<Name, AskedIssuer>,
    /// The Gateways that name it.
    pub named_by: BTreeSet<NamedBy>,
}

/// What is known of an issuer that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedIssuer {
    /// It signs for so many names in one certificate.
    Known {
        /// At most; at least 1.
        max_names: u16,
    },
    /// There is no such `Issuer`.
    Missing,
}

/// A Gateway that names a credential; displays as `payments/checkout Gateway/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedBy {
    /// The access point.
    pub access_point: AccessPointId,
    /// Its Gateway.
    pub gateway: TemplateId,
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access_point, self.gateway)
    }
}

/// Why no certificate can be ordered for a credential as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialProblem {
    /// Two issuers would sign for one secret.
    #[error(
        "named by {} with the issuers {}; let them ask for one, or name secrets of their own",
        listed(named_by),
        listed(issuers)
    )]
    Issuers {
        /// Who names it.
        named_by: BTreeSet<NamedBy>,
        /// The issuers.
        issuers: BTreeSet<Name>,
    },
    /// The issuer that is asked for is not there.
    #[error(
        "{} ask for the issuer {issuer}, which is not there; correct its name, or make it",
        listed(named_by)
    )]
    NoIssuer {
        /// Who names it.
        named_by: BTreeSet<NamedBy>,
        /// The issuer.
        issuer: Name,
    },
}

impl Wanted {
    /// Adds what is asked for under another name of the same.
    pub(super) fn extend(&mut self, other: &Self) {
        self.hosts.extend(other.hosts.iter().cloned());
        self.unprovable.extend(other.unprovable.iter().cloned());
        self.is_proved_at_gateways |= other.is_proved_at_gateways;
        self.issuers.extend(other.issuers.iter().map(|(name, asked)| (name.clone(), *asked)));
        self.named_by.extend(other.named_by.iter().cloned());
    }

    /// The most names that a certificate of it may have; no limit where no issuer is known.
    pub(super) fn max_names(&self) -> usize {
        let known = self.issuers.values().filter_map(|asked| match asked {
            AskedIssuer::Known { max_names } => Some(usize::from(*max_names)),
            AskedIssuer::Missing => None,
        });
        known.min().unwrap_or(usize::MAX)
    }

    /// Who is to sign for all of its hosts.
    ///
    /// # Errors
    ///
    /// Nobody can, as it is asked for.
    pub fn issuer(&self) -> Result<&Name, CredentialProblem> {
        let named_by = || self.named_by.clone();
        let mut issuers = self.issuers.iter();
        match (issuers.next(), issuers.next()) {
            (Some((issuer, AskedIssuer::Known { .. })), None) => Ok(issuer),
            (Some((issuer, AskedIssuer::Missing)), None) => {
                Err(CredentialProblem::NoIssuer { named_by: named_by(), issuer: issuer.clone() })
            }
            (None, _) | (Some(_), Some(_)) => {
                let issuers = self.issuers.keys().cloned().collect();
                Err(CredentialProblem::Issuers { named_by: named_by(), issuers })
            }
        }
    }
}

fn listed<T: fmt::Display>(all: &BTreeSet<T>) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
