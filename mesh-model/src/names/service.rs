//! A NameService as a checked value.

use std::net::IpAddr;
use std::time::Duration;

use super::{Answer, Health, Member, Wanted};
use crate::access_point::{AccessPointId, whole_seconds};
use crate::api::{self, FieldPath, Problem, SpecError};
use crate::labels::{Labels, check_marks};
use crate::name::{Fqdn, Name};
use crate::provision::check_hosts;
use crate::units::HumanDuration;
use crate::vip::ClaimKey;

/// How long resolvers may remember a name where the file does not say.
const TTL: HumanDuration = HumanDuration::from_secs(30);

/// One name and what it leads to, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameService {
    /// Its namespace and name.
    pub id: AccessPointId,
    /// Its labels, which providers select by.
    pub labels: Labels,
    /// The name that it publishes.
    pub fqdn: Fqdn,
    /// How long resolvers may remember it: whole seconds.
    pub ttl: Duration,
    /// The `NameProvider` that serves it.
    pub provider: Name,
    /// What it leads to.
    pub target: NameTarget,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameTarget {
    /// The addresses of an access point of its namespace.
    AccessPoint(Name),
    /// These addresses; at least one.
    Addresses(Vec<IpAddr>),
    /// Another name.
    Alias(Fqdn),
}

impl NameService {
    /// What is wanted of the provider; `members` are those of the access point, if it leads to one.
    #[must_use]
    pub fn wanted(&self, members: Vec<Member>) -> Wanted {
        let owner = ClaimKey { owner: self.id.clone(), target: None };
        let answer = match &self.target {
            NameTarget::AccessPoint(_) => Answer::Members(members),
            NameTarget::Addresses(addresses) => Answer::Members(vec![Member {
                owner,
                addresses: addresses.clone(),
                weight: 1,
                health: Health::Healthy, // nobody asks them, and their writer says so
                is_drained: false,
            }]),
            NameTarget::Alias(to) => Answer::Alias { owner, to: to.clone() },
        };
        Wanted { name: self.fqdn.clone(), ttl: self.ttl, labels: self.labels.clone(), answer }
    }
}

/// The ways to say what a name leads to.
const TARGETS: &[&str] = &["accessPoint", "addresses", "alias"];

impl TryFrom<api::NameService> for NameService {
    type Error = SpecError;

    fn try_from(object: api::NameService) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        let metadata = object.metadata;
        let Some(namespace) = metadata.namespace else {
            return Err(top.field("metadata").field("namespace").wrong(Problem::Namespace { wanted: true }));
        };
        check_marks(&metadata.labels, &metadata.annotations, &top.field("metadata"))?;
        let (spec, at) = (object.spec, top.field("spec"));
        let here = at.field("target");
        let target = match (spec.target.access_point, spec.target.addresses, spec.target.alias) {
            (Some(name), None, None) => NameTarget::AccessPoint(name),
            (None, Some(addresses), None) => NameTarget::Addresses(addresses),
            (None, None, Some(alias)) if alias.is_wildcard() => {
                return Err(here.field("alias").wrong(Problem::WildcardAlias { name: alias }));
            }
            (None, None, Some(alias)) if alias == spec.fqdn => {
                return Err(here.field("alias").wrong(Problem::AliasOfItself));
            }
            (None, None, Some(alias)) => NameTarget::Alias(alias),
            (access_point, addresses, alias) => {
                let is_given = [access_point.is_some(), addresses.is_some(), alias.is_some()];
                let given =
                    TARGETS.iter().zip(is_given).filter_map(|(name, is_given)| is_given.then_some(*name));
                return Err(here.wrong(Problem::OneOf { given: given.collect(), of: TARGETS }));
            }
        };
        if let NameTarget::Addresses(addresses) = &target {
            check_addresses(addresses, &here.field("addresses"))?;
        }
        Ok(Self {
            ttl: whole_seconds(spec.ttl.unwrap_or(TTL), &at.field("ttl"))?,
            id: AccessPointId { namespace, name: metadata.name },
            labels: metadata.labels,
            fqdn: spec.fqdn,
            provider: spec.provider,
            target,
        })
    }
}

/// At least one, none twice, and each of a host.
fn check_addresses(addresses: &[IpAddr], path: &FieldPath) -> Result<(), SpecError> {
    if addresses.is_empty() {
        return Err(path.wrong(Problem::Empty));
    }
    check_hosts(addresses, path)
}
