//! The daemon: one loop around the machine of the node.
//!
//! Whatever happens (a check is over, the kernel answered, somebody asked, the
//! file changed, a signal, time) is told to [`Node`], and what it then wants is
//! carried out. Everything that takes time runs beside the loop: checks and the
//! kernel on threads of their own, routers in a task. Nothing is decided here.

mod act;
mod air;
mod answer;
mod drains;
mod probes;
mod report;
mod traced;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use files::Fault;
use lb_core::Time;
use lb_core::config::NodeAddresses;
use lb_core::node::{Node, NodeConfig, ProbeKey};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Run;
use crate::control::Server;
use crate::file::{self, Loaded};
use crate::kernel::{Flows, KernelThread};
use crate::log::{self, Levels};
use crate::metrics::{Metrics, MetricsServer};
use crate::notify::Notifier;
use crate::privileges;
use crate::probe::{Executor, Settings};
use crate::status::Refusal;
use crate::traces::{self, Counts, spans};
use crate::watch::Watch;
use air::Air;
use probes::Probes;
use traced::Traced;

/// Counts that are this old are read anew for a scrape.
const FRESH: Duration = Duration::from_secs(1);

/// Why the daemon could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    /// The file.
    #[error("{}", .0.message)]
    Fault(Box<Fault>),
    /// Something of the system.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

impl DaemonError {
    fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::System { what, error }
    }
}

/// Runs until it is told to end.
///
/// # Errors
///
/// The file is wrong, or something of the system is missing.
pub(crate) fn run(arguments: &Run) -> Result<(), DaemonError> {
    let Loaded { config, mark } = file::load(&arguments.config);
    let config = config.map_err(|fault| DaemonError::Fault(Box::new(fault)))?;
    let (layer, exporter) =
        config.tracing.map(|collector| traces::layer(collector, &instance(&config))).unzip();
    let levels = log::start(config.log, layer);
    // before there are other threads, for each has its own
    match privileges::drop_others() {
        Ok(dropped) if dropped.is_empty() => {}
        Ok(dropped) => tracing::debug!(count = dropped.len(), "dropped capabilities"),
        Err(error) => tracing::warn!(%error, "capabilities cannot be dropped"),
    }
    for (capability, purpose) in privileges::missing() {
        tracing::warn!(%capability, purpose, "a capability is missing");
    }
    // outlives the loop: the last spans are those of its end
    let delivery = exporter.map(traces::Exporter::start).transpose();
    let delivery = delivery.map_err(DaemonError::system("a thread for traces"))?;
    let counts = delivery.as_ref().map(traces::Delivery::counts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DaemonError::system("an event queue"))?;
    runtime.block_on(async {
        let mut daemon = Daemon::start(arguments, config, mark, levels, counts)?;
        daemon.turn().await;
        daemon.end().await;
        Ok(())
    })
}

/// What tells this node's traces from others': its address, else its name.
fn instance(config: &NodeConfig) -> String {
    let NodeAddresses { v4, v6 } = config.lb.node;
    let address = v4.map(IpAddr::from).or_else(|| v6.map(IpAddr::from)).map(|address| address.to_string());
    address.unwrap_or_else(|| {
        // a node without either is one that nobody tells from others
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        name.trim_end().to_owned()
    })
}

/// Everything that the loop has in hand.
struct Daemon {
    start: Instant,
    node: Node,
    file: FileState,
    probes: Probes,
    executor: Executor<ProbeKey>,
    kernel: KernelThread,
    /// What went through the destinations at the last listing, and when that was.
    flows: Flows,
    listed: Option<Instant>,
    /// Scrapes that wait for a listing.
    scrapes: Vec<crate::metrics::Scrape>,
    /// What the kernel said to the last thing that failed.
    kernel_error: Option<String>,
    air: Air,
    control: Server,
    metrics: Metrics,
    metrics_server: Option<MetricsServer>,
    notifier: Notifier,
    levels: Levels,
    traced: Traced,
    watch: Watch,
    cleanup: bool,
    told_ready: bool,
    stopped: bool,
}

/// The file at work and the one that was refused.
struct FileState {
    path: PathBuf,
    /// Of the content that was read last, taken or not.
    mark: u64,
    since: Instant,
    refused: Option<(Fault, Instant)>,
}

/// The signals that the daemon obeys.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

/// What woke the loop.
enum Woken {
    Air(air::Told),
    Asked(crate::control::Asked),
    FileChanged,
    Kernel(crate::kernel::Done),
    Probe(crate::probe::Finished<ProbeKey>),
    Scrape(crate::metrics::Scrape),
    Terminate,
    Time,
    Watchdog,
}

