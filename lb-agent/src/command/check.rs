//! `check`: what the agent would do with a file, without doing it.
//!
//! The machine of the node is run against the kernel as it is (or an empty one,
//! if it may not be read), with every backend taken for healthy, and what it
//! would write is printed as the commands that a person would type.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use files::Source;
use lb_core::Time;
use lb_core::config::units::HumanDuration;
use lb_core::health::Outcome;
use lb_core::ipvs::{Command, ServiceKey, print_lb};
use lb_core::node::{Action, Node, NodeConfig, Snapshot, Write};

use super::Stop;
use crate::cli::Check;
use crate::kernel::Kernel;
use crate::{file, privileges};

/// Destinations of a backend, on average, that are worth a word: the usual are 8.
const MANY: usize = 32;
/// More turns than any start takes.
const TURNS: usize = 1_000_000;

pub(super) fn run(arguments: &Check, out: &mut impl io::Write) -> Result<(), Stop> {
    let source = Source::read(&arguments.config)?;
    let config = file::parse(&source)?;
    if arguments.print_lb {
        let node = played(config, Snapshot::default());
        let lb = print_lb(&node.config().lb, &node.desired());
        let text = files::yaml(&lb).map_err(io::Error::other)?;
        return Ok(out.write_all(text.as_bytes())?);
    }
    let listed = Kernel::default().list();
    let (kernel, unread) = match listed {
        Ok(listing) => (listing.snapshot, None),
        Err(error) => (Snapshot::default(), Some(error)),
    };
    heading(&config, unread.as_deref(), out)?;
    switches(&config, &kernel, unread.is_some(), out)?;
    slow_checks(&config, out)?;
    let node = played(config, kernel.clone());
    many_destinations(&node, out)?;
    foreign(&node, &kernel, out)?;
    commands(&node.writes_for(&kernel), out)?;
    announcements(&node, out)
}

fn heading(config: &NodeConfig, unread: Option<&str>, out: &mut impl io::Write) -> Result<(), Stop> {
    let backends: usize = config.lb.services.iter().map(|service| service.backends.len()).sum();
    writeln!(out, "# the file is right: {} services, {backends} backends", config.lb.services.len())?;
    if let Some(error) = unread {
        writeln!(out, "# the kernel cannot be read, and is taken for empty: {error}")?;
    }
    for (capability, purpose) in privileges::missing() {
        writeln!(out, "# missing here: {capability}, for {purpose}")?;
    }
    for module in missing_modules(config) {
        writeln!(out, "# missing here: the module {module} (modprobe {module})")?;
    }
    Ok(())
}

/// Modules that the file needs and that this kernel has neither loaded nor built in.
fn missing_modules(config: &NodeConfig) -> Vec<&'static str> {
    use lb_core::config::SchedulerKind;
    let mut needed = vec!["ip_vs"];
    let has = |wanted: fn(&SchedulerKind) -> bool| {
        config.lb.services.iter().any(|service| wanted(&service.scheduler))
    };
    if has(|kind| matches!(kind, SchedulerKind::IpvsMh { .. })) {
        needed.push("ip_vs_mh");
    }
    if has(|kind| matches!(kind, SchedulerKind::IpvsSh { .. })) {
        needed.push("ip_vs_sh");
    }
    // a module that is built in has its folder as well, if it has parameters; ip_vs has
    let loaded = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    let is_loaded = |module: &&str| {
        loaded.lines().any(|line| line.split(' ').next() == Some(module))
            || std::path::Path::new("/sys/module").join(module).exists()
    };
    needed.into_iter().filter(|module| !is_loaded(module)).collect()
}

/// The switches that differ, and what they are for.
fn switches(
    config: &NodeConfig,
    kernel: &Snapshot,
    unread: bool,
    out: &mut impl io::Write,
) -> Result<(), Stop> {
    for switch in config.switches() {
        match kernel.sysctls.get(switch.name) {
            Some(value) if *value == switch.wanted => {}
            Some(value) => {
                writeln!(out, "# {} is {value}: {}", switch.name, switch.why)?;
                writeln!(out, "sysctl -w {}={}", switch.name, switch.wanted)?;
            }
            None if unread => {
                writeln!(out, "# else: {}", switch.why)?;
                writeln!(out, "sysctl -w {}={}", switch.name, switch.wanted)?;
            }
            None => writeln!(out, "# {} is not in this kernel: {}", switch.name, switch.why)?,
        }
    }
    Ok(())
}

/// Checks that may outlast their interval: right, and seldom meant.
fn slow_checks(config: &NodeConfig, out: &mut impl io::Write) -> Result<(), Stop> {
    for (service, health) in config.lb.services.iter().zip(&config.health) {
        let policy = &health.backend;
        if policy.timeout() > policy.interval() {
            writeln!(
                out,
                "# {}: a check may take {} (timeout), longer than {} (interval):",
                service.address,
                HumanDuration::from(policy.timeout()),
                HumanDuration::from(policy.interval()),
            )?;
            let bound = HumanDuration::from(policy.detection_bound());
            writeln!(out, "# the next waits for it, and a backend that hangs is out after {bound}")?;
        }
    }
    Ok(())
}

