//! The classic format: one header, then packets.
//!
//! ```text
//!  magic (4) | major, minor (2, 2) | zone (4) | accuracy (4) | snap length (4) | link type (4)
//!  seconds (4) | fraction (4) | captured length (4) | original length (4) | bytes ...
//! ```
//! The magic number tells byte order and unit of the fraction. Source:
//! draft-ietf-opsawg-pcap.

use std::io::Read;

use super::input::Input;
use super::{LinkType, Order, Precision, Problem, Record};

/// What a file's header tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    order: Order,
    precision: Precision,
    link: LinkType,
}

impl Header {
    /// Reads what follows the magic number.
    pub(super) fn open<R: Read>(magic: [u8; 4], input: &mut Input<R>) -> Result<Self, Problem> {
        let (order, precision) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, Precision::Microseconds),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, Precision::Nanoseconds),
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, Precision::Microseconds),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, Precision::Nanoseconds),
            _ => return Err(Problem::NoCapture),
        };
        let mut rest = [0; 20];
        input.fill(&mut rest, "file header")?;
        let (major, minor) = (order.u16(&rest, 0), order.u16(&rest, 2));
        if major != 2 {
            return Err(Problem::Version { format: "pcap", major, minor, known: 2 });
        }
        // the upper half may tell the length of frame check sequences, which IP's own length cuts off
        let number = (order.u32(&rest, 16) & 0xffff) as u16;
        let link = LinkType::of(number).ok_or(Problem::LinkType { number, interface: None })?;
        Ok(Self { order, precision, link })
    }

    pub(super) fn next<R: Read>(
        &self,
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Record>, Problem> {
        let Some(header) = input.record::<16>("packet's header")? else { return Ok(None) };
        let field = |at| self.order.u32(&header, at);
        input.packet(buffer, field(8))?;
        let unit = match self.precision {
            Precision::Microseconds => 1_000,
            Precision::Nanoseconds => 1,
        };
        // a fraction beyond its second is a fault that tools make and forgive
        let time_ns = u64::from(field(0)) * 1_000_000_000 + u64::from(field(4)) * unit;
        Ok(Some(Record { time_ns: Some(time_ns), link: self.link }))
    }

    pub(super) const fn precision(&self) -> Precision {
        self.precision
    }
}
