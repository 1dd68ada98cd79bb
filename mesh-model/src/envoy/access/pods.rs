//! Who is behind a host: the pods that a call to it may reach, by their labels, for rules about pods.
//!
//! A gateway asks a rule before it chooses an endpoint, so what is about some of the pods behind a route holds
//! for all of its calls. Pods are found whatever leads to them: a Service, a ServiceEntry that selects them or
//! names their address, or endpoints alone that the platform told of. What a selector says of pods counts before
//! there are any, so that a rule is there before its first pod is. Workloads of other namespaces are none of a
//! namespace's rules, but for the root namespace's. What becomes of the rules is [`access`](super)'s.
//!
//! Source: Istio's `WorkloadPolicyMatcher`, which sidecars ask with their own labels.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::envoy::Endpoint;
use crate::envoy::objects::{Backing, Called, Input};
use crate::labels::Labels;
use crate::template::view::{AuthorizationPolicy, Destination, ServiceEntry, WorkloadEntry};

/// Some pods behind a host.
pub(super) struct Pods<'a> {
    /// What is known of their labels, each in one of these.
    labels: Vec<&'a Labels>,
    kind: Kind,
}

/// What is behind an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Not of the mesh, but where somebody gave it the labels that a rule selects.
    Outside,
    /// An address inside of the mesh of which nobody says more.
    Unnamed,
    /// A workload of the namespace.
    Workload,
}

/// Whether a rule is about some pods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    No,
    /// Nobody says what is there.
    Unknown,
    Yes,
}

impl Pods<'_> {
    /// Whether a policy is about them.
    pub(super) fn selected(&self, policy: &AuthorizationPolicy) -> Selected {
        let has = |key: &String, value: &String| self.labels.iter().any(|one| one.get(key) == Some(value));
        let mut wanted = super::selector(policy).into_iter().flatten().peekable();
        match (self.kind, wanted.peek().is_some()) {
            (Kind::Outside, false) => Selected::No,
            (Kind::Unnamed, true) => Selected::Unknown,
            (Kind::Outside | Kind::Workload, true) | (Kind::Unnamed | Kind::Workload, false) => {
                if wanted.all(|(key, value)| has(key, value)) { Selected::Yes } else { Selected::No }
            }
        }
    }
}

/// Those behind a destination, of whom `subset` says more.
pub(super) fn behind<'p>(input: &'p Input<'_>, to: &Destination, subset: &'p Labels) -> Vec<Pods<'p>> {
    of_host(input, &input.full_host(&to.host), subset)
}

/// The labels of a destination's subset; none where it names none, or one that there is not.
pub(super) fn subset(input: &Input<'_>, to: &Destination) -> Labels {
    let host = input.full_host(&to.host);
    let called = Called { host, port: 0, subset: to.subset.clone() };
    input.subset_labels(&called).unwrap_or_default()
}

/// Those behind all hosts that the access point knows.
pub(super) fn everyone<'p>(input: &'p Input<'_>) -> Vec<Pods<'p>> {
    hosts(input).iter().flat_map(|host| of_host(input, host, &NONE)).collect()
}

static NONE: Labels = Labels::new();

fn of_host<'p>(input: &'p Input<'_>, host: &str, subset: &'p Labels) -> Vec<Pods<'p>> {
    match input.backing(host) {
        Backing::Own(service) => selected(input, host, &service.selector, subset),
        Backing::Entry(_, entry) => of_entry(input, host, entry, subset),
        Backing::Other if input.is_root || is_own(input, host) => {
            told(input, host, subset).map(|one| workload(vec![&one.labels])).collect()
        }
        Backing::Other => Vec::new(),
    }
}

/// Pods that something selects: as they are told of, or before there are any by what they will have.
fn selected<'p>(input: &'p Input<'_>, host: &str, labels: &'p Labels, subset: &'p Labels) -> Vec<Pods<'p>> {
    let mut all: Vec<Pods<'p>> =
        told(input, host, subset).map(|one| workload(vec![labels, &one.labels])).collect();
    if all.is_empty() {
        all.push(workload(vec![labels, subset]));
    }
    all
}

