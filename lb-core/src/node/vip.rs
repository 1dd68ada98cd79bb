//! One VIP of the node: what speaks for announcing it, and since when it has been quiet.
//!
//! A VIP is quiet when routers have had time to send its flows elsewhere: it is
//! not announced, and has not been for the drain delay. What would cost flows
//! (the last backend of a service taken out, the service or the address
//! removed) waits until then.

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::config::ServiceAddress;
use crate::health::ServiceState;
use crate::time::Time;

/// One VIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vip {
    /// The services of the configuration that have it.
    pub(super) services: BTreeSet<ServiceAddress>,
    /// Whether the kernel refused so much that it no longer carries its flows.
    pub(super) broken: bool,
    /// Whether its services stand.
    pub(super) stands: bool,
    /// Whether the routers were told of it.
    pub(super) announced: bool,
    /// Since when it has not been announced.
    pub(super) silent_since: Time,
}

impl Vip {
    /// A VIP of which no router knows: nobody has announced it while this node runs.
    pub(super) const fn new() -> Self {
        Self {
            services: BTreeSet::new(),
            broken: false,
            stands: false,
            announced: false,
            silent_since: Time::ZERO,
        }
    }

    /// Whether it stands by the states of its services.
    ///
    /// All must stand to bring it up. To keep it up none may be down, and one
    /// must stand: a service that is new on a VIP, and of which nothing is known
    /// yet, does not take away what the others have.
    pub(super) fn judged(&self, states: impl Iterator<Item = ServiceState>) -> bool {
        let (mut standing, mut unknown, mut down) = (0, 0, 0);
        for state in states {
            match state {
                ServiceState::Up | ServiceState::Panic => standing += 1,
                ServiceState::Unknown => unknown += 1,
                ServiceState::Down => down += 1,
            }
        }
        down == 0 && standing > 0 && (self.announced || unknown == 0)
    }

    /// When it is quiet, if it is not announced.
    pub(super) fn quiet_at(&self, delay: Duration) -> Option<Time> {
        // one that never was announced needs no wait
        let since = if self.silent_since == Time::ZERO { Time::ZERO } else { self.silent_since + delay };
        (!self.announced).then_some(since)
    }

    /// Whether it is quiet at `now`.
    pub(super) fn is_quiet(&self, now: Time, delay: Duration) -> bool {
        self.quiet_at(delay).is_some_and(|at| at <= now)
    }
}
