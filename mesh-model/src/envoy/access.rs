//! Access rules: which requests a gateway lets through.
//!
//! Addresses in rules are compared with the connection's own peer. Direct
//! return keeps the client's address to the gateway, so nothing that a client
//! writes into a header is believed, neither for `ipBlocks` nor for
//! `remoteIpBlocks`, and both mean the same here. The gateway's own policies (they
//! select it, or are for all of its namespace) hold for all requests; those that
//! protect the access point's pods by addresses, for the routes that lead to these
//! pods, be it by a Service or by a ServiceEntry. Rules about identities are for the
//! sidecars, which see them. What an `AUDIT` policy of the gateway matches goes on and
//! is marked in the log of requests, where there is one (`audit: true`).
//!
//! Paths are compared after `.`, `..`, `//`, `%61` and `\` are resolved, in the case that they have. `/admin/`,
//! `/ADMIN` and `/admin;x=1` are other paths than `/admin`; where the pods take them for the same, a DENY must
//! name them, or an ALLOW only what is open.
//!
//! Source: Istio's AuthorizationPolicy; Envoy's filter `rbac`.

mod pods;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{Input, Named};
use super::value::typed;
use super::{Feature, Proxy, Scope};
use crate::template::TemplateId;
use crate::template::view::{
    AuthorizationAction, AuthorizationPolicy, AuthorizationRule, Destination, HttpRoute, RouteDestination,
};
use pods::{Pods, Selected, behind, everyone, subset};
use rule::rule_of;

/// Whether a policy is enforced here: it is the gateway's, or it protects the access point's own pods
/// by addresses that only the gateway sees.
pub(super) fn is_enforced(proxy: &Proxy, input: &Input<'_>, id: &TemplateId) -> bool {
    let is_it = |(other, policy): &Named<AuthorizationPolicy>| {
        other == id && (is_for_gateway(proxy, input, policy) || is_for_pods(proxy, input, policy))
    };
    input.policies.iter().any(is_it)
}

/// The labels of whom a policy is about; `None` for all.
fn selector(policy: &AuthorizationPolicy) -> Option<&BTreeMap<String, String>> {
    policy.selector.as_ref().map(|selector| &selector.match_labels).filter(|labels| !labels.is_empty())
}

/// Whether all requests are held to a policy.
fn is_for_gateway(proxy: &Proxy, input: &Input<'_>, policy: &AuthorizationPolicy) -> bool {
    match selector(policy) {
        Some(labels) => labels.iter().all(|(key, value)| proxy.labels.get(key) == Some(value)),
        None => input.is_root || proxy.namespace.as_ref() == Some(&input.access_point.namespace),
    }
}

/// Refuses what is for all workloads of a namespace where nobody said whether the gateway is one of them:
/// to ask it could let through or shut out what it does not mean, and so could not to.
pub(super) fn unplaced(scope: &mut Scope<'_>) {
    let input = scope.input;
    if scope.proxy.namespace.is_some() || input.is_root || input.gateways.is_empty() {
        return;
    }
    for (id, _) in input.policies.iter().filter(|(_, policy)| selector(policy).is_none()) {
        scope.fault(id, "/spec/selector", Feature::UnknownNamespace);
    }
}

/// Whether a policy is about pods and by what only the gateway sees.
fn is_about_pods(proxy: &Proxy, input: &Input<'_>, policy: &AuthorizationPolicy) -> bool {
    !is_for_gateway(proxy, input, policy) && policy.rules.iter().any(has_addresses)
}

fn is_for_pods(proxy: &Proxy, input: &Input<'_>, policy: &AuthorizationPolicy) -> bool {
    is_about_pods(proxy, input, policy)
        && everyone(input).iter().any(|pods| pods.selected(policy) != Selected::No)
}

fn has_addresses(rule: &AuthorizationRule) -> bool {
    let source = |from: &crate::template::view::RuleFrom| {
        let one = &from.source;
        [&one.ip_blocks, &one.not_ip_blocks, &one.remote_ip_blocks, &one.not_remote_ip_blocks]
            .iter()
            .any(|list| !list.is_empty())
    };
    rule.from.iter().any(source)
        || rule.when.iter().any(|one| ["source.ip", "remote.ip"].contains(&one.key.as_str()))
}

/// Policies as Envoy has them, by action.
struct Rules {
    /// What is noted in the log of requests, and goes on.
    audit: Value,
    deny: Value,
    /// Nothing passes where these are and none matches.
    allow: Option<Value>,
}

/// The filters of rules for pods, which routes to these pods fill; in the order in which they stand.
const OF_PODS: [&str; 2] = ["overspill.pods.deny", "overspill.pods.allow"];

