//! Messages of the family `IPVS`: a command and its attributes.
//!
//! The one idea: a message is faithful. Whatever the kernel says can be read
//! (attributes and commands that are unknown here included) and emitted again;
//! what it means is for [`Service`](super::Service), [`Destination`](super::Destination)
//! and the others, which are made from a message and turned into one.
//!
//! ```text
//!  0                   1                   2                   3
//! +---------------+---------------+-------------------------------+
//! |    command    |   version 1   |           reserved            |
//! +---------------+---------------+-------------------------------+
//! |                          attributes                           |
//! +---------------------------------------------------------------+
//! ```
//!
//! Source: `include/uapi/linux/ip_vs.h`.

use netlink_packet_core::{DecodeError as CoreError, Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};

use super::attribute::{self, Attribute, Group};
use super::error::DecodeError;
use super::schema;
use crate::generic;
use crate::socket::Request;

/// The name of the generic netlink family.
pub const FAMILY: &str = "IPVS";
/// The module that brings it.
pub const MODULE: &str = "ip_vs";
/// The version of its messages; kernels have had no other.
pub const VERSION: u8 = 1;

/// What a message asks for or tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandCode {
    /// Adds a service; in answers, describes one.
    NewService,
    /// Changes a service.
    SetService,
    /// Deletes a service with its destinations.
    DelService,
    /// Asks for one service, or dumps all.
    GetService,
    /// Adds a destination; in answers, describes one.
    NewDest,
    /// Changes a destination.
    SetDest,
    /// Deletes a destination.
    DelDest,
    /// Dumps the destinations of a service.
    GetDest,
    /// Starts a synchronisation daemon; in answers, describes one.
    NewDaemon,
    /// Stops a synchronisation daemon.
    DelDaemon,
    /// Dumps the synchronisation daemons.
    GetDaemon,
    /// Sets timeouts; in answers, tells them.
    SetConfig,
    /// Asks for the timeouts.
    GetConfig,
    /// In answers, describes the kernel's IPVS.
    SetInfo,
    /// Asks about the kernel's IPVS.
    GetInfo,
    /// Clears statistics of a service, or all.
    Zero,
    /// Deletes all services.
    Flush,
    /// One that is unknown here.
    Other(u8),
}

/// Each command with the kernel's name for it; the first is number 1, and so on.
const CODES: [(CommandCode, &str); 17] = [
    (CommandCode::NewService, "IPVS_CMD_NEW_SERVICE"),
    (CommandCode::SetService, "IPVS_CMD_SET_SERVICE"),
    (CommandCode::DelService, "IPVS_CMD_DEL_SERVICE"),
    (CommandCode::GetService, "IPVS_CMD_GET_SERVICE"),
    (CommandCode::NewDest, "IPVS_CMD_NEW_DEST"),
    (CommandCode::SetDest, "IPVS_CMD_SET_DEST"),
    (CommandCode::DelDest, "IPVS_CMD_DEL_DEST"),
    (CommandCode::GetDest, "IPVS_CMD_GET_DEST"),
    (CommandCode::NewDaemon, "IPVS_CMD_NEW_DAEMON"),
    (CommandCode::DelDaemon, "IPVS_CMD_DEL_DAEMON"),
    (CommandCode::GetDaemon, "IPVS_CMD_GET_DAEMON"),
    (CommandCode::SetConfig, "IPVS_CMD_SET_CONFIG"),
    (CommandCode::GetConfig, "IPVS_CMD_GET_CONFIG"),
    (CommandCode::SetInfo, "IPVS_CMD_SET_INFO"),
    (CommandCode::GetInfo, "IPVS_CMD_GET_INFO"),
    (CommandCode::Zero, "IPVS_CMD_ZERO"),
    (CommandCode::Flush, "IPVS_CMD_FLUSH"),
];

impl CommandCode {
    /// All that the kernel's header has, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|(code, _)| *code)
    }

    /// The kernel's name for it, if it is known here.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        CODES.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
    }

    /// The attributes that stand at the top of its messages.
    #[must_use]
    pub const fn group(self) -> &'static Group {
        match self {
            // The kernel puts these at the top, under numbers that mean something else in any other message.
            Self::SetInfo => &schema::info::GROUP,
            Self::NewService | Self::SetService | Self::DelService | Self::GetService => {
                &schema::command::GROUP
            }
            Self::NewDest | Self::SetDest | Self::DelDest | Self::GetDest => &schema::command::GROUP,
            Self::NewDaemon | Self::DelDaemon | Self::GetDaemon => &schema::command::GROUP,
            Self::SetConfig | Self::GetConfig | Self::GetInfo => &schema::command::GROUP,
            Self::Zero | Self::Flush | Self::Other(_) => &schema::command::GROUP,
        }
    }
}

impl From<u8> for CommandCode {
    fn from(number: u8) -> Self {
        let known = usize::from(number).checked_sub(1).and_then(|index| CODES.get(index));
        known.map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl From<CommandCode> for u8 {
    fn from(code: CommandCode) -> Self {
        match code {
            CommandCode::Other(number) => number,
            known => (1..).zip(CODES).find(|(_, (code, _))| *code == known).map_or(0, |(number, _)| number),
        }
    }
}

/// A message of the family.
///
/// ```
/// use lb_netlink::ipvs::{CommandCode, Message, Protocol, Service, ServiceKey};
///
/// let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
/// let message = Message::new(CommandCode::NewService, vec![Service::new(key, "mh").to_attribute()]);
/// let bytes = message.to_bytes();
/// assert_eq!(Message::decode(&bytes), Ok(message));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it asks for or tells.
    pub code: CommandCode,
    /// What it is about.
    pub attributes: Vec<Attribute>,
}

impl Message {
    /// A message of these attributes.
    #[must_use]
    pub const fn new(code: CommandCode, attributes: Vec<Attribute>) -> Self {
        Self { code, attributes }
    }

    /// Reads a message: generic netlink header and attributes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], naming the attribute that is wrong.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let (header, attributes) = generic::split(payload)
            .map_err(|_| DecodeError::CutShort { group: "a message", available: payload.len() })?;
        Self::decode_attributes(header.cmd.into(), attributes)
    }

    fn decode_attributes(code: CommandCode, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { code, attributes: code.group().decode(bytes)? })
    }

    /// It as bytes: generic netlink header and attributes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let message = GenlMessage::from_payload(self.clone());
        let mut bytes = vec![0; Emitable::buffer_len(&message)];
        message.emit(&mut bytes);
        bytes
    }

    /// It as a request to the family with this number.
    #[must_use]
    pub fn to_request(&self, family: u16) -> Request {
        Request { kind: family, flags: 0, payload: self.to_bytes() }
    }
}

impl GenlFamily for Message {
    fn family_name() -> &'static str {
        FAMILY
    }

    fn command(&self) -> u8 {
        self.code.into()
    }

    fn version(&self) -> u8 {
        VERSION
    }
}

impl Emitable for Message {
    fn buffer_len(&self) -> usize {
        attribute::length(&self.attributes)
    }

    fn emit(&self, buffer: &mut [u8]) {
        attribute::emit(&self.attributes, buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Message {
    fn parse_with_param(bytes: &[u8], header: GenlHeader) -> Result<Self, CoreError> {
        Self::decode_attributes(header.cmd.into(), bytes).map_err(|error| error.to_string().into())
    }
}

#[cfg(test)]
mod tests;
