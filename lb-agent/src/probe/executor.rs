//! Any number of checks side by side: started and given up by key, finished in any order.
//!
//! Each check is one task with its own deadline, so that one that hangs delays nobody. At
//! most [`Settings::at_once`] are under way; the next ones queue in the order in which they
//! were started. One that has used up half its time in the queue ends as
//! [`LocalFault::Busy`]: the checker is short of something, the backend has done nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::failure::LocalFault;
use super::limit;
use super::prepared::PreparedCheck;
use super::report::{Progress, Report};
use super::target::Target;

/// How an executor works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Checks that may be under way at once, at least 1; by default what the limit of open
    /// files leaves (`RLIMIT_NOFILE` less 256).
    pub at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { at_once: limit::checks_at_once() }
    }
}

/// Carries checks out; each has a key of the owner's choice.
#[derive(Debug)]
pub struct Executor<K> {
    runtime: Handle,
    turns: Arc<Semaphore>,
    running: HashMap<K, Running>,
    started: u64,
    sender: mpsc::UnboundedSender<(u64, Finished<K>)>,
    receiver: mpsc::UnboundedReceiver<(u64, Finished<K>)>,
    /// Dropped with the executor, it ends the thread of its own.
    _thread: Option<oneshot::Sender<()>>,
}

/// A check that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished<K> {
    /// The key it was started with.
    pub key: K,
    /// What it found.
    pub report: Report,
}

#[derive(Debug)]
struct Running {
    number: u64,
    task: AbortHandle,
}

/// The part of a check's time, at most [`HEAD_START_MAX`], by which the executor ends it
/// early: its report says in which phase it hung, so it should come before the owner's own
/// timer, which knows only that time is up.
const HEAD_START_PART: u32 = 20;
const HEAD_START_MAX: Duration = Duration::from_millis(20);

impl<K: Clone + Eq + Hash + Send + 'static> Executor<K> {
    /// An executor whose checks run on this runtime.
    #[must_use]
    pub fn new(runtime: Handle, settings: &Settings) -> Self {
        Self::with(runtime, settings, None)
    }

    /// An executor whose checks run on a thread of their own, named `probes`.
    ///
    /// So neither do ten thousand handshakes delay a routing session's keepalive, nor the
    /// other way round. The thread ends with the executor.
    ///
    /// # Errors
    /// When the kernel grants no thread or no event queue.
    pub fn on_own_thread(settings: &Settings) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("probes".into()).spawn(move || {
            // An error is the wanted end: the sender was dropped.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self::with(handle, settings, Some(alive)))
    }

    fn with(runtime: Handle, settings: &Settings, thread: Option<oneshot::Sender<()>>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            runtime,
            turns: Arc::new(Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS))),
            running: HashMap::new(),
            started: 0,
            sender,
            receiver,
            _thread: thread,
        }
    }

    /// Starts a check, which ends within `limit`; one under way with the same key is given up.
    ///
    /// It ends a little before: by a twentieth of the limit, at most 20 ms.
    pub fn start(&mut self, key: K, check: &Arc<PreparedCheck>, target: Target, limit: Duration) {
        self.started += 1;
        let number = self.started;
        let (check, turns, sender) = (Arc::clone(check), Arc::clone(&self.turns), self.sender.clone());
        let now = Instant::now();
        let deadline = now + limit.saturating_sub((limit / HEAD_START_PART).min(HEAD_START_MAX));
        let finished_key = key.clone();
        let task = self.runtime.spawn(async move {
            let mut progress = Progress::new();
            let report = match timeout_at(now + limit / 2, turns.acquire_owned()).await {
                Ok(turn) => {
                    let _turn = turn.expect("nobody closes the semaphore");
                    check.run_until(&target, deadline, &mut progress).await
                }
                Err(_) => progress.report(Err(LocalFault::Busy.into())),
            };
            // Without a receiver the executor is gone, and nobody wants to know.
            let _ = sender.send((number, Finished { key: finished_key, report }));
        });
        if let Some(earlier) = self.running.insert(key, Running { number, task: task.abort_handle() }) {
            earlier.task.abort();
        }
    }

    /// Gives a check up and closes its sockets; it will not be reported.
    pub fn cancel(&mut self, key: &K) {
        if let Some(running) = self.running.remove(key) {
            running.task.abort();
        }
    }

    /// How many checks are under way or wait for their turn.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The next check that is over; waits for ever if none is under way.
    ///
    /// Giving up waiting loses nothing.
    pub async fn finished(&mut self) -> Finished<K> {
        loop {
            let (number, finished) = self.receiver.recv().await.expect("the executor itself can send");
            // One that was given up may have been over already.
            if self.running.get(&finished.key).is_some_and(|running| running.number == number) {
                self.running.remove(&finished.key);
                return finished;
            }
        }
    }
}

impl<K> Drop for Executor<K> {
    fn drop(&mut self) {
        self.running.values().for_each(|running| running.task.abort());
    }
}

#[cfg(test)]
mod tests;
