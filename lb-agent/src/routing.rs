//! BGP and BFD on real sockets: a thin loop around the machines of `lb_core`.
//!
//! One task owns [`lb_core::bgp::Speaker`] and [`lb_core::bfd::Sessions`] and
//! carries octets, datagrams and deadlines between them and the kernel; every
//! TCP connection has a task of its own. Nothing is decided here but how to
//! treat a socket: what to announce is `lb_core::announce`'s, what to answer a
//! peer the machines'. The one thing that passes between the two: a neighbour
//! that BFD finds dead is reported to its BGP session at once.

mod connection;
mod datagram;
mod engine;
mod socket;
mod status;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use ipnet::IpNet;
use lb_core::bgp::{Route, SpeakerConfig, Start};
use lb_core::config::BfdConfig;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use engine::{Command, Engine};

pub use status::{BfdStatus, RoutingEvent, RoutingPeer, RoutingStatus};

/// Commands on their way to the loop, and events on their way to the owner.
const QUEUE: usize = 1024;

/// What the node routes with.
#[derive(Clone, Debug)]
pub struct RoutingConfig {
    /// The BGP speaker and its peers.
    pub speaker: SpeakerConfig,
    /// The timing of the sessions that peers ask for.
    pub bfd: BfdConfig,
    /// Where peers may connect to.
    pub listen: Vec<SocketAddr>,
}

/// Why the sockets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RoutingError {
    /// The address to listen on.
    #[error(
        "cannot listen on {address} for BGP: {source}; port 179 needs CAP_NET_BIND_SERVICE, and nobody else on it"
    )]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// A password of a peer.
    #[error("cannot set the password of {peer} (TCP MD5): {source}")]
    Password {
        /// Its address.
        peer: std::net::IpAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The sockets of BFD.
    #[error(
        "cannot open the sockets of BFD for {peer}: {source}; another BFD daemon may have UDP 3784 or 4784"
    )]
    Bfd {
        /// The address of the peer that wants it.
        peer: std::net::IpAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// A peer's profile is not there.
    #[error("no BFD profile `{name}` for peer {peer}; add it to `bfd.profiles`, or write `bfd: true`")]
    Profile {
        /// Its address.
        peer: std::net::IpAddr,
        /// As configured.
        name: String,
    },
    /// BFD sessions beyond the limit, or two with one address.
    #[error("no BFD session for peer {peer}: {source}")]
    Session {
        /// Its address.
        peer: std::net::IpAddr,
        /// Why.
        source: lb_core::bfd::AddError,
    },
    /// The loop has ended.
    #[error("routing has stopped")]
    Stopped,
}

/// A running speaker with its sockets. Dropped, it closes them without a word,
/// as a crash would: peers that help with restarts keep the routes.
///
/// ```no_run
/// use std::time::Instant;
///
/// use lb_agent::routing::{Routing, RoutingConfig};
/// use lb_core::bgp::{Asn, PeerConfig, Route, SpeakerConfig, Start};
/// use lb_core::config::BfdConfig;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let router = PeerConfig { bfd: Some("default".into()), ..PeerConfig::new("10.0.0.1".parse()?, Asn(64_500)) };
/// let speaker = SpeakerConfig { peers: vec![router], ..SpeakerConfig::new(Asn(64_512), "10.0.0.11".parse()?) };
/// let config = RoutingConfig { speaker, bfd: BfdConfig::default(), listen: vec!["0.0.0.0:179".parse()?] };
///
/// let (routing, mut events) = Routing::start(config, Start::Cold, Instant::now(), 7)?;
/// routing.announce("203.0.113.10/32".parse()?, Route::default()).await?;
/// routing.complete().await?;
/// while let Some(event) = events.recv().await {
///     println!("{event}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Routing {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

