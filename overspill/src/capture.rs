//! Captured packets: reading pcap and pcapng, writing pcap.
//!
//! The one idea: a capture is a stream. [`Reader`] hands out one packet at a
//! time from one buffer of fixed greatest size, so memory does not grow with
//! the file, and every fault names the packet and the byte where it lies. What
//! is inside a frame is [`link`]'s business; what becomes of the packet is the
//! caller's.
//!
//! Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. It is our own
//! reader because those at hand fall short: pcap-parser 0.17 ignores binary
//! time resolutions, takes time offsets as little-endian always and calls a
//! malformed block an incomplete one; pcap-file 2 ignores resolutions, and its
//! version 3 is not released.

mod error;
mod input;
pub(crate) mod link;
mod pcap;
mod pcapng;
mod writer;

use std::io::Read;

pub(crate) use error::{CaptureError, Problem};
pub(crate) use link::LinkType;
pub(crate) use writer::{Precision, Writer};

use input::Input;

/// The longest packet that is read, link header included: what tcpdump and Wireshark hold to.
pub(crate) const MAX_PACKET: u32 = 262_144;

/// One packet as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Captured<'a> {
    /// Nanoseconds since 1970, UTC; `None` if the file does not tell.
    pub(crate) time_ns: Option<u64>,
    /// What the bytes begin with.
    pub(crate) link: LinkType,
    /// How finely the file tells time, as far as it has been read.
    pub(crate) precision: Precision,
    /// The frame, as far as it was captured.
    pub(crate) bytes: &'a [u8],
}

/// Reads a capture packet by packet.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: Input<R>,
    format: Format,
    buffer: Vec<u8>,
    /// Packets handed out so far: the index of the next.
    packets: u64,
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::Header),
    Pcapng(pcapng::Section),
}

/// A packet's header, its bytes being in the buffer.
#[derive(Clone, Copy, Debug)]
struct Record {
    time_ns: Option<u64>,
    link: LinkType,
}

impl<R: Read> Reader<R> {
    /// Reads the file's own header and knows the format by it.
    pub(crate) fn new(source: R) -> Result<Self, CaptureError> {
        let mut input = Input::new(source);
        let format = open(&mut input).map_err(|problem| CaptureError { packet: None, offset: 0, problem })?;
        Ok(Self { input, format, buffer: Vec::new(), packets: 0 })
    }

    /// The next packet; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        let record = match &mut self.format {
            Format::Pcap(header) => header.next(&mut self.input, &mut self.buffer),
            Format::Pcapng(section) => section.next(&mut self.input, &mut self.buffer),
        };
        let record = record.map_err(|problem| CaptureError {
            packet: Some(self.packets),
            offset: self.input.mark(),
            problem,
        })?;
        self.packets += u64::from(record.is_some());
        let precision = self.format.precision();
        Ok(record.map(|Record { time_ns, link }| Captured { time_ns, link, precision, bytes: &self.buffer }))
    }

    /// Bytes of the file read so far.
    pub(crate) const fn position(&self) -> u64 {
        self.input.position()
    }
}

impl Format {
    fn precision(&self) -> Precision {
        match self {
            Self::Pcap(header) => header.precision(),
            Self::Pcapng(section) => section.precision(),
        }
    }
}

fn open<R: Read>(input: &mut Input<R>) -> Result<Format, Problem> {
    let mut magic = [0; 4];
    match input.read(&mut magic)? {
        4 => {}
        0 => return Err(Problem::Empty),
        _ => return Err(Problem::NoCapture),
    }
    if magic == pcapng::MAGIC {
        return pcapng::Section::open(input).map(Format::Pcapng);
    }
    pcap::Header::open(magic, input).map(Format::Pcap)
}

/// The byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = [bytes[at], bytes[at + 1]];
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