/// The rules of the gateway itself as filters of HTTP, and those that routes fill with the rules of pods.
pub(super) fn http_filters(scope: &mut Scope<'_>) -> Vec<Value> {
    let (proxy, input) = (scope.proxy, scope.input);
    let own: Vec<_> =
        input.policies.iter().filter(|(_, policy)| is_for_gateway(proxy, input, policy)).collect();
    let rules = rules(scope, &own, None);
    let mut filters: Vec<Value> = configs(rules)
        .into_iter()
        .map(|rules| json!({ "name": "envoy.filters.http.rbac", "typed_config": typed(HTTP, rules) }))
        .collect();
    if input.policies.iter().any(|(_, policy)| is_for_pods(proxy, input, policy)) {
        filters.extend(OF_PODS.map(|name| json!({ "name": name, "typed_config": typed(HTTP, json!({})) })));
    }
    filters
}

const HTTP: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
const PER_ROUTE: &str = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const NETWORK: &str = "envoy.extensions.filters.network.rbac.v3.RBAC";

/// The rules of the pods that a route of HTTP leads to, by the filter that they fill.
pub(super) fn of_route(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &HttpRoute,
    envoy: &mut Value,
) {
    let policies = of_pods(scope, route.route.iter().map(|one| &one.destination));
    if envoy.get("route").is_some() {
        copies(scope, id, at, route, &policies);
    }
    let rewrites =
        route.rewrite.as_ref().is_some_and(|one| one.uri.is_some() || one.uri_regex_rewrite.is_some());
    let has_paths = |rule: &AuthorizationRule| {
        rule.to.iter().any(|to| !(to.operation.paths.is_empty() && to.operation.not_paths.is_empty()))
    };
    let by_path = policies.iter().find(|(_, policy)| policy.rules.iter().any(has_paths));
    if let Some((policy, _)) = by_path.filter(|_| rewrites) {
        let right = "a rule of these pods is about paths and would see another than they do; let it select the gateway";
        scope.value(id, format!("{at}/rewrite"), &policy.to_string(), right);
    }
    let Rules { audit: _, deny, allow } = rules(scope, &policies, None);
    for (name, action, policies) in [(OF_PODS[0], "DENY", Some(deny)), (OF_PODS[1], "ALLOW", allow)] {
        if let Some(policies) = policies.filter(|policies| action == "ALLOW" || *policies != json!({})) {
            let rules = json!({ "rbac": { "rules": { "action": action, "policies": policies } } });
            envoy["typed_per_filter_config"][name] = typed(PER_ROUTE, rules);
        }
    }
}

/// The rules of a port without HTTP, the gateway's and those of the pods that it leads to, as filters.
pub(super) fn stream_filters(scope: &mut Scope<'_>, port: u32, route: &[RouteDestination]) -> Vec<Value> {
    let (proxy, input) = (scope.proxy, scope.input);
    let own: Vec<_> =
        input.policies.iter().filter(|(_, policy)| is_for_gateway(proxy, input, policy)).collect();
    let mut filters = Vec::new();
    let of_pods = of_pods(scope, route.iter().map(|one| &one.destination));
    for policies in [own, of_pods] {
        for mut config in configs(rules(scope, &policies, Some(port))) {
            config["stat_prefix"] = json!("access");
            filters.push(
                json!({ "name": "envoy.filters.network.rbac", "typed_config": typed(NETWORK, config) }),
            );
        }
    }
    filters
}

/// The policies of the pods behind these destinations.
fn of_pods<'a, 'd>(
    scope: &mut Scope<'a>,
    route: impl Iterator<Item = &'d Destination>,
) -> Vec<&'a Named<AuthorizationPolicy>> {
    let (proxy, input) = (scope.proxy, scope.input);
    let about = |(_, policy): &&Named<AuthorizationPolicy>| is_about_pods(proxy, input, policy);
    let about: Vec<_> = input.policies.iter().filter(about).collect();
    let (mut found, mut allowed) = (BTreeSet::new(), BTreeSet::new());
    for to in route.filter(|_| !about.is_empty()) {
        let labels = subset(input, to);
        for pods in behind(input, to, &labels) {
            let mut allow = BTreeSet::new();
            for (number, (id, policy)) in about.iter().enumerate() {
                match pods.selected(policy) {
                    Selected::No => continue,
                    Selected::Unknown => {
                        let host = input.full_host(&to.host);
                        scope.fault(id, "/spec/selector", Feature::UnknownPods { host });
                    }
                    Selected::Yes => {}
                }
                found.insert(number);
                if policy.action == AuthorizationAction::Allow {
                    allow.insert(number);
                }
            }
            allowed.extend((!allow.is_empty()).then_some(allow));
        }
    }
    // whoever is chosen for a call, each of these would let it through
    if let Some(more) = allowed.iter().max_by_key(|one| one.len()).filter(|_| allowed.len() > 1) {
        let (id, _) = about[*more.last().expect("it has more than another, or as many")];
        let right = "one route leads to pods that allow different callers, and the gateway asks before it chooses; write one ALLOW policy for all of them, or a route for each";
        scope.value(id, "/spec/selector", &id.name, right);
    }
    found.into_iter().map(|number| about[number]).collect()
}

