//! Everything that runs between scenarios, and what they ask of it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::ensure;
use lb_core::Protocol;

use crate::expected::Expected;
use crate::foreign;
use crate::ipvs;
use crate::namespace::Namespace;
use crate::node::{Kind, Node};
use crate::report::Report;
use crate::router::Router;
use crate::services::Services;
use crate::topology::{COUNT, Topology, VIP, VIP6, source};
use crate::traffic::flows::Flows;
use crate::traffic::servers::Servers;
use crate::traffic::{PORT, bulk};

/// Whom scenarios wait for at most, where no bound is what they are about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection may take to answer before it counts as hung.
pub(crate) const ANSWER: Duration = Duration::from_secs(8);

/// The network with all that runs in it.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) report: &'a Report,
    pub(crate) router: Router<'a>,
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) servers: Servers,
    /// What was on each node before any of its programs ran.
    pub(crate) foreign: Vec<String>,
    /// What nodes were given last.
    pub(crate) services: Services,
    /// Sources are used once, so that no scenario meets the connections of another.
    next_source: u16,
}

impl<'a> World<'a> {
    /// Starts servers, router and nodes, and waits until the VIPs are announced by all.
    pub(crate) fn start(topology: &'a Topology, report: &'a Report, kind: Kind) -> anyhow::Result<Self> {
        let servers = Servers::new()?;
        for (index, backend) in topology.backends.iter().enumerate() {
            servers.start(index, backend)?;
            bulk::serve(backend)?;
        }
        let router = Router::start(&topology.router)?;
        let services = Services::usual();
        let mut nodes: Vec<Node<'a>> = topology
            .nodes
            .iter()
            .enumerate()
            .map(|(index, namespace)| Node::new(kind, namespace, index))
            .collect();
        let mut foreign = Vec::new();
        for node in &mut nodes {
            foreign::plant(node.namespace, node.index)?;
            foreign.push(foreign::seen(node.namespace)?);
            node.start(&services)?;
        }
        let mut world = Self { topology, report, router, nodes, servers, foreign, services, next_source: 1 };
        world.settle()?;
        Ok(world)
    }

    pub(crate) const fn client(&self) -> &'a Namespace {
        &self.topology.client
    }

    /// Waits until every VIP of the usual services is announced by every node.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.check()?;
        }
        for vip in [VIP, VIP6] {
            self.router.wait_for(vip, COUNT, PATIENCE)?;
        }
        Ok(())
    }

    /// Gives all nodes the same services.
    pub(crate) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        self.nodes.iter_mut().try_for_each(|node| node.apply(services))?;
        self.services = services.clone();
        Ok(())
    }

    /// Waits until every node's kernel serves what it was given; how long that took is a row if it fails.
    pub(crate) fn expect_programmed(&self, services: &Services) -> anyhow::Result<()> {
        for node in &self.nodes {
            let start = Instant::now();
            loop {
                let lines = ipvs::read(node.namespace)?;
                if services.are_served(&lines) {
                    break;
                }
                ensure!(
                    start.elapsed() < PATIENCE,
                    "{} does not serve what it was given: {lines:?}",
                    node.namespace.name()
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// Puts back what a scenario may have left: the usual services on three nodes and three backends.
    pub(crate) fn restore(&mut self) -> anyhow::Result<()> {
        self.servers.forget();
        let usual = Services::usual();
        if self.services != usual {
            self.apply(&usual)?;
            self.expect_programmed(&usual)?;
        }
        self.settle()
    }

    /// So many sources that nobody has used: one address, consecutive ports.
    pub(crate) fn sources(&mut self, vip: IpAddr, count: u16) -> Vec<SocketAddr> {
        let address = source(vip, self.next_source);
        self.next_source += 1;
        (10_000..10_000 + count).map(|port| SocketAddr::new(address, port)).collect()
    }

    /// Opens so many connections to a VIP, from sources of their own.
    pub(crate) fn open(&mut self, vip: IpAddr, count: u16) -> anyhow::Result<Flows> {
        let sources = self.sources(vip, count);
        Flows::open(self.client(), SocketAddr::new(vip, PORT), &sources, ANSWER)
    }

    /// What the nodes' own file says about flows.
    pub(crate) fn expected(&self) -> anyhow::Result<Expected> {
        Expected::read(&self.nodes[0].printed()?)
    }

    /// How many connections are where they must be.
    pub(crate) fn count_right(&self, expected: &Expected, vip: IpAddr, flows: &Flows) -> usize {
        let vip = SocketAddr::new(vip, PORT);
        let is_right = |flow: &&crate::traffic::flows::Flow| {
            let wanted = expected.backend(Protocol::TCP, flow.source, vip);
            wanted.is_some_and(|wanted| flow.life == crate::traffic::flows::Life::Open(wanted))
        };
        let right = flows.flows.iter().filter(is_right).count();
        if right < flows.flows.len() {
            let wrong = flows.flows.iter().find(|flow| !is_right(flow)).expect("not all are right");
            let wanted = expected.backend(Protocol::TCP, wrong.source, vip);
            let (source, life, census) = (wrong.source, wrong.life, flows.census());
            self.report.remark(&format!("{source} to {vip}: {life:?} instead of {wanted:?}; {census:?}"));
        }
        right
    }

    /// A row whose numbers are to be equal.
    pub(crate) fn expect_count(&self, what: &str, expected: usize, got: usize) {
        self.report.row(&format!("{expected} {what}"), &format!("{got} {what}"), expected == got);
    }

    /// A row that has an upper bound.
    pub(crate) fn expect_within(&self, what: &str, bound: Duration, got: Option<Duration>) {
        let expected = format!("{what} within {:.2} s", bound.as_secs_f64());
        let shown = got.map_or_else(
            || "not in time".to_owned(),
            |got| format!("{what} after {:.2} s", got.as_secs_f64()),
        );
        self.report.row(&expected, &shown, got.is_some_and(|got| got <= bound));
    }
}
