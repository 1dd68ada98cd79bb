//! One session: what to send, when, and when the neighbour is dead.
//!
//! Asynchronous mode in the active role (RFC 5880 section 6.8): both ends send
//! at the slower of what one wants and the other can take, and a silence of the
//! detection time is death. The timers are [`pace`](super::pace)'s, the states
//! [`state`](super::state)'s; here they meet. Which packet belongs to which
//! session is [`sessions`](super::sessions)'s.

use core::time::Duration;

use super::config::SessionConfig;
use super::pace::Pace;
use super::packet::{ControlPacket, Diagnostic, Discard};
use super::state::{Input, SessionState};
use crate::time::Time;

/// The machine of one session.
///
/// After each `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout)
/// and call [`handle_timeout`](Self::handle_timeout) no later than that.
/// It holds no queue: what is not drained is merged.
///
/// ```
/// use core::time::Duration;
/// use lb_core::Time;
/// use lb_core::bfd::{Session, SessionConfig, SessionState};
///
/// let config = SessionConfig::default();
/// let (mut left, mut right) =
///     (Session::new(Time::ZERO, 1, config, 7), Session::new(Time::ZERO, 2, config, 8));
/// let mut now = Time::ZERO;
/// while (left.state(), right.state()) != (SessionState::Up, SessionState::Up) {
///     left.handle_timeout(now);
///     right.handle_timeout(now);
///     while let Some(packet) = left.poll_transmit() {
///         right.handle_packet(now, &packet)?;
///     }
///     while let Some(packet) = right.poll_transmit() {
///         left.handle_packet(now, &packet)?;
///     }
///     now += Duration::from_millis(10);
/// }
/// // The right end falls silent: three of its packets are missing.
/// while let Some(deadline) = left.poll_timeout().filter(|_| left.state() == SessionState::Up) {
///     left.handle_timeout(deadline);
///     now = deadline;
/// }
/// assert!(now <= Time::from_secs(2), "{now}");
/// # Ok::<(), lb_core::bfd::Discard>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    config: SessionConfig,
    discriminator: u32,
    state: SessionState,
    diagnostic: Diagnostic,
    cause: Cause,
    told: SessionState,
    last_alive: Option<Time>,
    remote: Remote,
    pace: Pace,
    /// The neighbour asked, and is not answered yet.
    final_due: bool,
    /// The content of the packets changed since the last one.
    changed: bool,
}

/// What the neighbour said last; RFC 5880 section 6.8.1 has the initial values.
#[derive(Clone, Copy, Debug)]
struct Remote {
    discriminator: u32,
    state: SessionState,
    diagnostic: Diagnostic,
    demand: bool,
}

impl Remote {
    const UNHEARD: Self =
        Self { discriminator: 0, state: SessionState::Down, diagnostic: Diagnostic::NONE, demand: false };
}

/// A session's state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The state that was told last.
    pub from: SessionState,
    /// The state now.
    pub to: SessionState,
    /// What made it so.
    pub cause: Cause,
}

impl StateChange {
    /// Whether the path to the neighbour failed, so that whatever runs over it must act.
    ///
    /// A session that was taken down by hand, here or there, says nothing about
    /// the path (RFC 5882 section 3.2).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.from == SessionState::Up
            && matches!(self.cause, Cause::Expired | Cause::Heard(SessionState::Down))
    }
}

/// Why a session's state is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A hand: enabled or disabled.
    Command,
    /// Nothing was heard for the detection time.
    Expired,
    /// The neighbour's own state.
    Heard(SessionState),
    /// The machine began.
    Started,
}

impl Session {
    /// A session in state `Down` that speaks at once.
    ///
    /// `discriminator` is not 0 and no other session's; two sessions of equal
    /// seeds have equal jitter.
    ///
    /// # Panics
    ///
    /// If `discriminator` is 0.
    #[must_use]
    pub fn new(now: Time, discriminator: u32, config: SessionConfig, seed: u64) -> Self {
        assert_ne!(discriminator, 0, "0 is the discriminator of nobody");
        Self {
            config,
            discriminator,
            state: SessionState::Down,
            diagnostic: Diagnostic::NONE,
            cause: Cause::Started,
            told: SessionState::Down,
            last_alive: None,
            remote: Remote::UNHEARD,
            pace: Pace::new(now, &config, seed),
            final_due: false,
            changed: false,
        }
    }

    /// Takes a packet that was found to be for this session (RFC 5880 section
    /// 6.8.6, from the setting of `bfd.RemoteDiscr` on).
    ///
    /// # Errors
    ///
    /// [`Discard::AdminDown`] while the session is down by hand.
    pub fn handle_packet(&mut self, now: Time, packet: &ControlPacket) -> Result<(), Discard> {
        self.remote = Remote {
            discriminator: packet.my_discriminator,
            state: packet.state,
            diagnostic: packet.diagnostic,
            demand: packet.demand,
        };
        self.pace.hear(now, packet);
        if self.state == SessionState::AdminDown {
            self.schedule(now);
            return Err(Discard::AdminDown);
        }
        self.apply(Input::Heard(packet.state));
        if self.state == SessionState::Up {
            self.last_alive = Some(now);
        }
        self.final_due |= packet.poll;
        self.schedule(now);
        Ok(())
    }

