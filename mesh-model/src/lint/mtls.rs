//! Callers and called who contradict each other about mutual TLS: every call is refused at the pod.
//!
//! What is looked at is what one access point says of its own Services: a PeerAuthentication that takes
//! mutual TLS of the mesh alone, and a DestinationRule that sends something else. Settings of single ports are
//! left in peace where the PeerAuthentication has some.
//!
//! Source: istio/istio `pkg/config/analysis/msg/messages.yaml` (IST0113).

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::{is_overridden, pointer};
use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};
use crate::traffic::full_host;
use crate::visibility::hosts_of;

pub(super) fn check(access_point: &AccessPoint, report: &mut Report) {
    let of = |kind: TemplateKind| {
        let all = access_point.templates.iter().filter(move |one| one.id.kind == kind);
        all.filter(|one| !is_overridden(access_point, one))
    };
    let namespace = &access_point.id.namespace;
    let policies: Vec<&Template> = of(TemplateKind::PeerAuthentication).collect();
    let mut rules: BTreeMap<String, Vec<&Template>> = BTreeMap::new();
    for rule in of(TemplateKind::DestinationRule).filter(|_| !policies.is_empty()) {
        for host in hosts_of(rule.id.kind, &rule.object, namespace) {
            rules.entry(host).or_default().push(rule);
        }
    }
    for service in of(TemplateKind::Service) {
        let Some(strict) = policies.iter().find(|one| is_strict(one, service)) else { continue };
        let host = full_host(&service.id.name, namespace);
        for rule in rules.get(&host).into_iter().flatten() {
            for (at, mode) in modes(&rule.object).into_iter().filter(|(_, mode)| *mode != "ISTIO_MUTUAL") {
                let path = inside(access_point, &rule.id, &at);
                let message = format!(
                    "{} takes mutual TLS of the mesh alone, and with mode {mode} callers of {host} do not speak it",
                    strict.id
                );
                let fix = "write mode: ISTIO_MUTUAL, or leave tls out";
                report.of(&access_point.id, Code::MtlsConflict, path, message, fix);
            }
        }
    }
}

/// Whether all ports of a Service's pods take mutual TLS alone.
fn is_strict(policy: &Template, service: &Template) -> bool {
    let object = &policy.object;
    let is_whole = object
        .pointer("/spec/portLevelMtls")
        .and_then(Value::as_object)
        .is_none_or(serde_json::Map::is_empty);
    let pods = service.object.pointer("/spec/selector").and_then(Value::as_object);
    let wanted = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    // whoever has the Service's labels has the policy's
    let selects = wanted.is_none_or(|wanted| {
        wanted.iter().all(|(key, value)| pods.is_some_and(|pods| pods.get(key) == Some(value)))
    });
    let is_of_pods = pods.is_some_and(|pods| !pods.is_empty());
    object.pointer("/spec/mtls/mode").is_some_and(|mode| mode == "STRICT")
        && is_whole
        && selects
        && is_of_pods
}

/// The modes of TLS that a rule writes, and where.
fn modes(rule: &Value) -> Vec<(Pointer, &str)> {
    let top = pointer(&["spec", "trafficPolicy"]);
    let mut policies = vec![(top, &rule["spec"]["trafficPolicy"])];
    let subsets = rule.pointer("/spec/subsets").and_then(Value::as_array).into_iter().flatten();
    policies.extend(subsets.enumerate().map(|(position, subset)| {
        let at = pointer(&["spec", "subsets", &position.to_string(), "trafficPolicy"]);
        (at, &subset["trafficPolicy"])
    }));
    let mut modes = Vec::new();
    for (at, policy) in policies {
        let ports = policy.get("portLevelSettings").and_then(Value::as_array).into_iter().flatten();
        let ports = ports
            .enumerate()
            .map(|(position, port)| (at.then("portLevelSettings").then(&position.to_string()), port));
        for (at, policy) in std::iter::once((at.clone(), policy)).chain(ports) {
            let mode = policy.pointer("/tls/mode").and_then(Value::as_str);
            modes.extend(mode.map(|mode| (at.then("tls").then("mode"), mode)));
        }
    }
    modes
}
