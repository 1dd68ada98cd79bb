//! What checking costs: many backends, checked as a node checks them, and the CPU time that it takes.
//!
//! ```text
//!  health machines (lb_core) --start--> executor --packets--> 127.x.y.z, one address a backend
//!         ^------------------report--------'                  (a process of its own)
//! ```
//!
//! Without arguments it is a small program that ends in a few seconds. The figures in the
//! README are of `cargo run --release --example probe_load -- tcp --checks 10000 --interval 5`.

mod measure;
mod server;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use lb_agent::probe::{Executor, PreparedCheck, Preparer, Settings, Target};
use lb_core::health::{BackendHealth, Check, CheckFile, HealthFile, ProbeId, Transmit};
use lb_core::{Time, Weight};

use measure::Measure;
use server::{Ports, Server};

/// Checks many backends on loopback and says what it cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// What is asked: tcp (connect only), tcp-talk, http or https.
    #[arg(default_value = "tcp")]
    kind: String,
    /// How many backends.
    #[arg(long, default_value_t = 500)]
    checks: u32,
    /// Seconds from check to check of one backend.
    #[arg(long, default_value_t = 1)]
    interval: u64,
    /// Seconds that are measured, after one interval to warm up.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Per cent of the backends that never answer.
    #[arg(long, default_value_t = 0)]
    hung: u32,
    /// Serves instead of checking; for the process that this one starts.
    #[arg(long, hide = true)]
    serve: bool,
}

/// The backends' machines, and when each wants to be woken.
struct Fleet {
    began: Instant,
    machines: Vec<BackendHealth>,
    wakes: BinaryHeap<Reverse<(Time, usize)>>,
    check: Arc<PreparedCheck>,
    ports: Ports,
    /// Backends below this never answer.
    hung: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if arguments.serve {
        return runtime.block_on(server::serve(&arguments.kind));
    }
    runtime.block_on(load(&arguments))
}

async fn load(arguments: &Arguments) -> anyhow::Result<()> {
    let server = Server::start(&arguments.kind)?;
    let mut executor: Executor<(usize, ProbeId)> =
        Executor::new(tokio::runtime::Handle::current(), &Settings::default());
    let memory = measure::memory();
    let mut fleet = Fleet::new(arguments, server.ports())?;
    let interval = Duration::from_secs(arguments.interval);
    let (warm, end) = (interval, interval + Duration::from_secs(arguments.seconds));
    let mut measure = Measure::new(memory);
    while fleet.began.elapsed() < end {
        if !measure.is_warm() && fleet.began.elapsed() >= warm {
            measure.begin();
        }
        fleet.start_due(&mut executor, &mut measure);
        let next = fleet.wakes.peek().map_or(fleet.began + end, |Reverse((time, _))| fleet.instant(*time));
        tokio::select! {
            finished = executor.finished() => {
                let (backend, probe) = finished.key;
                measure.finished(&finished.report);
                let now = fleet.now();
                fleet.machines[backend].handle_result(now, probe, finished.report.outcome());
                fleet.drain(backend, &mut executor, &mut measure);
            }
            () = tokio::time::sleep_until(next.min(fleet.began + end).into()) => {}
        }
    }
    let in_service = fleet.machines.iter().filter(|machine| machine.in_service()).count();
    println!(
        "{} backends, {in_service} in service; every {interval:?}, {}",
        arguments.checks, arguments.kind
    );
    println!("{}", measure.end());
    let wanted = arguments.checks as usize - fleet.hung;
    anyhow::ensure!(in_service == wanted, "{wanted} backends answer, so many should be in service");
    Ok(())
}

impl Fleet {
    fn new(arguments: &Arguments, ports: Ports) -> anyhow::Result<Self> {
        let check = match arguments.kind.as_str() {
            "tcp" => r#"{"kind": "tcp"}"#,
            "tcp-talk" => r#"{"kind": "tcp", "send": "ping", "receive": "ping"}"#,
            "http" => r#"{"kind": "http", "receive": "ok"}"#,
            "https" => r#"{"kind": "https", "receive": "ok", "tlsVerify": false}"#,
            other => anyhow::bail!("`{other}` is not measured; write tcp, tcp-talk, http or https"),
        };
        let check: CheckFile = serde_json::from_str(check)?;
        let check = Preparer::new().prepare(&Check::try_from(check)?)?;
        let interval = Duration::from_secs(arguments.interval);
        let health = HealthFile {
            interval: Some(interval.into()),
            timeout: Some((interval * 9 / 10).into()),
            ..HealthFile::default()
        };
        let policy = health.backend_policy()?;
        let machines: Vec<_> = (0..arguments.checks)
            .map(|backend| BackendHealth::new(Time::ZERO, policy, Weight(1), backend.into()))
            .collect();
        let wake =
            |(backend, machine): (usize, &BackendHealth)| Some(Reverse((machine.poll_timeout()?, backend)));
        let wakes = machines.iter().enumerate().filter_map(wake).collect();
        let hung = (arguments.checks * arguments.hung / 100) as usize;
        Ok(Self { began: Instant::now(), machines, wakes, check, ports, hung })
    }

    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }

    fn instant(&self, time: Time) -> Instant {
        self.began + time.saturating_since(Time::ZERO)
    }

    fn start_due(&mut self, executor: &mut Executor<(usize, ProbeId)>, measure: &mut Measure) {
        let now = self.now();
        while self.wakes.peek().is_some_and(|Reverse((time, _))| *time <= now) {
            let Some(Reverse((time, backend))) = self.wakes.pop() else { return };
            // Of a wake that has moved the old one is in the heap still.
            if self.machines[backend].poll_timeout() != Some(time) {
                continue;
            }
            self.machines[backend].handle_timeout(now);
            self.drain(backend, executor, measure);
        }
    }

    fn drain(&mut self, backend: usize, executor: &mut Executor<(usize, ProbeId)>, measure: &mut Measure) {
        let target = self.target(backend);
        let machine = &mut self.machines[backend];
        while let Some(transmit) = machine.poll_transmit() {
            match transmit {
                Transmit::Cancel(probe) => executor.cancel(&(backend, probe)),
                Transmit::Start(probe) => {
                    let limit = probe.deadline.saturating_since(Time::ZERO + self.began.elapsed());
                    executor.start((backend, probe.id), &self.check, target, limit);
                    measure.started(executor.running());
                }
            }
        }
        while machine.poll_event().is_some() {}
        if let Some(time) = machine.poll_timeout() {
            self.wakes.push(Reverse((time, backend)));
        }
    }

    /// One address of 127.0.0.0/8 for each backend; the hung ones on the port that is deaf.
    fn target(&self, backend: usize) -> Target {
        let [_, high, middle, low] = u32::try_from(backend).expect("fewer than 2^32 backends").to_be_bytes();
        let port = if backend < self.hung { self.ports.deaf } else { self.ports.answers };
        Target::plain(SocketAddr::new(IpAddr::from([127, 1 + high, middle, low]), port))
    }
}
