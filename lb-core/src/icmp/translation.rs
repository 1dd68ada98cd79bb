//! A router's "too big" about our outer packet, made into one for the client.
//!
//! The one idea: the error quotes our outer packet, and within it the client's.
//! If enough is quoted, everything the client must be told is in the error
//! itself, so no node needs to remember what it sent: whichever node the error
//! reaches can pass it on. If not (RFC 792 asks routers for 8 bytes only), the
//! refusal names the backend and the path's MTU for an owner that keeps them.
//!
//! ```text
//! IP  router -> node          | ICMP too big, mtu M
//!   quoted: IP node -> backend | UDP + GUE or GRE, if any
//!     inner: IP client -> VIP  | ports, ...
//! becomes
//! IP  VIP -> client           | ICMP too big, mtu M - overhead
//!   quoted: IP client -> VIP   | ports, ...
//! ```
//!
//! Anybody can forge such an error. Whether the backend and the VIP are ours is
//! for the owner to check between [`translate_tunnel_error`] and
//! [`TunnelError::emit`]. Sources: RFC 2003 section 4, RFC 2473 section 8, RFC
//! 1191 sections 5 and 7.1, RFC 8201 section 4, RFC 4884 section 4.1.

use core::net::IpAddr;

use thiserror::Error;

use super::error::{Kind, Offending};
use super::{IcmpRefusal, checksum_start};
use crate::encapsulation::{gre, gue, minimum_mtu};
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::packet::{self, Fragment, IcmpErrorKind, IcmpMessage, Packet, Payload, Quoted};

/// A router's "too big" about a tunnel packet, with the client's packet found in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelError<'a> {
    /// The quoted outer source: a node, to be checked by the owner.
    pub node: IpAddr,
    /// The quoted outer destination: a backend, to be checked by the owner.
    pub backend: IpAddr,
    /// The MTU of the path to the backend in bytes, outer headers included.
    pub path_mtu: u16,
    /// The longest packet in bytes that the client may send.
    pub client_mtu: u16,
    /// The client's flow, client to VIP; `None` if its packet was a later fragment.
    pub flow: Option<FlowKey>,
    /// The client and the VIP.
    pub addresses: Addresses,
    inner: Quoted,
    /// The client's packet as far as it is quoted.
    bytes: &'a [u8],
}

/// Why a router's error was not translated; count the cause and drop the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TranslationError {
    /// The error's own checksum is wrong, or it is a fragment of an error.
    #[error("the ICMP error is damaged")]
    Damaged,
    /// What is quoted within the tunnel is no client's packet: forged or damaged.
    #[error("the quoted tunnel packet carries no packet")]
    BadInner,
    /// The MTU is so small that no client could use it: forged or damaged.
    #[error("the reported mtu of {path_mtu} is impossible")]
    ImpossibleMtu {
        /// The reported MTU in bytes.
        path_mtu: u16,
    },
    /// Not an error about a tunnel packet; it may be about a client's flow.
    #[error("not an error about a tunnel packet")]
    NotTunnel,
    /// Not "too big": the path to a backend fails in another way, which a client is not told.
    #[error("an error about a tunnel packet, but not \"too big\"")]
    NotTooBig {
        /// The backend that the path leads to.
        backend: IpAddr,
    },
    /// The client's packets are no longer than what it would be told, so
    /// telling it helps nobody: a stale or forged error, or the tunnel's MTU is
    /// configured larger than the path's.
    #[error("the packet is not longer than what fits the reported mtu of {path_mtu}")]
    NotSmaller {
        /// The backend that the path leads to.
        backend: IpAddr,
        /// The reported MTU in bytes, outer headers included.
        path_mtu: u16,
    },
    /// The router quotes too little of the outer packet to tell whose it carried:
    /// the inner IP header and 8 bytes after it are needed.
    #[error("the router quotes too little of the packet inside the tunnel")]
    QuoteTooShort {
        /// The backend that the path leads to.
        backend: IpAddr,
        /// The reported MTU in bytes, outer headers included.
        path_mtu: u16,
    },
}

