//! Whose a name is: who of those that want it may have it.
//!
//! The idea: a name belongs to one namespace, and the marks say to which. What
//! another namespace wants of it is refused and told, so that nobody's traffic
//! is taken by writing a name into an access point; within a namespace a name is
//! shared freely, and across namespaces where the provider reserves it for them.
//! Of a name that nobody has yet and several want nobody gets anything.
//!
//! A refusal publishes nothing new and withdraws nothing: what is published
//! already stays as it is, except where a namespace that is let in takes the
//! place of one that is not. The platform's word for a name is
//! [`reservations`](crate::provision::NameProvider::reservations).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::answer::Parts;
use super::{Answer, Member, NameError, NameProblem, Wanted};
use crate::access_point::AccessPointId;
use crate::name::{Fqdn, Name};
use crate::provision::NameProvider;
use crate::vip::ClaimKey;

/// What of that which is wanted of a name is to be planned.
pub(super) struct Entitled<'a> {
    /// What those want that may have it.
    pub(super) wanted: Cow<'a, [Wanted]>,
    /// Whose records stay as they are, and whether an operator wants traffic off them.
    pub(super) stay: BTreeMap<ClaimKey, bool>,
}

/// Who wants a name.
struct Claimant<'a> {
    owner: &'a ClaimKey,
    is_admitted: bool,
    is_off: bool,
}

/// Whether nobody's right to a name has to be asked for: one namespace wants it, and the provider lets it in.
pub(super) fn is_plain<'a>(
    name: &Fqdn,
    mut wanted: impl Iterator<Item = &'a Wanted> + Clone,
    provider: &NameProvider,
) -> bool {
    let first = wanted.clone().find_map(|wanted| wanted.answer.owners().next());
    let Some(ClaimKey { owner: AccessPointId { namespace, .. }, .. }) = first else { return true };
    wanted.all(|wanted| {
        wanted.answer.owners().all(|owner| owner.owner.namespace == *namespace)
            && provider.admits(name, namespace, &wanted.labels)
    })
}

/// Tells those that may have a name from those that may not; the latter are errors.
pub(super) fn entitled<'a>(
    name: &Fqdn,
    wanted: &'a [Wanted],
    published: &Parts,
    provider: &NameProvider,
    errors: &mut Vec<NameError>,
) -> Entitled<'a> {
    let namespaces = published.values().flat_map(BTreeMap::keys).map(|owner| &owner.owner.namespace);
    let having: BTreeSet<&Name> = namespaces.collect();
    if is_plain(name, wanted.iter(), provider) {
        return Entitled { wanted: Cow::Borrowed(wanted), stay: BTreeMap::new() };
    }
    let claimants: Vec<Claimant<'_>> = wanted
        .iter()
        .flat_map(|wanted| {
            let is_admitted =
                |owner: &ClaimKey| provider.admits(name, &owner.owner.namespace, &wanted.labels);
            let claimant = move |(owner, is_off)| Claimant { owner, is_admitted: is_admitted(owner), is_off };
            wanted.answer.claims().map(claimant)
        })
        .collect();
    let admitted = claimants.iter().filter(|claimant| claimant.is_admitted);
    let admitted: BTreeSet<&Name> = admitted.map(|claimant| &claimant.owner.owner.namespace).collect();
    let holder = admitted.iter().copied().find(|namespace| having.contains(namespace));
    let holder = holder.or_else(|| admitted.first().copied().filter(|_| admitted.len() == 1));
    let may = |owner: &ClaimKey, is_admitted: bool| {
        is_admitted && (provider.reservations.contains_key(name) || holder == Some(&owner.owner.namespace))
    };
    tell(name, &claimants, holder, provider, errors);
    let is_published = |owner: &ClaimKey| published.values().any(|parts| parts.contains_key(owner));
    let mut stay = BTreeMap::new();
    for claimant in claimants.iter().filter(|one| is_published(one.owner) && !may(one.owner, one.is_admitted))
    {
        let own = &claimant.owner.owner.namespace;
        if claimant.is_admitted || admitted.iter().all(|namespace| *namespace == own) {
            *stay.entry(claimant.owner.clone()).or_default() |= claimant.is_off;
        }
    }
    let of = |wanted: &Wanted| {
        let is_in =
            |owner: &ClaimKey| may(owner, provider.admits(name, &owner.owner.namespace, &wanted.labels));
        let answer = wanted.answer.only(is_in)?;
        Some(Wanted { answer, ..wanted.clone() })
    };
    Entitled { wanted: wanted.iter().filter_map(of).collect(), stay }
}

/// An error for each that gets nothing, or one for all if that is everybody.
fn tell(
    name: &Fqdn,
    claimants: &[Claimant<'_>],
    holder: Option<&Name>,
    provider: &NameProvider,
    errors: &mut Vec<NameError>,
) {
    let ids = |is_admitted: bool| -> BTreeSet<&AccessPointId> {
        let some = claimants.iter().filter(|claimant| claimant.is_admitted == is_admitted);
        some.map(|claimant| &claimant.owner.owner).collect()
    };
    let mut add = |problem: NameProblem| errors.push(NameError { name: name.clone(), problem });
    let provider_name = || provider.name.clone();
    for owner in ids(false) {
        add(NameProblem::NotAdmitted { owner: owner.clone(), provider: provider_name() });
    }
    let admitted = ids(true);
    if provider.reservations.contains_key(name) || admitted.is_empty() {
        return;
    }
    let Some(by) = admitted.iter().find(|owner| holder == Some(&owner.namespace)) else {
        let owners = admitted.into_iter().cloned().collect();
        return add(NameProblem::Contested { owners, provider: provider_name() });
    };
    for owner in admitted.iter().filter(|owner| owner.namespace != by.namespace) {
        add(NameProblem::Taken { owner: (*owner).clone(), by: (*by).clone(), provider: provider_name() });
    }
}

impl Member {
    /// Who it is, and whether an operator wants traffic off it.
    const fn claim(&self) -> (&ClaimKey, bool) {
        (&self.owner, self.is_off())
    }
}

impl Answer {
    /// Who wants it.
    fn owners(&self) -> impl Iterator<Item = &ClaimKey> {
        self.claims().map(|(owner, _)| owner)
    }

    /// Who wants it, and whether an operator wants traffic off it.
    fn claims(&self) -> impl Iterator<Item = (&ClaimKey, bool)> {
        let (alias, members) = match self {
            Self::Alias { owner, .. } => (Some(owner), &[][..]),
            Self::Members(members) | Self::Weighted(members) => (None, members.as_slice()),
        };
        alias.map(|owner| (owner, false)).into_iter().chain(members.iter().map(Member::claim))
    }

    /// The same of some owners only; `None` if none of them wants it.
    fn only(&self, is_in: impl Fn(&ClaimKey) -> bool) -> Option<Self> {
        let some = |members: &[Member]| {
            let some: Vec<_> = members.iter().filter(|member| is_in(&member.owner)).cloned().collect();
            (!some.is_empty()).then_some(some)
        };
        match self {
            Self::Alias { owner, .. } => is_in(owner).then(|| self.clone()),
            Self::Members(members) => some(members).map(Self::Members),
            Self::Weighted(members) => some(members).map(Self::Weighted),
        }
    }
}
