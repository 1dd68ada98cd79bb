//! What is due: orders, ends of lives, storing again, cleaning up; and when to look again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::group::{Group, renew_at};
use super::state::Input;
use super::{CertificateId, Certificates, Issued, State, Transmit};
use crate::time::{Time, WallTime};

/// Orders under way at once: authorities limit them, and a restart must not ask for all.
pub(super) const MAX_ORDERS: usize = 16;
/// How long a certificate without hosts is kept: a half-read list is soon whole again.
pub(super) const GRACE: Duration = Duration::from_secs(3_600);
/// How long to wait for the word that something is stored or served.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(60);
/// How often the wall's clock is looked at at least, which may jump.
const LOOK: Duration = Duration::from_secs(3_600);

impl Certificates {
    /// Looks at those that something happened to, and at those whose time has come; does what is due.
    pub(super) fn run(
        &mut self,
        now: Time,
        wall: WallTime,
        touched: impl IntoIterator<Item = CertificateId>,
    ) {
        let mut ids: BTreeSet<CertificateId> = touched.into_iter().collect();
        ids.extend(self.agenda.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id));
        for id in &ids {
            self.look_at_end(*id, wall);
            self.store_again(*id, now);
            self.clean_up(*id, now, wall);
            self.ready.remove(*id);
            let Some(group) = self.groups.get(id) else { continue };
            if now >= group.retry_at && group.needs_order(*id, self.seed, wall) {
                self.ready.insert(*id, group.stored.as_ref().map(|stored| stored.not_after));
            }
        }
        self.order(now, wall, &mut ids);
        for id in ids {
            let at = self.groups.get(&id).and_then(|group| self.next_look(now, wall, id, group));
            if let Some(old) = self.looks.remove(&id) {
                self.agenda.remove(&(old, id));
            }
            if let Some(at) = at {
                self.agenda.insert((at, id));
                self.looks.insert(id, at);
            }
        }
    }

    fn look_at_end(&mut self, id: CertificateId, wall: WallTime) {
        let Some(group) = self.groups.get(&id) else { return };
        let Some(stored) = &group.stored else { return };
        let is_past = wall >= stored.not_after;
        match (group.state, is_past) {
            (State::Issued | State::Renewing, true) => self.enter(id, Input::Lapsed),
            (State::Expired, false) => self.enter(id, Input::Revived),
            (State::Issued | State::Renewing, false)
            | (State::Expired, true)
            | (State::Failed | State::Ordering | State::Wanted, _) => {}
        }
    }

    fn store_again(&mut self, id: CertificateId, now: Time) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if now < group.again_at || (group.signed.is_none() && group.pushing.is_none()) {
            return;
        }
        group.again_at = now + STORE_AGAIN;
        let store = group.signed.clone().map(|issued| Transmit::Store { id, issued });
        let push = group.pushing.as_ref().map(|issued| Transmit::Push { id, serial: issued.serial.clone() });
        self.transmits.extend(store.into_iter().chain(push));
    }

    fn clean_up(&mut self, id: CertificateId, now: Time, wall: WallTime) {
        let Some(group) = self.groups.get(&id) else { return };
        let rests = group.unwanted_since.is_none_or(|since| now < since + GRACE) || group.order.is_some();
        if rests || self.is_needed(id, wall) {
            return;
        }
        let group = self.groups.remove(&id).expect("it was looked up just now");
        let issued: Vec<Issued> = [group.stored, group.pushing, group.signed].into_iter().flatten().collect();
        for issued in &issued {
            self.revoke(id, issued, wall);
        }
        if !issued.is_empty() {
            self.transmits.push_back(Transmit::Delete { id });
        }
    }

    /// Orders what is due, those without a certificate first, then by their end.
    ///
    /// A certificate that alone names a host which has failed since is not replaced: its group goes on as another.
    fn order(&mut self, now: Time, wall: WallTime, touched: &mut BTreeSet<CertificateId>) {
        while self.under_way < MAX_ORDERS
            && let Some(mut id) = self.ready.pop_first()
        {
            if self.is_needed(id, wall)
                && let Some(group) = self.groups.get_mut(&id)
            {
                group.unwanted_since = Some(now);
                let others = std::mem::take(&mut group.wanted);
                touched.insert(id);
                id = self.add(Group::new(others));
            }
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let hosts = group.wanted.clone();
            group.order = Some(hosts.clone());
            self.under_way += 1;
            self.transmits.push_back(Transmit::Order { id, hosts });
            self.enter(id, Input::Due);
            touched.insert(id);
        }
    }

    /// When something can be due for a certificate again. What is ready to be ordered waits for no time, but for
    /// the end of another order.
    fn next_look(&self, now: Time, wall: WallTime, id: CertificateId, group: &Group) -> Option<Time> {
        let unwanted = group.unwanted_since.filter(|_| group.order.is_none()).map(|since| since + GRACE);
        let unwanted = unwanted.map(|at| if at > now { at } else { now + LOOK }); // others need it still
        let waits = group.signed.is_some() || group.pushing.is_some();
        let again = waits.then_some(group.again_at);
        let retry =
            (group.retry_at > now && group.needs_order(id, self.seed, wall)).then_some(group.retry_at);
        let issued = group.stored.iter().chain(&group.pushing);
        let dates = issued.flat_map(|issued| [renew_at(issued, id, self.seed), issued.not_after]);
        let date = dates.filter(|date| *date > wall).map(|date| now + (date - wall).min(LOOK)).min();
        let look = group.stored.is_some().then_some(now + LOOK);
        [unwanted, again, retry, date, look].into_iter().flatten().min()
    }
}

/// Certificates that may be ordered at once, the most urgent first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready {
    order: BTreeSet<(Option<WallTime>, CertificateId)>,
    ends: BTreeMap<CertificateId, Option<WallTime>>,
}

impl Ready {
    fn insert(&mut self, id: CertificateId, end: Option<WallTime>) {
        self.remove(id);
        self.order.insert((end, id));
        self.ends.insert(id, end);
    }

    fn remove(&mut self, id: CertificateId) {
        if let Some(end) = self.ends.remove(&id) {
            self.order.remove(&(end, id));
        }
    }

    fn pop_first(&mut self) -> Option<CertificateId> {
        let (_, id) = self.order.pop_first()?;
        self.ends.remove(&id);
        Some(id)
    }
}
