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

impl<K> Clash<K> {
    /// Whether the two are for different viewers, and neither is dropped.
    pub(crate) fn is_apart(&self) -> bool {
        self.at == Pointer::default().then("spec").then("exportTo")
    }
}

/// The rules that hold for a host in full, put together; `None` if there is none. Those that other namespaces see
/// clash: which of them a caller has, depends on where it is.
pub(crate) fn together<'a, K: Copy>(
    rules: impl IntoIterator<Item = Rule<'a, K>>,
    host: &str,
    namespace: &Name,
) -> Option<Together<'a, K>> {
    let mut apart = apart(rules, host, namespace).into_iter();
    let mut together = apart.next()?;
    let first = together.first;
    apart.for_each(|other| together.clash(other.first, &["exportTo"], first));
    Some(together)
}

/// The same for each set of namespaces that see some of them, in the order of the first of each.
pub(crate) fn apart<'a, K: Copy>(
    rules: impl IntoIterator<Item = Rule<'a, K>>,
    host: &str,
    namespace: &Name,
) -> Vec<Together<'a, K>> {
    let narrow = |rule: &Rule<'a, K>| narrowness(&full_host(rule.host, namespace), host);
    let all: Vec<(usize, Rule<'a, K>)> =
        rules.into_iter().filter_map(|rule| Some((narrow(&rule)?, rule))).collect();
    let most = all.iter().map(|(narrow, _)| *narrow).max();
    let own = |one: &&str| if *one == namespace.as_str() { ".".to_owned() } else { (*one).to_owned() };
    let mut apart: Vec<(BTreeSet<String>, Together<'a, K>)> = Vec::new();
    for (_, rule) in all.into_iter().filter(|(narrow, _)| Some(*narrow) == most) {
        let seen_by: BTreeSet<String> = rule.export_to.iter().map(own).collect();
        match apart.iter_mut().find(|(others, _)| *others == seen_by) {
            Some((_, together)) => together.add(&rule),
            None => apart.push((seen_by, Together::of(&rule))),
        }
    }
    apart.into_iter().map(|(_, together)| together).collect()
}

impl<'a, K: Copy> Together<'a, K> {
    fn of(rule: &Rule<'a, K>) -> Self {
        let mut together = Self {
            first: rule.of,
            policy: rule.has_policy.then_some(rule.of),
            subsets: BTreeMap::new(),
            clashes: Vec::new(),
        };
        together.add_subsets(rule, true);
        together
    }

    fn add(&mut self, rule: &Rule<'a, K>) {
        match self.policy {
            Some(other) if rule.has_policy => self.clash(rule.of, &["trafficPolicy"], other),
            None if rule.has_policy => self.policy = Some(rule.of),
            Some(_) | None => {}
        }
        self.add_subsets(rule, false);
    }

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
