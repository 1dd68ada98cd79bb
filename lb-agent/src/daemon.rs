//! The daemon: one loop around the machine of the node.
//!
//! Whatever happens (a check is over, the kernel answered, somebody asked, the
//! file changed, a signal, time) is told to [`Node`], and what it then wants is
//! carried out. Everything that takes time runs beside the loop: checks, the
//! kernel and routers on threads of their own, whoever asks in a task. The loop
//! waits for one thing alone: whatever comes next. Nothing is decided here.

mod act;
mod air;
mod answer;
mod digests;
mod drains;
mod flows;
mod probes;
mod reload;
mod report;
mod signals;
mod start;
mod traced;
mod waiting;

use std::io;
use std::time::{Duration, Instant};

use files::Fault;
use lb_core::Time;
use lb_core::node::{Node, ProbeKey};

use crate::cli::Run;
use crate::control::Server;
use crate::kernel::KernelThread;
use crate::log::Levels;
use crate::metrics::{Metrics, MetricsServer};
use crate::notify::Notifier;
use crate::probe::Executor;
use crate::status::{LeftOut, Session};
use crate::traces::Delivery;
use crate::watch::Watch;
use air::Air;
use digests::Digests;
use flows::FlowCounts;
use probes::Probes;
use reload::FileState;
use signals::{Signals, Wish};
use traced::Traced;
use waiting::Waiting;

/// Why the daemon could not begin, or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    /// The file.
    #[error("{}", .0.message)]
    Fault(Box<Fault>),
    /// A thread ended that was to outlive the loop.
    #[error("the thread `{0}` has ended, which is a bug; what it said is above, and the kernel is as it was")]
    Lost(&'static str),
    /// Something of the system.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

impl DaemonError {
    fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::System { what, error }
    }
}

/// Runs until it is told to end.
///
/// # Errors
///
/// The file is wrong, something of the system is missing, or one of its threads died.
pub(crate) fn run(arguments: &Run) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DaemonError::system("an event queue"))?;
    // outlives the loop: the last spans are those of its end
    let mut delivery: Option<Delivery> = None;
    runtime.block_on(async {
        let mut daemon = start::start(arguments, &mut delivery)?;
        let result = daemon.turn().await;
        daemon.end().await;
        result
    })
}

/// Everything that the loop has in hand.
struct Daemon {
    start: Instant,
    node: Node,
    digests: Digests,
    file: FileState,
    probes: Probes,
    executor: Executor<ProbeKey>,
    kernel: KernelThread,
    /// What went through the backends until the last listing, and when that was.
    flows: FlowCounts,
    listed: Option<Instant>,
    /// The sessions when they were last asked for.
    sessions: Vec<Session>,
    left_out: LeftOut,
    waiting: Waiting,
    /// What the kernel said to the last thing that failed.
    kernel_error: Option<String>,
    air: Air,
    control: Server,
    metrics: Metrics,
    metrics_server: Option<MetricsServer>,
    notifier: Notifier,
    signals: Signals,
    levels: Levels,
    traced: Traced,
    watch: Watch,
    cleanup: bool,
    told_ready: bool,
    stopped: bool,
}

/// What woke the loop.
enum Woken {
    Air(air::Told),
    Asked(crate::control::Asked),
    FileChanged,
    Kernel(crate::kernel::Done),
    Lost(&'static str),
    Probe(crate::probe::Finished<ProbeKey>),
    Scrape(crate::metrics::Scrape),
    Signal(Wish),
    Time,
    WaitedEnough,
    Watchdog,
}

impl Daemon {
    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Turns until the node has stopped.
    async fn turn(&mut self) -> Result<(), DaemonError> {
        // with nobody to feed, it ticks into the void once in a long while
        let pace = self.notifier.pace().unwrap_or(Duration::from_secs(3_600));
        let mut watchdog = tokio::time::interval(pace);
        loop {
            self.carry_out();
            if self.stopped {
                return Ok(());
            }
            let due = self.node.poll_timeout().map(|due| self.start + (due - Time::ZERO));
            // In no order: a flood of one kind starves no other.
            let woken = tokio::select! {
                told = self.air.told() => told.map_or(Woken::Lost("routers"), Woken::Air),
                done = self.kernel.done() => done.map_or(Woken::Lost("kernel"), Woken::Kernel),
                () = sleep_until(due) => Woken::Time,
                finished = self.executor.finished() => Woken::Probe(finished),
                _ = watchdog.tick() => Woken::Watchdog,
                wish = self.signals.next() => Woken::Signal(wish),
                () = self.watch.changed() => Woken::FileChanged,
                asked = self.control.asked() => Woken::Asked(asked),
                scrape = scraped(&mut self.metrics_server) => Woken::Scrape(scrape),
                () = sleep_until(self.waiting.until()) => Woken::WaitedEnough,
            };
            if let (Woken::Time, Some(due)) = (&woken, due) {
                self.metrics.late(due.elapsed());
            }
            self.take(woken)?;
        }
    }

    /// Tells the node what happened.
    fn take(&mut self, woken: Woken) -> Result<(), DaemonError> {
        let now = self.now();
        match woken {
            Woken::Air(told) => self.heard(now, told),
            Woken::Asked(asked) => self.answer(now, asked),
            Woken::FileChanged => self.file_changed(now),
            Woken::Kernel(done) => self.kernel_did(now, done),
            Woken::Lost(thread) => {
                let error = DaemonError::Lost(thread);
                tracing::error!("{error}");
                return Err(error);
            }
            Woken::Probe(finished) => self.probe_ended(now, &finished),
            Woken::Scrape(scrape) => self.scrape(scrape),
            Woken::Signal(Wish::Reload) => self.reload_by_signal(now),
            Woken::Signal(Wish::End) => {
                self.notifier.stopping(self.node.config().announce.drain_delay);
                tracing::info!(cleanup = self.cleanup, "ending: withdraw, wait, stop");
                self.traced.ending(self.cleanup);
                self.node.handle_shutdown(now, self.cleanup);
            }
            Woken::Time => self.node.handle_timeout(now),
            Woken::WaitedEnough => self.answer_all(now),
            Woken::Watchdog => self.notifier.alive(),
        }
        Ok(())
    }

    /// The last words, when the node has stopped.
    async fn end(self) {
        self.air.end().await;
        tracing::info!("ended");
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn scraped(server: &mut Option<MetricsServer>) -> crate::metrics::Scrape {
    match server {
        Some(server) => server.scrape().await,
        None => std::future::pending().await,
    }
}
