//! One node with an empty connection table, whose clock is a capture's.

use std::borrow::Cow;
use std::time::Duration;

use lb_core::Time;
use lb_core::director::{Director, DropReason, PassReason, Verdict};
use lb_core::identity::Endpoint;
use lb_core::packet::ParseError;

use crate::capture::Captured;
use crate::capture::link::Content;

/// The longest IP packet with the largest tunnel header before it.
const MAX_SENT: usize = 65_535 + 256;

/// A director and its time.
#[derive(Debug)]
pub(super) struct Node {
    director: Director,
    /// The capture's time of the first packet: the director's zero.
    start_ns: Option<u64>,
    /// The director's time; it never goes back, even where a capture does.
    now: Time,
    /// The capture's time of the packet before.
    before_ns: u64,
    sent: Box<[u8]>,
}

/// What became of a packet.
#[derive(Debug)]
pub(super) struct Handled<'a> {
    /// The capture's time, in nanoseconds since 1970.
    pub(super) time_ns: u64,
    /// What the director said.
    pub(super) verdict: Verdict,
    /// Who gets it, if it is forwarded.
    pub(super) backend: Option<Endpoint>,
    /// What the node sends; nothing if it passes or drops.
    pub(super) sent: &'a [u8],
}

impl Node {
    pub(super) fn new(director: Director) -> Self {
        let sent = vec![0; MAX_SENT].into_boxed_slice();
        Self { director, start_ns: None, now: Time::ZERO, before_ns: 0, sent }
    }

    pub(super) const fn director(&self) -> &Director {
        &self.director
    }

    /// Takes one captured packet.
    pub(super) fn handle(&mut self, captured: &Captured<'_>) -> Handled<'_> {
        let time_ns = captured.time_ns.unwrap_or(self.before_ns);
        self.advance(time_ns);
        let verdict = match captured.link.content(captured.bytes) {
            Content::Ip(packet) => self.director.handle_packet(self.now, packet, &mut self.sent),
            Content::CutOff => Verdict::Drop(DropReason::Malformed(ParseError::Truncated)),
            Content::Other => Verdict::Pass(PassReason::NotIp),
        };
        let (backend, length) = match verdict {
            Verdict::Forward { backend, length, .. } => (self.director.backend(backend), length),
            Verdict::Reply { length, .. } => (None, length),
            Verdict::Pass(_) | Verdict::Drop(_) => (None, 0),
        };
        let backend = backend.map(lb_core::director::Backend::endpoint);
        Handled { time_ns, verdict, backend, sent: &self.sent[..length] }
    }

    fn advance(&mut self, time_ns: u64) {
        self.before_ns = time_ns;
        let start_ns = *self.start_ns.get_or_insert(time_ns);
        let now = Time::ZERO + Duration::from_nanos(time_ns.saturating_sub(start_ns));
        self.now = self.now.max(now);
        if self.director.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
            self.director.handle_timeout(self.now);
        }
        // which connections were forgotten interests nobody here
        while self.director.poll_event().is_some() {}
    }
}

impl Handled<'_> {
    /// The verdict's word.
    pub(super) const fn verdict_name(&self) -> &'static str {
        match self.verdict {
            Verdict::Forward { .. } => "forward",
            Verdict::Reply { .. } => "reply",
            Verdict::Pass(_) => "pass",
            Verdict::Drop(_) => "drop",
        }
    }

    /// Why: one word, and for a malformed packet what is wrong with it.
    pub(super) fn reason(&self) -> Cow<'static, str> {
        match self.verdict {
            Verdict::Forward { choice, .. } => choice.name().into(),
            Verdict::Reply { kind, .. } => kind.name().into(),
            Verdict::Pass(reason) => reason.name().into(),
            Verdict::Drop(reason @ DropReason::Malformed(error)) => {
                format!("{}: {error}", reason.name()).into()
            }
            Verdict::Drop(reason) => reason.name().into(),
        }
    }
}
