//! The UDP sockets of BFD (RFC 5881, RFC 5883).
//!
//! Packets of all neighbours arrive at four sockets, one per family and port,
//! each with the TTL that it had left: what that proves is the core's to say.
//! Each session sends from a socket of its own, because its source port is its
//! own (RFC 5881 section 4). A packet that cannot be sent is lost, like one
//! that gets lost on the way: the protocol is made for that.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use lb_core::bfd::{Arrived, Hops, MANY_HOPS_PORT, ONE_HOP_PORT, Origin, Transmit};
use nix::sys::socket::sockopt::{Ipv4RecvTtl, Ipv6RecvHopLimit};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::socket;

/// The source ports of sessions (RFC 5881 section 4).
const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;
/// The longest packet: its length is one octet.
const PACKET_BYTES: usize = 255;

/// A datagram that arrived.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) origin: Origin,
    pub(super) bytes: Vec<u8>,
}

/// Begins to listen for neighbours of one family at one port; nobody else may.
pub(super) fn listen(
    v4: bool,
    arrived: Arrived,
    datagrams: mpsc::Sender<Datagram>,
    tasks: &mut JoinSet<()>,
) -> io::Result<()> {
    let port = match arrived {
        Arrived::OneHop => ONE_HOP_PORT,
        Arrived::ManyHops => MANY_HOPS_PORT,
    };
    let socket = socket::datagram(SocketAddr::new(any(v4), port), None)?;
    if v4 {
        setsockopt(&socket, Ipv4RecvTtl, &true)?;
    } else {
        setsockopt(&socket, Ipv6RecvHopLimit, &true)?;
    }
    let socket = UdpSocket::from_std(socket.into())?;
    tasks.spawn(async move {
        loop {
            let received = socket.async_io(Interest::READABLE, || receive(&socket, arrived)).await;
            // An error is one of an earlier packet, as ICMP reported it.
            if let Ok(Some(datagram)) = received
                && datagrams.send(datagram).await.is_err()
            {
                return;
            }
        }
    });
    Ok(())
}

/// A socket that a session's packets leave from.
#[derive(Debug)]
pub(super) struct Sender {
    socket: UdpSocket,
    to: SocketAddr,
}

impl Sender {
    /// A socket with a source port of its own, the search for which begins at `start`.
    pub(super) fn open(
        neighbor: IpAddr,
        hops: Hops,
        local: Option<IpAddr>,
        interface: Option<&str>,
        start: u16,
    ) -> io::Result<Self> {
        let port = match hops.arrived() {
            Arrived::OneHop => ONE_HOP_PORT,
            Arrived::ManyHops => MANY_HOPS_PORT,
        };
        let to = socket::scoped(neighbor, port, interface)?;
        let local = local.unwrap_or_else(|| any(neighbor.is_ipv4()));
        let first = *SOURCE_PORTS.start();
        let count = SOURCE_PORTS.end() - first;
        let mut taken = None;
        for port in (0..=count).map(|step| first + (start % count + step) % count) {
            match socket::datagram(socket::scoped(local, port, interface)?, interface) {
                Ok(socket) => return Ok(Self { socket: UdpSocket::from_std(socket.into())?, to }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
    }

    /// Sends a packet, unless that would mean waiting.
    pub(super) fn send(&self, transmit: &Transmit) -> io::Result<()> {
        self.socket.try_send_to(&transmit.bytes, self.to).map(drop)
    }
}

fn any(v4: bool) -> IpAddr {
    if v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// The next datagram with its TTL; `None` for one without.
fn receive(socket: &UdpSocket, arrived: Arrived) -> io::Result<Option<Datagram>> {
    let mut buffer = [0; PACKET_BYTES];
    let mut control = nix::cmsg_space!(i32);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let message = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let ttl = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => u8::try_from(ttl).ok(),
        _ => None,
    });
    let from = message.address.as_ref().and_then(address);
    let length = message.bytes;
    Ok(ttl.zip(from).map(|(ttl, address)| Datagram {
        origin: Origin { address, arrived, ttl },
        bytes: buffer[..length].to_vec(),
    }))
}

fn address(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
