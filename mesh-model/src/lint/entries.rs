//! WorkloadEntries that nobody is sent to: by their address, or by the names of their ports.
//!
//! What is held against each other is what one access point has: an entry by itself, and the ServiceEntries and
//! Services whose selectors it meets.
//!
//! Sources: istio/api `service_entry.proto` (`resolution: STATIC` takes addresses of endpoints as they are),
//! `workload_entry.proto` (`ports` by the names of the service's ports); istio/istio
//! `pkg/config/validation/validation.go` (`ValidateServiceEntry`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::objects::{is_overridden, pointer};
use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::nearest::{did_you_mean, nearest, quoted};
use crate::patch::Pointer;
use crate::template::{Template, TemplateKind};

/// What begins the path of a Unix socket.
const UNIX: &str = "unix://";

pub(super) fn check(access_point: &AccessPoint, report: &mut Report) {
    let of = |kind: TemplateKind| {
        let all = access_point.templates.iter().filter(move |one| one.id.kind == kind);
        all.filter(|one| !is_overridden(access_point, one))
    };
    let mut tell = |code: Code, template: &Template, at: &Pointer, message: String, fix: &str| {
        let path = inside(access_point, &template.id, at);
        report.of(&access_point.id, code, path, message, fix);
    };
    let address_fix = "write an IP address, or resolution: DNS in the ServiceEntry";
    for service in of(TemplateKind::ServiceEntry).filter(|one| is_static(one)) {
        let endpoints = service.object.pointer("/spec/endpoints").and_then(Value::as_array);
        for (position, one) in endpoints.into_iter().flatten().enumerate() {
            if let Some(address) = name_for_address(one) {
                let at = pointer(&["spec", "endpoints", &position.to_string(), "address"]);
                let message =
                    format!("{} is no address, and resolution: STATIC looks up no name", quoted(address));
                tell(Code::AddressNotStatic, service, &at, message, address_fix);
            }
        }
    }
    for entry in of(TemplateKind::WorkloadEntry) {
        let selects = |one: &&Template, place: &str| {
            let wanted = one.object.pointer(place).and_then(Value::as_object).filter(|all| !all.is_empty());
            let labels = entry.object.pointer("/spec/labels");
            wanted.is_some_and(|wanted| {
                wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
            })
        };
        let entries: Vec<&Template> = of(TemplateKind::ServiceEntry)
            .filter(|one| selects(one, "/spec/workloadSelector/labels"))
            .collect();
        let services: Vec<&Template> =
            of(TemplateKind::Service).filter(|one| selects(one, "/spec/selector")).collect();
        let of_static = entries.iter().copied().chain(services.iter().copied());
        let mut of_static = of_static.filter(|one| one.id.kind == TemplateKind::Service || is_static(one));
        if let (Some(address), Some(by)) = (name_for_address(&entry.object["spec"]), of_static.next()) {
            let message = format!("{} is no address, and {} looks up no name", quoted(address), by.id);
            tell(Code::AddressNotStatic, entry, &pointer(&["spec", "address"]), message, address_fix);
        }
        let known: BTreeSet<&str> = entries.iter().chain(&services).flat_map(|one| port_names(one)).collect();
        let ports = entry.object.pointer("/spec/ports").and_then(Value::as_object).into_iter().flatten();
        for (name, _) in ports.filter(|(name, _)| !known.is_empty() && !known.contains(name.as_str())) {
            let near = did_you_mean(nearest(name, known.iter().copied()));
            let message = format!(
                "no port of whoever selects it has the name {}, so this number is not used{near}",
                quoted(name)
            );
            let at = pointer(&["spec", "ports", name]);
            tell(
                Code::UnknownPort,
                entry,
                &at,
                message,
                "write the name of a port of the ServiceEntry or Service",
            );
        }
    }
}

/// Whether addresses of endpoints are taken as they are.
fn is_static(entry: &Template) -> bool {
    entry.object.pointer("/spec/resolution").is_some_and(|resolution| resolution == "STATIC")
}

/// What stands where an address has to.
fn name_for_address(endpoint: &Value) -> Option<&str> {
    let address = endpoint.get("address").and_then(Value::as_str)?;
    let is_address = address.starts_with(UNIX) || address.parse::<IpAddr>().is_ok();
    (!is_address && !address.is_empty()).then_some(address)
}

/// The names by which endpoints say their own numbers: of a Service, what it calls its pods' ports, too.
fn port_names(template: &Template) -> impl Iterator<Item = &str> {
    let list = template.object.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    list.flat_map(|port| ["name", "targetPort"].into_iter().filter_map(|field| port.get(field)?.as_str()))
}