impl Routing {
    /// Opens the sockets and starts all sessions; must be called within a tokio runtime.
    ///
    /// `epoch` is the start of the machines' time; `seed` is the randomness of
    /// timers and names, and never the same twice.
    ///
    /// # Errors
    ///
    /// A socket cannot be had, or BFD is configured for what it cannot be.
    pub fn start(
        config: RoutingConfig,
        start: Start,
        epoch: Instant,
        seed: u64,
    ) -> Result<(Self, mpsc::Receiver<RoutingEvent>), RoutingError> {
        let (commands, received) = mpsc::channel(QUEUE);
        let (told, events) = mpsc::channel(QUEUE);
        let engine = Engine::new(config, start, epoch, seed, told)?;
        let task = tokio::spawn(engine.run(received));
        Ok((Self { commands, task }, events))
    }

    /// Announces a prefix to all peers, or changes what its route says.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`], as of all commands.
    pub async fn announce(&self, prefix: IpNet, route: Route) -> Result<(), RoutingError> {
        self.tell(Command::Announce { prefix, route }).await
    }

    /// Withdraws a prefix from all peers; [`flush`](Self::flush) says when they were told.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub async fn withdraw(&self, prefix: IpNet) -> Result<(), RoutingError> {
        self.tell(Command::Withdraw { prefix }).await
    }

    /// Returns once all that was announced and withdrawn before is written to
    /// every peer whose session is up. A peer that reads nothing holds this up
    /// until its session falls.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub async fn flush(&self) -> Result<(), RoutingError> {
        self.flushed().await
    }

    /// The same as a future of its own, to wait beside other commands.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub fn flushed(&self) -> impl Future<Output = Result<(), RoutingError>> + Send + use<> {
        let commands = self.commands.clone();
        async move {
            let (done, flushed) = oneshot::channel();
            commands.send(Command::Flush { done }).await.map_err(|_| RoutingError::Stopped)?;
            flushed.await.map_err(|_| RoutingError::Stopped)
        }
    }

    /// Says that all routes of a start were announced; peers that kept our
    /// earlier ones forget the rest.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub async fn complete(&self) -> Result<(), RoutingError> {
        self.tell(Command::Complete).await
    }

    /// Takes another configuration, without touching sessions that it leaves as they are.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`], or what of it could not be done; the rest was.
    pub async fn configure(&self, config: RoutingConfig) -> Result<(), RoutingError> {
        self.ask(|done| Command::Configure { config: Box::new(config), done }).await?
    }

    /// How it stands with the peers.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub async fn status(&self) -> Result<RoutingStatus, RoutingError> {
        self.ask(|answer| Command::Status { answer }).await
    }

    /// Asks all peers for their routes again (RFC 2918).
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`].
    pub async fn refresh(&self) -> Result<(), RoutingError> {
        self.tell(Command::Refresh).await
    }

    /// Ends all sessions for good: peers are told `text`, forget our routes, and
    /// take nothing for dead. Returns when the sockets are closed, within about a second.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`] if it had stopped already.
    pub async fn stop(self, text: &str) -> Result<(), RoutingError> {
        self.tell(Command::Stop { text: Some(text.to_owned()) }).await?;
        self.task.await.map_err(|_| RoutingError::Stopped)
    }

    /// Closes all sockets without a word, for a process that will be back at
    /// once: peers that help with restarts keep the routes. BFD is silent, too:
    /// peers take its farewell for a death, and what it finds later no longer
    /// concerns a session that is down.
    ///
    /// # Errors
    ///
    /// [`RoutingError::Stopped`] if it had stopped already.
    pub async fn leave(self) -> Result<(), RoutingError> {
        self.tell(Command::Stop { text: None }).await?;
        self.task.await.map_err(|_| RoutingError::Stopped)
    }

    async fn tell(&self, command: Command) -> Result<(), RoutingError> {
        self.commands.send(command).await.map_err(|_| RoutingError::Stopped)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, RoutingError> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer)).await?;
        answered.await.map_err(|_| RoutingError::Stopped)
    }
}

#[cfg(test)]
mod tests;
