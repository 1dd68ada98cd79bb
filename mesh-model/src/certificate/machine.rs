//! The machine: what is asked for and results in, orders and pushes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::entry::{Certificate, Work};
use super::parts::Group;
use super::retry::lot_of;
use super::schedule::{ANSWER, Queue, STORE_AGAIN};
use super::state::Input;
use super::{Credential, Event, GatewayHosts, Issued, OrderFailure, Transmit, Wanted};
use crate::api::{CertificateState, CertificateStatus};
use crate::name::{Fqdn, Name};
use crate::time::{Time, WallTime};

/// The certificates of all credentials, whoever signs them; no credential is in two of these.
///
/// What is asked for and told of Gateways goes by the credentials that were written, what is done by secrets:
/// several where a credential's hosts lie in more than one.
///
/// After every `handle_*` drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use std::time::Duration;
/// use mesh_model::certificate::{AskedIssuer, Certificates, Credential, Issued, Transmit, Wanted};
/// use mesh_model::name::Fqdn;
/// use mesh_model::time::Time;
///
/// let shop = Credential::new("retail".parse()?, "shop-tls")?;
/// let host: Fqdn = "shop.example.com".parse()?;
/// let wanted = Wanted { // as `GatewayHosts` finds it
///     hosts: [host.clone()].into(),
///     issuers: [("corp".parse()?, AskedIssuer::Known { max_names: 100 })].into(),
///     ..Wanted::default()
/// };
/// let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse()?);
/// let mut certificates = Certificates::new(7, Vec::new());
/// certificates.handle_desired(now, wall, &[(shop.clone(), wanted)].into());
///
/// let Some(Transmit::Order { credential, issuer, hosts }) = certificates.poll_transmit() else { panic!() };
/// let not_after = wall + Duration::from_secs(90 * 86_400);
/// let issued = Issued { issuer, hosts, serial: "1f".into(), not_before: wall, not_after };
/// certificates.handle_order_result(now, wall, &credential, Ok(issued));
/// assert!(matches!(certificates.poll_transmit(), Some(Transmit::Store { .. })));
/// certificates.handle_stored(now, wall, &credential, "1f");
/// assert!(certificates.serving(wall, &shop, &host).is_none(), "not before the gateways have it");
/// assert!(matches!(certificates.poll_transmit(), Some(Transmit::Push { .. })));
/// certificates.handle_pushed(now, wall, &credential, "1f");
/// assert!(certificates.serving(wall, &shop, &host).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Certificates {
    pub(super) seed: u64,
    /// Whether it is known what is wanted.
    is_asked: bool,
    /// What is asked for.
    pub(super) groups: BTreeMap<Credential, Group>,
    /// Those whose hosts may have to lie elsewhere.
    pub(super) unsettled: BTreeSet<Credential>,
    /// By their secrets.
    pub(super) all: BTreeMap<Credential, Certificate>,
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) events: VecDeque<Event>,
    /// What each issuer was asked, and who waits for it.
    pub(super) queues: BTreeMap<Name, Queue>,
    /// When to look at which.
    pub(super) agenda: BTreeSet<(Time, Credential)>,
    /// One moment by both clocks, as the agenda was made.
    pub(super) clocks: Option<(Time, WallTime)>,
    /// When the wall's clock is looked at next.
    pub(super) look_at: Option<Time>,
}

