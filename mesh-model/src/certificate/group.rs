//! One certificate: its hosts, what there is of it, and when it is to be ordered.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{CertificateId, Issued, OrderFailure, State};
use crate::name::Fqdn;
use crate::time::{Time, WallTime};

/// The first wait after a failure; each further one doubles it. Short enough for a record that spreads.
const FIRST_RETRY: Duration = Duration::from_secs(60);
/// The longest wait: authorities count failed validations by the hour.
const LAST_RETRY: Duration = Duration::from_secs(6 * 3_600);

/// A certificate.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) state: State,
    /// The hosts that it is for.
    pub(super) wanted: BTreeSet<Fqdn>,
    /// What is stored and served.
    pub(super) stored: Option<Issued>,
    /// What is stored and not served yet by all gateways.
    pub(super) pushing: Option<Issued>,
    /// What is signed and not known to be stored.
    pub(super) signed: Option<Issued>,
    /// The hosts of an order that is under way.
    pub(super) order: Option<BTreeSet<Fqdn>>,
    /// Failures since the last success.
    pub(super) failures: u32,
    /// No order before.
    pub(super) retry_at: Time,
    /// No storing and pushing again before.
    pub(super) again_at: Time,
    /// Why the last order failed.
    pub(super) failure: Option<OrderFailure>,
    /// Whether others keep away from it: its host has failed, and has not been proved since.
    pub(super) is_alone: bool,
    /// Since when it has no host.
    pub(super) unwanted_since: Option<Time>,
}

impl Group {
    pub(super) const fn new(wanted: BTreeSet<Fqdn>) -> Self {
        Self {
            state: State::Wanted,
            wanted,
            stored: None,
            pushing: None,
            signed: None,
            order: None,
            failures: 0,
            retry_at: Time::ZERO,
            again_at: Time::ZERO,
            failure: None,
            is_alone: false,
            unwanted_since: None,
        }
    }

    /// Whether a certificate that is stored, served or on its way names a host.
    pub(super) fn names(&self, host: &Fqdn) -> bool {
        [&self.stored, &self.pushing, &self.signed]
            .into_iter()
            .flatten()
            .any(|issued| issued.hosts.contains(host))
    }

    /// Whether a host may join.
    pub(super) fn has_room(&self, max_names: usize) -> bool {
        let is_quiet = self.order.is_none() && self.signed.is_none() && self.pushing.is_none();
        !self.is_alone
            && is_quiet
            && self.failures == 0
            && !self.wanted.is_empty()
            && self.wanted.len() < max_names
    }

    /// Whether it is to be ordered, apart from waits.
    pub(super) fn needs_order(&self, id: CertificateId, seed: u64, wall: WallTime) -> bool {
        if self.order.is_some() || self.signed.is_some() || self.wanted.is_empty() {
            return false;
        }
        // a gateway that does not answer must not let the others' certificate end
        match self.pushing.as_ref().or(self.stored.as_ref()) {
            None => true,
            Some(newest) => !self.wanted.is_subset(&newest.hosts) || wall >= renew_at(newest, id, seed),
        }
    }

    /// Notes what was signed. What is due again at once (the wall's clock is wrong) is asked for ever more rarely.
    pub(super) fn sign(&mut self, now: Time, wall: WallTime, issued: Issued, id: CertificateId, seed: u64) {
        if wall >= renew_at(&issued, id, seed) {
            self.retry_at = now + self.wait(id, seed);
        } else {
            self.failures = 0;
            self.retry_at = now;
        }
        self.failure = None;
        self.is_alone = false;
        self.signed = Some(issued);
    }

    /// Notes a failure.
    pub(super) fn fail(&mut self, now: Time, failure: OrderFailure, id: CertificateId, seed: u64) {
        let wait = self.wait(id, seed);
        let asked = match &failure {
            OrderFailure::Authority { retry_after, .. } => retry_after.unwrap_or_default(),
            OrderFailure::Hosts { .. } => Duration::ZERO,
        };
        self.retry_at = now + wait.max(asked);
        self.failure = Some(failure);
    }

    /// How long to wait after one failure more.
    fn wait(&mut self, id: CertificateId, seed: u64) -> Duration {
        let doubled = FIRST_RETRY.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(30);
        let wait = doubled.min(LAST_RETRY);
        // only longer, so that authorities are never asked more often
        wait + part(wait / 10, mixed(seed ^ u64::from(id.0) ^ (u64::from(self.failures) << 32)))
    }
}

/// When a certificate is renewed: at two thirds of its life, or up to a twentieth of it earlier.
pub(super) fn renew_at(issued: &Issued, id: CertificateId, seed: u64) -> WallTime {
    let life = issued.not_after - issued.not_before;
    let lot = mixed(seed ^ (u64::from(id.0) << 40) ^ issued.not_after.as_unix_seconds().cast_unsigned());
    issued.not_before + (life * 2 / 3).saturating_sub(part(life / 20, lot))
}

/// A part of a duration, by a lot.
fn part(whole: Duration, lot: u64) -> Duration {
    let nanoseconds = whole.as_nanos() * u128::from(lot) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// A lot from a number (the finalizer of SplitMix64).
const fn mixed(seed: u64) -> u64 {
    let lot = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let lot = (lot ^ (lot >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let lot = (lot ^ (lot >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    lot ^ (lot >> 31)
}
