//! Policies and entries that, by their labels, are of none of the access point's own.
//!
//! Which pods a cluster has is not known here, so what is told is a label that a policy
//! asks for, and of which every pod that is known has another value, or one has a value
//! that is nearly it. A policy that holds for nobody is the worst of what is silent: what it was
//! to bar is open.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::objects::{is_overridden, pointer};
use super::{Code, FleetFacts, Report, inside};
use crate::access_point::AccessPoint;
use crate::nearest::{did_you_mean, nearest};
use crate::template::{Template, TemplateKind};

type Labels<'a> = BTreeMap<&'a str, &'a str>;

pub(super) fn check(access_point: &AccessPoint, facts: Option<&FleetFacts>, report: &mut Report) {
    let of = |kind: TemplateKind| access_point.templates.iter().filter(move |one| one.id.kind == kind);
    let services = || of(TemplateKind::Service).filter_map(|one| labels(&one.object, "/spec/selector"));
    let is_fixed = |kind: TemplateKind| of(kind).all(|one| !is_overridden(access_point, one));
    // without a Service of its own, a policy may well be for pods of others
    if is_fixed(TemplateKind::Service) && services().next().is_some() {
        let gateways = facts.and_then(|facts| facts.gateways.as_ref()).into_iter().flatten();
        let gateways = gateways.filter(|pods| pods.namespace == access_point.id.namespace);
        let gateways = gateways
            .map(|pods| pods.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect());
        let known: Vec<Labels<'_>> = services().chain(gateways).collect();
        for policy in of(TemplateKind::AuthorizationPolicy).chain(of(TemplateKind::PeerAuthentication)) {
            let fix = "correct the label; or take the selector away, and it holds for the whole namespace";
            let whose = "no Service and no gateway of the access point has pods with it, so it holds for none of them";
            unmet(access_point, policy, "/spec/selector/matchLabels", (&known, whose, fix), report);
        }
    }
    if is_fixed(TemplateKind::Service) && is_fixed(TemplateKind::ServiceEntry) {
        let entries = of(TemplateKind::ServiceEntry)
            .filter_map(|one| labels(&one.object, "/spec/workloadSelector/labels"));
        let known: Vec<Labels<'_>> = services().chain(entries).collect();
        for entry in of(TemplateKind::WorkloadEntry) {
            let fix = "write the labels that the workloadSelector asks for";
            let whose =
                "no ServiceEntry and no Service of the access point selects it, so nothing is sent to it";
            unmet(access_point, entry, "/spec/labels", (&known, whose, fix), report);
        }
    }
}

/// Tells of a label of which all that is known has another value.
fn unmet(
    access_point: &AccessPoint,
    template: &Template,
    place: &str,
    (known, whose, fix): (&[Labels<'_>], &str, &str),
    report: &mut Report,
) {
    let Some(wanted) = labels(&template.object, place).filter(|_| !is_overridden(access_point, template))
    else {
        return;
    };
    for (key, value) in wanted {
        let others: Vec<&str> = known.iter().filter_map(|one| one.get(key).copied()).collect();
        let near = nearest(value, others.iter().copied());
        let may_be_elsewhere = others.len() < known.len() && near.is_none();
        if known.is_empty() || may_be_elsewhere || others.contains(&value) {
            continue; // there may be pods with it
        }
        let near = did_you_mean(near);
        let steps: Vec<&str> = place.split('/').skip(1).chain([key]).collect();
        let path = inside(access_point, &template.id, &pointer(&steps));
        let message = format!("{key}: {value}: {whose}{near}");
        report.of(&access_point.id, Code::SelectsNothing, path, message, fix);
    }
}

/// Labels at a place of an object; `None` without any.
fn labels<'a>(object: &'a Value, place: &str) -> Option<Labels<'a>> {
    let map = object.pointer(place).and_then(Value::as_object).filter(|map: &&Map<_, _>| !map.is_empty())?;
    Some(map.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect())
}
