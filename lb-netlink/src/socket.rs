//! Conversations with the kernel: requests out, replies and acknowledgements in.
//!
//! The one idea: what a conversation *is* (sequence numbers, parts of a dump,
//! which acknowledgement belongs to which request, when to begin again) is
//! decided by pure machines on bytes ([`exchange`]); who moves the bytes is a
//! [`Transport`] or an [`AsyncTransport`]. So the blocking and the asynchronous
//! [`Connection`] share all decisions, and tests run them without a kernel.
//!
//! Nothing here knows a protocol: a [`Request`] is bytes with a message type,
//! and whoever asked reads the [`Replies`]. Generic netlink is in
//! [`generic`](crate::generic), IPVS in [`ipvs`](crate::ipvs).
//!
//! The kernel works on a request inside `send`, so all replies are there (or
//! lost, [`Error::Overrun`](crate::Error::Overrun)) when it returns, and a
//! receive never waits for long: there are no timeouts here.
//!
//! ```no_run
//! use lb_netlink::socket::{Protocol, Request, blocking::Connection};
//! use netlink_packet_route::{RouteNetlinkMessage, link::LinkMessage};
//!
//! let mut connection = Connection::open(Protocol::Route)?;
//! let request = Request::new(&RouteNetlinkMessage::GetLink(LinkMessage::default()));
//! for reply in connection.dump(&request)?.iter() {
//!     println!("message type {}, {} bytes", reply.kind, reply.payload.len());
//! }
//! # Ok::<(), lb_netlink::Error>(())
//! ```
//!
//! Source: `man 7 netlink`; `net/netlink/af_netlink.c` of Linux 6.12 for what
//! an acknowledgement holds.

use std::future::Future;
use std::io;

use netlink_packet_core::NetlinkSerializable;

pub mod acknowledgement;
pub mod asynchronous;
pub mod blocking;
pub mod exchange;
pub mod frame;
pub mod kernel;
#[cfg(test)]
pub(crate) mod script;

pub use asynchronous::Connection;
pub use exchange::{Failure, OnFailure, Report};

/// Moves datagrams to and from the kernel, and waits.
pub trait Transport {
    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// What the system call failed with.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;

    /// Waits for one datagram and puts it in place of what `buffer` held.
    ///
    /// # Errors
    ///
    /// What the system call failed with; `ENOBUFS` says that answers were lost.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()>;
}

/// Moves datagrams to and from the kernel without blocking the thread.
///
/// Neither future may take a datagram and then be dropped without handing it
/// over: a conversation that is cancelled half-way is put right by the next one.
pub trait AsyncTransport {
    /// Sends one datagram.
    fn send(&mut self, datagram: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Waits for one datagram and puts it in place of what `buffer` held.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> impl Future<Output = io::Result<()>> + Send;
}

/// Which part of the kernel a socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Families that are found by name, IPVS among them.
    Generic,
    /// Links, addresses, routes, rules.
    Route,
}

/// One message for the kernel: its type, its flags, and the bytes after the netlink header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The message type: for generic netlink, the number of the family.
    pub kind: u16,
    /// Flags of its own, such as `NLM_F_CREATE`. `NLM_F_REQUEST`, `NLM_F_ACK` and `NLM_F_DUMP` are added as needed.
    pub flags: u16,
    /// What follows the header.
    pub payload: Vec<u8>,
}

impl Request {
    /// A request of a message, without flags of its own.
    #[must_use]
    pub fn new<M: NetlinkSerializable>(message: &M) -> Self {
        let mut payload = vec![0; message.buffer_len()];
        message.serialize(&mut payload);
        Self { kind: message.message_type(), flags: 0, payload }
    }

    /// The same with flags such as `NLM_F_CREATE | NLM_F_EXCL`.
    #[must_use]
    pub fn with_flags(self, flags: u16) -> Self {
        Self { flags, ..self }
    }
}

/// The messages that a request was answered with, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replies {
    bytes: Vec<u8>,
    /// Type of each message, and where in `bytes` it ends.
    ends: Vec<(u16, usize)>,
}

/// One message of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The message type.
    pub kind: u16,
    /// What follows the netlink header.
    pub payload: &'a [u8],
}

impl Replies {
    /// Each message.
    pub fn iter(&self) -> impl Iterator<Item = Reply<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts
            .zip(&self.ends)
            .map(|(start, (kind, end))| Reply { kind: *kind, payload: &self.bytes[start..*end] })
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn push(&mut self, kind: u16, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.ends.push((kind, self.bytes.len()));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests;
