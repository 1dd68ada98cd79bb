//! A kernel in memory for tests: it answers each datagram as a test says.
//!
//! The one idea: a script is a function from the requests that were sent to
//! the datagrams that come back, so that a test shows both sides. Silence where
//! an answer is awaited is an error instead of a test that hangs.

use std::collections::VecDeque;
use std::io;

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR,
};

use super::frame::Frames;
use super::{AsyncTransport, Transport};
use crate::error::Errno;

/// A request as the scripted kernel sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) payload: Vec<u8>,
}

/// What a scripted kernel does with the requests of one datagram.
type Answer = dyn FnMut(&[Seen]) -> Vec<Vec<u8>> + Send;

/// The scripted kernel.
pub(crate) struct Script {
    answer: Box<Answer>,
    waiting: VecDeque<Vec<u8>>,
    /// Each datagram that was sent to it.
    pub(crate) sent: Vec<Vec<Seen>>,
}

impl Script {
    pub(crate) fn new(answer: impl FnMut(&[Seen]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self { answer: Box::new(answer), waiting: VecDeque::new(), sent: Vec::new() }
    }

    /// One that answers the first datagram with the first of these, and so on.
    pub(crate) fn replay(answers: Vec<Vec<Vec<u8>>>) -> Self {
        let mut answers = answers.into_iter();
        Self::new(move |_| answers.next().unwrap_or_default())
    }

    fn take(&mut self, datagram: &[u8]) {
        let requests = Frames::new(datagram).map(|frame| frame.expect("what we send can be read"));
        let seen: Vec<_> = requests
            .map(|frame| Seen {
                kind: frame.kind,
                flags: frame.flags,
                sequence: frame.sequence,
                payload: frame.payload.to_vec(),
            })
            .collect();
        self.waiting.extend((self.answer)(&seen));
        self.sent.push(seen);
    }

    fn give(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        *buffer = self.waiting.pop_front().ok_or(io::ErrorKind::TimedOut)?;
        if buffer.is_empty() { Err(io::Error::from_raw_os_error(Errno::ENOBUFS.0)) } else { Ok(()) }
    }
}

impl Transport for Script {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.take(datagram);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.give(buffer)
    }
}

impl AsyncTransport for Script {
    async fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.take(datagram);
        Ok(())
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        tokio::task::yield_now().await;
        self.give(buffer)
    }
}

/// One message.
pub(crate) fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A part of a dump.
pub(crate) fn part(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    message(kind, NLM_F_MULTIPART, sequence, payload)
}

/// The end of a dump.
pub(crate) fn done(sequence: u32) -> Vec<u8> {
    message(NLMSG_DONE, NLM_F_MULTIPART, sequence, &[0; 4])
}

/// The end of a dump whose table changed meanwhile.
pub(crate) fn done_interrupted(sequence: u32) -> Vec<u8> {
    message(NLMSG_DONE, NLM_F_MULTIPART | NLM_F_DUMP_INTR, sequence, &[0; 4])
}

/// Success.
pub(crate) fn ack(sequence: u32) -> Vec<u8> {
    let mut payload = vec![0; 4];
    payload.extend(&message(0, 0, sequence, &[])[..16]);
    message(NLMSG_ERROR, NLM_F_CAPPED, sequence, &payload)
}

/// A refusal, with attributes about it.
pub(crate) fn refusal(sequence: u32, errno: Errno, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut payload = (-errno.0).to_ne_bytes().to_vec();
    payload.extend(&message(0, 0, sequence, &[])[..16]);
    for (number, value) in attributes {
        payload.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
        payload.extend(number.to_ne_bytes());
        payload.extend(*value);
        payload.resize(payload.len().next_multiple_of(4), 0);
    }
    let flags = if attributes.is_empty() { NLM_F_CAPPED } else { NLM_F_CAPPED | NLM_F_ACK_TLVS };
    message(NLMSG_ERROR, flags, sequence, &payload)
}
