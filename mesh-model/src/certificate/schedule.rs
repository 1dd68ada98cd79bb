//! What is due: orders, proofs, ends of lives, storing again, cleaning up; and when to look again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entry::{Certificate, Urgency, Work, last_call};
use super::state::Input;
use super::{Certificates, Credential, Issued, State, Transmit};
use crate::name::Name;
use crate::time::{Time, WallTime};

/// What one issuer is asked at once: authorities limit it, and a restart must not ask for all.
pub(super) const MAX_ASKED: usize = 16;
/// Hosts that fail leave places for orders.
pub(super) const MAX_PROOFS: usize = 8;
/// How long a host that nobody asks for keeps its place: a half-read list is soon whole again.
pub(super) const GRACE: Duration = Duration::from_secs(3_600);
/// How long to wait for the word that something is stored or served.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(60);
/// How long an authority's answer is waited for, longer than records take to spread: whoever asked for it may be
/// gone. It counts as failed then, and its place is free; what comes later is looked at ([`Certificates::handle_order_result`]).
pub(super) const ANSWER: Duration = Duration::from_secs(1_800);
/// How often the wall's clock is looked at at least, which may jump.
const LOOK: Duration = Duration::from_secs(3_600);
/// What the wall's clock may drift by before the agenda is made anew.
const DRIFT: Duration = Duration::from_secs(60);
/// So many replaced certificates are remembered where no gateway ever says what it serves.
const MAX_SUPERSEDED: usize = 8;

/// What one issuer was asked, and what waits for an answer to that.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    asked: usize,
    waiting: BTreeSet<(Urgency, Credential)>,
}

impl Queue {
    /// The most urgent that may be asked now.
    fn take(&mut self) -> Option<Credential> {
        let (urgency, _) = self.waiting.first()?;
        let most = match urgency {
            Urgency::First | Urgency::Replaced(_) => MAX_ASKED,
            Urgency::Proof => MAX_PROOFS,
        };
        if self.asked < most { self.waiting.pop_first().map(|(_, credential)| credential) } else { None }
    }
}

