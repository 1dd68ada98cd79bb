//! Randomness as a value: one stream per (component, purpose), all from one seed.
//!
//! A stream's key is derived by hashing the seed with the *names* of who draws
//! and what for, never with a counter of how many streams were made before. So
//! adding a component, or drawing more in one place, shifts no other stream:
//! two runs that differ in one setting see the same arrivals (common random
//! numbers). The generator is ChaCha8, counter based, the same on every machine
//! and build. Shapes other than uniform are [`samplers`](crate::samplers)' work.

use core::convert::Infallible;
use core::fmt;

use lb_core::HashKey;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, TryRng};
use siphasher::sip::SipHasher24;

/// The number that a run starts from; the whole source of its randomness.
///
/// ```
/// use sim::random::Seed;
///
/// let seed = Seed(7);
/// let mut arrivals = seed.stream("client/3", "arrivals");
/// let mut again = seed.stream("client/3", "arrivals");
/// assert_eq!(arrivals.next_u64(), again.next_u64());
/// assert_ne!(seed.stream("client/3", "sizes").next_u64(), seed.stream("client/4", "sizes").next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of one purpose of one component; both names are stable ids such as `zone/2/router`.
    #[must_use]
    pub fn stream(self, component: &str, purpose: &str) -> Stream {
        let mut key = [0; 32];
        for (lane, bytes) in (0_u8..).zip(key.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&self.derive(lane, component, purpose).to_le_bytes());
        }
        Stream { generator: ChaCha8Rng::from_seed(key) }
    }

    /// A seed for everything below one component: replications of a run, or a part with many streams.
    #[must_use]
    pub fn fork(self, component: &str) -> Self {
        Self(self.derive(SEED_LANE, component, ""))
    }

    /// A seed for the `index`-th of many alike.
    #[must_use]
    pub fn fork_index(self, index: u64) -> Self {
        let mut name = [b'#'; 9];
        name[1..].copy_from_slice(&index.to_le_bytes());
        Self(self.derive_bytes(INDEX_LANE, &name, b""))
    }

    /// A 128-bit hash key for one purpose of one component, as `lb-core` takes it.
    #[must_use]
    pub fn hash_key(self, component: &str, purpose: &str) -> HashKey {
        let mut key = [0; 16];
        for (lane, bytes) in (KEY_LANE..).zip(key.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&self.derive(lane, component, purpose).to_le_bytes());
        }
        HashKey::new(key)
    }

    fn derive(self, lane: u8, component: &str, purpose: &str) -> u64 {
        self.derive_bytes(lane, component.as_bytes(), purpose.as_bytes())
    }

    /// SipHash-2-4 keyed by the seed over lane, length of the component, component, purpose: no two
    /// pairs of names give the same bytes.
    fn derive_bytes(self, lane: u8, component: &[u8], purpose: &[u8]) -> u64 {
        let mut bytes = Vec::with_capacity(9 + component.len() + purpose.len());
        bytes.push(lane);
        bytes.extend_from_slice(&(component.len() as u64).to_le_bytes());
        bytes.extend_from_slice(component);
        bytes.extend_from_slice(purpose);
        SipHasher24::new_with_keys(self.0, DOMAIN).hash(&bytes)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Second half of the derivation key: keeps these hashes apart from any other use of SipHash.
const DOMAIN: u64 = u64::from_be_bytes(*b"overspil");
/// Lanes 0..4 are a stream's key; these are the others.
const SEED_LANE: u8 = 16;
const INDEX_LANE: u8 = 17;
const KEY_LANE: u8 = 18;

/// A stream of random numbers that belongs to one purpose of one component.
///
/// Implements [`rand_core::Rng`], so that foreign code can draw from it; the
/// methods here are what the simulator uses and give the same bits everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A number in `0..bound`, each with the same chance (rejection after Lemire, "Fast Random Integer
    /// Generation in an Interval", 2019); 0 if `bound` is 0.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    #[inline]
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * UNIT
    }

    /// A number in `(0, 1)`, an odd multiple of 2^-53: its logarithm and its complement's are finite.
    #[inline]
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn open_unit(&mut self) -> f64 {
        ((self.next_u64() >> 11) | 1) as f64 * UNIT
    }

    /// True with the given probability; below 0 never, from 1 on always. Compares integers.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.chance_of(Chance::new(probability))
    }

    /// True with a probability that was turned into an integer threshold before.
    #[inline]
    pub fn chance_of(&mut self, chance: Chance) -> bool {
        u128::from(self.next_u64()) < chance.0
    }

    /// Brings a slice into a random order, each with the same chance.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1);
            items.swap(last, usize::try_from(other).expect("at most an index of the slice"));
        }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.generator.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.generator.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator.fill_bytes(bytes);
        Ok(())
    }
}

/// A probability as an integer threshold in 0..=2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chance(u128);

impl Chance {
    /// A threshold from a probability; clamped to 0..=1, not-a-number is never.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..=2^64 after the clamp, exact for a power of two"
    )]
    pub fn new(probability: f64) -> Self {
        let clamped = if probability > 0.0 { probability.min(1.0) } else { 0.0 };
        Self((clamped * 18_446_744_073_709_551_616.0) as u128)
    }
}

/// 2^-53.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests;
