//! The two conversations, as machines on bytes: a dump, and a batch of commands.
//!
//! The one idea: the kernel works through a datagram in order and answers a
//! refused request in any case, but a done one only if asked to. So a batch
//! asks for one acknowledgement, of the last request in each datagram: whatever
//! was not refused before it is done, and a hundred commands take one round
//! trip. A dump is read to its end, and begun again if the kernel says that its
//! tables changed meanwhile.
//!
//! Drive both alike: send all that `poll_transmit` gives, stop if `is_finished`,
//! else receive and call `handle_datagram`. Connections do.
//!
//! Source: `netlink_rcv_skb`, `netlink_ack` and `netlink_dump` in
//! `net/netlink/af_netlink.c`.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
    NLMSG_OVERRUN,
};

use super::frame::{self, Frame, Frames};
use super::{Replies, Request, acknowledgement};
use crate::error::{Error, Rejection};

/// How often a dump is begun before we give up.
pub const DUMP_ATTEMPTS: u32 = 8;

/// The most requests in one datagram: so many refusals fit the default receive
/// buffer (212,992 bytes, of which one takes at most about 1,300).
pub const WINDOW_REQUESTS: usize = 128;

/// The most bytes in one datagram; the default send buffer has six times as many.
pub const WINDOW_BYTES: usize = 32 * 1024;

/// What a connection needs to know of a conversation.
pub trait Exchange {
    /// What comes out of it.
    type Output;

    /// The next datagram to be sent, if it is our turn.
    fn poll_transmit(&mut self) -> Option<Vec<u8>>;

    /// Takes a datagram of the kernel.
    ///
    /// # Errors
    ///
    /// If the conversation as a whole has failed. It is over then.
    fn handle_datagram(&mut self, datagram: &[u8]) -> Result<(), Error>;

    /// Whether nothing more is to be sent or received.
    fn is_finished(&self) -> bool;

    /// The number of a dump that the kernel may not be through with.
    fn open_dump(&self) -> Option<u32>;

    /// The first sequence number that was not used.
    fn next_sequence(&self) -> u32;

    /// What came out of it.
    fn into_output(self) -> Self::Output;
}

/// What is done about the commands after one that the kernel refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// They are executed all the same; up to [`WINDOW_REQUESTS`] share a round trip.
    Continue,
    /// They are not sent: each command waits for the one before it.
    Stop,
}

/// What became of a batch of commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many commands the kernel has seen: all, or those up to the first failure with [`OnFailure::Stop`].
    pub executed: usize,
    /// Those that it refused, in order.
    pub failures: Vec<Failure>,
    /// How many datagrams that took, for those who measure.
    pub round_trips: usize,
}

/// A command that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its place in the batch.
    pub index: usize,
    /// Why.
    pub rejection: Rejection,
}

impl Report {
    /// Whether every command was executed and none refused.
    #[must_use]
    pub fn is_complete(&self, commands: usize) -> bool {
        self.executed == commands && self.failures.is_empty()
    }
}

/// Reads a table of the kernel.
#[derive(Debug)]
pub struct Dump<'a> {
    request: &'a Request,
    sequence: u32,
    attempts: u32,
    state: DumpState,
    interrupted: bool,
    replies: Replies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DumpState {
    /// The request is to be sent.
    Asking,
    /// Parts are coming in.
    Reading,
    /// The kernel has said that this was all, or that there is nothing.
    Finished,
}

impl<'a> Dump<'a> {
    /// A dump that is asked for by `request`.
    #[must_use]
    pub fn new(request: &'a Request, sequence: u32) -> Self {
        Self {
            request,
            sequence,
            attempts: 0,
            state: DumpState::Asking,
            interrupted: false,
            replies: Replies::default(),
        }
    }

    /// Takes one message. The state changes here and in `poll_transmit` alone.
    fn handle_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.interrupted |= frame.flags & NLM_F_DUMP_INTR != 0;
        match frame.kind {
            NLMSG_NOOP => return Ok(()),
            NLMSG_OVERRUN => return Err(Error::Overrun),
            NLMSG_DONE => {
                self.state = DumpState::Finished;
                acknowledgement::of_done(frame)??;
            }
            NLMSG_ERROR => {
                self.state = DumpState::Finished;
                acknowledgement::of_error(frame)??;
            }
            kind => {
                self.replies.push(kind, frame.payload);
                if frame.flags & NLM_F_MULTIPART != 0 {
                    return Ok(());
                }
                self.state = DumpState::Finished; // a single answer, which no end follows
            }
        }
        if self.interrupted {
            self.begin_again()?;
        }
        Ok(())
    }

    fn begin_again(&mut self) -> Result<(), Error> {
        if self.attempts == DUMP_ATTEMPTS {
            return Err(Error::Interrupted { attempts: self.attempts });
        }
        self.interrupted = false;
        self.replies.clear();
        self.sequence = self.sequence.wrapping_add(1);
        self.state = DumpState::Asking;
        Ok(())
    }
}

