//! The start: what the daemon needs of the system, in the order in which it can be had.
//!
//! Privileges are dropped before there is a second thread, for each has its
//! own, and after the control socket is there: to give it to a group takes one
//! of those that are dropped. The look at the file comes before it is read, so
//! that no change falls between the two.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use lb_core::Time;
use lb_core::config::NodeAddresses;
use lb_core::node::{Node, NodeConfig};

use super::air::Air;
use super::digests::Digests;
use super::flows::FlowCounts;
use super::probes::Probes;
use super::reload::{FileState, fault_of};
use super::signals::Hangup;
use super::traced::Traced;
use super::waiting::Waiting;
use super::{Daemon, DaemonError, drains};
use crate::cli::Run;
use crate::control::Server;
use crate::file::{self, Loaded};
use crate::kernel::KernelThread;
use crate::log;
use crate::metrics::{Metrics, MetricsServer};
use crate::notify::Notifier;
use crate::privileges;
use crate::probe::{self, Executor, Settings};
use crate::status::LeftOut;
use crate::traces::{self, Delivery};
use crate::watch::Watch;

/// Everything up to the first turn of the loop; the delivery of traces is the caller's, to outlive it.
pub(super) fn start(arguments: &Run, delivery: &mut Option<Delivery>) -> Result<Daemon, DaemonError> {
    let start = Instant::now();
    let hangup = Hangup::new().map_err(DaemonError::system("signals"))?;
    let watch = Watch::new(&arguments.config);
    let Loaded { config, mark } = file::load(&arguments.config);
    let config = config.map_err(|fault| DaemonError::Fault(Box::new(fault)))?;
    let signals = hangup.and_ends().map_err(DaemonError::system("signals"))?;
    let (layer, exporter) =
        config.tracing.map(|collector| traces::layer(collector, &instance(&config))).unzip();
    let levels = log::start(config.log, layer);
    let control = control(&config)?;
    confine();
    *delivery = exporter
        .map(traces::Exporter::start)
        .transpose()
        .map_err(DaemonError::system("a thread for traces"))?;
    let mut probes = Probes::default();
    probes.prepare(&config).map_err(|(path, message)| fault_of(&arguments.config, &path, message))?;
    let drained = drains::read(&drains::path(&config.control.socket))
        .map_err(DaemonError::system("what hands took out before"))?;
    let metrics_server = config.metrics.map(MetricsServer::listen).transpose();
    let metrics_server = metrics_server.map_err(DaemonError::system("metrics.address"))?;
    let executor = Executor::on_own_thread(&Settings::default());
    let seed = RandomState::new().build_hasher().finish();
    let air = Air::start(&config, start, seed)
        .map_err(|error| DaemonError::system("routing")(io::Error::other(error.to_string())))?;
    tracing::info!(
        services = config.lb.services.len(),
        generation = config.lb.generation,
        control = config.control.socket,
        metrics = metrics_server.as_ref().map(|server| server.address().to_string()),
        "started"
    );
    Ok(Daemon {
        start,
        flows: FlowCounts::new(&config),
        node: node(config, seed, drained),
        digests: Digests::default(),
        file: FileState { path: arguments.config.clone(), mark, since: start, refused: None },
        probes,
        executor: executor.map_err(DaemonError::system("a thread for checks"))?,
        kernel: KernelThread::start().map_err(DaemonError::system("a thread for the kernel"))?,
        listed: None,
        sessions: Vec::new(),
        left_out: LeftOut::default(),
        waiting: Waiting::default(),
        kernel_error: None,
        air,
        control,
        metrics: Metrics::new(delivery.as_ref().map(Delivery::counts)),
        metrics_server,
        notifier: Notifier::from_environment(),
        signals,
        levels,
        traced: Traced::default(),
        watch,
        cleanup: arguments.cleanup,
        told_ready: false,
        stopped: false,
    })
}

/// The machine, and what hands took out before it began.
fn node(config: NodeConfig, seed: u64, drained: Vec<lb_core::node::Drain>) -> Node {
    let mut node = Node::new(Time::ZERO, config, seed);
    for drain in drained {
        tracing::warn!(?drain, "still out by hand");
        node.handle_drain(Time::ZERO, drain, true);
    }
    node
}

fn control(config: &NodeConfig) -> Result<Server, DaemonError> {
    let path = Path::new(&config.control.socket);
    let group = config.control.group.as_deref().map(group_number).transpose();
    let group = group.map_err(DaemonError::system("control.group"))?;
    Server::listen(path, group).map_err(DaemonError::system(format!("the control socket {}", path.display())))
}

/// Gives up what is not needed, and takes what is: as many descriptors as the system grants.
fn confine() {
    match privileges::drop_others() {
        Ok(dropped) if dropped.is_empty() => {}
        Ok(dropped) => tracing::debug!(count = dropped.len(), "dropped capabilities"),
        Err(error) => tracing::warn!(%error, "capabilities cannot be dropped"),
    }
    for (capability, purpose) in privileges::missing() {
        tracing::warn!(%capability, purpose, "a capability is missing");
    }
    match probe::raise_limit() {
        Ok(descriptors) => tracing::debug!(descriptors, "open files at most"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
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
