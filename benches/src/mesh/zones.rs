//! Calls between zones: what each cluster is to have, so that every zone calls every service.

use std::collections::BTreeMap;

use mesh_model::eastwest::{Exposed, ExposedPort, Mesh, plan};
use mesh_model::fleet::Fleet;
use mesh_model::visibility::ExportTo;
use serde_json::json;

use super::fixtures::{address, name, read};
use super::repeated;
use crate::{Scale, Work};

const ZONES: u32 = 9;

/// 9 zones with entrances, 2 clusters in each, and 8,000 services of which each is in three zones.
pub(super) fn planning(scale: Scale) -> Work {
    let (fleet, count) = (fleet(), scale.grown(8_000, 20));
    let exposed: Vec<Exposed> = (0..count).map(service).collect();
    repeated(move || {
        let plan = plan(&fleet, &Mesh::default(), &exposed).expect("nothing above contradicts");
        assert_eq!(plan.clusters.len(), 2 * ZONES as usize);
        assert!(plan.clusters[0].objects.len() >= count as usize, "{}", plan.clusters[0].objects.len());
    })
}

fn fleet() -> Fleet {
    let zone = |number: u32| {
        read(json!({
            "apiVersion": "overspill.dev/v1alpha1", "kind": "AvailabilityZone",
            "metadata": { "name": zone_name(number) },
            "spec": { "region": format!("region-{}", number % 3), "eastWest": { "addresses": [address(number)] } },
        }))
    };
    let cluster = |number: u32| {
        read(json!({
            "apiVersion": "overspill.dev/v1alpha1", "kind": "Cluster",
            "metadata": { "name": cluster_name(number / 2, number % 2) },
            "spec": { "zone": zone_name(number / 2), "gateway": number.is_multiple_of(2) },
        }))
    };
    let clusters = (0..2 * ZONES).map(cluster).collect();
    Fleet::new((0..ZONES).map(zone).collect(), clusters).expect("the fleet above is right")
}

fn service(number: u32) -> Exposed {
    let port = ExposedPort { name: "http-web".to_owned(), is_nameless: false, protocol: "HTTP" };
    let place = |step: u32| {
        let zone = (number + step) % ZONES;
        (name(&zone_name(zone)), [name(&cluster_name(zone, 1))].into())
    };
    Exposed {
        namespace: name(&format!("team-{}", number % 100)),
        name: format!("service-{number}").into(),
        ports: [(8080, port)].into(),
        export: ExportTo::default(),
        places: (0..3).map(place).collect(),
        ruled: BTreeMap::new(),
    }
}

fn zone_name(zone: u32) -> String {
    format!("zone-{zone}")
}

fn cluster_name(zone: u32, number: u32) -> String {
    format!("zone-{zone}-{number}")
}
