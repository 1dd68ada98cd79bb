//! Whatever happens in whatever order: no host loses its cover before what covers it ends, no Gateway names a secret
//! that does not hold it, whoever can be proved is served within hours whoever else fails and its Gateway used, and in
//! the end all are.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::hosts::{gateway, server};
use super::*;
use crate::certificate::GatewayHosts;
use crate::patch::{Document, Origin, apply};

#[derive(Clone, Debug)]
enum Step {
    Down(bool),
    Fail(Vec<bool>, usize),
    Jump(i64),
    Pass(u64),
    Restart,
    /// For each host, in which credentials it is: neither, one, or both; whether of another issuer, and how many
    /// names that takes.
    Want(Vec<u8>, bool, u16),
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// A host that failed before is proved again within six hours and a tenth, an authority asked within one.
const SOON: Duration = Duration::from_secs(8 * 3_600);

fn step(jumps: bool) -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(any::<bool>(), NAMES.len());
    let places = || prop::collection::vec(0..4_u8, NAMES.len());
    let asked = (places(), prop::bool::weighted(0.2), prop_oneof![3 => Just(100), 1 => 1..5_u16]);
    prop_oneof![
        4 => asked.prop_map(|(places, is_other, most)| Step::Want(places, is_other, most)),
        2 => (some(), 1..4_usize).prop_map(|(flags, told)| Step::Fail(flags, told)),
        4 => prop_oneof![1..3_600_u64, 10 * DAY..40 * DAY].prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Down),
        if jumps { 1 } else { 0 } => (-100..100_i64).prop_map(|days| Step::Jump(days * 86_400)),
        1 => Just(Step::Restart),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    any::<bool>().prop_flat_map(|jumps| prop::collection::vec(step(jumps), 1..16))
}

fn chosen(flags: &[bool]) -> String {
    let names = NAMES.iter().zip(flags).filter_map(|(name, is_in)| is_in.then_some(*name));
    names.collect::<Vec<_>>().join(" ")
}

/// What is wanted by these places.
fn asked(places: &[u8], is_other: bool, max_names: u16) -> BTreeMap<Credential, Wanted> {
    let issuer = if is_other { "@other" } else { "" };
    let of = |name: &str, bit: u8| {
        let names = NAMES.iter().zip(places).filter(|(_, place)| *place & bit != 0);
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        if names.is_empty() { String::new() } else { format!("{name}{issuer}: {};", names.join(" ")) }
    };
    let mut all = wanted(&format!("{}{}", of("x", 1), of("y", 2)));
    for asked in all.values_mut().flat_map(|wanted| wanted.issuers.values_mut()) {
        *asked = AskedIssuer::Known { max_names };
    }
    all
}

/// A Gateway may be used that names all that is asked for, if anybody can be proved, and names only what is served.
fn assert_usable(world: &World) {
    let pairs = world.pairs();
    let mut next = GatewayHosts::default();
    for (name, host) in &pairs {
        next.credentials.entry(name.clone()).or_default().hosts.insert(host.clone());
    }
    let lacking = world.lacking(&next);
    // who is covered by another credential may be on its way
    let is_covered = |host: &Fqdn| {
        let mut all = world.machine.iter().filter_map(|(_, one)| one.served());
        all.any(|issued| world.wall() < issued.not_after && issued.hosts.contains(host))
    };
    let is_excused = |text: &String| {
        let host: Fqdn = text.split_once(' ').unwrap().1.parse().unwrap();
        world.failing.contains(&host) && is_covered(&host)
    };
    let is_of_use = pairs.iter().any(|(_, host)| !world.failing.contains(host));
    assert!(!is_of_use || lacking.iter().all(is_excused), "it waits for {lacking:?}");
    if !lacking.is_empty() {
        return;
    }
    let hosts = |credential: &str| -> Vec<&str> {
        pairs.iter().filter(|(name, _)| name.name() == credential).map(|(_, host)| host.as_str()).collect()
    };
    let servers =
        ["x", "y"].map(|name| server(&hosts(name), json!({ "mode": "SIMPLE", "credentialName": name })));
    let mut document = Document::new(gateway("web", &json!(servers)), Origin(0));
    let namespace = "shop".parse().unwrap();
    let Some(operations) = world.machine.divide(world.wall(), &namespace, document.value()) else { return };
    apply(&mut document, &operations, Origin(1)).unwrap();
    for server in document.value()["spec"]["servers"].as_array().unwrap() {
        let secret = server["tls"]["credentialName"].as_str().unwrap();
        for host in server["hosts"].as_array().unwrap().iter().filter_map(Value::as_str) {
            let stored = &world.secrets[&credential(secret)];
            assert!(stored.hosts.contains(&host.parse().unwrap()), "{secret} does not name {host}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_lost(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            let served = |world: &World| -> BTreeMap<(Credential, Fqdn), WallTime> {
                let end = |(name, host): &(Credential, Fqdn)| {
                    Some(world.machine.serving(world.wall(), name, host)?.not_after)
                };
                world.pairs().into_iter().filter_map(|pair| Some((pair.clone(), end(&pair)?))).collect()
            };
            let before = served(&world);
            match step {
                Step::Down(is_down) => world.is_down = is_down,
                Step::Fail(flags, told) => {
                    world.failing = hosts(&chosen(&flags));
                    world.told = told;
                }
                Step::Jump(days) => {
                    world.wall += days;
                    world.has_jumped = true;
                }
                Step::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
                Step::Restart => world.restart_and_go_on(),
                Step::Want(places, is_other, max_names) => {
                    world.max_names = max_names.into();
                    world.desire(asked(&places, is_other, max_names));
                }
            }
            let after = served(&world);
            for (pair, end) in before.into_iter().filter(|(pair, _)| world.pairs().contains(pair)) {
                let may_lose = world.has_jumped || world.wall() >= end;
                prop_assert!(may_lose || after.contains_key(&pair), "{:?} is served no more", pair);
            }
            let lives: BTreeSet<&Credential> = world.machine.iter().map(|(name, _)| name).collect();
            prop_assert!(world.secrets.keys().all(|name| lives.contains(name)), "no secret is forgotten");
            // whoever else fails
            let mut soon = world.clone();
            soon.is_down = false;
            soon.pass(SOON);
            for (name, host) in soon.pairs().into_iter().filter(|(_, host)| !soon.failing.contains(host)) {
                let serves = soon.machine.serving(soon.wall(), &name, &host).is_some();
                prop_assert!(serves, "{} of {} is not served soon", host, name);
            }
            assert_usable(&soon);
        }
        world.failing.clear();
        world.is_down = false;
        world.pass(days(2));
        for (name, host) in world.pairs() {
            let secret = world.machine.secret(world.wall(), &name, &host);
            prop_assert!(world.machine.serving(world.wall(), &name, &host).is_some(), "{} in the end", host);
            prop_assert!(world.secrets[&secret].hosts.contains(&host));
        }
        world.done();
        world.pass(Duration::from_secs(3_600));
        let quiet = world.done();
        let orders = quiet.iter().filter(|line| line.starts_with("order")).count();
        prop_assert!(orders <= world.secrets.len(), "it does not come to rest: {:?}", quiet);
    }
}
