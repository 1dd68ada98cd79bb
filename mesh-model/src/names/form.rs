//! The one form of an address as text (RFC 5952), without the heap.
//!
//! It is what `to_string` makes, in a tenth of the instructions: a plan of all
//! names holds one against each value that a provider has.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// An address as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    bytes: [u8; LONGEST],
    length: usize,
}

/// As long as `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`.
const LONGEST: usize = 39;

impl Form {
    pub(super) fn of(address: &IpAddr) -> Self {
        let mut form = Self { bytes: [0; LONGEST], length: 0 };
        match address {
            IpAddr::V4(address) => form.put_octets(*address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => {
                    b"::ffff:".iter().for_each(|byte| form.put(*byte));
                    form.put_octets(address);
                }
                None => form.put_segments(address.segments()),
            },
        }
        form
    }

    /// Whether a text is just this.
    pub(super) fn is(&self, text: &str) -> bool {
        self.bytes[..self.length] == *text.as_bytes()
    }

    fn put_octets(&mut self, address: Ipv4Addr) {
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                self.put(b'.');
            }
            if octet >= 100 {
                self.put(b'0' + octet / 100);
            }
            if octet >= 10 {
                self.put(b'0' + octet / 10 % 10);
            }
            self.put(b'0' + octet % 10);
        }
    }

    fn put_segments(&mut self, segments: [u16; 8]) {
        let zeros = longest_zeros(&segments);
        for (place, segment) in segments.into_iter().enumerate() {
            if zeros.contains(&place) {
                if place == zeros.start {
                    self.put(b':');
                    self.put(b':');
                }
                continue;
            }
            if place > 0 && place != zeros.end {
                self.put(b':');
            }
            let digits = (u16::BITS - segment.leading_zeros()).div_ceil(4).max(1);
            for digit in (0..digits).rev() {
                self.put(b"0123456789abcdef"[usize::from(segment >> (4 * digit) & 0xf)]);
            }
        }
    }

    fn put(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

/// The zeros that `::` stands for: the longest run of several, and of two the first.
fn longest_zeros(segments: &[u16; 8]) -> Range<usize> {
    let (mut longest, mut start) = (0..0, 0);
    for (place, segment) in segments.iter().enumerate() {
        if *segment != 0 {
            start = place + 1;
        } else if place + 1 - start > longest.len().max(1) {
            longest = start..place + 1;
        }
    }
    longest
}
