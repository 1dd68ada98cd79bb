//! How owners of addresses leave: for each a [`Drain`], begun when it is wanted no longer.
//!
//! The idea: who is wanted is a list, and a list may be half read; so only a
//! complete one begins a withdrawal, and only once it is known what names lead
//! to the address, for nothing else says how long resolvers remember it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::names::{Drain, DrainState, DrainTransmit};
use crate::time::Time;
use crate::vip::ClaimKey;

/// The withdrawals of all owners of a target.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::collections::BTreeSet;
/// use std::time::Duration;
/// use mesh_model::names::DrainTransmit;
/// use mesh_model::service::{Withdrawal, Withdrawals};
/// use mesh_model::time::Time;
///
/// let key: mesh_model::vip::ClaimKey = "payments/checkout@slc-a-1".parse()?;
/// let mut withdrawals = Withdrawals::default();
/// withdrawals.handle_wanted(Time::ZERO, &[key.clone()].into(), true);
/// withdrawals.handle_wanted(Time::ZERO, &BTreeSet::new(), true);
/// assert_eq!(withdrawals.poll_transmit(), None, "nobody said yet what names lead there");
/// withdrawals.handle_published(Time::ZERO, &key, Some(Duration::from_secs(30)));
/// let step = |what| Some(Withdrawal { key: key.clone(), what });
/// assert_eq!(withdrawals.poll_transmit(), step(DrainTransmit::WithdrawNames));
/// withdrawals.handle_published(Time::ZERO, &key, None);
/// assert_eq!(withdrawals.poll_timeout(), Some(Time::from_secs(30)));
/// withdrawals.handle_timeout(Time::from_secs(30));
/// assert_eq!(withdrawals.poll_transmit(), step(DrainTransmit::WithdrawVip));
/// # Ok::<(), mesh_model::vip::ParseClaimKeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Withdrawals(BTreeMap<ClaimKey, Entry>);

#[derive(Clone, Debug, Default)]
struct Entry {
    drain: Drain,
    is_wanted: bool,
    /// Whether it was said what names lead there.
    is_known: bool,
}

/// What is to be done for an owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withdrawal {
    /// Whose addresses.
    pub key: ClaimKey,
    /// What.
    pub what: DrainTransmit,
}

impl Withdrawals {
    /// The owners that hold addresses, as records have them after a restart; until it is said who is wanted,
    /// all are. Nobody remembers how far they had left, so their names may have gone just now
    /// ([`Drain::restarted`]): `longest` is the longest time to live that any of them may have had.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mesh_model::service::Withdrawals;
    /// use mesh_model::time::Time;
    ///
    /// let key: mesh_model::vip::ClaimKey = "payments/checkout@slc-a-1".parse()?;
    /// let mut withdrawals =
    ///     Withdrawals::restarted(Time::from_secs(7), [key.clone()], Duration::from_secs(30));
    /// withdrawals.handle_wanted(Time::from_secs(7), &Default::default(), true);
    /// withdrawals.handle_published(Time::from_secs(8), &key, None);
    /// assert_eq!(withdrawals.poll_timeout(), Some(Time::from_secs(37)), "resolvers may remember until then");
    /// # Ok::<(), mesh_model::vip::ParseClaimKeyError>(())
    /// ```
    #[must_use]
    pub fn restarted(now: Time, held: impl IntoIterator<Item = ClaimKey>, longest: Duration) -> Self {
        let entry = || Entry { drain: Drain::restarted(now, longest), is_wanted: true, is_known: false };
        Self(held.into_iter().map(|key| (key, entry())).collect())
    }

    /// Who is wanted; who is not in a complete list leaves, who is in any comes back.
    ///
    /// Who was not known before is one that begins to serve: nobody remembers a name of his.
    pub fn handle_wanted(&mut self, now: Time, wanted: &BTreeSet<ClaimKey>, is_complete: bool) {
        for key in wanted {
            let entry = self.0.entry(key.clone()).or_default();
            entry.is_wanted = true;
            entry.drain.handle_drain(now, false);
        }
        for (_, entry) in self.0.iter_mut().filter(|(key, _)| is_complete && !wanted.contains(*key)) {
            entry.is_wanted = false;
            entry.begin(now);
        }
    }

    /// What names lead to an owner's addresses: the longest time to live of them, or that none does.
    pub fn handle_published(&mut self, now: Time, key: &ClaimKey, ttl: Option<Duration>) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.is_known = true;
            entry.drain.handle_published(now, ttl);
            entry.begin(now);
        }
    }

    /// Whether an owner's addresses are announced.
    pub fn handle_vip(&mut self, now: Time, key: &ClaimKey, is_announced: bool) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.drain.handle_vip(now, is_announced);
        }
    }

    /// An owner's claim was released and its load balancing is gone; it is forgotten.
    pub fn handle_released(&mut self, key: &ClaimKey) {
        if self.0.get(key).is_some_and(|entry| entry.is_over()) {
            self.0.remove(key);
        }
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        self.0.values_mut().for_each(|entry| entry.drain.handle_timeout(now));
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Withdrawal> {
        let step = |(key, entry): (&ClaimKey, &mut Entry)| {
            while entry.drain.poll_event().is_some() {} // states are asked for
            entry.drain.poll_transmit().map(|what| Withdrawal { key: key.clone(), what })
        };
        self.0.iter_mut().find_map(step)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.0.values().filter_map(|entry| entry.drain.poll_timeout()).min()
    }

    /// How far an owner's withdrawal is; `None` if it is not known.
    #[must_use]
    pub fn state(&self, key: &ClaimKey) -> Option<DrainState> {
        self.0.get(key).map(|entry| entry.drain.state())
    }

    /// Whether load balancers must go on for an owner: its address may still be announced somewhere.
    #[must_use]
    pub fn is_leaving(&self, key: &ClaimKey) -> bool {
        self.0.get(key).is_some_and(|entry| !entry.is_over())
    }

    /// The owners whose claims are to be released.
    pub fn gone(&self) -> impl Iterator<Item = &ClaimKey> {
        self.0.iter().filter(|(_, entry)| entry.is_over()).map(|(key, _)| key)
    }
}

impl Entry {
    fn begin(&mut self, now: Time) {
        if !self.is_wanted && self.is_known {
            self.drain.handle_drain(now, true);
        }
    }

    fn is_over(&self) -> bool {
        !self.is_wanted && self.drain.state() == DrainState::Gone
    }
}
