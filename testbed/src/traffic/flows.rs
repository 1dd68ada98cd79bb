//! Connections of the client: opened from given ports, kept, and asked whether they live.
//!
//! Each knows the backend that greeted it. A connection is asked with one byte
//! and has to answer with its backend's digit; what else may happen to it is a
//! [`Life`], and only losses of [`Life::Open`] ones count as such.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

use crate::namespace::Namespace;

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    /// No answer to its first packet yet.
    Opening,
    /// With the backend that greeted it.
    Open(usize),
    /// Its first packet was answered with a refusal.
    Refused,
    /// It was reset, or closed by the other side.
    Reset,
    /// Another backend answered in its middle, which cannot be by TCP's own rules.
    Moved,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Flow {
    socket: TcpStream,
    pub(crate) source: SocketAddr,
    pub(crate) vip: SocketAddr,
    pub(crate) life: Life,
    asked: u32,
    answered: u32,
}

/// Connections to VIPs.
#[derive(Debug)]
pub(crate) struct Flows {
    pub(crate) flows: Vec<Flow>,
}

/// How many are how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) open: usize,
    /// Open, and silent when asked last.
    pub(crate) silent: usize,
    pub(crate) opening: usize,
    pub(crate) refused: usize,
    pub(crate) reset: usize,
    pub(crate) moved: usize,
}

impl Census {
    /// Connections that were open once and are of no use now.
    pub(crate) const fn lost(&self) -> usize {
        self.silent + self.reset + self.moved
    }

    /// Connections that never came to be.
    pub(crate) const fn unopened(&self) -> usize {
        self.opening + self.refused
    }
}

impl Flows {
    /// Opens connections, each from a source to a VIP, and waits for the backends' greetings.
    pub(crate) fn open(
        client: &Namespace,
        pairs: &[(SocketAddr, SocketAddr)],
        patience: Duration,
    ) -> anyhow::Result<Self> {
        // by one visit to the client's namespace
        let sockets: std::io::Result<Vec<Socket>> =
            client.run(|| pairs.iter().map(|(source, vip)| connect(*source, *vip)).collect());
        let flow = |(socket, (source, vip)): (Socket, &(SocketAddr, SocketAddr))| Flow {
            socket: socket.into(),
            source: *source,
            vip: *vip,
            life: Life::Opening,
            asked: 1,
            answered: 0,
        };
        let mut flows = Self { flows: sockets?.into_iter().zip(pairs).map(flow).collect() };
        flows.listen(Instant::now() + patience);
        Ok(flows)
    }

    /// Asks all that are open, and waits for their answers; how all are then.
    pub(crate) fn probe(&mut self, patience: Duration) -> Census {
        for flow in &mut self.flows {
            flow.ask();
        }
        self.listen(Instant::now() + patience);
        self.census()
    }

    /// Waits until nobody owes an answer, or the time has come.
    fn listen(&mut self, deadline: Instant) {
        loop {
            let mut owing: Vec<&mut Flow> = self.flows.iter_mut().filter(|flow| flow.owes_answer()).collect();
            let left = deadline.saturating_duration_since(Instant::now());
            if owing.is_empty() || left.is_zero() {
                return;
            }
            let ready: Vec<bool> = {
                let mut polled: Vec<_> = owing
                    .iter()
                    .map(|flow| PollFd::from_borrowed_fd(flow.socket.as_fd(), PollFlags::IN))
                    .collect();
                let pause = left.min(Duration::from_millis(200));
                let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(pause.subsec_nanos()) };
                // an interrupted wait is a short one
                let _ = poll(&mut polled, Some(&pause));
                polled.iter().map(|polled| !polled.revents().is_empty()).collect()
            };
            for (flow, _) in owing.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
                flow.hear();
            }
        }
    }

    /// Asks again and again while something else happens, then once more with patience.
    pub(crate) fn watch<T>(&mut self, patience: Duration, act: impl FnOnce() -> T) -> (T, Census) {
        let is_over = AtomicBool::new(false);
        let done = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    self.probe(Duration::from_millis(300));
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            let done = act();
            is_over.store(true, Ordering::Relaxed);
            done
        });
        (done, self.probe(patience))
    }

    pub(crate) fn census(&self) -> Census {
        let mut census = Census::default();
        for flow in &self.flows {
            match flow.life {
                Life::Open(_) if flow.owes_answer() => census.silent += 1,
                Life::Open(_) => census.open += 1,
                Life::Opening => census.opening += 1,
                Life::Refused => census.refused += 1,
                Life::Reset => census.reset += 1,
                Life::Moved => census.moved += 1,
            }
        }
        census
    }

    /// How many a backend has, of those that are open, and heard of when asked last.
    pub(crate) fn on(&self, backend: usize) -> usize {
        let is_on = |flow: &&Flow| flow.life == Life::Open(backend) && !flow.owes_answer();
        self.flows.iter().filter(is_on).count()
    }
}

fn connect(source: SocketAddr, vip: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(vip), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&source.into())?;
    match socket.connect(&vip.into()) {
        Ok(()) => Ok(socket),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
            Ok(socket)
        }
        Err(error) => Err(error),
    }
}

impl Flow {
    /// Whether it was asked something that it has not answered yet.
    pub(crate) const fn owes_answer(&self) -> bool {
        matches!(self.life, Life::Opening | Life::Open(_)) && self.answered < self.asked
    }

    /// Whether it was open once and is of no use now.
    pub(crate) const fn is_lost(&self) -> bool {
        match self.life {
            Life::Open(_) => self.owes_answer(),
            Life::Reset | Life::Moved => true,
            Life::Opening | Life::Refused => false,
        }
    }

    fn ask(&mut self) {
        let Life::Open(_) = self.life else { return };
        match self.socket.write(b"?") {
            Ok(_) => self.asked += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.life = Life::Reset,
        }
    }

    fn hear(&mut self) {
        let mut buffer = [0; 64];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.life = Life::Reset,
            Ok(count) => {
                self.answered += u32::try_from(count).expect("a small buffer");
                buffer[..count]
                    .iter()
                    .for_each(|byte| self.answered_by(usize::from(byte.wrapping_sub(b'0'))));
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.life = if self.life == Life::Opening { Life::Refused } else { Life::Reset },
        }
    }

    fn answered_by(&mut self, backend: usize) {
        self.life = match self.life {
            Life::Opening => Life::Open(backend),
            Life::Open(before) if before == backend => Life::Open(before),
            Life::Open(_) | Life::Moved => Life::Moved,
            Life::Refused => Life::Refused,
            Life::Reset => Life::Reset,
        };
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // with a reset, so that the port is free for the next scenario and no backend keeps the connection
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}
