//! OPEN: who a speaker is and what it can (RFC 4271 section 4.2, RFC 5492, RFC 9072).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::capability::Capabilities;
use super::error::MessageError;
use super::reader::Reader;
use crate::bgp::identity::Asn;

/// An OPEN of version 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The autonomous system in two octets, `AS_TRANS` where it does not fit.
    pub two_octet_as: u16,
    /// The hold time offered, in seconds: 0, or 3 and more.
    pub hold_seconds: u16,
    /// The BGP identifier, never 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// What it can.
    pub capabilities: Capabilities,
}

/// The shortest body, in octets.
pub(super) const MIN_LENGTH: usize = 10;
/// The only version.
const VERSION: u8 = 4;
/// The type of the optional parameter that holds capabilities.
const CAPABILITIES: u8 = 2;
/// As length and as type: lengths have two octets from here on (RFC 9072).
const EXTENDED: u8 = 255;

impl Open {
    /// The speaker's autonomous system: four octets if it can.
    #[must_use]
    pub fn asn(&self) -> Asn {
        self.capabilities.four_octet_as().unwrap_or_else(|| Asn(u32::from(self.two_octet_as)))
    }

    /// Appends the body; `None` if the capabilities are too long for it.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        out.push(VERSION);
        out.extend_from_slice(&self.two_octet_as.to_be_bytes());
        out.extend_from_slice(&self.hold_seconds.to_be_bytes());
        out.extend_from_slice(&self.router_id.octets());
        let mut capabilities = Vec::new();
        self.capabilities.write(&mut capabilities)?;
        let length = capabilities.len();
        match u8::try_from(length + 2) {
            _ if length == 0 => out.push(0),
            Ok(with_head) if with_head < EXTENDED => {
                out.extend_from_slice(&[with_head, CAPABILITIES, with_head - 2]);
            }
            _ => {
                out.extend_from_slice(&[EXTENDED, EXTENDED]);
                out.extend_from_slice(&u16::try_from(length + 3).ok()?.to_be_bytes());
                out.push(CAPABILITIES);
                out.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
            }
        }
        out.extend_from_slice(&capabilities);
        Some(())
    }
}

/// Reads the body.
pub(super) fn parse(body: &[u8]) -> Result<Open, MessageError> {
    let mut reader = Reader::new(body);
    let open = fixed(&mut reader).ok_or(MessageError::OpenLayout)??;
    let capabilities = parameters(reader).ok_or(MessageError::OpenLayout)??;
    let open = Open { capabilities, ..open };
    if open.asn().0 == 0 || open.two_octet_as == 0 {
        return Err(MessageError::AutonomousSystem);
    }
    Ok(open)
}

/// The part that every OPEN has.
fn fixed(reader: &mut Reader<'_>) -> Option<Result<Open, MessageError>> {
    let version = reader.u8()?;
    let (two_octet_as, hold_seconds) = (reader.u16()?, reader.u16()?);
    let router_id = Ipv4Addr::from(reader.u32()?);
    Some(if version != VERSION {
        Err(MessageError::Version { version })
    } else if matches!(hold_seconds, 1 | 2) {
        Err(MessageError::HoldTime { seconds: hold_seconds })
    } else if router_id.is_unspecified() {
        Err(MessageError::Identifier)
    } else {
        Ok(Open { two_octet_as, hold_seconds, router_id, capabilities: Capabilities::default() })
    })
}

/// The optional parameters, in one of two forms.
fn parameters(mut reader: Reader<'_>) -> Option<Result<Capabilities, MessageError>> {
    let mut capabilities = Capabilities::default();
    let length = reader.u8()?;
    // 255 announces the second form only if the next octet is 255 too: no parameter has that type.
    let extended = length == EXTENDED && reader.rest().first() == Some(&EXTENDED);
    let length = if extended {
        reader.u8()?;
        usize::from(reader.u16()?)
    } else {
        usize::from(length)
    };
    if reader.len() != length {
        return None;
    }
    while !reader.is_empty() {
        let parameter = reader.u8()?;
        let value = if extended { reader.counted_long() } else { reader.counted() }?;
        if parameter != CAPABILITIES {
            return Some(Err(MessageError::OptionalParameter { parameter }));
        }
        capabilities.read(value)?;
    }
    Some(Ok(capabilities))
}
