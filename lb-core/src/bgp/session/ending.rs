//! How connections end: what the peer is told, what becomes of the session and of what the peer told.

use core::time::Duration;

use super::event::{Down, DownReason, Event, Transmit};
use super::fsm::{Ending, State};
use super::timers::SHORTEST;
use super::{Session, Slot};
use crate::Time;
use crate::bgp::config::Excess;
use crate::bgp::identity::{Families, Family};
use crate::bgp::message::notification::code;
use crate::bgp::message::{Cease, Message, Notification};

impl Session {
    /// Ends the connection of a machine that was in state `from`.
    pub(super) fn end(
        &mut self,
        now: Time,
        slot: Slot,
        from: State,
        ending: Ending,
        given: Option<DownReason>,
    ) {
        let reason = match ending {
            Ending::Given => given,
            Ending::Lost => Some(DownReason::ConnectionLost),
            Ending::Silent => Some(DownReason::HoldTimerExpired),
            Ending::Unexpected => {
                Some(DownReason::NotificationSent(Notification::new(code::STATE_MACHINE, unexpected(from))))
            }
            Ending::Collision => None,
        };
        let notification = match &reason {
            Some(reason) => self.notification(slot, reason),
            None => Some(Notification::cease(Cease::CollisionResolution, "")),
        };
        if let Some(notification) = notification {
            self.send(now, slot, &Message::Notification(notification));
        }
        let restart = self.peer_restart(slot);
        let connection = self.machine_mut(slot).and_then(|machine| machine.connection.take());
        if let Some(connection) = connection.filter(|_| ending != Ending::Lost) {
            self.transmits.push_back(Transmit::Close { connection: connection.id });
        }
        let was_established = from == State::Established;
        if let Some(reason) = reason {
            let kept = restart.filter(|restart| was_established && self.keeps_routes(&reason, restart));
            self.down(now, slot, was_established, reason, kept.map(|kept| (kept.families, kept.time)));
        }
        if self.second.is_some() {
            self.drop_machine(now, slot);
        }
    }

    /// The session, or an attempt at it, is down.
    fn down(
        &mut self,
        now: Time,
        slot: Slot,
        was_established: bool,
        reason: DownReason,
        kept: Option<(Families, Duration)>,
    ) {
        if was_established {
            let up_since = core::mem::take(&mut self.up_since);
            self.backoff.note_uptime(up_since.map_or(Duration::ZERO, |since| now - since));
            let gone = self.received.session_down(now, kept);
            self.withdrawn(gone);
        }
        let stale_kept = was_established && self.received.stale() > 0;
        let down = Down { was_established, reason, stale_kept };
        // A second connection that is refused beside a session that is up takes nothing down.
        if slot == Slot::Primary || self.primary.state != State::Established {
            self.last_down = Some(down.clone());
            self.events.push_back(Event::Down(down.clone()));
        }
        // Another connection of the same peer goes on, or there is nothing to start again.
        if slot == Slot::Primary && self.second.is_none() {
            self.schedule_restart(now, &down.reason);
        }
    }

    /// Starts again: at once, after a while, or not by itself.
    fn schedule_restart(&mut self, now: Time, reason: &DownReason) {
        let wait = match reason {
            DownReason::Stopped { .. } | DownReason::Deconfigured | DownReason::ConfigurationChanged => {
                return;
            }
            DownReason::PrefixLimit { .. } => match self.config.prefix_limit.excess {
                Excess::Teardown { restart_after: Some(after) } => after.max(SHORTEST),
                Excess::Teardown { restart_after: None } | Excess::Ignore => return,
            },
            DownReason::HoldTimerExpired
            | DownReason::SendHoldTimerExpired
            | DownReason::ConnectionLost
            | DownReason::NotificationReceived(_)
            | DownReason::NotificationSent(_)
            | DownReason::NeighbourDown
            | DownReason::PeerRestarted => {
                let timers = self.config.timers;
                let wait = self.backoff.after_fall(timers.idle_hold_min, timers.idle_hold_max);
                self.jitter.shortened(wait)
            }
        };
        if wait.is_zero() {
            self.handle_start(now);
        } else {
            self.idle_hold = Some(now + wait);
        }
    }

    /// Of two machines one is done: the other is the primary one.
    pub(super) fn drop_machine(&mut self, now: Time, done: Slot) {
        match done {
            Slot::Primary => self.promote(now),
            Slot::Second => {
                self.second = None;
                self.report(now);
            }
        }
    }

    /// The second machine takes the primary one's place, which gives up what it has.
    pub(super) fn promote(&mut self, now: Time) {
        let Some(second) = self.second.take() else { return };
        let old = core::mem::replace(&mut self.primary, second);
        self.connect_retry = None;
        if let Some(connection) = old.connection {
            self.transmits.push_back(Transmit::Close { connection: connection.id });
        }
        self.report(now);
    }

