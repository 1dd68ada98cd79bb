//! Shares and failover in one policy, and drains: what Istio has no setting for, as plain Istio objects.
//!
//! Istio refuses weights and failover in one setting. They compose all the same,
//! one level apart: a route is divided between two subsets of the *same*
//! endpoints, `overspill-home`, which prefers the home region, and
//! `overspill-away`, which prefers another; each spills over as the health of its
//! region falls. With a local share `w`, the home region gets
//! `w x min(100, 140 x healthy) / 100` in Envoy's integers while the others are
//! well; so the hosts that are left there bear 1.4 times what they did at most, as
//! long as somebody is there to take the rest.
//!
//! The home region is one tier, for the formula holds of a tier. Which setting
//! makes it one depends on the target's Istio ([`Places::is_ordered`]):
//!
//! - From 1.31 on it is `zoneAwareLbSetting`: the proxy's own region, then the
//!   second of the policy, then all others, so three regions have their full order,
//!   and of four or more the third tier holds the rest. Envoy's routing by zones is
//!   kept off by a `minClusterSize` that nobody reaches; all hosts of a region are
//!   equal then, and 1.4 holds of each, however its zones fail. It prefers the own
//!   region always, so it serves neither the subset of another region nor a target
//!   whose own region is drained.
//! - Else it is the one label `topology.kubernetes.io/region`, for Istio's `failover`
//!   would begin with the subzone. Behind the first region all others are one tier,
//!   by the number of their hosts. And 1.4 is a mean: beside this setting Istio has
//!   zones weigh, and Envoy trusts what is left of a zone with 1.4 of its weight once
//!   more; where few are left in one zone of a region and all in another, those few
//!   bear up to 1.4 x 1.4 = 1.96. So it is of the remote share everywhere.
//!
//! Either has places for all where regions are reached by [entrances](crate::eastwest): these are
//! endpoints of our own, so each bears the mark of its region, and what is to come late is asked for by
//! labels that hosts must *not* have (`MARK=`, which pods and other entrances fulfil), the last region
//! first. That holds in any Istio, and for the remote share. Where the regions are one network their
//! endpoints are the team's pods, whose labels are not ours to write, and all that Istio itself puts
//! there (region, zone, cluster, network) are labels of one value each, of which a list of
//! `failoverPriority` compares one: two tiers are all that can be asked for, and before 1.31 three regions
//! have no order.
//!
//! Of requests that a place has, an entrance gets the part of its weight, which [`eastwest`](crate::eastwest)
//! makes the number of clusters behind it; to the health of the place it is one host, up or ejected. Envoy would
//! count weights there, too (`weighted_priority_health`), and Istio has no setting for it. The weight is not the
//! number of pods behind the entrance: the regions' zones would then share all calls alike, and what now stays in
//! a zone as long as pods there can answer it would leave it; nor does the gateway's cluster know that number
//! before they change.
//!
//! An API server drops a field that it does not know without a word, and then nothing
//! would prefer home: a target whose version is not in the fleet has the label.
//! [`Steering::tiers`] has the order that holds, [`Places::unordered`] what it lacks, of which lint warns.
//!
//! A drain takes the pods out of the access point's own Services on the target,
//! so that every proxy of the mesh has them gone with the next push of endpoints. A
//! target that is a zone is written in its gateway cluster alone, and a Service there has no say over pods
//! of that name in the zone's other clusters, whose Services are others'. Where the zone has an entrance no
//! other zone calls it any more, and by `traffic` its own routes lead to entrances of other zones before pods
//! of its own, in whatever cluster these are: they take what nobody else can. Labels name what is wanted and
//! never what is not, so in a flat network there is no such setting, nor for one cluster of several, nor
//! without `traffic`: [`unreached()`] says where pods are others' to take out, for a drain that is written and,
//! by [`unreached_if_drained`], before there is one. (Calls in a zone
//! that follow no route of the access point are none of its own.)
//!
//! [`steer()`] gives patches, [`render`](crate::render) applies them; neither is a
//! revision. [`region_loads`] and [`drain_check`] say what the rest would bear; [`Shift`]
//! asks them before such an edit is made, and is what is written down of it.
//! What is not the access point's own is left alone. Withdrawing names and VIPs
//! of a drained target is done by those who publish them.
//!
//! Sources: istio/istio `loadbalancer.go` and its validation, envoyproxy/envoy
//! `load_balancer_impl.cc`, as [`locality`](crate::locality) has them.

mod capacity;
mod places;
mod regions;
mod routes;
mod shift;
mod subsets;
mod unreached;
mod without;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::access_point::AccessPoint;
use crate::fleet::{Fleet, Target};
use crate::name::Name;
use crate::patch::{Operation, Pointer};
use crate::template::{TemplateId, TemplateKind};

