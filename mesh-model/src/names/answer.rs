//! What a name answers with, given how its members are and who is published.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{Answer, Health, Member, NameError, NameProblem, RecordKind, Wanted};
use crate::name::Fqdn;
use crate::vip::ClaimKey;

/// What one owner contributes to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its values.
    pub(super) values: BTreeSet<String>,
    /// Its weight, in weighted records.
    pub(super) weight: u32,
}

/// The parts of all owners, by kind of record.
pub(super) type Parts = BTreeMap<RecordKind, BTreeMap<ClaimKey, Part>>;

/// What the records of a name are to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Desired {
    /// Who contributes what.
    pub(super) parts: Parts,
    /// How long resolvers may remember it.
    pub(super) ttl: Duration,
    /// Whether each owner has its own record.
    pub(super) is_weighted: bool,
    /// All who want the name, whether they are answered with or not.
    pub(super) owners: BTreeSet<ClaimKey>,
}

/// What a name is to have; `published` is what it has of ours.
pub(super) fn desired(
    name: &Fqdn,
    wanted: &[Wanted],
    published: &Parts,
    errors: &mut Vec<NameError>,
) -> Desired {
    let mut desired = Desired {
        ttl: wanted.iter().map(|wanted| wanted.ttl).min().unwrap_or_default(),
        ..Desired::default()
    };
    let (mut members, mut aliases) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match &wanted.answer {
            Answer::Alias { owner, to } => aliases.push((owner, to)),
            Answer::Members(more) => members.extend(more),
            Answer::Weighted(more) => {
                desired.is_weighted = true;
                members.extend(more);
            }
        }
    }
    desired.owners.extend(members.iter().map(|member| member.owner.clone()));
    desired.owners.extend(aliases.iter().map(|(owner, _)| (*owner).clone()));
    if members.is_empty() {
        let aliases = aliases.into_iter().filter(|(_, to)| {
            **to != *name || {
                errors.push(NameError { name: name.clone(), problem: NameProblem::Loop });
                false
            }
        });
        alias(name, aliases.collect(), published, errors, &mut desired.parts);
    } else {
        errors.extend(aliases.into_iter().map(|(owner, _)| NameError {
            name: name.clone(),
            problem: NameProblem::AliasBesideAddresses { owner: owner.clone() },
        }));
        addresses(&members, published, &mut desired.parts);
    }
    desired
}

/// One alias: that of who has it, or else the least.
fn alias(
    name: &Fqdn,
    mut aliases: Vec<(&ClaimKey, &Fqdn)>,
    published: &Parts,
    errors: &mut Vec<NameError>,
    parts: &mut Parts,
) {
    let now = published.get(&RecordKind::Cname);
    let is_published = |owner: &ClaimKey| now.is_some_and(|now| now.contains_key(owner));
    aliases.sort_by_key(|(owner, to)| (!is_published(owner), *to, *owner));
    let Some((first, to)) = aliases.first().copied() else { return };
    let kind = parts.entry(RecordKind::Cname).or_default();
    for (owner, other) in aliases {
        if other == to {
            let values = BTreeSet::from([to.to_string()]);
            kind.insert(owner.clone(), Part { values, weight: 1 });
        } else {
            let problem = NameProblem::AliasTaken { owner: owner.clone(), by: first.clone() };
            errors.push(NameError { name: name.clone(), problem });
        }
    }
}

/// The addresses of those that are answered with.
fn addresses(members: &[&Member], published: &Parts, parts: &mut Parts) {
    let of = |owner: &ClaimKey, kind: &RecordKind| published.get(kind).and_then(|parts| parts.get(owner));
    let is_published =
        |owner: &ClaimKey| of(owner, &RecordKind::A).is_some() || of(owner, &RecordKind::Aaaa).is_some();
    let members = joined(members);
    for member in answering(&members, is_published) {
        for kind in [RecordKind::A, RecordKind::Aaaa] {
            let is_kind = |address: &&IpAddr| address.is_ipv4() == (kind == RecordKind::A);
            let values: BTreeSet<String> = if member.addresses.is_empty() {
                of(&member.owner, &kind).map(|part| part.values.clone()).unwrap_or_default()
            } else {
                member.addresses.iter().filter(is_kind).map(ToString::to_string).collect()
            };
            if values.is_empty() {
                continue;
            }
            let part = Part { values, weight: member.weight };
            parts.entry(kind).or_default().insert(member.owner.clone(), part);
        }
    }
}

/// One member for each owner: several names of an access point may speak of the same. The worst is believed.
fn joined(members: &[&Member]) -> Vec<Member> {
    let mut joined: BTreeMap<&ClaimKey, Member> = BTreeMap::new();
    for member in members {
        joined
            .entry(&member.owner)
            .and_modify(|known| {
                known.addresses.extend(member.addresses.iter().copied());
                known.weight = known.weight.min(member.weight);
                known.is_drained |= member.is_drained;
                known.health = match (known.health, member.health) {
                    (Health::Unhealthy, _) | (_, Health::Unhealthy) => Health::Unhealthy,
                    (Health::Healthy, _) | (_, Health::Healthy) => Health::Healthy,
                    (Health::Unknown, Health::Unknown) => Health::Unknown,
                };
            })
            .or_insert_with(|| (*member).clone());
    }
    joined.into_values().collect()
}

/// Who is answered with: the healthy and the published unknown; or else all that are unknown; or else all.
///
/// Only an operator's word (a drain, a weight of 0) leaves nobody.
fn answering(members: &[Member], is_published: impl Fn(&ClaimKey) -> bool) -> Vec<&Member> {
    let has_address = |member: &Member| !member.addresses.is_empty() || is_published(&member.owner);
    let eligible: Vec<&Member> = members
        .iter()
        .filter(|member| !member.is_drained && member.weight > 0 && has_address(member))
        .collect();
    let tier = |is_in: &dyn Fn(&Member) -> bool| -> Vec<&Member> {
        eligible.iter().copied().filter(|member| is_in(member)).collect()
    };
    let is_good = |member: &Member| match member.health {
        Health::Healthy => true,
        Health::Unknown => is_published(&member.owner),
        Health::Unhealthy => false,
    };
    let good = tier(&is_good);
    if !good.is_empty() {
        return good;
    }
    let unknown = tier(&|member| member.health == Health::Unknown);
    if unknown.is_empty() { eligible } else { unknown }
}