/// Reads a router's "too big" about a packet that a tunnel of this node (or
/// another's: any node may get it) had sent.
///
/// `gue_port` is the UDP port by which GUE is told from other UDP.
///
/// # Errors
///
/// [`TranslationError`]; of these `NotTunnel` means that the packet is an
/// ordinary one, to be steered as any.
///
/// ```
/// use lb_core::icmp::translate_tunnel_error;
/// use lb_core::packet::{self, IcmpErrorKind, IcmpMessage, Payload};
///
/// // Router 10.9.9.9 tells node 10.0.0.11 that 1,400 bytes fit, quoting an
/// // IP-in-IP packet to 10.1.0.5 with a segment of 192.0.2.1:40000 inside.
/// let report = [
///     0x45, 0, 0, 76, 0, 1, 0, 0, 60, 1, 0x61, 0x94, 10, 9, 9, 9, 10, 0, 0, 11, // IP
///     3, 4, 0xb3, 0xb8, 0, 0, 0x05, 0x78, // ICMP
///     0x45, 0, 0x05, 0xdc, 0, 0, 0x40, 0, 63, 4, 0, 0, 10, 0, 0, 11, 10, 1, 0, 5, // outer
///     0x45, 0, 0x05, 0xc8, 0, 1, 0x40, 0, 63, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 10, // inner
///     0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1,
/// ];
/// let report = packet::parse(&report).unwrap();
/// let error = translate_tunnel_error(&report, 6080).unwrap();
/// assert_eq!((error.path_mtu, error.client_mtu), (1400, 1380));
/// assert_eq!(error.flow.unwrap().to_string(), "tcp 192.0.2.1:40000 -> 203.0.113.10:443");
///
/// // After a look at whether backend and VIP are ours: to the client, from the VIP.
/// let mut out = [0; 576];
/// let length = error.emit(error.addresses.destination(), &mut out).unwrap();
/// let told = packet::parse(&out[..length]).unwrap();
/// assert_eq!(told.ip.addresses.destination(), error.addresses.source());
/// let Payload::Icmp(IcmpMessage::Error(told)) = told.payload else { panic!("{told:?}") };
/// assert_eq!(told.kind, IcmpErrorKind::TooBig { mtu: 1380 });
/// ```
pub fn translate_tunnel_error<'a>(
    error: &Packet<'a>,
    gue_port: u16,
) -> Result<TunnelError<'a>, TranslationError> {
    let Payload::Icmp(IcmpMessage::Error(report)) = error.payload else {
        return Err(TranslationError::NotTunnel);
    };
    let outer = report.quoted;
    // What is no tunnel's is left to others, whatever else is wrong with it.
    let is_tunnel = match outer.protocol {
        Protocol::IPV4 | Protocol::IPV6 | Protocol::GRE => true,
        Protocol::UDP => outer.ports.is_some_and(|(_, port)| port == gue_port),
        _ => false,
    };
    if !is_tunnel {
        return Err(TranslationError::NotTunnel);
    }
    check_error(error)?;
    let backend = outer.addresses.destination();
    let IcmpErrorKind::TooBig { mtu } = report.kind else {
        return Err(TranslationError::NotTooBig { backend });
    };
    let quotation = quotation(error, &outer);
    let outer_length = announced_length(quotation, &outer.addresses).ok_or(TranslationError::BadInner)?;
    let path_mtu = match mtu {
        0 => plateau_below(outer_length),
        mtu => u16::try_from(mtu).unwrap_or(u16::MAX),
    };
    if usize::from(path_mtu) >= outer_length {
        return Err(TranslationError::NotSmaller { backend, path_mtu });
    }
    let short = TranslationError::QuoteTooShort { backend, path_mtu };
    if let Fragment::Later { .. } = outer.fragment {
        return Err(short);
    }
    let shim = shim_length(outer.protocol, quotation.get(outer.header_length..).ok_or(short)?, short)?;
    let overhead = outer.header_length + shim;
    let bytes = quotation.get(overhead..).ok_or(short)?;
    let inner = packet::parse_quoted(bytes, outer.offset + overhead).map_err(|cause| match cause {
        packet::ParseError::TruncatedQuote => short,
        _ => TranslationError::BadInner,
    })?;
    if bytes.len() < inner.header_length + TRANSPORT_NEEDED {
        return Err(short);
    }
    let client_mtu = client_mtu(path_mtu, overhead, &inner.addresses)?;
    let inner_length = announced_length(bytes, &inner.addresses).ok_or(TranslationError::BadInner)?;
    if usize::from(client_mtu) >= inner_length {
        return Err(TranslationError::NotSmaller { backend, path_mtu });
    }
    Ok(TunnelError {
        node: outer.addresses.source(),
        backend,
        path_mtu,
        client_mtu,
        flow: inner.flow_key(),
        addresses: inner.addresses,
        inner,
        bytes: &bytes[..bytes.len().min(inner_length)],
    })
}

