//! One secret's certificate: its hosts, what there is of it, and what is to be asked for next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::parts::{Role, Share};
use super::retry::{FIRST, LAST, LAST_OF_AUTHORITY, Retry, lot_of, mixed, part};
use super::schedule::ANSWER;
use super::{CredentialProblem, Issued, OrderFailure, State};
use crate::api::{CertificateState, CertificateStatus};
use crate::name::{Fqdn, Name};
use crate::time::{Time, WallTime};

/// The certificate of one secret.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) state: State,
    /// Its part in what is spread.
    pub(super) lot: u64,
    /// Who is asked, where nothing is wrong.
    pub(super) issuer: Option<Name>,
    pub(super) problem: Option<CredentialProblem>,
    /// Who is asked for hosts that have come from another secret, where something is wrong.
    stand_in: Option<Name>,
    /// The most names in it.
    max_names: usize,
    /// The hosts that it is for.
    pub(super) hosts: BTreeMap<Fqdn, Host>,
    /// What all gateways serve.
    pub(super) served: Option<Issued>,
    /// What is stored, and not known to be served by all gateways.
    pub(super) pushing: Option<Issued>,
    /// What is signed, and not known to be stored.
    pub(super) signed: Option<Issued>,
    /// What was replaced before all gateways served it; some may.
    pub(super) superseded: Vec<Issued>,
    /// What the authority was asked.
    pub(super) work: Option<Work>,
    /// When that counts as never answered.
    pub(super) answer_by: Time,
    pub(super) retry: Retry,
    /// Why the last order failed.
    pub(super) failure: Option<OrderFailure>,
    /// No storing and pushing again before.
    pub(super) again_at: Time,
    /// When it is looked at next.
    pub(super) look_at: Option<Time>,
    /// Where it waits for the end of others' orders.
    pub(super) queued: Option<(Name, Urgency)>,
}

/// A host in a secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// Since when nobody asks for it.
    pub(super) unwanted_since: Option<Time>,
    /// What it is here.
    pub(super) role: Role,
    /// What is known of its failures, until a certificate names it.
    pub(super) trouble: Option<Trouble>,
}

/// A host has failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) reason: String,
    pub(super) retry: Retry,
    /// Whether it was proved since.
    pub(super) is_proved: bool,
}

/// What an authority was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Order { issuer: Name, hosts: BTreeSet<Fqdn> },
    Proof { issuer: Name, host: Fqdn },
}

/// What goes first where an authority takes no more at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// There is no certificate.
    First,
    /// There is one, which ends so.
    Replaced(WallTime),
    /// A host that has failed before.
    Proof,
}

impl Host {
    pub(super) const fn is_wanted(&self) -> bool {
        self.unwanted_since.is_none()
    }

    /// Whether an order may name it.
    fn is_ready(&self) -> bool {
        !self.role.is_unprovable && self.trouble.as_ref().is_none_or(|trouble| trouble.is_proved)
    }
}

impl Certificate {
    pub(super) fn new(lot: u64) -> Self {
        Self {
            state: State::Wanted,
            lot,
            issuer: None,
            problem: None,
            stand_in: None,
            max_names: usize::MAX,
            hosts: BTreeMap::new(),
            served: None,
            pushing: None,
            signed: None,
            superseded: Vec::new(),
            work: None,
            answer_by: Time::ZERO,
            retry: Retry::default(),
            failure: None,
            again_at: Time::ZERO,
            look_at: None,
            queued: None,
        }
    }

