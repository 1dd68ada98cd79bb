//! What access points are to be provided with, and whether it is there: addresses, names, certificates.

use super::{Code, FleetFacts, Report, reference, spec};
use crate::access_point::AccessPoint;
use crate::api::{FieldPath, IpFamily, Kind, Reference};
use crate::labels::Labels;
use crate::name::{Fqdn, Name};
use crate::nearest::{did_you_mean, nearest};
use crate::provision::{Authority, VipPool};

/// Pool, providers, authority.
pub(super) fn check(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let id = &access_point.id;
    if let Some(name) = access_point.vip.as_ref().and_then(|vip| vip.pool.as_ref()) {
        let path = spec("vip").field("pool");
        match facts.pools.iter().find(|pool| pool.name == *name) {
            None => {
                let message = missing("VipPool", name, facts.pools.iter().map(|pool| &pool.name));
                report.of(
                    id,
                    Code::UnknownPool,
                    path,
                    message,
                    "correct the name, or add the pool to the fleet",
                );
            }
            Some(pool) if !pool.admits(&id.namespace, &access_point.labels) => {
                let message =
                    format!("VipPool {name} is not for this access point, by its namespaces or labels");
                report.of(
                    id,
                    Code::UnknownPool,
                    path,
                    message,
                    "give the access point the pool's labels, or name another",
                );
            }
            Some(_) => {}
        }
    }
    demanded(access_point, facts, report);
    families(access_point, facts, report);
    for (position, one) in access_point.names.iter().enumerate() {
        let path = spec("names").item(position).field("provider");
        provider(reference(id), path, (&one.provider, &one.fqdn), &access_point.labels, facts, report);
    }
    if let Some(name) = &access_point.issuer
        && !facts.issuers.iter().any(|issuer| issuer.name == *name)
    {
        let path = spec("certificates").field("issuer");
        let message = missing("Issuer", name, facts.issuers.iter().map(|issuer| &issuer.name));
        report.of(id, Code::UnknownIssuer, path, message, "correct the name, or add the issuer to the fleet");
    }
}

/// Addresses that are asked for by value, and that no pool has which the access point may use.
fn demanded(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let Some(vip) = &access_point.vip else { return };
    let is_asked = |pool: &&VipPool| vip.pool.as_ref().is_none_or(|name| pool.name == *name);
    let asked: Vec<&VipPool> = facts.pools.iter().filter(is_asked).collect();
    // a pool that is not there, or not for it, is told by itself
    let admits = |pool: &&&VipPool| pool.admits(&access_point.id.namespace, &access_point.labels);
    let pools: Vec<&VipPool> = asked.iter().filter(admits).copied().collect();
    let has = |pool: &&VipPool, address| pool.ranges.iter().any(|range| range.contains(address));
    for (position, address) in vip.addresses.iter().enumerate().filter(|_| !pools.is_empty()) {
        if pools.iter().any(|pool| has(pool, *address)) {
            continue;
        }
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        let message = format!("{address} is in no range of {}, so it is never given", names.join(", "));
        let path = spec("vip").field("addresses").item(position);
        let fix = "write an address of the pool, or name the pool that has it";
        report.of(&access_point.id, Code::VipOutsidePool, path, message, fix);
    }
}

/// Families of addresses that no pool has which the access point may use: all of an allocation are of one pool.
fn families(access_point: &AccessPoint, facts: &FleetFacts, report: &mut Report) {
    let Some(vip) = access_point.vip.as_ref().filter(|vip| vip.addresses.is_empty()) else { return };
    let is_asked = |pool: &&VipPool| match &vip.pool {
        Some(name) => pool.name == *name,
        None => pool.auto_assign,
    };
    let admits = |pool: &&VipPool| pool.admits(&access_point.id.namespace, &access_point.labels);
    let pools: Vec<&VipPool> = facts.pools.iter().filter(is_asked).filter(admits).collect();
    let has = |pool: &VipPool, family: IpFamily| {
        pool.ranges.iter().any(|range| range.first().is_ipv4() == (family == IpFamily::Ipv4))
    };
    let has_all = |pool: &&VipPool| vip.families.iter().all(|family| has(pool, *family));
    if pools.is_empty() || pools.iter().any(has_all) {
        return; // a pool that is not there, or not for it, is told by itself
    }
    let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    let lacking =
        vip.families.iter().enumerate().find(|(_, family)| !pools.iter().any(|pool| has(pool, **family)));
    let (path, what) = match lacking {
        Some((position, family)) => {
            let family = if *family == IpFamily::Ipv4 { "IPv4" } else { "IPv6" };
            (spec("vip").field("families").item(position), format!("no address of {family}"))
        }
        None => (spec("vip").field("families"), "not both families in one".to_owned()),
    };
    let message = format!("{} has {what}, so it is never given an address", names.join(", "));
    let fix = "ask for families that the pool has, or add addresses of this family to it";
    report.of(&access_point.id, Code::VipOutsidePool, path, message, fix);
}

/// The provider of a name that an access point or `NameService` with these labels wants.
pub(super) fn provider(
    object: Reference,
    path: FieldPath,
    (name, fqdn): (&Name, &Fqdn),
    labels: &Labels,
    facts: &FleetFacts,
    report: &mut Report,
) {
    let Some(provider) = facts.providers.iter().find(|provider| provider.name == *name) else {
        let message = missing("NameProvider", name, facts.providers.iter().map(|provider| &provider.name));
        let fix = "correct the name, or add the provider to the fleet";
        return report.add(Code::UnknownProvider, object, path, message, fix);
    };
    if !provider.serves(fqdn) {
        let message = format!("NameProvider {name} does not serve {fqdn}, so it is never published");
        report.add(Code::UnknownProvider, object, path, message, "name the provider of this domain");
    } else if object.namespace.as_ref().is_some_and(|namespace| !provider.admits(fqdn, namespace, labels)) {
        let kind = match object.kind {
            Kind::NameService => "NameService",
            _ => "access point",
        };
        let message = format!(
            "NameProvider {name} is not for this {kind}, by its namespaces, labels or reservations, so {fqdn} is never published"
        );
        let fix = "give it the provider's labels, or name another provider or name";
        report.add(Code::UnknownProvider, object, path, message, fix);
    }
}

/// That something of a name is not there, and what may be meant.
pub(super) fn missing<'a>(kind: &str, name: &Name, known: impl Iterator<Item = &'a Name>) -> String {
    let near = nearest(name.as_str(), known.map(Name::as_str));
    format!("there is no {kind} {name}{}", did_you_mean(near))
}

/// Authorities that are to see by DNS whose hosts are whose, by a provider that is not there.
pub(super) fn check_fleet(facts: &FleetFacts, report: &mut Report) {
    for issuer in &facts.issuers {
        let name = match &issuer.authority {
            Authority::Acme(acme) => acme.dns_provider.as_ref(),
            Authority::Ca(_) => None,
        };
        if let Some(name) = name.filter(|name| !facts.providers.iter().any(|one| one.name == **name)) {
            let object = Reference { kind: Kind::Issuer, namespace: None, name: issuer.name.clone() };
            let providers = facts.providers.iter().map(|provider| &provider.name);
            let message = format!(
                "{}: no challenge is answered, and no certificate signed",
                missing("NameProvider", name, providers)
            );
            let path = spec("acme").field("dnsProvider");
            report.add(
                Code::UnknownProvider,
                object,
                path,
                message,
                "correct the name, or add the provider to the fleet",
            );
        }
    }
}