impl TunnelError<'_> {
    /// Writes the error for the client into `out` and returns its length.
    ///
    /// `source` is best the VIP (`addresses.destination()`): it is of the
    /// client's family, and the client's firewall knows it.
    ///
    /// # Errors
    ///
    /// [`IcmpRefusal`], by the same rules as for a packet of the client's own.
    pub fn emit(&self, source: IpAddr, out: &mut [u8]) -> Result<usize, IcmpRefusal> {
        let offending = Offending {
            addresses: self.addresses,
            protocol: self.inner.protocol,
            fragment: self.inner.fragment,
            bytes: self.bytes,
            upper_layer: self.bytes.get(self.inner.header_length..).unwrap_or_default(),
        };
        offending.report(Kind::TooBig { mtu: self.client_mtu }, source, out)
    }
}

/// Refuses an error that is not whole or whose checksum is wrong.
fn check_error(error: &Packet<'_>) -> Result<(), TranslationError> {
    let message = error.upper_layer();
    let sum = checksum_start(&error.ip.addresses, message.len()).bytes(message);
    if error.ip.fragment == Fragment::Whole && sum.is_valid() {
        Ok(())
    } else {
        Err(TranslationError::Damaged)
    }
}

/// The quoted outer packet, without what RFC 4884 puts behind it.
fn quotation<'a>(error: &Packet<'a>, outer: &Quoted) -> &'a [u8] {
    let quotation = error.bytes().get(outer.offset..).unwrap_or_default();
    let length_field = match error.ip.addresses {
        // RFC 4884 section 4.1: the sixth byte counts the quoted 32-bit words; 0: no extension.
        Addresses::V4 { .. } => error.upper_layer().get(5).copied().unwrap_or(0),
        // "Packet too big" has no extensions.
        Addresses::V6 { .. } => 0,
    };
    match usize::from(length_field) * 4 {
        0 => quotation,
        length => &quotation[..quotation.len().min(length)],
    }
}

/// The whole length that a quoted header announces.
fn announced_length(header: &[u8], addresses: &Addresses) -> Option<usize> {
    let field =
        |at: usize| header.get(at..at + 2).map(|bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
    match addresses {
        Addresses::V4 { .. } => field(2),
        Addresses::V6 { .. } => Some(field(4)? + 40),
    }
}

/// Bytes between outer IP header and inner packet, by what is quoted of them.
fn shim_length(
    protocol: Protocol,
    payload: &[u8],
    short: TranslationError,
) -> Result<usize, TranslationError> {
    match protocol {
        // The checksum of GRE cannot be verified on a part; we do not write one.
        Protocol::GRE => match gre::parse(payload) {
            Ok((length, _)) => Ok(length),
            Err(gre::Refusal::Truncated) => Err(short),
            Err(gre::Refusal::BadChecksum | gre::Refusal::Unsupported | gre::Refusal::NotIp) => {
                Err(TranslationError::BadInner)
            }
        },
        Protocol::UDP => match gue::parse(payload.get(gue::UDP_LENGTH..).ok_or(short)?) {
            Ok((length, _)) => Ok(gue::UDP_LENGTH + length),
            Err(gue::Refusal::Truncated) => Err(short),
            Err(gue::Refusal::Control | gue::Refusal::Unsupported | gue::Refusal::NotIp) => {
                Err(TranslationError::BadInner)
            }
        },
        _ => Ok(0),
    }
}

/// What is left for the client, not below what its family guarantees.
fn client_mtu(path_mtu: u16, overhead: usize, client: &Addresses) -> Result<u16, TranslationError> {
    let inside = usize::from(path_mtu).saturating_sub(overhead) as u16;
    match client {
        // A tunnel cannot promise more than the path has: below 68 the error is wrong.
        Addresses::V4 { .. } if inside < minimum_mtu(client) => {
            Err(TranslationError::ImpossibleMtu { path_mtu })
        }
        Addresses::V4 { .. } => Ok(inside),
        // RFC 2473 section 7.1: never less than 1280, the tunnel fragments itself below that.
        Addresses::V6 { .. } => Ok(inside.max(minimum_mtu(client))),
    }
}

/// The next lower usual MTU, for routers that do not tell theirs (RFC 1191 sections 5 and 7.1).
fn plateau_below(length: usize) -> u16 {
    let plateau = PLATEAUS.iter().copied().find(|&mtu| usize::from(mtu) < length);
    plateau.unwrap_or(MINIMUM_PLATEAU)
}

/// RFC 1191 table 7-1.
const PLATEAUS: [u16; 10] = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, MINIMUM_PLATEAU];
const MINIMUM_PLATEAU: u16 = 68;

/// RFC 792: "the first 64 bits of the original datagram's data", which hold the
/// ports and TCP's sequence number by which a client recognises its packet.
const TRANSPORT_NEEDED: usize = 8;
