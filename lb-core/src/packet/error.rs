//! Why bytes are no packet: one plain value per cause, made to be counted.

use thiserror::Error;

/// Why a packet cannot be steered; the sender or the link is at fault, drop it.
///
/// ```
/// use lb_core::packet::{self, ParseError};
///
/// assert_eq!(packet::parse(&[0x45, 0, 0]), Err(ParseError::Truncated));
/// let mut counters = [0_u64; ParseError::ALL.len()];
/// counters[ParseError::Truncated.index()] += 1;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum ParseError {
    /// The IPv4 header's checksum is wrong (RFC 1812 §5.2.2).
    #[error("the IPv4 header's checksum is wrong")]
    BadChecksum,
    /// An IPv6 extension header stands where RFC 8200 §4.1 does not allow it: a
    /// hop-by-hop header that is not first, or a second fragment header.
    #[error("an IPv6 extension header stands where it may not")]
    BadExtensionHeader,
    /// A fragment that would end past 65,535 bytes (a "ping of death").
    #[error("the fragment ends past the longest packet")]
    BadFragment,
    /// The IPv4 header claims less than its 20 bytes.
    #[error("the IPv4 header length is below 20 bytes")]
    BadHeaderLength,
    /// The ICMP error quotes something that is not a packet of its own family.
    #[error("the ICMP error quotes no packet of its family")]
    BadQuote,
    /// The announced length does not even hold the header.
    #[error("the announced length does not hold the header")]
    BadTotalLength,
    /// Neither IPv4 nor IPv6.
    #[error("neither IPv4 nor IPv6")]
    BadVersion,
    /// An IPv6 routing header has segments left: the address is a waypoint, not
    /// the receiver (RFC 5095, RFC 8200 §4.4).
    #[error("an IPv6 routing header leads on to another receiver")]
    SourceRouted,
    /// More than [`MAX_EXTENSION_HEADERS`](super::MAX_EXTENSION_HEADERS).
    #[error("too many IPv6 extension headers")]
    TooManyExtensionHeaders,
    /// The packet ends before its IP header, an extension header or the announced length does.
    #[error("the packet is cut off before the length it announces")]
    Truncated,
    /// The ICMP error quotes too little: it ends before the quoted packet's ports.
    #[error("the ICMP error quotes less than a header and 8 bytes")]
    TruncatedQuote,
    /// The IP packet is whole, but too short for its transport header; a "tiny
    /// first fragment" (RFC 1858 §3) too.
    #[error("the packet ends within its transport header")]
    TruncatedTransport,
}

impl ParseError {
    /// All causes, in the order of [`ParseError::index`].
    pub const ALL: [Self; 12] = [
        Self::BadChecksum,
        Self::BadExtensionHeader,
        Self::BadFragment,
        Self::BadHeaderLength,
        Self::BadQuote,
        Self::BadTotalLength,
        Self::BadVersion,
        Self::SourceRouted,
        Self::TooManyExtensionHeaders,
        Self::Truncated,
        Self::TruncatedQuote,
        Self::TruncatedTransport,
    ];

    /// The cause's place in an array of counters, below `ALL.len()`.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}
