//! Plans: every flow goes where it should by the model, none twice, and what cannot be asked is told.

use lb_core::config::LbFile;
use lb_core::scheduler::Scheduler;

use super::*;
use crate::probe::paths::load;

fn subjects(scheduler: &str, more: &str) -> (HashKey, Vec<Subject>) {
    let text = format!(
        r#"{{
            "node": {{ "address": "10.0.0.11" }},
            "hashKey": "000102030405060708090a0b0c0d0e0f",
            {more}
            "services": [{{
                "vip": "203.0.113.10", "port": 443, "protocol": "tcp",
                "scheduler": {scheduler},
                "backends": [
                    {{ "address": "10.1.0.7", "weight": 1 }},
                    {{ "address": "10.1.0.5", "weight": 3 }},
                    {{ "address": "10.1.0.6", "weight": 1 }},
                    {{ "address": "10.1.0.8", "weight": 1, "state": "drain" }}
                ]
            }}]
        }}"#
    );
    load(serde_json::from_str::<LbFile>(&text).unwrap()).unwrap()
}

fn checker(sources: &[&str]) -> Checker {
    let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
    Checker { sources, ports: 2_000..=3_000, first: 2_990, tries: 2 }
}

#[test]
fn every_flow_leads_to_its_gateway() {
    for scheduler in [
        r#"{ "kind": "maglev" }"#,
        r#"{ "kind": "rendezvous" }"#,
        r#"{ "kind": "ring" }"#,
        r#"{ "kind": "ipvs-mh", "port": true, "fallback": true }"#,
        r#"{ "kind": "ipvs-sh", "port": true }"#,
    ] {
        let (key, subjects) = subjects(scheduler, "");
        let plan = plan(&key, &subjects, 3, &checker(&["192.0.2.1", "2001:db8::1"])).unwrap();
        assert_eq!((plan.paths.len(), plan.gaps.len()), (9, 0), "{scheduler}: three nodes, three gateways");
        let service = &subjects[0].service;
        let model = Scheduler::new(service, key, &mut TableCache::default(), None).unwrap();
        let mut used = BTreeSet::new();
        for path in &plan.paths {
            assert_eq!(path.flows.len(), 2, "{scheduler}");
            for flow in &path.flows {
                assert!(used.insert(*flow), "{flow:?} twice");
                let IpAddr::V4(source) = flow.source else { panic!("{flow:?}") };
                let flow = FlowKey::v4(Protocol::TCP, (source, flow.port), ([203, 0, 113, 10].into(), 443));
                let backend = model.schedule(&flow).expect("somebody takes it");
                assert_eq!(service.backends[backend].endpoint.address, path.gateway, "{scheduler}");
            }
        }
        let gateways: BTreeSet<_> = plan.paths.iter().map(|path| (path.node, path.gateway)).collect();
        assert_eq!(gateways.len(), 9);
        assert!(!gateways.iter().any(|(_, gateway)| *gateway == IpAddr::from([10, 1, 0, 8])), "it drains");
    }
}

#[test]
fn without_ports_in_the_hash_more_sources_are_needed() {
    let (key, subjects) = subjects(r#"{ "kind": "ipvs-mh" }"#, "");
    let one = plan(&key, &subjects, 2, &checker(&["192.0.2.1"])).unwrap();
    assert_eq!((one.paths.len(), one.gaps.len()), (2, 2), "one source leads to one gateway");
    assert!(one.gaps.iter().all(|gap| gap.why == GapReason::NoFlow && gap.gateway.is_some()));
    let many: Vec<String> = (1..=40).map(|last| format!("192.0.2.{last}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let all = plan(&key, &subjects, 2, &checker(&many)).unwrap();
    assert_eq!((all.paths.len(), all.gaps.len()), (6, 0));
}

#[test]
fn what_cannot_be_asked_is_told() {
    let (key, v4) = subjects(r#"{ "kind": "maglev" }"#, "");
    let gap = |why| vec![Gap { subject: 0, gateway: None, why }];
    let plan_of = |subjects: &[Subject], sources| plan(&key, subjects, 1, &checker(sources)).unwrap();
    assert_eq!(plan_of(&v4, &["2001:db8::1"]).gaps, gap(GapReason::NoSource));
    let (_, dns) =
        subjects(r#"{ "kind": "maglev" }"#, r#""health": { "check": { "kind": "dns", "name": "a" } },"#);
    assert_eq!(plan_of(&dns, &["192.0.2.1"]).gaps, gap(GapReason::Check));
    let (_, ping) = subjects(r#"{ "kind": "maglev" }"#, r#""health": { "check": { "kind": "icmp" } },"#);
    assert_eq!(plan_of(&ping, &["192.0.2.1"]).gaps, gap(GapReason::Check));
}

#[test]
fn the_search_begins_elsewhere_each_time_and_goes_round() {
    let (key, subjects) = subjects(r#"{ "kind": "maglev" }"#, "");
    let ports = |first| {
        let checker = Checker { first, ..checker(&["192.0.2.1"]) };
        let plan = plan(&key, &subjects, 3, &checker).unwrap();
        plan.paths.into_iter().flat_map(|path| path.flows).map(|flow| flow.port).collect::<BTreeSet<u16>>()
    };
    assert!(ports(2_000).is_disjoint(&ports(2_500)));
    let round = ports(2_999);
    assert!(round.contains(&2_999) && round.contains(&2_000) && round.len() == 18, "{round:?}");
}
