//! A bar on standard error for work that takes longer than a second.
//!
//! It appears after that second whatever the work does, also before its first
//! unit is done, and moves on by itself: a thread watches the clock. None is
//! shown where standard error is no terminal, so logs stay clean.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work is done before anybody wonders.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar moves on by itself: its clock shows seconds.
const TICK: Duration = Duration::from_millis(250);

/// How far the work is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    watch: Option<Watch>,
}

/// The thread that shows the bar when patience is over, unless it is told that the work is.
#[derive(Debug)]
struct Watch {
    over: Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Work of `total` units, shown as `template` (indicatif's) says.
    pub(crate) fn new(total: u64, template: &'static str) -> Self {
        let style = ProgressStyle::with_template(template).expect("our templates are right");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let bar = bar.with_style(style.progress_chars("=> "));
        let watch = std::io::stderr().is_terminal().then(|| Watch::begin(bar.clone()));
        Self { bar, watch }
    }

    /// The work has come so far.
    pub(crate) fn update(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Watch {
    fn begin(bar: ProgressBar) -> Self {
        let (over, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            if told.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        Self { over, thread }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(Watch { over, thread }) = self.watch.take() {
            drop(over);
            // it has shown the bar, or never will
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
