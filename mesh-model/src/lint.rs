//! Lint: what is accepted everywhere and silently does not do what it says.
//!
//! Each finding has a stable [`Code`], the object and field at fault, and what to
//! do. What can be seen in one access point is looked for always; what only the
//! fleet can tell (targets, providers, gateways, loads) where its facts are given.
//! A finding is never a guess: where a fact is missing, nothing is said. Files
//! and lines are known to whoever read them.

mod answers;
mod balance;
mod certificates;
mod claims;
mod code;
mod drains;
mod entries;
mod facts;
mod forms;
mod gateways;
mod hosts;
mod mtls;
mod names;
mod objects;
mod paths;
mod placed;
mod pods;
mod policies;
mod proofs;
mod provisions;
mod reach;
mod refused;
mod routes;
mod served;
mod servers;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::access_point::{AccessPoint, AccessPointId};
use crate::api::{FieldPath, Kind, Reference};
use crate::fleet::Fleet;
use crate::footprint::{Discovery, MeshService};
use crate::name::Name;
use crate::names::NameService;
use crate::patch::Pointer;
use crate::placement::Workload;
use crate::provision::{Issuer, NameProvider, VipPool};
use crate::template::{Schemas, TemplateId};
use crate::traffic::Loads;
use crate::visibility::{ExportTo, Sidecar};

pub use crate::visibility::GatewayPods;
pub use code::{Code, Severity};

use forms::{Gathered, Sites};
use placed::Placed;

/// What is known of the world around the access points.
#[derive(Clone, Debug)]
pub struct FleetFacts {
    /// Zones and clusters.
    pub fleet: Fleet,
    /// Workloads that access points follow.
    pub workloads: Vec<Workload>,
    /// The targets that access points have now, by their status: they are kept while nobody saw that nothing there
    /// needs them.
    pub current: BTreeMap<AccessPointId, BTreeSet<Name>>,
    /// All pools.
    pub pools: Vec<VipPool>,
    /// All providers of names.
    pub providers: Vec<NameProvider>,
    /// All authorities.
    pub issuers: Vec<Issuer>,
    /// Istio's Sidecars.
    pub sidecars: Vec<Sidecar>,
    /// The namespace whose Sidecar holds for all that have none.
    pub root_namespace: Name,
    /// The gateways' pods, if they are known.
    pub gateways: Option<Vec<GatewayPods>>,
    /// Who sees objects that say nothing.
    pub default_export: ExportTo,
    /// What clusters carry now, if that is known.
    pub loads: Option<Loads>,
    /// All services of the mesh by host, if they are known.
    pub services: Option<BTreeMap<String, MeshService>>,
    /// Which namespaces the control planes look at.
    pub discovery: Discovery,
    /// Names and what they lead to.
    pub names: Vec<NameService>,
}

impl Default for FleetFacts {
    fn default() -> Self {
        Self {
            fleet: Fleet::default(),
            workloads: Vec::new(),
            current: BTreeMap::new(),
            pools: Vec::new(),
            providers: Vec::new(),
            issuers: Vec::new(),
            sidecars: Vec::new(),
            root_namespace: "istio-system".parse().expect("it is a name"),
            gateways: None,
            default_export: ExportTo::default(),
            loads: None,
            services: None,
            discovery: Discovery::default(),
            names: Vec::new(),
        }
    }
}

/// Something that silently does not do what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// The object.
    #[serde(serialize_with = "as_text")]
    pub object: Reference,
    /// The field, from the top of the object.
    #[serde(serialize_with = "as_text")]
    pub path: FieldPath,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// Looks for what silently fails, in order of object and field.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::api::FederatedAccessPoint;
/// use mesh_model::lint::lint;
/// use mesh_model::template::Schemas;
///
/// let object: FederatedAccessPoint = serde_saphyr::from_str("
/// apiVersion: overspill.dev/v1alpha1
/// kind: FederatedAccessPoint
/// metadata: { name: shop, namespace: team }
/// spec:
///   placement: { selector: {} }
///   templates:
///     - apiVersion: networking.istio.io/v1
///       kind: DestinationRule
///       metadata: { name: shop }
///       spec: { host: shop, trafficPolicy: { loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-east }] } } } }
/// ")?;
/// let findings = lint(&[AccessPoint::try_from(object)?], None, &Schemas::embedded());
/// assert_eq!(findings[0].code.as_str(), "failover-without-outlier-detection");
/// assert_eq!(findings[0].path.to_string(), "spec.templates[0].spec.trafficPolicy.loadBalancer.localityLbSetting");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn lint(access_points: &[AccessPoint], facts: Option<&FleetFacts>, schemas: &Schemas) -> Vec<Finding> {
    let mut report = Report { findings: Vec::new() };
    let mut gathered = Gathered::new(facts);
    for access_point in access_points {
        let placed = facts.map(|facts| Placed::new(access_point, facts, schemas));
        forms::check(access_point, placed.as_ref(), schemas, &mut gathered, &mut report);
        if let Some(placed) = &placed {
            facts::check(access_point, placed, &mut report);
        }
    }
    let mut sites = Sites::new(facts, schemas);
    claims::check(gathered.claims, &mut sites, &mut report);
    gathered.hosts.check(&mut sites, &mut report);
    gathered.proofs.check(&mut sites, &mut report);
    gathered.answers.check(access_points, &mut sites, &mut report);
    gathered.gateways.check(access_points, &mut sites, &mut report);
    if let Some(facts) = facts {
        certificates::check(access_points, &gathered.certificates, &mut report);
        facts::check_fleet(access_points, facts, &mut report);
        names::check(access_points, facts, &mut report);
    }
    let mut findings = report.findings;
    findings.sort_by(|one, other| {
        (&one.object, &one.path, one.code, &one.message).cmp(&(
            &other.object,
            &other.path,
            other.code,
            &other.message,
        ))
    });
    findings.dedup();
    findings
}

/// What was found so far.
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, code: Code, object: Reference, path: FieldPath, message: String, fix: &str) {
        let fix = fix.to_owned();
        self.findings.push(Finding { code, severity: code.severity(), object, path, message, fix });
    }

    /// A finding of an access point.
    fn of(&mut self, id: &AccessPointId, code: Code, path: FieldPath, message: String, fix: &str) {
        self.add(code, reference(id), path, message, fix);
    }
}

fn reference(id: &AccessPointId) -> Reference {
    Reference {
        kind: Kind::FederatedAccessPoint,
        namespace: Some(id.namespace.clone()),
        name: id.name.clone(),
    }
}

/// The way to the spec's field.
fn spec(field: &str) -> FieldPath {
    FieldPath::default().field("spec").field(field)
}

/// The way to a place inside a template.
fn inside(access_point: &AccessPoint, template: &TemplateId, place: &Pointer) -> FieldPath {
    let position = access_point.templates.iter().position(|one| one.id == *template);
    let position = position.unwrap_or_default();
    let mut here = Some(&access_point.templates[position].object);
    let mut path = spec("templates").item(position);
    for step in place.steps() {
        let index = step.parse::<usize>().ok().filter(|_| here.is_none_or(Value::is_array));
        path = index.map_or_else(|| path.field(step), |index| path.item(index));
        here = here.and_then(|value| match index {
            Some(index) => value.get(index),
            None => value.get(&**step),
        });
    }
    path
}

fn as_text<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[cfg(test)]
mod tests;
