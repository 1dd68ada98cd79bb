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
use crate::rules::{Clash, Rule, Together, apart};
use crate::template::{TemplateId, TemplateKind};
use crate::units::Share;

/// An object and which it is.
type Object<'a> = (&'a TemplateId, &'a Value);

/// The operations that add what routes want, by DestinationRule.
pub(super) fn add(
    objects: &[(TemplateId, Value)],
    own: &Hosts,
    wanted: &BTreeSet<Wanted>,
    places: &Places,
) -> Result<BTreeMap<TemplateId, Vec<Operation>>, SteerError> {
    let mut operations: BTreeMap<TemplateId, Vec<Operation>> = BTreeMap::new();
    let mut added = BTreeSet::new();
    for (host, subset) in wanted {
        let apart = rules_of(objects, own, host);
        if apart.is_empty() {
            let of = objects.iter().find(|(id, _)| id.kind == TemplateKind::VirtualService);
            let object = of.expect("a VirtualService wanted it").0.clone();
            let problem = SteerProblem::NoDestinationRule { host: host.clone() };
            return Err(SteerError { object, path: Pointer::default(), problem });
        }
        // whoever is divided between them finds the subsets in the rules that it sees
        for rules in apart {
            if let Some(Clash { of: (id, _), at, other: (other, _) }) = rules.clashes.first() {
                let problem = SteerProblem::SaidTwice { host: host.clone(), other: (*other).clone() };
                return Err(SteerError { object: (*id).clone(), path: at.clone(), problem });
            }
            let policies = Policies::of(&rules, host, subset.as_deref())?;
            let (id, rule) = policies.home();
            if !added.insert((id, subset)) {
                // what a wildcard has is for all its hosts
                continue;
            }
            let made = policies.subsets(subset.as_deref(), places)?;
            let known = operations.entry(id.clone()).or_default();
            if rule.pointer("/spec/subsets").and_then(Value::as_array).is_none() && known.is_empty() {
                known.push(Operation::Add { path: way(&["spec", "subsets"]), value: json!([]) });
            }
            for one in made {
                let name = one["name"].as_str().unwrap_or_default().to_owned();
                if let Some(((id, _), _)) = rules.subsets.get(name.as_str()) {
                    return Err(wrong(id, way(&["spec", "subsets"]), SteerProblem::SubsetTaken { name }));
                }
                known.push(Operation::Add { path: way(&["spec", "subsets", "-"]), value: one });
            }
        }
    }
    Ok(operations)
}

fn wrong(object: &TemplateId, path: Pointer, problem: SteerProblem) -> SteerError {
    SteerError { object: object.clone(), path, problem }
}

/// The rules of a host that hold for all callers, for each set of namespaces that see some.
fn rules_of<'a>(
    objects: &'a [(TemplateId, Value)],
    own: &Hosts,
    host: &str,
) -> Vec<Together<'a, Object<'a>>> {
    let rules = objects.iter().filter(|(id, object)| {
        let selector = object.pointer("/spec/workloadSelector");
        id.kind == TemplateKind::DestinationRule && selector.is_none_or(Value::is_null)
    });
    let rule = |(id, object): &'a (TemplateId, Value)| {
        let list = |name: &str| object["spec"][name].as_array().map(Vec::as_slice).unwrap_or_default();
        Rule {
            of: (id, object),
            host: object["spec"]["host"].as_str().unwrap_or_default(),
            has_policy: !object["spec"]["trafficPolicy"].is_null(),
            subsets: list("subsets").iter().map(|one| one["name"].as_str().unwrap_or_default()).collect(),
            export_to: list("exportTo").iter().filter_map(Value::as_str).collect(),
        }
    };
    apart(rules.map(rule), host, &own.namespace)
}

/// What the rules of a host and one of their subsets say together.
struct Policies<'a> {
    /// The rule whose policy holds for the host, or the first.
    rule: Object<'a>,
    /// The rule that has the subset, its place there and itself.
    subset: Option<(Object<'a>, usize, &'a Value)>,
}

impl<'a> Policies<'a> {
    fn of(rules: &Together<'a, Object<'a>>, host: &str, subset: Option<&str>) -> Result<Self, SteerError> {
        let rule = rules.policy.unwrap_or(rules.first);
        let Some(name) = subset else { return Ok(Self { rule, subset: None }) };
        let Some((of, position)) = rules.subsets.get(name).copied() else {
            let problem = SteerProblem::UnknownSubset { name: name.to_owned(), host: host.to_owned() };
            return Err(wrong(rule.0, way(&["spec", "subsets"]), problem));
        };
        Ok(Self { rule, subset: Some((of, position, &of.1["spec"]["subsets"][position])) })
    }

    /// The rule that ours are added to: the one that has the subset which they are made of, if any.
    fn home(&self) -> Object<'a> {
        self.subset.map_or(self.rule, |(rule, _, _)| rule)
    }

    /// A field as it holds, and where it is written.
    fn field(&self, name: &str) -> Option<(&'a Value, &'a TemplateId, Pointer)> {
        let given = |policy: &'a Value| policy["trafficPolicy"].get(name).filter(|value| !value.is_null());
        let of_subset = self.subset.and_then(|((id, _), position, subset)| {
            let at = way(&["spec", "subsets", &position.to_string(), "trafficPolicy", name]);
            Some((given(subset)?, id, at))
        });
        let (id, rule) = self.rule;
        of_subset.or_else(|| Some((given(&rule["spec"])?, id, way(&["spec", "trafficPolicy", name]))))
    }

    /// The subsets of ours, home first.
    fn subsets(&self, subset: Option<&str>, places: &Places) -> Result<Vec<Value>, SteerError> {
        if let Some((ports, id, at)) = self.field("portLevelSettings")
            && ports.as_array().is_none_or(|ports| !ports.is_empty())
        {
            return Err(wrong(id, at, SteerProblem::PortLevel));
        }
        let balancer = self.field("loadBalancer");
        for setting in ["localityLbSetting", "zoneAwareLbSetting"] {
            if let Some((balancer, id, at)) = &balancer
                && balancer.get(setting).is_some_and(|setting| !setting.is_null())
            {
                return Err(wrong(id, at.then(setting), SteerProblem::LocalityTaken));
            }
        }
        if places.failover && self.field("outlierDetection").is_none() {
            let path = way(&["spec", "trafficPolicy"]);
            return Err(wrong(self.rule.0, path, SteerProblem::NoOutlierDetection));
        }
        let balancer = balancer.and_then(|(balancer, ..)| balancer.as_object().cloned()).unwrap_or_default();
        let make = |of: &str, setting: Value| {
            let own = self.subset.and_then(|(_, _, subset)| subset.get("trafficPolicy"));
            let mut policy = own.cloned().unwrap_or_else(|| json!({}));
            let mut balancer = balancer.clone();
            // a team's null is no setting, and would be a second one beside ours
            balancer.retain(|_, value| !value.is_null());
            balancer.extend(setting.as_object().cloned().unwrap_or_default());
            policy["loadBalancer"] = Value::Object(balancer);
            let mut one = json!({ "name": subset_name(of, subset), "trafficPolicy": policy });
            if let Some(labels) = self.subset.and_then(|(_, _, subset)| subset.get("labels")) {
                one["labels"] = labels.clone();
            }
            one
        };
        let home = (places.local != Share::NONE).then(|| make(HOME, places.home_setting()));
        let away = (places.local != Share::ALL).then(|| make(AWAY, places.away_setting()));
        Ok(home.into_iter().chain(away).collect())
    }
}
