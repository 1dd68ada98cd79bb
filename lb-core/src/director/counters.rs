//! Counters in 64 bits: per backend, per service, per reason.
//!
//! They only count; a rate is the reader's division. At 100 million packets a
//! second a 64-bit counter lasts for 5,800 years, so none wraps.

use super::verdict::{Choice, DropReason, PassReason, ReplyKind, Verdict};

/// What a backend was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendCounters {
    /// Packets forwarded.
    pub packets: u64,
    /// Bytes of the clients' packets, from the IP header on, tunnel excluded.
    pub bytes: u64,
    /// Flows that began here: new, picked up or re-chosen.
    pub flows: u64,
}

/// What a service was asked, and how its flows were placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceCounters {
    /// Packets forwarded.
    pub packets: u64,
    /// Bytes of the clients' packets, from the IP header on, tunnel excluded.
    pub bytes: u64,
    /// Flows that began with a packet that opens them.
    pub new_flows: u64,
    /// Flows that began on another node, or whose entry had gone.
    pub picked_up: u64,
    /// Flows whose backend was out of service and that got another.
    pub rechosen: u64,
    /// Packets forwarded without an entry.
    pub untracked: u64,
    /// Packets for the service that were dropped or refused.
    pub refused: u64,
}

impl ServiceCounters {
    #[inline(always)]
    pub(super) fn count_forward(&mut self, bytes: usize, choice: Choice) {
        self.packets += 1;
        self.bytes += bytes as u64;
        if choice != Choice::Existing {
            self.count_choice(choice);
        }
    }

    #[inline(never)]
    const fn count_choice(&mut self, choice: Choice) {
        match choice {
            Choice::Existing => {}
            Choice::New => self.new_flows += 1,
            Choice::PickedUp => self.picked_up += 1,
            Choice::Rechosen => self.rechosen += 1,
            Choice::Untracked => self.untracked += 1,
        }
    }
}

impl BackendCounters {
    #[inline(always)]
    pub(super) fn count_forward(&mut self, bytes: usize, choice: Choice) {
        self.packets += 1;
        self.bytes += bytes as u64;
        let begins = matches!(choice, Choice::New | Choice::PickedUp | Choice::Rechosen);
        self.flows += u64::from(begins);
    }
}

/// Everything the node did with packets, by verdict and reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// The configuration in force, by its generation; the counts go on through a change.
    pub generation: u64,
    /// Packets sent to a backend.
    pub forwarded: u64,
    /// ICMP messages of ours, by kind: see [`NodeCounters::replies`].
    replies: [u64; 5],
    /// Packets left to the host: see [`NodeCounters::passed`].
    passed: [u64; 5],
    /// Packets thrown away: see [`NodeCounters::dropped`].
    dropped: [u64; 11],
}

impl NodeCounters {
    /// Replies of one kind.
    #[must_use]
    pub const fn replies(&self, kind: ReplyKind) -> u64 {
        self.replies[kind as usize]
    }

    /// Packets left to the host for one reason.
    #[must_use]
    pub const fn passed(&self, reason: PassReason) -> u64 {
        self.passed[reason as usize]
    }

    /// Packets dropped for one reason (all kinds of malformed count as one).
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[drop_index(reason)]
    }

    /// All packets seen.
    #[must_use]
    pub fn total(&self) -> u64 {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        self.forwarded + sum(&self.replies) + sum(&self.passed) + sum(&self.dropped)
    }

    #[inline(always)]
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Forward { .. } => self.forwarded += 1,
            Verdict::Reply { .. } | Verdict::Pass(_) | Verdict::Drop(_) => self.count_other(verdict),
        }
    }

    #[inline(never)]
    fn count_other(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Forward { .. } => self.forwarded += 1,
            Verdict::Reply { kind, .. } => self.replies[kind as usize] += 1,
            Verdict::Pass(reason) => self.passed[reason as usize] += 1,
            Verdict::Drop(reason) => self.dropped[drop_index(reason)] += 1,
        }
    }
}

const fn drop_index(reason: DropReason) -> usize {
    match reason {
        DropReason::Malformed(_) => 0,
        DropReason::NoBackend => 1,
        DropReason::BackendGone => 2,
        DropReason::TooBig => 3,
        DropReason::TimeToLiveExpired => 4,
        DropReason::RateLimited => 5,
        DropReason::UselessError => 6,
        DropReason::NoSourceAddress => 7,
        DropReason::OutTooSmall => 8,
        DropReason::Loop => 9,
        DropReason::UnusableSource => 10,
    }
}
