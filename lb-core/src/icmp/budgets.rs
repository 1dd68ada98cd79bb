//! What a node may send in ICMP messages, by kind.
//!
//! The one idea: who can make us send one kind of message must not be able to
//! use up another. A flood of pings costs pings only; a client's path MTU,
//! without which its connection hangs, is told all the same. So each of the
//! three kinds has a [`RateLimiter`] of its own.

use core::net::IpAddr;

use super::{RateLimiter, RateLimits};
use crate::director::ReplyKind;
use crate::hash::HashKey;
use crate::time::Time;

/// The rates of a node's ICMP messages, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpLimits {
    /// Echo replies.
    pub echo: RateLimits,
    /// "Too big", of our own and passed on from a router.
    pub too_big: RateLimits,
    /// Time exceeded and port unreachable.
    pub other: RateLimits,
}

impl Default for IcmpLimits {
    /// Generous to pings and path MTU discovery, which Linux does not ration in
    /// all either; for the rest what Linux has (`icmp_msgs_per_sec`).
    fn default() -> Self {
        let other = RateLimits::default();
        Self {
            echo: RateLimits {
                per_second: 10_000,
                burst: 1_000,
                client_per_second: 100,
                client_burst: 100,
                ..other
            },
            too_big: RateLimits { per_second: 10_000, burst: 1_000, ..other },
            other,
        }
    }
}

/// Decides whether one more ICMP message of a kind may be sent.
///
/// ```
/// use lb_core::director::ReplyKind;
/// use lb_core::icmp::{IcmpBudgets, IcmpLimits, RateLimits};
/// use lb_core::{HashKey, Time};
///
/// let echo = RateLimits { per_second: 1, burst: 1, ..RateLimits::default() };
/// let limits = IcmpLimits { echo, ..IcmpLimits::default() };
/// let mut budgets = IcmpBudgets::new(&limits, HashKey::new([7; 16]));
/// let client = [192, 0, 2, 1].into();
/// let allowed = [ReplyKind::Echo, ReplyKind::Echo, ReplyKind::TooBig]
///     .map(|kind| budgets.allow(Time::ZERO, kind, client));
/// assert_eq!(allowed, [true, false, true], "pings use up what pings have");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpBudgets {
    echo: RateLimiter,
    too_big: RateLimiter,
    other: RateLimiter,
}

impl IcmpBudgets {
    /// Full budgets; `key` keeps strangers from choosing whose bucket they share.
    #[must_use]
    pub fn new(limits: &IcmpLimits, key: HashKey) -> Self {
        let limiter = |limits| RateLimiter::new(limits, key);
        Self { echo: limiter(limits.echo), too_big: limiter(limits.too_big), other: limiter(limits.other) }
    }

    /// Whether a message of this kind may go to `client` now; if so it is counted.
    #[must_use]
    pub fn allow(&mut self, now: Time, kind: ReplyKind, client: IpAddr) -> bool {
        let limiter = match kind {
            ReplyKind::Echo => &mut self.echo,
            ReplyKind::TooBig | ReplyKind::TranslatedTooBig => &mut self.too_big,
            ReplyKind::PortUnreachable | ReplyKind::TimeExceeded => &mut self.other,
        };
        limiter.allow(now, client)
    }
}
