//! Packets of a few clients: enough for a director to steer them.
//!
//! The bytes are written by [`lb_core::arbitrary::packet::Draft`], which shares
//! no code with the parser; this is the targets' shorthand for it.

use std::net::IpAddr;

use lb_core::arbitrary::packet::{Draft, Upper};
use lb_core::flow::Addresses;
use lb_core::packet::{IcmpErrorKind, TcpFlags};
use lb_core::{FlowKey, Protocol, checksum};

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// SCTP with one chunk of this type.
    Sctp(u8),
    /// TCP with these flag bits.
    Tcp(u8),
    /// UDP.
    Udp,
}

/// TCP's flag bits.
pub mod flag {
    /// No more data from the client.
    pub const FIN: u8 = 0x01;
    /// A new connection.
    pub const SYN: u8 = 0x02;
    /// The end, at once.
    pub const RST: u8 = 0x04;
    /// Something was received.
    pub const ACK: u8 = 0x10;
}

/// SCTP's chunk types.
pub mod chunk {
    /// User data.
    pub const DATA: u8 = 0;
    /// A new association.
    pub const INIT: u8 = 1;
    /// The end, at once.
    pub const ABORT: u8 = 6;
    /// The client has no more data.
    pub const SHUTDOWN: u8 = 7;
    /// The client has proved its address.
    pub const COOKIE_ECHO: u8 = 10;
    /// The end is complete.
    pub const SHUTDOWN_COMPLETE: u8 = 14;
}

/// An address and a port.
pub type Socket = (IpAddr, u16);

/// The flow between two ends of one family.
///
/// # Panics
///
/// If they are not of one family.
#[must_use]
pub fn flow(protocol: Protocol, from: Socket, to: Socket) -> FlowKey {
    match (from.0, to.0) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            FlowKey::v4(protocol, (source, from.1), (destination, to.1))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            FlowKey::v6(protocol, (source, from.1), (destination, to.1))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            panic!("source and destination are of one family")
        }
    }
}

/// A whole packet that carries `data` from one end to another.
#[must_use]
pub fn draft(transport: Transport, from: Socket, to: Socket, data: &[u8]) -> Draft {
    let flow = flow(transport.protocol(), from, to);
    let upper = match transport {
        Transport::Sctp(chunk) => Upper::sctp(&flow, chunk, data),
        Transport::Tcp(flags) => Upper::tcp(&flow, TcpFlags::from_bits(flags), data),
        Transport::Udp => Upper::udp(&flow, data),
    };
    Draft::new(flow.addresses(), upper)
}

/// A packet without payload from one end to another.
#[must_use]
pub fn packet(transport: Transport, from: Socket, to: Socket) -> Vec<u8> {
    draft(transport, from, to, &[]).emit()
}

/// A datagram in two or three fragments, in order.
#[must_use]
pub fn fragments(transport: Transport, from: Socket, to: Socket, identification: u32) -> Vec<Draft> {
    Draft { identification, ..draft(transport, from, to, &[0x2a; 40]) }.cut(24)
}

/// Makes a fragment one of another datagram, for less than writing it anew.
///
/// # Panics
///
/// If it is no fragment of [`fragments`].
pub fn renumber(fragment: &mut [u8], identification: u16) {
    let word = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    if fragment[0] >> 4 == 4 {
        let checksum = checksum::update(word(&fragment[10..12]), word(&fragment[4..6]), identification);
        fragment[4..6].copy_from_slice(&identification.to_be_bytes());
        fragment[10..12].copy_from_slice(&checksum.to_be_bytes());
    } else {
        fragment[44..48].copy_from_slice(&u32::from(identification).to_be_bytes());
    }
}

/// An error that quotes so many bytes of a packet, from a router to `destination`.
///
/// # Panics
///
/// If the destination is not of the quoted packet's family.
#[must_use]
pub fn error(kind: IcmpErrorKind, quoted: Draft, length: usize, destination: IpAddr) -> Draft {
    let addresses = match destination {
        IpAddr::V4(destination) => Addresses::V4 { source: [198, 51, 100, 1].into(), destination },
        IpAddr::V6(destination) => {
            Addresses::V6 { source: [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1].into(), destination }
        }
    };
    let is_v6 = destination.is_ipv6();
    assert_eq!(quoted.is_v6(), is_v6, "an error quotes its own family");
    Draft::new(addresses, Upper::Error { kind, quoted: Box::new(quoted), length })
}

/// An echo request.
#[must_use]
pub fn echo(from: IpAddr, to: IpAddr) -> Draft {
    let addresses = flow(Protocol::ICMP, (from, 0), (to, 0)).addresses();
    Draft::new(addresses, Upper::EchoRequest { identifier: 7, sequence: 1, data: vec![0x2a; 16] })
}

impl Transport {
    /// Its protocol number.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Sctp(_) => Protocol::SCTP,
            Self::Tcp(_) => Protocol::TCP,
            Self::Udp => Protocol::UDP,
        }
    }
}
