//! What arrives: octets to messages, messages to inputs, and what of them the owner hears.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::event::{ConnectionId, DownReason, Event};
use super::fsm::{Input, State};
use super::negotiate::{agree, dialect, keeps_ours};
use super::{Session, Slot};
use crate::Time;
use crate::bgp::config::Excess;
use crate::bgp::identity::Family;
use crate::bgp::message::{
    self, AttributeFault, Dialect, Message, Notification, Open, Parsed, PathAttributes, Reaction,
    RouteRefresh, Update,
};

impl Session {
    /// Octets arrived on a connection.
    pub fn handle_bytes(&mut self, now: Time, connection: ConnectionId, mut bytes: &[u8]) {
        // Each message may end the connection, or make another of the two the primary one.
        while let Some(slot) = self.slot(connection) {
            let Some(connection) = self.connection_mut(slot) else { return };
            if connection.local.is_none() {
                return; // not open yet, says the adapter
            }
            let dialect = connection.dialect;
            match connection.input.next(&mut bytes, dialect) {
                Ok(Some(message)) => self.handle_message(now, slot, &message, dialect),
                Ok(None) => return,
                Err(error) => self.refuse(now, slot, error.notification()),
            }
        }
    }

    fn handle_message(&mut self, now: Time, slot: Slot, bytes: &[u8], dialect: Dialect) {
        self.counters.messages_received += 1;
        let Parsed { message, faults } = match message::parse(bytes, dialect) {
            Ok(parsed) => parsed,
            Err(error) => return self.refuse(now, slot, error.notification()),
        };
        match message {
            Message::Open(open) => self.handle_open(now, slot, &open),
            Message::Keepalive => self.advance(now, slot, Input::Keepalive, None),
            Message::Notification(notification) => {
                let reason = DownReason::NotificationReceived(notification);
                self.advance(now, slot, Input::Notification, Some(reason));
            }
            Message::Update(update) => {
                self.advance(now, slot, Input::Update, None);
                if self.is_established(slot) {
                    self.handle_update(now, *update, faults);
                }
            }
            Message::RouteRefresh(refresh) => {
                self.advance(now, slot, Input::Refresh, None);
                if self.is_established(slot) {
                    self.handle_refresh(refresh);
                }
            }
        }
    }

    fn is_established(&self, slot: Slot) -> bool {
        self.machine(slot).is_some_and(|machine| machine.state == State::Established)
    }

    /// Ends a connection with a NOTIFICATION.
    fn refuse(&mut self, now: Time, slot: Slot, notification: Notification) {
        self.advance(now, slot, Input::Refused, Some(DownReason::NotificationSent(notification)));
    }

    fn handle_open(&mut self, now: Time, slot: Slot, open: &Open) {
        if self.machine(slot).is_none_or(|machine| machine.state != State::OpenSent) {
            return self.advance(now, slot, Input::Open, None);
        }
        let agreed = match agree(self.local, &self.config, open) {
            Ok(agreed) => agreed,
            Err(notification) => return self.refuse(now, slot, notification),
        };
        let dialect = dialect(self.local, &self.config, &agreed);
        let keeps_ours = keeps_ours(self.local, &agreed);
        if let Some(connection) = self.connection_mut(slot) {
            connection.agreed = Some(Arc::new(agreed));
            connection.dialect = dialect;
        }
        if let Some(slot) = self.resolve_collision(now, slot, keeps_ours) {
            self.advance(now, slot, Input::Open, None);
        }
    }

