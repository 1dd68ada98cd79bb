//! What an agent is told: the LB file and its own sections, as one checked value.
//!
//! `NodeConfig::try_from(file)` is [`Config`]'s conversion and three questions
//! more: are the agent's sections right, can a kernel do what the services ask
//! for, and is every VIP the agent's to touch. Each fault names its field. The
//! backends come out in the order of their endpoints, which is the order in
//! which every node adds them to its kernel.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use ipnet::IpNet;

use super::error::{NodeError, NodeProblem};
use crate::announce::AnnounceConfig;
use crate::bgp::SpeakerConfig;
use crate::config::units::HumanDuration;
use crate::config::{
    BackendConfig, BfdConfig, BgpFile, Config, ConfigError, ControlFile, FieldPath, KernelFile, LbFile,
    LogFile, LogFormat, LogLevel, Problem, SchedulerKind, SchedulerName, ServiceConfig, Step, TracingFile,
};
use crate::health::{HealthConfig, HealthError, HealthFile, Offer, Via};
use crate::ipvs::{Desired, Grain, MARK_SYSCTLS, Sysctl, desired, mirror, sysctls};

/// The kernel's `mh` table size: a constant of its build, and this is the default (`CONFIG_IP_VS_MH_TAB_INDEX=12`).
const KERNEL_MH_SIZE: u32 = 4_093;
/// The kernel's `sh` table size: the default of its build (`CONFIG_IP_VS_SH_TAB_BITS=8`).
const KERNEL_SH_SIZE: u32 = 256;
/// How often the kernel is read again where the file does not say.
const READ_INTERVAL: HumanDuration = HumanDuration::from_nanos(30_000_000_000);
/// Reading oftener would keep the kernel busy with listing.
const READ_INTERVAL_MIN: HumanDuration = HumanDuration::from_nanos(1_000_000_000);
/// Drift that stays for a day is no repair.
const READ_INTERVAL_MAX: HumanDuration = HumanDuration::from_nanos(86_400_000_000_000);
/// Where the control socket is where the file does not say.
const SOCKET: &str = "/run/lb-agent/control.sock";
/// A path longer than this fits in no socket address (`sun_path` has 108 bytes).
const MAX_SOCKET: usize = 107;
/// The port of OTLP over HTTP where the file does not say.
const OTLP_PORT: u16 = 4_318;

/// Everything that an agent is told, complete and checked.
///
/// ```
/// use lb_core::config::LbFile;
/// use lb_core::node::NodeConfig;
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// node: { address: 10.0.0.11 }
/// ownedPrefixes: [203.0.113.0/24]
/// health: { interval: 2s, fall: 3 }
/// services:
///   - vip: 203.0.113.10
///     port: 443
///     protocol: tcp
///     scheduler: { kind: ipvs-mh, port: true, fallback: true }
///     backends: [{ address: 10.1.0.6 }, { address: 10.1.0.5 }]
/// "#,
/// )?;
/// let config = NodeConfig::try_from(file)?;
/// assert_eq!(config.lb.services[0].backends[0].endpoint.to_string(), "10.1.0.5:443");
/// assert_eq!(config.health[0].backend.fall(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// The services; the backends of each in the order of their endpoints.
    pub lb: Config,
    /// How each service's backends are checked and when it stands, by the service's place in `lb`.
    pub health: Vec<HealthConfig>,
    /// The prefixes in which everything is the agent's.
    pub owned: Vec<IpNet>,
    /// How VIPs are announced.
    pub announce: AnnounceConfig,
    /// The BGP speaker and its peers.
    pub bgp: Option<SpeakerConfig>,
    /// How BFD sessions are timed.
    pub bfd: BfdConfig,
    /// How often the kernel is read again.
    pub read_interval: Duration,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// The socket by which the agent is asked.
    pub control: ControlConfig,
    /// How it logs.
    pub log: LogConfig,
    /// The collector that traces go to.
    pub tracing: Option<SocketAddr>,
}

/// The socket by which a running agent is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Its path.
    pub socket: String,
    /// The group that may use it beside the agent's own user.
    pub group: Option<String>,
}

/// How the agent logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// From which severity on.
    pub level: LogLevel,
}

impl NodeConfig {
    /// Whether an address is the agent's to touch.
    #[must_use]
    pub fn owns(&self, address: IpAddr) -> bool {
        self.owned.iter().any(|prefix| prefix.contains(&address))
    }

    /// The configuration in which our models do what this node's kernel does while
    /// every backend is healthy: a backend is as many as the kernel has destinations for it.
    #[must_use]
    pub fn served(&self) -> Config {
        served(&self.lb, &self.health)
    }

    /// The kernel's switches that it needs.
    #[must_use]
    pub fn switches(&self) -> Vec<Sysctl> {
        let through = self.health.iter().any(|health| health.check.via == Via::Tunnel);
        let marks = through.then_some(MARK_SYSCTLS).into_iter().flatten();
        sysctls(&self.lb).into_iter().chain(marks).collect()
    }
}

