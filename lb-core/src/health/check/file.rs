//! A check as a person writes it: one flat mapping, so that every field keeps its position.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{DnsRecord, HexBytes, HexPattern, RadiusReply, Secret, StatusCodes, Via};

/// A check: a kind and its parameters; one of another kind is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckFile {
    /// What is asked; `tcp` in a file without a check.
    pub kind: CheckName,
    /// The port to ask; the service's where left out. Not for `icmp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// The way to the backend: `plain` where left out; `tunnel` asks the VIP through the tunnel. Not for `icmp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// `tcp`, `tcp-tls`, `udp`: what to send; nothing where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// The same in hexadecimal, for what no text can hold; instead of `send`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_hex: Option<HexBytes>,
    /// `tcp`, `tcp-tls`, `udp`: how the answer must start; `http`, `https`: the body. Anyhow where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive: Option<String>,
    /// `tcp`, `tcp-tls`, `udp`: how the answer must start, in hexadecimal, `X` for any digit; instead of `receive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_hex: Option<HexPattern>,
    /// `tcp-tls`, `https`: whether the certificate must be valid; true where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_verify: Option<bool>,
    /// `tcp-tls`, `https`: the name to ask for and verify; the backend's address where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// `tcp-tls`, `https`: a file of certificates (PEM) to trust; the system's where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<String>,
    /// `tcp-tls`, `https`: a file of the check's own certificate (PEM), for servers that ask; with `tlsKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<String>,
    /// `tcp-tls`, `https`: a file of its key (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<String>,
    /// `http`, `https`: the method; GET where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// `http`, `https`: path and query; `/` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `http`, `https`: the `Host` header; the address asked where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `http`, `https`: ask as one asks a proxy; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<bool>,
    /// `http`, `https`: the status, 100 to 599, or several as in "200-299, 401", or 0 for any; 200 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<StatusCodes>,
    /// `http`, `https`: what the first 64 KiB of the body must hold anywhere; anything where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// `dns`: the name to ask for; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `dns`: the record type; A where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<DnsRecord>,
    /// `dns`: what one of the answers must hold: an address, a host (CNAME, MX, NS, SOA), or a text (TXT); anything where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// `radius`: the user; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `radius`: the password; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// `radius`: the secret shared with the server; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// `radius`: the reply that counts as success; `accept` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<RadiusReply>,
}

/// The kinds of check by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// A DNS query.
    Dns,
    /// An HTTP request.
    Http,
    /// An HTTP request over TLS.
    Https,
    /// An ICMP echo.
    Icmp,
    /// A RADIUS access request.
    Radius,
    /// A TCP connection, and an exchange on it.
    #[default]
    Tcp,
    /// A TLS connection, and an exchange on it.
    TcpTls,
    /// A UDP exchange.
    Udp,
}

impl CheckName {
    /// The name as files have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Http => "http",
            Self::Https => "https",
            Self::Icmp => "icmp",
            Self::Radius => "radius",
            Self::Tcp => "tcp",
            Self::TcpTls => "tcp-tls",
            Self::Udp => "udp",
        }
    }

    /// The parameters that the kind has.
    pub(super) const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Dns => &["port", "via", "name", "record", "answer"],
            Self::Http => &["port", "via", "method", "path", "host", "proxy", "code", "receive", "contains"],
            Self::Https => &[
                "port",
                "via",
                "method",
                "path",
                "host",
                "proxy",
                "code",
                "receive",
                "contains",
                "tlsVerify",
                "serverName",
                "tlsCa",
                "tlsCertificate",
                "tlsKey",
            ],
            Self::Icmp => &[],
            Self::Radius => &["port", "via", "user", "password", "secret", "reply"],
            Self::Tcp | Self::Udp => &["port", "via", "send", "sendHex", "receive", "receiveHex"],
            Self::TcpTls => &[
                "port",
                "via",
                "send",
                "sendHex",
                "receive",
                "receiveHex",
                "tlsVerify",
                "serverName",
                "tlsCa",
                "tlsCertificate",
                "tlsKey",
            ],
        }
    }
}
