//! Which secret a server of a Gateway takes its certificate from.
//!
//! Istio's gateways find it in the namespace of who names it, and ask for it by
//! SDS under a name that says where it is. Sources: istio/api `gateway.proto`
//! (`credentialName`), istio/istio `pilot/pkg/model/credentials`.

use std::fmt;
use std::sync::Arc;

use crate::name::{Name, is_subdomain};

/// A secret with a certificate and its key; displays as `payments/checkout`.
///
/// ```
/// use mesh_model::certificate::Credential;
///
/// let credential = Credential::new("payments".parse()?, "checkout-tls")?;
/// assert_eq!(credential.to_string(), "payments/checkout-tls");
/// assert_eq!(credential.resource(), "kubernetes://payments/checkout-tls");
/// assert!(Credential::new("payments".parse()?, "kubernetes://shop/checkout-tls").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credential {
    namespace: Name,
    name: Arc<str>,
}

/// A text names no secret of one's own namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no name of a secret; write the name alone, up to 253 lower-case letters, digits, `-` and `.`: it is one of the access point's own namespace"
)]
pub struct ParseCredentialError;

impl Credential {
    /// The secret of this name in a namespace.
    ///
    /// # Errors
    ///
    /// The text is no name of a secret.
    pub fn new(namespace: Name, name: &str) -> Result<Self, ParseCredentialError> {
        if is_subdomain(name) { Ok(Self { namespace, name: name.into() }) } else { Err(ParseCredentialError) }
    }

    /// Where it is.
    #[must_use]
    pub const fn namespace(&self) -> &Name {
        &self.namespace
    }

    /// Its name there.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Under which name a gateway asks for it by SDS, as in [`EnvoyConfig::secrets`](crate::envoy::EnvoyConfig::secrets).
    #[must_use]
    pub fn resource(&self) -> String {
        format!("kubernetes://{self}")
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
