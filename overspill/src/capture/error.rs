//! Why a capture cannot be read on, and at which packet and byte.

use std::fmt;
use std::io;

use thiserror::Error;

use super::MAX_PACKET;
use super::link::KNOWN;

/// A fault of a capture; what comes before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaptureError {
    /// The packet that could not be read, from 0; `None` for the file's header.
    pub(crate) packet: Option<u64>,
    /// Where the faulty record begins, in bytes from the start of the file.
    pub(crate) offset: u64,
    /// What is wrong.
    pub(crate) problem: Problem,
}

/// What is wrong with a capture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    /// A block of pcapng whose length cannot be.
    #[error("a pcapng block of {length} bytes cannot be: it needs at least {least} and a multiple of 4")]
    BlockLength { length: u32, least: u32 },
    /// A block of pcapng tells two lengths.
    #[error("the pcapng block begins with length {first} and ends with {last}; the file is damaged")]
    BlockTrailer { first: u32, last: u32 },
    /// The file ends too early.
    #[error("cut off: the {part} needs {missing} bytes more; capture or copy the file again")]
    CutOff { part: &'static str, missing: u64 },
    /// There is nothing.
    #[error("is empty; even a capture without packets has a header")]
    Empty,
    /// Frames of a kind that is not understood.
    #[error("link type {number}{} is not understood; capture on one of: {KNOWN}", of_interface(*.interface))]
    LinkType { number: u16, interface: Option<usize> },
    /// Neither format.
    #[error("no capture: it begins neither as pcap nor as pcapng; `tcpdump -w` and Wireshark write both")]
    NoCapture,
    /// The packet names an interface that was not described.
    #[error("interface {interface} is not described before this packet; the file is damaged")]
    NoInterface { interface: u32 },
    /// The packet is longer than any capture tool writes.
    #[error("a packet of {length} bytes cannot be; at most {MAX_PACKET} are read")]
    PacketTooLong { length: u32 },
    /// The operating system refuses.
    #[error("cannot be read: {}", io::Error::from(*.kind))]
    Read { kind: io::ErrorKind },
    /// The file describes interfaces without end.
    #[error("more than {most} interfaces are described in one section")]
    TooManyInterfaces { most: usize },
    /// A later format.
    #[error("{format} version {major}.{minor} is not known; at most version {known} is")]
    Version { format: &'static str, major: u16, minor: u16, known: u16 },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Read { kind: error.kind() }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet {
            Some(packet) => write!(f, "packet {packet} at byte {}: {}", self.offset, self.problem),
            None => self.problem.fmt(f),
        }
    }
}

fn of_interface(interface: Option<usize>) -> String {
    interface.map_or_else(String::new, |interface| format!(" of interface {interface}"))
}
