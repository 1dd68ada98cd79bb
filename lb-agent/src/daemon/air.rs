//! The routers' side: a thread that owns the sessions, told in order, which tells what became of it.
//!
//! BFD counts in milliseconds, and the loop reads files and fills tables; so
//! sessions have a thread of their own. A withdrawal counts from when every
//! router that had the route was told, which the thread says. A router that
//! reads nothing must hold up neither the others nor the node's end: after a
//! while it counts as told, and its session falls by its own hold timer.

mod router;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use lb_core::bgp::{Route, SpeakerConfig};
use lb_core::node::NodeConfig;
use tokio::sync::{mpsc, oneshot};

use crate::routing::{RoutingConfig, RoutingError, RoutingEvent};
use crate::status::{LeftOut, Session};
use router::{Command, Router};

/// After this a router that does not read counts as told.
const FLUSH: Duration = Duration::from_secs(2);
/// The port of BGP.
const BGP_PORT: u16 = 179;
/// What waits for the loop; while it is full, routers' events are counted and left out.
const QUEUE: usize = 1_024;

/// Why there is no such thread.
#[derive(Debug, thiserror::Error)]
pub(super) enum AirError {
    /// The sockets of routing.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// The thread.
    #[error("a thread for routers: {0}")]
    Thread(#[from] io::Error),
}

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Air {
    /// As many as the node has VIPs to speak of, and a question.
    commands: mpsc::UnboundedSender<Command>,
    told: mpsc::Receiver<Told>,
}

/// What the thread has to tell.
#[derive(Debug)]
pub(super) enum Told {
    /// Something happened with a router.
    Event(Box<RoutingEvent>),
    /// Something could not be done.
    Failed(String),
    /// The sessions as they stand, as [`Air::ask_sessions`] asked.
    Sessions(Vec<Session>, LeftOut),
    /// All routers that had a prefix were told that it is withdrawn.
    Withdrawn(IpNet),
}

impl Air {
    /// Opens the sockets and starts the sessions; without a speaker nobody is told of anything.
    pub(super) fn start(config: &NodeConfig, epoch: Instant, seed: u64) -> Result<Self, AirError> {
        Self::at(BGP_PORT, config, epoch, seed)
    }

    fn at(port: u16, config: &NodeConfig, epoch: Instant, seed: u64) -> Result<Self, AirError> {
        let (commands, asked) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::channel(QUEUE);
        let routing = routing_config(port, config);
        let (started, start) = std::sync::mpsc::channel::<Result<(), AirError>>();
        let work = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error.into()))),
            };
            runtime.block_on(async move {
                match Router::start(routing, epoch, seed, tell) {
                    Ok(router) => {
                        // whoever waits for it waits still
                        let _ = started.send(Ok(()));
                        router.serve(asked).await;
                    }
                    Err(error) => drop(started.send(Err(error.into()))),
                }
            });
        };
        thread::Builder::new().name("routers".into()).spawn(work)?;
        let gone = |_| AirError::Thread(io::ErrorKind::BrokenPipe.into());
        start.recv().map_err(gone)??;
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

    /// What [`configure`](Self::configure) takes of a configuration.
    pub(super) fn of(config: &NodeConfig) -> Option<RoutingConfig> {
        routing_config(BGP_PORT, config)
    }

    pub(super) fn configure(&self, config: Option<RoutingConfig>) {
        self.say(Command::Configure(config.map(Box::new)));
    }

    /// Asks for the sessions as they stand.
    pub(super) fn ask_sessions(&self) {
        self.say(Command::Sessions);
    }

    /// The next thing that there is to tell; `None` once the thread is no more.
    pub(super) async fn told(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// Ends the sessions, with a word to the routers.
    pub(super) async fn end(self) {
        // nobody listens any more, so it must not wait to be heard
        drop(self.told);
        let (sender, receiver) = oneshot::channel();
        // one that is no more has nothing to end
        let _ = self.commands.send(Command::End(sender));
        // the process ends either way
        let _ = tokio::time::timeout(FLUSH, receiver).await;
    }

    fn say(&self, command: Command) {
        // a thread that is no more says so by the end of what it tells
        let _ = self.commands.send(command);
    }
}

/// What routing is to be, if there is a speaker.
fn routing_config(port: u16, config: &NodeConfig) -> Option<RoutingConfig> {
    let speaker = config.bgp.clone()?;
    let listen = listen(port, &speaker);
    Some(RoutingConfig { speaker, bfd: config.bfd.clone(), listen })
}

/// Where routers may connect to: our end of each session, or every address of its family.
fn listen(port: u16, speaker: &SpeakerConfig) -> Vec<SocketAddr> {
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
    kept.map(|address| SocketAddr::new(*address, port)).collect()
}

#[cfg(test)]
mod tests;
