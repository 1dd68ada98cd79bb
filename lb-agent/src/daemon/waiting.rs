//! Those who asked how things stand, until what they are to be told is there.
//!
//! Sessions are asked for on their thread and counts in the kernel, each once
//! for all who wait, and nobody is waited for longer than [`PATIENCE`]: after
//! that the answer is what is known. A text of metrics serves whoever comes
//! within a second, and listings take a tenth of the kernel thread's time at
//! most, so that no number of askers keeps the agent from its work.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lb_core::Time;
use tokio::sync::oneshot;

use super::Daemon;
use crate::control::Answer;
use crate::metrics::Scrape;
use crate::status::{LeftOut, Session};

/// Counts and texts that are this old are not read or written anew.
const FRESH: Duration = Duration::from_secs(1);
/// For so many times as long as the last listing took there is no other for whoever asks.
const SHARE: u32 = 9;
/// A question is answered by then, with what is known.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who waits, and for what.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Each is the connection of somebody, and those have a limit.
    statuses: Vec<oneshot::Sender<Answer>>,
    scrapes: Vec<Scrape>,
    /// Whether sessions were asked for and are not here yet.
    sessions: bool,
    until: Option<Instant>,
    /// The last text, and when it was written.
    text: Option<(Instant, Bytes)>,
}

impl Waiting {
    /// When those who wait have waited long enough.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The last text, if it still serves.
    fn fresh_text(&self) -> Option<Bytes> {
        self.text.as_ref().filter(|(at, _)| at.elapsed() <= FRESH).map(|(_, text)| text.clone())
    }
}

impl Daemon {
    /// Somebody wants a status: with the counts that are there, for a person does not wait for a kernel that is busy.
    pub(super) fn ask_status(&mut self, answer: oneshot::Sender<Answer>) {
        self.waiting.statuses.push(answer);
        self.look();
    }

    /// Somebody wants metrics.
    pub(super) fn scrape(&mut self, scrape: Scrape) {
        match self.waiting.fresh_text() {
            // whoever asked may have gone
            Some(text) => drop(scrape.send(text)),
            None => {
                // those who went would otherwise add up while the kernel hangs
                self.waiting.scrapes.retain(|waiting| !waiting.is_closed());
                self.waiting.scrapes.push(scrape);
                self.look();
            }
        }
    }

    /// Asks for what answers are made of.
    fn look(&mut self) {
        let rest = FRESH.max(self.kernel.took() * SHARE);
        if self.listed.is_none_or(|listed| listed.elapsed() > rest) {
            self.kernel.list();
        }
        if !self.waiting.sessions {
            self.waiting.sessions = true;
            self.air.ask_sessions();
        }
        self.waiting.until.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// The sessions as they stand are here.
    pub(super) fn sessions_told(&mut self, now: Time, sessions: Vec<Session>, left_out: LeftOut) {
        (self.sessions, self.left_out) = (sessions, left_out);
        self.waiting.sessions = false;
        self.answer_waiting(now);
    }

    /// Answers whoever waits for nothing any more.
    pub(super) fn answer_waiting(&mut self, now: Time) {
        if self.waiting.sessions {
            return;
        }
        if !self.waiting.statuses.is_empty() {
            let answer = Answer::done(&self.status(now));
            self.waiting.statuses.drain(..).for_each(|asker| drop(asker.send(answer.clone())));
        }
        if !self.kernel.is_listing() {
            self.answer_scrapes(now);
        }
        if self.waiting.scrapes.is_empty() {
            self.waiting.until = None;
        }
    }

    /// They have waited long enough.
    pub(super) fn answer_all(&mut self, now: Time) {
        self.waiting.sessions = false;
        self.answer_scrapes(now);
        self.answer_waiting(now);
    }

    fn answer_scrapes(&mut self, now: Time) {
        if self.waiting.scrapes.is_empty() {
            return;
        }
        let status = self.status(now);
        let text = Bytes::from(self.metrics.text(status).unwrap_or_default());
        self.waiting.scrapes.drain(..).for_each(|scrape| drop(scrape.send(text.clone())));
        self.waiting.text = Some((Instant::now(), text));
    }
}