pub use capacity::{Loads, Outlook, Overload, Room, Shifted, drain_check};
pub use places::Places;
pub(crate) use places::{ENTRANCE_LABEL, entrance_label};
pub use regions::{RegionLoad, RegionState, local_share, region_loads};
pub use shift::{
    Demands, DrainChange, Order, PlacementChange, PolicyChange, Record, Refused, Shift, ShiftProblem,
    Steered, Verdict,
};
pub(crate) use unreached::listed;
pub use unreached::{Unreached, unreached, unreached_if_drained};
pub use without::without;

/// The subset that prefers the home region; before a subset of the team's, `overspill-home-NAME`.
pub const HOME: &str = "overspill-home";
/// The subset that prefers another region.
pub const AWAY: &str = "overspill-away";
/// The label in a Service's selector that no pod has.
pub const DRAINED_LABEL: &str = "overspill.dev/drained";

/// What is to be changed in rendered objects, and what that means.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::api::{FederatedAccessPoint, PlacementLevel};
/// use mesh_model::fleet::Fleet;
/// use mesh_model::render::render_steered;
/// use mesh_model::template::Schemas;
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = |name: &str, region: &str| serde_saphyr::from_str(&frame("AvailabilityZone", &format!("metadata: {{ name: {name} }}, spec: {{ region: {region} }}")));
/// # let cluster = |name: &str, zone: &str| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: {zone} }}")));
/// let zones = vec![zone("slc-a", "us-west")?, zone("phx-a", "us-south")?];
/// let fleet = Fleet::new(zones, vec![cluster("slc-a-1", "slc-a")?, cluster("phx-a-1", "phx-a")?])?;
/// let access_point: FederatedAccessPoint = serde_saphyr::from_str("
/// apiVersion: overspill.dev/v1alpha1
/// kind: FederatedAccessPoint
/// metadata: { name: shop, namespace: team }
/// spec:
///   placement: { selector: {} }
///   templates:
///     - { apiVersion: v1, kind: Service, metadata: { name: shop }, spec: { selector: { app: shop }, ports: [{ port: 80 }] } }
///     - apiVersion: networking.istio.io/v1
///       kind: DestinationRule
///       metadata: { name: shop }
///       spec: { host: shop, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }
///     - apiVersion: networking.istio.io/v1
///       kind: VirtualService
///       metadata: { name: shop }
///       spec: { hosts: [shop], http: [{ route: [{ destination: { host: shop } }] }] }
///   traffic: { local: 99%, remote: 1%, regions: [us-west, us-south] }
/// ")?;
/// let access_point = AccessPoint::try_from(access_point)?;
/// let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
/// let rendering = render_steered(&access_point, &target, &fleet, &Schemas::embedded());
/// let route = &rendering.objects[2]["spec"]["http"][0]["route"];
/// assert_eq!(route[0]["destination"]["subset"], "overspill-home");
/// assert_eq!([&route[0]["weight"], &route[1]["weight"]], [99, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steering {
    operations: BTreeMap<TemplateId, Vec<Operation>>,
    /// The regions in the order in which the local share is spilled to them; inside
    /// a tier by the number of available hosts. Empty without a policy of traffic.
    pub tiers: Vec<Vec<Name>>,
    /// What the drain of a target leaves where it is.
    pub unreached: Unreached,
}

/// Why the traffic of an access point cannot be steered on a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {path}: {problem}")]
pub struct SteerError {
    /// The object at fault.
    pub object: TemplateId,
    /// Where in it.
    pub path: Pointer,
    /// What is wrong, and what would be right.
    pub problem: SteerProblem,
}

/// What keeps traffic from being steered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SteerProblem {
    /// A policy of localities beside `traffic`.
    #[error("this setting and the access point's `traffic` exclude each other; write one of them")]
    LocalityTaken,
    /// No rule for a host.
    #[error(
        "no DestinationRule for {host}; add a template with outlierDetection, without which nothing fails over"
    )]
    NoDestinationRule {
        /// The host.
        host: String,
    },
    /// Without it Envoy never leaves the first priority.
    #[error(
        "no outlierDetection, without which nothing fails over; add it, or write `failover: false` in `traffic`"
    )]
    NoOutlierDetection,
    /// No route to steer.
    #[error(
        "no route leads to a Service of this access point, so `traffic` has nothing to steer; add a VirtualService with one, or leave `traffic` out"
    )]
    NothingToSteer,
    /// Settings of single ports, which replace those that steer.
    #[error(
        "settings of single ports replace those of locality, and `traffic` would not hold on them; write them for the whole host"
    )]
    PortLevel,
    /// Two rules of a host say the same.
    #[error(
        "{other} is for {host} too, and of the two Istio takes the older one's words and drops these; write them in one rule"
    )]
    SaidTwice {
        /// The host.
        host: String,
        /// The other rule.
        other: TemplateId,
    },
    /// The name of a subset of ours.
    #[error("`{name}` is a subset that `traffic` writes; give yours another name")]
    SubsetTaken {
        /// The name.
        name: String,
    },
    /// A subset that no rule has.
    #[error("no subset `{name}` in the DestinationRule of {host}; add it there, or leave it out here")]
    UnknownSubset {
        /// As written.
        name: String,
        /// The host.
        host: String,
    },
    /// Weights whose division leaves the range of Istio's.
    #[error(
        "these weights cannot be divided by the shares of `traffic` in whole numbers; write smaller ones"
    )]
    Weights,
}

