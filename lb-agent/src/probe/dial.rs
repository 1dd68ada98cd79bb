//! Sockets of checks: options, source, mark, and a connection that leaves nothing behind.
//!
//! Whoever closes a TCP connection first keeps it for a minute in `TIME_WAIT`; at thousands
//! of checks a second that would be the node. So all of them linger for no time at all:
//! closing sends a reset, and both sides forget at once. A check that only connects goes
//! further, as HAProxy's does: without quick acknowledgements the kernel holds the third
//! packet of the handshake back, the reset goes out instead of it, and the backend's
//! application never gets a connection to accept and to complain about. A full accept queue
//! is noticed all the same: the kernel of the backend then answers no SYN.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::failure::{Failure, LocalFault};
use super::report::{Phase, Progress};
use super::target::Target;

/// Whether a connection will carry anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is reset as soon as it stands.
    ConnectOnly,
    /// It is spoken over.
    Talk,
}

/// Connects, and goes on to the next phase.
pub(super) async fn tcp(
    target: &Target,
    port: u16,
    purpose: Use,
    next: Phase,
    progress: &mut Progress,
) -> Result<TcpStream, Failure> {
    let remote = SocketAddr::new(target.address, port);
    let socket = tcp_socket(target, purpose).map_err(|error| LocalFault::of(&error))?;
    progress.enter(Phase::Connect);
    let stream = socket.connect(remote).await.map_err(|error| of_connect(&error))?;
    progress.enter(next);
    Ok(stream)
}

/// A datagram socket that takes datagrams of the target only, and hears of its ICMP errors.
pub(super) fn udp(target: &Target, port: u16) -> Result<UdpSocket, Failure> {
    let remote = SocketAddr::new(target.address, port);
    let connected = || {
        let socket = Socket::new(domain(target), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
        prepare(&socket, target)?;
        socket.connect(&remote.into())?;
        UdpSocket::from_std(socket.into())
    };
    connected().map_err(|error| of_connect(&error))
}

fn tcp_socket(target: &Target, purpose: Use) -> io::Result<TcpSocket> {
    let socket = Socket::new(domain(target), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    socket.set_linger(Some(Duration::ZERO))?;
    match purpose {
        Use::ConnectOnly => socket.set_tcp_quickack(false)?,
        Use::Talk => socket.set_tcp_nodelay(true)?,
    }
    prepare(&socket, target)?;
    Ok(TcpSocket::from_std_stream(socket.into()))
}

fn prepare(socket: &Socket, target: &Target) -> io::Result<()> {
    if let Some(mark) = target.mark {
        socket.set_mark(mark)?;
    }
    if target.source.is_none() && target.source_port == 0 {
        return Ok(());
    }
    let any = match target.address {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    let source = SocketAddr::new(target.source.unwrap_or(any), target.source_port);
    if target.source_port != 0 {
        // One port towards several targets, and again at once.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&SockAddr::from(source))
}

const fn domain(target: &Target) -> Domain {
    match target.address {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    }
}

/// What an error of `connect` means; some are the checker's own.
fn of_connect(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => LocalFault::Address.into(),
        _ => Failure::of(error, Phase::Connect),
    }
}
