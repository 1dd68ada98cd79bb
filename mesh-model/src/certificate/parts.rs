//! In which secret each host of a credential lies.
//!
//! One secret holds one certificate, so who shares one waits for the others. The
//! idea: a credential's hosts may lie in several secrets, and who would have to wait
//! lies in another. A host stays where it is as long as that holds nobody up:
//!
//! - a new host lies in the first secret that has room and is not held back by a
//!   host that it covers and that fails ([`Certificate::is_closed`]); else in a new one;
//! - a secret that is held back near its certificate's end, or whose issuer is asked for
//!   no more, is left by those hosts that can be proved, and so is one with more hosts
//!   than the issuer takes. What covers them stays until the other secret is served.
//!
//! Nothing is moved for beauty. What is remembered is only which secret a host is to lie
//! in; after a restart what is stored says it. Where it is now, which a Gateway has to
//! name, is [`Certificates::secret`].

use std::collections::BTreeMap;
use std::ops::Bound;

use super::entry::Certificate;
use super::retry::lot_of;
use super::state::Input;
use super::{Certificates, Credential, CredentialProblem, Wanted};
use crate::name::{Fqdn, Name};
use crate::time::{Time, WallTime};

/// What is asked for of a credential, whatever secrets it takes.
#[derive(Clone, Debug)]
pub(super) struct Group {
    issuer: Result<Name, CredentialProblem>,
    max_names: usize,
    hosts: BTreeMap<Fqdn, Place>,
}

/// Where a host is to lie.
#[derive(Clone, Debug, Default)]
struct Place {
    is_unprovable: bool,
    /// Not known before the first look.
    secret: Option<Credential>,
}

/// What a host is in one secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    /// Whether it cannot be proved, whatever is tried.
    pub(super) is_unprovable: bool,
    /// Whether it stays only until another secret is served that it is to lie in.
    pub(super) is_leaving: bool,
    /// Whether another secret covers it until this one does.
    pub(super) has_come: bool,
}

/// What of a credential one secret is for.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) issuer: Result<Name, CredentialProblem>,
    /// Who is asked for hosts that have come, where nobody is asked for as it should be.
    pub(super) stand_in: Option<Name>,
    pub(super) max_names: usize,
    pub(super) hosts: BTreeMap<Fqdn, Role>,
}

impl Group {
    fn new(wanted: &Wanted) -> Self {
        let place = |host: &Fqdn| Place { is_unprovable: wanted.unprovable.contains(host), secret: None };
        let hosts = wanted.hosts.iter().map(|host| (host.clone(), place(host))).collect();
        Self { issuer: wanted.issuer().cloned(), max_names: wanted.max_names(), hosts }
    }

