//! The subsets that routes are divided between, as additions to the DestinationRules.
//!
//! A subset's own load balancer replaces the rule's, so what the team wrote there
//! is copied and locality is added to it; everything else Istio takes from the
//! rule by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::routes::{Wanted, subset_name};
use super::{AWAY, HOME, Hosts, Places, SteerError, SteerProblem, way};
use crate::patch::{Operation, Pointer};
use crate::template::{TemplateId, TemplateKind};
use crate::units::Share;

/// The operations that add what routes want, by DestinationRule.
pub(super) fn add(
    objects: &[(TemplateId, Value)],
    own: &Hosts,
    wanted: &BTreeSet<Wanted>,
    places: &Places,
) -> Result<BTreeMap<TemplateId, Vec<Operation>>, SteerError> {
    let mut operations: BTreeMap<TemplateId, Vec<Operation>> = BTreeMap::new();
    for (host, subset) in wanted {
        let Some((id, rule)) = rule_of(objects, own, host) else {
            let of = objects.iter().find(|(id, _)| id.kind == TemplateKind::VirtualService);
            let object = of.expect("a VirtualService wanted it").0.clone();
            let problem = SteerProblem::NoDestinationRule { host: host.clone() };
            return Err(SteerError { object, path: Pointer::default(), problem });
        };
        let wrong = |path, problem| SteerError { object: id.clone(), path, problem };
        let made = Policies::of(rule, host, subset.as_deref())
            .and_then(|policies| policies.subsets(subset.as_deref(), places))
            .map_err(|(path, problem)| wrong(path, problem))?;
        let list = rule.pointer("/spec/subsets").and_then(Value::as_array);
        let known = operations.entry(id.clone()).or_default();
        if list.is_none() && known.is_empty() {
            known.push(Operation::Add { path: way(&["spec", "subsets"]), value: json!([]) });
        }
        for one in made {
            if list.into_iter().flatten().any(|other| other["name"] == one["name"]) {
                let name = one["name"].as_str().unwrap_or_default().to_owned();
                return Err(wrong(way(&["spec", "subsets"]), SteerProblem::SubsetTaken { name }));
            }
            known.push(Operation::Add { path: way(&["spec", "subsets", "-"]), value: one });
        }
    }
    Ok(operations)
}

/// The rule of a host for all callers.
fn rule_of<'a>(
    objects: &'a [(TemplateId, Value)],
    own: &Hosts,
    host: &str,
) -> Option<&'a (TemplateId, Value)> {
    objects.iter().find(|(id, object)| {
        let named = object.pointer("/spec/host").and_then(Value::as_str).and_then(|name| own.own(name));
        id.kind == TemplateKind::DestinationRule
            && named.as_deref() == Some(host)
            && object.pointer("/spec/workloadSelector").is_none()
    })
}

/// What a rule and one of its subsets say together.
struct Policies<'a> {
    rule: &'a Value,
    labels: Option<&'a Value>,
    subset: Option<&'a Value>,
    /// Where the subset is, for messages.
    at: Pointer,
}

impl<'a> Policies<'a> {
    fn of(rule: &'a Value, host: &str, subset: Option<&str>) -> Result<Self, (Pointer, SteerProblem)> {
        let policy = &rule["spec"]["trafficPolicy"];
        let Some(name) = subset else {
            return Ok(Self { rule: policy, labels: None, subset: None, at: way(&["spec"]) });
        };
        let subsets = rule.pointer("/spec/subsets").and_then(Value::as_array);
        let found = subsets.into_iter().flatten().enumerate().find(|(_, one)| one["name"] == name);
        let Some((position, found)) = found else {
            let problem = SteerProblem::UnknownSubset { name: name.to_owned(), host: host.to_owned() };
            return Err((way(&["spec", "subsets"]), problem));
        };
        let at = way(&["spec", "subsets", &position.to_string()]);
        Ok(Self { rule: policy, labels: found.get("labels"), subset: found.get("trafficPolicy"), at })
    }

    /// A field as it holds, and where it is written.
    fn field(&self, name: &str) -> Option<(&'a Value, Pointer)> {
        let given = |policy: Option<&'a Value>| policy?.get(name).filter(|value| !value.is_null());
        let here = |at: &Pointer| at.then("trafficPolicy").then(name);
        given(self.subset)
            .map(|value| (value, here(&self.at)))
            .or_else(|| given(Some(self.rule)).map(|value| (value, here(&way(&["spec"])))))
    }

    /// The subsets of ours, home first.
    fn subsets(&self, subset: Option<&str>, places: &Places) -> Result<Vec<Value>, (Pointer, SteerProblem)> {
        if let Some((ports, at)) = self.field("portLevelSettings")
            && ports.as_array().is_none_or(|ports| !ports.is_empty())
        {
            return Err((at, SteerProblem::PortLevel));
        }
        let balancer = self.field("loadBalancer");
        for setting in ["localityLbSetting", "zoneAwareLbSetting"] {
            if let Some((balancer, at)) = &balancer
                && balancer.get(setting).is_some_and(|setting| !setting.is_null())
            {
                return Err((at.then(setting), SteerProblem::LocalityTaken));
            }
        }
        if places.failover && self.field("outlierDetection").is_none() {
            return Err((way(&["spec", "trafficPolicy"]), SteerProblem::NoOutlierDetection));
        }
        let balancer = balancer.and_then(|(balancer, _)| balancer.as_object().cloned()).unwrap_or_default();
        let make = |of: &str, setting: Value| {
            let mut policy = self.subset.cloned().unwrap_or_else(|| json!({}));
            let mut balancer = balancer.clone();
            // a team's null is no setting, and would be a second one beside ours
            balancer.retain(|_, value| !value.is_null());
            balancer.extend(setting.as_object().cloned().unwrap_or_default());
            policy["loadBalancer"] = Value::Object(balancer);
            let mut one = json!({ "name": subset_name(of, subset), "trafficPolicy": policy });
            if let Some(labels) = self.labels {
                one["labels"] = labels.clone();
            }
            one
        };
        let home = (places.local != Share::NONE).then(|| make(HOME, places.home_setting()));
        let away = (places.local != Share::ALL).then(|| make(AWAY, places.away_setting()));
        Ok(home.into_iter().chain(away).collect())
    }
}
