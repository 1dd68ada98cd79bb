//! Whatever happens in whatever order: no host is wanted in two certificates, no order is too large,
//! nothing that serves a wanted host is deleted or replaced by less, and in the end all are served.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Down(bool),
    Fail(Vec<bool>, usize),
    Jump(i64),
    Pass(u64),
    Restart,
    Want(Vec<bool>),
}

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(any::<bool>(), NAMES.len());
    prop_oneof![
        4 => some().prop_map(Step::Want),
        2 => (some(), 1..4_usize).prop_map(|(flags, told)| Step::Fail(flags, told)),
        4 => prop_oneof![1..7_200_u64, 20 * DAY..40 * DAY].prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Down),
        1 => (-100..100_i64).prop_map(|days| Step::Jump(days * 86_400)),
        1 => Just(Step::Restart),
    ]
}

fn chosen(flags: &[bool]) -> String {
    let names = NAMES.iter().zip(flags).filter_map(|(name, is_in)| is_in.then_some(*name));
    names.collect::<Vec<_>>().join(" ")
}

/// What must hold at all times.
fn check(world: &World, wanted: &str, max_names: usize) -> Result<(), TestCaseError> {
    let mut seen = BTreeSet::new();
    for (id, _, hosts, _) in world.machine.states() {
        prop_assert!(hosts.len() <= max_names, "{} is for {:?}", id, hosts);
        for host in hosts {
            prop_assert!(seen.insert(host.clone()), "{} is wanted twice", host);
        }
    }
    prop_assert_eq!(seen, hosts(wanted), "each is in one");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_lost(steps in prop::collection::vec(step(), 1..25), max_names in 1..5_u16) {
        let mut world = World::new(max_names);
        let mut wanted = String::new();
        for step in steps {
            let before: Vec<&str> = NAMES.into_iter().filter(|name| world.serves(name).is_some()).collect();
            let mut is_same_time = true;
            // near a certificate's end two hours may be its last, and what has ended may be gone after them
            let ends_soon = |world: &World| {
                let mut lasting = world.secrets.values().map(|issued| issued.not_after - world.wall());
                lasting.any(|left| left <= Duration::from_secs(7_200))
            };
            let was_near_end = ends_soon(&world);
            match step {
                Step::Down(is_down) => world.is_down = is_down,
                Step::Fail(flags, told) => {
                    world.failing = hosts(&chosen(&flags));
                    world.told = told;
                }
                Step::Jump(seconds) => {
                    world.wall += seconds;
                    is_same_time = false;
                }
                Step::Pass(seconds) => {
                    world.pass(Duration::from_secs(seconds));
                    is_same_time = seconds <= 7_200;
                }
                Step::Restart => {
                    world.restart(max_names);
                    world.want(&wanted);
                }
                Step::Want(flags) => {
                    wanted = chosen(&flags);
                    world.want(&wanted);
                }
            }
            check(&world, &wanted, usize::from(max_names))?;
            let is_near_end = was_near_end || ends_soon(&world);
            for name in before {
                let is_wanted = wanted.split_whitespace().any(|other| other == name);
                let lost = is_same_time && !is_near_end && is_wanted && world.serves(name).is_none();
                prop_assert!(!lost, "{} is served no more", name);
            }
        }
        world.failing.clear();
        world.is_down = false;
        world.pass(Duration::from_secs(2 * DAY));
        for name in wanted.split_whitespace() {
            prop_assert!(world.serves(name).is_some(), "{} is not served in the end", name);
        }
        world.done();
        world.pass(Duration::from_secs(3_600));
        let quiet = world.done();
        let renewed = quiet.iter().filter(|line| line.starts_with("order")).count();
        prop_assert!(renewed <= world.secrets.len(), "it does not come to rest: {:?}", quiet);
    }
}
