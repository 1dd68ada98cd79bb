//! The kinds that can be templates, and what is known of each.
//!
//! Sources: the Kubernetes API (`v1` Service), Istio's CRDs.

use std::fmt;
use std::str::FromStr;

use crate::name::{is_label, is_subdomain};
use crate::nearest::nearest;

/// A kind of object that can be a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// Istio: who may call what.
    AuthorizationPolicy,
    /// Istio: how a host's endpoints are used.
    DestinationRule,
    /// Istio: which ports and hosts a gateway serves.
    Gateway,
    /// Istio: whether callers must have certificates.
    PeerAuthentication,
    /// Kubernetes: ports and the pods behind them.
    Service,
    /// Istio: a host that no cluster has as a Service.
    ServiceEntry,
    /// Istio: where requests of a host go.
    VirtualService,
    /// Istio: an endpoint that is no pod.
    WorkloadEntry,
}

/// What Kubernetes takes for a name, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameForm {
    /// 1 to 63 lower-case letters, digits and `-`, a letter first (RFC 1035).
    Label,
    /// 1 to 253 lower-case letters, digits, `-` and `.`.
    Subdomain,
}

impl NameForm {
    /// Whether a text has this form.
    #[must_use]
    pub fn is_met(self, text: &str) -> bool {
        match self {
            Self::Label => is_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase()),
            Self::Subdomain => is_subdomain(text),
        }
    }
}

impl fmt::Display for NameForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Label => "1 to 63 lower-case letters, digits and `-`, a letter first, a letter or digit last",
            Self::Subdomain => {
                "1 to 253 lower-case letters, digits, `-` and `.`, a letter or digit at both ends of each part"
            }
        })
    }
}

/// The versions of Istio's networking kinds, newest first.
const NETWORKING: &[&str] =
    &["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];
/// The versions of Istio's security kinds, newest first.
const SECURITY: &[&str] = &["security.istio.io/v1", "security.istio.io/v1beta1"];

impl TemplateKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AuthorizationPolicy,
        Self::DestinationRule,
        Self::Gateway,
        Self::PeerAuthentication,
        Self::Service,
        Self::ServiceEntry,
        Self::VirtualService,
        Self::WorkloadEntry,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationPolicy => "AuthorizationPolicy",
            Self::DestinationRule => "DestinationRule",
            Self::Gateway => "Gateway",
            Self::PeerAuthentication => "PeerAuthentication",
            Self::Service => "Service",
            Self::ServiceEntry => "ServiceEntry",
            Self::VirtualService => "VirtualService",
            Self::WorkloadEntry => "WorkloadEntry",
        }
    }

    /// The groups and versions that it is served under, newest first; all have one schema.
    #[must_use]
    pub const fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationPolicy | Self::PeerAuthentication => SECURITY,
            Self::DestinationRule
            | Self::Gateway
            | Self::ServiceEntry
            | Self::VirtualService
            | Self::WorkloadEntry => NETWORKING,
            Self::Service => &["v1"],
        }
    }

    /// Whether objects of it can say by `exportTo` who sees them (a Service does so by annotation).
    #[must_use]
    pub const fn has_export_to(self) -> bool {
        match self {
            Self::DestinationRule | Self::ServiceEntry | Self::VirtualService => true,
            Self::AuthorizationPolicy
            | Self::Gateway
            | Self::PeerAuthentication
            | Self::Service
            | Self::WorkloadEntry => false,
        }
    }

    /// Whether its server refuses one without `spec`; a Service without one lacks ports, too.
    #[must_use]
    pub const fn needs_spec(self) -> bool {
        match self {
            Self::ServiceEntry | Self::WorkloadEntry => true,
            Self::AuthorizationPolicy
            | Self::DestinationRule
            | Self::Gateway
            | Self::PeerAuthentication
            | Self::Service
            | Self::VirtualService => false,
        }
    }

    /// What a name of it is: a Service's becomes a label of DNS (RFC 1035), others' are subdomains.
    #[must_use]
    pub const fn name_form(self) -> NameForm {
        match self {
            Self::Service => NameForm::Label,
            Self::AuthorizationPolicy
            | Self::DestinationRule
            | Self::Gateway
            | Self::PeerAuthentication
            | Self::ServiceEntry
            | Self::VirtualService
            | Self::WorkloadEntry => NameForm::Subdomain,
        }
    }
}

impl fmt::Display for TemplateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TemplateKind {
    /// The kind with the nearest name.
    type Err = Option<&'static str>;

    fn from_str(text: &str) -> Result<Self, Option<&'static str>> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| nearest(text, Self::ALL.iter().map(|kind| kind.as_str())))
    }
}
