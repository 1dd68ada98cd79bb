//! The example `examples/checkout`: it parses, is what its README says, and renders as it explains.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use std::collections::{BTreeMap, BTreeSet};

use mesh_model::access_point::{AccessPoint, PlacementRule};
use mesh_model::api::{self, Head, Kind, PlacementLevel};
use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::placement::{Decision, Evidence, Outcome, Workload, place, targets};
use mesh_model::provision::{Issuer, NameProvider, VipPool};
use mesh_model::render::{Rendering, compare, render};
use mesh_model::template::{Schemas, TemplateKind};

const FLEET: &str = include_str!("../../examples/checkout/fleet.yaml");
const ACCESS_POINT: &str = include_str!("../../examples/checkout/access-point.yaml");

/// All that the files hold, checked.
struct Example {
    fleet: Fleet,
    workload: Workload,
    pools: Vec<VipPool>,
    providers: Vec<NameProvider>,
    issuers: Vec<Issuer>,
    access_point: AccessPoint,
}

fn example() -> Example {
    let (mut zones, mut clusters, mut workloads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pools, mut providers, mut issuers) = (Vec::new(), Vec::new(), Vec::new());
    for text in FLEET.split("\n---\n") {
        let head: Head = serde_saphyr::from_str(text).unwrap();
        match head.kind().unwrap() {
            Kind::AvailabilityZone => zones.push(serde_saphyr::from_str(text).unwrap()),
            Kind::Cluster => clusters.push(serde_saphyr::from_str(text).unwrap()),
            Kind::FederatedDeployment => {
                let object: api::FederatedDeployment = serde_saphyr::from_str(text).unwrap();
                workloads.push(Workload::try_from(object).unwrap());
            }
            Kind::Issuer => {
                issuers.push(Issuer::try_from(serde_saphyr::from_str::<api::Issuer>(text).unwrap()).unwrap());
            }
            Kind::NameProvider => {
                let object: api::NameProvider = serde_saphyr::from_str(text).unwrap();
                providers.push(NameProvider::try_from(object).unwrap());
            }
            Kind::VipPool => {
                pools.push(VipPool::try_from(serde_saphyr::from_str::<api::VipPool>(text).unwrap()).unwrap());
            }
            kind @ (Kind::FederatedAccessPoint | Kind::NameService) => panic!("a {kind} in a fleet's file"),
        }
    }
    let access_point: api::FederatedAccessPoint = serde_saphyr::from_str(ACCESS_POINT).unwrap();
    Example {
        fleet: Fleet::new(zones, clusters).unwrap(),
        workload: workloads.remove(0),
        pools,
        providers,
        issuers,
        access_point: AccessPoint::try_from(access_point).unwrap(),
    }
}

impl Example {
    fn decisions(&self, current: &[&str]) -> Vec<Decision> {
        let current: BTreeSet<Name> = current.iter().map(|name| name.parse().unwrap()).collect();
        let evidence = Evidence {
            fleet: &self.fleet,
            is_complete: true,
            workload: Some(&self.workload),
            current: &current,
        };
        place(&self.access_point.placement, evidence)
    }

    fn renderings(&self) -> Vec<Rendering> {
        let schemas = Schemas::embedded();
        let decisions = self.decisions(&["rno-c-3"]);
        let targets = targets(&decisions, PlacementLevel::Cluster, &self.fleet);
        targets.map(|target| render(&self.access_point, &target, &schemas)).collect()
    }
}

#[test]
fn the_fleet_is_as_large_as_it_says() {
    let example = example();
    assert_eq!((example.fleet.zones().len(), example.fleet.clusters().len()), (9, 26));
    let mut sizes: BTreeMap<&Name, usize> = BTreeMap::new();
    for cluster in example.fleet.clusters() {
        *sizes.entry(&cluster.zone).or_default() += 1;
    }
    assert!(sizes.values().all(|size| (2..=4).contains(size)));
    assert!(example.fleet.zones().all(|zone| zone.gateway.is_some()), "every zone has a gateway cluster");
}

#[test]
fn the_access_point_has_templates_of_all_kinds_and_what_it_names_is_there() {
    let example = example();
    let kinds: BTreeSet<TemplateKind> =
        example.access_point.templates.iter().map(|template| template.id.kind).collect();
    assert_eq!(kinds, TemplateKind::ALL.into_iter().collect());
    let schemas = Schemas::embedded();
    for template in &example.access_point.templates {
        assert_eq!(schemas.check(template), [], "{template}");
    }
    let access_point = &example.access_point;
    let pool_name = access_point.vip.as_ref().and_then(|vip| vip.pool.clone()).unwrap();
    let pool = example.pools.iter().find(|pool| pool.name == pool_name).unwrap();
    assert!(pool.admits(&access_point.id.namespace, &access_point.labels));
    let name = &access_point.names[0];
    let provider = example.providers.iter().find(|provider| provider.name == name.provider).unwrap();
    assert!(provider.serves(&name.fqdn));
    assert_eq!(access_point.issuer.as_ref(), Some(&example.issuers[0].name));
    let PlacementRule::Follow(workload) = &access_point.placement.rule else { panic!("it follows") };
    assert_eq!((workload, &access_point.id.namespace), (&example.workload.name, &example.workload.namespace));
    let regions: BTreeSet<&Name> = example.fleet.zones().map(|zone| &zone.region).collect();
    assert_eq!(access_point.traffic.as_ref().unwrap().regions.iter().collect::<BTreeSet<_>>(), regions);
}

#[test]
fn it_has_six_targets_one_before_the_workload_and_one_until_it_has_left() {
    let example = example();
    let of = |current: &[&str], outcome: Outcome| -> Vec<String> {
        let decisions = example.decisions(current).into_iter().filter(|decision| decision.outcome == outcome);
        decisions.map(|decision| decision.target.to_string()).collect()
    };
    let wanted = ["phx-a-1", "phx-c-2", "rno-b-1", "slc-a-1", "slc-b-2"];
    assert_eq!(of(&["rno-c-3"], Outcome::Place), wanted);
    assert_eq!(of(&["rno-c-3"], Outcome::Retain), ["rno-c-3"]);
    assert_eq!(
        of(&[], Outcome::Retain),
        Vec::<String>::new(),
        "it is not added where the workload only leaves"
    );
}

#[test]
fn its_renderings_differ_where_its_overrides_say() {
    let renderings = example().renderings();
    assert_eq!(renderings.len(), 6);
    for rendering in &renderings {
        assert_eq!(rendering.errors, [], "{}", rendering.target);
        let is_slc = rendering.target.as_str().starts_with("slc");
        assert_eq!(rendering.objects.len(), if is_slc { 9 } else { 7 }, "{}", rendering.target);
        let service = &rendering.objects[0];
        let cluster = rendering.target.as_str();
        let zone = cluster.rsplit_once('-').unwrap().0;
        assert_eq!(service["metadata"]["labels"]["example.com/zone"], zone);
        let header = &rendering.objects[2]["spec"]["http"][0]["headers"]["response"]["set"]["x-served-by"];
        assert_eq!(header, cluster);
        let http = &rendering.objects[3]["spec"]["trafficPolicy"]["connectionPool"]["http"];
        assert_eq!(http["http2MaxRequests"], if zone == "slc-a" { 8_192 } else { 4_096 });
    }
    let again = example().renderings();
    assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&renderings).unwrap());
    assert_eq!(compare(&again, &renderings).targets, []);
}
