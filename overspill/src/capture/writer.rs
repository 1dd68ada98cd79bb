//! Writing the classic format: little-endian, raw IP.

use std::io::{self, Write};

/// How finely a file tells time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// A millionth of a second.
    Microseconds,
    /// A billionth of a second.
    Nanoseconds,
}

/// LINKTYPE_RAW: packets begin with their IP header.
const RAW: u32 = 101;

/// Writes packets to a capture.
///
/// The file's header waits for the first packet: only then is it known how
/// finely the times are told.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    sink: W,
    precision: Option<Precision>,
}

impl<W: Write> Writer<W> {
    /// Nothing is written yet.
    pub(crate) const fn new(sink: W) -> Self {
        Self { sink, precision: None }
    }

    /// Writes one packet. The first one's precision is the file's; what is
    /// finer in later times is cut off.
    pub(crate) fn write(&mut self, time_ns: u64, precision: Precision, packet: &[u8]) -> io::Result<()> {
        let precision = self.begin(precision)?;
        let seconds = u32::try_from(time_ns / 1_000_000_000).unwrap_or(u32::MAX);
        // less than 10^9, and a packet is less than 2^17 bytes
        let nanoseconds = (time_ns % 1_000_000_000) as u32;
        let fraction = match precision {
            Precision::Microseconds => nanoseconds / 1_000,
            Precision::Nanoseconds => nanoseconds,
        };
        let length = packet.len() as u32;
        for field in [seconds, fraction, length, length] {
            self.sink.write_all(&field.to_le_bytes())?;
        }
        self.sink.write_all(packet)
    }

    /// The sink with a whole capture in it, be it without packets.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.begin(Precision::Microseconds)?;
        Ok(self.sink)
    }

    /// Where the bytes go.
    pub(crate) const fn sink(&self) -> &W {
        &self.sink
    }

    /// Writes the file's header, once.
    fn begin(&mut self, precision: Precision) -> io::Result<Precision> {
        if let Some(precision) = self.precision {
            return Ok(precision);
        }
        self.precision = Some(precision);
        let magic: u32 = match precision {
            Precision::Microseconds => 0xa1b2_c3d4,
            Precision::Nanoseconds => 0xa1b2_3c4d,
        };
        self.sink.write_all(&magic.to_le_bytes())?;
        self.sink.write_all(&[2, 0, 4, 0])?;
        // time zone and accuracy: nobody fills them in
        self.sink.write_all(&[0; 8])?;
        self.sink.write_all(&super::MAX_PACKET.to_le_bytes())?;
        self.sink.write_all(&RAW.to_le_bytes())?;
        Ok(precision)
    }
}
