//! Cutting an outer packet that is longer than the path.
//!
//! The one idea: only the sender of the outer header may fragment it, so an
//! owner whose IP stack does not (a raw socket, XDP, a capture file) needs this
//! after [`Tunnel::encapsulate`](super::Tunnel::encapsulate) returned a length
//! above the MTU. It cuts what a tunnel wrote: a 20-byte IPv4 header or an IPv6
//! header without extensions. Reassembly is the receiving host's.
//! Sources: RFC 791 section 3.2, RFC 8200 section 4.5, RFC 2473 section 7.

use thiserror::Error;

use super::{Identification, ipv4, ipv6};
use crate::checksum::Sum;
use crate::flow::{Addresses, Protocol};
use crate::packet::{Fragment, Packet};

/// The fragments of one packet, written one after the other.
///
/// ```
/// use lb_core::encapsulation::{Fragments, Identification};
/// use lb_core::packet::{self, Fragment};
///
/// // A packet of 20 + 100 bytes over a path of 68.
/// let mut outer = [0; 120];
/// outer[..20].copy_from_slice(&[
///     0x45, 0, 0, 120, 0, 9, 0, 0, 64, 47, 0x66, 0x4c, 10, 0, 0, 1, 10, 0, 0, 2,
/// ]);
/// let outer = packet::parse(&outer).unwrap();
/// let mut fragments = Fragments::new(&outer, 68, &mut Identification::default()).unwrap();
/// let mut out = [0; 68];
/// let mut lengths = Vec::new();
/// while let Some(length) = fragments.write_next(&mut out).unwrap() {
///     assert_ne!(packet::parse(&out[..length]).unwrap().ip.fragment, Fragment::Whole);
///     lengths.push(length);
/// }
/// assert_eq!(lengths, [68, 68, 24]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragments<'a> {
    packet: &'a [u8],
    addresses: Addresses,
    /// Bytes before the part that is cut up.
    header_length: usize,
    /// Payload bytes of each fragment but the last, a multiple of eight.
    step: usize,
    /// Payload bytes written so far.
    written: usize,
    /// Of the IPv6 fragment headers; IPv4 has one in the packet.
    identification: u32,
}

/// Why a packet cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FragmentationError {
    /// The packet says DF; the path's MTU is to be told to its sender instead.
    #[error("the packet may not be fragmented")]
    DontFragment,
    /// The MTU is below what every link must carry, 68 or 1280.
    #[error("the mtu is below {minimum}, the family's minimum")]
    MtuTooSmall {
        /// The family's minimum in bytes.
        minimum: u16,
    },
    /// The caller's buffer is too short.
    #[error("the buffer is too short, {needed} bytes are needed")]
    OutTooSmall {
        /// Bytes that are needed.
        needed: usize,
    },
    /// The packet has options or extension headers or is a fragment: no tunnel of this crate wrote it.
    #[error("only a whole packet without options can be fragmented")]
    Unsupported,
}

impl<'a> Fragments<'a> {
    /// The fragments of `packet` for a path of `mtu` bytes; one that fits comes out whole.
    ///
    /// `identification` moves for IPv6 only: an IPv4 packet has got its own.
    ///
    /// # Errors
    ///
    /// [`FragmentationError`], never `OutTooSmall`.
    pub fn new(
        packet: &Packet<'a>,
        mtu: u16,
        identification: &mut Identification,
    ) -> Result<Self, FragmentationError> {
        let (header_length, extension) = match packet.ip.addresses {
            Addresses::V4 { .. } => (ipv4::HEADER_LENGTH, 0),
            Addresses::V6 { .. } => (ipv6::HEADER_LENGTH, EXTENSION_LENGTH),
        };
        if packet.ip.header_length != header_length || packet.ip.fragment != Fragment::Whole {
            return Err(FragmentationError::Unsupported);
        }
        let minimum = super::minimum_mtu(&packet.ip.addresses);
        if mtu < minimum {
            return Err(FragmentationError::MtuTooSmall { minimum });
        }
        let fits = packet.ip.total_length <= usize::from(mtu);
        let step = if fits { usize::MAX } else { (usize::from(mtu) - header_length - extension) & !7 };
        let is_v4 = matches!(packet.ip.addresses, Addresses::V4 { .. });
        if !fits && is_v4 && packet.ip.dont_fragment {
            return Err(FragmentationError::DontFragment);
        }
        Ok(Self {
            packet: packet.bytes(),
            addresses: packet.ip.addresses,
            header_length,
            step,
            written: 0,
            identification: if fits || is_v4 { 0 } else { identification.next_v6() },
        })
    }

