//! The thread that lists and writes, in the order in which it is asked.
//!
//! A listing of a hundred thousand destinations takes a second, and a session
//! with a router must not wait for it; so the loop asks and takes the results
//! when they come. Whoever looks at a status can have a listing asked for, as
//! often as they like: one that is on its way serves all, so that no write waits
//! for more than one.

use std::io;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::{Duration, Instant};

use lb_core::node::Write;
use tokio::sync::mpsc;

use super::{Kernel, Listing};

/// What was done.
#[derive(Debug)]
pub(crate) enum Done {
    /// A listing, or why there is none.
    Listed(Result<Listing, String>),
    /// How many of the writes were done, and why not all.
    Written {
        /// The first so many.
        done: usize,
        /// What the kernel said to the next.
        refused: Option<String>,
    },
}

/// What is to be done.
#[derive(Debug)]
enum Job {
    List,
    Write(Vec<Write>),
}

/// The thread and the way to it; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct KernelThread {
    jobs: blocking::Sender<Job>,
    /// At most one listing and one batch of writes: the node asks for one at a time.
    results: mpsc::UnboundedReceiver<Done>,
    /// Since when a listing is on its way.
    listing: Option<Instant>,
    /// How long the last one took.
    took: Duration,
}

impl KernelThread {
    /// Starts it, in the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let mut kernel = Kernel::default();
        Self::with(move |job| match job {
            Job::List => Done::Listed(kernel.list()),
            Job::Write(writes) => kernel.write(&writes),
        })
    }

    fn with(mut work: impl FnMut(Job) -> Done + Send + 'static) -> io::Result<Self> {
        let (jobs, asked) = blocking::channel();
        let (sender, results) = mpsc::unbounded_channel();
        let work = move || {
            for job in asked {
                if sender.send(work(job)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("kernel".into()).spawn(work)?;
        Ok(Self { jobs, results, listing: None, took: Duration::ZERO })
    }

    /// Asks for a listing, unless one is on its way.
    ///
    /// That one shows no less: the node asks for none before its writes were
    /// done, and what was asked for before them has arrived by then.
    pub(crate) fn list(&mut self) {
        if self.listing.is_none() {
            self.listing = Some(Instant::now());
            self.ask(Job::List);
        }
    }

    /// Whether a listing is on its way.
    pub(crate) const fn is_listing(&self) -> bool {
        self.listing.is_some()
    }

    /// How long the last listing took, waiting included.
    pub(crate) const fn took(&self) -> Duration {
        self.took
    }

    /// Asks for writes.
    pub(crate) fn write(&self, writes: Vec<Write>) {
        self.ask(Job::Write(writes));
    }

    fn ask(&self, job: Job) {
        // a thread that is no more says so by the end of its results
        let _ = self.jobs.send(job);
    }

    /// What is done next; waits for ever if nothing was asked for, and is `None` once the thread is no more.
    pub(crate) async fn done(&mut self) -> Option<Done> {
        let done = self.results.recv().await?;
        if let (Done::Listed(_), Some(since)) = (&done, self.listing) {
            self.took = since.elapsed();
            self.listing = None;
        }
        Some(done)
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the thread: many questions are one listing, results come in order, and its death is told.

    use super::*;

    fn words(done: Option<Done>) -> &'static str {
        match done {
            Some(Done::Listed(_)) => "listed",
            Some(Done::Written { .. }) => "written",
            None => "gone",
        }
    }

    #[tokio::test]
    async fn a_thousand_questions_are_one_listing_and_writes_wait_for_no_more() {
        let (go, wait) = blocking::channel();
        let mut kernel = KernelThread::with(move |job| {
            wait.recv().unwrap();
            match job {
                Job::List => Done::Listed(Ok(Listing::default())),
                Job::Write(writes) => Done::Written { done: writes.len(), refused: None },
            }
        })
        .unwrap();
        (0..1_000).for_each(|_| kernel.list());
        kernel.write(Vec::new());
        (0..1_000).for_each(|_| kernel.list());
        (0..2).for_each(|_| go.send(()).unwrap());
        assert_eq!([words(kernel.done().await), words(kernel.done().await)], ["listed", "written"]);
        assert!(!kernel.is_listing());
        kernel.list();
        go.send(()).unwrap();
        assert_eq!(words(kernel.done().await), "listed");
    }

    #[tokio::test]
    async fn the_death_of_the_thread_is_told() {
        let mut kernel = KernelThread::with(|_| panic!("as a bug would")).unwrap();
        kernel.list();
        assert_eq!(words(kernel.done().await), "gone");
    }
}
