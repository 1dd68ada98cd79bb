//! `AS_PATH`: the autonomous systems that a route came through (RFC 4271 section 4.3, RFC 5065, RFC 6793).
//!
//! Between old speakers a number has two octets; one that does not fit is
//! written as `AS_TRANS`, and the true path goes along as `AS4_PATH`. Reading
//! puts both together again, so that a path here always has true numbers.

use alloc::vec::Vec;
use core::fmt;

use super::reader::Reader;
use crate::bgp::identity::Asn;

/// The path of a route: segments without an empty one, each of at most 255 numbers.
///
/// ```
/// use lb_core::bgp::Asn;
/// use lb_core::bgp::message::AsPath;
///
/// let path = AsPath::sequence([Asn(64_512), Asn(64_500)]);
/// assert_eq!((path.hops(), path.to_string().as_str()), (2, "64512 64500"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsPath {
    segments: Vec<AsSegment>,
}

/// One segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsSegment {
    /// What the numbers mean.
    pub kind: SegmentKind,
    /// The numbers, the last one passed first.
    pub numbers: Vec<Asn>,
}

/// What the numbers of a segment mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SegmentKind {
    /// Any of them, unordered: the route is an aggregate.
    Set = 1,
    /// All of them, in this order.
    Sequence = 2,
    /// In this order, inside a confederation.
    ConfederationSequence = 3,
    /// Unordered, inside a confederation.
    ConfederationSet = 4,
}

impl SegmentKind {
    /// Whether the numbers are a confederation's own and do not count outside.
    #[must_use]
    pub const fn is_confederation(self) -> bool {
        match self {
            Self::Set | Self::Sequence => false,
            Self::ConfederationSequence | Self::ConfederationSet => true,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Set),
            2 => Some(Self::Sequence),
            3 => Some(Self::ConfederationSequence),
            4 => Some(Self::ConfederationSet),
            _ => None,
        }
    }
}

/// The most numbers of a segment: its length has one octet.
const MAX_NUMBERS: usize = 255;

impl AsPath {
    /// A path of segments; empty ones are left out, too long ones become several.
    #[must_use]
    pub fn new(segments: impl IntoIterator<Item = AsSegment>) -> Self {
        let split = |segment: AsSegment| {
            let kind = segment.kind;
            let chunks: Vec<Vec<Asn>> = segment.numbers.chunks(MAX_NUMBERS).map(<[Asn]>::to_vec).collect();
            chunks.into_iter().map(move |numbers| AsSegment { kind, numbers })
        };
        Self { segments: segments.into_iter().flat_map(split).collect() }
    }

    /// A plain path.
    #[must_use]
    pub fn sequence(numbers: impl IntoIterator<Item = Asn>) -> Self {
        Self::new([AsSegment { kind: SegmentKind::Sequence, numbers: numbers.into_iter().collect() }])
    }

    /// The segments, the nearest first.
    #[must_use]
    pub fn segments(&self) -> &[AsSegment] {
        &self.segments
    }

    /// The length that routers compare: a set counts once, a confederation not at all.
    #[must_use]
    pub fn hops(&self) -> usize {
        self.segments.iter().map(hops).sum()
    }

    /// Whether the number stands anywhere in it.
    #[must_use]
    pub fn contains(&self, asn: Asn) -> bool {
        self.segments.iter().any(|segment| segment.numbers.contains(&asn))
    }

    /// Whether a speaker of two octets needs an `AS4_PATH` beside it.
    pub(super) fn has_four_octets(&self) -> bool {
        self.segments.iter().flat_map(|segment| &segment.numbers).any(|asn| asn.is_four_octets())
    }

    /// The path without the segments that an `AS4_PATH` must not have (RFC 6793 section 3).
    pub(super) fn without_confederations(&self) -> Self {
        let outside = self.segments.iter().filter(|segment| !segment.kind.is_confederation());
        Self { segments: outside.cloned().collect() }
    }

    /// Puts a path of two octets and the one of four beside it together (RFC 6793 section 4.2.3).
    ///
    /// The shorter is the later one's knowledge: what an old speaker put in front is kept.
    pub(super) fn merged(self, four: Self) -> Self {
        let Some(mut in_front) = self.hops().checked_sub(four.hops()) else { return self };
        let mut segments = Vec::new();
        for segment in self.segments {
            let AsSegment { kind, mut numbers } = segment;
            match kind {
                SegmentKind::ConfederationSequence | SegmentKind::ConfederationSet => {}
                _ if in_front == 0 => break,
                SegmentKind::Set => in_front -= 1,
                SegmentKind::Sequence => {
                    numbers.truncate(in_front);
                    in_front -= numbers.len();
                }
            }
            segments.push(AsSegment { kind, numbers });
        }
        segments.extend(four.segments);
        Self { segments }
    }

    /// Reads a path; `None` if it is malformed (RFC 7606 section 7.2), which 0 in it is as well (RFC 7607).
    pub(super) fn read(bytes: &[u8], four_octets: bool) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut segments = Vec::new();
        while !reader.is_empty() {
            let kind = SegmentKind::from_code(reader.u8()?)?;
            let length = usize::from(reader.u8().filter(|length| *length > 0)?);
            let width = if four_octets { 4 } else { 2 };
            let mut octets = Reader::new(reader.take(length * width)?);
            let mut number = || if four_octets { octets.u32() } else { octets.u16().map(u32::from) };
            let numbers: Vec<Asn> = core::iter::from_fn(|| number().map(Asn)).collect();
            if numbers.contains(&Asn(0)) {
                return None;
            }
            segments.push(AsSegment { kind, numbers });
        }
        Some(Self { segments })
    }

    pub(super) fn write(&self, four_octets: bool, out: &mut Vec<u8>) {
        for segment in &self.segments {
            out.push(segment.kind as u8);
            out.push(u8::try_from(segment.numbers.len()).expect("no path is made with more than 255"));
            for asn in &segment.numbers {
                if four_octets {
                    out.extend_from_slice(&asn.0.to_be_bytes());
                } else {
                    out.extend_from_slice(&asn.two_octets().to_be_bytes());
                }
            }
        }
    }
}

fn hops(segment: &AsSegment) -> usize {
    match segment.kind {
        SegmentKind::Sequence => segment.numbers.len(),
        SegmentKind::Set => 1,
        SegmentKind::ConfederationSequence | SegmentKind::ConfederationSet => 0,
    }
}

impl fmt::Display for AsPath {
    /// As routers print it: `64512 64500 {1,2} (65001)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            let (open, between, close) = match segment.kind {
                SegmentKind::Sequence => ("", " ", ""),
                SegmentKind::Set => ("{", ",", "}"),
                SegmentKind::ConfederationSequence => ("(", " ", ")"),
                SegmentKind::ConfederationSet => ("[", ",", "]"),
            };
            f.write_str(if position == 0 { "" } else { " " })?;
            f.write_str(open)?;
            for (position, asn) in segment.numbers.iter().enumerate() {
                f.write_str(if position == 0 { "" } else { between })?;
                write!(f, "{asn}")?;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}
