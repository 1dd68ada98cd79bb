//! What a node may send in ICMP messages, by kind.
//!
//! The one idea: who can make us send one kind of message must not be able to
//! use up another. A flood of pings costs pings only; a client's path MTU,
//! without which its connection hangs, is told all the same. So each kind has a
//! [`RateLimiter`] of its own, "too big" one for our own and one for routers'.
//! (Big packets from made-up addresses can still use up what is for big packets.)

use core::net::IpAddr;

use super::{RateLimiter, RateLimits};
use crate::hash::HashKey;
use crate::time::Time;

/// The rates of a node's ICMP messages, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpLimits {
    /// Echo replies.
    pub echo: RateLimits,
    /// "Too big": so many of our own, and as many passed on from routers.
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

/// Which ICMP message a node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyKind {
    /// An echo reply, from the VIP to whoever asked.
    Echo,
    /// Port unreachable: the kernel's answer when a service has no backend (profile `ipvs`).
    PortUnreachable,
    /// Time exceeded: the packet's time to live ended here.
    TimeExceeded,
    /// Fragmentation needed or Packet Too Big: the tunnel does not fit the path.
    TooBig,
    /// A router's too-big error about our tunnel packet, rewritten for the client.
    TranslatedTooBig,
}

impl ReplyKind {
    /// The word that counters and captures use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::PortUnreachable => "port-unreachable",
            Self::TimeExceeded => "time-exceeded",
            Self::TooBig => "too-big",
            Self::TranslatedTooBig => "translated-too-big",
        }
    }
}

/// Decides whether one more ICMP message of a kind may be sent.
///
/// ```
/// use lb_core::icmp::{IcmpBudgets, IcmpLimits, RateLimits, ReplyKind};
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
    translated: RateLimiter,
    other: RateLimiter,
}

impl IcmpBudgets {
    /// Full budgets; `key` keeps strangers from choosing whose bucket they share.
    #[must_use]
    pub fn new(limits: &IcmpLimits, key: HashKey) -> Self {
        let limiter = |limits| RateLimiter::new(limits, key);
        Self {
            echo: limiter(limits.echo),
            too_big: limiter(limits.too_big),
            translated: limiter(limits.too_big),
            other: limiter(limits.other),
        }
    }

    /// Whether a message of this kind may go to `client` now; if so it is counted.
    #[must_use]
    pub fn allow(&mut self, now: Time, kind: ReplyKind, client: IpAddr) -> bool {
        let limiter = match kind {
            ReplyKind::Echo => &mut self.echo,
            ReplyKind::TooBig => &mut self.too_big,
            ReplyKind::TranslatedTooBig => &mut self.translated,
            ReplyKind::PortUnreachable | ReplyKind::TimeExceeded => &mut self.other,
        };
        limiter.allow(now, client)
    }
}
