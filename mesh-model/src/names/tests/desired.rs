//! From access points, placements and addresses to records.

use super::*;
use crate::access_point::AccessPoint;
use crate::fleet::Fleet;
use crate::fleet::tests::fleet;
use crate::placement::{Evidence, place};
use crate::vip::Held;

fn access_point(name: &str, spec: &str) -> AccessPoint {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: {name}, namespace: n }}, spec: {{ \
         templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: a }}, spec: {{ ports: [{{ port: 1 }}] }} }}], {spec} }} }}"
    );
    let object: crate::api::FederatedAccessPoint = serde_saphyr::from_str(&text).unwrap();
    AccessPoint::try_from(object).unwrap()
}

fn held(owner: &str, address: &str) -> Held {
    Held {
        owner: owner.parse().unwrap(),
        pool: "p".parse().unwrap(),
        addresses: vec![address.parse().unwrap()],
        sharing_key: None,
        isolation_group: None,
        ports: [].into(),
    }
}

/// What `corp` is wanted to have by an access point that has these targets now.
fn corp(
    access_point: &AccessPoint,
    fleet: &Fleet,
    is_complete: bool,
    current: &[&str],
    all: &[Held],
) -> Vec<Wanted> {
    let current = current.iter().map(|name| name.parse().unwrap()).collect();
    let evidence = Evidence { fleet, is_complete, workload: None, current: &current };
    let decisions = place(&access_point.placement, evidence);
    let find = |key: &ClaimKey| all.iter().find(|held| held.owner == *key);
    let health = |target: &Name| if target == "slc-a-2" { Health::Unhealthy } else { Health::Healthy };
    wanted(access_point, &decisions, fleet, find, health).remove("corp").unwrap_or_default()
}

const NAMES: &str =
    "names: [{ fqdn: shop.example.com, provider: corp, ttl: 60s }, { fqdn: a.example.org, provider: else }]";

#[test]
fn each_target_with_its_own_address_health_and_drain() {
    let spec = format!("placement: {{ selector: {{}} }}, vip: {{ scope: target }}, {NAMES}");
    let (one, fleet) = (access_point("x", &spec), fleet());
    let all = [
        held("n/x@slc-a-1", "10.0.0.1"),
        held("n/x@slc-a-2", "10.0.0.2"),
        held("n/x@slc-b-1", "10.0.0.3"),
        held("n/x@lvs-a-1", "10.0.0.4"),
    ];
    let records = settled(corp(&one, &fleet, true, &[], &all));
    // slc-a-2 is unhealthy, slc-b-1 is drained, lvs-a-2 has no address yet
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.1 10.0.0.4");
    assert!(records.iter().all(|record| record.name.as_str() != "a.example.org"), "another provider's");
    // another access point shares the name: all its targets count, too
    let other = access_point("y", &spec);
    let mut both = corp(&one, &fleet, true, &[], &all);
    both.extend(corp(&other, &fleet, true, &[], &[held("n/y@slc-a-1", "10.1.0.1")]));
    assert_eq!(values(&settled(both), SHOP, "A"), "10.0.0.1 10.0.0.4 10.1.0.1");
}

#[test]
fn a_target_that_was_not_read_keeps_its_record_and_one_that_is_let_go_does_not() {
    let one =
        access_point("x", &format!("placement: {{ zones: [slc-a] }}, vip: {{ scope: target }}, {NAMES}"));
    let all = [held("n/x@slc-a-1", "10.0.0.1"), held("n/x@gone", "10.0.0.9")];
    let both = corp(&one, &fleet(), false, &["slc-a-1", "gone"], &all);
    let records = settled(both);
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.1 10.0.0.9");
    // nothing was read, and nobody knows the addresses any more
    let blind = corp(&one, &Fleet::default(), false, &["slc-a-1", "gone"], &[]);
    let nothing = plan(&blind, &records, &provider("0"), None);
    assert_eq!((&nothing.changes[..], errors(&nothing)), (&[][..], vec![]));
    let whole = corp(&one, &fleet(), true, &["slc-a-1", "gone"], &all);
    let left = plan(&whole, &records, &provider("1"), None);
    assert_eq!(left.deletions, 1, "it left the fleet");
}

#[test]
fn one_address_for_all_targets_stays_while_any_has_it() {
    let one =
        access_point("x", &format!("placement: {{ zones: [slc-a, slc-b] }}, vip: {{ scope: all }}, {NAMES}"));
    let all = [held("n/x", "10.0.0.1")];
    let records = settled(corp(&one, &fleet(), true, &[], &all));
    assert_eq!(values(&records, SHOP, "A"), "10.0.0.1");
    let marks = records.iter().find(|record| record.kind == RecordKind::Txt).unwrap();
    assert_eq!(marks.values.len(), 1, "only slc-a-1 is healthy and not drained: {marks:?}");
}
