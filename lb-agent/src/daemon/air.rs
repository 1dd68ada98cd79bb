//! The routers' side: a task that owns the sessions, told in order, asked beside.
//!
//! A withdrawal counts from when every router that had the route was told, so
//! after each run of commands the task flushes and says so. A router that reads
//! nothing must not hold up the node's end: after a while it counts as told,
//! and its session falls by its own hold timer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use lb_core::bgp::{Route, SpeakerConfig, Start};
use lb_core::node::NodeConfig;
use tokio::sync::{mpsc, oneshot};

use crate::routing::{Routing, RoutingConfig, RoutingError, RoutingEvent, RoutingPeer};
use crate::status::Session;

/// After this a router that does not read counts as told.
const FLUSH: Duration = Duration::from_secs(2);
/// A status must not wait for a loop that hangs.
const ASK: Duration = Duration::from_secs(1);
/// The port of BGP.
const BGP_PORT: u16 = 179;
/// What routers are told at the end (RFC 9003).
const FAREWELL: &str = "lb-agent ends";

/// The way to the task.
#[derive(Debug)]
pub(super) struct Air {
    commands: mpsc::UnboundedSender<Command>,
    told: mpsc::UnboundedReceiver<Told>,
}

/// What the task has to tell.
#[derive(Debug)]
pub(super) enum Told {
    /// Something happened with a router.
    Event(Box<RoutingEvent>),
    /// Something could not be done.
    Failed(String),
    /// All routers that had a prefix were told that it is withdrawn.
    Withdrawn(IpNet),
}

#[derive(Debug)]
enum Command {
    Announce(IpNet, Route),
    Complete,
    Configure(Option<Box<RoutingConfig>>),
    End(oneshot::Sender<()>),
    Sessions(oneshot::Sender<Vec<Session>>),
    Withdraw(IpNet),
}

impl Air {
    /// Opens the sockets and starts the sessions; without a speaker nobody is told of anything.
    pub(super) fn start(config: &NodeConfig, epoch: Instant, seed: u64) -> Result<Self, RoutingError> {
        let (commands, asked) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        let routing = match routing_config(config) {
            Some(config) => Some(Routing::start(config, START, epoch, seed)?),
            None => None,
        };
        tokio::spawn(Router { routing, epoch, seed, tell }.serve(asked));
        Ok(Self { commands, told })
    }

    pub(super) fn announce(&self, prefix: IpNet, route: Route) {
        self.say(Command::Announce(prefix, route));
    }

    pub(super) fn withdraw(&self, prefix: IpNet) {
        self.say(Command::Withdraw(prefix));
    }

    /// Everything of the start was announced.
    pub(super) fn complete(&self) {
        self.say(Command::Complete);
    }

    pub(super) fn configure(&self, config: &NodeConfig) {
        self.say(Command::Configure(routing_config(config).map(Box::new)));
    }

