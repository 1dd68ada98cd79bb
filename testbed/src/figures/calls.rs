//! System calls of another program, counted by the kernel.
//!
//! A histogram of the tracepoint at which every system call enters, of those
//! of one command's name. It slows what it counts, so nothing is timed meanwhile.
//!
//! Source: `Documentation/trace/histogram.rst` of Linux 6.1.

use std::fs;

use anyhow::Context as _;
use rustix::mount::MountFlags;

const TRACING: &str = "/sys/kernel/tracing";
const EVENT: &str = "/sys/kernel/tracing/events/raw_syscalls/sys_enter";
/// `sendmsg`, `sendto` and `recvmsg`, `recvfrom` on x86-64.
const SENDS: [u32; 2] = [46, 44];
const RECEIVES: [u32; 2] = [47, 45];

/// What a program asked of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) all: usize,
    pub(super) sends: usize,
    pub(super) receives: usize,
}

/// Counts the calls of all programs of this name while `act` runs.
pub(super) fn count<T>(name: &str, act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Calls, T)> {
    if !fs::exists(EVENT)? {
        rustix::mount::mount("tracefs", TRACING, "tracefs", MountFlags::empty(), None)
            .context("mounting tracefs")?;
    }
    let trigger = format!("hist:keys=id:size=1024 if comm == \"{name}\"");
    let tell = |text: String| fs::write(format!("{EVENT}/trigger"), text).context("a trigger of histograms");
    tell(trigger.clone())?;
    let result = act();
    let histogram = fs::read_to_string(format!("{EVENT}/hist"));
    tell(format!("!{trigger}"))?;
    Ok((parse(&histogram?), result?))
}

/// Lines are `{ id:         46 } hitcount:        101`.
fn parse(histogram: &str) -> Calls {
    let mut calls = Calls::default();
    for line in histogram.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["{", "id:", id, "}", "hitcount:", count] = words[..] else { continue };
        let (Ok(id), Ok(count)) = (id.parse::<u32>(), count.parse::<usize>()) else { continue };
        calls.all += count;
        calls.sends += if SENDS.contains(&id) { count } else { 0 };
        calls.receives += if RECEIVES.contains(&id) { count } else { 0 };
    }
    calls
}

#[cfg(test)]
mod tests;
