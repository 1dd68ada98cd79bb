//! Figures of a node's work in a real kernel, beside what people use now.
//!
//! Not scenarios: nothing of the network is set up, and what is judged is only
//! that the kernel holds in the end what it should. Each figure is one row of
//! the README, made of what [`Cost`] counts: time, netlink messages, datagrams,
//! system calls. Everything runs in the same emulated guest, ours and
//! `ipvsadm`'s, so ratios and counts mean something and times alone do not.

mod agent;
mod calls;
mod content;
mod meter;
mod order;
mod programmer;
mod theirs;

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use lb_core::ipvs::Desired;

use crate::namespace::Namespace;
use crate::report::Report;
use content::{BACKENDS, Content, SERVICES};
use meter::{Cost, grouped, seconds};
use programmer::{Programmer, Work};
use theirs::Ipvsadm;

/// A rewrite is watched for so long; all of it would take most of an hour.
const REWRITE: Duration = Duration::from_secs(20);

/// The namespace of an agent.
const AGENT: &str = "agent";

/// What our own work cost, to be put beside `ipvsadm`'s.
#[derive(Debug)]
struct Ours {
    filled: Work,
    listed: Cost,
    nothing: Work,
    added: Work,
    drained: Work,
    service: Work,
    rewritten: (usize, Cost),
}

/// Measures everything and reports a row for each figure.
pub(crate) fn run(report: &Report) -> anyhow::Result<()> {
    report.begin("agent");
    agent::measure(&empty(AGENT)?, SERVICES, BACKENDS, report)?;
    agent::measure(&empty(AGENT)?, 10 * SERVICES, BACKENDS / 10, report)?;
    // all namespaces share one lock of IPVS
    delete(AGENT)?;
    report.begin("order");
    let order = empty("order")?;
    order.run(|| order::measure(report))?;
    report.begin("reconcile");
    let (ours, theirs) = (empty("ours")?, empty("theirs")?);
    let content = Content::new()?;
    let dump = std::sync::Mutex::new(String::new());
    let by_us = ours.run(|| by_us(report, &content, &ours, &dump))?;
    let dump = dump.into_inner().expect("nobody panicked with it");
    by_them(report, &content, &theirs, &dump, &by_us)
}

/// A namespace with nothing in it, whatever was there by that name.
fn empty(name: &'static str) -> anyhow::Result<Namespace> {
    delete(name)?;
    ensure!(ip(&["netns", "add", name])?.success(), "a namespace for figures could not be made");
    let namespace = Namespace::open(name)?;
    // without any route the kernel takes no address for one that a destination may have
    namespace.ip("link set lo up\n")?;
    Ok(namespace)
}

/// There may be none.
fn delete(name: &str) -> anyhow::Result<()> {
    ip(&["netns", "delete", name]).map(drop)
}

fn ip(words: &[&str]) -> anyhow::Result<ExitStatus> {
    Ok(Command::new("/bin/ip").args(words).stderr(Stdio::null()).status()?)
}

/// All of our part, on a thread in its namespace.
fn by_us(
    report: &Report,
    content: &Content,
    namespace: &Namespace,
    dump: &std::sync::Mutex<String>,
) -> anyhow::Result<Ours> {
    let mut programmer = Programmer::open()?;
    programmer.list()?;
    let filled = programmer.reconcile(&content.all, report)?;
    judge(report, &mut programmer, &content.all, "1,000 services x 100 backends are there, in order")?;
    let listed = programmer.list()?;
    let nothing = programmer.reconcile(&content.all, report)?;
    *dump.lock().expect("nobody panicked with it") = Ipvsadm::new(namespace).saved(report)?.0;
    let added = programmer.change(&content.with_backend, report)?;
    let drained = programmer.change(&content.with_drained, report)?;
    let service = programmer.change(&content.with_service, report)?;
    judge(report, &mut programmer, &content.changed, "after changes too")?;
    let rewritten = programmer.rewrite(&content.all, REWRITE, report)?;
    Ok(Ours { filled, listed, nothing, added, drained, service, rewritten })
}

/// The kernel read anew, against what it should hold.
fn judge(
    report: &Report,
    programmer: &mut Programmer,
    desired: &Desired,
    expected: &str,
) -> anyhow::Result<()> {
    programmer.list()?;
    let left = programmer.planned(desired).commands.len();
    report.row(expected, &format!("{left} writes left"), left == 0);
    Ok(())
}

/// The same by `ipvsadm`, and the rows.
fn by_them(
    report: &Report,
    content: &Content,
    namespace: &Namespace,
    dump: &str,
    ours: &Ours,
) -> anyhow::Result<()> {
    let ipvsadm = Ipvsadm::new(namespace);
    let restored = ipvsadm.restored(dump, report)?;
    let lines = dump.lines().count();
    report.row(
        "`ipvsadm -R` restores as much",
        &format!("{lines} lines"),
        lines == SERVICES * (BACKENDS + 1),
    );
    let (_, saved) = ipvsadm.saved(report)?;
    let added = ipvsadm.run(&content.words_add())?;
    let edited = ipvsadm.run(&content.words_drain())?;
    let service = ipvsadm.restored(&content.lines_service(), report)?;
    let row = |what: &str, work: &Work, name: &str, cost: &Cost| {
        report.figure(&[what.to_owned(), work.to_string(), cost.beside(name, &work.cost)]);
    };
    row("1,000 services x 100 backends into an empty kernel", &ours.filled, "`ipvsadm -R`", &restored);
    report.figure(&[
        "reading them".to_owned(),
        ours.listed.to_string(),
        saved.beside("`ipvsadm -S -n`", &ours.listed),
    ]);
    report.figure(&[
        "planning all of them when nothing is to do".to_owned(),
        seconds(ours.nothing.planning),
        String::new(),
    ]);
    row("one backend more in one of them", &ours.added, "`ipvsadm -a`", &added);
    row("one backend drained", &ours.drained, "`ipvsadm -e`", &edited);
    row("one service of 100 backends more", &ours.service, "`ipvsadm -R`", &service);
    let (done, cost) = &ours.rewritten;
    let each = |time: Duration, count: usize| time.as_secs_f64() * 1e3 / count as f64;
    let first = each(ours.filled.cost.time, ours.filled.cost.requests);
    report.figure(&[
        "the whole table flushed and written anew".to_owned(),
        format!(
            "{} of them in {}, {:.2} ms each",
            grouped(*done),
            seconds(cost.time),
            each(cost.time, *done)
        ),
        format!("into the empty kernel {first:.2} ms each ({:.1} x)", each(cost.time, *done) / first),
    ]);
    Ok(())
}

/// Runs something and says how long that took.
fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = act();
    (start.elapsed(), result)
}