    /// Whether this machine goes on, and which of the two it then is, where both have a connection to
    /// the same peer (RFC 4271 section 6.8).
    fn resolve_collision(&mut self, now: Time, slot: Slot, keeps_ours: bool) -> Option<Slot> {
        let other = match slot {
            Slot::Primary => Slot::Second,
            Slot::Second => Slot::Primary,
        };
        let connection = self.connection(slot)?;
        let (outgoing, id) = (connection.outgoing, connection.id);
        let Some(rival) = self.machine(other) else { return Some(slot) };
        let Some(rival_connection) = &rival.connection else { return Some(slot) };
        let wins = match rival.state {
            State::Idle | State::Connect | State::Active => return Some(slot),
            // Of two that the peer opened, it has given up the first.
            State::OpenSent | State::OpenConfirm if outgoing == rival_connection.outgoing => {
                id > rival_connection.id
            }
            State::OpenSent | State::OpenConfirm => outgoing == keeps_ours,
            // A peer that can restart and connects anew has restarted (RFC 4724 section 4.2).
            State::Established => {
                let agreed = rival_connection.agreed.as_ref();
                !outgoing && agreed.is_some_and(|agreed| agreed.capabilities.restart().is_some())
            }
        };
        let established = rival.state == State::Established;
        if wins && established {
            self.advance(now, other, Input::Refused, Some(DownReason::PeerRestarted));
        } else {
            let loser = if wins { other } else { slot };
            self.advance(now, loser, Input::CollisionLost, None);
        }
        wins.then(|| self.slot(id)).flatten()
    }

    fn handle_update(&mut self, now: Time, update: Update, faults: Vec<AttributeFault>) {
        self.counters.updates_received += 1;
        let treat_as_withdraw = faults.iter().any(|fault| fault.reaction == Reaction::TreatAsWithdraw);
        self.note_faults(faults);
        let looped = self.has_been_here(&update.attributes);
        self.counters.loops += u64::from(looped);
        let Some(families) = self.established().map(|agreed| agreed.families) else { return };
        if let Some(family) = update.as_end_of_rib().filter(|family| families.contains(*family)) {
            let gone = self.received.end_of_rib(family);
            self.withdrawn(gone);
            self.events.push_back(Event::EndOfRib { family });
            return;
        }
        let update = if treat_as_withdraw || looped { update.into_withdrawal() } else { update };
        let max = self.config.prefix_limit.max;
        let before = self.received.ignored();
        let changes = self.received.apply(&update, families, usize::try_from(max).unwrap_or(usize::MAX));
        self.withdrawn(changes.withdrawn);
        let attributes = Arc::new(update.attributes);
        for (next_hop, prefixes) in changes.announced {
            let attributes = Arc::clone(&attributes);
            self.events.push_back(Event::Received { prefixes, attributes, next_hop });
        }
        if changes.ignored > 0 {
            match self.config.prefix_limit.excess {
                Excess::Teardown { .. } => {
                    self.advance(now, Slot::Primary, Input::Refused, Some(DownReason::PrefixLimit { max }));
                }
                Excess::Ignore if before == 0 => self.events.push_back(Event::PrefixLimitReached { max }),
                Excess::Ignore => {}
            }
        }
    }

    /// Counts faults, and tells of those that are new in this session: what a peer does wrong it does in
    /// each message, and whoever writes a log should not be at its mercy.
    fn note_faults(&mut self, mut faults: Vec<AttributeFault>) {
        self.counters.faults += u64::try_from(faults.len()).unwrap_or(u64::MAX);
        faults.retain(|fault| self.told_faults.insert((fault.attribute, fault.kind)));
        if !faults.is_empty() {
            self.events.push_back(Event::Faults(faults));
        }
    }

    /// Whether routes have been through our autonomous system, or are our own that a reflector sends
    /// back: the other nodes' routes come so from every router (RFC 4271 section 9.1.2, RFC 4456 section 8).
    fn has_been_here(&self, attributes: &PathAttributes) -> bool {
        const ORIGINATOR_ID: u8 = 9;
        let originator = attributes.unknown.iter().find(|unknown| unknown.code() == ORIGINATOR_ID);
        attributes.as_path.as_ref().is_some_and(|path| path.contains(self.local.asn))
            || originator.is_some_and(|originator| originator.value() == self.local.router_id.octets())
    }

    fn handle_refresh(&mut self, refresh: RouteRefresh) {
        const REQUEST: u8 = 0; // others are begin and end of an answer, which we do not ask for (RFC 7313)
        let family = Family::from_codes(refresh.afi, refresh.safi);
        let agreed =
            |family: &Family| self.established().is_some_and(|agreed| agreed.families.contains(*family));
        if let Some(family) = family.filter(agreed).filter(|_| refresh.subtype == REQUEST) {
            self.events.push_back(Event::RefreshRequested { family });
        }
    }
}
