//! Pools, names' providers and authorities as checked values.
//!
//! What access points are provided with. Who gets which address, which record
//! is written and when a certificate is renewed is decided by the planners of
//! each; here is only what they are allowed to use.

mod ranges;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::access_point::TargetSelection;
use crate::api::{self, FieldPath, Problem, SpecError, repeated};
use crate::fleet::platform_metadata;
use crate::labels::{Labels, Selector};
use crate::name::{Fqdn, Name};
use crate::units::{Amount, HumanDuration, Share};

pub use ranges::{AddressRange, RangeProblem};
pub(crate) use ranges::{check_hosts, is_of_a_host};

/// How long an address rests where the pool does not say: longer than names are remembered.
const QUARANTINE: HumanDuration = HumanDuration::from_secs(3_600);
/// What marks records as ours where the provider does not say.
const OWNER: &str = "overspill";
/// What must be left of a name's members where the provider does not say: what Envoy's panic threshold is.
const MIN_HEALTHY: &str = "50%";
/// The most names in one certificate where the issuer does not say: what public authorities take.
const MAX_NAMES: u16 = 100;
/// How long certificates are asked to live where the issuer does not say.
const LIFETIME: HumanDuration = HumanDuration::from_secs(90 * 86_400);
/// A certificate that lives shorter cannot be renewed in time by people's clocks.
const LEAST_LIFETIME: HumanDuration = HumanDuration::from_secs(3_600);

/// Addresses from which VIPs are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VipPool {
    /// Its name.
    pub name: Name,
    /// The addresses, ascending, without those that are excluded; no two ranges touch.
    pub ranges: Vec<AddressRange>,
    /// Whether an access point that names no pool may get an address of it.
    pub auto_assign: bool,
    /// Among pools that fit, the highest is tried first, then by name.
    pub priority: i32,
    /// The namespaces that may have addresses of it; all if `None`.
    pub namespaces: Option<Vec<Name>>,
    /// The access points that may have addresses of it.
    pub selector: Selector,
    /// The targets that it serves.
    pub targets: TargetSelection,
    /// How long a released address is given to nobody else.
    pub quarantine: Duration,
    /// How many of its holders one plan may release without an approval.
    pub max_releases: Amount,
}

impl VipPool {
    /// Whether an access point with these labels, of this namespace, may have addresses of it.
    #[must_use]
    pub fn admits(&self, namespace: &Name, labels: &Labels) -> bool {
        admits((&self.namespaces, &self.selector), namespace, labels)
    }
}

/// How much may go at once without an approval where nobody says.
pub(crate) fn max_at_once() -> Amount {
    Amount::Share("10%".parse::<Share>().expect("a share by its letters"))
}

/// Whether namespaces and a selector let somebody in.
fn admits(
    (namespaces, selector): (&Option<Vec<Name>>, &Selector),
    namespace: &Name,
    labels: &Labels,
) -> bool {
    namespaces.as_ref().is_none_or(|names| names.contains(namespace)) && selector.matches(labels)
}

/// Who serves which domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameProvider {
    /// Its name.
    pub name: Name,
    /// The domains.
    pub domains: Vec<Fqdn>,
    /// What marks records as ours.
    pub owner: Name,
    /// How many of our records one plan may delete without an approval.
    pub max_deletions: Amount,
    /// The namespaces that may publish names by it; all if `None`.
    pub namespaces: Option<Vec<Name>>,
    /// The access points and `NameService`s that may.
    pub selector: Selector,
    /// Names that are for these namespaces alone, which share them.
    pub reservations: BTreeMap<Fqdn, BTreeSet<Name>>,
    /// The least share of a name's members that may be left when the unhealthy are taken out.
    pub min_healthy: Share,
}

impl NameProvider {
    /// Whether it serves this name.
    #[must_use]
    pub fn serves(&self, name: &Fqdn) -> bool {
        self.domains.iter().any(|domain| name.is_below(domain))
    }

    /// Whether an access point (or `NameService`) with these labels, of this namespace, may publish a name by it.
    #[must_use]
    pub fn admits(&self, name: &Fqdn, namespace: &Name, labels: &Labels) -> bool {
        let is_for = |namespaces: &BTreeSet<Name>| namespaces.contains(namespace);
        self.reservations.get(name).is_none_or(is_for)
            && admits((&self.namespaces, &self.selector), namespace, labels)
    }

    /// Whether two namespaces may have a name together.
    #[must_use]
    pub fn is_shared(&self, name: &Fqdn, one: &Name, other: &Name) -> bool {
        let is_for_both =
            |namespaces: &BTreeSet<Name>| [one, other].iter().all(|name| namespaces.contains(*name));
        one == other || self.reservations.get(name).is_some_and(is_for_both)
    }
}

/// A certification authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its name.
    pub name: Name,
    /// How it is spoken to. Where hosts are proved at the gateways (ACME without `dnsProvider`), a new host is served
    /// without TLS until it is proved ([`lacking`](crate::certificate::Certificates::lacking)), and no wildcard can be had.
    pub authority: Authority,
    /// How long certificates are asked to live.
    pub lifetime: Duration,
    /// The most names in one certificate, at least 1.
    pub max_names: u16,
}

/// How an authority is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// By ACME (RFC 8555).
    Acme(api::AcmeSpec),
    /// With its own key.
    Ca(api::CaSpec),
}

/// Namespaces and labels of those who are let in.
fn access(
    spec: Option<api::AccessSpec>,
    path: &FieldPath,
) -> Result<(Option<Vec<Name>>, Selector), SpecError> {
    let spec = spec.unwrap_or_default();
    if spec.namespaces.as_ref().is_some_and(Vec::is_empty) {
        return Err(path.field("namespaces").wrong(Problem::Empty));
    }
    let selector = Selector::check(spec.selector.unwrap_or_default(), &path.field("selector"))?;
    Ok((spec.namespaces, selector))
}

