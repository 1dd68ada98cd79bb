//! Tests of locality: Envoy's own rows and the figures of its documents, Istio's
//! own rows, policies that Istio refuses, and what a keep-warm share really does.

mod envoy;
mod policy;

use proptest::prelude::*;

use super::*;

fn counts((hosts, healthy, degraded, excluded): (u32, u32, u32, u32)) -> HostCounts {
    HostCounts { hosts, healthy, degraded, excluded }
}

/// One row: priorities as (hosts, healthy, degraded, excluded), threshold; loads, degraded loads, panic.
type Row<'a> = (&'a [(u32, u32, u32, u32)], u32, &'a [u32], &'a [u32], &'a [bool]);

fn check_rows(rows: &[Row<'_>]) {
    for (priorities, threshold, load, degraded, panic) in rows {
        let counts: Vec<HostCounts> = priorities.iter().copied().map(counts).collect();
        let loads = loads(&counts, 140, *threshold);
        let found: Vec<u32> = loads.iter().map(|one| one.load).collect();
        assert_eq!(found, *load, "{priorities:?}");
        let found: Vec<u32> = loads.iter().map(|one| one.degraded_load).collect();
        assert_eq!(found, *degraded, "degraded of {priorities:?}");
        let found: Vec<bool> = loads.iter().map(|one| one.panic).collect();
        assert_eq!(found, *panic, "panic of {priorities:?}");
    }
}

/// The rows of `load_balancer_impl_base_test.cc`, panic threshold 50 where not said.
#[test]
fn envoys_own_rows() {
    const N: bool = false;
    const Y: bool = true;
    check_rows(&[
        (&[(1, 0, 0, 0), (2, 0, 0, 0)], 50, &[34, 66], &[0, 0], &[Y, Y]),
        (&[(4, 2, 0, 0), (4, 2, 0, 0)], 50, &[70, 30], &[0, 0], &[N, N]),
        (&[(4, 1, 0, 0), (2, 2, 0, 0)], 50, &[35, 65], &[0, 0], &[N, N]),
        (&[(4, 1, 0, 0), (4, 1, 0, 0)], 50, &[50, 50], &[0, 0], &[Y, Y]),
        (&[(4, 1, 0, 3), (5, 1, 0, 0)], 50, &[100, 0], &[0, 0], &[N, N]),
        (&[(4, 0, 0, 4), (4, 1, 0, 0)], 50, &[50, 50], &[0, 0], &[Y, Y]),
        (&[(4, 0, 0, 1), (6, 1, 0, 2)], 50, &[40, 60], &[0, 0], &[Y, Y]),
        (&[(5, 1, 0, 0), (5, 1, 0, 0), (5, 1, 0, 0)], 50, &[34, 33, 33], &[0, 0, 0], &[Y, Y, Y]),
        (&[(5, 0, 0, 0), (5, 0, 0, 0), (5, 4, 0, 0)], 50, &[0, 0, 100], &[0, 0, 0], &[N, N, N]),
        (&[(5, 0, 0, 0), (5, 0, 0, 0), (5, 2, 0, 0)], 50, &[34, 33, 33], &[0, 0, 0], &[Y, Y, Y]),
        (&[(5, 0, 5, 0), (5, 2, 2, 0), (5, 2, 0, 0)], 50, &[0, 56, 44], &[0, 0, 0], &[N, N, N]),
        (&[(5, 0, 0, 0), (6, 2, 0, 0), (3, 1, 0, 0)], 50, &[37, 42, 21], &[0, 0, 0], &[Y, Y, Y]),
        (&[(5, 0, 1, 0), (5, 0, 5, 0), (5, 1, 0, 0)], 50, &[0, 0, 28], &[28, 44, 0], &[N, N, N]),
        (&[(5, 0, 0, 0), (5, 0, 2, 0), (5, 0, 1, 0)], 0, &[0, 0, 0], &[0, 67, 33], &[N, N, N]),
        (&[(0, 0, 0, 0), (6, 0, 0, 0), (3, 0, 0, 0)], 50, &[0, 67, 33], &[0, 0, 0], &[Y, Y, Y]),
        (&[(4, 0, 0, 0), (4, 0, 0, 0)], 0, &[100, 0], &[0, 0], &[N, N]),
        (&[(0, 0, 0, 0)], 50, &[100], &[0], &[Y]),
    ]);
    let one = |(hosts, healthy): (u32, u32)| HostCounts { hosts, healthy, ..HostCounts::default() };
    let loads = loads(&[one((4, 2)), one((4, 2))], 100, 50);
    assert_eq!([loads[0].load, loads[1].load], [50, 50], "without overprovisioning");
    let three: Vec<HostCounts> = [(4, 1); 3].map(one).into();
    let found: Vec<u32> = super::loads(&three, 140, 0).iter().map(|one| one.load).collect();
    assert_eq!(found, [35, 35, 30]);
}

/// The figures of Envoy's documents, and where its code says otherwise.
#[test]
fn figures_of_the_documents() {
    let hundred = |healthy: &[u32], threshold| -> Vec<u32> {
        let counts: Vec<HostCounts> = healthy.iter().map(|healthy| counts((100, *healthy, 0, 0))).collect();
        loads(&counts, 140, threshold).iter().map(|one| one.load).collect()
    };
    for (health, load) in [(100, 100), (72, 100), (71, 99), (50, 70), (25, 35), (0, 0)] {
        assert_eq!(hundred(&[health, 100], 50), [load, 100 - load], "{health} %");
    }
    for (health, load) in [(72, 100), (71, 99), (50, 70), (25, 50)] {
        assert_eq!(hundred(&[health, health], 50), [load, 100 - load], "both {health} %");
    }
    assert_eq!(hundred(&[25, 25, 100], 50), [35, 35, 30]);
    assert_eq!(hundred(&[25, 25, 20], 0), [37, 35, 28], "the documents say 36, 36, 28");
    assert_eq!(hundred(&[25, 25, 20], 50), [34, 33, 33], "all are in panic");
    assert_eq!(hundred(&[5, 65], 50), [8, 92], "the documents say 7, 93");
}

pub(super) fn answer(text: &str) -> Answer {
    question(text).unwrap_or_else(|error| panic!("{error}\n{text}")).answer()
}

pub(super) fn question(text: &str) -> Result<Question, String> {
    let file: LocalityFile =
        serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
    Question::try_from(file).map_err(|error| error.to_string())
}

/// Weights 1 to 2 inside one priority, what X gets as its hosts fail: the documents' 33, 33, 32, 26, 15, 0 %.
#[test]
fn locality_weights_inside_a_priority() {
    // a rule for elsewhere changes no weight, and yet weights count
    let setting = "{ distribute: [{ from: elsewhere, to: { any: 100 } }] }";
    for (healthy, percent) in [(100, 33.33), (70, 32.89), (69, 32.57), (50, 25.93), (25, 14.89), (0, 0.0)] {
        let answer = answer(&format!(
            "{{ from: a/1, policy: {{ loadBalancer: {{ localityLbSetting: {setting} }} }}, panicThreshold: 0, \
             endpoints: [{{ locality: x, hosts: 100, healthy: {healthy}, weight: 1 }}, {{ locality: y, hosts: 100, weight: 2 }}] }}"
        ));
        let share = (answer.localities[0].share * 10_000.0).round() / 100.0;
        assert!((share - percent).abs() < 0.001, "{healthy} %: {share}");
    }
}

/// A share of 99 to 1 keeps the way warm and fails over only when all is lost;
/// failover by priority sends the rest away, and nobody has more than 1.4 of the normal load.
#[test]
fn what_99_to_1_means_while_local_health_falls() {
    let local = |policy: &str, healthy: u32| {
        let answer = answer(&format!(
            "{{ from: west/a, policy: {{ outlierDetection: {{}}, loadBalancer: {{ localityLbSetting: {policy} }} }}, \
             endpoints: [{{ locality: west/a, hosts: 100, healthy: {healthy} }}, {{ locality: east/a, hosts: 100 }}] }}"
        ));
        (answer.localities[0].share * 10_000.0).round() / 100.0
    };
    let distribute = "{ distribute: [{ from: west, to: { west: 99, east: 1 } }] }";
    let failover = "{ failover: [{ from: west, to: east }] }";
    let table = [
        (100, 99.0, 100.0),
        (75, 99.0, 100.0),
        (50, 98.58, 70.0),
        (25, 97.19, 35.0),
        (10, 93.27, 14.0),
        (0, 0.0, 0.0),
    ];
    for (healthy, by_weight, by_priority) in table {
        assert_eq!(
            (local(distribute, healthy), local(failover, healthy)),
            (by_weight, by_priority),
            "{healthy} %"
        );
        let overload = by_priority / f64::from(healthy.max(1));
        assert!(overload <= 1.4 + f64::EPSILON, "{overload}");
    }
}

proptest! {
    #[test]
    fn loads_are_100_together_and_shares_at_most_1(
        priorities in prop::collection::vec((0_u32..50, 0_u32..50, 0_u32..50, 0_u32..50), 1..6),
        factor in 100_u32..300,
        threshold in 0_u32..=100,
    ) {
        // healthy, degraded and excluded are parts of all
        let counts: Vec<HostCounts> =
            priorities.iter().map(|(rest, a, b, c)| counts((rest + a + b + c, *a, *b, *c))).collect();
        let loads = loads(&counts, factor, threshold);
        let sum: u32 = loads.iter().map(|one| one.load + one.degraded_load).sum();
        prop_assert_eq!(sum, 100);
        let endpoints: Vec<Endpoints> = counts
            .iter()
            .map(|counts| Endpoints { locality: Locality::new("a"), counts: *counts, weight: 1, labels: Labels::new() })
            .collect();
        let groups = (0..).zip(&counts).map(|(priority, _)| Group { priority, weight: 1 }).collect();
        let shares = divide(&Assignment { groups, is_weighted: false }, &endpoints, &loads, factor);
        let total: f64 = shares.iter().sum();
        let reachable = counts.iter().any(|one| one.healthy + one.degraded > 0)
            || (threshold > 0 && counts.iter().any(|one| one.hosts > 0));
        prop_assert!((total - if reachable { 1.0 } else { 0.0 }).abs() < 1e-9, "{} {:?}", total, loads);
    }
}
