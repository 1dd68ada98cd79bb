//! The block format: sections of interfaces and packets.
//!
//! ```text
//!  type (4) | length (4) | body ... | length (4)        every block
//!  interface (4) | time (4, 4) | captured (4) | original (4) | bytes ... | options ...
//! ```
//! Packets come in three kinds of block (enhanced, simple, and the obsolete
//! one); blocks that hold none are read over. An interface tells the unit of
//! its packets' times. Source: draft-ietf-opsawg-pcapng.

use std::io::Read;

use super::input::Input;
use super::{LinkType, Order, Precision, Problem, Record};

/// The type of a section header, which reads the same in both byte orders.
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Interfaces of one section; real captures have a handful.
const MAX_INTERFACES: usize = 4_096;
/// Type and two lengths.
const FRAME: u32 = 12;

/// The section that is being read.
#[derive(Debug)]
pub(super) struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

/// What an interface description tells of its packets.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// Bytes kept of a packet; 0 is all.
    snap_length: u32,
    resolution: Resolution,
    offset_s: i64,
}

/// The unit of an interface's times: a power of ten or of two, as a fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    Decimal(u8),
    Binary(u8),
}

/// A block whose type and length were read.
#[derive(Clone, Copy, Debug)]
struct Block {
    length: u32,
    /// Bytes of the body not read yet.
    left: u32,
}

impl Section {
    /// Reads the first section header, its type having been read.
    pub(super) fn open<R: Read>(input: &mut Input<R>) -> Result<Self, Problem> {
        let mut length = [0; 4];
        input.fill(&mut length, "section header")?;
        let mut section = Self { order: Order::Little, interfaces: Vec::new() };
        section.begin(input, &length)?;
        Ok(section)
    }

    pub(super) fn next<R: Read>(
        &mut self,
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Record>, Problem> {
        while let Some(header) = input.record::<8>("block's header")? {
            let kind = self.order.u32(&header, 0);
            if kind == SECTION_HEADER {
                self.begin(input, &header[4..])?;
                continue;
            }
            let mut block = Block::new(self.order.u32(&header, 4), 0)?;
            let record = match kind {
                ENHANCED_PACKET | OBSOLETE_PACKET => Some(self.packet(kind, &mut block, input, buffer)?),
                SIMPLE_PACKET => Some(self.simple_packet(&mut block, input, buffer)?),
                INTERFACE => {
                    self.interface(&mut block, input)?;
                    None
                }
                _ => None,
            };
            block.end(self.order, input)?;
            if record.is_some() {
                return Ok(record);
            }
        }
        Ok(None)
    }

    pub(super) fn precision(&self) -> Precision {
        let fine = |interface: &Interface| interface.resolution.is_finer_than_microseconds();
        if self.interfaces.iter().any(fine) { Precision::Nanoseconds } else { Precision::Microseconds }
    }

    /// A section header from its first length on: its byte order, and no interfaces yet.
    fn begin<R: Read>(&mut self, input: &mut Input<R>, length: &[u8]) -> Result<(), Problem> {
        let mut fixed = [0; 16];
        input.fill(&mut fixed, "section header")?;
        self.order = match fixed[..4] {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            _ => return Err(Problem::NoCapture),
        };
        let (major, minor) = (self.order.u16(&fixed, 4), self.order.u16(&fixed, 6));
        if major != 1 {
            return Err(Problem::Version { format: "pcapng", major, minor, known: 1 });
        }
        let mut block = Block::new(self.order.u32(length, 0), 16)?;
        block.left -= 16;
        self.interfaces.clear();
        block.end(self.order, input)
    }

    fn interface<R: Read>(&mut self, block: &mut Block, input: &mut Input<R>) -> Result<(), Problem> {
        let fixed: [u8; 8] = block.take(input)?;
        let number = self.order.u16(&fixed, 0);
        let here = Some(self.interfaces.len());
        let link = LinkType::of(number).ok_or(Problem::LinkType { number, interface: here })?;
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(Problem::TooManyInterfaces { most: MAX_INTERFACES });
        }
        let snap_length = self.order.u32(&fixed, 4);
        let mut interface = Interface { link, snap_length, resolution: Resolution::Decimal(6), offset_s: 0 };
        while block.left >= 4 {
            let option: [u8; 4] = block.take(input)?;
            let (code, length) = (self.order.u16(&option, 0), self.order.u16(&option, 2));
            let padded = u32::from(length).next_multiple_of(4);
            match (code, length) {
                (0, _) => break,
                (9, 1) => interface.resolution = Resolution::of(block.take::<4, R>(input)?[0]),
                (14, 8) => interface.offset_s = self.seconds(block.take(input)?),
                _ => block.skip(padded, input)?,
            }
        }
        self.interfaces.push(interface);
        Ok(())
    }

