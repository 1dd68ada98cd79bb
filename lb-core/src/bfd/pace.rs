//! The timers of a session: when to send, when to ask, when to give up.
//!
//! An interval is the slower of what one end wants and what the other can
//! take. What would make a session slower waits until the neighbour has agreed
//! (a poll sequence, RFC 5880 sections 6.5 and 6.8.3), so that a change of
//! settings never looks like a death.

use core::time::Duration;

use super::config::SessionConfig;
use super::packet::ControlPacket;
use crate::time::Time;

/// The pace of a session that is not up (RFC 5880 section 6.8.3): strangers and
/// the dead get no more than a packet a second.
const SLOW_US: u32 = 1_000_000;

#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// What the packets say: `bfd.DesiredMinTxInterval`.
    advertised_tx_us: u32,
    /// What is sent by: the same, or the earlier one while a poll sequence runs.
    used_tx_us: u32,
    /// What the packets say: `bfd.RequiredMinRxInterval`.
    advertised_rx_us: u32,
    /// What the detection time is made of, likewise.
    used_rx_us: u32,
    multiplier: u8,
    remote: RemotePace,
    poll: Poll,
    heard: Option<Time>,
    sent: Time,
    next: Option<Time>,
    /// The interval that `next` was made of, before jitter.
    scheduled_us: Option<u32>,
    due: bool,
    draws: Draws,
}

/// The neighbour's intervals, as heard last.
#[derive(Clone, Copy, Debug)]
struct RemotePace {
    min_tx_us: u32,
    min_rx_us: u32,
    multiplier: u8,
}

impl RemotePace {
    /// The initial values of RFC 5880 section 6.8.1.
    const UNHEARD: Self = Self { min_tx_us: 0, min_rx_us: 1, multiplier: 0 };
}

/// A poll sequence: packets with P set until one with F comes back.
///
/// Between two sequences goes a packet without P, so that an answer to the
/// first is not taken for one to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    /// Nothing to agree on.
    Idle,
    /// Asking.
    Asking,
    /// Asking, and something changed since.
    AskingAgain,
    /// To be asked after one packet without P.
    Resting,
}

impl Pace {
    pub(super) const fn new(now: Time, config: &SessionConfig, seed: u64) -> Self {
        let slow = if config.desired_min_tx_us() > SLOW_US { config.desired_min_tx_us() } else { SLOW_US };
        Self {
            advertised_tx_us: slow,
            used_tx_us: slow,
            advertised_rx_us: config.required_min_rx_us(),
            used_rx_us: config.required_min_rx_us(),
            multiplier: config.detect_multiplier(),
            remote: RemotePace::UNHEARD,
            poll: Poll::Idle,
            heard: None,
            sent: now,
            next: Some(now),
            scheduled_us: Some(slow),
            due: false,
            draws: Draws { seed, count: 0 },
        }
    }

    /// When the last periodic packet became due.
    #[cfg(test)]
    pub(super) const fn sent(&self) -> Time {
        self.sent
    }

    pub(super) const fn advertised_tx_us(&self) -> u32 {
        self.advertised_tx_us
    }

    /// Takes note of a packet: its intervals, its answer, its time.
    pub(super) fn hear(&mut self, now: Time, packet: &ControlPacket) {
        self.remote = RemotePace {
            min_tx_us: packet.desired_min_tx_us,
            min_rx_us: packet.required_min_rx_us,
            multiplier: packet.detect_multiplier,
        };
        self.heard = Some(now);
        if packet.final_ {
            self.poll = match self.poll {
                Poll::Idle | Poll::Resting => self.poll,
                Poll::Asking => {
                    self.settle();
                    Poll::Idle
                }
                // The answer may be to what was asked before the change.
                Poll::AskingAgain => Poll::Resting,
            };
        }
    }

    /// Brings the intervals into line with settings and state; asks the
    /// neighbour to agree if there is one.
    pub(super) fn renegotiate(&mut self, config: &SessionConfig, up: bool, remote_is_known: bool) {
        let least = if up { 0 } else { SLOW_US };
        let tx = config.desired_min_tx_us().max(least);
        let rx = config.required_min_rx_us();
        let same = (tx, rx) == (self.advertised_tx_us, self.advertised_rx_us);
        (self.advertised_tx_us, self.advertised_rx_us) = (tx, rx);
        self.multiplier = config.detect_multiplier();
        if !up {
            self.settle();
        }
        // What makes the session livelier needs nobody's consent.
        self.used_tx_us = self.used_tx_us.min(tx);
        self.used_rx_us = self.used_rx_us.max(rx);
        if !remote_is_known {
            self.poll = Poll::Idle; // nobody to ask
        } else if !same {
            self.poll = match self.poll {
                Poll::Idle => Poll::Asking,
                Poll::Asking | Poll::AskingAgain => Poll::AskingAgain,
                Poll::Resting => Poll::Resting,
            };
        }
    }

