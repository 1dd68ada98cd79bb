//! The backends' servers: one thread with `epoll` for all of them.
//!
//! A connection is greeted with the backend's digit and gets it again for each
//! byte that it sends; datagrams are only noted. A server that is stopped loses
//! all of its sockets at once, as a process that dies does.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use lb_core::Protocol;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

use super::PORT;
use crate::namespace::Namespace;

/// The servers of all backends.
#[derive(Debug)]
pub(crate) struct Servers {
    shared: Arc<Shared>,
}

/// Which backend got a flow, by protocol and source.
type Taken = HashMap<(Protocol, SocketAddr), usize>;

#[derive(Debug, Default)]
struct Shared {
    taken: Mutex<Taken>,
    orders: Mutex<Vec<Order>>,
}

#[derive(Debug)]
enum Order {
    Start(usize, Vec<Kind>),
    Stop(usize),
}

/// A socket of a server.
#[derive(Debug)]
enum Kind {
    Listener(TcpListener),
    Datagrams(UdpSocket),
    Connection(TcpStream),
}

/// The thread's own state.
#[derive(Debug)]
struct Server {
    epoll: OwnedFd,
    sockets: HashMap<u64, (usize, Kind)>,
    next: u64,
    shared: Arc<Shared>,
}

impl Servers {
    /// Starts the thread; no server runs yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let server = Server { epoll, sockets: HashMap::new(), next: 0, shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("servers".to_owned()).spawn(move || server.serve())?;
        Ok(Self { shared })
    }

    /// Starts the server of a backend, from 0.
    pub(crate) fn start(&self, index: usize, namespace: &Namespace) -> anyhow::Result<()> {
        let sockets = namespace.run(sockets).with_context(|| namespace.name().to_owned())?;
        lock(&self.shared.orders).push(Order::Start(index, sockets));
        Ok(())
    }

    /// Ends a server as a kill does: every socket is closed.
    pub(crate) fn stop(&self, index: usize) {
        lock(&self.shared.orders).push(Order::Stop(index));
    }

    /// The backend that got a flow.
    pub(crate) fn taker(&self, protocol: Protocol, source: SocketAddr) -> Option<usize> {
        lock(&self.shared.taken).get(&(protocol, source)).copied()
    }

    /// Forgets all flows, so that their ports can be used again.
    pub(crate) fn forget(&self) {
        lock(&self.shared.taken).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sockets of one server, made inside its namespace.
fn sockets() -> anyhow::Result<Vec<Kind>> {
    let mut sockets = Vec::new();
    for address in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        sockets.push(Kind::Listener(listener(SocketAddr::new(address, PORT))?));
        let socket = bound(SocketAddr::new(address, PORT), Type::DGRAM)?;
        socket.set_recv_buffer_size(4 << 20)?;
        sockets.push(Kind::Datagrams(socket.into()));
    }
    Ok(sockets)
}

/// A listener of one family that does not wait.
pub(super) fn listener(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = bound(address, Type::STREAM)?;
    socket.listen(1024)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, kind: Type) -> anyhow::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

impl Server {
    fn serve(mut self) {
        let pause = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let mut events = Vec::with_capacity(256);
        loop {
            let orders = std::mem::take(&mut *lock(&self.shared.orders));
            orders.into_iter().for_each(|order| self.obey(order));
            events.clear();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            if epoll::wait(&self.epoll, buffer, Some(&pause)).is_err() {
                continue;
            }
            for event in &events {
                let token = event.data.u64();
                if !self.handle(token) {
                    self.sockets.remove(&token);
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(index, sockets) => sockets.into_iter().for_each(|kind| self.add(index, kind)),
            Order::Stop(index) => self.sockets.retain(|_, (owner, _)| *owner != index),
        }
    }

    fn add(&mut self, index: usize, kind: Kind) {
        let fd = match &kind {
            Kind::Listener(socket) => socket.as_fd(),
            Kind::Datagrams(socket) => socket.as_fd(),
            Kind::Connection(socket) => socket.as_fd(),
        };
        // what cannot be watched is closed, and its client sees that
        if epoll::add(&self.epoll, fd, EventData::new_u64(self.next), EventFlags::IN).is_ok() {
            self.sockets.insert(self.next, (index, kind));
        }
        self.next += 1;
    }

    /// Does what a socket is ready for; `false` if it is done with.
    fn handle(&mut self, token: u64) -> bool {
        let Some((index, kind)) = self.sockets.get_mut(&token) else { return true };
        let index = *index;
        match kind {
            Kind::Listener(listener) => {
                let mut accepted = Vec::new();
                while let Ok((connection, source)) = listener.accept() {
                    accepted.push((connection, source));
                }
                for (connection, source) in accepted {
                    self.greet(index, connection, source);
                }
                true
            }
            Kind::Datagrams(socket) => {
                let mut taken = lock(&self.shared.taken);
                while let Ok((_, source)) = socket.recv_from(&mut [0; 64]) {
                    taken.insert((Protocol::UDP, plain(source)), index);
                }
                true
            }
            Kind::Connection(connection) => answer(connection, index),
        }
    }

    fn greet(&mut self, index: usize, mut connection: TcpStream, source: SocketAddr) {
        lock(&self.shared.taken).insert((Protocol::TCP, plain(source)), index);
        let is_ready = connection.set_nonblocking(true).and_then(|()| connection.write_all(&[digit(index)]));
        if is_ready.is_ok() {
            self.add(index, Kind::Connection(connection));
        }
    }
}

/// The byte by which a backend names itself.
pub(super) fn digit(index: usize) -> u8 {
    b'0' + u8::try_from(index).expect("there are few backends")
}

/// A source without scope and flow label.
fn plain(source: SocketAddr) -> SocketAddr {
    SocketAddr::new(source.ip(), source.port())
}

/// One digit for each byte; `false` when the connection has ended.
fn answer(connection: &mut TcpStream, index: usize) -> bool {
    let mut buffer = [0; 256];
    match connection.read(&mut buffer) {
        Ok(0) => false,
        Ok(count) => {
            buffer[..count].fill(digit(index));
            connection.write_all(&buffer[..count]).is_ok()
        }
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}
