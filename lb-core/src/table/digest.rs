//! The digest of (kind, key, members): a table's name.
//!
//! 128 bits of SipHash-2-4 under a fixed public key over canonical bytes in
//! network order: the same on every machine. It guards against accidents, not
//! against a configuration that is written to collide. The fleet's secret key is
//! among the hashed bytes and cannot be read back from 128 bits.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use siphasher::sip128::SipHasher24;

use super::{Member, TableKind};
use crate::hash::HashKey;
use crate::identity::{Endpoint, Family};

/// The name of (kind, key, members); prints as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of a triple; `members` in the order that the kind gives them.
    #[must_use]
    pub(super) fn of(kind: TableKind, key: &HashKey, members: &[Member]) -> Self {
        let mut bytes = Vec::with_capacity(32 + members.len() * 21);
        let (tag, size, keyed) = match kind {
            TableKind::Maglev { size } => (1, size, true),
            TableKind::Rendezvous { size } => (2, size, true),
            TableKind::Ring { points } => (3, points, true),
            TableKind::IpvsMh { size, family: Family::V4 } => (4, size, false),
            TableKind::IpvsSh { size } => (5, size, false),
            TableKind::IpvsMh { size, family: Family::V6 } => (6, size, false),
        };
        bytes.push(tag);
        bytes.extend(size.to_be_bytes());
        if keyed {
            bytes.extend(key.to_bytes());
        }
        for member in members {
            let (endpoint, length) = endpoint_bytes(&member.endpoint);
            bytes.extend_from_slice(&endpoint[..length]);
            bytes.extend(member.weight.0.to_be_bytes());
        }
        Self(SipHasher24::new_with_key(PUBLIC_KEY).hash(&bytes).as_bytes())
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// An endpoint's canonical bytes and their number: family, address, port.
///
/// The family comes first, so that no two endpoints' bytes are each other's prefix.
pub(super) fn endpoint_bytes(endpoint: &Endpoint) -> ([u8; 19], usize) {
    let mut bytes = [0; 19];
    let port = endpoint.port.to_be_bytes();
    match endpoint.address {
        IpAddr::V4(address) => {
            bytes[0] = 4;
            bytes[1..5].copy_from_slice(&address.octets());
            bytes[5..7].copy_from_slice(&port);
            (bytes, 7)
        }
        IpAddr::V6(address) => {
            bytes[0] = 6;
            bytes[1..17].copy_from_slice(&address.octets());
            bytes[17..19].copy_from_slice(&port);
            (bytes, 19)
        }
    }
}

/// Public and arbitrary; changing it renames every table.
const PUBLIC_KEY: &[u8; 16] = b"overspill table.";
