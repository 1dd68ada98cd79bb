//! A stream that counts its bytes and remembers where the current record began.

use std::io::{self, Read};

use super::{MAX_PACKET, Problem};

/// A source and how far it was read.
#[derive(Debug)]
pub(super) struct Input<R> {
    source: R,
    position: u64,
    mark: u64,
}

impl<R: Read> Input<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, position: 0, mark: 0 }
    }

    /// Fills as much of the buffer as there is; less only at the end of the file.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Problem> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// Fills the whole buffer; `part` is what is read, should the file end in it.
    pub(super) fn fill(&mut self, buffer: &mut [u8], part: &'static str) -> Result<(), Problem> {
        let filled = self.read(buffer)?;
        let missing = (buffer.len() - filled) as u64;
        if missing == 0 { Ok(()) } else { Err(Problem::CutOff { part, missing }) }
    }

    /// The header of the next record, or `None` where the file ends before it.
    pub(super) fn record<const N: usize>(&mut self, part: &'static str) -> Result<Option<[u8; N]>, Problem> {
        self.mark = self.position;
        let mut header = [0; N];
        match self.read(&mut header)? {
            0 => Ok(None),
            count if count == N => Ok(Some(header)),
            count => Err(Problem::CutOff { part, missing: (N - count) as u64 }),
        }
    }

    /// A packet's bytes into the buffer, which never holds more than the longest packet.
    pub(super) fn packet(&mut self, buffer: &mut Vec<u8>, length: u32) -> Result<(), Problem> {
        if length > MAX_PACKET {
            return Err(Problem::PacketTooLong { length });
        }
        buffer.resize(length as usize, 0);
        self.fill(buffer, "packet")
    }

    /// Reads over bytes that are of no use.
    pub(super) fn skip(&mut self, length: u32, part: &'static str) -> Result<(), Problem> {
        let skipped = loop {
            match io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink()) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.position += skipped;
        let missing = u64::from(length) - skipped;
        if missing == 0 { Ok(()) } else { Err(Problem::CutOff { part, missing }) }
    }

    /// Where the current record began.
    pub(super) const fn mark(&self) -> u64 {
        self.mark
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }
}