    /// Does what is due: a periodic packet, a death.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.pace.expire(now) {
            self.remote = Remote::UNHEARD;
            self.apply(Input::Expired);
        }
        // A death may bring the next packet forward to this very moment.
        self.schedule(now);
        self.pace.transmit_if_due(now);
        self.schedule(now);
    }

    /// Takes the session down by hand; the neighbour is told, and goes on being told.
    pub fn handle_disable(&mut self, now: Time) {
        self.apply(Input::Disabled);
        self.schedule(now);
    }

    /// Puts it back.
    pub fn handle_enable(&mut self, now: Time) {
        self.apply(Input::Enabled);
        self.schedule(now);
    }

    /// Changes the settings: the neighbour is asked to agree (a poll sequence)
    /// before anything becomes slower, so the session stays up.
    pub fn handle_config(&mut self, now: Time, config: SessionConfig) {
        self.changed |= config != self.config;
        self.config = config;
        self.renegotiate();
        self.schedule(now);
    }

    /// The next packet to send.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<ControlPacket> {
        let final_ = core::mem::take(&mut self.final_due);
        // An answer may not ask; what is periodic follows by itself.
        let poll = if final_ { Some(false) } else { self.pace.take_due() };
        let changed = core::mem::take(&mut self.changed);
        // Beyond the periodic ones: the sooner a change is known, the better (section 6.8.7).
        let poll = poll.or_else(|| changed.then_some(false))?;
        Some(ControlPacket {
            diagnostic: self.diagnostic,
            state: self.state,
            poll,
            final_,
            control_plane_independent: false,
            demand: false,
            detect_multiplier: self.config.detect_multiplier(),
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx_us: self.pace.advertised_tx_us(),
            required_min_rx_us: self.config.required_min_rx_us(),
            required_min_echo_rx_us: 0,
        })
    }

    /// The next fact.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<StateChange> {
        let from = core::mem::replace(&mut self.told, self.state);
        (from != self.state).then_some(StateChange { from, to: self.state, cause: self.cause })
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next needed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.pace.poll_timeout()
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> SessionState {
        self.state
    }

    /// What made the state what it is.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Why the state changed last, as the neighbour is told.
    #[must_use]
    pub const fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// The neighbour's state and diagnostic, as heard last.
    #[must_use]
    pub const fn remote(&self) -> (SessionState, Diagnostic) {
        (self.remote.state, self.remote.diagnostic)
    }

    /// When the neighbour was last heard in a session that was up, `None` while none has been.
    ///
    /// A failure says that nothing came since: it does not concern what has begun later, such as the
    /// connections of a neighbour that has restarted in the meantime (RFC 5882 section 4.3.2).
    #[must_use]
    pub const fn last_alive(&self) -> Option<Time> {
        self.last_alive
    }

    /// Our name of the session.
    #[must_use]
    pub const fn discriminator(&self) -> u32 {
        self.discriminator
    }

    /// The neighbour's name of the session, `None` while it is not heard.
    #[must_use]
    pub const fn remote_discriminator(&self) -> Option<u32> {
        if self.remote.discriminator == 0 { None } else { Some(self.remote.discriminator) }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> SessionConfig {
        self.config
    }

    /// The silence after which the neighbour is dead; `None` while it is not heard.
    #[must_use]
    pub fn detection_time(&self) -> Option<Duration> {
        self.pace.detection_time()
    }

    /// The longest time between two own packets; `None` while there are no periodic ones.
    #[must_use]
    pub fn transmit_interval(&self) -> Option<Duration> {
        self.pace.transmit_interval(self.demand_is_active())
    }

    /// The one place that assigns the state.
    fn apply(&mut self, input: Input) {
        let next = self.state.after(input);
        if next == self.state {
            return;
        }
        (self.diagnostic, self.cause) = match input {
            Input::Disabled => (Diagnostic::ADMINISTRATIVELY_DOWN, Cause::Command),
            Input::Enabled => (Diagnostic::NONE, Cause::Command),
            Input::Expired => (Diagnostic::DETECTION_TIME_EXPIRED, Cause::Expired),
            Input::Heard(heard) => {
                let diagnostic = match next {
                    SessionState::AdminDown | SessionState::Down => Diagnostic::NEIGHBOR_SIGNALED_DOWN,
                    // Why it went down is still news to the neighbour.
                    SessionState::Init => self.diagnostic,
                    SessionState::Up => Diagnostic::NONE,
                };
                (diagnostic, Cause::Heard(heard))
            }
        };
        self.state = next;
        self.changed = true;
        self.renegotiate();
    }

    /// Brings the intervals into line with settings and state.
    fn renegotiate(&mut self) {
        let up = self.state == SessionState::Up;
        self.pace.renegotiate(&self.config, up, self.remote.discriminator != 0);
    }

    fn schedule(&mut self, now: Time) {
        self.pace.schedule(now, self.demand_is_active());
    }

    /// Whether the neighbour wants no periodic packets (RFC 5880 section 6.6).
    fn demand_is_active(&self) -> bool {
        self.remote.demand && self.state == SessionState::Up && self.remote.state == SessionState::Up
    }
}

#[cfg(test)]
mod tests;