    /// The hosts that are asked for.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Fqdn> {
        self.hosts.keys()
    }

    /// Takes over what is asked for; whether that is something else than before.
    fn want(&mut self, wanted: &Wanted) -> bool {
        let (issuer, max_names) = (wanted.issuer().cloned(), wanted.max_names());
        let unprovable = self.hosts.iter().filter(|(_, place)| place.is_unprovable).map(|(host, _)| host);
        if issuer == self.issuer
            && max_names == self.max_names
            && self.hosts.keys().eq(&wanted.hosts)
            && unprovable.eq(wanted.unprovable.intersection(&wanted.hosts))
        {
            return false;
        }
        (self.issuer, self.max_names) = (issuer, max_names);
        self.hosts.retain(|host, _| wanted.hosts.contains(host));
        for host in &wanted.hosts {
            let is_unprovable = wanted.unprovable.contains(host);
            match self.hosts.get_mut(host) {
                Some(place) => place.is_unprovable = is_unprovable,
                None => _ = self.hosts.insert(host.clone(), Place { is_unprovable, secret: None }),
            }
        }
        true
    }

    /// Takes those out of their secrets that are not known to any or have to leave; who is known to one lies there.
    fn displace(&mut self, parts: &[Credential], all: &BTreeMap<Credential, Certificate>, wall: WallTime) {
        let closed: Vec<&Credential> = parts.iter().filter(|part| all[*part].is_closed()).collect();
        for (host, place) in &mut self.hosts {
            if place.secret.as_ref().is_none_or(|secret| !all.contains_key(secret)) {
                place.secret = known(host, parts, all);
            }
            let leaves = |secret: &mut Credential| {
                closed.contains(&&*secret) && all[secret].is_left_by(host, wall, self.issuer.as_ref().ok())
            };
            place.secret.take_if(leaves);
        }
        for part in parts.iter().filter(|_| self.issuer.is_ok()) {
            let covers = |host: &Fqdn| all[part].newest().is_some_and(|newest| newest.hosts.contains(host));
            let of = self.hosts.iter_mut().filter(|(host, place)| {
                place.secret.as_ref() == Some(part) && (!place.is_unprovable || covers(host))
            });
            let (mut own, others): (Vec<_>, Vec<_>) = of.partition(|(host, _)| covers(host));
            own.extend(others);
            own.into_iter().skip(self.max_names).for_each(|(_, place)| place.secret = None);
        }
    }

    /// Finds a place for whoever has none: the first secret with room that is not held back, or a new one.
    fn join(&mut self, whole: &Credential, parts: &[Credential], all: &BTreeMap<Credential, Certificate>) {
        let mut open: Vec<(Credential, usize)> = Vec::new();
        if self.hosts.values().all(|place| place.secret.is_some()) {
            return;
        }
        for part in parts.iter().filter(|part| !all[*part].is_closed()) {
            let lies =
                |host: &Fqdn| self.hosts.get(host).is_some_and(|place| place.secret.as_ref() == Some(part));
            // who left a moment ago keeps the place: a half-read list is soon whole again
            let leaving = all[part].hosts.keys().filter(|host| !lies(host)).count();
            let counted = |place: &&Place| place.secret.as_ref() == Some(part) && !place.is_unprovable;
            let taken = leaving + self.hosts.values().filter(counted).count();
            open.push((part.clone(), self.max_names.saturating_sub(taken)));
        }
        for place in self.hosts.values_mut().filter(|place| place.secret.is_none()) {
            if place.is_unprovable {
                place.secret = Some(whole.clone()); // it takes no room, for nobody orders it
                continue;
            }
            if let Some((part, room)) = open.iter_mut().find(|(_, room)| *room > 0) {
                *room -= 1;
                place.secret = Some(part.clone());
                continue;
            }
            let is_new =
                |part: &Credential| !all.contains_key(part) && open.iter().all(|(other, _)| other != part);
            let new = (1..).map(|number| whole.part(number)).find(is_new);
            let new = new.expect("there are more numbers than secrets");
            open.push((new.clone(), self.max_names.saturating_sub(1)));
            place.secret = Some(new);
        }
    }

    /// What each secret is for.
    fn shares(
        &self,
        parts: &[Credential],
        all: &BTreeMap<Credential, Certificate>,
        wall: WallTime,
    ) -> BTreeMap<Credential, Share> {
        let mut shares = BTreeMap::new();
        let empty = || Share {
            issuer: self.issuer.clone(),
            stand_in: None,
            // where nobody can be asked as it should be, what stands goes on
            max_names: if self.issuer.is_ok() { self.max_names } else { usize::MAX },
            hosts: BTreeMap::new(),
        };
        for (host, place) in &self.hosts {
            let secret = place.secret.as_ref().expect("everybody has joined");
            let mut role = Role { is_unprovable: place.is_unprovable, ..Role::default() };
            let is_there = all.get(secret).is_some_and(|one| one.serves(host, wall));
            let others = parts.iter().filter(|part| !is_there && *part != secret);
            let mut stand_in = None;
            for part in others.filter(|part| all[*part].covers(host, wall)) {
                role.has_come = true;
                stand_in = stand_in.or_else(|| all[part].newest().map(|newest| newest.issuer.clone()));
                let leaving = Role { is_leaving: true, ..Role::default() };
                shares.entry(part.clone()).or_insert_with(empty).hosts.insert(host.clone(), leaving);
            }
            let share = shares.entry(secret.clone()).or_insert_with(empty);
            share.stand_in = share.stand_in.take().or(stand_in);
            share.hosts.insert(host.clone(), role);
        }
        shares
    }
}

