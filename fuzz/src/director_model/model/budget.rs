//! How many echo replies one client gets: what must pass and what must not.
//!
//! Not the rate limiter a second time: only its two promises.

use std::time::Duration;

use lb_core::Time;

/// So long after the latest answer a client's bucket is full again.
const PAUSE: Duration = Duration::from_secs(1);
/// How many echo replies one client gets at once, and each second (the defaults).
const BURST: u32 = 100;
const PER_SECOND: u32 = 100;

/// The answers to one client.
#[derive(Debug, Default)]
pub(in super::super) struct Budget {
    answers: Vec<Time>,
}

impl Budget {
    /// Takes note of an answer, or of a question that got none.
    pub(in super::super) fn check(&mut self, now: Time, was_answered: bool) {
        let paused = self.answers.last().is_none_or(|latest| now - *latest >= PAUSE);
        assert!(was_answered || !paused, "after a pause there is an answer");
        if !was_answered {
            return;
        }
        self.answers.push(now);
        // From any answer on there are no more than the rate allows.
        for (place, from) in self.answers.iter().enumerate() {
            let count = u128::try_from(self.answers.len() - place).expect("few answers");
            let allowed =
                u128::from(BURST) + (now - *from).as_nanos() * u128::from(PER_SECOND) / 1_000_000_000;
            assert!(count <= allowed, "{count} answers since {from}, at {now}");
        }
    }
}
