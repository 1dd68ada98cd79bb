//! The Internet checksum: sums, whole checksums and incremental updates.
//!
//! The one idea: one's complement addition does not care about byte order
//! (RFC 1071 section 2 (B)), so words are added as the machine loads them and
//! swapped once at the end. It knows sums, not packets: who sums what is in
//! [`encapsulation`](crate::encapsulation) and [`icmp`](crate::icmp).
//! Sources: RFC 1071, RFC 1624 (updates), RFC 8200 section 8.1 (pseudo-header).

use crate::flow::{Addresses, Protocol};

/// A one's complement sum in progress.
///
/// ```
/// use lb_core::checksum::Sum;
///
/// // An IPv4 header that contains its checksum sums to all ones.
/// let header = [
///     0x45, 0, 0, 0x14, 0, 0, 0x40, 0, 0x40, 4, 0x26, 0xe4, // 0x26e4 is the checksum
///     10, 0, 0, 1, 10, 0, 0, 2,
/// ];
/// assert!(Sum::of(&header).is_valid());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// Nothing added yet.
    pub const ZERO: Self = Self(0);

    /// The sum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::ZERO.bytes(bytes)
    }

    /// The sum of a TCP, UDP or ICMPv6 pseudo-header: addresses, upper-layer length, protocol.
    #[must_use]
    pub fn of_pseudo_header(addresses: &Addresses, protocol: Protocol, length: u32) -> Self {
        let sum = match addresses {
            Addresses::V4 { source, destination } => {
                Self::ZERO.bytes(&source.octets()).bytes(&destination.octets())
            }
            Addresses::V6 { source, destination } => {
                Self::ZERO.bytes(&source.octets()).bytes(&destination.octets())
            }
        };
        sum.bytes(&length.to_be_bytes()).word(u16::from(protocol.0))
    }

    /// Adds `bytes`, which must begin at an even offset of what is summed; an
    /// odd last byte counts as if a zero followed.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut sum = self.0;
        // Four bytes at a time into 64 bits: no carry is lost for any length below 16 GiB.
        let mut words = bytes.chunks_exact(4);
        for word in &mut words {
            let word: [u8; 4] = word.try_into().expect("chunks_exact(4) yields four bytes");
            sum += u64::from(u32::from_ne_bytes(word));
        }
        let mut tail = [0; 4];
        let rest = words.remainder();
        tail[..rest.len()].copy_from_slice(rest);
        Self(sum + u64::from(u32::from_ne_bytes(tail)))
    }

    /// Adds one 16-bit word given as a number.
    #[must_use]
    pub const fn word(self, word: u16) -> Self {
        Self(self.0 + word.to_be() as u64)
    }

    /// The checksum: the complement of the folded sum, as a number.
    #[must_use]
    pub const fn checksum(self) -> u16 {
        !u16::from_be(self.fold())
    }

    /// As [`checksum`](Self::checksum), but never zero: in UDP zero means "none" (RFC 768).
    #[must_use]
    pub const fn udp_checksum(self) -> u16 {
        match self.checksum() {
            0 => 0xffff,
            checksum => checksum,
        }
    }

    /// Whether data that contains its own checksum sums to all ones.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.fold() == 0xffff
    }

    const fn fold(self) -> u16 {
        let mut sum = self.0;
        // At most four folds: 64 bits to 33, to 18, to 17, to 16.
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum as u16
    }
}

/// The checksum after the word `old` of the data became `new` (RFC 1624, equation 3).
///
/// ```
/// // RFC 1624 section 4: 0xdd2f, with 0x5555 changed to 0x3285, becomes 0x0000.
/// assert_eq!(lb_core::checksum::update(0xdd2f, 0x5555, 0x3285), 0x0000);
/// ```
#[must_use]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    // HC' = ~(~HC + ~m + m'); the sum of three words needs two folds.
    let sum = !checksum as u32 + !old as u32 + new as u32;
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

#[cfg(test)]
mod tests;
