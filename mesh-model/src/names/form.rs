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

/// As long as `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:`, and room for what is written beyond the end.
const LONGEST: usize = 40 + 8;

impl Form {
    pub(super) fn of(address: &IpAddr) -> Self {
        let mut form = Self { bytes: [0; LONGEST], length: 0 };
        match address {
            IpAddr::V4(address) => form.put_octets(*address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => {
                    form.put(*b"::ffff:\0", 7);
                    form.put_octets(address);
                }
                None => form.put_segments(&address.segments()),
            },
        }
        form
    }

    /// Whether a text is just this.
    pub(super) fn is(&self, text: &str) -> bool {
        self.bytes[..self.length] == *text.as_bytes()
    }

    /// What stands before this in a text that ends with it.
    pub(super) fn before_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (before, end) = text.split_at_checked(text.len().checked_sub(self.length)?)?;
        self.is(end).then_some(before)
    }

    fn put_octets(&mut self, address: Ipv4Addr) {
        for octet in address.octets() {
            let (digits, length) = DECIMAL[usize::from(octet)];
            self.put(digits, length);
        }
        self.length -= 1; // the last dot
    }

    fn put_segments(&mut self, segments: &[u16; 8]) {
        let zeros = longest_zeros(segments);
        segments[..zeros.start].iter().for_each(|segment| self.put_segment(*segment));
        if zeros.is_empty() {
            self.length -= 1; // the last colon
            return;
        }
        // one colon stands there already, but at the beginning
        self.put(*b"::\0\0\0\0\0\0", if zeros.start == 0 { 2 } else { 1 });
        segments[zeros.end..].iter().for_each(|segment| self.put_segment(*segment));
        self.length -= usize::from(zeros.end < segments.len());
    }

    /// Puts a segment, and a colon behind it.
    fn put_segment(&mut self, segment: u16) {
        let [high, low] = segment.to_be_bytes().map(|byte| u64::from(HEXADECIMAL[usize::from(byte)]));
        // the first digit that is not 0, or the last, comes first
        let left_out = (segment.leading_zeros() / 4).min(3);
        let digits = (high | low << 16) >> (8 * left_out);
        let colon = u64::from(b':') << (8 * (4 - left_out));
        self.put((digits | colon).to_le_bytes(), 5 - left_out as u8);
    }

    /// Puts the first bytes of eight: writing all of them costs no more.
    fn put(&mut self, bytes: [u8; 8], count: u8) {
        self.bytes[self.length..self.length + 8].copy_from_slice(&bytes);
        self.length += usize::from(count);
    }
}

/// Each byte in digits with a dot behind it, and how long that is.
static DECIMAL: [([u8; 8], u8); 256] = {
    let mut all = [([0; 8], 0); 256];
    let mut octet = 0_u8;
    loop {
        let [hundreds, tens, ones] = [b'0' + octet / 100, b'0' + octet / 10 % 10, b'0' + octet % 10];
        all[octet as usize] = match octet {
            100.. => ([hundreds, tens, ones, b'.', 0, 0, 0, 0], 4),
            10.. => ([tens, ones, b'.', 0, 0, 0, 0, 0], 3),
            _ => ([ones, b'.', 0, 0, 0, 0, 0, 0], 2),
        };
        if octet == u8::MAX {
            break all;
        }
        octet += 1;
    }
};

/// Each byte in two digits, the first of them in the lower half.
static HEXADECIMAL: [u16; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut all = [0; 256];
    let mut byte = 0;
    while byte < all.len() {
        all[byte] = u16::from_le_bytes([DIGITS[byte >> 4], DIGITS[byte & 0xf]]);
        byte += 1;
    }
    all
};

/// The zeros that `::` stands for: the longest run of several, and of two the first; at the end if there is none.
fn longest_zeros(segments: &[u16; 8]) -> Range<usize> {
    let bit = |(place, segment): (usize, &u16)| u32::from(*segment == 0) << place;
    // a bit for each place at which a run of so many zeros begins
    let (mut runs, mut length, mut longest) = (segments.iter().enumerate().map(bit).sum::<u32>(), 0, 8..8);
    while runs != 0 {
        let start = runs.trailing_zeros() as usize;
        length += 1;
        if length > 1 {
            longest = start..start + length;
        }
        runs &= runs >> 1;
    }
    longest
}
