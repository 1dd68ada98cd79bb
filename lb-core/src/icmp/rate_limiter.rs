//! How many ICMP messages a node sends: token buckets, one for all and one per client.
//!
//! The one idea: a bucket is one number, the time at which it is full again
//! (GCRA, ITU-T I.371: the same as a counter that is topped up, without the
//! topping up). One bucket for all bounds the node's work; many small ones keep
//! a single noisy client from using it up, for then nobody else would learn
//! their path MTU. Clients share small buckets by a keyed hash, so memory is
//! fixed. Source: RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8.

use alloc::boxed::Box;
use alloc::vec;
use core::net::IpAddr;

use crate::hash::HashKey;
use crate::time::Time;

/// The rates of a [`RateLimiter`]; a rate or burst of 0 lets nothing pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages per second to all clients together.
    pub per_second: u32,
    /// How many of them may leave at once after a pause.
    pub burst: u32,
    /// Messages per second to one client (an IPv4 address, an IPv6 /64).
    pub client_per_second: u32,
    /// How many of them may leave at once after a pause.
    pub client_burst: u32,
    /// Buckets that the clients share, 8 bytes each; 0 turns the limit per client off.
    pub client_buckets: u32,
}

impl Default for RateLimits {
    /// 1,000 per second and bursts of 50 in all, as Linux (`icmp_msgs_per_sec`);
    /// 10 and 10 for each client, RFC 4443's example for a small router; 8 KiB.
    fn default() -> Self {
        Self { per_second: 1000, burst: 50, client_per_second: 10, client_burst: 10, client_buckets: 1024 }
    }
}

/// Decides whether one more ICMP message may be sent.
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use lb_core::icmp::{RateLimiter, RateLimits};
/// use lb_core::{HashKey, Time};
///
/// let limits = RateLimits { client_per_second: 1, client_burst: 2, ..RateLimits::default() };
/// let mut limiter = RateLimiter::new(limits, HashKey::new([7; 16]));
/// let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// let allowed = [0, 1, 2, 1000, 1001].map(|ms| limiter.allow(Time::from_millis(ms), client));
/// assert_eq!(allowed, [true, true, false, true, false]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimiter {
    all: Rate,
    client: Rate,
    /// When each bucket is full again, in nanoseconds.
    all_full_at: u64,
    clients_full_at: Box<[u64]>,
    key: HashKey,
}

impl RateLimiter {
    /// Full buckets; `key` keeps strangers from choosing whose bucket they share.
    #[must_use]
    pub fn new(limits: RateLimits, key: HashKey) -> Self {
        Self {
            all: Rate::new(limits.per_second, limits.burst),
            client: Rate::new(limits.client_per_second, limits.client_burst),
            all_full_at: 0,
            clients_full_at: vec![0; limits.client_buckets as usize].into_boxed_slice(),
            key,
        }
    }

    /// Whether a message may go to `client` now; if so it is counted.
    ///
    /// A message that one bucket refuses costs the other nothing.
    #[must_use]
    pub fn allow(&mut self, now: Time, client: IpAddr) -> bool {
        let Some(all) = self.all.take(self.all_full_at, now) else { return false };
        // The product of two numbers below 2^64 and 2^32, shifted by 64, is below the second.
        let place = (u128::from(self.hash(client)) * self.clients_full_at.len() as u128) >> 64;
        if let Some(bucket) = self.clients_full_at.get_mut(place as usize) {
            let Some(full_at) = self.client.take(*bucket, now) else { return false };
            *bucket = full_at;
        }
        self.all_full_at = all;
        true
    }

    fn hash(&self, client: IpAddr) -> u64 {
        match client {
            IpAddr::V4(address) => self.key.hash_bytes(&address.octets()),
            // One host has a whole /64 to send from.
            IpAddr::V6(address) => self.key.hash_bytes(&address.octets()[..8]),
        }
    }
}

/// What one kind of bucket holds, as times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    /// Nanoseconds that one token takes to come back; `None`: never.
    interval: Option<u64>,
    /// How far in the future "full" may lie for a token to be left.
    slack: u64,
}

impl Rate {
    fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000_u64.checked_div(u64::from(per_second)).filter(|_| burst > 0);
        // At most 10^9 * 2^32.
        let slack = interval.unwrap_or(0) * u64::from(burst.saturating_sub(1));
        Self { interval, slack }
    }

    /// The new `full_at` after one token was taken; `None` if there is none.
    fn take(&self, full_at: u64, now: Time) -> Option<u64> {
        let full_at = full_at.max(now.as_nanos());
        if full_at - now.as_nanos() > self.slack {
            return None;
        }
        Some(full_at.saturating_add(self.interval?))
    }
}
