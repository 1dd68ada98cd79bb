//! Hosts of servers and of routes, and whether the two meet.
//!
//! A wildcard on either side takes what is below it on the other. Both sides may have thousands of hosts, so those of
//! servers are kept in an order in which all that end alike lie together.
//!
//! Sources: istio/api `gateway.proto` (`hosts`: `namespace/host` lets in routes of that namespace alone),
//! istio/istio `pkg/config/host/name.go` (`Matches`), `pilot/pkg/model/gateway.go` (`MergeGateways`).

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Name;

/// Hosts of servers, by the namespaces whose routes they take.
#[derive(Default)]
pub(super) struct ServedHosts {
    /// From the last character to the first.
    reversed: BTreeMap<Takes, BTreeSet<String>>,
}

/// Whose routes a host of a server takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Takes {
    All,
    Of(String),
}

impl Takes {
    /// Whether routes of a namespace are taken.
    pub(super) fn takes(&self, namespace: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Of(other) => other == namespace.as_str(),
        }
    }
}

impl ServedHosts {
    /// Adds a host of a server as it is written, of a Gateway of this namespace.
    pub(super) fn add(&mut self, text: &str, gateway: &Name) {
        let (takes, host) = match text.split_once('/') {
            None | Some(("*", _)) => (Takes::All, text.split_once('/').map_or(text, |(_, host)| host)),
            Some((".", host)) => (Takes::Of(gateway.to_string()), host),
            Some((namespace, host)) => (Takes::Of(namespace.to_owned()), host),
        };
        self.reversed.entry(takes).or_default().insert(reversed(host));
    }

    /// Whether a server takes routes for this host, or for a part of what it stands for.
    pub(super) fn meets(&self, host: &str, namespace: &Name) -> bool {
        let all = [Takes::All, Takes::Of(namespace.to_string())];
        all.iter().filter_map(|takes| self.reversed.get(takes)).any(|hosts| meets(hosts, host))
    }

    /// Whose routes servers take for this host, or for a part of what it stands for.
    pub(super) fn takes(&self, host: &str) -> impl Iterator<Item = &Takes> {
        self.reversed.iter().filter(move |(_, hosts)| meets(hosts, host)).map(|(takes, _)| takes)
    }

    /// Whether a server has all that this host stands for, whosesoever routes it takes.
    pub(super) fn has(&self, host: &str) -> bool {
        self.reversed.values().any(|hosts| is_covered(hosts, &reversed(host)))
    }
}

/// What is known of hosts, found by any host that meets one of them.
pub(super) struct ByHost<T> {
    reversed: BTreeMap<String, T>,
}

impl<T> Default for ByHost<T> {
    fn default() -> Self {
        Self { reversed: BTreeMap::new() }
    }
}

impl<T: Default> ByHost<T> {
    /// What is known of a host as it is written.
    pub(super) fn of(&mut self, host: &str) -> &mut T {
        self.reversed.entry(reversed(host)).or_default()
    }

    /// What is known of this host, of stars above it and, if it is a star, of hosts below it; some of it twice.
    pub(super) fn meeting(&self, host: &str) -> impl Iterator<Item = &T> {
        let host = reversed(host);
        let above: Vec<String> =
            host.match_indices('.').map(|(at, _)| format!("{}*", &host[..=at])).collect();
        let wider = above.into_iter().chain(["*".to_owned(), host.clone()]);
        let wider = wider.filter_map(|host| self.reversed.get(&host));
        let end = host.strip_suffix('*').map(str::to_owned);
        let below = end.into_iter().flat_map(|end| {
            let from = self.reversed.range(end.clone()..);
            from.take_while(move |(host, _)| host.starts_with(&end)).map(|(_, value)| value)
        });
        wider.chain(below)
    }
}

fn reversed(host: &str) -> String {
    host.chars().rev().map(|letter| letter.to_ascii_lowercase()).collect()
}

fn meets(hosts: &BTreeSet<String>, host: &str) -> bool {
    let host = reversed(host);
    // a star of ours: whatever begins so is below it
    let is_below =
        |end: &str| hosts.range(end.to_owned()..).next().is_some_and(|other| other.starts_with(end));
    is_covered(hosts, &host) || host.strip_suffix('*').is_some_and(is_below)
}

/// Whether one is the host or a star above it, from the widest to the narrowest.
fn is_covered(hosts: &BTreeSet<String>, host: &str) -> bool {
    let mut ends = host.match_indices('.').map(|(at, _)| &host[..=at]);
    hosts.contains(host) || hosts.contains("*") || ends.any(|end| hosts.contains(&format!("{end}*")))
}