impl Certificates {
    /// Certificates as they are stored; none at the beginning. Nothing is asked before
    /// [`handle_desired`](Self::handle_desired). The seed spreads renewals: give each controller its own, and
    /// the same after a restart.
    #[must_use]
    pub fn new(seed: u64, stored: Vec<(Credential, Issued)>) -> Self {
        let found = |(credential, issued): (Credential, Issued)| {
            let lot = lot_of(seed, &credential.to_string());
            (credential, Certificate::found(lot, issued))
        };
        Self {
            seed,
            is_asked: false,
            groups: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            all: stored.into_iter().map(found).collect(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            queues: BTreeMap::new(),
            agenda: BTreeSet::new(),
            clocks: None,
            look_at: None,
        }
    }

    /// What is asked for now, all of it, as [`GatewayHosts`] found it. In which secrets its hosts lie is found
    /// out here ([`secret`](Self::secret)).
    pub fn handle_desired(&mut self, now: Time, wall: WallTime, wanted: &BTreeMap<Credential, Wanted>) {
        if wanted.keys().all(|credential| credential.number() == 1) {
            return self.desire(now, wall, wanted);
        }
        let mut whole: BTreeMap<Credential, Wanted> = BTreeMap::new();
        for (credential, wanted) in wanted {
            whole.entry(credential.whole()).or_default().extend(wanted);
        }
        self.desire(now, wall, &whole);
    }

    fn desire(&mut self, now: Time, wall: WallTime, wanted: &BTreeMap<Credential, Wanted>) {
        self.is_asked = true;
        self.groups.retain(|whole, _| wanted.contains_key(whole));
        let secrets = self.all.iter().filter(|(_, certificate)| certificate.is_wanted());
        let gone = secrets.map(|(secret, _)| secret.whole()).filter(|whole| !wanted.contains_key(whole));
        self.unsettled.extend(gone);
        for (credential, wanted) in wanted {
            if let Some(problem) = self.ask_for(credential, wanted) {
                self.events.push_back(Event::Refused { credential: credential.clone(), problem });
            }
        }
        self.run(now, wall, []);
    }

    /// What came of an order. One that nobody waits for any more is taken if it is what would be ordered now, and
    /// else revoked if it names a host that nobody wants; a late failure says nothing.
    pub fn handle_order_result(
        &mut self,
        now: Time,
        wall: WallTime,
        credential: &Credential,
        result: Result<Issued, OrderFailure>,
    ) {
        let is_order = |work: &mut Work| matches!(work, Work::Order { .. });
        let certificate = self.all.get_mut(credential);
        let work = certificate.and_then(|certificate| certificate.work.take_if(is_order));
        let Some(Work::Order { issuer, hosts }) = work else {
            if let Ok(issued) = result {
                self.handle_late(now, wall, credential, issued);
            }
            return;
        };
        self.free(&issuer);
        let is_gone = self.all.get(credential).is_none_or(|certificate| certificate.hosts.is_empty());
        match result.map(|issued| (checked(&issued, &issuer, &hosts), issued)) {
            Ok((Ok(()), issued)) if !is_gone => self.take(now, wall, credential, issued),
            Ok((checked, issued)) => {
                self.revoke(credential, &issued, wall);
                checked.unwrap_or_else(|failure| self.fail(now, wall, credential, &hosts, failure));
            }
            Err(failure) => self.fail(now, wall, credential, &hosts, failure),
        }
        self.run(now, wall, [credential.clone()]);
    }

    fn handle_late(&mut self, now: Time, wall: WallTime, credential: &Credential, issued: Issued) {
        match self.all.get(credential) {
            Some(certificate) if certificate.knows(&issued) => {}
            Some(certificate) if certificate.takes(&issued, wall) => {
                self.take(now, wall, credential, issued);
                self.run(now, wall, [credential.clone()]);
            }
            Some(_) | None if self.is_asked => self.revoke(credential, &issued, wall),
            Some(_) | None => {} // after a restart nobody knows yet whose it is
        }
    }

    fn take(&mut self, now: Time, wall: WallTime, credential: &Credential, issued: Issued) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        certificate.again_at = now + STORE_AGAIN;
        certificate.sign(now, wall, issued.clone());
        self.transmits.push_back(Transmit::Store { credential: credential.clone(), issued });
    }

