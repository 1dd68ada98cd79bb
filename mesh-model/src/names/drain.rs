//! How an access point leaves a target: its names first, its address last.
//!
//! ```text
//!            drain            names are gone          time            address is gone
//!  Serving ─────────> NamesGoing ──────────> Waiting ──────> VipGoing ─────────> Gone
//!     ^               ^ │   ^ a name is there  │                │                 │
//!     │         drain │ │   └────────────────<─┴────────────────┴─────────────────┤
//!     │               │ v                                                         │
//!     └────────── Returning <──────────── undrain, from all of these ─────────────┘
//!  address is there
//! ```
//!
//! What is waited for is what resolvers may remember: the time to live of every
//! record that there was, not of the last alone, for who asked under the old
//! one still keeps its answer. On the way back the address comes first.
//!
//! A name that is published again against a drain, by whomever, is withdrawn
//! again and waited for anew, even where the address goes or is gone: until
//! then clients are led to it, and nobody else may be given it.
//!
//! Nothing is believed that nobody said: while it is not known whether names lead
//! there, a drain has them withdrawn and waits for the word that none does; and
//! after a restart ([`Drain::restarted`]) they may have gone a moment ago.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

/// The drain of one access point on one target.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::time::Duration;
/// use mesh_model::names::{Drain, DrainState, DrainTransmit};
/// use mesh_model::time::Time;
///
/// let mut drain = Drain::new();
/// drain.handle_published(Time::ZERO, Some(Duration::from_secs(30)));
/// drain.handle_drain(Time::from_secs(10), true);
/// assert_eq!(drain.poll_transmit(), Some(DrainTransmit::WithdrawNames));
/// drain.handle_published(Time::from_secs(12), None);
/// assert_eq!(drain.poll_timeout(), Some(Time::from_secs(42)));
/// drain.handle_timeout(Time::from_secs(42));
/// assert_eq!(drain.poll_transmit(), Some(DrainTransmit::WithdrawVip));
/// assert_eq!(drain.state(), DrainState::VipGoing);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Drain {
    state: DrainState,
    /// What is published; `None` while nobody has said.
    published: Option<Published>,
    /// Until when resolvers may remember what is no longer published.
    remembered_until: Time,
    transmits: VecDeque<DrainTransmit>,
    events: VecDeque<DrainEvent>,
}

/// Whether names lead there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Published {
    /// None does.
    No,
    /// Some do, with this time to live.
    Yes(Duration),
}

/// Where a drain is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DrainState {
    /// The address is away.
    Gone,
    /// Names are being withdrawn.
    NamesGoing,
    /// The address is on its way back; names follow.
    Returning,
    /// Names lead there.
    #[default]
    Serving,
    /// The address is being withdrawn.
    VipGoing,
    /// No name leads there, but resolvers may remember.
    Waiting,
}

/// What is to be done; asking again for what is done does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DrainTransmit {
    /// Announce the address, then tell [`Drain::handle_vip`].
    AnnounceVip,
    /// Let names lead there.
    PublishNames,
    /// Let no name lead there, then tell [`Drain::handle_published`].
    WithdrawNames,
    /// Announce the address no longer, then tell [`Drain::handle_vip`].
    WithdrawVip,
}

/// What has come to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DrainEvent {
    /// Where it was.
    pub from: DrainState,
    /// Where it is.
    pub to: DrainState,
}

/// What happens to a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Drain,
    NamesGone,
    NamesThere,
    Timeout,
    Undrain,
    VipGone,
    VipThere,
}

impl Drain {
    /// An access point that begins to serve, and whose names are not known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same where it may have served before, and nobody remembers how far a drain had come: its names
    /// may have gone just now. `longest` is the longest time to live that they may have had.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mesh_model::names::Drain;
    /// use mesh_model::time::Time;
    ///
    /// let mut drain = Drain::restarted(Time::from_secs(10), Duration::from_secs(30));
    /// drain.handle_drain(Time::from_secs(11), true);
    /// drain.handle_published(Time::from_secs(12), None);
    /// assert_eq!(drain.poll_timeout(), Some(Time::from_secs(40)));
    /// ```
    #[must_use]
    pub fn restarted(now: Time, longest: Duration) -> Self {
        Self { remembered_until: now + longest, ..Self::default() }
    }

