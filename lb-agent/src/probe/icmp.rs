//! ICMP: an echo request of 64 bytes, and its own reply.
//!
//! One raw socket for each family serves all checks, with a filter in the kernel: of all ICMP
//! that reaches the host it takes our replies and "unreachable" only. A task hands each to the
//! check that waits for it, by sequence number. Needs `CAP_NET_RAW`.

mod filter;
mod message;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::rand::GetRandomFlags;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::failure::{AnswerFault, Failure, LocalFault, NoWay};
use super::report::{Phase, Progress};
use message::{Family, Heard, Ping};

/// Asks by ICMP; opens its sockets when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Pinger {
    v4: Mutex<Option<Open>>,
    v6: Mutex<Option<Open>>,
}

/// An open socket and the task that reads it.
#[derive(Debug)]
struct Open {
    line: Arc<Line>,
    reader: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A raw socket and those who wait for what comes in.
#[derive(Debug)]
struct Line {
    family: Family,
    socket: UdpSocket,
    identifier: u16,
    /// What no other process knows: a reply must bring it back.
    nonce: [u8; 16],
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u16,
    by_sequence: HashMap<u16, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    asked: IpAddr,
    answer: oneshot::Sender<Result<(), Failure>>,
}

/// Replies are 64 bytes and errors quote what was sent; the rest of a longer message does not matter.
const BUFFER: usize = 256;

impl Pinger {
    /// Asks, and waits for the reply.
    pub(super) async fn check(&self, address: IpAddr, progress: &mut Progress) -> Result<(), Failure> {
        let line = self.line(address).map_err(|error| LocalFault::of(&error))?;
        // In a burst of checks the reader's turn may come too late for the socket's buffer.
        line.drain();
        let (turn, answer) = line.wait_for(address)?;
        progress.enter(Phase::Answer);
        let ping = Ping { identifier: line.identifier, sequence: turn.sequence, nonce: line.nonce };
        let sent = line.socket.send_to(&ping.request(line.family), SocketAddr::new(address, 0)).await;
        sent.map_err(|error| Failure::of(&error, Phase::Answer))?;
        let result = answer.await.expect("who answers says something, and the turn keeps the place");
        progress.enter(Phase::Body);
        result
    }

    fn line(&self, address: IpAddr) -> io::Result<Arc<Line>> {
        let (slot, family) = match address {
            IpAddr::V4(_) => (&self.v4, Family::V4),
            IpAddr::V6(_) => (&self.v6, Family::V6),
        };
        let mut slot = locked(slot);
        // A reader ends with the runtime that it was started on.
        if let Some(open) = slot.as_ref().filter(|open| !open.reader.is_finished()) {
            return Ok(Arc::clone(&open.line));
        }
        let line = Arc::new(Line::open(family)?);
        let reader = tokio::spawn(read(Arc::clone(&line)));
        *slot = Some(Open { line: Arc::clone(&line), reader });
        Ok(line)
    }
}

impl Line {
    fn open(family: Family) -> io::Result<Self> {
        let mut random = [0; 18];
        rustix::rand::getrandom(&mut random, GetRandomFlags::empty())?;
        let (identifier, nonce) = random.split_first_chunk().expect("18 bytes");
        let identifier = u16::from_be_bytes(*identifier);
        let (domain, protocol) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
        socket.attach_filter(&filter::ours(family, identifier))?;
        Ok(Self {
            family,
            // Sends to and receives from addresses, as a datagram socket does.
            socket: UdpSocket::from_std(StdSocket::from(socket))?,
            identifier,
            nonce: nonce.try_into().expect("16 bytes are left"),
            waiting: Mutex::default(),
        })
    }

    /// Takes a free number, and the place where its answer will be.
    fn wait_for(
        self: &Arc<Self>,
        asked: IpAddr,
    ) -> Result<(Turn, oneshot::Receiver<Result<(), Failure>>), Failure> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = locked(&self.waiting);
        let sequence = (0..=u16::MAX)
            .map(|step| waiting.next.wrapping_add(step))
            .find(|sequence| !waiting.by_sequence.contains_key(sequence))
            .ok_or(LocalFault::Busy)?;
        waiting.next = sequence.wrapping_add(1);
        waiting.by_sequence.insert(sequence, Waiter { asked, answer: sender });
        Ok((Turn { line: Arc::clone(self), sequence }, receiver))
    }

    /// Hears what has come already.
    fn drain(&self) {
        let mut buffer = [0; BUFFER];
        while let Ok((length, from)) = self.socket.try_recv_from(&mut buffer) {
            self.hear(from.ip(), &buffer[..length]);
        }
    }

    fn hear(&self, from: IpAddr, bytes: &[u8]) {
        let Some((sequence, heard)) = message::read(self.family, self.identifier, bytes) else { return };
        let mut waiting = locked(&self.waiting);
        let Some(waiter) = waiting.by_sequence.get(&sequence) else { return };
        let result = match heard {
            Heard::Reply(payload) => {
                // Another process may have drawn our identifier, and ask the same: not our reply.
                if waiter.asked != from || !payload.starts_with(&self.nonce) {
                    return;
                }
                let ping = Ping { identifier: self.identifier, sequence, nonce: self.nonce };
                let wanted = ping.payload();
                match wanted.iter().zip(payload).position(|(wanted, got)| wanted != got) {
                    Some(at) => Err(AnswerFault::Differs { at }.into()),
                    None if payload.len() < wanted.len() => {
                        Err(AnswerFault::Short { got: payload.len(), wanted: wanted.len() }.into())
                    }
                    None => Ok(()),
                }
            }
            Heard::Unreachable { asked, what } if asked == waiter.asked => Err(unreachable(what)),
            Heard::Unreachable { .. } => return,
        };
        if let Some(waiter) = waiting.by_sequence.remove(&sequence) {
            // Who no longer waits has given up in this very moment.
            let _ = waiter.answer.send(result);
        }
    }
}

const fn unreachable(what: NoWay) -> Failure {
    Failure::Unreachable { what, phase: Phase::Answer }
}

/// A number in use; free again when dropped, also by a check that was given up.
struct Turn {
    line: Arc<Line>,
    sequence: u16,
}

impl Drop for Turn {
    fn drop(&mut self) {
        locked(&self.line.waiting).by_sequence.remove(&self.sequence);
    }
}

/// Reads until its owner ends it.
async fn read(line: Arc<Line>) {
    let mut buffer = [0; BUFFER];
    loop {
        // An error is that of a packet sent before; its check runs into its deadline.
        if let Ok((length, from)) = line.socket.recv_from(&mut buffer).await {
            line.hear(from.ip(), &buffer[..length]);
        }
    }
}

/// Nothing is left half done under these locks, so a panic elsewhere does not matter.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