    /// Writes the next fragment into `out` and returns its length; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`FragmentationError::OutTooSmall`] only; the call can then be repeated.
    pub fn write_next(&mut self, out: &mut [u8]) -> Result<Option<usize>, FragmentationError> {
        let (header, payload) = self.packet.split_at(self.header_length);
        let rest = payload.get(self.written..).unwrap_or_default();
        // A packet without payload still has one, empty, part.
        if rest.is_empty() && (self.written > 0 || self.step == 0) {
            return Ok(None);
        }
        let part = &rest[..rest.len().min(self.step)];
        let more = part.len() < rest.len();
        let offset = self.written;
        let length = match self.addresses {
            _ if self.step == usize::MAX => write(out, &[self.packet])?,
            Addresses::V4 { .. } => write(out, &[&v4_header(header, part.len(), offset, more), part])?,
            Addresses::V6 { .. } => {
                let (header, extension) = v6_headers(header, part.len(), offset, more, self.identification);
                write(out, &[&header, &extension, part])?
            }
        };
        self.written += part.len();
        if !more {
            // Marks the end also where there was no payload at all.
            self.step = 0;
            self.written = payload.len();
        }
        Ok(Some(length))
    }
}

/// Bytes of an IPv6 fragment header.
const EXTENSION_LENGTH: usize = 8;
/// The next-header value that announces it.
const FRAGMENT: u8 = 44;

fn v4_header(header: &[u8], payload: usize, offset: usize, more: bool) -> [u8; ipv4::HEADER_LENGTH] {
    let mut out = [0; ipv4::HEADER_LENGTH];
    out.copy_from_slice(header);
    // Parts of one IPv4 packet: lengths and offsets fit as the packet's did; offsets count in eights.
    let total_length = (ipv4::HEADER_LENGTH + payload) as u16;
    let flags = u16::from(more) << 13 | (offset / 8) as u16;
    out[2..4].copy_from_slice(&total_length.to_be_bytes());
    out[6..8].copy_from_slice(&flags.to_be_bytes());
    out[10..12].fill(0);
    let checksum = Sum::of(&out).checksum();
    out[10..12].copy_from_slice(&checksum.to_be_bytes());
    out
}

fn v6_headers(
    header: &[u8],
    payload: usize,
    offset: usize,
    more: bool,
    identification: u32,
) -> ([u8; ipv6::HEADER_LENGTH], [u8; EXTENSION_LENGTH]) {
    let mut out = [0; ipv6::HEADER_LENGTH];
    out.copy_from_slice(header);
    let protocol = Protocol(out[6]);
    out[4..6].copy_from_slice(&((EXTENSION_LENGTH + payload) as u16).to_be_bytes());
    out[6] = FRAGMENT;
    let mut extension = [0; EXTENSION_LENGTH];
    extension[0] = protocol.0;
    // The offset counts in eights and stands three bits up, so the byte offset is the field.
    extension[2..4].copy_from_slice(&(offset as u16 | u16::from(more)).to_be_bytes());
    extension[4..8].copy_from_slice(&identification.to_be_bytes());
    (out, extension)
}

/// Writes the pieces one after the other and returns their length.
fn write(out: &mut [u8], pieces: &[&[u8]]) -> Result<usize, FragmentationError> {
    let needed = pieces.iter().map(|piece| piece.len()).sum();
    let mut out = out.get_mut(..needed).ok_or(FragmentationError::OutTooSmall { needed })?;
    for piece in pieces {
        let (front, back) = out.split_at_mut(piece.len());
        front.copy_from_slice(piece);
        out = back;
    }
    Ok(needed)
}

#[cfg(test)]
mod tests;
