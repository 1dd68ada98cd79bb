//! A connection for tokio: the node's agent uses this one.
//!
//! The one idea: move bytes, decide nothing; the conversation is the
//! exchange's. [`blocking`](super::blocking) is the same without `await`. A call whose
//! future is dropped half-way leaves answers behind; the next call reads them
//! away before it asks anything.

use super::exchange::{Batch, Dump, Exchange, OnFailure, Report, ends_dump};
use super::kernel::AsyncKernelSocket;
use super::{AsyncTransport, Protocol, Replies, Request};
use crate::error::{Doing, Error};

/// An asynchronous connection to one part of the kernel.
///
/// It belongs to the network namespace of the thread that opened it, whatever
/// namespace that thread enters later.
#[derive(Debug)]
pub struct Connection<T = AsyncKernelSocket> {
    transport: T,
    next_sequence: u32,
    /// A dump that an earlier call left unread, to be read to its end first.
    open_dump: Option<u32>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens a socket in the current network namespace, from within a tokio runtime.
    ///
    /// # Errors
    ///
    /// If this kernel has no such protocol, or the process may have no more files.
    pub fn open(protocol: Protocol) -> Result<Self, Error> {
        AsyncKernelSocket::open(protocol).map(Self::new).map_err(|error| Error::io(Doing::Open, &error))
    }
}

impl<T: AsyncTransport> Connection<T> {
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
    pub async fn dump(&mut self, request: &Request) -> Result<Replies, Error> {
        self.run(Dump::new(request, self.next_sequence)).await
    }

    /// Asks for something and gives all messages that come before the acknowledgement.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or the socket fails.
    pub async fn query(&mut self, request: &Request) -> Result<Replies, Error> {
        let requests = std::slice::from_ref(request);
        let (replies, report) = self.run(Batch::new(requests, OnFailure::Stop, self.next_sequence)).await?;
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
    pub async fn execute(&mut self, requests: &[Request], on_failure: OnFailure) -> Result<Report, Error> {
        self.run(Batch::new(requests, on_failure, self.next_sequence)).await.map(|(_, report)| report)
    }

    async fn run<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Error> {
        while let Some(sequence) = self.open_dump {
            self.receive().await?;
            self.open_dump = (!ends_dump(&self.buffer, sequence)).then_some(sequence);
        }
        loop {
            while let Some(datagram) = exchange.poll_transmit() {
                self.transport.send(&datagram).await.map_err(|error| Error::io(Doing::Send, &error))?;
                self.next_sequence = exchange.next_sequence();
                self.open_dump = exchange.open_dump();
            }
            if exchange.is_finished() {
                return Ok(exchange.into_output());
            }
            self.receive().await?;
            let handled = exchange.handle_datagram(&self.buffer);
            self.open_dump = exchange.open_dump();
            handled?;
        }
    }

    async fn receive(&mut self) -> Result<(), Error> {
        self.transport.receive(&mut self.buffer).await.map_err(|error| Error::io(Doing::Receive, &error))
    }
}