fn of_entry<'p>(
    input: &'p Input<'_>,
    host: &str,
    entry: &'p ServiceEntry,
    subset: &'p Labels,
) -> Vec<Pods<'p>> {
    let mut all = Vec::new();
    if let Some(selector) = &entry.workload_selector {
        let wanted =
            |one: &&WorkloadEntry| has_all(&one.labels, &selector.labels) && has_all(&one.labels, subset);
        for one in input.workloads.iter().map(|(_, one)| one).filter(wanted) {
            all.push(workload(vec![&one.labels]));
            all.extend(at(input, one.address.as_deref().unwrap_or_default()));
        }
        if all.is_empty() || told(input, host, subset).next().is_some() {
            all.extend(selected(input, host, &selector.labels, subset));
        }
    }
    for endpoint in entry.endpoints.iter().filter(|one| has_all(&one.labels, subset)) {
        let mut known = at(input, endpoint.address.as_deref().unwrap_or_default());
        known.iter_mut().for_each(|pods| pods.labels.push(&endpoint.labels));
        if known.is_empty() {
            let kind = match (entry.location.as_deref(), endpoint.labels.is_empty()) {
                (Some("MESH_INTERNAL"), true) => Kind::Unnamed,
                (Some("MESH_INTERNAL"), false) => Kind::Workload,
                _ => Kind::Outside,
            };
            known.push(Pods { labels: vec![&endpoint.labels], kind });
        }
        all.extend(known);
    }
    if entry.endpoints.is_empty() && entry.workload_selector.is_none() {
        // it is the host's own name that is resolved
        all.extend(at(input, host));
    }
    all
}

/// The pods of the namespace that are known by an address, or by a Service's name in DNS.
fn at<'p>(input: &'p Input<'_>, address: &str) -> Vec<Pods<'p>> {
    let own = hosts(input).into_iter().filter(|host| is_own(input, host));
    let Ok(address) = address.parse::<IpAddr>() else {
        let name = address.trim_end_matches('.').to_ascii_lowercase();
        let rests = ["", ".local", ".cluster.local", ".svc.cluster.local"];
        let is_it = |host: &String| host.strip_prefix(&name).is_some_and(|rest| rests.contains(&rest));
        let services = own.filter(is_it).filter(|host| !matches!(input.backing(host), Backing::Entry(..)));
        return services.flat_map(|host| of_host(input, &host, &NONE)).collect();
    };
    let workloads = input.workloads.iter().map(|(_, one)| one);
    let has_it = |one: &&WorkloadEntry| {
        one.address.as_deref().and_then(|text| text.parse::<IpAddr>().ok()) == Some(address)
    };
    let mut all: Vec<Pods<'p>> = workloads.filter(has_it).map(|one| workload(vec![&one.labels])).collect();
    for host in own {
        let labels = match input.backing(&host) {
            Backing::Own(service) => &service.selector,
            Backing::Entry(..) | Backing::Other => &NONE,
        };
        let found = told(input, &host, &NONE).filter(|one| one.address.ip() == address);
        all.extend(found.map(|one| workload(vec![labels, &one.labels])));
    }
    all
}

/// All hosts that the access point knows.
fn hosts(input: &Input<'_>) -> BTreeSet<String> {
    let mut hosts: BTreeSet<String> =
        input.services.iter().map(|(id, _)| input.full_host(&id.name)).collect();
    hosts.extend(input.entries.iter().flat_map(|(_, entry)| entry.hosts.iter().cloned()));
    hosts.extend(input.endpoints.iter().map(|one| one.host.clone()));
    hosts
}

/// Whether a host is a Service's of the access point's namespace, whoever made it.
fn is_own(input: &Input<'_>, host: &str) -> bool {
    let name = host.strip_suffix(".svc.cluster.local").and_then(|name| name.rsplit_once('.'));
    name.is_some_and(|(_, namespace)| input.access_point.namespace == namespace)
}

/// The endpoints of a host that the platform told of, at whatever port.
fn told<'p>(input: &'p Input<'_>, host: &str, subset: &Labels) -> impl Iterator<Item = &'p Endpoint> {
    let of_host = input.endpoints.iter().filter(move |one| one.host == host);
    of_host.flat_map(|one| &one.endpoints).filter(move |one| has_all(&one.labels, subset))
}

fn workload(labels: Vec<&Labels>) -> Pods<'_> {
    Pods { labels, kind: Kind::Workload }
}

fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
