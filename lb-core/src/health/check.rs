//! What a check asks of a backend, as data.
//!
//! [`CheckFile`] is what a person writes: flat, a `kind` and its parameters.
//! [`Check`] is what an adapter carries out: only what the kind has, complete
//! and within bounds. Parameters and defaults are Seesaw's, but for its
//! `send`/`receive` of everything, which here have the name of what they mean.
//! Success is defined on each kind; a redirect is an answer like any other.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

mod bytes;
mod convert;
mod file;
mod status;

pub use bytes::{AnswerStart, HexBytes, HexPattern, ParseHexError};
pub use file::{CheckFile, CheckName};
pub use status::{ParseStatusError, StatusCodes};

/// One check: what is asked, where, and by which way.
///
/// ```
/// use lb_core::health::{Check, CheckFile, CheckKind};
///
/// let file: CheckFile = serde_saphyr::from_str("{ kind: http, path: /healthz }")?;
/// let check = Check::try_from(file)?;
/// let CheckKind::Http(http) = &check.kind else { panic!("no HTTP check") };
/// assert_eq!((http.path.as_str(), http.status.to_string()), ("/healthz", "200".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is asked, and what counts as success.
    pub kind: CheckKind,
    /// The port to ask, never 0; `None` for the service's.
    pub port: Option<u16>,
    /// The way to the backend.
    pub via: Via,
}

/// The way a check takes to the backend.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Straight to the backend's own address.
    #[default]
    Plain,
    /// To the VIP through the tunnel that clients' packets take, so that a
    /// backend without its tunnel device or VIP fails.
    Tunnel,
}

/// The kinds of check; each says what success is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// A query; success is code 0 and, among the answers to the very question, a record
    /// of the type (with the wanted content) at the name, or at where its CNAMEs lead.
    Dns(DnsCheck),
    /// A request; success is the wanted status and start of the body.
    Http(HttpCheck),
    /// The same over TLS.
    Https(HttpCheck, Tls),
    /// An echo request of 64 bytes; success is the reply with its identifier and number.
    Icmp,
    /// An access request; success is the wanted kind of reply, with a right authenticator.
    Radius(RadiusCheck),
    /// A connection, then an exchange; with an empty exchange connecting suffices.
    Tcp(Exchange),
    /// A connection, a handshake, then an exchange.
    TcpTls(Exchange, Tls),
    /// A datagram; success is one that starts with the wanted answer.
    Udp(Exchange),
}

/// Bytes out, bytes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Sent first; may be empty.
    pub send: Vec<u8>,
    /// The answer must start with this; may be empty.
    pub receive: AnswerStart,
}

impl Exchange {
    /// Whether nothing is said and nothing awaited.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.send.is_empty() && self.receive.is_empty()
    }
}

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whether the certificate must be valid for the server's name.
    pub verify: bool,
    /// The server's name; `None` for the backend's address.
    pub server_name: Option<String>,
    /// A file of certificates (PEM) to trust; `None` for the system's.
    pub authorities: Option<String>,
    /// Who the check is, for servers that ask.
    pub client: Option<TlsClient>,
}

/// Files (PEM) of a client's certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsClient {
    /// The certificate, and those between it and the authority.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// An HTTP request and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// The method, a token (RFC 9110).
    pub method: String,
    /// The request's path and query, starting with `/`.
    pub path: String,
    /// The `Host` header; `None` for the address asked.
    pub host: Option<String>,
    /// Whether to ask as one asks a proxy: with the absolute form of the URL.
    pub proxy: bool,
    /// The status codes that count as success.
    pub status: StatusCodes,
    /// The body must start with this; may be empty.
    pub receive: String,
    /// The first 64 KiB of the body must hold this; may be empty.
    pub contains: String,
}

/// A DNS query and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsCheck {
    /// The name, without the last dot; only the root is `.`.
    pub name: String,
    /// The type.
    pub record: DnsRecord,
    /// What one of the answers must hold; `None` for anything.
    pub answer: Option<DnsAnswer>,
}

/// What a record must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// A, AAAA: the address, of the type's family.
    Address(IpAddr),
    /// CNAME, MX, NS, SOA: the host, without the last dot (of a SOA, the primary server).
    Name(String),
    /// TXT: the whole text, its parts joined.
    Text(String),
}

/// The record types that can be asked for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DnsRecord {
    /// An IPv4 address.
    #[default]
    A,
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// The name that this one stands for.
    #[serde(rename = "CNAME")]
    Cname,
    /// A host that takes mail.
    #[serde(rename = "MX")]
    Mx,
    /// A name server.
    #[serde(rename = "NS")]
    Ns,
    /// The start of a zone.
    #[serde(rename = "SOA")]
    Soa,
    /// A text.
    #[serde(rename = "TXT")]
    Txt,
}

/// A RADIUS access request (RFC 2865) and the reply to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadiusCheck {
    /// The user, 1 to 253 bytes.
    pub user: String,
    /// The password, at most 128 bytes.
    pub password: Secret,
    /// The secret shared with the server, not empty.
    pub secret: Secret,
    /// The reply that counts as success.
    pub reply: RadiusReply,
}

/// The replies to an access request.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RadiusReply {
    /// Access-Accept.
    #[default]
    Accept,
    /// Any of them.
    Any,
    /// Access-Challenge.
    Challenge,
    /// Access-Reject.
    Reject,
}

/// A text that is not for logs: `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; do not log it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for DnsRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Txt => "TXT",
        })
    }
}

impl CheckKind {
    /// The kind's name, as files have it.
    #[must_use]
    pub const fn name(&self) -> CheckName {
        match self {
            Self::Dns(_) => CheckName::Dns,
            Self::Http(_) => CheckName::Http,
            Self::Https(..) => CheckName::Https,
            Self::Icmp => CheckName::Icmp,
            Self::Radius(_) => CheckName::Radius,
            Self::Tcp(_) => CheckName::Tcp,
            Self::TcpTls(..) => CheckName::TcpTls,
            Self::Udp(_) => CheckName::Udp,
        }
    }
}

impl CheckName {
    /// The time that a whole check may take where the file says nothing (Seesaw's).
    #[must_use]
    pub const fn default_timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Icmp => 1,
            Self::Dns | Self::Radius => 3,
            Self::Http | Self::Https | Self::Udp => 5,
            Self::Tcp | Self::TcpTls => 10,
        })
    }
}

#[cfg(test)]
mod tests;