impl Daemon {
    fn start(
        arguments: &Run,
        config: NodeConfig,
        mark: u64,
        levels: Levels,
        traces: Option<Counts>,
    ) -> Result<Self, DaemonError> {
        let start = Instant::now();
        let seed = RandomState::new().build_hasher().finish();
        let mut probes = Probes::default();
        probes.prepare(&config).map_err(|(path, message)| fault_of(&arguments.config, &path, message))?;
        let control_path = Path::new(&config.control.socket);
        let drained = drains::read(&drains::path(&config.control.socket))
            .map_err(DaemonError::system("what hands took out before"))?;
        let group = config.control.group.as_deref().map(group_number).transpose();
        let group = group.map_err(DaemonError::system("control.group"))?;
        let control = Server::listen(control_path, group)
            .map_err(DaemonError::system(format!("the control socket {}", control_path.display())))?;
        let metrics_server = config.metrics.map(MetricsServer::listen).transpose();
        let metrics_server = metrics_server.map_err(DaemonError::system("metrics.address"))?;
        let executor = Executor::on_own_thread(&Settings::default());
        let air = Air::start(&config, start, seed).map_err(|error| DaemonError::System {
            what: "routing".to_owned(),
            error: io::Error::other(error.to_string()),
        })?;
        tracing::info!(
            services = config.lb.services.len(),
            generation = config.lb.generation,
            control = %control_path.display(),
            metrics = metrics_server.as_ref().map(|server| server.address().to_string()),
            "started"
        );
        let mut node = Node::new(Time::ZERO, config, seed);
        for drain in drained {
            tracing::warn!(?drain, "still out by hand");
            node.handle_drain(Time::ZERO, drain, true);
        }
        Ok(Self {
            start,
            node,
            file: FileState { path: arguments.config.clone(), mark, since: start, refused: None },
            probes,
            executor: executor.map_err(DaemonError::system("a thread for checks"))?,
            kernel: KernelThread::start().map_err(DaemonError::system("a thread for the kernel"))?,
            flows: Flows::new(),
            listed: None,
            scrapes: Vec::new(),
            kernel_error: None,
            air,
            control,
            metrics: Metrics::new(traces),
            metrics_server,
            notifier: Notifier::from_environment(),
            levels,
            traced: Traced::default(),
            watch: Watch::new(&arguments.config),
            cleanup: arguments.cleanup,
            told_ready: false,
            stopped: false,
        })
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// Turns until the node has stopped.
    async fn turn(&mut self) {
        let Ok(mut signals) = Signals::new() else {
            return tracing::error!("signals cannot be waited for");
        };
        // with nobody to feed, it ticks into the void once in a long while
        let pace = self.notifier.pace().unwrap_or(Duration::from_secs(3_600));
        let mut watchdog = tokio::time::interval(pace);
        loop {
            self.carry_out();
            if self.stopped {
                return;
            }
            let due = self.node.poll_timeout().map(|due| self.start + (due - Time::ZERO));
            let woken = tokio::select! {
                biased;
                told = self.air.told() => Woken::Air(told),
                done = self.kernel.done() => Woken::Kernel(done),
                () = sleep_until(due) => Woken::Time,
                finished = self.executor.finished() => Woken::Probe(finished),
                _ = watchdog.tick() => Woken::Watchdog,
                _ = signals.terminate.recv() => Woken::Terminate,
                _ = signals.interrupt.recv() => Woken::Terminate,
                _ = signals.hangup.recv() => Woken::FileChanged,
                () = self.watch.changed() => Woken::FileChanged,
                asked = self.control.asked() => Woken::Asked(asked),
                scrape = scraped(&mut self.metrics_server) => Woken::Scrape(scrape),
            };
            if let (Woken::Time, Some(due)) = (&woken, due) {
                self.metrics.late(due.elapsed());
            }
            self.take(woken).await;
        }
    }

    /// Tells the node what happened.
    async fn take(&mut self, woken: Woken) {
        let now = self.now();
        match woken {
            Woken::Air(told) => self.heard(now, told),
            Woken::Asked(asked) => self.answer(now, asked).await,
            Woken::FileChanged => {
                // what came of it is in the log and in the status
                let _ = self.reload(now);
            }
            Woken::Kernel(done) => {
                let listed = matches!(done, crate::kernel::Done::Listed(_));
                self.kernel_did(now, done);
                if listed {
                    self.answer_scrapes(now).await;
                }
            }
            Woken::Probe(finished) => self.probe_ended(now, &finished),
            Woken::Scrape(scrape) => {
                self.scrapes.push(scrape);
                if self.is_stale() {
                    self.kernel.list();
                } else {
                    self.answer_scrapes(now).await;
                }
            }
            Woken::Terminate => {
                self.notifier.stopping();
                tracing::info!(cleanup = self.cleanup, "ending: withdraw, wait, stop");
                self.traced.ending(self.cleanup);
                self.node.handle_shutdown(now, self.cleanup);
            }
            Woken::Time => self.node.handle_timeout(now),
            Woken::Watchdog => self.notifier.alive(),
        }
    }

    /// Whether the counts of the kernel are too old for a scrape.
    fn is_stale(&self) -> bool {
        self.listed.is_none_or(|listed| listed.elapsed() > FRESH)
    }

    /// Answers the scrapes that wait, all with one text.
    async fn answer_scrapes(&mut self, now: Time) {
        if self.scrapes.is_empty() {
            return;
        }
        let status = self.status(now).await;
        let text = self.metrics.text(status).unwrap_or_default();
        for scrape in self.scrapes.drain(..) {
            // whoever asked may have gone
            let _ = scrape.send(text.clone());
        }
    }

    /// Reads the file, and puts it to work if it is right; says what came of it.
    fn reload(&mut self, now: Time) -> Result<String, String> {
        let Loaded { config, mark } = file::load(&self.file.path);
        if mark == self.file.mark {
            return Ok("the file is as it was".to_owned());
        }
        self.file.mark = mark;
        let span = spans::reload();
        let result = span.in_scope(|| self.take_file(now, config));
        match &result {
            Ok(_) => spans::generation(&span, self.node.config().lb.generation),
            Err(why) => spans::failed(&span, "config", why),
        }
        result
    }

    /// Puts what the file says now to work, if it is right.
    fn take_file(&mut self, now: Time, config: Result<NodeConfig, Fault>) -> Result<String, String> {
        let prepared = config.and_then(|config| match self.probes.prepare(&config) {
            Ok(()) => Ok(config),
            Err((path, message)) => Err(place(&self.file.path, &path, message)),
        });
        match prepared {
            Err(fault) => {
                let (line, field) = (fault.line, fault.field.clone().unwrap_or_default());
                tracing::error!(line, field, "the file is refused: {}", fault.message);
                let said = format!("refused: {}", words(&fault));
                self.file.refused = Some((fault, Instant::now()));
                self.metrics.reload(false);
                Err(said)
            }
            Ok(config) => {
                self.file.refused = None;
                self.file.since = Instant::now();
                self.metrics.reload(true);
                self.levels.set(config.log);
                self.remark_on_fixed(&config);
                self.air.configure(&config);
                let generation = config.lb.generation;
                let services = config.lb.services.iter().map(|service| service.address.to_string()).collect();
                self.metrics.retain(&services);
                self.node.handle_config(now, config);
                Ok(format!("generation {generation} is at work"))
            }
        }
    }

    /// What is fixed at the start is said, not changed.
    fn remark_on_fixed(&self, config: &NodeConfig) {
        let at_work = self.node.config();
        for (field, same) in [
            ("metrics", config.metrics == at_work.metrics),
            ("control", config.control == at_work.control),
            ("tracing", config.tracing == at_work.tracing),
            ("log.format", config.log.format == at_work.log.format),
        ] {
            if !same {
                tracing::warn!(field, "this takes a restart");
            }
        }
    }

    /// The last words, when the node has stopped.
    async fn end(self) {
        self.air.end().await;
        tracing::info!("ended");
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn scraped(server: &mut Option<MetricsServer>) -> crate::metrics::Scrape {
    match server {
        Some(server) => server.scrape().await,
        None => std::future::pending().await,
    }
}

/// A fault of a field that was found after the file was read: placed by reading it again.
fn place(file: &Path, field: &str, message: String) -> Fault {
    match files::Source::read(file) {
        Ok(source) => source.fault(field, message),
        Err(_) => {
            Fault { field: Some(field.to_owned()), ..Fault::whole(file.display().to_string(), message) }
        }
    }
}

fn fault_of(file: &Path, field: &str, message: String) -> DaemonError {
    DaemonError::Fault(Box::new(place(file, field, message)))
}

/// A fault in one line.
fn words(fault: &Fault) -> String {
    let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let field = fault.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
    format!("{line}{field}{}", fault.message)
}

/// The number of a group by its name or number, from the system's file of groups.
fn group_number(name: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group")?;
    let number = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    number.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no group `{name}` in /etc/group"))
    })
}

impl FileState {
    fn refusal(&self) -> Option<Refusal> {
        self.refused.as_ref().map(|(fault, since)| Refusal::new(fault, since.elapsed().as_secs_f64()))
    }
}