impl Certificates {
    /// Looks at those that something happened to, and at those whose time has come; does what is due.
    pub(super) fn run(&mut self, now: Time, wall: WallTime, touched: impl IntoIterator<Item = Credential>) {
        let mut touched: BTreeSet<Credential> = touched.into_iter().collect();
        touched.extend(self.agenda.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name.clone()));
        if self.has_jumped(now, wall) {
            touched.extend(self.all.keys().cloned());
        }
        for credential in &touched {
            self.give_up(credential, now, wall);
            if self.all.get(credential).is_some_and(Certificate::is_torn) {
                self.unsettled.insert(credential.whole());
            }
        }
        while let Some(whole) = self.unsettled.pop_first() {
            touched.extend(self.settle(&whole, now, wall));
        }
        for credential in &touched {
            self.look_at_end(credential, wall);
            self.store_again(credential, now);
            self.clean_up(credential, now, wall);
            self.enqueue(credential, now, wall);
        }
        let issuers: Vec<Name> = self.queues.keys().cloned().collect();
        for issuer in issuers {
            self.ask(&issuer, now, wall, &mut touched);
        }
        self.queues.retain(|_, queue| queue.asked > 0 || !queue.waiting.is_empty());
        for credential in &touched {
            self.schedule(credential, now, wall);
        }
        let next = self.look_at.filter(|at| *at > now).unwrap_or(now + LOOK);
        self.look_at = (!self.agenda.is_empty()).then_some(next);
    }

    /// Whether the wall's clock is not where it would be since the agenda was made.
    fn has_jumped(&mut self, now: Time, wall: WallTime) -> bool {
        let (then, wall_then) = *self.clocks.get_or_insert((now, wall));
        let expected = wall_then + (now - then);
        let has_jumped = (wall - expected).max(expected - wall) > DRIFT;
        if has_jumped {
            self.clocks = Some((now, wall));
        }
        has_jumped
    }

    /// An answer came: [`run`](Self::run) may ask for something else.
    pub(super) fn free(&mut self, issuer: &Name) {
        if let Some(queue) = self.queues.get_mut(issuer) {
            queue.asked -= 1;
        }
    }

    fn look_at_end(&mut self, credential: &Credential, wall: WallTime) {
        let Some(certificate) = self.all.get(credential) else { return };
        let Some(current) = certificate.current() else { return };
        let is_past = wall >= current.not_after;
        match (certificate.state, is_past) {
            (State::Issued | State::Renewing, true) => self.enter(credential, Input::Lapsed),
            (State::Expired, false) => self.enter(credential, Input::Revived),
            (State::Issued | State::Renewing, false)
            | (State::Expired, true)
            | (State::Failed | State::Ordering | State::Wanted, _) => {}
        }
    }

    fn store_again(&mut self, credential: &Credential, now: Time) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let is_confirmed = certificate.signed.is_none() && certificate.pushing.is_none();
        if now < certificate.again_at || is_confirmed {
            return;
        }
        certificate.again_at = now + STORE_AGAIN;
        let store = certificate.signed.clone().map(|issued| {
            let credential = credential.clone();
            Transmit::Store { credential, issued }
        });
        let push = certificate.pushing.as_ref().map(|issued| {
            let credential = credential.clone();
            Transmit::Push { credential, serial: issued.serial.clone() }
        });
        self.transmits.extend(store.into_iter().chain(push));
    }

    /// Forgets hosts that nobody has asked for in a while, and the credential with the last of them.
    fn clean_up(&mut self, credential: &Credential, now: Time, wall: WallTime) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        certificate.hosts.retain(|_, host| host.unwanted_since.is_none_or(|since| now < since + GRACE));
        let surplus = certificate.superseded.len().saturating_sub(MAX_SUPERSEDED);
        certificate.superseded.drain(..surplus);
        if !certificate.hosts.is_empty() || certificate.work.is_some() {
            return;
        }
        self.unschedule(credential);
        let certificate = self.all.remove(credential).expect("it was looked up just now");
        let kept = [certificate.served, certificate.pushing, certificate.signed].into_iter().flatten();
        let stored: Vec<Issued> = kept.collect();
        for issued in certificate.superseded.iter().chain(&stored) {
            self.revoke(credential, issued, wall);
        }
        let serials: BTreeSet<String> = stored.into_iter().map(|issued| issued.serial).collect();
        if !serials.is_empty() {
            self.transmits.push_back(Transmit::Delete { credential: credential.clone(), serials });
        }
    }

    /// Puts it into the queue of who is to be asked.
    fn enqueue(&mut self, credential: &Credential, now: Time, wall: WallTime) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let place = certificate.place(now, wall);
        if place == certificate.queued {
            return;
        }
        if let Some((issuer, urgency)) = std::mem::replace(&mut certificate.queued, place.clone())
            && let Some(queue) = self.queues.get_mut(&issuer)
        {
            queue.waiting.remove(&(urgency, credential.clone()));
        }
        if let Some((issuer, urgency)) = place {
            self.queues.entry(issuer).or_default().waiting.insert((urgency, credential.clone()));
        }
    }

    /// Asks an issuer for as much as it may be asked for at once.
    fn ask(&mut self, issuer: &Name, now: Time, wall: WallTime, touched: &mut BTreeSet<Credential>) {
        while let Some(queue) = self.queues.get_mut(issuer)
            && let Some(credential) = queue.take()
        {
            touched.insert(credential.clone());
            let Some(certificate) = self.all.get_mut(&credential) else { continue };
            certificate.queued = None;
            // it may have waited for long, and the wall's clock have jumped
            let Some(work) = certificate.begin(now, wall).cloned() else { continue };
            queue.asked += 1;
            match work {
                Work::Order { issuer, hosts } => {
                    self.enter(&credential, Input::Due);
                    self.transmits.push_back(Transmit::Order { credential, issuer, hosts });
                }
                Work::Proof { issuer, host } => {
                    self.transmits.push_back(Transmit::Prove { credential, issuer, host });
                }
            }
        }
    }

    /// Notes when something can be due for it again.
    fn schedule(&mut self, credential: &Credential, now: Time, wall: WallTime) {
        let Some(certificate) = self.all.get(credential) else { return };
        let at = certificate.next_look(now, wall);
        if at == certificate.look_at {
            return;
        }
        self.unschedule(credential);
        if let Some(at) = at {
            self.agenda.insert((at, credential.clone()));
        }
        if let Some(certificate) = self.all.get_mut(credential) {
            certificate.look_at = at;
        }
    }

    fn unschedule(&mut self, credential: &Credential) {
        let old = self.all.get_mut(credential).and_then(|certificate| certificate.look_at.take());
        if let Some(old) = old {
            self.agenda.remove(&(old, credential.clone()));
        }
    }
}

impl Certificate {
    /// Whom it waits for, and how urgently.
    fn place(&self, now: Time, wall: WallTime) -> Option<(Name, Urgency)> {
        Some((self.asked()?.clone(), self.urgency(now, wall)?))
    }

    /// When something can be due for it again. What waits for its turn waits for no time.
    fn next_look(&self, now: Time, wall: WallTime) -> Option<Time> {
        let leaves = self.hosts.values().filter_map(|host| host.unwanted_since).map(|since| since + GRACE);
        let waits = self.signed.is_some() || self.pushing.is_some();
        let again = waits.then_some(self.again_at);
        let (retry, proof) = match self.work {
            Some(_) => (Some(self.answer_by), None),
            None => (
                self.needs_order(wall).then_some(self.retry.at()),
                self.provable().map(|(_, trouble)| trouble.retry.at()).filter(|at| *at > now).min(),
            ),
        };
        let issued = || [&self.served, &self.pushing, &self.signed].into_iter().flatten();
        let dates = issued().flat_map(|issued| [self.renew_at(issued), last_call(issued), issued.not_after]);
        let date = dates.filter(|date| *date > wall).min().map(|date| now + (date - wall));
        // what is past is ahead again when a clock that jumped is set right
        let date = date.or_else(|| issued().next().map(|_| now + LOOK));
        let times = [leaves.min(), again, retry, proof, date];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }
}
