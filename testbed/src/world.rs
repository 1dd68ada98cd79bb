//! Everything that runs between scenarios, and what they ask of it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::ensure;
use lb_core::Protocol;

use crate::expected::Expected;
use crate::foreign;
use crate::ipvs;
use crate::lag::{Lag, Stopwatch};
use crate::namespace::Namespace;
use crate::node::Node;
use crate::report::Report;
use crate::router::Router;
use crate::services::Services;
use crate::topology::{COUNT, Topology, VIP, VIP6, source};
use crate::traffic::flows::{Census, Flow, Flows, Life};
use crate::traffic::servers::Servers;
use crate::traffic::{PORT, bulk, datagrams};

/// Whom scenarios wait for at most, where no bound is what they are about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection may take to answer before it counts as hung.
pub(crate) const ANSWER: Duration = Duration::from_secs(8);

/// Connections that a change must not harm: so many to the VIP of each family.
pub(crate) const CROWD: [(IpAddr, u16); 2] = [(VIP, 240), (VIP6, 60)];
/// Connections that come after a change.
pub(crate) const NEWCOMERS: [(IpAddr, u16); 2] = [(VIP, 120), (VIP6, 60)];

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
    /// What the host took of the guest's time.
    pub(crate) lag: Lag,
    /// Sources are used once, so that no scenario meets the connections of another.
    next_source: u16,
}

impl<'a> World<'a> {
    /// Starts servers, router and nodes, and waits until the VIPs are announced by all.
    pub(crate) fn start(topology: &'a Topology, report: &'a Report) -> anyhow::Result<Self> {
        let lag = Lag::start()?;
        let servers = Servers::new()?;
        for (index, backend) in topology.backends.iter().enumerate() {
            servers.start(index, backend)?;
            bulk::serve(backend)?;
        }
        let router = Router::start(&topology.router)?;
        let services = Services::usual();
        let mut nodes: Vec<Node<'a>> =
            topology.nodes.iter().enumerate().map(|(index, namespace)| Node::new(namespace, index)).collect();
        let mut foreign = Vec::new();
        for node in &mut nodes {
            foreign::plant(node.namespace, node.index)?;
            foreign.push(foreign::seen(node.namespace)?);
            node.start(&services)?;
        }
        let mut world =
            Self { topology, report, router, nodes, servers, foreign, services, lag, next_source: 1 };
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

    /// Waits until every node's kernel serves what it was given.
    pub(crate) fn expect_programmed(&self, services: &Services) -> anyhow::Result<()> {
        for node in &self.nodes {
            let start = Instant::now();
            while let Some(what) = services.not_served(&ipvs::read(node.namespace)?) {
                ensure!(start.elapsed() < PATIENCE, "on {} {what}", node.namespace.name());
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
        }
        self.expect_programmed(&usual)?;
        self.settle()
    }

    /// So many sources that nobody has used: one address, consecutive ports.
    pub(crate) fn sources(&mut self, vip: IpAddr, count: u16) -> Vec<SocketAddr> {
        let address = source(vip, self.next_source);
        self.next_source += 1;
        (10_000..10_000 + count).map(|port| SocketAddr::new(address, port)).collect()
    }

    /// Opens so many connections to each of these VIPs, from sources of their own.
    pub(crate) fn open(&mut self, counts: &[(IpAddr, u16)]) -> anyhow::Result<Flows> {
        let mut pairs = Vec::new();
        for (vip, count) in counts {
            let sources = self.sources(*vip, *count);
            pairs.extend(sources.into_iter().map(|source| (source, SocketAddr::new(*vip, PORT))));
        }
        Flows::open(self.client(), &pairs, ANSWER)
    }

    /// Sends a datagram from each source to a VIP; for each the backend that got it.
    pub(crate) fn datagrams(
        &self,
        vip: IpAddr,
        sources: &[SocketAddr],
    ) -> anyhow::Result<Vec<Option<usize>>> {
        datagrams::send(self.client(), &self.servers, &self.lag, SocketAddr::new(vip, PORT), sources)
    }

    /// What the nodes' own file says about flows.
    pub(crate) fn expected(&self) -> anyhow::Result<Expected> {
        Expected::read(&self.nodes[0].printed()?)
    }

    /// A row: all connections are where they must be.
    pub(crate) fn expect_picked(&self, expected: &Expected, flows: &Flows) {
        let wanted = |flow: &Flow| expected.backend(Protocol::TCP, flow.source, flow.vip);
        let is_right = |flow: &Flow| wanted(flow).is_some_and(|wanted| flow.life == Life::Open(wanted));
        if let Some(wrong) = flows.flows.iter().find(|flow| !is_right(flow)) {
            let Flow { source, vip, life, .. } = wrong;
            let (wanted, census) = (wanted(wrong), flows.census());
            self.report.remark(&format!("{source} to {vip}: {life:?} instead of {wanted:?}; {census:?}"));
        }
        let right = flows.flows.iter().filter(|flow| is_right(flow)).count();
        self.expect_count("connections on the backend picked", flows.flows.len(), right);
    }

    /// A row: none of these connections was lost. Asks them all.
    pub(crate) fn expect_kept(&self, flows: &mut Flows, when: &str) {
        let census = flows.probe(ANSWER);
        self.expect_none_lost(flows, &census, when);
    }

    /// A row: none of these connections was lost, by what they were when last asked.
    pub(crate) fn expect_none_lost(&self, flows: &Flows, census: &Census, when: &str) {
        let lost = census.lost();
        if let Some(flow) = flows.flows.iter().find(|flow| flow.is_lost()) {
            self.report.remark(&format!("{} to {}: {:?}; {census:?}", flow.source, flow.vip, flow.life));
        }
        self.expect_count(&format!("of {} connections lost{when}", flows.flows.len()), 0, lost);
    }

    /// A row: all of these connections came to be.
    pub(crate) fn expect_opened(&self, flows: &Flows) {
        let refused = flows.census().unopened();
        self.expect_count(&format!("of {} new connections refused", flows.flows.len()), 0, refused);
    }

    /// A row whose numbers are to be equal.
    pub(crate) fn expect_count(&self, what: &str, expected: usize, got: usize) {
        self.report.row(&format!("{expected} {what}"), &format!("{got} {what}"), expected == got);
    }

    /// A row that has an upper bound, which is later by what the host took since the watch was started.
    pub(crate) fn expect_within(
        &self,
        what: &str,
        bound: Duration,
        watch: &Stopwatch,
        got: Option<Duration>,
    ) {
        let (bound_s, lag) = (bound.as_secs_f64(), watch.lag());
        let expected = format!("{what} within {bound_s:.2} s, and {:.2} s of lag", lag.as_secs_f64());
        let shown = got.map_or_else(
            || "not in time".to_owned(),
            |got| format!("{what} after {:.2} s", got.as_secs_f64()),
        );
        self.report.row(&expected, &shown, got.is_some_and(|got| got <= bound + lag));
    }
}
