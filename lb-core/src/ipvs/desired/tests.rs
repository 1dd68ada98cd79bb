//! What becomes of a backend, and that equal wishes are equal.

use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arbitrary::ipvs::wish;
use crate::config::{BackendConfig, Forward, ServiceAddress};
use crate::flow::HashFields;
use crate::health::{HealthConfig, HealthFile};
use crate::ipvs::Tunnel;

mod figures;

const MH: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: false, table_size: 4_093 };
const MH_FALLBACK: SchedulerKind = SchedulerKind::IpvsMh { port: true, fallback: true, table_size: 4_093 };
const SH: SchedulerKind = SchedulerKind::IpvsSh { port: false, fallback: false, table_size: 256 };

/// A service of backends 10.1.0.1, .2, ... with these weights.
fn service(scheduler: SchedulerKind, weights: &[u16]) -> ServiceConfig {
    let backend = |(number, weight): (u32, &u16)| BackendConfig {
        endpoint: Endpoint::new(core::net::Ipv4Addr::from_bits(0x0a01_0000 + number).into(), 443),
        weight: Weight(*weight),
        state: BackendState::Active,
    };
    ServiceConfig {
        address: "203.0.113.10:443/tcp".parse::<ServiceAddress>().unwrap(),
        hash_fields: HashFields::ALL,
        scheduler,
        forward: Forward::Ipip,
        spread: false,
        mtu: 1_500,
        backends: (1..).zip(weights).map(backend).collect(),
    }
}

/// Offers of these weights; 0 is one that drains.
fn offers(weights: &[u16]) -> Vec<Offer> {
    let offer = |weight: &u16| Offer {
        traffic: if *weight == 0 { BackendState::Drain } else { BackendState::Active },
        weight: Weight(*weight),
    };
    weights.iter().map(offer).collect()
}