/// Copies are sent to whoever their destination has, held to no rule but those of the route itself.
fn copies(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    route: &HttpRoute,
    held: &[&Named<AuthorizationPolicy>],
) {
    for (field, to) in [
        ("mirror", route.mirror.iter().collect::<Vec<_>>()),
        ("mirrors", route.mirrors.iter().map(|one| &one.destination).collect()),
    ] {
        let policies = of_pods(scope, to.into_iter());
        let other = policies.iter().find(|(of, _)| held.iter().all(|(other, _)| other != of));
        if let Some((policy, _)) = other {
            let right = "it protects the pods that get the copies, and only calls are held to rules about addresses; send copies elsewhere, or let it select the gateway";
            scope.value(id, format!("{at}/{field}"), &policy.to_string(), right);
        }
    }
}

fn rules(scope: &mut Scope<'_>, policies: &[&Named<AuthorizationPolicy>], port: Option<u32>) -> Rules {
    let (mut audit, mut deny, mut allow) = (json!({}), json!({}), None);
    for (id, policy) in policies {
        let list = match policy.action {
            AuthorizationAction::Allow => {
                left_to_others(scope, id, policy);
                allow.get_or_insert_with(|| json!({}))
            }
            AuthorizationAction::Deny => &mut deny,
            AuthorizationAction::Audit if is_for_gateway(scope.proxy, scope.input, policy) => &mut audit,
            AuthorizationAction::Audit => {
                let right = "requests are noted by the gateway; let the policy select it, not pods";
                scope.value(id, "/spec/action", "AUDIT", right);
                continue;
            }
            AuthorizationAction::Custom => {
                let right =
                    "a gateway has nobody to ask; write ALLOW, DENY or AUDIT, or let pods' sidecars ask";
                scope.value(id, "/spec/action", "CUSTOM", right);
                continue;
            }
        };
        for (number, rule) in policy.rules.iter().enumerate() {
            if port.is_none_or(|port| concerns(rule, port)) {
                list[format!("{}/{number}", id.name)] = rule_of(scope, id, number, rule, port.is_none());
            }
        }
    }
    Rules { audit, deny, allow }
}

/// The configurations of filters, in the order in which they must stand: what is denied is denied
/// whatever else allows it. An ALLOW without rules lets nothing through.
fn configs(Rules { audit, deny, allow }: Rules) -> Vec<Value> {
    let config = |action: &str, policies| json!({ "rules": { "action": action, "policies": policies } });
    let some = |action: &str, policies: Value| (policies != json!({})).then(|| config(action, policies));
    let (audit, deny) = (some("LOG", audit), some("DENY", deny));
    audit.into_iter().chain(deny).chain(allow.map(|allow| config("ALLOW", allow))).collect()
}

/// Whether a rule can be about a port: its operations may name others only.
fn concerns(rule: &AuthorizationRule, port: u32) -> bool {
    let is_about = |to: &crate::template::view::RuleTo| {
        let ports = &to.operation.ports;
        ports.is_empty() || ports.iter().any(|one| *one == port.to_string())
    };
    rule.to.is_empty() || rule.to.iter().any(is_about)
}

/// What a policy here would shut out although another of the same pods, which the sidecars enforce,
/// allows it.
fn left_to_others(scope: &mut Scope<'_>, id: &TemplateId, policy: &AuthorizationPolicy) {
    let (proxy, input) = (scope.proxy, scope.input);
    if is_for_gateway(proxy, input, policy) {
        return;
    }
    let is_of = |pods: &&Pods<'_>| pods.selected(policy) == Selected::Yes;
    let all = everyone(input);
    let is_of_both = |other: &AuthorizationPolicy| {
        all.iter().filter(is_of).any(|pods| pods.selected(other) == Selected::Yes)
    };
    let is_other = |(_, other): &&Named<AuthorizationPolicy>| {
        // one without rules allows nothing, and shuts nothing that another lets through
        other.action == AuthorizationAction::Allow
            && !other.rules.is_empty()
            && !other.rules.iter().any(has_addresses)
            && is_of_both(other)
    };
    let other = input.policies.iter().find(is_other).map(|(other, _)| other.to_string());
    if let Some(other) = other {
        scope.value(
            id,
            "/spec/action",
            &other,
            "it allows what the gateway cannot see; write one ALLOW policy, or DENY here",
        );
    }
}
