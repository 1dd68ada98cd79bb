//! A fleet of any size, and the example's access point in it.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use mesh_model::access_point::AccessPoint;
use mesh_model::api;
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::time::WallTime;
use serde_json::{Value, json};

const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");

/// Clusters of a zone.
const ZONE: u32 = 10;

/// So many clusters, ten in a zone, a third of the zones in each of the example's regions.
pub(super) fn fleet(clusters: u32) -> Fleet {
    let region = |zone: u32| ["us-west", "us-south", "us-north"][zone as usize % 3];
    let zones = (0..clusters.div_ceil(ZONE)).map(|zone| {
        read(json!({
            "apiVersion": "overspill.dev/v1alpha1", "kind": "AvailabilityZone",
            "metadata": { "name": format!("zone-{zone}") }, "spec": { "region": region(zone) },
        }))
    });
    let cluster = |number: u32| {
        read(json!({
            "apiVersion": "overspill.dev/v1alpha1", "kind": "Cluster",
            "metadata": { "name": cluster_name(number) },
            "spec": { "zone": format!("zone-{}", number / ZONE), "gateway": number.is_multiple_of(ZONE),
                "proxyMemory": { "gateway": "2GiB", "sidecar": "256MiB" } },
            "status": { "reachability": "reachable" },
        }))
    };
    Fleet::new(zones.collect(), (0..clusters).map(cluster).collect()).expect("the fleet above is right")
}

/// The example's access point by another name, on all clusters.
pub(super) fn access_point(number: u32) -> AccessPoint {
    // thousands of them are made, and JSON is read much faster than YAML
    static JSON: LazyLock<String> = LazyLock::new(|| {
        let object: Value = serde_saphyr::from_str(ACCESS_POINT).expect("the example is right");
        object.to_string()
    });
    let text = JSON.replace("checkout", &format!("checkout-{number}"));
    let mut object: api::FederatedAccessPoint = serde_json::from_str(&text).expect("the example is right");
    object.spec.placement.follow = None;
    object.spec.placement.selector = Some(api::LabelSelectorSpec::default());
    AccessPoint::try_from(object).expect("the example is right")
}

pub(super) fn cluster_name(number: u32) -> String {
    format!("cluster-{number}")
}

/// A name by its letters.
pub(super) fn name(text: &str) -> Name {
    text.parse().expect("letters, digits and hyphens")
}

/// The n-th address of a private network.
pub(super) fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

/// A Thursday at noon.
pub(super) fn wall() -> WallTime {
    WallTime::from_unix_seconds(1_795_694_400)
}

/// An object that is written here.
pub(super) fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("the object is right")
}
