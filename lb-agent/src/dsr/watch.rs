//! `--watch`: VIPs come and go as a file changes, until SIGTERM or SIGINT.
//!
//! The file is looked at every second, and counts when two looks find the same
//! in it: one that is just being written, or that an editor is putting in
//! another's place, is neither obeyed nor complained of. What is there in the
//! kernel is looked at every half minute or after a failure, so that what
//! somebody removed comes back. A bad file is told once and changes nothing. The decisions are [`Watcher`]'s;
//! the loop reads, waits and acts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use files::Fault;
use lb_core::Time;
use lb_netlink::network::blocking::Network;
use tokio::signal::unix::{SignalKind, signal};

use super::shape::Wanted;
use super::{Direction, Stop, carry_out, one_line, vips};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the kernel is looked at when nothing changed.
const REPAIR: Duration = Duration::from_secs(30);
/// How soon it is tried again after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// What is to be done after a look at the file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Make it so that these VIPs, and of ours no others, are there.
    Apply(BTreeSet<IpAddr>),
    /// Tell of a file that is refused.
    Refuse(Fault),
    /// Wait.
    Wait,
}

/// What was seen of the file and done about it.
#[derive(Debug)]
struct Watcher {
    vips: BTreeSet<IpAddr>,
    /// What the last look found.
    found: Result<BTreeSet<IpAddr>, Fault>,
    /// The fault that was told last.
    told: Option<Fault>,
    /// When the kernel is looked at next.
    due: Time,
}

impl Watcher {
    fn new(vips: BTreeSet<IpAddr>, now: Time) -> Self {
        Self { found: Ok(vips.clone()), vips, told: None, due: now }
    }

    /// Takes what the file says now.
    fn handle_file(&mut self, now: Time, read: Result<BTreeSet<IpAddr>, Fault>) -> Step {
        let is_settled = read == self.found;
        self.found.clone_from(&read);
        match read {
            _ if !is_settled => {}
            Err(fault) if self.told.as_ref() != Some(&fault) => {
                self.told = Some(fault.clone());
                return Step::Refuse(fault);
            }
            Err(_) => {}
            Ok(vips) => {
                self.told = None;
                if vips != self.vips {
                    self.vips = vips;
                    self.due = now;
                }
            }
        }
        if now < self.due { Step::Wait } else { Step::Apply(self.vips.clone()) }
    }

    /// Takes how applying went.
    fn handle_applied(&mut self, now: Time, succeeded: bool) {
        self.due = now + if succeeded { REPAIR } else { RETRY };
    }
}

/// Watches the file until a signal; then, with `undo`, takes all back.
pub(crate) fn run(network: &mut Network, file: &Path, wanted: Wanted, undo: bool) -> Result<(), Stop> {
    // a file that is bad from the start is a mistake of whoever starts this
    let first = vips::read(file).map_err(Stop::File)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Stop::Signal)?;
    let last = runtime.block_on(follow(network, file, &wanted, first))?;
    if undo {
        // by name, for kernels that keep no mark on addresses
        let mut all = wanted;
        vips::extend(&mut all, &last);
        carry_out(network, &all, Direction::Undo)?;
    }
    Ok(())
}

/// Follows the file until a signal; gives the VIPs of then.
async fn follow(
    network: &mut Network,
    file: &Path,
    wanted: &Wanted,
    first: BTreeSet<IpAddr>,
) -> Result<BTreeSet<IpAddr>, Stop> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Stop::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Stop::Signal)?;
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let started = tokio::time::Instant::now();
    let mut watcher = Watcher::new(first, Time::ZERO);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(watcher.vips),
            _ = interrupt.recv() => return Ok(watcher.vips),
            _ = ticks.tick() => {}
        }
        let now = Time::ZERO + started.elapsed();
        match watcher.handle_file(now, vips::read(file)) {
            Step::Wait => {}
            Step::Refuse(fault) => {
                eprintln!("lb-agent: error: {}; the VIPs of before stay", one_line(&fault));
            }
            Step::Apply(vips) => {
                let mut all = wanted.clone();
                vips::extend(&mut all, &vips);
                let applied = carry_out(network, &all, Direction::Do);
                if let Err(error) = &applied {
                    eprintln!("lb-agent: error: {error}; it is tried again in {} s", RETRY.as_secs());
                }
                watcher.handle_applied(now, applied.is_ok());
            }
        }
    }
}

#[cfg(test)]
mod tests;
