//! A fingerprint of a run: two runs with the same one saw the same events in the same order.
//!
//! The bytes that are hashed are laid out here, little-endian and with lengths,
//! so the fingerprint is the same on every machine and build. The hash is
//! SipHash-1-3 with 128 bits, twice with two fixed keys: it keeps runs apart
//! against accident, not against somebody who wants two runs to look alike.
//! Which events are recorded is the model's business.

use core::fmt;
use core::hash::Hasher;

use lb_core::Time;
use siphasher::sip128::{Hasher128, SipHasher13};

/// The fingerprint: prints as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Takes the event log in, event by event.
///
/// ```
/// use lb_core::Time;
/// use sim::digest::EventDigest;
///
/// let mut one = EventDigest::new();
/// let mut other = EventDigest::new();
/// one.record(Time::from_secs(1), 3, &[10, 20]);
/// other.record(Time::from_secs(1), 3, &[10]);
/// assert_ne!(one.finish(), other.finish());
/// assert_eq!(one.finish().to_string().len(), 64);
/// ```
#[derive(Clone)]
pub struct EventDigest {
    lanes: [SipHasher13; 2],
    /// Words wait here, so that the hash runs over long stretches.
    buffer: Vec<u8>,
}

const BUFFER: usize = 4096;
/// Text for keys: nothing hidden in them.
const KEYS: [&[u8; 16]; 2] = [b"overspill-events", b"stneve-llipsrevo"];

impl EventDigest {
    /// The digest of an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { lanes: KEYS.map(SipHasher13::new_with_key), buffer: Vec::with_capacity(BUFFER) }
    }

    /// Adds one event: when, what kind (the model's number for it), and its canonical fields.
    #[inline]
    pub fn record(&mut self, at: Time, kind: u16, fields: &[u64]) {
        // Kind and number of fields share a word: no two different logs have the same bytes.
        let head = (u64::from(kind) << 48) | fields.len() as u64;
        self.word(at.as_nanos());
        self.word(head);
        for &field in fields {
            self.word(field);
        }
    }

    /// Adds bytes, such as a name or a packet, to the event recorded last.
    pub fn record_bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The fingerprint of what was recorded so far; recording may go on.
    #[must_use]
    pub fn finish(&self) -> Digest {
        let mut bytes = [0; 32];
        for (lane, half) in self.lanes.iter().zip(bytes.chunks_exact_mut(16)) {
            let mut lane = *lane;
            lane.write(&self.buffer);
            half.copy_from_slice(&lane.finish128().as_bytes());
        }
        Digest(bytes)
    }

    #[inline]
    fn word(&mut self, word: u64) {
        if self.buffer.len() == BUFFER {
            self.flush();
        }
        self.buffer.extend_from_slice(&word.to_le_bytes());
    }

    fn flush(&mut self) {
        for lane in &mut self.lanes {
            lane.write(&self.buffer);
        }
        self.buffer.clear();
    }
}

impl Default for EventDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventDigest({})", self.finish())
    }
}

#[cfg(test)]
mod tests;
