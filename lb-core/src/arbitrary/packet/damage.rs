//! Packets with something broken, as bytes.
//!
//! The IPv4 checksum is put right again after every other damage but a cut:
//! without it most damage would be noticed there and nothing behind it tested.

use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::bytes::fix_checksum;
use super::{Draft, Upper, packet};

/// A good packet, damaged in one of three ways: [`cut_short`], [`flipped`], [`lying`].
///
/// ```
/// use lb_core::arbitrary::packet;
/// use proptest::prelude::*;
///
/// proptest!(|(bytes in packet::damaged())| {
///     let _ = lb_core::packet::parse(&bytes); // whatever it says, it says it
/// });
/// ```
pub fn damaged() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => cut_short(), 2 => flipped(), 3 => lying()]
}

/// A good packet that ends before its announced length; it must be refused.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use lb_core::packet::{ParseError, parse};
/// use proptest::prelude::*;
///
/// proptest!(|(bytes in packet::cut_short())| {
///     prop_assert_eq!(parse(&bytes), Err(ParseError::Truncated));
/// });
/// ```
pub fn cut_short() -> impl Strategy<Value = Vec<u8>> {
    (packet(), any::<Index>()).prop_map(|(draft, cut)| {
        let mut bytes = draft.emit();
        bytes.truncate(cut.index(bytes.len()));
        bytes
    })
}

/// A good packet with one to five bits flipped, and perhaps padding behind it.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use proptest::prelude::*;
///
/// proptest!(|(bytes in packet::flipped())| {
///     if let Ok(read) = lb_core::packet::parse(&bytes) {
///         prop_assert!(read.bytes().len() <= bytes.len());
///     }
/// });
/// ```
pub fn flipped() -> impl Strategy<Value = Vec<u8>> {
    let bits = prop::collection::vec(any::<Index>(), 1..6);
    (packet(), bits, 0_usize..30, any::<bool>()).prop_map(|(draft, bits, padding, honest)| {
        let mut bytes = draft.emit();
        for bit in bits {
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.resize(bytes.len() + padding, 0);
        if honest {
            fix_checksum(&mut bytes);
        }
        bytes
    })
}

/// A good packet of which one to three fields that say how long something is,
/// or what follows, say something else: nothing, one less, one more, as much as
/// the field holds, anything.
///
/// ```
/// use lb_core::arbitrary::packet;
/// use lb_core::encapsulation::decapsulate;
/// use proptest::prelude::*;
///
/// proptest!(|(bytes in packet::lying())| {
///     if let Ok(opened) = decapsulate(&bytes) {
///         prop_assert!(opened.overhead + opened.inner().len() <= bytes.len());
///     }
/// });
/// ```
pub fn lying() -> impl Strategy<Value = Vec<u8>> {
    let lie = prop_oneof![
        Just(Lie::Nothing),
        select(&[1_i16, -1, 8][..]).prop_map(Lie::Off),
        Just(Lie::Most),
        any::<u16>().prop_map(Lie::Any),
    ];
    (packet(), prop::collection::vec((any::<Index>(), lie), 1..4)).prop_map(|(draft, lies)| {
        let mut bytes = draft.emit();
        let fields = length_fields(&draft);
        for (field, lie) in lies {
            let (place, width) = fields[field.index(fields.len())];
            // The field may be in the part of the datagram that is not written.
            let Some(field) = bytes.get_mut(place..place + width) else { continue };
            let said = field.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            field.copy_from_slice(&lie.about(said).to_be_bytes()[2 - width..]);
        }
        fix_checksum(&mut bytes);
        bytes
    })
}

/// What a field says instead of the truth.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Any(u16),
    Most,
    Nothing,
    Off(i16),
}

impl Lie {
    const fn about(self, truth: u16) -> u16 {
        match self {
            Self::Any(value) => value,
            Self::Most => u16::MAX,
            Self::Nothing => 0,
            Self::Off(step) => truth.wrapping_add_signed(step),
        }
    }
}

/// Where a packet says how long something is or what follows it: places and widths in bytes.
fn length_fields(draft: &Draft) -> Vec<(usize, usize)> {
    let upper = draft.header_length();
    // IPv4: header length, total length, offset, protocol. IPv6: payload length, next header.
    let mut fields: Vec<_> =
        if draft.is_v6() { [(4, 2), (6, 1)].into() } else { [(0, 1), (2, 2), (6, 2), (9, 1)].into() };
    let mut place = 40;
    for (_, length) in &draft.extensions {
        fields.extend([(place, 1), (place + 1, 1)]);
        place += length;
    }
    if draft.is_v6() && place < upper {
        // The fragment header: what follows, and the offset.
        fields.extend([(place, 1), (place + 2, 2)]);
    }
    match &draft.upper {
        Upper::Error { quoted, .. } => {
            fields.extend(length_fields(quoted).into_iter().map(|(place, width)| (upper + 8 + place, width)));
        }
        Upper::Tcp { .. } => fields.push((upper + 12, 1)),
        Upper::Udp { .. } => fields.push((upper + 4, 2)),
        Upper::Sctp { .. } => fields.extend([(upper + 12, 1), (upper + 14, 2)]),
        Upper::EchoRequest { .. } | Upper::Icmp { .. } | Upper::Other { .. } => {}
    }
    fields
}
