//! Options of sockets that a routing protocol needs: TTL both ways, and passwords.
//!
//! The standard library and socket2 know neither the least TTL (RFC 5082) nor
//! TCP MD5 (RFC 2385). Both are plain options whose value is a plain structure,
//! which nix's own macro for defining options passes on; so nothing here is
//! `unsafe`, and the structure's layout is the only thing to get right.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use lb_core::bgp::{Password, PeerConfig, Reach};
use nix::libc;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SetStruct;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket};

/// The TTL with which nothing can be forged from afar (RFC 5082).
const FULL_TTL: u32 = 255;

/// `struct tcp_md5sig` of Linux (include/uapi/linux/tcp.h).
#[repr(C, align(8))]
#[derive(Clone, Debug)]
struct Md5Key {
    /// A `sockaddr_storage`: family, port (not looked at), address.
    address: [u8; 128],
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: i32,
    key: [u8; Password::MAX_LENGTH],
}

/// `IP_MINTTL`: packets that arrive with less are dropped by the kernel.
#[derive(Clone, Copy, Debug)]
struct LeastTtl;

/// The same for IPv6.
#[derive(Clone, Copy, Debug)]
struct LeastHopCount;

/// `TCP_MD5SIG`: the key of the connections with one address.
#[derive(Clone, Copy, Debug)]
struct Md5Signature;

nix::setsockopt_impl!(LeastTtl, libc::IPPROTO_IP, libc::IP_MINTTL, i32, SetStruct<i32>);
nix::setsockopt_impl!(LeastHopCount, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, i32, SetStruct<i32>);
nix::setsockopt_impl!(Md5Signature, libc::IPPROTO_TCP, libc::TCP_MD5SIG, Md5Key, SetStruct<Md5Key>);

/// A socket to connect to a peer with.
pub(super) fn outgoing(peer: &PeerConfig) -> io::Result<TcpSocket> {
    let socket = new(peer.address, Type::STREAM, Protocol::TCP)?;
    bind_to(&socket, peer.interface.as_deref())?;
    guard(&socket, peer)?;
    if let Some(password) = &peer.password {
        set_key(&socket, peer.address, password.reveal())?;
    }
    if let Some(local) = peer.local_address {
        socket.bind(&scoped(local, 0, peer.interface.as_deref())?.into())?;
    }
    socket.set_tcp_nodelay(true)?;
    Ok(TcpSocket::from_std_stream(socket.into()))
}

/// Sets the TTL of what is sent to a peer and the least of what it sends.
pub(super) fn guard(socket: &impl AsFd, peer: &PeerConfig) -> io::Result<()> {
    let (ttl, least) = match peer.reach {
        Reach::Link => (1, None),
        Reach::Hops(hops) => (u32::from(hops.max(1)), None),
        Reach::Secured(hops) => (FULL_TTL, Some(256 - i32::from(hops.max(1)))),
    };
    set_ttl(socket, peer.address, ttl)?;
    match (least, peer.address) {
        (None, _) => Ok(()),
        (Some(least), IpAddr::V4(_)) => Ok(setsockopt(socket, LeastTtl, &least)?),
        (Some(least), IpAddr::V6(_)) => Ok(setsockopt(socket, LeastHopCount, &least)?),
    }
}

/// A socket that peers connect to. What it answers has the full TTL: it cannot
/// know yet whom it answers.
pub(super) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = new(address.ip(), Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    set_ttl(&socket, address.ip(), FULL_TTL)?;
    socket.bind(&address.into())?;
    socket.listen(64)?;
    TcpListener::from_std(socket.into())
}

/// Gives a listener the password of a peer, or takes it away.
pub(super) fn set_listener_key(
    listener: &TcpListener,
    peer: IpAddr,
    password: Option<&Password>,
) -> io::Result<()> {
    match set_key(listener, peer, password.map_or("", Password::reveal)) {
        // Taking away what was never there.
        Err(error) if password.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// A datagram socket with the full TTL, bound to an interface if one is named.
pub(super) fn datagram(local: SocketAddr, interface: Option<&str>) -> io::Result<Socket> {
    let socket = new(local.ip(), Type::DGRAM, Protocol::UDP)?;
    bind_to(&socket, interface)?;
    set_ttl(&socket, local.ip(), FULL_TTL)?;
    socket.bind(&local.into())?;
    Ok(socket)
}

/// Has a socket send by an interface alone, whatever the routes say: a neighbour
/// that is found elsewhere is another.
fn bind_to(socket: &Socket, interface: Option<&str>) -> io::Result<()> {
    let Some(name) = interface else { return Ok(()) };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("interface {name}: {error}"));
    socket.bind_device(Some(name.as_bytes())).map_err(named)
}

/// An address with the interface's number where it needs one.
pub(super) fn scoped(address: IpAddr, port: u16, interface: Option<&str>) -> io::Result<SocketAddr> {
    let mut socket = SocketAddr::new(address, port);
    if let (SocketAddr::V6(v6), Some(name)) = (&mut socket, interface)
        && v6.ip().is_unicast_link_local()
    {
        v6.set_scope_id(nix::net::if_::if_nametoindex(name)?);
    }
    Ok(socket)
}

/// The name of the interface that an address belongs to, if it says.
pub(super) fn interface_of(address: SocketAddr) -> Option<String> {
    let SocketAddr::V6(v6) = address else { return None };
    if v6.scope_id() == 0 {
        return None;
    }
    nix::net::if_::if_indextoname(v6.scope_id()).ok()?.into_string().ok()
}

fn new(address: IpAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, kind.nonblocking().cloexec(), Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn set_ttl(socket: &impl AsFd, family: IpAddr, ttl: u32) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match family {
        IpAddr::V4(_) => socket.set_ttl_v4(ttl),
        IpAddr::V6(_) => socket.set_unicast_hops_v6(ttl),
    }
}

/// An empty key takes the one of that address away.
fn set_key(socket: &impl AsFd, peer: IpAddr, key: &str) -> io::Result<()> {
    let mut value = Md5Key {
        address: [0; 128],
        flags: 0,
        prefix_length: 0,
        key_length: 0,
        interface: 0,
        key: [0; Password::MAX_LENGTH],
    };
    let (Some(bytes), Ok(length)) = (value.key.get_mut(..key.len()), u16::try_from(key.len())) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a password has at most 80 bytes"));
    };
    bytes.copy_from_slice(key.as_bytes());
    value.key_length = length;
    match peer {
        IpAddr::V4(v4) => {
            value.address[..2].copy_from_slice(&family(libc::AF_INET));
            value.address[4..8].copy_from_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            value.address[..2].copy_from_slice(&family(libc::AF_INET6));
            value.address[8..24].copy_from_slice(&v6.octets());
        }
    }
    Ok(setsockopt(socket, Md5Signature, &value)?)
}

fn family(family: i32) -> [u8; 2] {
    u16::try_from(family).expect("address families are small numbers").to_ne_bytes()
}

#[cfg(test)]
mod tests;
