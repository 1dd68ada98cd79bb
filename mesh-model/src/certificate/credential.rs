//! Which secret a server of a Gateway takes its certificate from.
//!
//! Istio's gateways find it in the namespace of who names it, and ask for it by
//! SDS under a name that says where it is. What one secret cannot hold lies in
//! others beside it, which are found again by their names: `NAME-overspill-2`,
//! `-3` and so on. Such a name is ours; whoever writes it means `NAME`. Sources:
//! istio/api `gateway.proto` (`credentialName`), istio/istio
//! `pilot/pkg/model/credentials`.

use std::fmt;
use std::sync::Arc;

use crate::name::{Name, is_subdomain};

/// Between the name that Gateways ask for and the number of a further secret.
const OVERSPILL: &str = "-overspill-";
/// The longest name: 253 is what Kubernetes takes, and a further secret of any number has to have one.
const MAX_NAME: usize = 253 - OVERSPILL.len() - "4294967295".len();

/// A secret with a certificate and its key; displays as `payments/checkout`.
///
/// ```
/// use mesh_model::certificate::Credential;
///
/// let credential = Credential::new("payments".parse()?, "checkout-tls")?;
/// assert_eq!(credential.to_string(), "payments/checkout-tls");
/// assert_eq!(credential.resource(), "kubernetes://payments/checkout-tls");
/// assert!(Credential::new("payments".parse()?, "kubernetes://shop/checkout-tls").is_err());
/// let further = Credential::new("payments".parse()?, "checkout-tls-overspill-2")?;
/// assert_eq!(further.whole(), credential);
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
    "no name of a secret; write the name alone, up to 232 lower-case letters, digits, `-` and `.`: it is one of the access point's own namespace"
)]
pub struct ParseCredentialError;

impl Credential {
    /// The secret of this name in a namespace.
    ///
    /// # Errors
    ///
    /// The text is no name of a secret.
    pub fn new(namespace: Name, name: &str) -> Result<Self, ParseCredentialError> {
        let is_one = is_subdomain(name) && divided(name).0.len() <= MAX_NAME;
        if is_one { Ok(Self { namespace, name: name.into() }) } else { Err(ParseCredentialError) }
    }

    /// What is asked for, of which this secret holds some hosts: `shop` for `shop-overspill-2`, and for itself.
    #[must_use]
    pub fn whole(&self) -> Self {
        let (name, _) = divided(&self.name);
        if name.len() == self.name.len() { self.clone() } else { Self { name: name.into(), ..self.clone() } }
    }

    /// The secret of this number of a whole; the first is called as the whole is.
    pub(super) fn part(&self, number: u32) -> Self {
        let whole = self.whole();
        let name = match number {
            0 | 1 => return whole,
            number => format!("{}{OVERSPILL}{number}", whole.name),
        };
        Self { name: name.into(), ..whole }
    }

    /// Which of its whole's secrets it is, from 1.
    pub(super) fn number(&self) -> u32 {
        divided(&self.name).1
    }

    /// Before all further secrets of its whole, and behind everything that is before them.
    pub(super) fn before_further(&self) -> Self {
        Self { name: format!("{}{OVERSPILL}", self.whole().name).into(), ..self.clone() }
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

/// The name of the whole, and which of its secrets this is.
fn divided(name: &str) -> (&str, u32) {
    let (mut whole, mut last) = (name, 1);
    while let Some((before, digits)) = whole.rsplit_once(OVERSPILL)
        && let Ok(number) = digits.parse::<u32>()
        && number >= 2
        && number.to_string() == digits
        && is_subdomain(before)
    {
        last = if last == 1 { number } else { last };
        whole = before;
    }
    (whole, last)
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