/// The services of the kernel's kinds as a node has them while every backend is healthy.
///
/// `health` is each service's, by its place in `lb`, whose backends are in the order of their
/// endpoints. What no kernel can do is left out, for no node does it.
#[must_use]
pub fn served(lb: &Config, health: &[HealthConfig]) -> Config {
    let wanted = |(service, health): (&ServiceConfig, &HealthConfig)| {
        let offer = |backend: &BackendConfig| Offer { traffic: backend.state, weight: backend.weight };
        let offers: Vec<_> = service.backends.iter().map(offer).collect();
        desired(service, &offers, Grain::of(service, &health.backend)).ok()
    };
    let kernels = lb.services.iter().zip(health).filter(|(service, _)| service.scheduler.is_ipvs());
    mirror(lb, &Desired { services: kernels.filter_map(wanted).collect() })
}

impl TryFrom<LbFile> for NodeConfig {
    type Error = NodeError;

    /// # Errors
    ///
    /// Names the first field that cannot be, or that a kernel cannot do.
    fn try_from(mut file: LbFile) -> Result<Self, NodeError> {
        let top = FieldPath::default();
        kernel_kinds(&file, &top)?;
        let health = health(&file, &top)?;
        let read_interval = read_interval(file.kernel.take().unwrap_or_default(), &top)?;
        let control = control(file.control.take().unwrap_or_default(), &top)?;
        let (metrics, log) = (file.metrics.take(), file.log.take().unwrap_or_default());
        let tracing = file.tracing.take();
        let announce = AnnounceConfig::try_from(file.announce.take().unwrap_or_default())
            .map_err(|error| NodeProblem::Announce(error.problem).below("announce", &error.path))?;
        let bfd = BfdConfig::try_from(file.bfd.take().unwrap_or_default())
            .map_err(|error| NodeProblem::Bfd(error.problem).below("bfd", &error.path))?;
        let bgp = bgp(file.bgp.take(), &bfd)?;
        let owned = file.owned_prefixes.take();
        let mut lb = Config::try_from(file)?;
        tunnel_sources(&lb, &health)?;
        let owned = owned_prefixes(owned.map(|all| all.iter().map(|prefix| prefix.0).collect()), &lb)?;
        for (position, service) in lb.services.iter_mut().enumerate() {
            let path = top.then(Step::Field("services")).then(Step::Index(position));
            programmable(service, &path)?;
            if !owned.iter().any(|prefix| prefix.contains(&service.address.address)) {
                let problem = NodeProblem::NotOwned { vip: service.address.address };
                return Err(problem.at(path.then(Step::Field("vip"))));
            }
            service.backends.sort_unstable_by_key(|backend| backend.endpoint);
        }
        Ok(Self {
            lb,
            health,
            owned,
            announce,
            bgp,
            bfd,
            read_interval,
            metrics: metrics.map(|metrics| metrics.address),
            control,
            log: LogConfig::from(log),
            tracing: tracing.map(collector),
        })
    }
}

/// The health settings of each service: its own section, else the file's.
fn health(file: &LbFile, top: &FieldPath) -> Result<Vec<HealthConfig>, NodeError> {
    let convert = |section: &HealthFile, path: FieldPath| {
        HealthConfig::try_from(section.clone()).map_err(|error| {
            let HealthError { path: inner, problem } = error;
            NodeProblem::Health(problem).at(path.join(&inner))
        })
    };
    let usual = convert(&file.health.clone().unwrap_or_default(), top.then(Step::Field("health")))?;
    let of_service = |(position, section): (usize, Option<&HealthFile>)| match section {
        None => Ok(usual.clone()),
        Some(section) => {
            let service = top.then(Step::Field("services")).then(Step::Index(position));
            convert(section, service.then(Step::Field("health")))
        }
    };
    file.services.iter().map(|service| service.health.as_ref()).enumerate().map(of_service).collect()
}

/// The speaker; the BFD profiles that its peers name must be there.
fn bgp(file: Option<BgpFile>, bfd: &BfdConfig) -> Result<Option<SpeakerConfig>, NodeError> {
    let Some(file) = file else { return Ok(None) };
    let speaker = SpeakerConfig::try_from(file)
        .map_err(|error| NodeProblem::Bgp(error.problem).below("bgp", &error.path))?;
    for (position, peer) in speaker.peers.iter().enumerate() {
        let missing = peer.bfd.as_ref().filter(|name| bfd.profile(name).is_none());
        if let Some(name) = missing {
            let peer = FieldPath::new([Step::Field("peers"), Step::Index(position), Step::Field("bfd")]);
            return Err(NodeProblem::NoBfdProfile { name: name.clone() }.below("bgp", &peer));
        }
    }
    Ok(Some(speaker))
}

fn read_interval(file: KernelFile, top: &FieldPath) -> Result<Duration, NodeError> {
    let interval = file.read_interval.unwrap_or(READ_INTERVAL);
    if (READ_INTERVAL_MIN..=READ_INTERVAL_MAX).contains(&interval) {
        return Ok(interval.duration());
    }
    let problem =
        NodeProblem::Duration { duration: interval, min: READ_INTERVAL_MIN, max: READ_INTERVAL_MAX };
    Err(problem.at(top.then(Step::Field("kernel")).then(Step::Field("readInterval"))))
}

