//! A node at its greatest size, from an empty kernel until all is programmed, as rows of the README:
//! `cargo run --release -p benches --example startup`.
//!
//! The node's whole machine, [`Node`], and a host of its wishes' making: checks
//! succeed after a millisecond, a write takes the kernel 60 us, time is an
//! argument. So what is counted (writes) is exact, and CPU time is the
//! machine's alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::time::{Duration, Instant};

use lb_core::Time;
use lb_core::health::{Outcome, ProbeId};
use lb_core::node::{Action, Node, NodeConfig, ProbeKey, Snapshot};

/// What a check takes.
const CHECK: Duration = Duration::from_millis(1);
/// What a write takes the kernel: an addition to a table of a hundred.
const WRITE: Duration = Duration::from_micros(60);
/// First checks are spread over so long.
const START_WITHIN_S: u64 = 60;
/// Steady work is watched for so long after that.
const STEADY: Duration = Duration::from_secs(60);

/// A node that does not hold everything by then never will.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the host has yet to tell.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum News {
    Checked(ProbeKey, ProbeId),
    Written(usize),
}

struct Host {
    node: Node,
    kernel: Snapshot,
    now: Time,
    news: BinaryHeap<Reverse<(Time, News)>>,
    writes: usize,
    checks: usize,
}

fn main() {
    println!("| what | measured | |");
    println!("|---|--:|---|");
    for (services, backends) in [(1_000, 100), (10_000, 10)] {
        measure(services, backends);
    }
}

fn measure(services: u32, backends: u32) {
    let all = (services * backends) as usize;
    let before = resident();
    let config = config(services, backends);
    let configured = resident();
    let start = Instant::now();
    let mut host = Host::new(config);
    host.run(Duration::from_secs(START_WITHIN_S + 5));
    while host.held() < all {
        host.run(Duration::from_secs(1));
        assert!(host.now - Time::ZERO < PATIENCE, "{} of {all} destinations are there", host.held());
    }
    let (started, took) = (start.elapsed(), host.now - Time::ZERO);
    let (writes, held) = (host.writes, resident());
    let (start, checks) = (Instant::now(), host.checks);
    host.run(STEADY);
    let steady = start.elapsed().as_secs_f64() / STEADY.as_secs_f64();
    let checks = (host.checks - checks) as f64 / STEADY.as_secs_f64();
    let what = format!("{services} services x {backends}");
    println!(
        "| {what}, from an empty kernel, backends in the order of their checks | {writes} writes, {:.2} a backend | all \
         held after {:.1} s; {:.1} s of CPU |",
        writes as f64 / all as f64,
        took.as_secs_f64(),
        started.as_secs_f64(),
    );
    println!(
        "| {what}, nothing happens but {checks:.0} checks a second | {:.1} % of a core | {} writes |",
        steady * 100.0,
        host.writes - writes,
    );
    println!(
        "| {what}, memory of the machine and of what it believes | {:.0} B a backend | the configuration alone {:.0} |",
        (held - before) as f64 / all as f64,
        (configured - before) as f64 / all as f64,
    );
}

impl Host {
    fn new(config: NodeConfig) -> Self {
        let node = Node::new(Time::ZERO, config, 1);
        let (kernel, now, news) = (Snapshot::default(), Time::ZERO, BinaryHeap::new());
        Self { node, kernel, now, news, writes: 0, checks: 0 }
    }

    /// Destinations that the kernel has.
    fn held(&self) -> usize {
        self.kernel.ipvs.services.values().map(|service| service.destinations.len()).sum()
    }

    /// Does what the node asks for, for so long.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.obey();
            let told = self.news.peek().map(|Reverse((time, _))| *time);
            let next = self.node.poll_timeout().into_iter().chain(told).min().unwrap_or(end);
            self.now = self.now.max(next.min(end));
            if next > end {
                return;
            }
            match self.news.peek() {
                Some(Reverse((time, _))) if *time <= self.now => {
                    let Some(Reverse((_, news))) = self.news.pop() else { continue };
                    match news {
                        News::Checked(key, id) => {
                            self.node.handle_probe_result(self.now, key, id, Outcome::Success);
                        }
                        News::Written(count) => self.node.handle_written(self.now, count),
                    }
                }
                Some(_) | None => self.node.handle_timeout(self.now),
            }
        }
    }

    fn obey(&mut self) {
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Read => self.node.handle_snapshot(self.now, self.kernel.clone()),
                Action::StartProbe(order) => {
                    self.checks += 1;
                    self.news.push(Reverse((self.now + CHECK, News::Checked(order.key, order.probe.id))));
                }
                Action::Write(writes) => {
                    writes.iter().for_each(|write| self.kernel.apply(write));
                    self.writes += writes.len();
                    let time = self.now + WRITE * u32::try_from(writes.len()).expect("fits");
                    self.news.push(Reverse((time, News::Written(writes.len()))));
                }
                Action::Announce { .. }
                | Action::CancelProbe { .. }
                | Action::Stop
                | Action::Withdraw { .. } => {}
            }
        }
        while self.node.poll_event().is_some() {}
    }
}

fn config(services: u32, backends: u32) -> NodeConfig {
    let mut text = format!(
        "ownedPrefixes: [198.18.0.0/16]\n\
         health: {{ check: {{ kind: tcp }}, interval: 50s, jitter: 10%, startWithin: {START_WITHIN_S}s }}\nservices:\n"
    );
    for service in 0..services {
        let vip = service + 1;
        text += &format!(
            "- vip: 198.18.{}.{}\n  port: 443\n  protocol: tcp\n  \
             scheduler: {{ kind: ipvs-mh, port: true, fallback: true }}\n  backends:\n",
            vip >> 8,
            vip & 0xff,
        );
        for backend in 1..=backends {
            text += &format!("  - address: 10.{}.{}.{backend}\n", 64 + (service >> 8), service & 0xff);
        }
    }
    NodeConfig::try_from(benches::node::lb_file(&text)).expect("is right")
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.unwrap_or_default() * 1_024
}
