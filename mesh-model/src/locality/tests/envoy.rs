//! Loads beside Envoy's own way to them: state that is updated in the order in
//! which its code does, and a hash of 100 that walks along cumulative loads.
//!
//! Written from the description of `load_balancer_impl.cc` and `locality_wrr.cc`,
//! not from ours: signed numbers, early returns, one pass over all hosts.

use super::*;

/// What Envoy remembers of each priority.
#[derive(Default)]
struct Envoy {
    healthy_load: Vec<i64>,
    degraded_load: Vec<i64>,
    panic: Vec<bool>,
}

impl Envoy {
    fn new(hosts: &[HostCounts], factor: i64, threshold: i64) -> Self {
        let zeros = || vec![0; hosts.len()];
        let mut envoy =
            Self { healthy_load: zeros(), degraded_load: zeros(), panic: vec![false; hosts.len()] };
        let (mut healthy, mut degraded) = (zeros(), zeros());
        for (at, set) in hosts.iter().enumerate() {
            let count = i64::from(set.hosts) - i64::from(set.excluded);
            if count > 0 {
                healthy[at] = (factor * i64::from(set.healthy) / count).min(100);
                degraded[at] = (factor * i64::from(set.degraded) / count).min(100);
            }
        }
        let total = (healthy.iter().sum::<i64>() + degraded.iter().sum::<i64>()).min(100);
        if total > 0 {
            envoy.distribute(&healthy, &degraded, total);
        }
        if threshold == 0 && total == 0 {
            envoy.healthy_load[0] = 100;
            return envoy;
        }
        for (at, set) in hosts.iter().enumerate() {
            let count = f64::from(set.hosts) - f64::from(set.excluded);
            let percent = |part: u32| if count == 0.0 { 0.0 } else { 100.0 * f64::from(part) / count };
            envoy.panic[at] = total != 100 && percent(set.healthy) + percent(set.degraded) < threshold as f64;
        }
        if envoy.panic.iter().all(|panic| *panic) {
            envoy.by_hosts(hosts);
        }
        envoy
    }

    fn distribute(&mut self, healthy: &[i64], degraded: &[i64], total: i64) {
        let mut left = 100;
        let mut first = [None; 2];
        for (kind, (available, loads)) in
            [(healthy, &mut self.healthy_load), (degraded, &mut self.degraded_load)].into_iter().enumerate()
        {
            for (at, (available, load)) in available.iter().zip(loads).enumerate() {
                if first[kind].is_none() && *available > 0 {
                    first[kind] = Some(at);
                }
                *load = left.min(available * 100 / total);
                left -= *load;
            }
        }
        match first {
            [Some(at), _] => self.healthy_load[at] += left,
            [None, Some(at)] => self.degraded_load[at] += left,
            [None, None] => assert_eq!(left, 0),
        }
    }

    fn by_hosts(&mut self, hosts: &[HostCounts]) {
        let all: i64 = hosts.iter().map(|set| i64::from(set.hosts)).sum();
        if all == 0 {
            self.healthy_load[0] = 100;
            return;
        }
        let mut left = 100;
        for (at, set) in hosts.iter().enumerate() {
            (self.healthy_load[at], self.degraded_load[at]) = (100 * i64::from(set.hosts) / all, 0);
            left -= self.healthy_load[at];
        }
        let first = hosts.iter().position(|set| set.hosts > 0).unwrap();
        self.healthy_load[first] += left;
    }

    /// The priority of a hash, and whether its degraded hosts are meant; the first where loads are no whole.
    fn choose(&self, hash: i64) -> (usize, bool) {
        let mut cumulative = 0;
        for (is_degraded, loads) in [(false, &self.healthy_load), (true, &self.degraded_load)] {
            for (at, load) in loads.iter().enumerate() {
                cumulative += load;
                if hash % 100 < cumulative {
                    return (at, is_degraded);
                }
            }
        }
        (0, false)
    }
}

fn compare(counts: &[HostCounts], factor: u32, threshold: u32) {
    let envoy = Envoy::new(counts, factor.into(), threshold.into());
    let found = loads(counts, factor, threshold);
    let mut hits = vec![(0, 0); counts.len()];
    for hash in 0..100 {
        let (at, is_degraded) = envoy.choose(hash);
        if is_degraded { hits[at].1 += 1 } else { hits[at].0 += 1 }
    }
    let ours: Vec<(u32, u32)> = found.iter().map(|one| (one.load, one.degraded_load)).collect();
    assert_eq!(ours, hits, "{counts:?} {factor} {threshold}");
    let ours: Vec<bool> = found.iter().map(|one| one.panic).collect();
    assert_eq!(ours, envoy.panic, "{counts:?} {factor} {threshold}");
}

fn of(healthy: u32) -> HostCounts {
    counts((100, healthy, 0, 0))
}

#[test]
fn every_health_of_two_priorities_and_every_fourth_of_three() {
    for threshold in [0, 50] {
        for (one, other) in (0..=100).flat_map(|one| (0..=100).map(move |other| (one, other))) {
            compare(&[of(one), of(other)], 140, threshold);
        }
        for (one, other) in (0..=25).flat_map(|one| (0..=25).map(move |other| (one, other))) {
            for third in 0..=25 {
                compare(&[of(4 * one), of(4 * other), of(4 * third)], 140, threshold);
            }
        }
    }
}

#[test]
fn hosts_too_few_for_a_percent_are_no_division_by_zero() {
    // 0.98 % of each kind: nothing in whole percent, and together no panic at 1 %
    let few = counts((1000, 7, 7, 0));
    compare(&[few], 140, 1);
    compare(&[few, few], 140, 1);
    compare(&[counts((1000, 6, 6, 0)), counts((0, 0, 0, 0))], 140, 1);
}

/// `LocalityWrrTest.UnhealthyFailover`: five hosts and one, weights 1 to 2, a hundred picks.
#[test]
fn picks_of_locality_weights() {
    let at = |name: &str, hosts, healthy, weight| Endpoints {
        locality: Locality::new(name),
        counts: counts((hosts, healthy, 0, 0)),
        weight,
        labels: Labels::new(),
    };
    for (healthy, picks) in [(5, 33.0), (4, 33.0), (3, 29.0), (2, 22.0), (1, 12.0), (0, 0.0)] {
        let endpoints = [at("x", 5, healthy, 1), at("y", 1, 1, 2)];
        let groups = endpoints.iter().map(|one| Group { priority: 0, weight: one.weight }).collect();
        let assignment = Assignment { groups, is_weighted: true };
        let all = [endpoints[0].counts.plus(endpoints[1].counts)];
        let shares = divide(&assignment, &endpoints, &loads(&all, 140, 0), 140);
        assert!((shares[0] * 100.0 - picks).abs() < 1.0, "{healthy}: {}", shares[0]);
    }
}

proptest! {
    #[test]
    fn all_kinds_of_hosts(
        priorities in prop::collection::vec((0_u32..60, 0_u32..20, 0_u32..20, 0_u32..20), 1..6),
        times in prop::sample::select(vec![1_u32, 17, 1000]),
        factor in prop_oneof![Just(140_u32), 100_u32..300],
        threshold in prop_oneof![Just(0_u32), Just(1), Just(50), 0_u32..=100],
    ) {
        let counts: Vec<HostCounts> =
            priorities.iter().map(|(rest, a, b, c)| counts((rest * times + a + b + c, *a, *b, *c))).collect();
        compare(&counts, factor, threshold);
    }
}
