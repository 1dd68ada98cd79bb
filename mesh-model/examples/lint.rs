//! What every API server accepts and what silently does nothing, found before it is pushed.
//!
//! `cargo run -p mesh-model --example lint`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::FederatedAccessPoint;
use mesh_model::lint::{FleetFacts, lint};
use mesh_model::template::Schemas;

#[path = "support/checkout.rs"]
mod checkout;

/// Failover that never happens, weights that are no hundred, an override for nobody, a provider that is not there.
const WRONG: &str = r#"
apiVersion: overspill.dev/v1alpha1
kind: FederatedAccessPoint
metadata: { name: shop, namespace: web }
spec:
  placement: { selector: {} }
  names: [{ fqdn: shop.example.com, ttl: 30s, provider: crop }]
  templates:
    - apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: { name: shop }
      spec:
        host: shop.web.svc.cluster.local
        trafficPolicy: { loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } } }
    - apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: { name: shop }
      spec:
        hosts: [shop.web.svc.cluster.local]
        http:
          - route:
              - { destination: { host: shop.web.svc.cluster.local }, weight: 60 }
              - { destination: { host: shop-new.web.svc.cluster.local }, weight: 30 }
  overrides:
    - { name: nobody, targets: { zones: [slc-z] }, rules: [{ kind: VirtualService, labels: { a: b } }] }
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let object: FederatedAccessPoint = serde_saphyr::from_str(WRONG)?;
    let facts = FleetFacts { fleet: checkout::fleet()?, ..FleetFacts::default() };
    let findings = lint(&[AccessPoint::try_from(object)?], Some(&facts), &Schemas::embedded());
    for finding in findings {
        println!("{:?} {}: {}", finding.severity, finding.code.as_str(), finding.path);
        println!("    {}", finding.message);
        println!("    {}", finding.fix);
    }
    Ok(())
}