impl Exchange for Dump<'_> {
    type Output = Replies;

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (self.state == DumpState::Asking).then(|| {
            self.state = DumpState::Reading;
            self.attempts += 1;
            let mut datagram = Vec::new();
            frame::write(self.request, NLM_F_DUMP, self.sequence, &mut datagram);
            datagram
        })
    }

    fn handle_datagram(&mut self, datagram: &[u8]) -> Result<(), Error> {
        for frame in Frames::new(datagram) {
            let frame = frame?;
            if self.state == DumpState::Reading && frame.sequence == self.sequence {
                self.handle_frame(&frame)?;
            }
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.state == DumpState::Finished
    }

    fn open_dump(&self) -> Option<u32> {
        (self.state == DumpState::Reading).then_some(self.sequence)
    }

    fn next_sequence(&self) -> u32 {
        self.sequence.wrapping_add(1)
    }

    fn into_output(self) -> Replies {
        self.replies
    }
}

/// Has commands executed, and collects what they are answered with.
#[derive(Debug)]
pub struct Batch<'a> {
    requests: &'a [Request],
    on_failure: OnFailure,
    first_sequence: u32,
    /// How many requests were sent.
    sent: usize,
    /// How many of them are known to be done or refused.
    settled: usize,
    replies: Replies,
    report: Report,
}

impl<'a> Batch<'a> {
    /// A batch of `requests`, numbered from `first_sequence`.
    #[must_use]
    pub fn new(requests: &'a [Request], on_failure: OnFailure, first_sequence: u32) -> Self {
        Self {
            requests,
            on_failure,
            first_sequence,
            sent: 0,
            settled: 0,
            replies: Replies::default(),
            report: Report::default(),
        }
    }

    /// How many requests go into the next datagram: at least one.
    fn window(&self) -> usize {
        let rest = &self.requests[self.sent..];
        if self.on_failure == OnFailure::Stop {
            return 1;
        }
        let mut bytes = 0;
        let fitting = rest.iter().take(WINDOW_REQUESTS).take_while(|request| {
            bytes += frame::HEADER_LENGTH + request.payload.len().next_multiple_of(4);
            bytes <= WINDOW_BYTES
        });
        fitting.count().max(1)
    }

    fn handle_frame(&mut self, index: usize, frame: &Frame<'_>) -> Result<(), Error> {
        let settled = match frame.kind {
            NLMSG_NOOP => return Ok(()),
            NLMSG_OVERRUN => return Err(Error::Overrun),
            NLMSG_DONE => acknowledgement::of_done(frame)?,
            NLMSG_ERROR => acknowledgement::of_error(frame)?,
            kind => {
                self.replies.push(kind, frame.payload);
                return Ok(());
            }
        };
        // Requests are worked on in order, so those before this one are settled too.
        self.settled = index + 1;
        if let Err(rejection) = settled {
            self.report.failures.push(Failure { index, rejection });
        }
        Ok(())
    }
}

impl Exchange for Batch<'_> {
    type Output = (Replies, Report);

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if self.settled < self.sent || self.is_finished() {
            return None;
        }
        let window = self.window();
        let mut datagram = Vec::new();
        for (place, request) in self.requests[self.sent..][..window].iter().enumerate() {
            let flags = if place + 1 == window { NLM_F_ACK } else { 0 };
            frame::write(request, flags, self.next_sequence(), &mut datagram);
            self.sent += 1;
        }
        self.report.round_trips += 1;
        Some(datagram)
    }

    fn handle_datagram(&mut self, datagram: &[u8]) -> Result<(), Error> {
        for frame in Frames::new(datagram) {
            let frame = frame?;
            let index = frame.sequence.wrapping_sub(self.first_sequence) as usize;
            // What belongs to an older conversation has a number from before this one.
            if (self.settled..self.sent).contains(&index) {
                self.handle_frame(index, &frame)?;
            }
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        let stopped = self.on_failure == OnFailure::Stop && !self.report.failures.is_empty();
        self.settled == self.sent && (self.sent == self.requests.len() || stopped)
    }

    fn open_dump(&self) -> Option<u32> {
        None
    }

    fn next_sequence(&self) -> u32 {
        // Sequence numbers wrap around, and so does their count.
        self.first_sequence.wrapping_add(self.sent as u32)
    }

    fn into_output(self) -> (Replies, Report) {
        let report = Report { executed: self.settled, ..self.report };
        (self.replies, report)
    }
}

/// Whether a datagram holds the end of the dump with this number.
pub(super) fn ends_dump(datagram: &[u8], sequence: u32) -> bool {
    Frames::new(datagram)
        .map_while(Result::ok)
        .any(|frame| frame.sequence == sequence && matches!(frame.kind, NLMSG_DONE | NLMSG_ERROR))
}

#[cfg(test)]
mod tests;
