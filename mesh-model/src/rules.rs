//! Which DestinationRules hold for a host, and what several of one host say together.
//!
//! Istio takes the rules of the most specific host that is the host itself or a wildcard over it, and those
//! alone: beside a rule of its own, what `*.shop.svc.cluster.local` says is nothing to a host. Rules of one
//! host are as one: all their subsets, and the policy of one. Of two that say the same it takes the older,
//! and drops the other's words; who is older nobody knows of objects that are yet to be written, so that is a
//! [`Clash`] for whoever asks to tell, by name. Rules that different namespaces see are not put together.
//!
//! Gateways and the subsets of traffic ask here, each with its own view of a rule; federation asks which rule's
//! subsets routes lead to.
//!
//! Source: istio/istio `pilot/pkg/model/destination_rule.go` (`mergeDestinationRule`), `config.go`
//! (`MostSpecificHostMatch`).

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Name;
use crate::patch::Pointer;
use crate::traffic::full_host;

/// What is asked of a rule that holds for all callers.
pub(crate) struct Rule<'a, K> {
    /// Which one it is.
    pub(crate) of: K,
    /// Its host, as written.
    pub(crate) host: &'a str,
    /// Whether it has a policy for the whole host.
    pub(crate) has_policy: bool,
    /// The names of its subsets, in order.
    pub(crate) subsets: Vec<&'a str>,
    /// Which namespaces see it, as written.
    pub(crate) export_to: Vec<&'a str>,
}

/// The rules of a host, put together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Together<'a, K> {
    /// The first of them, whose the host is.
    pub(crate) first: K,
    /// Whose policy holds.
    pub(crate) policy: Option<K>,
    /// Whose each subset is, and its place there.
    pub(crate) subsets: BTreeMap<&'a str, (K, usize)>,
    /// Where two say the same, or are seen by others; what the first says is above.
    pub(crate) clashes: Vec<Clash<K>>,
}

/// What a rule says in vain, for another of the host says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clash<K> {
    /// Who.
    pub(crate) of: K,
    /// What.
    pub(crate) at: Pointer,
    /// The other.
    pub(crate) other: K,
}

/// The rules that hold for a host in full, put together; `None` if there is none.
pub(crate) fn together<'a, K: Copy>(
    rules: impl IntoIterator<Item = Rule<'a, K>>,
    host: &str,
    namespace: &Name,
) -> Option<Together<'a, K>> {
    let narrow = |rule: &Rule<'a, K>| narrowness(&full_host(rule.host, namespace), host);
    let all: Vec<(usize, Rule<'a, K>)> =
        rules.into_iter().filter_map(|rule| Some((narrow(&rule)?, rule))).collect();
    let most = all.iter().map(|(narrow, _)| *narrow).max()?;
    let mut rules = all.into_iter().filter(|(narrow, _)| *narrow == most).map(|(_, rule)| rule);
    let first = rules.next().expect("one is the narrowest");
    let seen = |rule: &Rule<'a, K>| -> BTreeSet<String> {
        let own = |one: &&str| if *one == namespace.as_str() { ".".to_owned() } else { (*one).to_owned() };
        rule.export_to.iter().map(own).collect()
    };
    let seen_by = seen(&first);
    let mut together = Together {
        first: first.of,
        policy: first.has_policy.then_some(first.of),
        subsets: BTreeMap::new(),
        clashes: Vec::new(),
    };
    together.add_subsets(&first, true);
    for rule in rules {
        if seen(&rule) != seen_by {
            together.clash(rule.of, &["exportTo"], first.of);
            continue;
        }
        match together.policy {
            Some(other) if rule.has_policy => together.clash(rule.of, &["trafficPolicy"], other),
            None if rule.has_policy => together.policy = Some(rule.of),
            Some(_) | None => {}
        }
        together.add_subsets(&rule, false);
    }
    Some(together)
}

impl<'a, K: Copy> Together<'a, K> {
    /// Of two of one rule the first holds, which is that rule's own matter.
    fn add_subsets(&mut self, rule: &Rule<'a, K>, is_first: bool) {
        let before: BTreeMap<&str, K> =
            self.subsets.iter().map(|(name, (other, _))| (*name, *other)).collect();
        for (position, name) in rule.subsets.iter().enumerate() {
            match before.get(name) {
                Some(other) if !is_first => {
                    self.clash(rule.of, &["subsets", &position.to_string(), "name"], *other);
                }
                Some(_) | None => {
                    self.subsets.entry(name).or_insert((rule.of, position));
                }
            }
        }
    }

    fn clash(&mut self, of: K, steps: &[&str], other: K) {
        let at = steps.iter().fold(Pointer::default().then("spec"), |at, step| at.then(step));
        self.clashes.push(Clash { of, at, other });
    }
}

/// How narrowly a rule's host means a host, both in full: most where it is the host itself; `None` if not at all.
pub(crate) fn narrowness(named: &str, host: &str) -> Option<usize> {
    if named == host {
        return Some(usize::MAX);
    }
    named.strip_prefix('*').filter(|rest| host.ends_with(rest)).map(str::len)
}

#[cfg(test)]
mod tests;
