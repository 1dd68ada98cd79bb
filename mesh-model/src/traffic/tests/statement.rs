//! The statement itself, `local_share = w x min(100, 140 x healthy) / 100`, against whatever could spoil it: shares,
//! zones that fail one after the other, degraded hosts, panic, either Istio; then the table that the
//! documentation shows beside `distribute`.

use super::meaning::{home_share, rendered_share};
use super::order::{balancer, fleet_with};
use super::*;
use crate::locality::{LocalityFile, Question};
use crate::units::Share;

/// How a region's hosts are in a case.
#[derive(Clone, Copy, Debug)]
struct Case {
    istio: &'static str,
    local: &'static str,
    /// The hosts of the zones of home, together 100.
    zones: &'static [u32],
    /// Whether hosts that are not healthy are degraded, or else dead.
    are_degraded: bool,
    panic: u32,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for istio in ["", ", istio: \"1.31\""] {
        for local in ["100%", "99%", "50%", "0.5%"] {
            for zones in [&[100][..], &[60, 40], &[98, 1, 1]] {
                for (are_degraded, panic) in [(false, 0), (false, 50), (true, 0), (true, 50)] {
                    cases.push(Case { istio, local, zones, are_degraded, panic });
                }
            }
        }
    }
    cases
}

/// A question of a subset; its first endpoints are the zones of home.
fn question(rendering: &Rendering, subset: &str, case: Case) -> Question {
    let host = |locality: String, region: &str, hosts: u32| json!({ "locality": locality, "hosts": hosts, "weight": hosts, "labels": { "topology.kubernetes.io/region": region } });
    let home = case.zones.iter().enumerate();
    let home = home.map(|(zone, hosts)| host(format!("us-west/{zone}"), "us-west", *hosts));
    let others = ["us-south", "us-north"].map(|region| host(format!("{region}/0"), region, 100));
    let mut policy = rendering.objects[1]["spec"]["trafficPolicy"].clone();
    policy["loadBalancer"] = balancer(rendering, subset);
    let file = json!({ "from": "us-west/0", "proxyLabels": { "app": "gateway" }, "policy": policy,
        "panicThreshold": case.panic, "endpoints": home.chain(others).collect::<Vec<_>>() });
    let file: LocalityFile = serde_json::from_value(file).unwrap();
    Question::try_from(file).unwrap_or_else(|error| panic!("Istio would refuse it: {error}"))
}

/// What home gets of a subset with so many of its 100 hosts healthy, the last zones failing last.
fn share_of_home(question: &mut Question, case: Case, mut healthy: u32) -> f64 {
    for (position, hosts) in case.zones.iter().enumerate().rev() {
        let counts = &mut question.endpoints[position].counts;
        counts.healthy = healthy.min(*hosts);
        counts.degraded = if case.are_degraded { hosts - counts.healthy } else { 0 };
        healthy -= counts.healthy;
    }
    question.answer().localities[..case.zones.len()].iter().map(|one| one.share).sum()
}

#[test]
fn the_local_share_is_the_formula_whatever_could_spoil_it() {
    for case in cases() {
        let traffic = format!("{{ local: {}, regions: [us-west, us-south, us-north] }}", case.local);
        let rendering =
            on(&access_point(POLICY, ROUTE, &traffic), &fleet_with(case.istio, &[], &[]), "slc-a-1");
        let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
        let weight = |one: &Value| one.get("weight").map_or(100, |weight| weight.as_u64().unwrap());
        let total: u64 = route.iter().map(weight).sum();
        let mut parts: Vec<(f64, Question)> = Vec::new();
        for one in route {
            let subset = one["destination"]["subset"].as_str().unwrap();
            parts.push((weight(one) as f64 / total as f64, question(&rendering, subset, case)));
        }
        let local: Share = case.local.parse().unwrap();
        for healthy in 0..=100 {
            let found: f64 = parts
                .iter_mut()
                .map(|(weight, question)| *weight * share_of_home(question, case, healthy))
                .sum();
            let promised = f64::from(local_share(local, healthy, 100).as_millionths()) / 1e6;
            assert!((found - promised).abs() < 2e-6, "{case:?} {healthy}: {found} {promised}");
        }
    }
}

/// Where nobody else is left the formula has nowhere to spill to, and home keeps all that it can answer.
#[test]
fn with_one_region_or_none_that_is_well_nothing_is_lost_but_the_last_host() {
    let drained = fleet_with("", &["phx-a", "rno-a"], &[]);
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &drained, "slc-a-1");
    let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
    assert_eq!(route.len(), 1, "what goes nowhere else stays");
    let dead = |question: &mut Question, at: usize| question.endpoints[at].counts.healthy = 0;
    for panic in [0, 50] {
        let case = Case { istio: "", local: "99%", zones: &[100], are_degraded: false, panic };
        let mut question = question(&rendering, HOME, case);
        for at in [1, 2] {
            dead(&mut question, at);
        }
        for healthy in 1..=100 {
            let found = share_of_home(&mut question, case, healthy);
            // below the threshold Envoy no longer asks who is well, and takes from the dead of all regions
            let is_panic = healthy < panic;
            let expected = if is_panic { 1.0 / 3.0 } else { 1.0 };
            assert!((found - expected).abs() < 0.01, "{panic} {healthy}: {found}");
        }
    }
}

#[test]
fn without_failover_nothing_spills_and_the_last_host_takes_it_all() {
    let traffic = "{ local: 99%, failover: false, regions: [us-west, us-south, us-north] }";
    for istio in ["", ", istio: \"1.31\""] {
        let rendering = on(&access_point(POLICY, ROUTE, traffic), &fleet_with(istio, &[], &[]), "slc-a-1");
        for panic in [0, 50] {
            let case = Case { istio: "", local: "99%", zones: &[60, 40], are_degraded: false, panic };
            let [mut home, mut away] = [HOME, AWAY].map(|subset| question(&rendering, subset, case));
            for healthy in 0..=100 {
                // with nobody left and no panic Envoy answers 503
                let expected = if healthy == 0 && panic == 0 { 0.0 } else { 1.0 };
                assert!(
                    (share_of_home(&mut home, case, healthy) - expected).abs() < 1e-9,
                    "{panic} {healthy}"
                );
                assert!(share_of_home(&mut away, case, healthy).abs() < 1e-9, "{panic} {healthy}");
            }
        }
    }
}

#[test]
fn the_documented_table_is_what_comes_out() {
    let documented = include_str!("../regions.rs");
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet(&[]), "slc-a-1");
    let distribute = json!({ "outlierDetection": {}, "loadBalancer": { "localityLbSetting": { "distribute": [
        { "from": "us-west/*", "to": { "us-west/*": 99, "us-south/*": 1 } }] } } });
    for healthy in [100, 75, 71, 50, 25, 10, 1, 0] {
        let cells = |share: f64| match healthy {
            0 => format!("{:.2} % | -", share * 100.0),
            _ => format!("{:.2} % | {:.2}", share * 100.0, share / 0.99 * 100.0 / f64::from(healthy)),
        };
        let (ours, theirs) = (rendered_share(&rendering, healthy), home_share(&distribute, healthy));
        let row = format!("/// | {healthy} % | {} | {} |\n", cells(ours), cells(theirs));
        assert!(documented.contains(&row), "{row}");
    }
}