/// Services whose weights lie so far apart that their backends take very many destinations.
fn many_destinations(node: &Node, out: &mut impl io::Write) -> Result<(), Stop> {
    for (key, service) in node.desired().services {
        let backends: BTreeSet<_> =
            service.destinations.iter().map(|destination| destination.endpoint.address).collect();
        let (count, backends) = (service.destinations.len(), backends.len());
        if count > backends * MANY {
            writeln!(out, "# {key}: {count} destinations for {backends} backends, for its weights lie far")?;
            writeln!(
                out,
                "# apart; with weights in small numbers (3 and 1 for 300 and 100) there are fewer"
            )?;
        }
    }
    Ok(())
}

fn foreign(node: &Node, before: &Snapshot, out: &mut impl io::Write) -> Result<(), Stop> {
    for key in node.foreign() {
        writeln!(out, "# not ours, left alone: service {key}")?;
    }
    for address in before.addresses.iter().filter(|address| !node.config().owns(**address)) {
        writeln!(out, "# not ours, left alone: {address} on lo")?;
    }
    Ok(())
}

fn commands(writes: &[Write], out: &mut impl io::Write) -> Result<(), Stop> {
    let mut any = false;
    let mut divided = first_divided(writes);
    let writes = writes.iter().filter(|write| !matches!(write, Write::Sysctl { .. }));
    for write in writes {
        if let Some(command) = crate::kernel::shell::command(write) {
            any = true;
            if divided.is_some() && divided == destination(write).map(|(key, _)| key) {
                divided = None;
                writeln!(out, "# one backend is several destinations, on ports that no packet shows:")?;
                writeln!(
                    out,
                    "# its weight is how many of them take new flows. What begins with `# ipvsadm`"
                )?;
                writeln!(out, "# the agent does by netlink; ipvsadm forces the service's port on it")?;
            }
            let mark = if is_netlinks_alone(write) { "# " } else { "" };
            writeln!(out, "{mark}{command}")?;
        }
    }
    if !any {
        writeln!(out, "# the kernel holds everything already")?;
    }
    Ok(())
}

/// Whether `ipvsadm` cannot do it: it gives a tunnelled destination the service's port.
fn is_netlinks_alone(write: &Write) -> bool {
    let (key, endpoint) = match write {
        Write::Ipvs(
            Command::AddDestination { key, destination } | Command::SetDestination { key, destination },
        ) => (key, destination.endpoint),
        Write::Ipvs(Command::DeleteDestination { key, endpoint }) => (key, *endpoint),
        Write::Ipvs(_) | Write::Address { .. } | Write::Sysctl { .. } => return false,
    };
    matches!(key, ServiceKey::Address(service) if service.port != endpoint.port)
}

/// The first service in which one backend is more than one destination.
fn first_divided(writes: &[Write]) -> Option<ServiceKey> {
    let mut seen = BTreeSet::new();
    writes.iter().filter_map(destination).find(|added| !seen.insert(*added)).map(|(key, _)| key)
}

/// The service and the address of a destination that is added.
fn destination(write: &Write) -> Option<(ServiceKey, IpAddr)> {
    match write {
        Write::Ipvs(Command::AddDestination { key, destination }) => {
            Some((*key, destination.endpoint.address))
        }
        Write::Ipvs(_) | Write::Address { .. } | Write::Sysctl { .. } => None,
    }
}

fn announcements(node: &Node, out: &mut impl io::Write) -> Result<(), Stop> {
    let config = node.config();
    match &config.bgp {
        None => writeln!(out, "# no section bgp: no router is told of the VIPs")?,
        Some(speaker) => {
            let peer = |peer: &lb_core::bgp::PeerConfig| format!("{} (AS {})", peer.address, peer.asn);
            let peers: Vec<String> = speaker.peers.iter().map(peer).collect();
            writeln!(out, "# announce to {}:", peers.join(", "))?;
        }
    }
    for vip in node.vips() {
        writeln!(out, "#   {}", vip.vip)?;
    }
    Ok(())
}

/// The node as it is when every backend is healthy and this kernel does as told.
fn played(config: NodeConfig, mut kernel: Snapshot) -> Node {
    let mut now = Time::ZERO;
    let mut node = Node::new(now, config, 0);
    for _ in 0..TURNS {
        match node.poll_action() {
            Some(Action::Read) => node.handle_snapshot(now, kernel.clone()),
            Some(Action::StartProbe(order)) => {
                node.handle_probe_result(now, order.key, order.probe.id, Outcome::Success);
            }
            Some(Action::Write(writes)) => {
                writes.iter().for_each(|write| kernel.apply(write));
                node.handle_written(now, writes.len());
            }
            Some(
                Action::Announce { .. } | Action::CancelProbe { .. } | Action::Stop | Action::Withdraw { .. },
            ) => {}
            None if node.is_settled() => break,
            None => match node.poll_timeout() {
                Some(due) => {
                    now = due;
                    node.handle_timeout(now);
                }
                None => break,
            },
        }
    }
    node
}
