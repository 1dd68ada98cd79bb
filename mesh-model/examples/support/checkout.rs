//! The files of `examples/checkout`, as the examples of this package read them.
//!
//! A file holds many objects, and an adapter has a YAML reader that knows documents and lines;
//! here they are cut at `---`.
#![allow(dead_code, reason = "each example uses what it needs")]

use std::error::Error;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{FederatedAccessPoint, FederatedDeployment};
use mesh_model::fleet::Fleet;
use mesh_model::placement::Workload;

/// The platform team's file.
pub(crate) const FLEET: &str = include_str!("../../../examples/checkout/fleet.yaml");
/// The payments team's file.
pub(crate) const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");

/// The access point, checked.
pub(crate) fn access_point() -> Result<AccessPoint, Box<dyn Error>> {
    let object: FederatedAccessPoint = serde_saphyr::from_str(ACCESS_POINT)?;
    Ok(AccessPoint::try_from(object)?)
}

/// The access point as its team edits it, and as the API server then gives it: with a number of the spec.
pub(crate) fn access_point_edited(
    generation: u64,
    edits: &[(&str, &str)],
) -> Result<AccessPoint, Box<dyn Error>> {
    let mut text = ACCESS_POINT.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the file has no `{from}`");
        text = text.replace(from, to);
    }
    let mut object: FederatedAccessPoint = serde_saphyr::from_str(&text)?;
    object.metadata.generation = generation;
    Ok(AccessPoint::try_from(object)?)
}

/// Its fleet.
pub(crate) fn fleet() -> Result<Fleet, Box<dyn Error>> {
    fleet_with(|_| false)
}

/// Its fleet, in which the zones that `is_drained` says are drained.
pub(crate) fn fleet_with(is_drained: impl Fn(&str) -> bool) -> Result<Fleet, Box<dyn Error>> {
    let (mut zones, mut clusters) = (Vec::new(), Vec::new());
    for text in FLEET.split("\n---\n") {
        if text.contains("kind: AvailabilityZone") {
            let mut zone: mesh_model::api::AvailabilityZone = serde_saphyr::from_str(text)?;
            zone.spec.drain = is_drained(zone.metadata.name.as_str());
            zones.push(zone);
        } else if text.contains("kind: Cluster\n") {
            clusters.push(serde_saphyr::from_str(text)?);
        }
    }
    Ok(Fleet::new(zones, clusters)?)
}

/// The workload that the access point follows.
pub(crate) fn workload() -> Result<Workload, Box<dyn Error>> {
    let text = FLEET.split("\n---\n").find(|text| text.contains("kind: FederatedDeployment"));
    let object: FederatedDeployment = serde_saphyr::from_str(text.ok_or("the file has one")?)?;
    Ok(Workload::try_from(object)?)
}
