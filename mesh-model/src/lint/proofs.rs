//! Hosts whose authority asks for proof on port 80, where no server of HTTP has them (RFC 8555, section 8.3).
//!
//! Whose server it is does not matter: one of another access point, such as a redirect of everything to HTTPS,
//! answers for all hosts that it has on the gateways of its targets. So the servers on that port are
//! gathered from all forms, and what no form of its own has is held against them in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::claims::{Pods, pods, share_pods};
use super::forms::{On, Place, Sites, names};
use super::objects::pointer;
use super::served::ServedHosts;
use super::servers::{hosts, plain_gateways, servers};
use super::{Code, FleetFacts, Report};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::name::Name;
use crate::provision::Authority;
use crate::template::Template;

/// Hosts that are to be proved, and who may answer for them.
pub(super) struct Proofs<'a> {
    /// The authorities that ask so.
    issuers: BTreeSet<&'a Name>,
    /// Hosts of servers of HTTP on port 80, in lower case, and the pods and clusters that have them.
    answered: BTreeMap<String, BTreeMap<Pods, On>>,
    wanted: BTreeMap<Wanted, (&'a AccessPoint, On)>,
}

/// A host that no server of its access point answers for.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    access_point: usize,
    place: Place,
    host: String,
    pods: Pods,
}

impl<'a> Proofs<'a> {
    pub(super) fn new(facts: Option<&'a FleetFacts>) -> Self {
        let asks = |authority: &Authority| match authority {
            Authority::Acme(acme) => acme.dns_provider.is_none(),
            Authority::Ca(_) => false,
        };
        let issuers = facts.into_iter().flat_map(|facts| &facts.issuers);
        let issuers = issuers.filter(|issuer| asks(&issuer.authority)).map(|issuer| &issuer.name).collect();
        Self { issuers, answered: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    /// Adds what a form of an access point, by its number, has on these targets.
    pub(super) fn gather(
        &mut self,
        (number, of): (usize, &'a AccessPoint),
        form: &AccessPoint,
        on: &[Target<'_>],
    ) {
        if self.issuers.is_empty() {
            return;
        }
        let mut own = ServedHosts::default();
        for gateway in plain_gateways(form) {
            for (_, server) in servers(gateway).filter(|(_, server)| answers(server)) {
                for (_, host) in hosts(server) {
                    own.add(host, &form.id.namespace);
                    let by_pods = self.answered.entry(host.to_ascii_lowercase()).or_default();
                    by_pods.entry(pods(gateway)).or_default().extend(names(on));
                }
            }
        }
        if form.issuer.as_ref().is_some_and(|issuer| self.issuers.contains(issuer)) {
            for gateway in plain_gateways(form) {
                self.want((number, of), gateway, &own, on);
            }
        }
    }

    fn want(
        &mut self,
        (access_point, of): (usize, &'a AccessPoint),
        gateway: &Template,
        own: &ServedHosts,
        on: &[Target<'_>],
    ) {
        for (number, server) in servers(gateway).filter(|(_, server)| is_ordered(server)) {
            let at = pointer(&["spec", "servers", &number.to_string(), "hosts"]);
            for (position, host) in hosts(server).filter(|(_, host)| !host.starts_with('*') && !own.has(host))
            {
                let place = (gateway.id.clone(), at.then(&position.to_string()));
                let wanted = Wanted { access_point, place, host: host.to_owned(), pods: pods(gateway) };
                self.wanted.entry(wanted).or_insert_with(|| (of, On::new())).1.extend(names(on));
            }
        }
    }

    /// Tells the hosts that nobody answers for.
    pub(super) fn check(&self, sites: &mut Sites<'_>, report: &mut Report) {
        for (Wanted { place, host, pods, .. }, (of, on)) in &self.wanted {
            let answered = self.answered_on(host, pods);
            let missing: On = on.iter().filter(|cluster| !answered.contains(cluster)).cloned().collect();
            // that nobody receives the Gateway at all is told of the placement
            if missing.is_empty() {
                continue;
            }
            let message = format!(
                "no certificate will name `{host}`: the authority asks for proof on port 80 (http-01), and no server of HTTP has the host there"
            );
            let fix = "add a server of HTTP on port 80 with the host, or give the Issuer a dnsProvider";
            sites.tell((of, place), &missing, (Code::HostWithoutCertificate, message, fix), report);
        }
    }

    /// The clusters in which a server has the host, or a star above it, on pods that may be these.
    fn answered_on(&self, host: &str, pods: &Pods) -> BTreeSet<&Name> {
        let host = host.to_ascii_lowercase();
        let stars = host.match_indices('.').map(|(at, _)| format!("*{}", &host[at..]));
        let wider = stars.chain(["*".to_owned(), host.clone()]);
        let by_pods = wider.filter_map(|host| self.answered.get(&host)).flatten();
        by_pods.filter(|(theirs, _)| share_pods(theirs, pods)).flat_map(|(_, on)| on).collect()
    }
}

/// Whether an authority that asks on port 80 is answered by a server.
fn answers(server: &Value) -> bool {
    let protocol = server.pointer("/port/protocol").and_then(Value::as_str).unwrap_or_default();
    server.pointer("/port/number").is_some_and(|number| *number == 80)
        && matches!(protocol.to_ascii_uppercase().as_str(), "HTTP" | "HTTP2" | "GRPC")
}

/// Whether certificates are ordered for a server's hosts.
fn is_ordered(server: &Value) -> bool {
    let mode = server.pointer("/tls/mode").and_then(Value::as_str).unwrap_or_default();
    let by = ["/tls/credentialName", "/tls/credentialNames"];
    matches!(mode, "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL")
        && by.iter().any(|by| server.pointer(by).is_some())
}
