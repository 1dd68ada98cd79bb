//! Names that are right by construction: of objects, and in DNS.
//!
//! A [`Name`] is a DNS label (RFC 1123), stricter than Kubernetes asks, because
//! our names become label values, directories and parts of host names. A
//! [`Fqdn`] is a host name in the one form that records are compared in, a
//! [`DnsName`] whatever else a zone may have. All are shared when they are cloned,
//! for plans name everything many times. What a name refers to is for others to find.

mod dns;

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::units::text_value;

pub use dns::{DnsName, ParseDnsNameError};

/// The name of an object, zone, cluster, override or stage: 1 to 63 of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// A text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write 1 to 63 lower-case letters, digits and `-`, with a letter or digit first and last")]
pub struct ParseNameError;

impl Name {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        if is_label(text) { Ok(Self(text.into())) } else { Err(ParseNameError) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, text: &str) -> bool {
        *self.0 == *text
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, text: &&str) -> bool {
        *self.0 == **text
    }
}

text_value!(Name, "name", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "A DNS label (RFC 1123).");

/// A host name of two labels or more, in lower case, without a dot at the end; `*.` may stand first.
///
/// ```
/// use mesh_model::name::Fqdn;
///
/// let name: Fqdn = "Checkout.Example.COM.".parse()?;
/// assert_eq!(name.as_str(), "checkout.example.com");
/// assert!(name.is_below(&"example.com".parse()?));
/// assert!("checkout".parse::<Fqdn>().is_err());
/// # Ok::<(), mesh_model::name::ParseFqdnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fqdn(Arc<str>);

/// A text is no host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFqdnError {
    /// One label is none.
    #[error(
        "a label is empty, longer than 63, begins or ends with `-`, or has other characters than letters, digits, `-`, and `_` in front; write checkout.example.com"
    )]
    Label,
    /// An address.
    #[error("the last label is a number, so it reads as an address; write a name, checkout.example.com")]
    Number,
    /// In all.
    #[error("longer than 253 characters; write a shorter one")]
    Long,
    /// Letters of other alphabets have a form in DNS.
    #[error("not ASCII; write the form that DNS has, which begins with xn--")]
    NotAscii,
    /// A name without a domain.
    #[error("only one label; write the whole name, checkout.example.com")]
    Short,
    /// A star elsewhere than alone in the first label.
    #[error("`*` stands alone in the first label or nowhere; write *.example.com")]
    Star,
}

impl Fqdn {
    /// As text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a name for all names below another.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// Whether this is `domain` itself or lies below it.
    #[must_use]
    pub fn is_below(&self, domain: &Self) -> bool {
        let before = self.0.strip_suffix(&*domain.0);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// A name made of parts of others, so that it is right already.
    pub(crate) fn made_of_names(text: String) -> Self {
        debug_assert_eq!(text.parse().as_ref().map(Self::as_str), Ok(text.as_str()));
        Self(text.into())
    }
}

impl FromStr for Fqdn {
    type Err = ParseFqdnError;

    fn from_str(text: &str) -> Result<Self, ParseFqdnError> {
        if !text.is_ascii() {
            return Err(ParseFqdnError::NotAscii);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.len() > 253 {
            return Err(ParseFqdnError::Long);
        }
        let plain = name.strip_prefix("*.").unwrap_or(&name);
        if plain.contains('*') {
            return Err(ParseFqdnError::Star);
        }
        // records of services have labels that begin with an underscore
        let is_right = |label: &str| is_label(label.strip_prefix('_').unwrap_or(label)) && label.len() <= 63;
        if !plain.split('.').all(is_right) {
            return Err(ParseFqdnError::Label);
        }
        let Some((_, last)) = plain.rsplit_once('.') else {
            return Err(ParseFqdnError::Short);
        };
        // RFC 3696 section 2: so that no name looks like an IPv4 address
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseFqdnError::Number);
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value!(Fqdn, "host name", r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+\.?$", "A whole host name.");

/// Whether a text is a DNS label in lower case (RFC 1123).
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Whether a text is what Kubernetes calls a subdomain: labels with dots between, of any length each.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_of_any_length)
}

#[cfg(test)]
mod tests;