    fn fail(
        &mut self,
        now: Time,
        wall: WallTime,
        credential: &Credential,
        ordered: &BTreeSet<Fqdn>,
        failure: OrderFailure,
    ) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        certificate.fail(now, ordered, &failure);
        let held_back = certificate.held_back_until(wall).map(|until| {
            let failing = certificate.failing().map(|(host, _)| host.clone()).collect();
            Event::HeldBack { credential: credential.clone(), hosts: failing, until }
        });
        self.events.push_back(Event::OrderFailed { credential: credential.clone(), failure });
        self.events.extend(held_back);
        self.enter(credential, Input::Failed);
    }

    /// What was asked and never answered counts as failed by the authority.
    pub(super) fn give_up(&mut self, credential: &Credential, now: Time, wall: WallTime) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let answer_by = certificate.answer_by;
        let Some(work) = certificate.work.take_if(|_| now >= answer_by) else { return };
        let reason = format!("no answer within {} minutes", ANSWER.as_secs() / 60);
        let failure = OrderFailure::Authority { reason, retry_after: None };
        match work {
            Work::Order { issuer, hosts } => {
                self.free(&issuer);
                self.fail(now, wall, credential, &hosts, failure);
            }
            Work::Proof { issuer, host } => {
                self.free(&issuer);
                self.disprove(now, credential, &host, failure);
            }
        }
    }

    fn disprove(&mut self, now: Time, credential: &Credential, host: &Fqdn, failure: OrderFailure) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        certificate.fail_host(now, host, failure.reason_of(host), failure.retry_after());
        let (credential, host) = (credential.clone(), host.clone());
        self.events.push_back(Event::ProofFailed { credential, host, failure });
    }

    /// Whether a host that had failed was proved to be ours; one that is not being proved is ignored.
    pub fn handle_proof(
        &mut self,
        now: Time,
        wall: WallTime,
        credential: &Credential,
        host: &Fqdn,
        result: Result<(), OrderFailure>,
    ) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let is_it = |work: &mut Work| matches!(work, Work::Proof { host: asked, .. } if asked == host);
        let Some(Work::Proof { issuer, .. }) = certificate.work.take_if(is_it) else { return };
        match result {
            Ok(()) => certificate.prove(host),
            Err(failure) => self.disprove(now, credential, host, failure),
        }
        self.free(&issuer);
        self.run(now, wall, [credential.clone()]);
    }

    /// What was signed is stored, by its serial number.
    pub fn handle_stored(&mut self, now: Time, wall: WallTime, credential: &Credential, serial: &str) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let Some(issued) = certificate.signed.take_if(|signed| signed.serial == serial) else { return };
        let before = certificate.pushing.replace(issued);
        certificate.superseded.extend(before);
        certificate.again_at = now + STORE_AGAIN;
        let push = Transmit::Push { credential: credential.clone(), serial: serial.to_owned() };
        self.transmits.push_back(push);
        self.run(now, wall, [credential.clone()]);
    }

    /// All gateways serve what is stored; what was before is revoked if it names a host that nobody wants.
    pub fn handle_pushed(&mut self, now: Time, wall: WallTime, credential: &Credential, serial: &str) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let Some(issued) = certificate.pushing.take_if(|pushing| pushing.serial == serial) else { return };
        let mut before = std::mem::take(&mut certificate.superseded);
        before.extend(certificate.served.replace(issued));
        for old in &before {
            self.revoke(credential, old, wall);
        }
        self.enter(credential, Input::Served);
        self.run(now, wall, [credential.clone()]);
    }

    /// Time has passed; may be called too early or too often.
    pub fn handle_timeout(&mut self, now: Time, wall: WallTime) {
        self.run(now, wall, []);
    }

    /// What is to be done next.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What has come to pass.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at).into_iter().chain(self.look_at).min()
    }

    /// The state that a target's Gateways are in, for its status: of several certificates the worst, and the end
    /// that comes first; `None` where they need no certificate.
    #[must_use]
    pub fn status(&self, wall: WallTime, of: &GatewayHosts) -> Option<CertificateStatus> {
        let mut hosts: BTreeMap<Credential, BTreeSet<Fqdn>> = BTreeMap::new();
        for (credential, wanted) in &of.credentials {
            for host in &wanted.hosts {
                hosts.entry(self.secret(wall, credential, host)).or_default().insert(host.clone());
            }
        }
        let each = hosts.iter().map(|(secret, hosts)| match self.all.get(secret) {
            Some(certificate) => certificate.status(wall, hosts),
            None => CertificateStatus { state: CertificateState::Pending, serial: None, not_after: None },
        });
        each.reduce(|one, other| {
            let state = if severity(one.state) >= severity(other.state) { one.state } else { other.state };
            let ends_first = match (one.not_after, other.not_after) {
                (Some(first), Some(second)) if second < first => other,
                (None, Some(_)) => other,
                (None, None) | (Some(_), _) => one,
            };
            CertificateStatus { state, ..ends_first }
        })
    }

    /// All of them, by their secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&Credential, &Certificate)> {
        self.all.iter()
    }

    /// The certificate of a secret.
    #[must_use]
    pub fn certificate(&self, credential: &Credential) -> Option<&Certificate> {
        self.all.get(credential)
    }

    /// Has a certificate revoked that names a host that nobody wants, unless it has ended.
    pub(super) fn revoke(&mut self, credential: &Credential, issued: &Issued, wall: WallTime) {
        let own = self.all.get(credential);
        let is_own = |host: &Fqdn| own.is_some_and(|own| own.hosts.contains_key(host));
        let is_wanted =
            |host: &Fqdn| is_own(host) || self.all.values().any(|other| other.hosts.contains_key(host));
        if wall < issued.not_after && !issued.hosts.iter().all(is_wanted) {
            self.transmits.push_back(Transmit::Revoke {
                credential: credential.clone(),
                issuer: issued.issuer.clone(),
                serial: issued.serial.clone(),
            });
        }
    }

    /// The one place where a state changes.
    pub(super) fn enter(&mut self, credential: &Credential, input: Input) {
        let Some(certificate) = self.all.get_mut(credential) else { return };
        let from = certificate.state;
        let to = from.next(input);
        if from != to {
            certificate.state = to;
            self.events.push_back(Event::State { credential: credential.clone(), from, to });
        }
    }
}

/// How bad a state is, among those of one access point.
const fn severity(state: CertificateState) -> u8 {
    match state {
        CertificateState::Issued => 0,
        CertificateState::Renewing => 1,
        CertificateState::Pending => 2,
        CertificateState::Failed => 3,
        CertificateState::Expired => 4,
    }
}

/// Whether what was signed is what was asked for.
fn checked(issued: &Issued, issuer: &Name, ordered: &BTreeSet<Fqdn>) -> Result<(), OrderFailure> {
    let reason = if issued.issuer != *issuer {
        "another issuer signed than was asked"
    } else if !ordered.is_subset(&issued.hosts) {
        "it signed other hosts than it was asked for"
    } else if issued.not_after <= issued.not_before {
        "it signed a certificate that ends before it begins"
    } else {
        return Ok(());
    };
    Err(OrderFailure::Authority { reason: reason.to_owned(), retry_after: None })
}