fn control(file: ControlFile, top: &FieldPath) -> Result<ControlConfig, NodeError> {
    let socket = file.socket.unwrap_or_else(|| SOCKET.to_string());
    if !socket.starts_with('/') || socket.len() > MAX_SOCKET {
        let path = top.then(Step::Field("control")).then(Step::Field("socket"));
        return Err(NodeProblem::Socket { max: MAX_SOCKET }.at(path));
    }
    Ok(ControlConfig { socket, group: file.group })
}

fn collector(file: TracingFile) -> SocketAddr {
    SocketAddr::new(file.address, file.port.unwrap_or(OTLP_PORT))
}

impl From<LogFile> for LogConfig {
    fn from(file: LogFile) -> Self {
        Self { format: file.format.unwrap_or_default(), level: file.level.unwrap_or_default() }
    }
}

/// A check through the tunnel asks the VIP, from an address of the node's own of its family.
fn tunnel_sources(lb: &Config, health: &[HealthConfig]) -> Result<(), NodeError> {
    for (position, (service, health)) in lb.services.iter().zip(health).enumerate() {
        let (has, field) = match service.address.address {
            IpAddr::V4(_) => (lb.node.v4.is_some(), "address"),
            IpAddr::V6(_) => (lb.node.v6.is_some(), "address6"),
        };
        if health.check.via == Via::Tunnel && !has {
            let service = FieldPath::new([Step::Field("services"), Step::Index(position)]);
            return Err(NodeProblem::TunnelSource { field }.at(service.then(Step::Field("vip"))));
        }
    }
    Ok(())
}

/// The agent's prefixes: some, and none that holds the node's own addresses, for
/// what is on `lo` there and is no VIP is taken away.
fn owned_prefixes(owned: Option<Vec<IpNet>>, lb: &Config) -> Result<Vec<IpNet>, NodeError> {
    let path = FieldPath::new([Step::Field("ownedPrefixes")]);
    let Some(owned) = owned else { return Err(NodeProblem::NoOwnedPrefixes.at(path)) };
    let own = [("address", lb.node.v4.map(IpAddr::V4)), ("address6", lb.node.v6.map(IpAddr::V6))];
    for (position, prefix) in owned.iter().enumerate() {
        for (field, address) in own {
            if let Some(address) = address.filter(|address| prefix.contains(address)) {
                let problem = NodeProblem::OwnsNode { prefix: *prefix, address, field };
                return Err(problem.at(path.then(Step::Index(position))));
            }
        }
    }
    Ok(owned)
}

/// Refuses schedulers that no kernel has, before anything else is said of them
/// (that our own kinds lack their key is no help to who must change the kind).
fn kernel_kinds(file: &LbFile, top: &FieldPath) -> Result<(), NodeError> {
    for (position, service) in file.services.iter().enumerate() {
        let kind = service.scheduler.kind;
        match kind {
            SchedulerName::IpvsMh | SchedulerName::IpvsSh => {}
            SchedulerName::Maglev | SchedulerName::Rendezvous | SchedulerName::Ring => {
                let service = top.then(Step::Field("services")).then(Step::Index(position));
                let path = service.then(Step::Field("scheduler")).then(Step::Field("kind"));
                return Err(NodeProblem::NotTheKernels { kind }.at(path));
            }
        }
    }
    Ok(())
}

/// Refuses what the kernel would do in another way than the file says.
fn programmable(service: &ServiceConfig, path: &FieldPath) -> Result<(), NodeError> {
    let sizes = match service.scheduler {
        SchedulerKind::IpvsMh { table_size, .. } => Some((KERNEL_MH_SIZE, table_size)),
        SchedulerKind::IpvsSh { table_size, .. } => Some((KERNEL_SH_SIZE, table_size)),
        SchedulerKind::Maglev { .. } | SchedulerKind::Rendezvous { .. } | SchedulerKind::Ring { .. } => None,
    };
    if let Some((kernel, size)) = sizes.filter(|(kernel, size)| kernel != size) {
        let problem = NodeProblem::KernelTableSize { size, kernel };
        return Err(problem.at(path.then(Step::Field("scheduler")).then(Step::Field("tableSize"))));
    }
    for (position, backend) in service.backends.iter().enumerate() {
        let (port, service) = (backend.endpoint.port, service.address.port);
        if port != service {
            // the kernel's destinations have ports of their own, which the agent chooses
            let path = path.then(Step::Field("backends")).then(Step::Index(position));
            let problem = NodeProblem::Services(Problem::BackendPort { port, service });
            return Err(problem.at(path.then(Step::Field("port"))));
        }
    }
    if service.spread {
        let path = path.then(Step::Field("forward")).then(Step::Field("spread"));
        return Err(NodeProblem::Spread.at(path));
    }
    Ok(())
}

impl From<ConfigError> for NodeError {
    fn from(error: ConfigError) -> Self {
        Self { path: error.path, problem: NodeProblem::Services(error.problem) }
    }
}

#[cfg(test)]
mod tests;
