//! What an API server asks of a Service beside its types.
//!
//! Kubernetes has no schema for this: its server checks it in code, and a
//! manifest that passes every schema is refused at the last step. Only what
//! the server refuses, and only what can be known without a cluster. Source:
//! `ValidateService` of Kubernetes' `pkg/apis/core/validation`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::{SchemaFinding, SchemaProblem};
use crate::name::{is_label, is_subdomain};
use crate::patch::Pointer;

/// What the server would refuse of a Service's `spec`, whose types are right as far as `spec` has them.
pub(super) fn check(spec: &Value) -> Vec<SchemaFinding> {
    let mut findings = Vec::new();
    let top = Pointer::default().then("spec");
    let text = |field: &str| spec.get(field).and_then(Value::as_str).unwrap_or_default();
    let is_external = text("type") == "ExternalName";
    let missing = |field: &str| SchemaProblem::Missing { field: field.to_owned() };
    if is_external && text("externalName").is_empty() {
        findings.push(SchemaFinding { path: top.clone(), problem: missing("externalName") });
    } else if is_external && !is_subdomain(text("externalName").trim_end_matches('.')) {
        findings.push(wrong(&top.then("externalName"), "write a host name in lower case"));
    }
    let cluster_ip = text("clusterIP");
    if !matches!(cluster_ip, "" | "None") && cluster_ip.parse::<IpAddr>().is_err() {
        findings.push(wrong(&top.then("clusterIP"), "write an address, or None"));
    }
    let reaches_outside = matches!(text("type"), "NodePort" | "LoadBalancer");
    if spec.get("externalTrafficPolicy").is_some() && !reaches_outside {
        let reason = "only a Service of type NodePort or LoadBalancer has one; leave it out";
        findings.push(wrong(&top.then("externalTrafficPolicy"), reason));
    }
    let ports = spec.get("ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if ports.is_empty() && !is_external && cluster_ip != "None" {
        findings.push(SchemaFinding { path: top.clone(), problem: missing("ports") });
    }
    check_ports(ports, &top.then("ports"), &mut findings);
    findings
}

fn check_ports(ports: &[Value], path: &Pointer, findings: &mut Vec<SchemaFinding>) {
    let (mut names, mut numbers) = (BTreeMap::new(), BTreeMap::new());
    for (position, port) in ports.iter().enumerate() {
        let here = path.then(&position.to_string());
        let text = |field: &str| port.get(field).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        if name.is_empty() && ports.len() > 1 {
            let problem = SchemaProblem::Missing { field: "name".to_owned() };
            findings.push(SchemaFinding { path: here.clone(), problem });
        } else if !name.is_empty() && !is_label(name) {
            findings.push(wrong(&here.then("name"), "write up to 63 lower-case letters, digits and `-`"));
        } else if let Some(first) = names.insert(name, position).filter(|_| !name.is_empty()) {
            findings.push(wrong(
                &here.then("name"),
                &format!("ports[{first}] has this name already; write another"),
            ));
        }
        let protocol = if text("protocol").is_empty() { "TCP" } else { text("protocol") };
        let number = port.get("port").and_then(Value::as_u64);
        if let Some(first) = number.and_then(|number| numbers.insert((protocol, number), position)) {
            let reason = format!("ports[{first}] has this number and protocol already; write another");
            findings.push(wrong(&here.then("port"), &reason));
        }
        let is_right = match port.get("targetPort") {
            Some(Value::String(name)) => is_port_name(name),
            Some(Value::Number(number)) => {
                number.as_u64().is_some_and(|number| (1..=65_535).contains(&number))
            }
            None | Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => true,
        };
        if !is_right {
            let reason = "write a number from 1 to 65535 without quotes, or the name of a container's port: up to 15 lower-case letters, digits and `-`, at least one letter";
            findings.push(wrong(&here.then("targetPort"), reason));
        }
    }
}

/// RFC 6335 section 5.1, as Kubernetes has it.
fn is_port_name(name: &str) -> bool {
    name.len() <= 15
        && is_label(name)
        && !name.contains("--")
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn wrong(path: &Pointer, reason: &str) -> SchemaFinding {
    SchemaFinding { path: path.clone(), problem: SchemaProblem::Rule { reason: reason.to_owned() } }
}
