//! The thread's own: one loop between what the node says and the speaker.
//!
//! It remembers what is announced, so that a speaker which begins later (a file
//! that has `bgp` only now, a port that was taken) says all of it. It never
//! waits for a router: a flush runs beside, however long that takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use lb_core::Time;
use lb_core::bfd::SessionState;
use lb_core::bgp::{Route, Start};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{FLUSH, Told};
use crate::routing::{Routing, RoutingConfig, RoutingError, RoutingEvent, RoutingPeer};
use crate::status::{LeftOut, Session};

/// What routers are told at the end (RFC 9003).
const FAREWELL: &str = "lb-agent ends";
/// The kernel goes on forwarding while an agent is away, whether or not this is its first start.
const START: Start = Start::ForwardingPreserved;

/// What the loop wants.
#[derive(Debug)]
pub(super) enum Command {
    Announce(IpNet, Route),
    Complete,
    Configure(Option<Box<RoutingConfig>>),
    End(oneshot::Sender<()>),
    Sessions,
    Withdraw(IpNet),
}

/// The speaker, if there is one, and what it is to say.
pub(super) struct Router {
    routing: Option<(Routing, mpsc::Receiver<RoutingEvent>)>,
    routes: BTreeMap<IpNet, Route>,
    /// Whether all routes of the start are among them.
    complete: bool,
    /// Prefixes of which not all routers were told yet that they are withdrawn.
    flushes: JoinSet<Flushed>,
    epoch: Instant,
    seed: u64,
    tell: mpsc::Sender<Told>,
}

/// Prefixes that are withdrawn, and why not every router is known to know.
type Flushed = (Vec<IpNet>, Option<String>);

impl Router {
    pub(super) fn start(
        config: Option<RoutingConfig>,
        epoch: Instant,
        seed: u64,
        tell: mpsc::Sender<Told>,
    ) -> Result<Self, RoutingError> {
        let routing = config.map(|config| Routing::start(config, START, epoch, seed)).transpose()?;
        let (routes, flushes) = (BTreeMap::new(), JoinSet::new());
        Ok(Self { routing, routes, complete: false, flushes, epoch, seed, tell })
    }

    /// Serves until it is told to end, or nobody is left to tell it.
    pub(super) async fn serve(mut self, mut asked: mpsc::UnboundedReceiver<Command>) {
        let mut withdrawn = Vec::new();
        loop {
            tokio::select! {
                command = asked.recv() => match command {
                    None => return,
                    Some(Command::End(done)) => {
                        self.stop().await;
                        // whoever waited may have gone
                        let _ = done.send(());
                        return;
                    }
                    Some(command) => {
                        if let Command::Withdraw(prefix) = &command {
                            withdrawn.push(*prefix);
                        }
                        if let Err(error) = self.obey(command).await {
                            self.say(Told::Failed(error.to_string())).await;
                        }
                        // one flush for all that was withdrawn together
                        if asked.is_empty() && !withdrawn.is_empty() {
                            self.flush(std::mem::take(&mut withdrawn));
                        }
                    }
                },
                event = event(&mut self.routing) => match event {
                    Some(event) => self.say(Told::Event(Box::new(event))).await,
                    // the speaker is gone without having been told to; whoever asked us finds us gone, too
                    None => return,
                },
                Some(flushed) = self.flushes.join_next() => {
                    let Ok((prefixes, why)) = flushed else { return };
                    if let Some(why) = why {
                        self.say(Told::Failed(why)).await;
                    }
                    for prefix in prefixes {
                        self.say(Told::Withdrawn(prefix)).await;
                    }
                }
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), RoutingError> {
        let routing = self.routing.as_ref().map(|(routing, _)| routing);
        match command {
            Command::Announce(prefix, route) => {
                self.routes.insert(prefix, route.clone());
                match routing {
                    Some(routing) => routing.announce(prefix, route).await,
                    None => Ok(()),
                }
            }
            Command::Complete => {
                self.complete = true;
                match routing {
                    Some(routing) => routing.complete().await,
                    None => Ok(()),
                }
            }
            Command::Configure(config) => self.configure(config.map(|config| *config)).await,
            Command::End(_) => Ok(()), // seen to by the loop
            Command::Sessions => {
                let mut told = (Vec::new(), LeftOut::default());
                if let Some(routing) = routing {
                    let status = routing.status().await?;
                    let now = self.epoch.elapsed();
                    let sessions = status.peers.iter().flat_map(|peer| sessions_of(peer, now)).collect();
                    told =
                        (sessions, LeftOut { bfd_packets: status.bfd_discarded, events: status.events_lost });
                }
                self.say(Told::Sessions(told.0, told.1)).await;
                Ok(())
            }
            Command::Withdraw(prefix) => {
                self.routes.remove(&prefix);
                match routing {
                    Some(routing) => routing.withdraw(prefix).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn configure(&mut self, config: Option<RoutingConfig>) -> Result<(), RoutingError> {
        match (config, &self.routing) {
            (None, _) => {
                self.stop().await;
                Ok(())
            }
            (Some(config), Some((routing, _))) => routing.configure(config).await,
            (Some(config), None) => {
                let (routing, events) = Routing::start(config, START, self.epoch, self.seed)?;
                for (prefix, route) in &self.routes {
                    routing.announce(*prefix, route.clone()).await?;
                }
                if self.complete {
                    routing.complete().await?;
                }
                self.routing = Some((routing, events));
                Ok(())
            }
        }
    }

    async fn stop(&mut self) {
        if let Some((routing, _)) = self.routing.take()
            && let Err(error) = routing.stop(FAREWELL).await
        {
            self.say(Told::Failed(error.to_string())).await;
        }
    }

    /// Waits beside the loop until all routers were told.
    fn flush(&mut self, prefixes: Vec<IpNet>) {
        let flushed = self.routing.as_ref().map(|(routing, _)| routing.flushed());
        self.flushes.spawn(async move {
            let Some(flushed) = flushed else { return (prefixes, None) };
            let why = match tokio::time::timeout(FLUSH, flushed).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("a router does not read what it is told".to_owned()),
            };
            (prefixes, why)
        });
    }

    async fn say(&self, told: Told) {
        // the loop may have ended
        let _ = self.tell.send(told).await;
    }
}

/// What happens next with a router; waits for ever without a speaker, and is `None` if it ended by itself.
async fn event(routing: &mut Option<(Routing, mpsc::Receiver<RoutingEvent>)>) -> Option<RoutingEvent> {
    match routing {
        Some((_, events)) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// A peer's sessions as the status has them.
fn sessions_of(peer: &RoutingPeer, now: Duration) -> Vec<Session> {
    let bgp = &peer.bgp;
    let since = |since: Time| now.saturating_sub(since - Time::ZERO).as_secs_f64();
    let name = match &peer.interface {
        Some(interface) => format!("{}%{interface}", peer.address),
        None => peer.address.to_string(),
    };
    let mut sessions = vec![Session {
        protocol: "bgp".to_owned(),
        peer: name.clone(),
        state: bgp.state.to_string(),
        up: bgp.established.is_some(),
        since_s: since(bgp.since),
        last_error: bgp.last_down.as_ref().map(|down| down.reason.to_string()),
        routes: bgp.routes_announced as u64,
    }];
    sessions.extend(peer.bfd.map(|bfd| Session {
        protocol: "bfd".to_owned(),
        peer: name,
        state: bfd.state.to_string(),
        up: bfd.state == SessionState::Up,
        since_s: since(bfd.since),
        last_error: None,
        routes: 0,
    }));
    sessions
}
