//! The daemon itself at its greatest size: memory, and how soon its kernel holds everything.
//!
//! All backends are one listener on addresses of the namespace itself, so each
//! check is a real connection that succeeds. Nothing is known when it starts, so
//! backends come into service one by one, in the order of their first checks.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::content::{self, ADDRESSES, PORT, VIPS};
use super::meter::{grouped, seconds};
use super::programmer::Programmer;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::report::Report;

const PROGRAM: &str = "/bin/lb-agent";
const FILE: &str = "/tmp/figures.json";
const SOCKET: &str = "/run/figures.sock";
/// First checks are spread over so long.
const START_WITHIN: Duration = Duration::from_secs(60);
/// An agent that is not through by then does not get through: emulation is many times
/// slower, and each of 300,000 writes has the kernel fill a table.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often is looked.
const LOOK: Duration = Duration::from_secs(5);
/// An agent that takes less of a core is at rest.
const RESTS: f64 = 0.1;

/// Has an agent program so many services with so many backends, and reports a row.
pub(super) fn measure(
    namespace: &Namespace,
    services: usize,
    backends: usize,
    report: &Report,
) -> anyhow::Result<()> {
    namespace.ip(&format!("route add local {ADDRESSES} dev lo\n"))?;
    let listener = namespace.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))?;
    // ends with the guest; whoever connects is let go at once
    std::thread::spawn(move || listener.incoming().for_each(drop));
    fs::write(FILE, document(services, backends).to_string())?;
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--config", FILE]);
    let start = Instant::now();
    let mut process = Process::start(namespace, "agent", &mut command)?;
    let wanted = services * backends;
    namespace.run(|| wait(&mut process, wanted, report))?;
    let took = start.elapsed();
    let [resident, peak] = ["VmRSS:", "VmHWM:"].map(|field| memory(process.id(), field));
    let (resident, peak, cpu) = (resident?, peak?, cpu(process.id())?);
    let status = status(namespace, start)?;
    let writes = status["kernel"]["writes"].as_u64().context("a status counts its writes")?;
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    report.row(
        &format!("an agent with {} backends programs all", grouped(wanted)),
        &format!("after {}", seconds(took)),
        true,
    );
    report.figure(&[
        format!("memory of `lb-agent`, {} services x {backends}", grouped(services)),
        format!(
            "{:.0} MB ({:.0} at most), {:.1} kB a backend",
            megabytes(resident),
            megabytes(peak),
            resident as f64 / 1e3 / wanted as f64
        ),
        format!(
            "all checked and programmed after {}, {} writes, {:.0} s of CPU",
            seconds(took),
            grouped(usize::try_from(writes)?),
            cpu
        ),
    ]);
    Ok(())
}

/// What the agent says of itself: an emulated one that has just programmed all may not answer at once.
fn status(namespace: &Namespace, start: Instant) -> anyhow::Result<Value> {
    loop {
        match namespace.output(PROGRAM, &["status", "--json", "--socket", SOCKET], "") {
            Ok(status) => return Ok(serde_json::from_str(&status)?),
            Err(error) => ensure!(start.elapsed() < PATIENCE, error),
        }
    }
}

/// The node's file: services, one check for all, nobody to announce to.
fn document(services: usize, backends: usize) -> Value {
    let mut document = content::document(services, backends);
    document["ownedPrefixes"] = json!([VIPS]);
    document["health"] = json!({
        "check": { "kind": "tcp" },
        "interval": "1h",
        "fastInterval": "1m",
        "startWithin": format!("{}s", START_WITHIN.as_secs()),
        "timeout": "20s",
    });
    document["control"] = json!({ "socket": SOCKET });
    document["log"] = json!({ "level": "warn" });
    document
}

/// Waits until the kernel has so many destinations. It is looked at only when the agent rests: in
/// emulation a listing takes long, and would be measured too.
fn wait(process: &mut Process, wanted: usize, report: &Report) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut kernel = Programmer::open()?;
    let mut before = 0.0;
    loop {
        std::thread::sleep(LOOK);
        ensure!(process.is_alive(), "the agent ended: {}", process.last_words(8));
        ensure!(start.elapsed() < PATIENCE, "the agent is still at work; {}", process.last_words(8));
        let cpu = cpu(process.id())?;
        let is_at_work = cpu - before > RESTS * LOOK.as_secs_f64();
        before = cpu;
        if is_at_work {
            report.remark(&format!("the agent is at work, {cpu:.0} s of CPU until now"));
            continue;
        }
        kernel.list()?;
        let services = kernel.believed().services.values();
        let there: usize = services.map(|service| service.destinations.len()).sum();
        if there == wanted {
            return Ok(());
        }
        report.remark(&format!("the kernel has {there} of {wanted} destinations"));
    }
}

/// A size of a process by its name in `/proc/PID/status`, in bytes.
fn memory(process: u32, field: &str) -> anyhow::Result<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("a process has sizes")?;
    let kilobytes: usize = line.split_whitespace().next().context("a size is a number")?.parse()?;
    Ok(kilobytes * 1_024)
}

/// The time that a process has had, in seconds.
fn cpu(process: u32) -> anyhow::Result<f64> {
    // of its threads, each in nanoseconds
    let mut all = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split_whitespace().next().context("the kernel keeps such times")?;
        all += first.parse::<f64>()? / 1e9;
    }
    Ok(all)
}
