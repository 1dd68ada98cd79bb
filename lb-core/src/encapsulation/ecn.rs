//! Explicit Congestion Notification across a tunnel, both directions.
//!
//! The one idea: congestion marked on the way must reach the receiver, and a
//! sender that does not speak ECN must see a loss instead of a mark. The
//! director needs the ingress only; the egress serves
//! [`decapsulation`](super::decapsulation).
//! Sources: RFC 6040 sections 4.1 and 4.2; RFC 9601 applies it to GRE and GUE.

use core::fmt;

/// The two ECN bits of a traffic class (RFC 3168 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecn {
    /// 00: the transport does not understand ECN.
    NotEct,
    /// 01: ECN-capable, also "L4S" (RFC 9331).
    Ect1,
    /// 10: ECN-capable.
    Ect0,
    /// 11: congestion experienced.
    Ce,
}

/// What the egress does with a packet whose headers carry this pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Egress {
    /// Forward with this codepoint; the pair is usual.
    Forward(Ecn),
    /// Forward with this codepoint, but log: no current node emits this pair.
    Alarm(Ecn),
    /// Drop: the only signal of congestion that the transport understands.
    Drop,
}

impl Ecn {
    /// The codepoint in the low two bits of a traffic class (TOS) byte.
    #[must_use]
    pub const fn of(traffic_class: u8) -> Self {
        match traffic_class & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// `traffic_class` with its ECN bits replaced by this codepoint; DSCP stays.
    #[must_use]
    pub const fn set_in(self, traffic_class: u8) -> u8 {
        let bits = match self {
            Self::NotEct => 0,
            Self::Ect1 => 1,
            Self::Ect0 => 2,
            Self::Ce => 3,
        };
        traffic_class & !3 | bits
    }
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEct => "Not-ECT",
            Self::Ect1 => "ECT(1)",
            Self::Ect0 => "ECT(0)",
            Self::Ce => "CE",
        })
    }
}

/// The outer codepoint for an inner one: a copy.
///
/// RFC 6040 section 4.1, normal mode: "the tunnel ingress encapsulator MUST
/// copy the inner ECN field into the outer header", CE too. The older modes
/// (reset CE to ECT(0), or always Not-ECT) serve egresses that predate RFC 3168.
#[must_use]
pub const fn ingress(inner: Ecn) -> Ecn {
    inner
}

/// The outgoing codepoint for the pair that arrived (RFC 6040 section 4.2, figure 4).
///
/// ```
/// use lb_core::encapsulation::ecn::{Ecn, Egress, egress};
///
/// assert_eq!(egress(Ecn::Ect0, Ecn::Ce), Egress::Forward(Ecn::Ce));
/// assert_eq!(egress(Ecn::NotEct, Ecn::Ce), Egress::Drop);
/// ```
#[must_use]
pub const fn egress(inner: Ecn, outer: Ecn) -> Egress {
    use Ecn::{Ce, Ect0, Ect1, NotEct};
    match (inner, outer) {
        (NotEct, NotEct) => Egress::Forward(NotEct),
        (NotEct, Ect0 | Ect1) => Egress::Alarm(NotEct),
        (NotEct, Ce) => Egress::Drop,
        (Ect0, NotEct | Ect0) => Egress::Forward(Ect0),
        (Ect0 | Ect1, Ect1) | (Ect1, NotEct) => Egress::Forward(Ect1),
        (Ect1, Ect0) => Egress::Alarm(Ect1),
        (Ect0 | Ect1, Ce) | (Ce, NotEct | Ect0 | Ce) => Egress::Forward(Ce),
        (Ce, Ect1) => Egress::Alarm(Ce),
    }
}

#[cfg(test)]
mod tests;
