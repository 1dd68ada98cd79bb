//! Names: who wants which, and what they lead to.
//!
//! A name that two namespaces want is published for one of them at most, and an
//! alias is not published beside anything else: both are told by the planner
//! ([`names`](crate::names)), here before anybody plans. An alias that leads back
//! to itself is found by no resolver. A wildcard answers for names below it that
//! are not there (RFC 4592), so it is led to, and leads on, as any other name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, FleetFacts, Report, provisions, reference, spec};
use crate::access_point::{AccessPoint, AccessPointId};
use crate::api::{FieldPath, Kind, Reference};
use crate::labels::Labels;
use crate::name::{Fqdn, Name};
use crate::names::wildcard::There;
use crate::names::{NameService, NameTarget};
use crate::nearest::{did_you_mean, nearest};

pub(super) fn check(access_points: &[AccessPoint], facts: &FleetFacts, report: &mut Report) {
    for name in &facts.names {
        let of = (&name.provider, &name.fqdn);
        provisions::provider(service(&name.id), spec("provider"), of, &name.labels, facts, report);
    }
    claimed(access_points, facts, report);
    let published = Published::of(access_points, &facts.names);
    circles(&facts.names, &published, report);
    nowhere(access_points, facts, &published, report);
}

/// All names that somebody publishes.
struct Published<'a> {
    names: BTreeSet<&'a Fqdn>,
    there: There<'a>,
}

impl<'a> Published<'a> {
    fn of(access_points: &'a [AccessPoint], names: &'a [NameService]) -> Self {
        let of_access_points = access_points.iter().flat_map(|one| one.names.iter().map(|name| &name.fqdn));
        let names: BTreeSet<&Fqdn> = of_access_points.chain(names.iter().map(|name| &name.fqdn)).collect();
        let there = There::of(names.iter().copied());
        Self { names, there }
    }

    /// The name by which one is answered: itself, or the wildcard below the nearest name above it that is there.
    fn answer(&self, name: &Fqdn) -> Option<&'a Fqdn> {
        if let Some(itself) = self.names.get(name) {
            return Some(itself);
        }
        self.names.get(&self.there.star(name)?).copied()
    }
}

fn service(id: &AccessPointId) -> Reference {
    Reference { kind: Kind::NameService, namespace: Some(id.namespace.clone()), name: id.name.clone() }
}

/// Who wants a name.
struct Claimant<'a> {
    object: Reference,
    path: FieldPath,
    namespace: &'a Name,
    labels: &'a Labels,
    /// What it is an alias of, if it is one.
    alias: Option<&'a Fqdn>,
}

/// All who want names, by provider (two may serve one domain for two sorts of clients) and name.
fn claimants<'a>(
    access_points: &'a [AccessPoint],
    names: &'a [NameService],
) -> BTreeMap<(&'a Name, &'a Fqdn), Vec<Claimant<'a>>> {
    let mut claimants: BTreeMap<_, Vec<Claimant<'_>>> = BTreeMap::new();
    for access_point in access_points {
        for (position, one) in access_point.names.iter().enumerate() {
            claimants.entry((&one.provider, &one.fqdn)).or_default().push(Claimant {
                object: reference(&access_point.id),
                path: spec("names").item(position).field("fqdn"),
                namespace: &access_point.id.namespace,
                labels: &access_point.labels,
                alias: None,
            });
        }
    }
    for one in names {
        claimants.entry((&one.provider, &one.fqdn)).or_default().push(Claimant {
            object: service(&one.id),
            path: spec("fqdn"),
            namespace: &one.id.namespace,
            labels: &one.labels,
            alias: match &one.target {
                NameTarget::Alias(to) => Some(to),
                NameTarget::AccessPoint(_) | NameTarget::Addresses(_) => None,
            },
        });
    }
    claimants
}

/// Names that several want and not all of them get.
fn claimed(access_points: &[AccessPoint], facts: &FleetFacts, report: &mut Report) {
    for ((provider, fqdn), mut all) in claimants(access_points, &facts.names) {
        // what the provider says of them is not known without it, and whom it does not let in is told so
        let Some(provider) = facts.providers.iter().find(|one| one.name == *provider) else { continue };
        all.retain(|one| provider.admits(fqdn, one.namespace, one.labels));
        all.sort_by(|one, other| (&one.object, &one.path).cmp(&(&other.object, &other.path)));
        for (position, one) in all.iter().enumerate() {
            let shares = |other: &&Claimant<'_>| provider.is_shared(fqdn, one.namespace, other.namespace);
            if let Some(first) = all[..position].iter().find(|other| !shares(other)) {
                let message = format!(
                    "{fqdn} is wanted by {}, too, which is of another namespace: whichever has it published keeps it, and of a new name none gets anything",
                    first.object
                );
                let fix = "choose another name, or let the NameProvider reserve it for both namespaces";
                let (object, path) = (one.object.clone(), one.path.clone());
                report.add(Code::NameClaimedTwice, object, path, message, fix);
                continue;
            }
            let Some(to) = one.alias else { continue };
            let addresses = all.iter().filter(shares).find(|other| other.alias.is_none());
            let other = all[..position].iter().find(|other| other.alias.is_some_and(|theirs| theirs != to));
            if let Some(other) = addresses.or(other) {
                let what = other.alias.map_or("addresses", |_| "another alias");
                let message = format!(
                    "{fqdn} is wanted by {}, too, as {what}: a name has one alias or addresses, so this alias is not published",
                    other.object
                );
                let fix = "choose another name, or take one of the two away";
                let (object, path) = (one.object.clone(), one.path.clone());
                report.add(Code::NameClaimedTwice, object, path, message, fix);
            }
        }
    }
}

