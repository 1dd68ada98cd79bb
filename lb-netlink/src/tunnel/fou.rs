//! Receive ports of FOU and GUE: where the kernel takes UDP off and goes on with what is inside.
//!
//! A port is a UDP socket of the kernel in one network namespace. With GUE the
//! header inside says which protocol follows (4 or 41), so one port serves
//! [`super::TunnelKind::IpIp`] and the others together; with FOU the port says it.
//! This is the codec of the generic netlink family `fou` (module `fou`), which
//! no other crate has. Unknown attributes are kept.
//! Source: `include/uapi/linux/fou.h`, `Documentation/netlink/specs/fou.yaml`.

use std::fmt;
use std::num::NonZeroU16;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, ErrorContext, Nla, NlaBuffer, NlasIterator, Parseable,
    ParseableParametrized, emit_u16_be, parse_u8, parse_u16_be,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::Family;

/// The name under which the family is looked up.
pub const FAMILY_NAME: &str = "fou";

const VERSION: u8 = 1;

mod attribute {
    pub(super) const PORT: u16 = 1;
    pub(super) const AF: u16 = 2;
    pub(super) const IPPROTO: u16 = 3;
    pub(super) const TYPE: u16 = 4;
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TYPE_DIRECT: u8 = 1;
const TYPE_GUE: u8 = 2;

/// How UDP is used on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payload {
    /// A GUE header, which says what follows.
    Gue,
    /// Directly the protocol with this number, such as 4 for IPv4.
    Direct(u8),
}

/// A receive port.
///
/// ```
/// use lb_netlink::tunnel::Family;
/// use lb_netlink::tunnel::fou::{Payload, Port};
///
/// let port = Port { number: 6080.try_into()?, family: Family::V4, payload: Payload::Gue };
/// assert_eq!(port.to_string(), "port 6080 gue");
/// # Ok::<(), std::num::TryFromIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The UDP port.
    pub number: NonZeroU16,
    /// The family of the outer header.
    pub family: Family,
    /// What UDP carries.
    pub payload: Payload,
}

impl Port {
    /// Reads the kernel's answer; none if it lacks the port, or its family or type is unknown.
    #[must_use]
    pub fn from_message(message: &Message) -> Option<Self> {
        let (mut number, mut family, mut protocol, mut gue) = (None, None, 0, None);
        for attribute in &message.attributes {
            match attribute {
                Attribute::Port(port) => number = NonZeroU16::new(*port),
                Attribute::Family(AF_INET) => family = Some(Family::V4),
                Attribute::Family(AF_INET6) => family = Some(Family::V6),
                Attribute::Protocol(value) => protocol = *value,
                Attribute::Type(TYPE_GUE) => gue = Some(true),
                Attribute::Type(TYPE_DIRECT) => gue = Some(false),
                Attribute::Family(_) | Attribute::Type(_) | Attribute::Other(_) => {}
            }
        }
        let payload = if gue? { Payload::Gue } else { Payload::Direct(protocol) };
        Some(Self { number: number?, family: family?, payload })
    }

    /// The request that opens the port.
    #[must_use]
    pub fn add_message(self) -> Message {
        let mut message = self.named(Command::Add);
        match self.payload {
            Payload::Gue => message.attributes.push(Attribute::Type(TYPE_GUE)),
            Payload::Direct(protocol) => {
                message.attributes.extend([Attribute::Type(TYPE_DIRECT), Attribute::Protocol(protocol)]);
            }
        }
        message
    }

    /// The request that closes the port.
    #[must_use]
    pub fn delete_message(self) -> Message {
        self.named(Command::Delete)
    }

    fn named(self, command: Command) -> Message {
        let family = match self.family {
            Family::V4 => AF_INET,
            Family::V6 => AF_INET6,
        };
        let attributes = vec![Attribute::Port(self.number.get()), Attribute::Family(family)];
        Message { command, attributes }
    }
}

impl fmt::Display for Port {
    /// As `ip fou add` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {}", self.number)?;
        match self.payload {
            Payload::Gue => f.write_str(" gue")?,
            Payload::Direct(protocol) => write!(f, " ipproto {protocol}")?,
        }
        f.write_str(if self.family == Family::V6 { " -6" } else { "" })
    }
}

/// What a message of the family asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a port.
    Add,
    /// Close a port.
    Delete,
    /// Tell of the ports; also the command of the answers.
    Get,
    /// One that a newer kernel has.
    Other(u8),
}

impl From<u8> for Command {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Add,
            2 => Self::Delete,
            3 => Self::Get,
            other => Self::Other(other),
        }
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::Add => 1,
            Command::Delete => 2,
            Command::Get => 3,
            Command::Other(number) => number,
        }
    }
}

/// A message of the family, without the generic header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is asked for.
    pub command: Command,
    /// The rest, in order.
    pub attributes: Vec<Attribute>,
}

impl Message {
    /// The request for all ports, to be sent as a dump.
    #[must_use]
    pub const fn dump() -> Self {
        Self { command: Command::Get, attributes: Vec::new() }
    }
}

/// One attribute of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The UDP port; in network order on the wire.
    Port(u16),
    /// `AF_INET` or `AF_INET6`.
    Family(u8),
    /// The number of the protocol that follows.
    Protocol(u8),
    /// 1 direct, 2 GUE.
    Type(u8),
    /// One that is not modelled, kept as it came.
    Other(DefaultNla),
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Port(_) => 2,
            Self::Family(_) | Self::Protocol(_) | Self::Type(_) => 1,
            Self::Other(other) => other.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Port(_) => attribute::PORT,
            Self::Family(_) => attribute::AF,
            Self::Protocol(_) => attribute::IPPROTO,
            Self::Type(_) => attribute::TYPE,
            Self::Other(other) => other.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Port(port) => emit_u16_be(buffer, *port).expect("the buffer has value_len bytes"),
            Self::Family(value) | Self::Protocol(value) | Self::Type(value) => buffer[0] = *value,
            Self::Other(other) => other.emit_value(buffer),
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Parseable<NlaBuffer<&'a T>> for Attribute {
    fn parse(buffer: &NlaBuffer<&'a T>) -> Result<Self, DecodeError> {
        let value = buffer.value();
        Ok(match buffer.kind() {
            attribute::PORT => Self::Port(parse_u16_be(value).context("FOU_ATTR_PORT")?),
            attribute::AF => Self::Family(parse_u8(value).context("FOU_ATTR_AF")?),
            attribute::IPPROTO => Self::Protocol(parse_u8(value).context("FOU_ATTR_IPPROTO")?),
            attribute::TYPE => Self::Type(parse_u8(value).context("FOU_ATTR_TYPE")?),
            _ => Self::Other(DefaultNla::parse(buffer)?),
        })
    }
}

impl GenlFamily for Message {
    fn family_name() -> &'static str {
        FAMILY_NAME
    }

    fn command(&self) -> u8 {
        self.command.into()
    }

    fn version(&self) -> u8 {
        VERSION
    }
}

impl Emitable for Message {
    fn buffer_len(&self) -> usize {
        self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Message {
    fn parse_with_param(buffer: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        let attributes = NlasIterator::new(buffer).map(|nla| nla.and_then(|nla| Attribute::parse(&nla)));
        Ok(Self { command: header.cmd.into(), attributes: attributes.collect::<Result<_, _>>()? })
    }
}
