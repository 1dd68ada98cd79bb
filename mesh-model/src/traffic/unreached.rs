//! What a drain leaves where it is, and for whom that is known beforehand.
//!
//! A drain takes the pods of a target out of the access point's own Services there.
//! That does not reach endpoints that somebody else writes (a Service without a
//! selector), nor, for a target that is a zone, the pods in the zone's other
//! clusters: nothing is written there, so they stay in Services of that name, and
//! routes lead to them unless these prefer the entrances of other zones.
//!
//! Whether there are pods is known of an access point that follows a workload; of
//! others it is not, so a drain that is written names every other cluster, and
//! before one is written nothing is said: a warning of all that is placed by zone
//! would be of nearly everybody, and hardly ever right.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Places;
use crate::access_point::AccessPoint;
use crate::api::PlacementLevel;
use crate::fleet::{Fleet, Target};
use crate::name::Name;
use crate::placement::Workload;
use crate::template::{TemplateId, TemplateKind};

/// What the drain of a target leaves where it is; empty where it is whole, or where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreached {
    /// Services that have no selector: whoever writes their endpoints must take them away.
    pub services: Vec<TemplateId>,
    /// Drained clusters of a target that is a zone, but for its gateway cluster, whose pods the access
    /// point's routes still lead to. An access point whose pods run there is drained by placing it by cluster.
    pub clusters: Vec<Name>,
}

impl Unreached {
    /// Whether the drain is whole, or there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.clusters.is_empty()
    }

    /// What to tell people of a target's drain: of a Service, or else of the clusters.
    #[must_use]
    pub fn told(&self, target: &Name) -> Vec<(Option<&TemplateId>, String)> {
        let service = |id| {
            let told = format!("on {target}: {id} has no selector, so the drain takes nobody out of it");
            (Some(id), told)
        };
        let clusters = (!self.clusters.is_empty()).then(|| {
            let clusters = listed(self.clusters.iter());
            let told = format!(
                "on {target}: the drain takes no pods of {clusters} out of their Services, for nothing is written there"
            );
            (None, told)
        });
        self.services.iter().map(service).chain(clusters).collect()
    }

    /// The same without clusters in which the workload that the access point follows neither is nor is wanted.
    #[must_use]
    pub fn of_workload(mut self, workload: Option<&Workload>) -> Self {
        if let Some(workload) = workload {
            let is_ready = |name: &Name| workload.ready(name).is_some_and(|ready| ready > 0);
            self.clusters.retain(|name| workload.wanted(name) > 0 || is_ready(name));
        }
        self
    }
}

/// What the drain of a target leaves where it is, given the objects that are rendered for it.
#[must_use]
pub fn unreached<'o>(
    objects: impl IntoIterator<Item = (&'o TemplateId, &'o Value)>,
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
) -> Unreached {
    let mut unreached = Unreached::default();
    if target.is_drained() {
        let services = objects.into_iter().filter(|(id, _)| id.kind == TemplateKind::Service);
        let services = services.filter(|(_, object)| !has_selector(object) && !is_an_alias(object));
        unreached.services = services.map(|(id, _)| id.clone()).collect();
    }
    let leads_away = || {
        let places = access_point.traffic.as_ref().map(|traffic| Places::of(traffic, target, fleet));
        places.is_some_and(|places| places.is_left && places.failover)
    };
    if target.level == PlacementLevel::Zone && !leads_away() {
        let others =
            fleet.clusters().filter(|one| one.zone == target.zone.name && one.name != target.cluster.name);
        let drained = others.filter(|one| target.zone.drain || one.drain);
        unreached.clusters = drained.map(|one| one.name.clone()).collect();
    }
    unreached
}

/// The clusters in which a followed workload is, or is wanted, and that the drain of its zone would not reach.
///
/// Empty for whoever follows none: where its pods are is not known.
#[must_use]
pub fn unreached_if_drained(
    access_point: &AccessPoint,
    workload: Option<&Workload>,
    target: &Target<'_>,
    fleet: &Fleet,
) -> BTreeSet<Name> {
    let (Some(workload), PlacementLevel::Zone) = (workload, target.level) else { return BTreeSet::new() };
    let drained = fleet.with_zone_drained(&target.zone.name);
    let target = drained.target(target.level, target.name().as_str()).expect("only a drain differs");
    let clusters = unreached([], access_point, &target, &drained).of_workload(Some(workload)).clusters;
    clusters.into_iter().collect()
}

/// A few names, and how many more there are.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a Name>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.take(SHOWN).map(Name::as_str).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Whether pods of a Service are chosen by their labels.
pub(super) fn has_selector(object: &Value) -> bool {
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    selector.is_some_and(|selector| !selector.is_empty())
}

/// Whether a Service is another name of what is elsewhere, and has no endpoints.
fn is_an_alias(object: &Value) -> bool {
    object.pointer("/spec/type").and_then(Value::as_str) == Some("ExternalName")
}
