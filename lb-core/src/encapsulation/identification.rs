//! The identification of outer packets that the network may fragment.
//!
//! The one idea: an atomic datagram (DF set) needs no identification (RFC 6864
//! section 4.1), so the counter moves only for those that may be fragmented,
//! and its 65,536 values last the longer. Whoever fragments IPv6 uses the same
//! counter, 32 bits wide. Source: RFC 6864, RFC 8200 section 4.5.

/// A counter for identification fields, one for each destination of tunnels.
///
/// RFC 6864 section 4.3 asks that no value is used twice within the lifetime of
/// a datagram (two minutes) for one (source, destination, protocol). A counter
/// keeps that up to 546 non-atomic packets per second. TCP sets DF nearly
/// always, so the packets that count here are few.
///
/// ```
/// use lb_core::encapsulation::Identification;
///
/// let mut identification = Identification::starting_at(0xffff);
/// assert_eq!(identification.next_v4(), 0xffff);
/// assert_eq!(identification.next_v4(), 1, "zero is left out: it looks like an atomic datagram's");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identification(u32);

impl Identification {
    /// A counter whose first value is `first`; start at a random number, so that
    /// a restart does not repeat the values of the packets in flight (RFC 7739).
    #[must_use]
    pub const fn starting_at(first: u32) -> Self {
        Self(first)
    }

    /// The next identification of an IPv4 header, never zero.
    pub fn next_v4(&mut self) -> u16 {
        // Twice at most: of two successive values one has a low half above zero.
        let value = self.next_v6() as u16;
        if value == 0 { self.next_v6() as u16 } else { value }
    }

    /// The next identification of an IPv6 fragment header.
    pub fn next_v6(&mut self) -> u32 {
        let value = self.0;
        self.0 = self.0.wrapping_add(1);
        value
    }
}
