//! Destinations: the clusters that routes lead to, each noted as called.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::header::headers;
use crate::envoy::objects::Called;
use crate::envoy::{Feature, Scope, balance};
use crate::template::TemplateId;
use crate::template::view::{Destination, RouteDestination};

/// One cluster, or several by weight.
pub(in crate::envoy) fn destinations(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &[RouteDestination],
    called: &mut BTreeSet<Called>,
    is_http: bool,
) -> Value {
    if route.is_empty() {
        scope.value(id, format!("{at}/route"), "", "write at least one destination");
    }
    let mut hashes = Vec::new();
    let mut clusters = Vec::new();
    for (position, one) in route.iter().enumerate() {
        let at = format!("{at}/route/{position}");
        let cluster = destination(scope, id, &format!("{at}/destination"), &one.destination, called);
        if let Some(to) = resolve(scope, &one.destination) {
            for hash in balance::hash_policy(scope, &to) {
                if !hashes.contains(&hash) {
                    hashes.push(hash);
                }
            }
        }
        let weight = one.weight.unwrap_or_else(|| u32::from(route.len() == 1));
        let mut share = json!({ "name": cluster, "weight": weight });
        headers(scope, id, &at, one.headers.as_ref(), &mut share);
        clusters.push(share);
    }
    let is_simple = clusters.len() == 1 && route.first().is_some_and(|one| one.headers.is_none());
    let mut envoy = if is_simple {
        json!({ "cluster": clusters[0]["name"] })
    } else {
        if clusters.iter().all(|one| one["weight"] == 0) {
            scope.value(id, format!("{at}/route"), "all weights are 0", "write a weight over 0");
        }
        // a part without weight gets nothing, and Envoy for TCP takes no 0
        clusters.retain(|one| one["weight"] != 0);
        let sum: u64 = clusters.iter().filter_map(|one| one["weight"].as_u64()).sum();
        if sum > u64::from(u32::MAX) {
            let right = "Envoy adds weights up to 4294967295; write smaller ones";
            scope.value(id, format!("{at}/route"), &sum.to_string(), right);
        }
        json!({ "weighted_clusters": { "clusters": clusters } })
    };
    if is_http && !hashes.is_empty() {
        envoy["hash_policy"] = json!(hashes);
    } else if !hashes.is_empty() {
        if hashes.iter().any(|hash| hash.get("connection_properties").is_none()) {
            let right =
                "a port without HTTP has only the client's address; write useSourceIp in the DestinationRule";
            scope.value(id, format!("{at}/route"), "a hash of headers, cookies or queries", right);
        }
        envoy["hash_policy"] = json!([{ "source_ip": {} }]);
    }
    envoy
}

/// The cluster of a destination, which is noted as called.
pub(super) fn destination(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    to: &Destination,
    called: &mut BTreeSet<Called>,
) -> String {
    let host = scope.input.full_host(&to.host);
    let Some(found) = resolve(scope, to) else {
        let ports = ports(scope, &host);
        let feature = if ports.is_empty() {
            Feature::UnknownHost { host }
        } else {
            Feature::UnknownPort { host, port: to.port.map(|port| port.number), ports }
        };
        scope.fault(id, at, feature);
        return String::new();
    };
    if scope.input.subset_labels(&found).is_none() {
        let subset = found.subset.clone().unwrap_or_default();
        scope.fault(id, format!("{at}/subset"), Feature::UnknownSubset { host, subset });
    }
    let name = cluster_name(scope, &found);
    called.insert(found);
    name
}

/// The port of a host that a destination means, if the host is known and has it.
pub(in crate::envoy) fn resolve(scope: &Scope<'_>, to: &Destination) -> Option<Called> {
    let host = scope.input.full_host(&to.host);
    let ports = ports(scope, &host);
    let port = match (to.port, &ports[..]) {
        (Some(port), _) => port.number,
        (None, [only]) => *only,
        (None, _) => return None,
    };
    ports.contains(&port).then(|| Called { host, port, subset: to.subset.clone() })
}

/// The ports of a host, in order, each once.
fn ports(scope: &Scope<'_>, host: &str) -> Vec<u32> {
    let ports: BTreeSet<u32> = scope.input.ports(host).into_iter().collect();
    ports.into_iter().collect()
}

/// The name of a cluster: it is the access point's own, so that nobody else's rules touch it.
pub(in crate::envoy) fn cluster_name(scope: &Scope<'_>, called: &Called) -> String {
    let subset = called.subset.as_deref().unwrap_or_default();
    scope.own(&format!("|{}|{subset}|{}", called.port, called.host))
}