    /// The sessions as they stand; none if the task does not answer.
    pub(super) async fn sessions(&self) -> Vec<Session> {
        let (sender, receiver) = oneshot::channel();
        self.say(Command::Sessions(sender));
        tokio::time::timeout(ASK, receiver).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// The next thing that there is to tell.
    pub(super) async fn told(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// Ends the sessions, with a word to the routers.
    pub(super) async fn end(self) {
        let (sender, receiver) = oneshot::channel();
        self.say(Command::End(sender));
        // the process ends either way
        let _ = tokio::time::timeout(FLUSH, receiver).await;
    }

    fn say(&self, command: Command) {
        // the task lives as long as this
        let _ = self.commands.send(command);
    }
}

/// The kernel goes on forwarding while an agent is away, whether or not this is its first start.
const START: Start = Start::ForwardingPreserved;

/// What routing is to be, if there is a speaker.
fn routing_config(config: &NodeConfig) -> Option<RoutingConfig> {
    let speaker = config.bgp.clone()?;
    let listen = listen(&speaker);
    Some(RoutingConfig { speaker, bfd: config.bfd.clone(), listen })
}

/// Where routers may connect to: our end of each session, or every address of its family.
fn listen(speaker: &SpeakerConfig) -> Vec<SocketAddr> {
    let any = |peer: IpAddr| match peer {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let ours = speaker.peers.iter().map(|peer| peer.local_address.unwrap_or_else(|| any(peer.address)));
    let mut addresses: Vec<IpAddr> = ours.collect();
    addresses.sort_unstable();
    addresses.dedup();
    // the unspecified address takes the others' connections too
    let whole = |address: &IpAddr| addresses.contains(&any(*address));
    let kept = addresses.iter().filter(|address| address.is_unspecified() || !whole(address));
    kept.map(|address| SocketAddr::new(*address, BGP_PORT)).collect()
}

/// The task's own.
struct Router {
    routing: Option<(Routing, mpsc::Receiver<RoutingEvent>)>,
    epoch: Instant,
    seed: u64,
    tell: mpsc::UnboundedSender<Told>,
}

impl Router {
    async fn serve(mut self, mut asked: mpsc::UnboundedReceiver<Command>) {
        let mut withdrawn = Vec::new();
        loop {
            let command = tokio::select! {
                command = asked.recv() => command,
                Some(event) = event(&mut self.routing) => {
                    self.say(Told::Event(Box::new(event)));
                    continue;
                }
            };
            let Some(command) = command else { return };
            match command {
                Command::End(done) => {
                    if let Some((routing, _)) = self.routing.take()
                        && let Err(error) = routing.stop(FAREWELL).await
                    {
                        self.fail(&error);
                    }
                    // whoever waited may have gone
                    let _ = done.send(());
                    return;
                }
                Command::Withdraw(prefix) => {
                    withdrawn.push(prefix);
                    self.obey(Command::Withdraw(prefix)).await;
                }
                other => self.obey(other).await,
            }
            // one flush for all that was withdrawn together
            if asked.is_empty() && !withdrawn.is_empty() {
                self.flush(&mut withdrawn).await;
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        let result = match (command, &self.routing) {
            (Command::Configure(config), _) => return self.configure(config).await,
            (Command::Sessions(answer), routing) => {
                let sessions = match routing {
                    Some((routing, _)) => routing.status().await.map(|status| status.peers),
                    None => Ok(Vec::new()),
                };
                let sessions = sessions.unwrap_or_default();
                let now = self.epoch.elapsed();
                let _ = answer.send(sessions.iter().flat_map(|peer| sessions_of(peer, now)).collect());
                return;
            }
            (_, None) => return,
            (Command::Announce(prefix, route), Some((routing, _))) => routing.announce(prefix, route).await,
            (Command::Withdraw(prefix), Some((routing, _))) => routing.withdraw(prefix).await,
            (Command::Complete, Some((routing, _))) => routing.complete().await,
            (Command::End(_), Some(_)) => return,
        };
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    async fn configure(&mut self, config: Option<Box<RoutingConfig>>) {
        let result = match (config, self.routing.take()) {
            (None, None) => return,
            (None, Some((routing, _))) => routing.stop(FAREWELL).await,
            (Some(config), Some((routing, events))) => {
                let result = routing.configure(*config).await;
                self.routing = Some((routing, events));
                result
            }
            (Some(config), None) => match Routing::start(*config, START, self.epoch, self.seed) {
                Ok(started) => {
                    self.routing = Some(started);
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    async fn flush(&self, withdrawn: &mut Vec<IpNet>) {
        if let Some((routing, _)) = &self.routing {
            match tokio::time::timeout(FLUSH, routing.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.fail(&error),
                Err(_) => self.say(Told::Failed("a router does not read what it is told".to_owned())),
            }
        }
        for prefix in withdrawn.drain(..) {
            self.say(Told::Withdrawn(prefix));
        }
    }

    fn fail(&self, error: &RoutingError) {
        self.say(Told::Failed(error.to_string()));
    }

    fn say(&self, told: Told) {
        // the loop may have ended
        let _ = self.tell.send(told);
    }
}

async fn event(routing: &mut Option<(Routing, mpsc::Receiver<RoutingEvent>)>) -> Option<RoutingEvent> {
    match routing {
        Some((_, events)) => match events.recv().await {
            Some(event) => Some(event),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// A peer's sessions as the status has them.
fn sessions_of(peer: &RoutingPeer, now: Duration) -> Vec<Session> {
    let bgp = &peer.bgp;
    let since = now.saturating_sub(bgp.since - lb_core::Time::ZERO);
    let mut sessions = vec![Session {
        protocol: "bgp".to_owned(),
        peer: peer.address.to_string(),
        state: bgp.state.to_string(),
        up: bgp.established.is_some(),
        since_s: since.as_secs_f64(),
        last_error: bgp.last_down.as_ref().map(|down| down.reason.to_string()),
        routes: bgp.routes_announced as u64,
    }];
    sessions.extend(peer.bfd.map(|bfd| Session {
        protocol: "bfd".to_owned(),
        peer: peer.address.to_string(),
        state: bfd.state.to_string(),
        up: bfd.state == lb_core::bfd::SessionState::Up,
        since_s: 0.0,
        last_error: None,
        routes: 0,
    }));
    sessions
}
