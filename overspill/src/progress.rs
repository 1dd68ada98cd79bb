//! A bar on standard error for work that takes longer than a second.
//!
//! None is shown where standard error is no terminal, so logs stay clean.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work is done before anybody wonders.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the work is.
#[derive(Debug)]
pub(crate) struct Progress {
    start: Instant,
    total: u64,
    template: &'static str,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work of `total` units, shown as `template` (indicatif's) says.
    pub(crate) fn new(total: u64, template: &'static str) -> Self {
        Self { start: Instant::now(), total, template, bar: None }
    }

    /// The work has come so far.
    pub(crate) fn update(&mut self, done: u64) {
        if self.bar.is_none() && self.start.elapsed() >= PATIENCE {
            let style = ProgressStyle::with_template(self.template).expect("our templates are right");
            let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
            self.bar = Some(bar.with_style(style.progress_chars("=> ")).with_elapsed(self.start.elapsed()));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