/// Names that lead to an access point that is not here, or to a name that nobody here publishes though a provider serves
/// its domain. Either may be in files that are not given, or be written by hand: that is why it is a warning.
fn nowhere(
    access_points: &[AccessPoint],
    facts: &FleetFacts,
    published: &Published<'_>,
    report: &mut Report,
) {
    for name in &facts.names {
        let (field, message, fix) = match &name.target {
            NameTarget::AccessPoint(to) => {
                let own = access_points.iter().filter(|one| one.id.namespace == name.id.namespace);
                let own: BTreeSet<&Name> = own.map(|one| &one.id.name).collect();
                if own.contains(to) {
                    continue;
                }
                let near = did_you_mean(nearest(to.as_str(), own.iter().map(|name| name.as_str())));
                let message = format!(
                    "no access point {}/{to} is in these files, and without it {} has no address{near}",
                    name.id.namespace, name.fqdn
                );
                ("accessPoint", message, "correct the name, or give the file that it is in")
            }
            NameTarget::Alias(to) => {
                let is_served = facts.providers.iter().any(|provider| provider.serves(to));
                if !is_served || published.answer(to).is_some() {
                    continue;
                }
                let names = published.names.iter().map(|name| name.as_str());
                let near = did_you_mean(nearest(to.as_str(), names));
                let message = format!(
                    "nobody in these files publishes {to}, although a NameProvider serves its domain{near}"
                );
                ("alias", message, "correct the name, or publish it; what was written by hand may stay")
            }
            NameTarget::Addresses(_) => continue,
        };
        let path = spec("target").field(field);
        report.add(Code::NameLeadsNowhere, service(&name.id), path, message, fix);
    }
}

/// How many names of a circle are told one by one.
const SHOWN: usize = 8;

/// Aliases that lead back to themselves.
fn circles(names: &[NameService], published: &Published<'_>, report: &mut Report) {
    let mut aliases: BTreeMap<&Fqdn, &Fqdn> = BTreeMap::new();
    let mut services: BTreeMap<&Fqdn, Vec<&NameService>> = BTreeMap::new();
    for name in names {
        if let NameTarget::Alias(to) = &name.target {
            aliases.insert(&name.fqdn, to);
            services.entry(&name.fqdn).or_default().push(name);
        }
    }
    for circle in in_circles(&aliases, published) {
        for (position, fqdn) in circle.iter().enumerate() {
            let message =
                format!("{} is a circle, so no address is ever found", way(&circle, position, &aliases));
            for name in &services[fqdn] {
                let path = spec("target").field("alias");
                let fix = "let one of them lead to an access point or addresses";
                report.add(Code::AliasCircle, service(&name.id), path, message.clone(), fix);
            }
        }
    }
}

/// The circles, each in the order in which its aliases lead on. Each has one successor, so whatever was passed once is
/// not passed again.
fn in_circles<'a>(aliases: &BTreeMap<&'a Fqdn, &'a Fqdn>, published: &Published<'a>) -> Vec<Vec<&'a Fqdn>> {
    let mut circles = Vec::new();
    let mut passed: BTreeSet<&Fqdn> = BTreeSet::new();
    for start in aliases.keys() {
        let (mut way, mut at) = (Vec::new(), Some(*start));
        while let Some(name) = at.filter(|name| passed.insert(name)) {
            way.push(name);
            at = aliases.get(name).and_then(|to| published.answer(to));
        }
        // what was passed on this way closes a circle; what was passed before was looked at then
        let first = at.and_then(|at| way.iter().position(|name| *name == at));
        circles.extend(first.map(|first| way.split_off(first)));
    }
    circles
}

/// The way from a name of a circle back to itself, by the names that are asked for; of a long one how it begins.
fn way(circle: &[&Fqdn], position: usize, aliases: &BTreeMap<&Fqdn, &Fqdn>) -> String {
    let start = circle[position];
    let on = circle[position..].iter().chain(&circle[..position]).map(|name| aliases[name]);
    let is_long = circle.len() > SHOWN;
    let shown = if is_long { SHOWN } else { circle.len() + 1 };
    let mut way: Vec<String> = std::iter::once(start).chain(on).take(shown).map(Fqdn::to_string).collect();
    if is_long {
        way.push(format!("({} more)", circle.len() - SHOWN));
    }
    // a wildcard by whatever name it was asked for
    if way.last().is_some_and(|last| last != start.as_str()) {
        way.push(start.to_string());
    }
    way.join(" -> ")
}