impl Steering {
    /// What is changed in an object, in order.
    #[must_use]
    pub fn operations(&self, object: &TemplateId) -> &[Operation] {
        self.operations.get(object).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    fn add(&mut self, object: &TemplateId, operations: Vec<Operation>) {
        if !operations.is_empty() {
            self.operations.entry(object.clone()).or_default().extend(operations);
        }
    }
}

/// What is to be changed in the objects that were rendered for a target.
///
/// # Errors
///
/// The access point has a policy of traffic that would not hold on the target;
/// nothing is steered then.
pub fn steer(
    objects: &[(TemplateId, Value)],
    access_point: &AccessPoint,
    target: &Target<'_>,
    fleet: &Fleet,
) -> Result<Steering, SteerError> {
    let mut steering = Steering {
        unreached: unreached(objects.iter().map(|(id, object)| (id, object)), access_point, target, fleet),
        ..Steering::default()
    };
    if target.is_drained() {
        drain(objects, &mut steering);
    }
    let places = access_point.traffic.as_ref().map(|traffic| Places::of(traffic, target, fleet));
    let Some(places) = places else { return Ok(steering) };
    let own = Hosts::of(objects, &access_point.id.namespace);
    let mut wanted = BTreeSet::new();
    let mut is_steered = false;
    for (id, object) in objects.iter().filter(|(id, _)| id.kind == TemplateKind::VirtualService) {
        let split = routes::split(id, object, &own, &places)?;
        is_steered |= !split.wanted.is_empty();
        wanted.extend(split.wanted);
        steering.add(id, split.operations);
    }
    if !is_steered {
        return Err(nothing(objects, access_point));
    }
    for (rule, operations) in subsets::add(objects, &own, &wanted, &places)? {
        steering.add(&rule, operations);
    }
    steering.tiers = places.tiers();
    Ok(steering)
}

/// That there is nothing to steer, said of the object that could have led somewhere.
fn nothing(objects: &[(TemplateId, Value)], access_point: &AccessPoint) -> SteerError {
    let routes = objects.iter().find(|(id, _)| id.kind == TemplateKind::VirtualService);
    let object = routes.map_or_else(|| access_point.templates[0].id.clone(), |(id, _)| id.clone());
    SteerError { object, path: Pointer::default(), problem: SteerProblem::NothingToSteer }
}

/// Takes the pods of a target out of its Services.
fn drain(objects: &[(TemplateId, Value)], steering: &mut Steering) {
    for (id, object) in objects.iter().filter(|(id, _)| id.kind == TemplateKind::Service) {
        if !unreached::has_selector(object) {
            continue;
        }
        let path = way(&["spec", "selector", DRAINED_LABEL]);
        steering.add(id, vec![Operation::Add { path, value: json!("true") }]);
    }
}

/// The hosts that an access point's own Services are reached under.
pub(crate) struct Hosts {
    namespace: Name,
    services: BTreeSet<String>,
}

impl Hosts {
    pub(crate) fn of(objects: &[(TemplateId, Value)], namespace: &Name) -> Self {
        let services = objects.iter().filter(|(id, _)| id.kind == TemplateKind::Service);
        let services = services.map(|(id, _)| full_host(&id.name, namespace));
        Self { namespace: namespace.clone(), services: services.collect() }
    }

    /// The full form of a host, if it is one of the access point's own Services.
    fn own(&self, host: &str) -> Option<String> {
        let host = full_host(host, &self.namespace);
        self.services.contains(&host).then_some(host)
    }
}

/// A host as Istio resolves it: a name without a dot is a Service of the namespace.
pub(crate) fn full_host(host: &str, namespace: &Name) -> String {
    if host.contains('.') || host == "*" {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
    }
}

fn way(steps: &[&str]) -> Pointer {
    steps.iter().fold(Pointer::default(), |pointer, step| pointer.then(step))
}

#[cfg(test)]
mod tests;
