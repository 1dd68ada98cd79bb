//! The loop: inputs to the machines, what they want done to the sockets.

mod equipment;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use lb_core::Time;
use lb_core::bfd::{Arrived, Hops, Session, SessionConfig, Sessions};
use lb_core::bgp::{Event, PeerConfig, PeerId, Route, Speaker, Start, State, Transmit};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::connection::{Connection, Key};
use super::datagram::{Datagram, Sender};
use super::status::{BfdStatus, RoutingEvent, RoutingPeer, RoutingStatus};
use super::{RoutingConfig, RoutingError, socket};
use equipment::Listener;

/// BFD sessions at most: more routers than any node has.
const BFD_SESSIONS: usize = 256;
/// Inputs that wait: with 16 KiB of octets each, a few MB at worst.
const INPUTS: usize = 128;
/// Datagrams that wait.
const DATAGRAMS: usize = 256;
/// How long a stop waits for the connections to end.
const STOP: Duration = Duration::from_millis(1_500);

/// What the owner wants.
#[derive(Debug)]
pub(super) enum Command {
    Announce {
        prefix: IpNet,
        route: Route,
    },
    Complete,
    Configure {
        config: Box<RoutingConfig>,
        done: oneshot::Sender<Result<(), RoutingError>>,
    },
    Flush {
        done: oneshot::Sender<()>,
    },
    Refresh,
    Status {
        answer: oneshot::Sender<RoutingStatus>,
    },
    /// With a text a farewell, without one a silent leave.
    Stop {
        text: Option<String>,
    },
    Withdraw {
        prefix: IpNet,
    },
}

/// What the connections tell.
#[derive(Debug)]
pub(super) enum Input {
    Accepted { stream: TcpStream, remote: SocketAddr },
    Bytes { key: Key, bytes: Vec<u8> },
    Closed { key: Key, error: Option<io::Error> },
    Connected { key: Key, local: IpAddr },
    Sent { key: Key, octets: usize },
}

pub(super) struct Engine {
    epoch: Instant,
    seed: u64,
    speaker: Speaker,
    sessions: Sessions,
    bfd: BTreeMap<(IpAddr, Arrived), Bfd>,
    /// Family and port of the sockets that listen for BFD.
    bfd_listeners: Vec<(bool, Arrived)>,
    listeners: Vec<Listener>,
    passwords: Vec<IpAddr>,
    connections: BTreeMap<Key, Connection>,
    flushes: Vec<oneshot::Sender<()>>,
    events: mpsc::Sender<RoutingEvent>,
    events_lost: u64,
    bfd_discarded: u64,
    inputs: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    datagrams: (mpsc::Sender<Datagram>, mpsc::Receiver<Datagram>),
    /// Connections: a stop waits for them.
    tasks: JoinSet<()>,
    /// Listeners of both kinds: they end with the loop.
    services: JoinSet<()>,
}

/// A session's configuration and socket.
struct Bfd {
    peer: PeerId,
    config: SessionConfig,
    hops: Hops,
    sender: Sender,
    /// When its state changed last.
    since: Time,
}

/// What happened next.
enum Next {
    Command(Option<Command>),
    Datagram(Datagram),
    Deadline,
    Input(Input),
}

