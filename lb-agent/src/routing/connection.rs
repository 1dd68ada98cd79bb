//! One TCP connection: octets in, octets out, and an end that the peer can read about.
//!
//! Each has a task of its own, so that a peer that reads slowly delays nobody.
//! What is written is bounded by the speaker's window, what is read by the
//! engine's channel. Dropping the [`Connection`] ends it: what is queued is
//! still written, for a second at most, and the peer's octets are read until it
//! closes as well - a socket closed with unread octets sends a reset, and the
//! NOTIFICATION before it is lost.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use lb_core::bgp::{ConnectionId, PeerConfig, PeerId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::engine::Input;
use super::socket;

/// For how long a closed connection may still write.
const LINGER: Duration = Duration::from_secs(1);
/// Octets read at once.
const READ_BYTES: usize = 16 << 10;

/// Names a connection to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) peer: PeerId,
    pub(super) connection: ConnectionId,
}

/// The engine's end of a connection; dropped, it ends.
#[derive(Debug)]
pub(super) struct Connection {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    /// Its drop is the sign to end.
    _end: oneshot::Sender<()>,
    /// Octets handed over and not yet written.
    pub(super) outstanding: usize,
}

impl Connection {
    /// Opens a connection to a peer.
    pub(super) fn open(
        key: Key,
        peer: PeerConfig,
        inputs: mpsc::Sender<Input>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (connection, ends) = Self::new();
        tasks.spawn(async move {
            let mut ends = ends;
            let connected = tokio::select! {
                connected = connect(&peer) => connected,
                _ = &mut ends.end => return,
            };
            match connected {
                Ok((stream, local)) => {
                    let _ = inputs.send(Input::Connected { key, local }).await;
                    run(key, stream, ends, &inputs).await;
                }
                Err(error) => {
                    let _ = inputs.send(Input::Closed { key, error: Some(error) }).await;
                }
            }
        });
        connection
    }

    /// Goes on with a connection that the peer opened.
    pub(super) fn accepted(
        key: Key,
        stream: TcpStream,
        inputs: mpsc::Sender<Input>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (connection, ends) = Self::new();
        tasks.spawn(async move { run(key, stream, ends, &inputs).await });
        connection
    }

    fn new() -> (Self, Ends) {
        let (queue, queued) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        (Self { queue, _end: end, outstanding: 0 }, Ends { queued, end: ended })
    }

    /// Queues octets; a connection that is gone has said so or will.
    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        self.outstanding += bytes.len();
        let _ = self.queue.send(bytes);
    }
}

/// The task's end of a connection.
struct Ends {
    queued: mpsc::UnboundedReceiver<Vec<u8>>,
    end: oneshot::Receiver<()>,
}

async fn connect(peer: &PeerConfig) -> io::Result<(TcpStream, IpAddr)> {
    let remote = socket::scoped(peer.address, peer.port, peer.interface.as_deref())?;
    let stream = socket::outgoing(peer)?.connect(remote).await?;
    let local = stream.local_addr()?.ip();
    Ok((stream, local))
}

async fn run(key: Key, stream: TcpStream, ends: Ends, inputs: &mpsc::Sender<Input>) {
    let Ends { queued, mut end } = ends;
    let (mut reader, writer) = stream.into_split();
    let mut output = Output { writer, queued, current: Vec::new(), written: 0 };
    let error = tokio::select! {
        error = read(key, &mut reader, inputs) => Some(error),
        error = write(key, &mut output, inputs) => Some(error),
        _ = &mut end => None,
    };
    match error {
        Some(error) => {
            let _ = inputs.send(Input::Closed { key, error }).await;
        }
        None => {
            let _ = tokio::time::timeout(LINGER, finish(reader, output)).await;
        }
    }
}

/// Reads until the peer closes (`None`) or the connection breaks.
async fn read(key: Key, reader: &mut OwnedReadHalf, inputs: &mpsc::Sender<Input>) -> Option<io::Error> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return None,
            Ok(length) => {
                let bytes = buffer[..length].to_vec();
                if inputs.send(Input::Bytes { key, bytes }).await.is_err() {
                    return None;
                }
            }
            Err(error) => return Some(error),
        }
    }
}

/// What is to be written, and how far it is.
struct Output {
    writer: OwnedWriteHalf,
    queued: mpsc::UnboundedReceiver<Vec<u8>>,
    current: Vec<u8>,
    written: usize,
}

impl Output {
    /// Writes the next octets and says how many; `None` once there are none and will be none.
    /// May be given up at any point: nothing is written twice or left out.
    async fn write_some(&mut self) -> io::Result<Option<usize>> {
        while self.written == self.current.len() {
            match self.queued.recv().await {
                Some(bytes) => (self.current, self.written) = (bytes, 0),
                None => return Ok(None),
            }
        }
        match self.writer.write(&self.current[self.written..]).await? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            octets => {
                self.written += octets;
                Ok(Some(octets))
            }
        }
    }
}

/// Writes what is queued until the connection breaks.
async fn write(key: Key, output: &mut Output, inputs: &mpsc::Sender<Input>) -> Option<io::Error> {
    loop {
        match output.write_some().await {
            Ok(Some(octets)) => {
                let _ = inputs.send(Input::Sent { key, octets }).await;
            }
            // The engine let go; its other sign comes at once.
            Ok(None) => return std::future::pending().await,
            Err(error) => return Some(error),
        }
    }
}

/// Writes the rest, says that no more comes, and reads until the peer has said so too.
async fn finish(mut reader: OwnedReadHalf, mut output: Output) -> io::Result<()> {
    while output.write_some().await?.is_some() {}
    output.writer.shutdown().await?;
    let mut buffer = [0; 4096];
    while reader.read(&mut buffer).await? > 0 {}
    Ok(())
}
