//! The guest of the kernel test-bed: its first process, its network, its traffic, its judge.
//!
//! The host's side is `cargo xtask testbed`; its words come as arguments. Rows go
//! to the second serial line, everything else to the console.
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "the host reads the rest of it")]
mod catalogue;
mod expected;
mod figures;
mod foreign;
mod ipvs;
mod lag;
mod namespace;
mod node;
mod process;
mod report;
mod router;
mod scenarios;
mod services;
mod system;
mod topology;
mod traffic;
mod words;
mod world;

use std::process::Command;

use report::Report;
use topology::Topology;
use words::Words;
use world::World;

/// The serial line that the kernel does not write to.
const EVENTS: &str = "/dev/ttyS1";

fn main() {
    if std::process::id() != 1 {
        eprintln!("this is the first process of a guest: run `cargo xtask testbed`");
        std::process::exit(2);
    }
    if let Err(error) = begin() {
        eprintln!("testbed: {error:#}");
    }
    system::end();
}

fn begin() -> anyhow::Result<()> {
    system::begin()?;
    let report = Report::open(EVENTS)?;
    let words = Words::read(std::env::args().skip(1));
    report.ready(system::uptime());
    let outcome = run(&report, &words);
    if let Err(error) = &outcome {
        report.row("the test-bed runs", &format!("{error:#}"), false);
    }
    report.end();
    outcome
}

fn run(report: &Report, words: &Words) -> anyhow::Result<()> {
    if words.is_figures {
        return figures::run(report);
    }
    let topology = Topology::build()?;
    let mut world = World::start(&topology, report)?;
    report.remark(&format!("machines, router and nodes are ready at {:.1} s", system::uptime()));
    if words.is_shell {
        return shell();
    }
    scenarios::run(&mut world, words);
    if words.is_kept { shell() } else { Ok(()) }
}

/// A shell on the console, until its person leaves it.
fn shell() -> anyhow::Result<()> {
    println!(
        "namespaces: /run/netns; `ip netns exec node1 sh`; ipvsadm, birdc -s /run/router.ctl; logs in /tmp"
    );
    let mut shell = Command::new("/bin/busybox");
    shell.args(["setsid", "-c", "/bin/busybox", "ash", "-i"]).env("PATH", "/bin").env("ENV", "/etc/shell");
    std::fs::write("/etc/shell", "alias ip=/bin/ip\n/bin/busybox --install -s /bin 2>/dev/null\n")?;
    shell.status()?;
    Ok(())
}
