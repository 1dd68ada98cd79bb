//! How much of its time the host took from this machine: what a bound may be exceeded by.
//!
//! A guest shares its host's cores with another guest and whatever else runs
//! there; what it is late by then says nothing of the programs in it. A thread
//! that comes before all others sleeps a millisecond again and again, and adds
//! up by how much it overslept. A program that is slow by itself does not make
//! it oversleep, so its slowness is not excused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shorter than a host's scheduler lets others run, so that each such while is seen.
const TICK: Duration = Duration::from_millis(1);
/// What a sleep takes longer in any case, emulated: the timer's slack, and the way back.
const USUAL: Duration = Duration::from_micros(500);

/// The thread's account.
#[derive(Clone, Debug)]
pub(crate) struct Lag(Arc<AtomicU64>);

/// A moment, and the account then.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    pub(crate) since: Instant,
    account: Lag,
    before: Duration,
}

impl Lag {
    /// Starts the thread.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let lag = Self(Arc::default());
        let account = Arc::clone(&lag.0);
        std::thread::Builder::new().name("lag".to_owned()).spawn(move || keep(&account))?;
        Ok(lag)
    }

    /// All of it since the start.
    fn total(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch { since: Instant::now(), account: self.clone(), before: self.total() }
    }
}

impl Stopwatch {
    /// What the host took since then.
    pub(crate) fn lag(&self) -> Duration {
        self.account.total().saturating_sub(self.before)
    }
}

fn keep(account: &AtomicU64) {
    // of this thread alone; without it the account has what the guest's own programs do to each other, too
    let _ = rustix::process::setpriority_process(None, -20);
    loop {
        let start = Instant::now();
        std::thread::sleep(TICK);
        account.fetch_add(overslept_us(start.elapsed()), Ordering::Relaxed);
    }
}

/// What a sleep of a tick that took so long says of the host, in microseconds.
fn overslept_us(took: Duration) -> u64 {
    let overslept = took.saturating_sub(TICK);
    if overslept > USUAL { u64::try_from(overslept.as_micros()).unwrap_or(u64::MAX) } else { 0 }
}

#[cfg(test)]
mod tests {
    //! What counts, and from when.

    use super::*;

    #[test]
    fn a_stopwatch_has_what_was_overslept_since_it_was_started() {
        let lag = Lag(Arc::default());
        let oversleep = |ms: u64| lag.0.fetch_add(overslept_us(Duration::from_millis(ms)), Ordering::Relaxed);
        oversleep(500);
        let watch = lag.stopwatch();
        oversleep(1);
        assert_eq!(watch.lag(), Duration::ZERO, "as long as was wanted");
        oversleep(41);
        assert_eq!(watch.lag(), Duration::from_millis(40));
    }
}
