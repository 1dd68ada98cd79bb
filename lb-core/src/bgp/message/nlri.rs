//! Prefixes on the wire: a length in bits, and as many octets as that takes (RFC 4271 section 4.3).
//!
//! Bits past the length mean nothing: they are zero in what we write, and
//! become zero in what we read.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::reader::Reader;

/// A prefix that can be read and written; there are two, and they differ in width alone.
pub(super) trait Prefix: Sized {
    /// Reads one prefix; `None` if it is too long or cut off.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

impl Prefix for Ipv4Net {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (length, octets) = read(reader)?;
        Self::new(Ipv4Addr::from(octets), length).ok().map(|prefix| prefix.trunc())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(self.prefix_len(), &self.network().octets(), out);
    }
}

impl Prefix for Ipv6Net {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (length, octets) = read(reader)?;
        Self::new(Ipv6Addr::from(octets), length).ok().map(|prefix| prefix.trunc())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(self.prefix_len(), &self.network().octets(), out);
    }
}

/// All prefixes of a field; `None` if one of them cannot be read, for then neither can those after it.
pub(super) fn read_all<P: Prefix>(bytes: &[u8]) -> Option<Vec<P>> {
    let mut reader = Reader::new(bytes);
    // Each takes an octet at least, so the list is no longer than the message.
    let mut prefixes = Vec::new();
    while !reader.is_empty() {
        prefixes.push(P::read(&mut reader)?);
    }
    Some(prefixes)
}

pub(super) fn write_all<P: Prefix>(prefixes: &[P], out: &mut Vec<u8>) {
    for prefix in prefixes {
        prefix.write(out);
    }
}

/// The length in bits, and the octets, zero where the wire has none.
fn read<const N: usize>(reader: &mut Reader<'_>) -> Option<(u8, [u8; N])> {
    let length = reader.u8()?;
    let present = reader.take(usize::from(length).div_ceil(8))?;
    let mut octets = [0; N];
    octets.get_mut(..present.len())?.copy_from_slice(present);
    Some((length, octets))
}

fn write(length: u8, octets: &[u8], out: &mut Vec<u8>) {
    out.push(length);
    out.extend_from_slice(&octets[..usize::from(length).div_ceil(8)]);
}