    /// An operator wants traffic off it, or back.
    pub fn handle_drain(&mut self, now: Time, is_wanted: bool) {
        self.enter(now, if is_wanted { Input::Drain } else { Input::Undrain });
    }

    /// What is published now: the time to live of the record that leads there, or that none does.
    pub fn handle_published(&mut self, now: Time, ttl: Option<Duration>) {
        let published = ttl.map_or(Published::No, Published::Yes);
        if let Some(Published::Yes(old)) = self.published
            && published != Published::Yes(old)
        {
            self.remembered_until = self.remembered_until.max(now + old);
        }
        self.published = Some(published);
        let input = if published == Published::No { Input::NamesGone } else { Input::NamesThere };
        self.enter(now, input);
    }

    /// Whether the address is announced now.
    pub fn handle_vip(&mut self, now: Time, is_announced: bool) {
        self.enter(now, if is_announced { Input::VipThere } else { Input::VipGone });
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time) {
        if now >= self.remembered_until {
            self.enter(now, Input::Timeout);
        }
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<DrainTransmit> {
        self.transmits.pop_front()
    }

    /// What has come to pass.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<DrainEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        (self.state == DrainState::Waiting).then_some(self.remembered_until)
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> DrainState {
        self.state
    }

    /// The one place where the state changes.
    fn enter(&mut self, now: Time, input: Input) {
        let from = self.state;
        let to = next(from, input);
        if to == from {
            return;
        }
        self.state = to;
        self.events.push_back(DrainEvent { from, to });
        self.transmits.extend(match to {
            DrainState::Gone | DrainState::Waiting => None,
            DrainState::NamesGoing => Some(DrainTransmit::WithdrawNames),
            DrainState::Returning => Some(DrainTransmit::AnnounceVip),
            DrainState::Serving => Some(DrainTransmit::PublishNames),
            DrainState::VipGoing => Some(DrainTransmit::WithdrawVip),
        });
        if to == DrainState::NamesGoing && self.published == Some(Published::No) {
            self.enter(now, Input::NamesGone); // no name led there
        }
        if to == DrainState::Waiting {
            self.handle_timeout(now); // nobody may remember any more
        }
    }
}

/// Where an input leads.
pub(super) const fn next(state: DrainState, input: Input) -> DrainState {
    use DrainState::{Gone, NamesGoing, Returning, Serving, VipGoing, Waiting};
    match (state, input) {
        (Serving, Input::Drain) => NamesGoing,
        (Serving, Input::NamesGone | Input::NamesThere | Input::Timeout) => Serving,
        (Serving, Input::Undrain | Input::VipGone | Input::VipThere) => Serving,
        (NamesGoing, Input::NamesGone) => Waiting,
        (NamesGoing, Input::Drain | Input::NamesThere | Input::Timeout) => NamesGoing,
        (NamesGoing, Input::VipGone | Input::VipThere) => NamesGoing,
        // somebody published it again
        (Waiting | VipGoing | Gone, Input::NamesThere) => NamesGoing,
        (Waiting, Input::Timeout) => VipGoing,
        (Waiting, Input::Drain | Input::NamesGone | Input::VipGone | Input::VipThere) => Waiting,
        (VipGoing, Input::VipGone) => Gone,
        (VipGoing, Input::Drain | Input::NamesGone | Input::Timeout | Input::VipThere) => VipGoing,
        // the address may be away, even where names go: it is announced before anybody is led to it
        (NamesGoing | Waiting | VipGoing | Gone, Input::Undrain) => Returning,
        // somebody announced it again
        (Gone, Input::VipThere) => VipGoing,
        (Gone, Input::Drain | Input::NamesGone | Input::Timeout | Input::VipGone) => Gone,
        (Returning, Input::VipThere) => Serving,
        // names may not have gone yet when it began to return
        (Returning, Input::Drain) => NamesGoing,
        (Returning, Input::NamesGone | Input::NamesThere | Input::Timeout) => Returning,
        (Returning, Input::Undrain | Input::VipGone) => Returning,
    }
}
