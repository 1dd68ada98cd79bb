//! One VIP of the node: what its kernel state says of announcing it, and since when it has been quiet.
//!
//! A VIP is quiet when routers have had time to send its flows elsewhere: it is
//! not announced, and has not been for the drain delay. What would cost flows
//! (the last backend of a service taken out, the service or the address
//! removed) waits until then. Whether it is to be announced is the
//! [`Announcer`](crate::announce::Announcer)'s to say; here is what it is told.

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::config::ServiceAddress;
use crate::time::Time;

/// One VIP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vip {
    /// The services of the configuration that have it.
    pub(super) services: BTreeSet<ServiceAddress>,
    /// Whether the kernel refused so much that it no longer carries its flows.
    pub(super) broken: bool,
    /// Whether routers are told of it.
    pub(super) announced: bool,
    /// Until then it waits for a first word of all of its services, if it is
    /// new here: one that is not known yet may only be slower than the others.
    pub(super) patient_until: Option<Time>,
    /// When it was last withdrawn; `None` if it was not while this node runs.
    pub(super) withdrawn: Option<Time>,
}

impl Vip {
    /// When it is quiet, if it is not announced; one that never was is at once.
    pub(super) fn quiet_at(&self, delay: Duration) -> Option<Time> {
        let since = self.withdrawn.map_or(Time::ZERO, |withdrawn| withdrawn + delay);
        (!self.announced).then_some(since)
    }

    /// Whether it is quiet at `now`.
    pub(super) fn is_quiet(&self, now: Time, delay: Duration) -> bool {
        self.quiet_at(delay).is_some_and(|at| at <= now)
    }
}
