//! Values to bytes.

use alloc::vec::Vec;

use super::attribute::{Aggregator, PathAttributes, code, flag};
use super::{Dialect, HEADER_LENGTH, MARKER, Message, Update, kind, nlri};
use crate::bgp::identity::Asn;

/// A value that no message can hold; the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// More octets than a message may have.
    #[error("{length} octets are too long for this message; put at most {max} into one")]
    TooLong {
        /// What it would have.
        length: usize,
        /// What it may have.
        max: usize,
    },
    /// A field of the message does not fit its length.
    #[error("a field of the message is longer than its length can say; shorten it")]
    FieldTooLong,
}

impl Message {
    /// The message as bytes, header included.
    ///
    /// # Errors
    /// It is too long for this dialect.
    pub fn emit(&self, dialect: Dialect) -> Result<Vec<u8>, EmitError> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&MARKER);
        out.extend_from_slice(&[0, 0, self.kind()]);
        match self {
            Self::Open(open) => open.write(&mut out).ok_or(EmitError::FieldTooLong)?,
            Self::Update(update) => update.write(dialect, &mut out)?,
            Self::Notification(notification) => {
                out.extend_from_slice(&[notification.code, notification.subcode]);
                out.extend_from_slice(&notification.data);
            }
            Self::Keepalive => {}
            Self::RouteRefresh(refresh) => {
                out.extend_from_slice(&refresh.afi.to_be_bytes());
                out.extend_from_slice(&[refresh.subtype, refresh.safi]);
            }
        }
        let (length, max) = (out.len(), dialect.max_length(self.kind()));
        if length > max {
            return Err(EmitError::TooLong { length, max });
        }
        let length = u16::try_from(length).expect("no message may be longer");
        out[HEADER_LENGTH - 3..HEADER_LENGTH - 1].copy_from_slice(&length.to_be_bytes());
        Ok(out)
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Open(_) => kind::OPEN,
            Self::Update(_) => kind::UPDATE,
            Self::Notification(_) => kind::NOTIFICATION,
            Self::Keepalive => kind::KEEPALIVE,
            Self::RouteRefresh(_) => kind::ROUTE_REFRESH,
        }
    }
}

impl Update {
    fn write(&self, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EmitError> {
        counted(out, |out| {
            nlri::write_all(&self.withdrawn, out);
            Ok(())
        })?;
        counted(out, |out| {
            // "SHALL be encoded as the very first path attribute" (RFC 7606 section 5.1)
            if let Some(unreach) = &self.mp_withdrawn {
                attribute(out, flag::OPTIONAL, code::MP_UNREACH, |out| unreach.write(out))?;
            }
            if let Some(reach) = &self.mp_announced {
                attribute(out, flag::OPTIONAL, code::MP_REACH, |out| reach.write(out))?;
            }
            self.attributes.write(dialect, out)
        })?;
        nlri::write_all(&self.announced, out);
        Ok(())
    }
}

impl PathAttributes {
    /// Appends them in the order of their codes, as most speakers do.
    fn write(&self, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EmitError> {
        let four = dialect.four_octet_as;
        if let Some(origin) = self.origin {
            attribute(out, flag::TRANSITIVE, code::ORIGIN, |out| out.push(origin as u8))?;
        }
        if let Some(path) = &self.as_path {
            attribute(out, flag::TRANSITIVE, code::AS_PATH, |out| path.write(four, out))?;
        }
        let number = |out: &mut Vec<u8>, flags, code, value: Option<u32>| match value {
            Some(value) => attribute(out, flags, code, |out| out.extend_from_slice(&value.to_be_bytes())),
            None => Ok(()),
        };
        number(out, flag::TRANSITIVE, code::NEXT_HOP, self.next_hop.map(u32::from))?;
        number(out, flag::OPTIONAL, code::MED, self.med)?;
        number(out, flag::TRANSITIVE, code::LOCAL_PREF, self.local_pref)?;
        if self.atomic_aggregate {
            attribute(out, flag::TRANSITIVE, code::ATOMIC_AGGREGATE, |_| {})?;
        }
        const BOTH: u8 = flag::OPTIONAL | flag::TRANSITIVE;
        if let Some(aggregator) = self.aggregator {
            attribute(out, BOTH, code::AGGREGATOR, |out| aggregator.write(four, out))?;
        }
        if !self.communities.is_empty() {
            attribute(out, BOTH, code::COMMUNITIES, |out| {
                self.communities.iter().for_each(|one| out.extend_from_slice(&one.0.to_be_bytes()));
            })?;
        }
        if !four {
            self.write_true_numbers(out)?;
        }
        if !self.large_communities.is_empty() {
            attribute(out, BOTH, code::LARGE_COMMUNITIES, |out| {
                let numbers =
                    self.large_communities.iter().flat_map(|one| [one.global, one.first, one.second]);
                numbers.for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
            })?;
        }
        for unknown in &self.unknown {
            attribute(out, unknown.flags(), unknown.code(), |out| out.extend_from_slice(unknown.value()))?;
        }
        Ok(())
    }

    /// For an old speaker, beside `AS_TRANS`, what it stands for (RFC 6793 section 4.2.2).
    fn write_true_numbers(&self, out: &mut Vec<u8>) -> Result<(), EmitError> {
        const BOTH: u8 = flag::OPTIONAL | flag::TRANSITIVE;
        if let Some(path) = self.as_path.as_ref().filter(|path| path.has_four_octets()) {
            let path = path.without_confederations();
            attribute(out, BOTH, code::AS4_PATH, |out| path.write(true, out))?;
        }
        match self.aggregator {
            Some(aggregator) if aggregator.asn.is_four_octets() => {
                attribute(out, BOTH, code::AS4_AGGREGATOR, |out| aggregator.write(true, out))
            }
            _ => Ok(()),
        }
    }
}

impl Aggregator {
    fn write(self, four_octets: bool, out: &mut Vec<u8>) {
        let Asn(number) = self.asn;
        if four_octets {
            out.extend_from_slice(&number.to_be_bytes());
        } else {
            out.extend_from_slice(&self.asn.two_octets().to_be_bytes());
        }
        out.extend_from_slice(&self.router_id.octets());
    }
}

/// Appends what `write` appends, behind its length in two octets.
fn counted(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    write(out)?;
    let length = u16::try_from(out.len() - start - 2).map_err(|_| EmitError::FieldTooLong)?;
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends an attribute, with a length of one octet where that will do.
fn attribute(
    out: &mut Vec<u8>,
    flags: u8,
    code: u8,
    value: impl FnOnce(&mut Vec<u8>),
) -> Result<(), EmitError> {
    let start = out.len();
    out.extend_from_slice(&[flags, code, 0]);
    value(out);
    let length = out.len() - start - 3;
    if let Ok(length) = u8::try_from(length) {
        out[start + 2] = length;
    } else {
        let [high, low] = u16::try_from(length).map_err(|_| EmitError::FieldTooLong)?.to_be_bytes();
        out[start] |= flag::EXTENDED_LENGTH;
        out[start + 2] = high;
        out.insert(start + 3, low);
    }
    Ok(())
}
