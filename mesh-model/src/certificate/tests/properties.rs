//! Whatever happens in whatever order: nobody is ordered who is not wanted, no wanted host loses its cover while
//! the end of what covers it is far, and in the end all are served.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Down(bool),
    Fail(Vec<bool>, usize),
    Jump(i64),
    Pass(u64),
    Restart,
    /// For each host, in which credentials it is: neither, one, or both.
    Want(Vec<u8>, bool),
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(any::<bool>(), NAMES.len());
    let places = || prop::collection::vec(0..4_u8, NAMES.len());
    prop_oneof![
        4 => (places(), prop::bool::weighted(0.2)).prop_map(|(places, is_other)| Step::Want(places, is_other)),
        2 => (some(), 1..4_usize).prop_map(|(flags, told)| Step::Fail(flags, told)),
        4 => prop_oneof![1..3_600_u64, 20 * DAY..40 * DAY].prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Down),
        1 => (-100..100_i64).prop_map(|days| Step::Jump(days * 86_400)),
        1 => Just(Step::Restart),
    ]
}

fn chosen(flags: &[bool]) -> String {
    let names = NAMES.iter().zip(flags).filter_map(|(name, is_in)| is_in.then_some(*name));
    names.collect::<Vec<_>>().join(" ")
}

/// `x: ...; y: ...` of places; what is wanted of both, and the same as pairs.
fn text(places: &[u8], is_other: bool) -> (String, Vec<String>) {
    let of = |bit: u8| {
        let names = NAMES.iter().zip(places).filter(|(_, place)| *place & bit != 0);
        names.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let issuer = if is_other { "@other" } else { "" };
    let (x, y) = (of(1), of(2));
    let pairs = x.iter().map(|name| format!("x {name}")).chain(y.iter().map(|name| format!("y {name}")));
    let pairs = pairs.collect();
    let part = |name: &str, names: &[&str]| {
        if names.is_empty() { String::new() } else { format!("{name}{issuer}: {};", names.join(" ")) }
    };
    (format!("{}{}", part("x", &x), part("y", &y)), pairs)
}

/// Whether some certificate is so near its end that others go on without whoever fails.
fn ends_soon(world: &World) -> bool {
    let last = days(9) + Duration::from_secs(7_200);
    world.secrets.values().any(|issued| issued.not_after - world.wall() <= last)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_lost(steps in prop::collection::vec(step(), 1..25)) {
        let mut world = World::new();
        let (mut asked, mut pairs) = (String::new(), Vec::new());
        for step in steps {
            let before: Vec<String> =
                pairs.iter().filter(|pair: &&String| world.serves(pair).is_some()).cloned().collect();
            let mut is_quick = true;
            let was_near_end = ends_soon(&world);
            match step {
                Step::Down(is_down) => world.is_down = is_down,
                Step::Fail(flags, told) => {
                    world.failing = hosts(&chosen(&flags));
                    world.told = told;
                }
                Step::Jump(days) => {
                    world.wall += days;
                    is_quick = false;
                }
                Step::Pass(seconds) => {
                    is_quick = seconds <= 3_600;
                    world.pass(Duration::from_secs(seconds));
                }
                Step::Restart => {
                    world.restart();
                    world.want(&asked);
                }
                Step::Want(places, is_other) => {
                    (asked, pairs) = text(&places, is_other);
                    world.want(&asked);
                }
            }
            let may_lose = !is_quick || was_near_end || ends_soon(&world);
            for pair in before.iter().filter(|pair| pairs.contains(pair)) {
                prop_assert!(may_lose || world.serves(pair).is_some(), "{} is served no more", pair);
            }
            let lives: BTreeSet<&Credential> = world.machine.iter().map(|(name, _)| name).collect();
            prop_assert!(world.secrets.keys().all(|name| lives.contains(name)), "no secret is forgotten");
        }
        world.failing.clear();
        world.is_down = false;
        world.pass(days(2));
        for pair in &pairs {
            prop_assert!(world.serves(pair).is_some(), "{} is not served in the end", pair);
        }
        for (name, wanted) in wanted(&asked) {
            prop_assert_eq!(world.secrets[&name].hosts.is_superset(&wanted.hosts), true);
        }
        world.done();
        world.pass(Duration::from_secs(3_600));
        let quiet = world.done();
        let orders = quiet.iter().filter(|line| line.starts_with("order")).count();
        prop_assert!(orders <= world.secrets.len(), "it does not come to rest: {:?}", quiet);
    }
}