/// The secret that a host is known to: one that covers it, of several the one that ends last.
fn known(host: &Fqdn, parts: &[Credential], all: &BTreeMap<Credential, Certificate>) -> Option<Credential> {
    let end = |part: &&Credential| {
        let newest = all[*part].newest().filter(|newest| newest.hosts.contains(host));
        newest.map(|newest| newest.not_after)
    };
    let knows = |part: &&Credential| end(part).is_some() || all[*part].hosts.contains_key(host);
    // of equal ones the first
    parts.iter().rev().filter(knows).max_by_key(end).cloned()
}

impl Certificates {
    /// The secret that a Gateway has to name for a host of a credential: the one that it is to lie in once that
    /// is served, until then the one that covers it.
    #[must_use]
    pub fn secret(&self, wall: WallTime, credential: &Credential, host: &Fqdn) -> Credential {
        let whole = credential.whole();
        let place = self.groups.get(&whole).and_then(|group| group.hosts.get(host));
        let Some(own) = place.and_then(|place| place.secret.clone()) else { return whole };
        let end = |secret: &Credential| {
            let used = self.all.get(secret)?.used().filter(|used| used.hosts.contains(host))?;
            Some(used.not_after)
        };
        if end(&own).is_some_and(|end| wall < end) {
            return own;
        }
        let others = self.parts(&whole).into_iter().filter_map(|part| Some((end(&part)?, part)));
        others.max_by_key(|(end, _)| *end).map_or(own, |(_, part)| part)
    }

    /// The secrets of a credential, in the order of their numbers.
    pub(super) fn parts(&self, whole: &Credential) -> Vec<Credential> {
        let first = self.all.get_key_value(whole).map(|(first, _)| first);
        let further = self.all.range((Bound::Excluded(whole.before_further()), Bound::Unbounded));
        let further = further.map(|(part, _)| part).take_while(|part| {
            part.namespace() == whole.namespace() && part.name().starts_with(whole.before_further().name())
        });
        let further = further.filter(|part| part.whole() == *whole);
        let mut parts: Vec<Credential> = first.into_iter().chain(further).cloned().collect();
        parts.sort_by_cached_key(Credential::number);
        parts
    }

    /// Takes over what is asked for; whose problem is new is told.
    pub(super) fn ask_for(&mut self, whole: &Credential, wanted: &Wanted) -> Option<CredentialProblem> {
        let (before, changed) = match self.groups.get_mut(whole) {
            Some(group) => {
                let before = group.issuer.clone().err();
                (before, group.want(wanted))
            }
            None => {
                self.groups.insert(whole.clone(), Group::new(wanted));
                (None, true)
            }
        };
        if !changed {
            return None;
        }
        self.unsettled.insert(whole.clone());
        let problem = self.groups.get(whole).and_then(|group| group.issuer.clone().err());
        problem.filter(|problem| before.as_ref() != Some(problem))
    }

    /// Finds every host of a credential a place; the secrets that are for something else than before.
    pub(super) fn settle(&mut self, whole: &Credential, now: Time, wall: WallTime) -> Vec<Credential> {
        let mut touched = self.settle_once(whole, now, wall);
        if !touched.is_empty() {
            // by what its hosts are now, a secret may be held back that was not before
            touched.extend(self.settle_once(whole, now, wall));
        }
        touched
    }

    fn settle_once(&mut self, whole: &Credential, now: Time, wall: WallTime) -> Vec<Credential> {
        let mut parts = self.parts(whole);
        let mut shares = BTreeMap::new();
        if let Some(mut group) = self.groups.remove(whole) {
            group.displace(&parts, &self.all, wall);
            group.join(whole, &parts, &self.all);
            shares = group.shares(&parts, &self.all, wall);
            self.groups.insert(whole.clone(), group);
        }
        for part in shares.keys().filter(|part| !parts.contains(part)).cloned().collect::<Vec<_>>() {
            let lot = lot_of(self.seed, &part.to_string());
            self.all.insert(part.clone(), Certificate::new(lot));
            parts.push(part);
        }
        let mut touched = Vec::new();
        for part in parts {
            let certificate = self.all.get_mut(&part).expect("it is one of ours");
            let before = certificate.problem.clone();
            if !certificate.want(now, shares.remove(&part)) {
                continue;
            }
            let is_refused = certificate.problem.is_some() && certificate.problem != before;
            if is_refused && certificate.work.is_none() {
                self.enter(&part, Input::Failed);
            }
            touched.push(part);
        }
        touched
    }
}
