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

/// As long as `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`, and room for what is written beyond the end.
const LONGEST: usize = 39 + 4;

impl Form {
    pub(super) fn of(address: &IpAddr) -> Self {
        let mut form = Self { bytes: [0; LONGEST], length: 0 };
        match address {
            IpAddr::V4(address) => form.put_octets(*address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => {
                    form.put(*b"::ff", 4);
                    form.put(*b"ff:\0", 3);
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
        for octet in address.octets() {
            let [first, second, third, length] = DECIMAL[usize::from(octet)];
            self.put([first, second, third, 0], length);
            self.put([b'.', 0, 0, 0], 1);
        }
        self.length -= 1; // the last dot
    }

    fn put_segments(&mut self, segments: [u16; 8]) {
        let zeros = longest_zeros(&segments);
        for (place, segment) in segments.into_iter().enumerate() {
            if zeros.contains(&place) {
                if place == zeros.start {
                    self.put(*b"::\0\0", 2);
                }
                continue;
            }
            if place > 0 && place != zeros.end {
                self.put(*b":\0\0\0", 1);
            }
            // the first digit that is not 0, or the last, comes first
            let left_out = (segment.leading_zeros() / 4).min(3);
            let digits = segment << (4 * left_out);
            let digit = |place: u16| b"0123456789abcdef"[usize::from(digits >> place & 0xf)];
            self.put([digit(12), digit(8), digit(4), digit(0)], 4 - left_out as u8);
        }
    }

    /// Puts the first bytes of four: writing all of them costs no more.
    fn put(&mut self, bytes: [u8; 4], count: u8) {
        self.bytes[self.length..self.length + 4].copy_from_slice(&bytes);
        self.length += usize::from(count);
    }
}

/// The digits of each byte, and how many there are.
static DECIMAL: [[u8; 4]; 256] = {
    let mut all = [[0; 4]; 256];
    let mut octet = 0_u8;
    loop {
        let [hundreds, tens, ones] = [b'0' + octet / 100, b'0' + octet / 10 % 10, b'0' + octet % 10];
        all[octet as usize] = match octet {
            100.. => [hundreds, tens, ones, 3],
            10.. => [tens, ones, 0, 2],
            _ => [ones, 0, 0, 1],
        };
        if octet == u8::MAX {
            break all;
        }
        octet += 1;
    }
};

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
