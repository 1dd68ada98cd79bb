//! RADIUS as bytes: RFC 2865 (packets, PAP), RFC 3579 3.2 and RFC 5080 2.2.2 (Message-Authenticator).
//!
//! ```text
//!  0      1      2             4                 20
//!  +------+------+-------------+------------------+------------
//!  | code |  id  |   length    | authenticator 16 | attributes
//!  +------+------+-------------+------------------+------------
//! ```

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use lb_core::health::RadiusCheck;
use md5::{Digest, Md5};

/// What must not repeat between requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nonces {
    pub(super) identifier: u8,
    pub(super) authenticator: [u8; 16],
}

/// A request, and what its reply is verified with.
pub(super) struct Request {
    nonces: Nonces,
    secret: Vec<u8>,
    bytes: Vec<u8>,
}

/// The replies to an Access-Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RadiusCode {
    /// Access-Accept.
    Accept,
    /// Access-Challenge.
    Challenge,
    /// Access-Reject.
    Reject,
}

/// What is wrong with a reply in RADIUS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RadiusFault {
    /// The reply was not made with our secret.
    #[error("the reply's authenticator is wrong; use the same secret on both sides")]
    Authenticator,
    /// What came is no reply to an Access-Request.
    #[error("the answer is no reply in RADIUS")]
    NotRadius,
    /// A reply of another kind than the wanted one.
    #[error("the reply is {got}")]
    Reply {
        /// Its kind.
        got: RadiusCode,
    },
}

impl fmt::Display for RadiusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "Access-Accept",
            Self::Challenge => "Access-Challenge",
            Self::Reject => "Access-Reject",
        })
    }
}

/// Codes of packets (RFC 2865 3).
mod code {
    pub(super) const REQUEST: u8 = 1;
    pub(super) const ACCEPT: u8 = 2;
    pub(super) const REJECT: u8 = 3;
    pub(super) const CHALLENGE: u8 = 11;
}

/// Types of attributes (RFC 2865 5, RFC 3579 3.2).
mod attribute {
    pub(super) const USER_NAME: u8 = 1;
    pub(super) const USER_PASSWORD: u8 = 2;
    pub(super) const NAS_IDENTIFIER: u8 = 32;
    pub(super) const MESSAGE_AUTHENTICATOR: u8 = 80;
}

const HEADER: usize = 20;
/// Where a packet's authenticator lies.
const AUTHENTICATOR: std::ops::Range<usize> = 4..HEADER;
/// Who asks: a request must have this or an address (RFC 2865 4.1).
const NAS: &[u8] = b"lb-agent health check";

impl Request {
    /// A request of this check.
    pub(super) fn new(check: &RadiusCheck, nonces: Nonces) -> Self {
        let secret = check.secret.reveal().as_bytes().to_vec();
        let mut bytes = vec![code::REQUEST, nonces.identifier, 0, 0];
        bytes.extend_from_slice(&nonces.authenticator);
        // First, so that nothing chosen by others stands before it.
        let message_authenticator = push(&mut bytes, attribute::MESSAGE_AUTHENTICATOR, &[0; 16]);
        push(&mut bytes, attribute::USER_NAME, check.user.as_bytes());
        let password = hidden(check.password.reveal().as_bytes(), &secret, &nonces.authenticator);
        push(&mut bytes, attribute::USER_PASSWORD, &password);
        push(&mut bytes, attribute::NAS_IDENTIFIER, NAS);
        let length = u16::try_from(bytes.len()).expect("three attributes of 255 bytes at most");
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let signature = keyed(&secret, &bytes);
        bytes[message_authenticator].copy_from_slice(&signature);
        Self { nonces, secret, bytes }
    }

    /// The request as it is sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a reply; `None` if it is another request's.
    pub(super) fn read(&self, reply: &[u8]) -> Option<Result<RadiusCode, RadiusFault>> {
        if reply.get(1).is_some_and(|identifier| *identifier != self.nonces.identifier) {
            return None;
        }
        Some(self.verified(reply).ok_or(RadiusFault::NotRadius).and_then(|result| result))
    }

    /// `None` if the bytes are no packet.
    fn verified(&self, reply: &[u8]) -> Option<Result<RadiusCode, RadiusFault>> {
        let code = match *reply.first()? {
            code::ACCEPT => RadiusCode::Accept,
            code::REJECT => RadiusCode::Reject,
            code::CHALLENGE => RadiusCode::Challenge,
            _ => return None,
        };
        let length = u16::from_be_bytes(reply.get(2..4)?.try_into().ok()?);
        // What comes after the length is padding (RFC 2865 3).
        let packet = reply.get(..length.into()).filter(|packet| packet.len() >= HEADER)?;
        let mut as_signed = packet.to_vec();
        as_signed[AUTHENTICATOR].copy_from_slice(&self.nonces.authenticator);
        let digest = Md5::new().chain_update(&as_signed).chain_update(&self.secret).finalize();
        if packet[AUTHENTICATOR] != digest[..] {
            return Some(Err(RadiusFault::Authenticator));
        }
        let found = find(packet, attribute::MESSAGE_AUTHENTICATOR)?;
        if let Some(range) = found {
            let signature: [u8; 16] = packet[range.clone()].try_into().ok()?;
            as_signed[range].fill(0);
            if keyed(&self.secret, &as_signed) != signature {
                return Some(Err(RadiusFault::Authenticator));
            }
        }
        Some(Ok(code))
    }
}

/// Appends an attribute, and tells where its value lies.
fn push(packet: &mut Vec<u8>, kind: u8, value: &[u8]) -> std::ops::Range<usize> {
    let length = u8::try_from(value.len() + 2).expect("checks are bounded to 253 bytes a value");
    packet.extend_from_slice(&[kind, length]);
    packet.extend_from_slice(value);
    packet.len() - value.len()..packet.len()
}

/// Where the value of an attribute lies; `None` if the attributes are no attributes.
fn find(packet: &[u8], wanted: u8) -> Option<Option<std::ops::Range<usize>>> {
    let (mut at, mut found) = (HEADER, None);
    while at < packet.len() {
        let (kind, length) = (packet[at], usize::from(*packet.get(at + 1)?));
        if length < 2 || at + length > packet.len() {
            return None;
        }
        if kind == wanted && found.is_none() {
            found = Some(at + 2..at + length);
        }
        at += length;
    }
    Some(found)
}

/// A password under the secret (RFC 2865 5.2).
fn hidden(password: &[u8], secret: &[u8], authenticator: &[u8; 16]) -> Vec<u8> {
    let mut padded = password.to_vec();
    padded.resize(password.len().div_ceil(16).max(1) * 16, 0);
    let mut before = *authenticator;
    for block in padded.chunks_exact_mut(16) {
        let pad = Md5::new().chain_update(secret).chain_update(before).finalize();
        block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        before.copy_from_slice(block);
    }
    padded
}

fn keyed(secret: &[u8], packet: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(secret).expect("a key may have any length");
    mac.update(packet);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