    /// Gives up what a machine is opening.
    pub(super) fn abandon(&mut self, slot: Slot) {
        let connection = self.machine_mut(slot).and_then(|machine| machine.connection.take());
        if let Some(connection) = connection {
            self.transmits.push_back(Transmit::Close { connection: connection.id });
        }
    }

    /// What the peer is told.
    fn notification(&self, slot: Slot, reason: &DownReason) -> Option<Notification> {
        let hard = |notification: Notification| {
            if self.restarts_on_notification(slot) { hard_reset(&notification) } else { notification }
        };
        match reason {
            DownReason::Stopped { text } => {
                Some(hard(Notification::cease(Cease::AdministrativeShutdown, text)))
            }
            DownReason::Deconfigured => Some(hard(Notification::cease(Cease::PeerDeconfigured, ""))),
            DownReason::PrefixLimit { .. } => Some(hard(Notification::cease(Cease::MaximumPrefixes, ""))),
            DownReason::ConfigurationChanged => Some(Notification::cease(Cease::ConfigurationChange, "")),
            // a route that is kept leads where nothing gets through (RFC 9384 section 3)
            DownReason::NeighbourDown => Some(hard(Notification::cease(Cease::BfdDown, ""))),
            DownReason::HoldTimerExpired => Some(Notification::new(code::HOLD_TIMER, 0)),
            DownReason::SendHoldTimerExpired => Some(Notification::new(code::SEND_HOLD_TIMER, 0)),
            DownReason::NotificationSent(notification) => Some(notification.clone()),
            DownReason::ConnectionLost | DownReason::NotificationReceived(_) | DownReason::PeerRestarted => {
                None
            }
        }
    }

    /// Whether both sides keep routes over a NOTIFICATION, so that one that means it must say so (RFC 8538).
    fn restarts_on_notification(&self, slot: Slot) -> bool {
        let own = self.config.graceful_restart;
        let agreed = self.connection(slot).and_then(|connection| connection.agreed.as_ref());
        let theirs = agreed.and_then(|agreed| agreed.capabilities.restart());
        own.notification && own.restarting && theirs.is_some_and(|theirs| theirs.notification)
    }

    /// What the peer said of its restarts, if we help with them.
    fn peer_restart(&self, slot: Slot) -> Option<PeerRestart> {
        let agreed = self.connection(slot)?.agreed.as_ref()?;
        let restart = agreed.capabilities.restart().filter(|_| self.config.graceful_restart.helper)?;
        let named: Families =
            Family::ALL.into_iter().filter(|family| restart.family(*family).is_some()).collect();
        let families = agreed.families.intersection(named);
        let time = Duration::from_secs(u64::from(restart.seconds));
        let worth = !families.is_empty() && !time.is_zero();
        worth.then_some(PeerRestart { families, time, notification: restart.notification })
    }

    /// Whether the peer's routes are kept when the session ends so (RFC 4724 section 4.2, RFC 8538).
    fn keeps_routes(&self, reason: &DownReason, restart: &PeerRestart) -> bool {
        let after_notification = self.config.graceful_restart.notification && restart.notification;
        match reason {
            DownReason::ConnectionLost | DownReason::PeerRestarted => true,
            DownReason::HoldTimerExpired
            | DownReason::SendHoldTimerExpired
            | DownReason::NotificationSent(_) => after_notification,
            DownReason::NotificationReceived(notification) => {
                after_notification && !notification.is_hard_reset()
            }
            // BFD speaks of forwarding: what is dead does not restart.
            DownReason::Stopped { .. }
            | DownReason::Deconfigured
            | DownReason::ConfigurationChanged
            | DownReason::PrefixLimit { .. }
            | DownReason::NeighbourDown => false,
        }
    }
}

/// What a peer said of its restarts.
struct PeerRestart {
    families: Families,
    time: Duration,
    notification: bool,
}

/// A NOTIFICATION that ends a session for good, around the one that says why (RFC 8538 section 3.1).
fn hard_reset(why: &Notification) -> Notification {
    let mut hard = Notification::cease(Cease::HardReset, "");
    hard.data.extend_from_slice(&[why.code, why.subcode]);
    hard.data.extend_from_slice(&why.data);
    hard
}

/// The subcode for a message that has no place in a state (RFC 6608).
const fn unexpected(state: State) -> u8 {
    match state {
        State::Idle | State::Connect | State::Active => 0,
        State::OpenSent => 1,
        State::OpenConfirm => 2,
        State::Established => 3,
    }
}
