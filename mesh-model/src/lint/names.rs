//! What names lead to: an alias that leads back to itself is found by no resolver.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Report, spec};
use crate::api::{Kind, Reference};
use crate::name::Fqdn;
use crate::names::{NameService, NameTarget};

pub(super) fn check(names: &[NameService], report: &mut Report) {
    let alias = |name: &NameService| match &name.target {
        NameTarget::Alias(to) => Some((name.fqdn.clone(), to.clone())),
        NameTarget::AccessPoint(_) | NameTarget::Addresses(_) => None,
    };
    let aliases: BTreeMap<Fqdn, Fqdn> = names.iter().filter_map(alias).collect();
    for name in names.iter().filter(|name| matches!(name.target, NameTarget::Alias(_))) {
        let Some(way) = circle(&name.fqdn, &aliases) else { continue };
        let object = Reference {
            kind: Kind::NameService,
            namespace: Some(name.id.namespace.clone()),
            name: name.id.name.clone(),
        };
        let path = spec("target").field("alias");
        let message = format!("{} is a circle, so no address is ever found", way.join(" -> "));
        report.add(
            Code::AliasCircle,
            object,
            path,
            message,
            "let one of them lead to an access point or addresses",
        );
    }
}

/// The way from a name back to itself, if its aliases lead there.
fn circle(start: &Fqdn, aliases: &BTreeMap<Fqdn, Fqdn>) -> Option<Vec<String>> {
    let (mut way, mut seen, mut at) = (vec![start.to_string()], BTreeSet::new(), start);
    while let Some(next) = aliases.get(at).filter(|next| seen.insert(*next)) {
        way.push(next.to_string());
        if next == start {
            return Some(way);
        }
        at = next;
    }
    None
}
