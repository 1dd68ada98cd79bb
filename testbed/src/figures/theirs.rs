//! The same by `ipvsadm`, which people use now: one process, one message a line.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::calls::{self, Calls};
use super::meter::Cost;
use super::{empty, timed};
use crate::namespace::Namespace;
use crate::report::Report;

const PROGRAM: &str = "/bin/ipvsadm";
/// How many services' lines are counted system call by system call; the others are alike.
const COUNTED: usize = 2;
/// The namespace in which they are counted: nothing else is in it.
const COUNTING: &str = "counting";

/// `ipvsadm` in a namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ipvsadm<'a> {
    namespace: &'a Namespace,
}

impl<'a> Ipvsadm<'a> {
    pub(super) const fn new(namespace: &'a Namespace) -> Self {
        Self { namespace }
    }

    /// `ipvsadm -S -n`: what it prints, and what that cost.
    pub(super) fn saved(&self, report: &Report) -> anyhow::Result<(String, Cost)> {
        report.remark("ipvsadm -S -n");
        let (time, text) = timed(|| self.namespace.output(PROGRAM, &["-S", "-n"], ""));
        let (calls, _) = calls::count("ipvsadm", || self.namespace.output(PROGRAM, &["-S", "-n"], ""))?;
        Ok((text?, cost(time, calls)))
    }

    /// `ipvsadm -R` of these lines.
    pub(super) fn restored(&self, lines: &str, report: &Report) -> anyhow::Result<Cost> {
        report.remark("ipvsadm -R");
        let (time, result) = timed(|| restore(self.namespace, lines, report));
        result?;
        Ok(cost(time, Self::counted(lines, report)?))
    }

    /// The system calls of a restoration: counted for the first services, and reckoned for the rest.
    fn counted(lines: &str, report: &Report) -> anyhow::Result<Calls> {
        let services = lines.lines().filter(|line| line.starts_with("-A")).count();
        let [one, two] = [1, COUNTED].map(|wanted| {
            let namespace = empty(COUNTING)?;
            calls::count("ipvsadm", || restore(&namespace, &first(lines, wanted), report))
        });
        let (one, two) = (one?.0, two?.0);
        let all = |one: usize, two: usize| one + (two - one) * (services - 1);
        Ok(Calls {
            all: all(one.all, two.all),
            sends: all(one.sends, two.sends),
            receives: all(one.receives, two.receives),
        })
    }

    /// One command, process and all.
    pub(super) fn run(&self, words: &str) -> anyhow::Result<Cost> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let (calls, (time, output)) =
            calls::count("ipvsadm", || Ok(timed(|| self.namespace.output(PROGRAM, &words, ""))))?;
        output?;
        Ok(cost(time, calls))
    }
}

/// The lines of the first `wanted` services.
fn first(lines: &str, wanted: usize) -> String {
    let mut services = 0;
    let within = lines.lines().take_while(|line| {
        services += usize::from(line.starts_with("-A"));
        services <= wanted
    });
    within.flat_map(|line| [line, "\n"]).collect()
}

fn restore(namespace: &Namespace, lines: &str, report: &Report) -> anyhow::Result<()> {
    let mut command = Command::new(PROGRAM);
    command.arg("-R").stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = namespace.spawn(&mut command)?;
    let mut input = child.stdin.take().context("is piped")?;
    std::thread::scope(|scope| {
        // it reads as it goes, so the lines are written beside the waiting
        let written = scope.spawn(move || input.write_all(lines.as_bytes()));
        wait(&mut child, report)?;
        written.join().expect("does not panic").context("ipvsadm took not all lines")
    })
}

fn wait(child: &mut Child, report: &Report) -> anyhow::Result<()> {
    let mut told = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "ipvsadm -R: {status}");
            return Ok(());
        }
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            report.remark("ipvsadm -R is at work");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A message of `ipvsadm`'s is a datagram.
const fn cost(time: Duration, calls: Calls) -> Cost {
    Cost { time, requests: calls.sends, sent: calls.sends, received: calls.receives, calls: calls.all }
}

#[cfg(test)]
mod tests;
