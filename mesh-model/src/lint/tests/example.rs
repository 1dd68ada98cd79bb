//! The example `examples/checkout` is free of findings, with and without its fleet's facts.

use super::*;
use crate::api::{self, Head};

const FLEET: &str = include_str!("../../../../examples/checkout/fleet.yaml");
const ACCESS_POINT: &str = include_str!("../../../../examples/checkout/access-point.yaml");

fn facts() -> FleetFacts {
    let (mut zones, mut clusters, mut facts) = (Vec::new(), Vec::new(), FleetFacts::default());
    for text in FLEET.split("\n---\n") {
        let head: Head = serde_saphyr::from_str(text).unwrap();
        match head.kind().unwrap() {
            Kind::AvailabilityZone => zones.push(serde_saphyr::from_str(text).unwrap()),
            Kind::Cluster => clusters.push(serde_saphyr::from_str(text).unwrap()),
            Kind::FederatedDeployment => {
                let object: api::FederatedDeployment = serde_saphyr::from_str(text).unwrap();
                facts.workloads.push(Workload::try_from(object).unwrap());
            }
            Kind::Issuer => {
                let object: api::Issuer = serde_saphyr::from_str(text).unwrap();
                facts.issuers.push(Issuer::try_from(object).unwrap());
            }
            Kind::NameProvider => {
                let object: api::NameProvider = serde_saphyr::from_str(text).unwrap();
                facts.providers.push(NameProvider::try_from(object).unwrap());
            }
            Kind::VipPool => {
                let object: api::VipPool = serde_saphyr::from_str(text).unwrap();
                facts.pools.push(VipPool::try_from(object).unwrap());
            }
            kind @ (Kind::FederatedAccessPoint | Kind::NameService) => panic!("a {kind} in a fleet's file"),
        }
    }
    facts.fleet = Fleet::new(zones, clusters).unwrap();
    let labels = Labels::from([("istio".to_owned(), "ingressgateway".to_owned())]);
    facts.gateways = Some(vec![GatewayPods { namespace: "payments".parse().unwrap(), labels }]);
    facts
}

fn example(text: &str) -> AccessPoint {
    AccessPoint::try_from(serde_saphyr::from_str::<FederatedAccessPoint>(text).unwrap()).unwrap()
}

#[test]
fn the_example_has_no_finding() {
    let (access_point, facts) = ([example(ACCESS_POINT)], facts());
    assert_eq!(found(&access_point, None), Vec::<String>::new());
    assert_eq!(found(&access_point, Some(&facts)), Vec::<String>::new());
}

#[test]
fn faults_put_into_the_example_are_found() {
    let table = [
        ("maxEjectionPercent: 100", "maxEjectionPercent: 30", "ejection-below-local-share"),
        ("zones: [slc-a]", "zones: [slc-c]", "override-never-matches"),
        ("provider: corp", "provider: corpse", "unknown-provider"),
        ("issuer: corp-acme", "issuer: acme", "unknown-issuer"),
        ("example.com/exposure: public", "example.com/exposure: inside", "unknown-pool"),
        ("gateways: [checkout]", "gateways: [check-out]", "unknown-gateway"),
        ("us-north] }\n\n  rollout", "us-nord] }\n\n  rollout", "unknown-region"),
        ("selector: { istio: ingressgateway }", "selector: { istio: gateway }", "gateway-selects-nothing"),
    ];
    let facts = facts();
    for (right, wrong, code) in table {
        assert!(ACCESS_POINT.contains(right), "{right}");
        let found = found(&[example(&ACCESS_POINT.replace(right, wrong))], Some(&facts));
        assert!(found.iter().any(|one| one.ends_with(code)), "{wrong}: {found:?}");
    }
}
