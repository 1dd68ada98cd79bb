//! Whatever happens: nothing is announced that does not stand or is drained, what is told is what
//! is wanted, and a VIP's announcements have a bounded rate.

use core::ops::Range;

use proptest::prelude::*;

use super::*;

const LAST: Range<u8> = 1..5;
const NUMBERS: Range<u16> = 1..3;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Operation {
    Service(u8, u16, ServiceState),
    VipDrain(u8, bool),
    NodeDrain(bool),
    Maintenance(bool),
    Configure(Vec<(u8, u16)>, Policy, Option<bool>),
    Acknowledge(u8),
    Pass(u64),
    Deadline,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let state = prop::sample::select(vec![Unknown, Down, Panic, Up]);
    let services = prop::collection::vec((LAST, NUMBERS), 0..8);
    let aggregate = prop::option::of(any::<bool>());
    let policy = prop::sample::select(vec![Policy::All, Policy::Any]);
    let operation = prop_oneof![
        8 => (LAST, NUMBERS, state).prop_map(|(last, number, state)| Operation::Service(last, number, state)),
        1 => (LAST, any::<bool>()).prop_map(|(last, drain)| Operation::VipDrain(last, drain)),
        1 => any::<bool>().prop_map(Operation::NodeDrain),
        1 => any::<bool>().prop_map(Operation::Maintenance),
        1 => (services, policy, aggregate).prop_map(|(services, policy, aggregate)| Operation::Configure(services, policy, aggregate)),
        2 => LAST.prop_map(Operation::Acknowledge),
        3 => (0_u64..20_000).prop_map(Operation::Pass),
        2 => Just(Operation::Deadline),
    ];
    prop::collection::vec(operation, 1..120)
}

fn play(announcer: &mut Announcer, now: &mut Time, operation: Operation) {
    match operation {
        Operation::Service(last, number, state) => {
            announcer.handle_service(*now, service(last, number), state)
        }
        Operation::VipDrain(last, drain) => announcer.handle_vip_drain(*now, vip(last), drain),
        Operation::NodeDrain(drain) => announcer.handle_node_drain(*now, drain),
        Operation::Maintenance(maintenance) => announcer.handle_maintenance(maintenance),
        Operation::Configure(services, policy, aggregate) => {
            let aggregate = aggregate.map(|only| Aggregate { prefix: prefix("203.0.113.0/30"), only });
            let aggregates = aggregate.into_iter().collect();
            let config = AnnounceConfig { policy, aggregates, ..AnnounceConfig::default() };
            announcer.configure(*now, config, services.iter().map(|(last, number)| service(*last, *number)));
        }
        Operation::Acknowledge(last) => announcer.handle_withdrawn(*now, IpNet::from(vip(last))),
        Operation::Pass(milliseconds) => *now += Duration::from_millis(milliseconds),
        Operation::Deadline => *now = announcer.poll_timeout().map_or(*now, |deadline| deadline.max(*now)),
    }
    announcer.handle_timeout(*now);
}

proptest! {
    #[test]
    fn what_the_peers_have_heard_is_what_stands(operations in operations()) {
        let mut announcer = with(AnnounceConfig::default(), &[(1, 1), (1, 2), (2, 1)]);
        let (mut now, mut heard) = (Time::ZERO, BTreeMap::new());
        for operation in operations {
            play(&mut announcer, &mut now, operation);
            while let Some(transmit) = announcer.poll_transmit() {
                match transmit {
                    Transmit::Announce { prefix, route } => {
                        let before = heard.insert(prefix, route.clone());
                        prop_assert_ne!(before, Some(route), "said twice");
                    }
                    Transmit::Withdraw { prefix } => {
                        prop_assert!(heard.remove(&prefix).is_some(), "never said");
                    }
                }
            }
            let announced: BTreeSet<IpAddr> = announcer.announced().collect();
            for (address, known) in &announcer.vips {
                let verdict = known.verdict(announcer.config.policy_of(*address));
                if announced.contains(address) {
                    prop_assert_ne!(verdict, Verdict::Falls);
                    prop_assert!(!announcer.draining && !known.draining);
                }
            }
            let wanted: BTreeSet<IpNet> = announced.iter().flat_map(|vip| announcer.config.prefixes_of(*vip)).collect();
            prop_assert_eq!(heard.keys().copied().collect::<BTreeSet<_>>(), wanted);
            prop_assert!(heard.values().all(|route| route.graceful_shutdown == announcer.maintenance));
            prop_assert!(announcer.poll_timeout().is_none_or(|deadline| deadline > now), "nothing is overdue");
        }
    }

    /// Between two suppressions the penalty stays under `suppress`, so the falls that are paid for
    /// are those of its start and those that have decayed; each suppression lasts log2(suppress / reuse)
    /// half-lives at least.
    #[test]
    fn the_rate_of_announcements_is_bounded(
        pauses_ms in prop::collection::vec(0_u64..40_000, 1..150),
        suppress in 1_000_u32..6_000,
    ) {
        let (half_life_s, reuse) = (60.0, 750);
        let damping = Damping::new(Duration::from_secs(60), suppress, reuse, Duration::from_secs(600)).unwrap();
        let mut announcer = with(AnnounceConfig { damping: Some(damping), ..AnnounceConfig::default() }, &[(1, 80)]);
        let (mut now, mut announcements) = (Time::ZERO, 0);
        for pause in pauses_ms {
            for state in [Up, Down] {
                announcer.handle_service(now, service(1, 80), state);
                now += Duration::from_millis(pause / 2);
                announcer.handle_timeout(now);
                let told = told(&mut announcer);
                announcements += told.iter().filter(|told| matches!(told, Transmit::Announce { .. })).count();
            }
        }
        let (window_s, suppress) = (now.as_secs_f64(), f64::from(suppress));
        let shortest_s = half_life_s * (suppress / f64::from(reuse)).log2();
        let starts = window_s / shortest_s + 2.0;
        let bound = starts * (suppress / 1_000.0 + 1.0) + window_s * core::f64::consts::LN_2 / half_life_s * suppress / 1_000.0;
        prop_assert!(f64::from(u32::try_from(announcements).unwrap()) <= bound, "{announcements} in {window_s} s, bound {bound}");
    }
}
