//! `lb-agent probe-paths`: arguments, the ways to the nodes, the answer, the exit status.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use files::{Fault, Source};
use lb_core::config::units::HumanDuration;
use lb_netlink::network::CommandError;
use lb_netlink::network::blocking::Network;
use lb_netlink::tunnel::Family;
use rustix::rand::{GetRandomFlags, getrandom};

use super::way::{By, NoWayToNode, Numbers, ways};
use super::{Checker, Node, Paved, answer, load, plan, probe};
use crate::probe::{PrepareError, Preparer};

/// Ask every VIP through each node to each gateway.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Run it on a host that routes to the nodes, has none of the VIPs, and takes in
answers by another way than it asks (`rp_filter` 0 or 2). Needs CAP_NET_ADMIN,
for a mark and a rule for each node; they are taken back at the end.

Examples:
  lb-agent probe-paths --config lb.yaml --node a=10.0.0.11 --node b=10.0.0.12
  lb-agent probe-paths --config lb.yaml --node 10.0.0.11 --json | jq .findings
  lb-agent probe-paths --config lb.yaml --node 10.0.0.11 --print-setup

Exit status: 0 every path lives; 1 some are dead, and named; 2 bad input, or
nothing could be asked. `lb-agent path` tells a node of what was found.")]
pub struct Arguments {
    /// The LB file that the nodes serve.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A node, as NAME=ADDRESS or ADDRESS alone; once for each.
    #[arg(long = "node", value_name = "NAME=ADDRESS", required = true)]
    pub nodes: Vec<NodeArgument>,
    /// How packets get to a node.
    #[arg(long, value_enum, default_value_t)]
    pub by: By,
    /// An address of this host to ask from; the kernel's choice if left out.
    #[arg(long = "source", value_name = "ADDRESS")]
    pub sources: Vec<IpAddr>,
    /// How long each flow may take.
    #[arg(long, default_value = "2s")]
    pub timeout: HumanDuration,
    /// Flows that are tried before a path is called dead.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub tries: u8,
    /// Print the commands that make the ways to the nodes, and ask nothing.
    #[arg(long)]
    pub print_setup: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// A node in an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeArgument(pub Node);

/// Why paths could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    /// The kernel refused a way to a node.
    #[error("{0}")]
    Command(#[from] CommandError),
    /// The file; [`Fault::show`] prints it with its place.
    #[error("{}: {}", .0.file, .0.message)]
    File(Box<Fault>),
    /// Output, random numbers, or an event queue.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// No conversation with the kernel.
    #[error("{0}")]
    Netlink(#[from] lb_netlink::Error),
    /// A check's files.
    #[error("{0}")]
    Prepare(#[from] PrepareError),
    /// A service's table.
    #[error("{0}")]
    Table(#[from] lb_core::table::TableError),
    /// A node that cannot be reached in that way.
    #[error("{0}")]
    Way(#[from] NoWayToNode),
}

/// Ports below those that kernels give away by themselves (`ip_local_port_range`).
const PORTS: std::ops::RangeInclusive<u16> = 1_024..=32_767;

/// Asks, prints the answer, and says whether all paths live: an exit status of 0, or of 1.
///
/// # Errors
/// [`CommandFault`]: why nothing could be asked; an exit status of 2.
pub fn run(arguments: &Arguments) -> Result<bool, CommandFault> {
    let source = Source::read(&arguments.config)?;
    let (key, subjects) = load(source.parse()?).map_err(|error| {
        let (field, message) = error.parts();
        source.fault(&field, message)
    })?;
    let nodes: Vec<Node> = arguments.nodes.iter().map(|node| node.0.clone()).collect();
    let vips: Vec<SocketAddr> = subjects
        .iter()
        .map(|subject| SocketAddr::new(subject.service.address.address, subject.service.address.port))
        .collect();
    let families: Vec<Family> = [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| vips.iter().any(|vip| Family::of(vip.ip()) == *family))
        .collect();
    let ways = ways(&nodes, arguments.by, &families, &Numbers::default())?;
    let mut out = io::stdout().lock();
    if arguments.print_setup {
        ways.steps.iter().try_for_each(|(command, _)| writeln!(out, "{command}"))?;
        return Ok(true);
    }
    let sources = if arguments.sources.is_empty() { own_addresses(&vips) } else { arguments.sources.clone() };
    let checker = Checker { sources, ports: PORTS, first: first_port()?, tries: arguments.tries.into() };
    let plan = plan(&key, &subjects, nodes.len(), &checker)?;
    let mut preparer = Preparer::new();
    let checks =
        subjects.iter().map(|subject| preparer.prepare(&subject.check)).collect::<Result<Vec<_>, _>>()?;

    let paved = Paved::new(Network::open()?, &ways)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let limit: Duration = arguments.timeout.duration();
    let outcomes = runtime.block_on(probe(&plan, &checks, &ways.marks, limit));
    drop(paved);

    let answer = answer(&plan, &subjects, &nodes, &outcomes);
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &answer).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{answer}")?;
    }
    Ok(answer.findings.is_empty())
}

/// The addresses that the kernel takes towards the VIPs, one of each family. Connecting a
/// datagram socket sends nothing.
fn own_addresses(vips: &[SocketAddr]) -> Vec<IpAddr> {
    let towards = |vip: &SocketAddr| {
        let any: IpAddr = if vip.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(vip).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let first = |is_family: fn(&SocketAddr) -> bool| {
        vips.iter().copied().filter(is_family).find_map(|vip| towards(&vip))
    };
    [first(SocketAddr::is_ipv4), first(SocketAddr::is_ipv6)].into_iter().flatten().collect()
}

fn first_port() -> io::Result<u16> {
    let mut random = [0; 2];
    getrandom(&mut random, GetRandomFlags::empty())?;
    let span = PORTS.end() - PORTS.start() + 1;
    Ok(PORTS.start() + u16::from_ne_bytes(random) % span)
}

impl From<Fault> for CommandFault {
    fn from(fault: Fault) -> Self {
        Self::File(Box::new(fault))
    }
}

impl FromStr for NodeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once('=').unwrap_or((text, text));
        let wrong = |_| format!("`{address}` is no IP address; write node-1=10.0.0.11");
        let address = address.parse().map_err(wrong)?;
        if name.is_empty() {
            return Err("the node has no name; write node-1=10.0.0.11".to_owned());
        }
        Ok(Self(Node { name: name.to_owned(), address }))
    }
}