impl Engine {
    pub(super) fn new(
        config: RoutingConfig,
        start: Start,
        epoch: Instant,
        seed: u64,
        events: mpsc::Sender<RoutingEvent>,
    ) -> Result<Self, RoutingError> {
        let mut engine = Self {
            epoch,
            seed,
            speaker: Speaker::new(config.speaker.clone(), start, seed),
            sessions: Sessions::new(BFD_SESSIONS, seed),
            bfd: BTreeMap::new(),
            bfd_listeners: Vec::new(),
            listeners: Vec::new(),
            passwords: Vec::new(),
            connections: BTreeMap::new(),
            flushes: Vec::new(),
            events,
            events_lost: 0,
            bfd_discarded: 0,
            inputs: mpsc::channel(INPUTS),
            datagrams: mpsc::channel(DATAGRAMS),
            tasks: JoinSet::new(),
            services: JoinSet::new(),
        };
        engine.listen_at(&config.listen)?;
        engine.equip(&config.bfd)?;
        engine.speaker.start(engine.now());
        Ok(engine)
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            self.settle();
            match self.next(&mut commands).await {
                Next::Command(Some(Command::Stop { text })) => return self.stop(text).await,
                // The owner is gone: like a crash, the sockets close without a word.
                Next::Command(None) => return,
                Next::Command(Some(command)) => self.command(command),
                Next::Datagram(datagram) => {
                    let now = self.now();
                    if let Err(reason) = self.sessions.handle_packet(now, datagram.origin, &datagram.bytes) {
                        self.bfd_discarded += 1;
                        tracing::debug!(from = %datagram.origin.address, %reason, "BFD packet discarded");
                    }
                }
                Next::Deadline => {
                    let now = self.now();
                    self.speaker.handle_timeout(now);
                    self.sessions.handle_timeout(now);
                }
                Next::Input(input) => self.input(input),
            }
        }
    }

    async fn next(&mut self, commands: &mut mpsc::Receiver<Command>) -> Next {
        let deadline =
            [self.speaker.poll_timeout(), self.sessions.poll_timeout()].into_iter().flatten().min();
        let at = deadline.map(|deadline| self.epoch + Duration::from_nanos(deadline.as_nanos()));
        let sleep = async {
            match at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        // In no order: a flood of one kind starves no other.
        tokio::select! {
            command = commands.recv() => Next::Command(command),
            Some(datagram) = self.datagrams.1.recv() => Next::Datagram(datagram),
            Some(input) = self.inputs.1.recv() => Next::Input(input),
            () = sleep => Next::Deadline,
        }
    }

    fn now(&self) -> Time {
        Time::from_nanos(u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Announce { prefix, route } => self.speaker.announce(now, prefix, route),
            Command::Complete => self.speaker.complete(now),
            Command::Configure { config, done } => {
                self.speaker.configure(now, config.speaker);
                let listens = self.listen_at(&config.listen);
                let _ = done.send(self.equip(&config.bfd).and(listens));
            }
            Command::Flush { done } => self.flushes.push(done),
            Command::Refresh => self.refresh(now),
            Command::Status { answer } => {
                let _ = answer.send(self.status());
            }
            Command::Stop { .. } => {} // seen to by the loop
            Command::Withdraw { prefix } => self.speaker.withdraw(now, &prefix),
        }
    }

    fn refresh(&mut self, now: Time) {
        let peers: Vec<_> = self.speaker.peers().map(|(id, peer)| (id, peer.families)).collect();
        for (id, families) in peers {
            for family in families.iter() {
                self.speaker.request_refresh(now, id, family); // one that cannot has heard nothing
            }
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Accepted { stream, remote } => self.accept(now, stream, remote),
            Input::Bytes { key, bytes } => self.speaker.handle_bytes(now, key.peer, key.connection, &bytes),
            Input::Closed { key, error } => {
                self.connections.remove(&key);
                self.speaker.handle_closed(now, key.peer, key.connection);
                if let (Some(error), Some(peer)) = (error, self.address_of(key.peer)) {
                    self.tell(RoutingEvent::Connection { peer, error });
                }
            }
            Input::Connected { key, local } => {
                self.speaker.handle_connected(now, key.peer, key.connection, local);
            }
            Input::Sent { key, octets } => {
                if let Some(connection) = self.connections.get_mut(&key) {
                    connection.outstanding = connection.outstanding.saturating_sub(octets);
                }
                self.speaker.handle_sent(now, key.peer, key.connection, octets);
            }
        }
    }

    /// A connection of somebody who is no peer, or whom the speaker does not want, is closed at once.
    fn accept(&mut self, now: Time, stream: TcpStream, remote: SocketAddr) {
        let interface = socket::interface_of(remote);
        let Some(peer) = self.speaker.peer_at(remote.ip(), interface.as_deref()) else { return };
        let guarded = self.config_of(peer).map(|config| socket::guard(&stream, config));
        let (Some(Ok(())), Ok(local)) = (guarded, stream.local_addr()) else { return };
        let _ = stream.set_nodelay(true); // without it keepalives are later, not lost
        if let Some(connection) = self.speaker.handle_accepted(now, peer, local.ip()) {
            let key = Key { peer, connection };
            let connection = Connection::accepted(key, stream, self.inputs.0.clone(), &mut self.tasks);
            self.connections.insert(key, connection);
        }
    }

    /// Does all that the machines want, until they want nothing more.
    fn settle(&mut self) {
        while let Some(transmit) = self.sessions.poll_transmit() {
            let session = self.bfd.get(&(transmit.to.address, transmit.to.hops.arrived()));
            if let Some(Err(error)) = session.map(|session| session.sender.send(&transmit)) {
                tracing::debug!(to = %transmit.to.address, %error, "BFD packet not sent");
            }
        }
        // Sockets of sessions that have said goodbye for long enough.
        self.bfd.retain(|(address, arrived), _| self.sessions.speaks_to(*address, *arrived));
        while let Some(event) = self.sessions.poll_event() {
            let address = event.neighbor.address;
            let arrived = event.neighbor.hops.arrived();
            let heard = self.sessions.session(address, arrived).and_then(Session::last_alive);
            let now = self.now();
            let bfd = self.bfd.get_mut(&(address, arrived)).map(|bfd| {
                bfd.since = now;
                bfd.peer
            });
            if let (true, Some(peer), Some(heard)) = (event.change.is_failure(), bfd, heard) {
                self.speaker.handle_neighbour_down(now, peer, heard);
            }
            self.tell(RoutingEvent::Bfd { peer: address, change: event.change });
        }
        while let Some((peer, transmit)) = self.speaker.poll_transmit() {
            self.transmit(peer, transmit);
        }
        while let Some((id, event)) = self.speaker.poll_event() {
            let of_routes = matches!(event, Event::Received { .. } | Event::Withdrawn { .. });
            if let (false, Some(peer)) = (of_routes, self.address_of(id)) {
                self.tell(RoutingEvent::Bgp { peer, event });
            }
        }
        while self.tasks.try_join_next().is_some() {}
        if !self.flushes.is_empty() && self.is_flushed() {
            for done in self.flushes.drain(..) {
                let _ = done.send(());
            }
        }
    }

    fn transmit(&mut self, peer: PeerId, transmit: Transmit) {
        let key = Key { peer, connection: transmit.connection() };
        match transmit {
            Transmit::Connect { .. } => {
                if let Some(config) = self.config_of(peer) {
                    let config = config.clone();
                    let connection = Connection::open(key, config, self.inputs.0.clone(), &mut self.tasks);
                    self.connections.insert(key, connection);
                }
            }
            Transmit::Send { bytes, .. } => {
                if let Some(connection) = self.connections.get_mut(&key) {
                    connection.send(bytes);
                }
            }
            Transmit::Close { .. } => drop(self.connections.remove(&key)),
        }
    }

    /// Whether every peer that is up has been written all that there is to say.
    fn is_flushed(&self) -> bool {
        let pending = |id| {
            let status = self.speaker.status(id);
            status.is_some_and(|status| status.state == State::Established && status.routes_pending > 0)
        };
        self.connections.values().all(|connection| connection.outstanding == 0)
            && !self.speaker.peers().any(|(id, _)| pending(id))
    }

    fn tell(&mut self, event: RoutingEvent) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            self.events_lost += 1;
        }
    }

    fn config_of(&self, peer: PeerId) -> Option<&PeerConfig> {
        self.speaker.peers().find(|(id, _)| *id == peer).map(|(_, config)| config)
    }

    fn address_of(&self, peer: PeerId) -> Option<IpAddr> {
        self.config_of(peer).map(|config| config.address)
    }

    fn status(&self) -> RoutingStatus {
        let peers = self.speaker.peers().filter_map(|(id, config)| {
            let mut sockets = self.bfd.iter().filter(|(_, bfd)| bfd.peer == id);
            let session = sockets.find_map(|((address, arrived), bfd)| {
                Some((self.sessions.session(*address, *arrived)?, bfd.since))
            });
            let bfd = session.map(|(session, since)| BfdStatus {
                state: session.state(),
                since,
                diagnostic: session.diagnostic(),
                remote: session.remote(),
                transmit_interval: session.transmit_interval(),
                detection_time: session.detection_time(),
            });
            let interface = config.interface.clone();
            Some(RoutingPeer { id, address: config.address, interface, bgp: self.speaker.status(id)?, bfd })
        });
        RoutingStatus {
            peers: peers.collect(),
            routes: self.speaker.routes().count(),
            events_lost: self.events_lost,
            bfd_discarded: self.bfd_discarded,
        }
    }

    async fn stop(mut self, text: Option<String>) {
        let Some(text) = text else { return };
        self.speaker.stop(self.now(), &text);
        self.settle();
        self.connections.clear();
        let _ = tokio::time::timeout(STOP, async { while self.tasks.join_next().await.is_some() {} }).await;
        // Only now: BIRD and FRR take BFD's farewell for a death (against RFC 5882 section 3.2),
        // and would say so instead of reading ours.
        for (address, arrived) in self.bfd.keys().copied().collect::<Vec<_>>() {
            self.sessions.handle_admin(self.now(), address, arrived, false);
        }
        self.settle();
    }
}