    /// Uses what is said.
    const fn settle(&mut self) {
        self.used_tx_us = self.advertised_tx_us;
        self.used_rx_us = self.advertised_rx_us;
    }

    /// Whether the detection time has passed; the neighbour is then forgotten.
    pub(super) fn expire(&mut self, now: Time) -> bool {
        let expired = self.detection_deadline().is_some_and(|deadline| deadline <= now);
        if expired {
            self.heard = None;
            self.remote = RemotePace::UNHEARD;
            self.poll = Poll::Idle;
        }
        expired
    }

    /// Makes the periodic packet due if its time has come.
    pub(super) fn transmit_if_due(&mut self, now: Time) {
        if self.next.is_some_and(|next| next <= now) {
            self.due = true;
            self.sent = now;
            (self.next, self.scheduled_us) = (None, None); // to be drawn anew
        }
    }

    /// The periodic packet that is due, and whether it asks.
    pub(super) fn take_due(&mut self) -> Option<bool> {
        if !core::mem::take(&mut self.due) {
            return None;
        }
        match self.poll {
            Poll::Idle => Some(false),
            Poll::Asking | Poll::AskingAgain => Some(true),
            Poll::Resting => {
                self.poll = Poll::Asking;
                Some(false)
            }
        }
    }

    /// Sets the time of the next periodic packet if its interval is another than
    /// before, counted from the last one (RFC 5880 section 6.8.3: a shorter
    /// interval holds at once).
    pub(super) fn schedule(&mut self, now: Time, demand_is_active: bool) {
        let interval_us = self.interval_us(demand_is_active);
        if interval_us == self.scheduled_us {
            return;
        }
        self.scheduled_us = interval_us;
        self.next = interval_us.map(|interval_us| (self.sent + self.jittered(interval_us)).max(now));
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        [self.next, self.detection_deadline()].into_iter().flatten().min()
    }

    pub(super) fn transmit_interval(&self, demand_is_active: bool) -> Option<Duration> {
        self.interval_us(demand_is_active).map(|us| Duration::from_micros(us.into()))
    }

    /// The silence after which the neighbour is dead (RFC 5880 section 6.8.4).
    pub(super) fn detection_time(&self) -> Option<Duration> {
        self.heard?;
        let interval = u64::from(self.used_rx_us.max(self.remote.min_tx_us));
        Some(Duration::from_micros(interval * u64::from(self.remote.multiplier)))
    }

    fn detection_deadline(&self) -> Option<Time> {
        Some(self.heard? + self.detection_time()?)
    }

    /// Between periodic packets, before jitter; `None` where there are none (RFC 5880 section 6.8.7).
    fn interval_us(&self, demand_is_active: bool) -> Option<u32> {
        let wanted = self.remote.min_rx_us != 0 && (!demand_is_active || self.poll != Poll::Idle);
        wanted.then(|| self.used_tx_us.max(self.remote.min_rx_us))
    }

    /// 75 to 100 % of an interval; at most 90 % where the neighbour may miss
    /// none (RFC 5880 section 6.8.7).
    fn jittered(&mut self, interval_us: u32) -> Duration {
        let interval = u64::from(interval_us) * 1_000;
        let (longest, span) = if self.multiplier == 1 {
            (interval / 10 * 9, interval / 100 * 15)
        } else {
            (interval, interval / 4)
        };
        Duration::from_nanos(longest - self.draws.up_to(span))
    }
}

/// Random numbers by counting: SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Draws {
    seed: u64,
    count: u64,
}

impl Draws {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    /// 64 random bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        let mut bits = self.seed.wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `[0, limit]`.
    fn up_to(&mut self, limit: u64) -> u64 {
        let scaled = (u128::from(self.bits()) * (u128::from(limit) + 1)) >> 64;
        u64::try_from(scaled).expect("a 64-bit draw times 2^64 at most, less 64 bits")
    }
}
