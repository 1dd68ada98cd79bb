//! The signals that the daemon obeys.
//!
//! SIGHUP is waited for from the very start: what ends a process by default
//! must not end an agent that is asked to read its file a moment too soon (and
//! systemd would take that for a wanted end). Those that end it do so by
//! themselves until there is something to withdraw.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP alone, before the file is read.
#[derive(Debug)]
pub(super) struct Hangup(Signal);

/// All of them.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Hangup {
    pub(super) fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the others, too, from now on.
    pub(super) fn and_ends(self) -> io::Result<Signals> {
        Ok(Signals {
            hangup: self.0,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

/// What somebody wants of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Its end; once is enough.
    End,
    /// Its file read.
    Reload,
}

impl Signals {
    /// The next wish; giving up waiting loses none.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::End,
            _ = self.interrupt.recv() => Wish::End,
            _ = self.hangup.recv() => Wish::Reload,
        }
    }
}
