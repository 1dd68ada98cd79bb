//! A stream of octets cut into messages.
//!
//! At most one message is kept, and its header is looked at as soon as it is
//! there: what cannot be a message is refused before it has filled anything.

use alloc::vec::Vec;

use crate::bgp::message::{self, Dialect, HEADER_LENGTH, MessageError};

/// The beginning of a message that has not arrived whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    kept: Vec<u8>,
}

impl Input {
    /// Takes from `bytes` what the next message needs; the message, if that was enough.
    ///
    /// # Errors
    /// What comes is no message.
    pub(super) fn next(
        &mut self,
        bytes: &mut &[u8],
        dialect: Dialect,
    ) -> Result<Option<Vec<u8>>, MessageError> {
        loop {
            let length = message::frame_length(&self.kept, dialect)?;
            let wanted = length.unwrap_or(HEADER_LENGTH);
            if self.kept.len() == wanted {
                return Ok(Some(core::mem::take(&mut self.kept)));
            }
            let (taken, rest) = bytes.split_at(bytes.len().min(wanted - self.kept.len()));
            if taken.is_empty() {
                return Ok(None);
            }
            // No more than the message, however much its header promises: what is not there takes no memory.
            self.kept.extend_from_slice(taken);
            *bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests;
