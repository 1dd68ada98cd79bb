//! What a name answers with, given how its members are and who is published.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{Answer, Health, Member, NameError, NameProblem, RecordKind, Wanted};
use crate::name::Fqdn;
use crate::units::Share;
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
    /// Those that an operator wants traffic off, and who are answered with nevertheless.
    pub(super) kept: BTreeSet<ClaimKey>,
    /// How many are not believed to be unhealthy, and of how many that anything is known of.
    pub(super) doubted: Option<(usize, usize)>,
}

/// How far evidence and operators are followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    /// The least share that may be left when the unhealthy are taken out.
    pub(super) min_healthy: Share,
    /// Whether an operator's word holds even where nobody healthy would be left.
    pub(super) is_drain_approved: bool,
}

/// What a name is to have; `published` is what it has of ours.
pub(super) fn desired(
    name: &Fqdn,
    wanted: &[Wanted],
    published: &Parts,
    trust: Trust,
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
        addresses(&members, published, trust, &mut desired);
    }
    desired
}

/// One alias: that which is published, or else one of whoever is published, or else the least.
fn alias(
    name: &Fqdn,
    mut aliases: Vec<(&ClaimKey, &Fqdn)>,
    published: &Parts,
    errors: &mut Vec<NameError>,
    parts: &mut Parts,
) {
    let now = published.get(&RecordKind::Cname);
    let part = |owner: &ClaimKey| now.and_then(|now| now.get(owner));
    // somebody may want two, and is published with one of them
    let is_published = |owner, to: &Fqdn| part(owner).is_some_and(|part| part.values.contains(to.as_str()));
    aliases.sort_by_key(|(owner, to)| (!is_published(owner, to), part(owner).is_none(), *to, *owner));
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
fn addresses(members: &[&Member], published: &Parts, trust: Trust, desired: &mut Desired) {
    let of = |owner: &ClaimKey, kind: &RecordKind| published.get(kind).and_then(|parts| parts.get(owner));
    let is_published =
        |owner: &ClaimKey| of(owner, &RecordKind::A).is_some() || of(owner, &RecordKind::Aaaa).is_some();
    let members = joined(members);
    let answering = answering(&members, is_published, trust);
    desired.kept = answering.kept.iter().map(|member| member.owner.clone()).collect();
    desired.doubted = answering.doubted;
    let kept = answering.kept.into_iter().map(|member| (member, true));
    for (member, is_kept) in answering.members.into_iter().map(|member| (member, false)).chain(kept) {
        for kind in [RecordKind::A, RecordKind::Aaaa] {
            // whom an operator wants traffic off keeps what it has, and is given nothing
            if is_kept && of(&member.owner, &kind).is_none() {
                continue;
            }
            let is_kind = |address: &&IpAddr| address.is_ipv4() == (kind == RecordKind::A);
            let values: BTreeSet<String> = if member.addresses.is_empty() {
                of(&member.owner, &kind).map(|part| part.values.clone()).unwrap_or_default()
            } else {
                member.addresses.iter().filter(is_kind).map(ToString::to_string).collect()
            };
            if values.is_empty() {
                continue;
            }
            let weight = match (member.weight, of(&member.owner, &kind)) {
                (0, Some(part)) => part.weight, // it is kept, and as it is
                (weight, _) => weight,
            };
            let parts = desired.parts.entry(kind).or_default();
            parts.insert(member.owner.clone(), Part { values, weight });
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

/// Who is answered with.
#[derive(Default)]
struct Answering<'a> {
    members: Vec<&'a Member>,
    /// Those that an operator wants traffic off, and who stay.
    kept: Vec<&'a Member>,
    /// How many would be left, and of how many, where that is too few to be believed.
    doubted: Option<(usize, usize)>,
}

/// Who is answered with: the healthy and the published unknown; or else all that are unknown; or else all.
///
/// Two things are not believed. A drain, where it would leave unhealthy members alone: whoever it takes out
/// is healthy, and stays until that is approved. Checks, where they would leave less than a share of the
/// members: a network that fails looks like all of them failing, and the load of all would be on the few that
/// are left. Whoever is published stays then; who is not does not come back by it, so that the dead of
/// yesterday are not answered with today. A drain of all, or a weight of 0 of all, leaves nobody.
fn answering<'a>(
    members: &'a [Member],
    is_published: impl Fn(&ClaimKey) -> bool,
    trust: Trust,
) -> Answering<'a> {
    let has_address = |member: &Member| !member.addresses.is_empty() || is_published(&member.owner);
    let (off, on): (Vec<&Member>, Vec<&Member>) =
        members.iter().filter(|member| has_address(member)).partition(|member| member.is_off());
    let tier = |of: &[&'a Member], is_in: &dyn Fn(&Member) -> bool| -> Vec<&'a Member> {
        of.iter().copied().filter(|member| is_in(member)).collect()
    };
    let good = tier(&on, &|member| match member.health {
        Health::Healthy => true,
        Health::Unknown => is_published(&member.owner),
        Health::Unhealthy => false,
    });
    let is_kept = |member: &Member| member.health == Health::Healthy && is_published(&member.owner);
    // who has no address yet, or any more, is somebody too: with one more pass it would be a drain of all
    let is_of_all = members.iter().all(Member::is_off);
    let is_obeyed = trust.is_drain_approved || is_of_all || !good.is_empty();
    let kept = if is_obeyed { Vec::new() } else { tier(&off, &is_kept) };
    let mut members = good;
    if members.is_empty() && kept.is_empty() {
        members = tier(&on, &|member| member.health == Health::Unknown);
    }
    let unhealthy = tier(&on, &|member| member.health == Health::Unhealthy);
    let stay = tier(&unhealthy, &|member| is_published(&member.owner));
    let left = members.len() + kept.len();
    let all = left + unhealthy.len();
    let is_doubted = !stay.is_empty() && is_less(left, all, trust.min_healthy);
    if left == 0 {
        members = on; // a wrong answer is better than none
    } else if is_doubted {
        members.extend(stay);
    }
    Answering { members, kept, doubted: is_doubted.then_some((left, all)) }
}

/// Whether a part is less than a share of a whole.
fn is_less(part: usize, whole: usize, share: Share) -> bool {
    let share = u128::from(share.as_millionths());
    let [part, whole] = [part, whole].map(|count| u128::try_from(count).unwrap_or(u128::MAX / 1_000_000));
    part * 1_000_000 < whole * share
}