    const fn seconds(&self, bytes: [u8; 8]) -> i64 {
        match self.order {
            Order::Big => i64::from_be_bytes(bytes),
            Order::Little => i64::from_le_bytes(bytes),
        }
    }

    fn packet<R: Read>(
        &self,
        kind: u32,
        block: &mut Block,
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<Record, Problem> {
        let fixed: [u8; 20] = block.take(input)?;
        let number = match kind {
            // the other half counts losses
            OBSOLETE_PACKET => u32::from(self.order.u16(&fixed, 0)),
            _ => self.order.u32(&fixed, 0),
        };
        let interface = self.described(number)?;
        block.packet(self.order.u32(&fixed, 12), input, buffer)?;
        let units = u64::from(self.order.u32(&fixed, 4)) << 32 | u64::from(self.order.u32(&fixed, 8));
        let time_ns = interface.resolution.nanoseconds(units, interface.offset_s);
        Ok(Record { time_ns: Some(time_ns), link: interface.link })
    }

    fn simple_packet<R: Read>(
        &self,
        block: &mut Block,
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<Record, Problem> {
        let original = self.order.u32(&block.take::<4, R>(input)?, 0);
        let interface = self.described(0)?;
        let kept = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
        block.packet(original.min(kept).min(block.left), input, buffer)?;
        Ok(Record { time_ns: None, link: interface.link })
    }

    fn described(&self, number: u32) -> Result<&Interface, Problem> {
        let found = usize::try_from(number).ok().and_then(|number| self.interfaces.get(number));
        found.ok_or(Problem::NoInterface { interface: number })
    }
}

impl Block {
    fn new(length: u32, least_body: u32) -> Result<Self, Problem> {
        let least = FRAME + least_body;
        if length < least || !length.is_multiple_of(4) {
            return Err(Problem::BlockLength { length, least });
        }
        Ok(Self { length, left: length - FRAME })
    }

    fn take<const N: usize, R: Read>(&mut self, input: &mut Input<R>) -> Result<[u8; N], Problem> {
        self.reduce(N as u32)?;
        let mut bytes = [0; N];
        input.fill(&mut bytes, "block")?;
        Ok(bytes)
    }

    fn packet<R: Read>(
        &mut self,
        length: u32,
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        // before the block's own length: a packet that cannot be is told as such
        if length <= super::MAX_PACKET {
            self.reduce(length)?;
        }
        input.packet(buffer, length)
    }

    fn skip<R: Read>(&mut self, length: u32, input: &mut Input<R>) -> Result<(), Problem> {
        self.reduce(length)?;
        input.skip(length, "block")
    }

    fn reduce(&mut self, length: u32) -> Result<(), Problem> {
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Problem::BlockLength {
                length: self.length,
                least: (self.length - self.left).saturating_add(length),
            }),
        }
    }

    /// Reads over what is left and checks the length at the end.
    fn end<R: Read>(self, order: Order, input: &mut Input<R>) -> Result<(), Problem> {
        input.skip(self.left, "block")?;
        let mut trailer = [0; 4];
        input.fill(&mut trailer, "block")?;
        let last = order.u32(&trailer, 0);
        if last == self.length { Ok(()) } else { Err(Problem::BlockTrailer { first: self.length, last }) }
    }
}

impl Resolution {
    const fn of(byte: u8) -> Self {
        let power = byte & 0x7f;
        if byte & 0x80 == 0 { Self::Decimal(power) } else { Self::Binary(power) }
    }

    const fn is_finer_than_microseconds(self) -> bool {
        match self {
            Self::Decimal(power) => power > 6,
            // 2^20 is the first power of two beyond a million
            Self::Binary(power) => power >= 20,
        }
    }

    /// Nanoseconds since 1970 of a time in this unit, held within what fits.
    fn nanoseconds(self, units: u64, offset_s: i64) -> u64 {
        let units = u128::from(units);
        let nanoseconds = match self {
            Self::Decimal(power @ 0..=9) => units * 10_u128.pow(u32::from(9 - power)),
            Self::Decimal(power) => 10_u128.checked_pow(u32::from(power - 9)).map_or(0, |unit| units / unit),
            Self::Binary(power) => (units * 1_000_000_000) >> power,
        };
        let nanoseconds = i128::try_from(nanoseconds).unwrap_or(i128::MAX);
        let shifted = nanoseconds.saturating_add(i128::from(offset_s) * 1_000_000_000);
        u64::try_from(shifted.max(0)).unwrap_or(u64::MAX)
    }
}
