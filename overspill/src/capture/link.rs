//! Link headers: from a frame to the IP packet inside.
//!
//! Only where the IP header begins is found here; its version and lengths are
//! the packet parser's to check. Source: the registry of link types at
//! tcpdump.org, IEEE 802.1Q and 802.1ad for tags.

/// What frames begin with, as far as it is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkType {
    /// Ethernet, with any number of VLAN tags.
    Ethernet,
    /// Linux "any" captures: 16 bytes, the protocol last.
    LinuxCooked,
    /// The same, second version: 20 bytes, the protocol first.
    LinuxCooked2,
    /// BSD loopback: the address family in the byte order of whoever captured.
    Null,
    /// OpenBSD loopback: the address family in network byte order.
    Loop,
    /// Nothing: the packet itself.
    Raw,
}

/// For people: what can be read.
pub(super) const KNOWN: &str =
    "Ethernet (1), raw IP (101, 228, 229), Linux cooked (113, 276), null and loopback (0, 108)";

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// The frame ends within its link header.
    CutOff,
    /// An IP packet, from its header on; whatever pads the frame follows it.
    Ip(&'a [u8]),
    /// Something else, such as ARP.
    Other,
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Customer and service tags, and the types that equipment used before 802.1ad.
const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Address families of IPv6: Linux, NetBSD and OpenBSD, FreeBSD, macOS.
const INET6: [u32; 4] = [10, 24, 28, 30];
const INET: u32 = 2;

impl LinkType {
    /// The type of a number in a capture's header.
    pub(super) const fn of(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Null),
            1 => Some(Self::Ethernet),
            // 12 is what writers put that do not translate their system's own number
            12 | 101 | 228 | 229 => Some(Self::Raw),
            108 => Some(Self::Loop),
            113 => Some(Self::LinuxCooked),
            276 => Some(Self::LinuxCooked2),
            _ => None,
        }
    }

    /// What is in a frame of this type.
    pub(crate) fn content(self, frame: &[u8]) -> Content<'_> {
        let (protocol_at, header) = match self {
            Self::Raw => return Content::Ip(frame),
            Self::Null => return family(frame, u32::from_ne_bytes),
            Self::Loop => return family(frame, u32::from_be_bytes),
            Self::Ethernet => (12, 14),
            Self::LinuxCooked => (14, 16),
            Self::LinuxCooked2 => (0, 20),
        };
        let Some(protocol) = u16_at(frame, protocol_at) else { return Content::CutOff };
        match frame.get(header..) {
            Some(rest) => tagged(protocol, rest),
            None => Content::CutOff,
        }
    }
}

/// What follows a protocol number, behind any tags.
fn tagged(mut protocol: u16, mut rest: &[u8]) -> Content<'_> {
    while TAGS.contains(&protocol) {
        let Some(inner) = u16_at(rest, 2) else { return Content::CutOff };
        (protocol, rest) = (inner, &rest[4..]);
    }
    if matches!(protocol, IPV4 | IPV6) { Content::Ip(rest) } else { Content::Other }
}

/// What follows an address family, which may be in the other byte order than `read`'s.
fn family(frame: &[u8], read: fn([u8; 4]) -> u32) -> Content<'_> {
    let Some((family, rest)) = frame.split_first_chunk() else { return Content::CutOff };
    let family = read(*family);
    let either = [family, family.swap_bytes()];
    if either.iter().any(|family| *family == INET || INET6.contains(family)) {
        Content::Ip(rest)
    } else {
        Content::Other
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}