    /// As it was found after a restart: stored, and nobody has said yet that it is served.
    pub(super) fn found(lot: u64, issued: Issued) -> Self {
        let hosts = issued.hosts.iter().map(|host| (host.clone(), Host::default())).collect();
        Self { state: State::Issued, hosts, pushing: Some(issued), ..Self::new(lot) }
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The hosts that are asked for.
    pub fn hosts(&self) -> impl Iterator<Item = &Fqdn> {
        self.hosts.iter().filter(|(_, host)| host.is_wanted()).map(|(name, _)| name)
    }

    /// What all gateways serve.
    #[must_use]
    pub const fn served(&self) -> Option<&Issued> {
        self.served.as_ref()
    }

    /// Why the last order came to nothing.
    #[must_use]
    pub const fn failure(&self) -> Option<&OrderFailure> {
        self.failure.as_ref()
    }

    /// Why it cannot be ordered as it is asked for.
    #[must_use]
    pub const fn problem(&self) -> Option<&CredentialProblem> {
        self.problem.as_ref()
    }

    /// The hosts that could not be proved, and why.
    pub fn failing(&self) -> impl Iterator<Item = (&Fqdn, &str)> {
        let failing = self.hosts.iter().filter(|(_, host)| host.is_wanted() && !host.is_ready());
        failing.map(|(name, host)| {
            let reason = host.trouble.as_ref().map(|trouble| trouble.reason.as_str());
            (name, reason.unwrap_or("the issuer can have no such name proved"))
        })
    }

    /// Until when it is not replaced, for hosts that failed would lose their cover by it; from then on the others
    /// go on in another secret, as whoever is new does at once.
    #[must_use]
    pub fn held_back_until(&self, wall: WallTime) -> Option<WallTime> {
        let until = self.is_closed().then(|| self.newest().map(last_call))??;
        (wall < until).then_some(until)
    }

    /// Whether what is there names a host that its successor could not: one that fails, or one that goes or went
    /// elsewhere, as long as a Gateway may name it here. Also what has ended stays, for a host that nothing names
    /// would be [`lacking`](super::Certificates::lacking).
    pub(super) fn is_closed(&self) -> bool {
        let Some(newest) = self.newest() else { return false };
        let would_lose = |name: &Fqdn, host: &Host| {
            (host.role.is_leaving || !host.is_ready()) && newest.hosts.contains(name)
        };
        self.hosts.iter().any(|(name, host)| would_lose(name, host))
            || self.candidates().count() > self.max_names
    }

    /// Whether a host goes on in another secret, while this one is closed.
    pub(super) fn is_left_by(&self, name: &Fqdn, wall: WallTime, issuer: Option<&Name>) -> bool {
        let is_ready = self.hosts.get(name).is_none_or(Host::is_ready);
        is_ready
            && match self.newest().filter(|newest| newest.hosts.contains(name)) {
                Some(newest) => {
                    wall >= last_call(newest) || issuer.is_some_and(|issuer| *issuer != newest.issuer)
                }
                // where nobody can be asked it waits here as well as elsewhere
                None => issuer.is_some(),
            }
    }

    /// Whether hosts are on their way from one secret to another, or should be.
    pub(super) fn is_torn(&self) -> bool {
        self.hosts.values().any(|host| host.role.is_leaving || host.role.has_come) || self.is_closed()
    }

    /// Whether all gateways serve it for a host.
    pub(super) fn serves(&self, host: &Fqdn, wall: WallTime) -> bool {
        self.served.as_ref().is_some_and(|served| wall < served.not_after && served.hosts.contains(host))
    }

    /// Whether what is there or comes next names a host.
    pub(super) fn covers(&self, host: &Fqdn, wall: WallTime) -> bool {
        let all = [self.newest(), self.current()].into_iter().flatten();
        all.into_iter().any(|issued| wall < issued.not_after && issued.hosts.contains(host))
    }

    /// What Gateways may name it for: what is served, or was before a restart.
    pub(super) fn used(&self) -> Option<&Issued> {
        self.served.as_ref().or_else(|| self.pushing.as_ref().filter(|_| self.state.has_been_served()))
    }

    /// Whether a host cannot be proved, or was not since a certificate last named it.
    pub(super) fn has_failed(&self, host: &Fqdn) -> bool {
        self.hosts.get(host).is_some_and(|host| host.role.is_unprovable || host.trouble.is_some())
    }

    /// Whether anybody asks for it.
    pub(super) fn is_wanted(&self) -> bool {
        self.hosts.values().any(Host::is_wanted)
    }

    /// What is or will be in the secret.
    pub(super) fn newest(&self) -> Option<&Issued> {
        self.signed.as_ref().or(self.pushing.as_ref()).or(self.served.as_ref())
    }

    /// What gateways serve as far as anybody knows: after a restart what is stored.
    pub(super) fn current(&self) -> Option<&Issued> {
        self.served.as_ref().or(self.pushing.as_ref())
    }

    /// Takes over what is asked for; whether that is something else than before.
    pub(super) fn want(&mut self, now: Time, share: Option<Share>) -> bool {
        let Some(share) = share else {
            let was_wanted = self.is_wanted();
            self.problem = None;
            self.hosts.values_mut().for_each(|host| _ = host.unwanted_since.get_or_insert(now));
            return was_wanted;
        };
        let (issuer, problem) = match share.issuer {
            Ok(issuer) => (Some(issuer), None),
            Err(problem) => (None, Some(problem)),
        };
        let wanted = self.hosts.iter().filter(|(_, host)| host.is_wanted());
        if issuer == self.issuer
            && problem == self.problem
            && share.stand_in == self.stand_in
            && share.max_names == self.max_names
            && wanted.map(|(name, host)| (name, &host.role)).eq(&share.hosts)
        {
            return false;
        }
        if issuer.is_some() && issuer != self.issuer {
            // who refused before is not who is asked now
            self.retry = Retry::default();
            self.hosts.values_mut().for_each(|host| host.trouble = None);
        }
        (self.issuer, self.problem) = (issuer, problem);
        (self.stand_in, self.max_names) = (share.stand_in, share.max_names);
        for (_, host) in self.hosts.iter_mut().filter(|(name, _)| !share.hosts.contains_key(*name)) {
            host.unwanted_since.get_or_insert(now);
        }
        for (name, role) in share.hosts {
            let host = self.hosts.entry(name).or_default();
            (host.role, host.unwanted_since) = (role, None);
        }
        true
    }

    /// What is to be asked for, apart from what is under way.
    pub(super) fn urgency(&self, now: Time, wall: WallTime) -> Option<Urgency> {
        if self.work.is_some() || self.asked().is_none() {
            return None;
        }
        if self.needs_order(wall) && now >= self.retry.at() {
            return Some(
                self.current().map_or(Urgency::First, |current| Urgency::Replaced(current.not_after)),
            );
        }
        self.provable().any(|(_, trouble)| now >= trouble.retry.at()).then_some(Urgency::Proof)
    }

    /// Begins what is most urgent.
    pub(super) fn begin(&mut self, now: Time, wall: WallTime) -> Option<&Work> {
        let urgency = self.urgency(now, wall)?;
        let issuer = self.asked()?.clone();
        let work = match urgency {
            Urgency::First | Urgency::Replaced(_) => Work::Order { issuer, hosts: self.next_hosts() },
            Urgency::Proof => {
                let first = self.provable().min_by_key(|(_, trouble)| trouble.retry.at())?;
                Work::Proof { issuer, host: first.0.clone() }
            }
        };
        self.answer_by = now + ANSWER;
        Some(self.work.insert(work))
    }

    /// The hosts that an order would name now, as many as there is room for.
    fn next_hosts(&self) -> BTreeSet<Fqdn> {
        // what nobody asks for since a moment ago must not keep out what somebody does
        let (wanted, others): (Vec<_>, Vec<_>) = self.candidates().partition(|(_, host)| host.is_wanted());
        let room = self.max_names.saturating_sub(wanted.len());
        let hosts = wanted.into_iter().chain(others.into_iter().take(room));
        hosts.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a certificate that nobody waits for any more is what would be ordered now.
    pub(super) fn takes(&self, issued: &Issued, wall: WallTime) -> bool {
        let is_whose = self.asked() == Some(&issued.issuer) && issued.not_before < issued.not_after;
        let is_due_anew = wall >= self.renew_at(issued);
        is_whose && !is_due_anew && self.needs_order(wall) && self.next_hosts().is_subset(&issued.hosts)
    }

    /// Whether it holds a certificate, in whatever stage.
    pub(super) fn knows(&self, issued: &Issued) -> bool {
        let all = [&self.served, &self.pushing, &self.signed].into_iter().flatten().chain(&self.superseded);
        all.into_iter().any(|one| one.issuer == issued.issuer && one.serial == issued.serial)
    }

    /// Whether it is to be ordered, apart from waits.
    pub(super) fn needs_order(&self, wall: WallTime) -> bool {
        if !self.is_wanted() || self.candidates().next().is_none() {
            return false;
        }
        let Some(newest) = self.newest() else { return true };
        let is_by_another = self.problem.is_none() && self.issuer.as_ref() != Some(&newest.issuer);
        let adds = || self.candidates().any(|(name, _)| !newest.hosts.contains(name));
        (is_by_another || wall >= self.renew_at(newest) || adds()) && !self.is_closed()
    }

    /// The hosts that have failed and may be tried by themselves.
    pub(super) fn provable(&self) -> impl Iterator<Item = (&Fqdn, &Trouble)> {
        self.hosts.iter().filter_map(|(name, host)| {
            let trouble = host.trouble.as_ref().filter(|trouble| !trouble.is_proved)?;
            let may_join = host.is_wanted() && !host.role.is_unprovable && self.may_be_named(name, host);
            may_join.then_some((name, trouble))
        })
    }

    /// The hosts that an order would name now.
    fn candidates(&self) -> impl Iterator<Item = (&Fqdn, &Host)> {
        self.hosts.iter().filter(|(name, host)| host.is_ready() && self.may_be_named(name, host))
    }

    /// What nobody asks for since a moment ago stays in, and where something is wrong nothing joins.
    fn may_be_named(&self, name: &Fqdn, host: &Host) -> bool {
        let may_join = host.is_wanted() && (self.problem.is_none() || host.role.has_come);
        !host.role.is_leaving && (may_join || self.newest().is_some_and(|newest| newest.hosts.contains(name)))
    }

    /// Who is to be asked: where something is wrong who signed what is there.
    pub(super) fn asked(&self) -> Option<&Name> {
        match self.problem {
            None => self.issuer.as_ref(),
            Some(_) => self.newest().map(|newest| &newest.issuer).or(self.stand_in.as_ref()),
        }
    }

    /// Notes what was signed. What is due again at once (the wall's clock is wrong) is asked for ever more rarely.
    pub(super) fn sign(&mut self, now: Time, wall: WallTime, issued: Issued) {
        if wall >= self.renew_at(&issued) {
            self.retry.fail(now, self.lot, longest_wait(Some(&issued)), None);
        } else {
            self.retry = Retry::default();
        }
        self.failure = None;
        for name in &issued.hosts {
            if let Some(host) = self.hosts.get_mut(name) {
                host.trouble = None;
            }
        }
        self.superseded.extend(self.signed.replace(issued));
    }

    /// Notes that an order came to nothing: its hosts wait, each by itself, or all where it is nobody's fault.
    pub(super) fn fail(&mut self, now: Time, ordered: &BTreeSet<Fqdn>, failure: &OrderFailure) {
        let culprits: Vec<(&Fqdn, &String)> = match failure {
            OrderFailure::Authority { .. } => Vec::new(),
            OrderFailure::Hosts { failed } => {
                failed.iter().filter(|(host, _)| ordered.contains(*host)).collect()
            }
        };
        if culprits.is_empty() {
            let most = longest_wait(self.newest()).min(LAST_OF_AUTHORITY);
            self.retry.fail(now, self.lot, most, failure.retry_after());
        }
        for (host, reason) in culprits {
            self.fail_host(now, host, Some(reason), None);
        }
        self.failure = Some(failure.clone());
    }

    /// Notes that a host was proved: the next order names it.
    pub(super) fn prove(&mut self, name: &Fqdn) {
        if let Some(trouble) = self.hosts.get_mut(name).and_then(|host| host.trouble.as_mut()) {
            trouble.is_proved = true;
        }
    }

    /// As status reports it, of these hosts.
    pub(super) fn status(&self, wall: WallTime, hosts: &BTreeSet<Fqdn>) -> CertificateStatus {
        let current = self.current().filter(|current| wall < current.not_after);
        let lacks = |host: &&Fqdn| current.is_none_or(|current| !current.hosts.contains(*host));
        let is_hopeless = |host: &Fqdn| self.hosts.get(host).is_some_and(|host| !host.is_ready());
        let state = match self.state.reported() {
            CertificateState::Issued | CertificateState::Renewing
                if hosts.iter().any(|host| lacks(&host)) =>
            {
                let has_failed = self.problem.is_some() || hosts.iter().filter(lacks).any(is_hopeless);
                if has_failed { CertificateState::Failed } else { CertificateState::Pending }
            }
            state => state,
        };
        let serial = current.map(|current| current.serial.clone());
        CertificateStatus { state, serial, not_after: current.map(|current| current.not_after) }
    }

    /// Notes that a host could not be proved; without a reason it is nobody's fault.
    pub(super) fn fail_host(
        &mut self,
        now: Time,
        name: &Fqdn,
        reason: Option<&str>,
        retry_after: Option<Duration>,
    ) {
        let most = longest_wait(self.newest());
        let most = if reason.is_some() { most } else { most.min(LAST_OF_AUTHORITY) };
        let Some(host) = self.hosts.get_mut(name) else { return };
        let trouble = host.trouble.get_or_insert_default();
        trouble.is_proved = false;
        if let Some(reason) = reason {
            reason.clone_into(&mut trouble.reason);
        }
        trouble.retry.fail(now, lot_of(self.lot, name.as_str()), most, retry_after);
    }

    /// When it is renewed: at two thirds of its life, or up to a twentieth of it earlier.
    pub(super) fn renew_at(&self, issued: &Issued) -> WallTime {
        let life = issued.not_after - issued.not_before;
        let lot = mixed(self.lot ^ issued.not_after.as_unix_seconds().cast_unsigned());
        issued.not_before + (life * 2 / 3).saturating_sub(part(life / 20, lot))
    }
}

/// The longest wait for a successor: what lives for an hour cannot wait for six.
fn longest_wait(newest: Option<&Issued>) -> Duration {
    newest.map_or(LAST, |newest| ((newest.not_after - newest.not_before) / 20).clamp(FIRST, LAST))
}

/// From when on the others go on elsewhere than a host that fails: in the last tenth of its life. What fails is
/// mostly well again before, and secrets that are divided stay so.
pub(super) fn last_call(issued: &Issued) -> WallTime {
    issued.not_before + (issued.not_after - issued.not_before) * 9 / 10
}
