//! Programs that run beside us, and end with us.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::namespace::Namespace;

/// A running program; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: String,
}

impl Process {
    /// Starts a program in a namespace, its words into a file of `/tmp`.
    pub(crate) fn start(namespace: &Namespace, name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let log = format!("/tmp/{}-{name}.log", namespace.name());
        let file = File::options().create(true).append(true).open(&log).with_context(|| log.clone())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        Ok(Self { child: namespace.spawn(command)?, log })
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).with_context(|| format!("{signal:?} to {}", self.log))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Asks it to end, and waits; the time that it took, or `None` if it had to be killed.
    pub(crate) fn terminate(mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        let start = Instant::now();
        self.signal(Signal::TERM)?;
        while start.elapsed() < patience {
            if self.child.try_wait()?.is_some() {
                return Ok(Some(start.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The last lines of what it said.
    pub(crate) fn last_words(&self, count: usize) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    fn end(&mut self) {
        // it may have ended by itself; either way it is waited for
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