/// Reservations of names that are served, each once, for namespaces that are let in.
fn reservations(
    specs: Vec<api::ReservationSpec>,
    domains: &[Fqdn],
    admitted: Option<&[Name]>,
    path: &FieldPath,
) -> Result<BTreeMap<Fqdn, BTreeSet<Name>>, SpecError> {
    let useless = |needs, advice| Problem::Useless { given: "a reservation", needs, advice };
    let mut places: BTreeMap<Fqdn, usize> = BTreeMap::new();
    let mut reservations = BTreeMap::new();
    for (position, spec) in specs.into_iter().enumerate() {
        let here = path.item(position);
        if !domains.iter().any(|domain| spec.name.is_below(domain)) {
            let problem = useless("its domain in domains", "add that, or correct the name");
            return Err(here.field("name").wrong(problem));
        }
        if let Some(first) = places.insert(spec.name.clone(), position) {
            let name = spec.name.to_string();
            return Err(here.field("name").wrong(Problem::Duplicate { name, first }));
        }
        if spec.namespaces.is_empty() {
            return Err(here.field("namespaces").wrong(Problem::Empty));
        }
        let is_let_in = |name: &Name| admitted.is_none_or(|names| names.contains(name));
        if let Some(stranger) = spec.namespaces.iter().position(|name| !is_let_in(name)) {
            let problem =
                useless("its namespace in accessPoints.namespaces", "add that, or take this one away");
            return Err(here.field("namespaces").item(stranger).wrong(problem));
        }
        reservations.insert(spec.name, spec.namespaces.into_iter().collect());
    }
    Ok(reservations)
}

impl TryFrom<api::VipPool> for VipPool {
    type Error = SpecError;

    fn try_from(object: api::VipPool) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        platform_metadata(&object.metadata, &top)?;
        let (spec, at) = (object.spec, top.field("spec"));
        let ranges = ranges::check(&spec.addresses, &spec.exclude, &at)?;
        let (namespaces, selector) = access(spec.access_points, &at.field("accessPoints"))?;
        Ok(Self {
            name: object.metadata.name,
            ranges,
            auto_assign: spec.auto_assign.unwrap_or(true),
            priority: spec.priority.unwrap_or(0),
            namespaces,
            selector,
            targets: TargetSelection::check(spec.targets.unwrap_or_default(), &at.field("targets"))?,
            quarantine: spec.quarantine.unwrap_or(QUARANTINE).as_duration(),
            max_releases: spec.max_releases.unwrap_or_else(max_at_once),
        })
    }
}

impl TryFrom<api::NameProvider> for NameProvider {
    type Error = SpecError;

    fn try_from(object: api::NameProvider) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        platform_metadata(&object.metadata, &top)?;
        let (spec, here) = (object.spec, top.field("spec"));
        let at = here.field("domains");
        if spec.domains.is_empty() {
            return Err(at.wrong(Problem::Nothing { what: "a domain" }));
        }
        if let Some(position) = spec.domains.iter().position(Fqdn::is_wildcard) {
            let name = spec.domains[position].clone();
            return Err(at.item(position).wrong(Problem::WildcardDomain { name }));
        }
        if let Some((position, first)) = repeated(&spec.domains) {
            let name = spec.domains[first].to_string();
            return Err(at.item(position).wrong(Problem::Duplicate { name, first }));
        }
        let (namespaces, selector) = access(spec.access_points, &here.field("accessPoints"))?;
        let reservations = reservations(
            spec.reservations,
            &spec.domains,
            namespaces.as_deref(),
            &here.field("reservations"),
        )?;
        Ok(Self {
            name: object.metadata.name,
            domains: spec.domains,
            namespaces,
            selector,
            reservations,
            min_healthy: spec
                .min_healthy
                .unwrap_or_else(|| MIN_HEALTHY.parse().expect("a share by its letters")),
            owner: spec.owner.unwrap_or_else(|| OWNER.parse().expect("a name by its letters")),
            max_deletions: spec.max_deletions.unwrap_or_else(max_at_once),
        })
    }
}

impl TryFrom<api::Issuer> for Issuer {
    type Error = SpecError;

    fn try_from(object: api::Issuer) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        platform_metadata(&object.metadata, &top)?;
        let (spec, at) = (object.spec, top.field("spec"));
        let authority = match (spec.acme, spec.ca) {
            (Some(acme), None) => Authority::Acme(acme),
            (None, Some(ca)) => Authority::Ca(ca),
            (acme, _) => {
                let given = if acme.is_some() { vec!["acme", "ca"] } else { Vec::new() };
                return Err(at.wrong(Problem::OneOf { given, of: &["acme", "ca"] }));
            }
        };
        if let Authority::Acme(acme) = &authority
            && !acme.directory.starts_with("https://")
        {
            return Err(at.field("acme").field("directory").wrong(Problem::NoHttps));
        }
        let lifetime = spec.lifetime.unwrap_or(LIFETIME);
        if lifetime < LEAST_LIFETIME {
            let problem = Problem::TooShort { found: lifetime, least: LEAST_LIFETIME };
            return Err(at.field("lifetime").wrong(problem));
        }
        let max_names = spec.max_names.unwrap_or(MAX_NAMES);
        if max_names == 0 {
            return Err(at.field("maxNames").wrong(Problem::Zero { found: "0".into() }));
        }
        Ok(Self { name: object.metadata.name, authority, lifetime: lifetime.as_duration(), max_names })
    }
}

#[cfg(test)]
mod tests;
