//! Properties of the node under random events: the kernel comes to hold what it is to hold, nothing is
//! announced before, nothing that carries flows goes too early (`world` watches that at every step).

use proptest::prelude::*;

use super::*;
use std::string::String;

/// What may happen.
#[derive(Clone, Debug)]
enum Happening {
    Configure(Vec<(u8, u8)>),
    Dies(u8),
    Recovers(u8),
    Drain(Option<u8>, bool),
    Path(u8, bool),
    Pass(u16),
    Restart,
    SomebodyDeletes(u8),
    SomebodyAddsAddress(u8),
    Trouble(Option<usize>, bool),
}

/// Services by VIP (two VIPs, two ports each) and the backends of each as bits.
fn services() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0_u8..4, 1_u8..16), 0..4)
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => services().prop_map(Happening::Configure),
        3 => (1_u8..5).prop_map(Happening::Dies),
        3 => (1_u8..5).prop_map(Happening::Recovers),
        1 => (proptest::option::of(1_u8..5), any::<bool>()).prop_map(|(who, out)| Happening::Drain(who, out)),
        1 => (1_u8..5, any::<bool>()).prop_map(|(who, dead)| Happening::Path(who, dead)),
        6 => (1_u16..9_000).prop_map(Happening::Pass),
        1 => Just(Happening::Restart),
        1 => (0_u8..4).prop_map(Happening::SomebodyDeletes),
        1 => (1_u8..20).prop_map(Happening::SomebodyAddsAddress),
        1 => (proptest::option::of(0_usize..4), any::<bool>()).prop_map(|(at, read)| Happening::Trouble(at, read)),
    ]
}

fn place(service: u8) -> (u8, u16) {
    (10 + service / 2, if service.is_multiple_of(2) { 443 } else { 80 })
}

fn configured(services: &[(u8, u8)]) -> NodeConfig {
    let mut by_place: BTreeMap<u8, u8> = services.iter().copied().collect();
    if by_place.is_empty() {
        by_place.insert(0, 1);
    }
    let line = |(service, backends): (&u8, &u8)| -> String {
        let (vip, port) = place(*service);
        let mut line = std::format!("203.0.113.{vip} {port}");
        for last in (1..5).filter(|last| backends & (1 << (last - 1)) != 0) {
            line += &std::format!(" 10.1.0.{last}");
        }
        line
    };
    let lines: Vec<String> = by_place.iter().map(line).collect();
    config(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn happen(world: &mut World, happening: &Happening) {
    let backend = |last: u8| IpAddr::from([10, 1, 0, last]);
    let now = world.now;
    match happening {
        Happening::Configure(services) => {
            assert!(world.node.handle_config(now, configured(services)));
        }
        Happening::Dies(last) => {
            world.alive.remove(&backend(*last));
        }
        Happening::Recovers(last) => {
            world.alive.insert(backend(*last));
        }
        Happening::Drain(last, out) => {
            let drain =
                last.map_or(Drain::Node, |last| Drain::Backend { address: backend(last), service: None });
            world.node.handle_drain(now, drain, *out);
        }
        Happening::Path(last, dead) => {
            world.node.handle_path(now, backend(*last), None, dead.then_some(Duration::from_secs(20)));
        }
        Happening::Pass(milliseconds) => world.pass(Duration::from_millis((*milliseconds).into())),
        Happening::Restart => world.restart(),
        Happening::SomebodyDeletes(service) => {
            let (vip, port) = place(*service);
            let address = ServiceAddress::new(IpAddr::from([203, 0, 113, vip]), port, crate::Protocol::TCP);
            let _ = world.kernel.ipvs.apply(&Command::DeleteService { key: ServiceKey::Address(address) });
            world.interfered = true;
        }
        Happening::SomebodyAddsAddress(last) => {
            world.kernel.addresses.insert(vip(*last));
            world.kernel.addresses.insert(IpAddr::from([192, 0, 2, *last]));
        }
        Happening::Trouble(refuse_after, unreadable) => {
            world.trouble = Trouble { unreadable: *unreadable, refuse_after: *refuse_after };
        }
    }
    world.act();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_kernel_comes_to_hold_what_it_is_to_hold(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut world = World::new(configured(&[(0, 3), (2, 5)]));
        let mut foreign = BTreeSet::new();
        for happening in &happenings {
            happen(&mut world, happening);
            if let Happening::SomebodyAddsAddress(last) = happening {
                foreign.insert(IpAddr::from([192, 0, 2, *last]));
            }
        }
        // peace: everything lives, nobody interferes
        world.trouble = Trouble::default();
        world.alive = (1..=9).map(|last| IpAddr::from([10, 1, 0, last])).collect();
        world.node.handle_drain(world.now, Drain::Node, false);
        for last in 1..5 {
            let address = IpAddr::from([10, 1, 0, last]);
            world.node.handle_drain(world.now, Drain::Backend { address, service: None }, false);
        }
        world.act();
        world.pass(Duration::from_secs(120));
        prop_assert!(world.node.is_programmed());
        let wanted: BTreeSet<IpAddr> =
            world.node.config().lb.services.iter().map(|service| service.address.address).collect();
        prop_assert_eq!(&world.announced, &wanted);
        let local = wanted.union(&foreign).copied().collect();
        prop_assert_eq!(&world.kernel.addresses, &local);
        prop_assert_eq!(world.kernel.snapshot().ipvs.services.len(), world.node.config().lb.services.len());
        for service in &world.node.config().lb.services {
            for backend in &service.backends {
                prop_assert!(world.holds(service.address, backend.endpoint.address), "{}", backend.endpoint);
            }
        }
        // nodes of other histories have the same tables
        let mut fresh = World::new(world.node.config().clone());
        fresh.pass(Duration::from_secs(60));
        for service in &world.node.config().lb.services {
            let key = ServiceKey::Address(service.address);
            prop_assert_eq!(world.kernel.ipvs.slots(&key).unwrap(), fresh.kernel.ipvs.slots(&key).unwrap());
        }
        // and what is right is left alone, by this agent and by the next
        world.written();
        world.pass(Duration::from_secs(60));
        world.restart();
        world.pass(Duration::from_secs(60));
        prop_assert_eq!(world.written(), Vec::<String>::new());
    }
}
