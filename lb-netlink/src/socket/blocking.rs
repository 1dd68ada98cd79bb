//! A connection that blocks the calling thread: for command lines and tests.
//!
//! The one idea: move bytes, decide nothing; the conversation is the
//! exchange's. [`asynchronous`](super::asynchronous) is the same with `await`.

use netlink_sys::protocols;

use super::exchange::{Batch, Dump, Exchange, OnFailure, Report, ends_dump};
use super::kernel::KernelSocket;
use super::{Protocol, Replies, Request, Transport};
use crate::error::{Doing, Error};

/// A blocking connection to one part of the kernel.
///
/// It belongs to the network namespace of the thread that opened it, whatever
/// namespace that thread enters later.
#[derive(Debug)]
pub struct Connection<T = KernelSocket> {
    transport: T,
    next_sequence: u32,
    /// A dump that an earlier call left unread, to be read to its end first.
    open_dump: Option<u32>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens a socket in the current network namespace.
    ///
    /// # Errors
    ///
    /// If this kernel has no such protocol, or the process may have no more files.
    pub fn open(protocol: Protocol) -> Result<Self, Error> {
        KernelSocket::open(protocol).map(Self::new).map_err(|error| Error::io(Doing::Open, &error))
    }
}

impl<T: Transport> Connection<T> {
    /// A connection over any transport.
    pub const fn new(transport: T) -> Self {
        Self { transport, next_sequence: 1, open_dump: None, buffer: Vec::new() }
    }

    /// What moves the bytes.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// Reads a whole table.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, the table does not hold still, or the socket fails.
    pub fn dump(&mut self, request: &Request) -> Result<Replies, Error> {
        self.run(Dump::new(request, self.next_sequence))
    }

    /// Asks for something and gives all messages that come before the acknowledgement.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or the socket fails.
    pub fn query(&mut self, request: &Request) -> Result<Replies, Error> {
        let requests = std::slice::from_ref(request);
        let (replies, report) = self.run(Batch::new(requests, OnFailure::Stop, self.next_sequence))?;
        match report.failures.into_iter().next() {
            Some(failure) => Err(failure.rejection.into()),
            None => Ok(replies),
        }
    }

    /// Has commands executed, many to a datagram, and says which were refused and why.
    ///
    /// # Errors
    ///
    /// If the socket fails or answers are lost. How many commands were executed
    /// is unknown then; look at the tables again.
    pub fn execute(&mut self, requests: &[Request], on_failure: OnFailure) -> Result<Report, Error> {
        self.run(Batch::new(requests, on_failure, self.next_sequence)).map(|(_, report)| report)
    }

    fn run<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Error> {
        while let Some(sequence) = self.open_dump {
            self.receive()?;
            self.open_dump = (!ends_dump(&self.buffer, sequence)).then_some(sequence);
        }
        loop {
            while let Some(datagram) = exchange.poll_transmit() {
                self.transport.send(&datagram).map_err(|error| Error::io(Doing::Send, &error))?;
                self.next_sequence = exchange.next_sequence();
                self.open_dump = exchange.open_dump();
            }
            if exchange.is_finished() {
                return Ok(exchange.into_output());
            }
            self.receive()?;
            let handled = exchange.handle_datagram(&self.buffer);
            self.open_dump = exchange.open_dump();
            handled?;
        }
    }

    fn receive(&mut self) -> Result<(), Error> {
        self.transport.receive(&mut self.buffer).map_err(|error| Error::io(Doing::Receive, &error))
    }
}

impl Protocol {
    /// The kernel's number for it.
    pub(super) const fn number(self) -> isize {
        match self {
            Self::Generic => protocols::NETLINK_GENERIC,
            Self::Route => protocols::NETLINK_ROUTE,
        }
    }
}
