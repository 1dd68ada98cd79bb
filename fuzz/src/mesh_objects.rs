//! Any text: objects of the mesh or an error that names a field; what is valid is rendered without a panic.

use std::collections::BTreeSet;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{self, FederatedAccessPoint, Head, Kind, Resource, Spec, SpecError};
use mesh_model::fleet::{Fleet, Target};
use mesh_model::locality::{LocalityFile, Question};
use mesh_model::names::NameService;
use mesh_model::placement::{Evidence, Outcome, Workload, place, targets};
use mesh_model::provision::{Issuer, NameProvider, VipPool};
use mesh_model::render::{Rendering, compare, render};
use mesh_model::template::Schemas;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `bytes` as documents: the first is the object, zones and clusters after it are its fleet.
pub fn check(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let mut documents = text.split("\n---\n");
    let object = documents.next().unwrap_or_default();
    if let Ok(file) = serde_saphyr::from_str::<LocalityFile>(object) {
        question(file);
    }
    let head: Head = serde_saphyr::from_str(object).unwrap_or_default();
    match head.kind() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(Kind::AvailabilityZone) => drop(read::<api::AvailabilityZoneSpec>(object)),
        Ok(Kind::Cluster) => drop(read::<api::ClusterSpec>(object)),
        Ok(Kind::FederatedAccessPoint) => access_point(object, documents),
        Ok(Kind::FederatedDeployment) => checked::<_, Workload>(object),
        Ok(Kind::Issuer) => checked::<_, Issuer>(object),
        Ok(Kind::NameProvider) => checked::<_, NameProvider>(object),
        Ok(Kind::NameService) => checked::<_, NameService>(object),
        Ok(Kind::VipPool) => checked::<_, VipPool>(object),
    }
}

/// An object that is written and read again is the same one.
fn read<S>(text: &str) -> Option<Resource<S>>
where
    S: Spec<Status: Serialize + DeserializeOwned + PartialEq> + Serialize + DeserializeOwned + PartialEq,
{
    let object: Resource<S> = serde_saphyr::from_str(text).ok()?;
    let json = serde_json::to_string(&object).expect("an object can be written");
    let again: Resource<S> = serde_json::from_str(&json).expect("what is written can be read");
    assert!(again == object, "{json}");
    Some(object)
}

fn checked<S, T: TryFrom<Resource<S>, Error = SpecError>>(text: &str)
where
    S: Spec<Status: Serialize + DeserializeOwned + PartialEq> + Serialize + DeserializeOwned + PartialEq,
{
    if let Some(Err(error)) = read::<S>(text).map(T::try_from) {
        refused(&error);
    }
}

fn refused(error: &SpecError) {
    assert!(!error.path.steps().is_empty() && !error.problem.to_string().is_empty(), "{error}");
}

fn question(file: LocalityFile) {
    match Question::try_from(file) {
        Err(error) => refused(&error),
        Ok(question) => {
            let answer = question.answer();
            let loads: u32 = answer.priorities.iter().map(|one| one.load + one.degraded_load).sum();
            assert_eq!(loads, 100, "{answer:?}");
            let shares: f64 = answer.localities.iter().map(|one| one.share).sum();
            assert!(
                shares <= 1.0 + 1e-9 && answer.localities.iter().all(|one| one.share >= 0.0),
                "{answer:?}"
            );
        }
    }
}

fn access_point<'a>(text: &str, fleet: impl Iterator<Item = &'a str>) {
    let Some(object) = read::<api::AccessPointSpec>(text) else { return };
    let access_point = match AccessPoint::try_from(object as FederatedAccessPoint) {
        Ok(access_point) => access_point,
        Err(error) => return refused(&error),
    };
    let Some(fleet) = read_fleet(fleet) else { return };
    let renderings = rendered(&access_point, &fleet);
    for rendering in &renderings {
        assert!(rendering.errors.is_empty() || rendering.objects.is_empty(), "half-rendered: {rendering:?}");
    }
    assert!(compare(&renderings, &rendered(&access_point, &fleet)).targets.is_empty());
}

fn rendered(access_point: &AccessPoint, fleet: &Fleet) -> Vec<Rendering> {
    let schemas = Schemas::embedded();
    placed(access_point, fleet).iter().map(|target| render(access_point, target, &schemas)).collect()
}

/// Where it is placed, when it has no target yet.
pub(crate) fn placed<'a>(access_point: &AccessPoint, fleet: &'a Fleet) -> Vec<Target<'a>> {
    let current = BTreeSet::new();
    let evidence = Evidence { fleet, is_complete: true, workload: None, current: &current };
    let decisions = place(&access_point.placement, evidence);
    assert!(
        decisions.iter().all(|one| matches!(one.outcome, Outcome::Place | Outcome::Skip)),
        "nothing is there"
    );
    targets(&decisions, access_point.placement.level, fleet).collect()
}

/// An access point and the fleet after it, if that is what the bytes are.
pub(crate) fn access_point_and_fleet(bytes: &[u8]) -> Option<(AccessPoint, Fleet)> {
    let mut documents = core::str::from_utf8(bytes).ok()?.split("\n---\n");
    let object: FederatedAccessPoint = serde_saphyr::from_str(documents.next()?).ok()?;
    Some((AccessPoint::try_from(object).ok()?, read_fleet(documents)?))
}

fn read_fleet<'a>(documents: impl Iterator<Item = &'a str>) -> Option<Fleet> {
    let (mut zones, mut clusters) = (Vec::new(), Vec::new());
    for text in documents {
        zones.extend(read::<api::AvailabilityZoneSpec>(text));
        clusters.extend(read::<api::ClusterSpec>(text));
    }
    Fleet::new(zones, clusters).ok()
}