/// `1 serving, 2 parked`: by the last number of the address, one word for each destination.
fn told(service: &DesiredService) -> String {
    let word = |destination: &KernelDestination| {
        let address = destination.endpoint.address.to_string();
        let number = address.rsplit('.').next().unwrap().to_string();
        let standing = match destination.standing() {
            Some(Standing::Serving) if destination.weight == 1 => "serving".to_string(),
            Some(Standing::Serving) | None => std::format!("at {}", destination.weight),
            Some(Standing::Parked) => "parked".to_string(),
            Some(Standing::Idle) => "idle".to_string(),
        };
        std::format!("{number} {standing}")
    };
    service.destinations.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_becomes_of_a_backend() {
    use BackendState::{Active, Down, Drain};
    for (scheduler, traffic, expected) in [
        (MH_FALLBACK, Active, "1 serving, 2 serving"),
        (MH_FALLBACK, Drain, "1 parked, 2 serving"),
        (MH_FALLBACK, Down, "2 serving"),
        (MH, Active, "1 serving, 2 serving"),
        (MH, Drain, "1 idle, 2 serving"),
        (MH, Down, "2 serving"),
        (SH, Active, "1 serving, 2 serving"),
        (SH, Drain, "1 at 0, 2 serving"),
        (SH, Down, "2 serving"),
    ] {
        let service = service(scheduler, &[100, 100]);
        let mut offers = offers(&[100, 100]);
        offers[0].traffic = traffic;
        let (key, wanted) = desired(&service, &offers, Grain::Whole).unwrap();
        assert_eq!(key, ServiceKey::Address(service.address));
        assert_eq!(told(&wanted), expected, "{scheduler:?} {traffic:?}");
    }
}

#[test]
fn weights_are_units_in_rounds() {
    // The median has 8, the first backend 24 of which 2 rounds are alone.
    let service = service(MH_FALLBACK, &[300, 100, 100]);
    let (_, wanted) = desired(&service, &offers(&[300, 100, 50]), Grain::Fine).unwrap();
    let words = told(&wanted);
    let words: Vec<_> = words.split(", ").collect();
    assert_eq!(words.len(), 40);
    assert_eq!(words[..6], ["1 serving", "2 serving", "3 serving", "1 serving", "2 serving", "3 serving"]);
    assert_eq!(words[12..15], ["1 serving", "2 serving", "3 parked"]);
    assert_eq!(words[24..], ["1 serving"; 16]);
    let ports: Vec<_> = wanted.destinations.iter().map(|one| one.endpoint.port).collect();
    assert_eq!(ports[..3], [443; 3], "the first unit has the service's port");
}

#[test]
fn who_writes_weights_or_starts_slowly_has_the_fine_grain() {
    let policy = |section: &str| {
        HealthConfig::try_from(serde_saphyr::from_str::<HealthFile>(section).unwrap()).unwrap().backend
    };
    let (plain, slow) = (policy("{}"), policy("{ slowStart: { duration: 30s } }"));
    for (weights, policy, expected) in [
        (&[1, 1, 1][..], plain, Grain::Whole),
        (&[1, 0, 1], plain, Grain::Whole), // emptied by the operator, who takes it out next
        (&[100, 100, 100], plain, Grain::Fine), // or the first that is halved would move most flows
        (&[1, 2, 1], plain, Grain::Fine),
        (&[1, 1, 1], slow, Grain::Fine),
    ] {
        assert_eq!(Grain::of(&service(MH_FALLBACK, weights), &policy), expected, "{weights:?}");
    }
}

#[test]
fn a_grain_is_so_many_units_of_the_median() {
    for (scheduler, weights, grain, expected) in [
        (MH_FALLBACK, &[7, 7, 7][..], Grain::Whole, "1 serving, 2 serving, 3 serving"),
        (MH_FALLBACK, &[7, 3, 7], Grain::Whole, "1 serving, 2 serving, 3 serving"),
        (MH_FALLBACK, &[1, 1, 2], Grain::Whole, "1 serving, 2 serving, 3 serving, 3 serving"),
    ] {
        let (_, wanted) = desired(&service(scheduler, weights), &offers(weights), grain).unwrap();
        assert_eq!(told(&wanted), expected, "{weights:?} {grain:?}");
    }
    for (scheduler, units) in [(MH_FALLBACK, 8), (MH, 16)] {
        let (_, wanted) = desired(&service(scheduler, &[7; 3]), &offers(&[7; 3]), Grain::Fine).unwrap();
        assert_eq!(wanted.destinations.len(), 3 * units);
    }
}

/// A weight that is lowered, of however few, changes who is taken and not the table.
#[test]
fn who_becomes_lighter_keeps_every_slot() {
    for (before, after) in [(&[100; 3][..], &[100, 50, 100][..]), (&[100; 5], &[50, 50, 100, 100, 100])] {
        let slots = |weights: &[u16]| {
            let (_, wanted) = desired(&service(MH_FALLBACK, weights), &offers(weights), Grain::Fine).unwrap();
            wanted.destinations.iter().map(|one| one.endpoint).collect::<Vec<_>>()
        };
        assert_eq!(slots(before), slots(after), "{before:?} {after:?}");
    }
}

/// The kernel cannot tell these addresses apart; by their ports it can.
#[test]
fn an_ipv4_service_over_ipv6_backends_of_one_site_moves_no_more_than_another() {
    let table = |backends: core::ops::Range<u16>| {
        let mut service = service(MH_FALLBACK, &std::vec![1; backends.len()]);
        for (backend, number) in service.backends.iter_mut().zip(backends) {
            let address = core::net::Ipv6Addr::new(0xfd00, 0xb, 0, number, 0, 0, 0, 2);
            backend.endpoint = Endpoint::new(address.into(), 443);
        }
        let offers =
            std::vec![Offer { traffic: BackendState::Active, weight: Weight(1) }; service.backends.len()];
        let (_, wanted) = desired(&service, &offers, Grain::Whole).unwrap();
        let mut list = crate::table::ipvs::DestinationList::default();
        wanted.destinations.iter().for_each(|one| list.add(one.endpoint, Weight(1)));
        crate::table::Table::build(wanted.table, &crate::HashKey::new([0; 16]), &list.members(wanted.table))
            .unwrap()
    };
    for backends in [3_u16, 10, 100] {
        let (all, without) = (table(0..backends), table(0..backends - 1));
        let moved = f64::from(all.moved(&without).slots) / 4_093.0;
        let own = 1.0 / f64::from(backends);
        assert!(moved < own + 0.04, "{backends} backends: {moved}");
    }
}

#[test]
fn sh_takes_weights_and_they_fit_its_buckets() {
    for (full, now, grain, expected) in [
        (&[5, 5][..], &[5, 5][..], Grain::Whole, "1 serving, 2 serving"),
        (&[5, 5], &[5, 5], Grain::Fine, "1 at 16, 2 at 16"),
        (&[5, 5], &[5, 1], Grain::Fine, "1 at 16, 2 at 3"),
        (&[5, 10], &[5, 10], Grain::Fine, "1 at 16, 2 at 32"),
        (&[1, 60_000], &[1, 60_000], Grain::Fine, "1 serving, 2 at 254"),
    ] {
        let (_, wanted) = desired(&service(SH, full), &offers(now), grain).unwrap();
        assert_eq!(told(&wanted), expected, "{full:?} {now:?} {grain:?}");
    }
}

#[test]
fn what_no_kernel_can_do_is_refused() {
    let maglev = SchedulerKind::Maglev { table_size: 65_537 };
    let refused = desired(&service(maglev, &[1]), &offers(&[1]), Grain::Whole);
    assert_eq!(refused, Err(DesiredError::NotKernelScheduler { kind: SchedulerName::Maglev }));

    let many = std::vec![1; 257];
    let refused = desired(&service(SH, &many), &offers(&many), Grain::Whole);
    assert_eq!(refused, Err(DesiredError::TooManyBackends { backends: 257, slots: 256 }));
}

#[test]
fn tunnels_are_the_configurations() {
    let gue = |checksum| ForwardMethod::Tunnel(Tunnel::Gue { port: 6_080, checksum });
    for (forward, backend, expected) in [
        (Forward::Ipip, "10.1.0.5", ForwardMethod::Tunnel(Tunnel::Ipip)),
        (Forward::Gre, "10.1.0.5", ForwardMethod::Tunnel(Tunnel::Gre { checksum: Default::default() })),
        (Forward::Gue { port: 6_080 }, "10.1.0.5", gue(crate::ipvs::TunnelChecksum::None)),
        (Forward::Gue { port: 6_080 }, "2001:db8::5", gue(crate::ipvs::TunnelChecksum::Full)),
    ] {
        let endpoint = Endpoint::new(backend.parse().unwrap(), 443);
        assert_eq!(ForwardMethod::tunnel(forward, &endpoint), expected, "{forward:?} {backend}");
    }
}

proptest! {
    /// Two nodes may list the backends in any order.
    #[test]
    fn the_order_of_the_file_is_irrelevant((service, offers, grain) in wish(), turn in 0..9_usize) {
        let mut turned: Vec<_> = service.backends.iter().copied().zip(offers.iter().copied()).collect();
        let turn = turn.min(turned.len());
        turned.rotate_left(turn);
        let (backends, turned_offers): (Vec<_>, Vec<_>) = turned.into_iter().unzip();
        let other = ServiceConfig { backends, ..service.clone() };
        prop_assert_eq!(desired(&service, &offers, grain), desired(&other, &turned_offers, grain));
    }
}
