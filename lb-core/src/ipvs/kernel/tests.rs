//! The model's answers, and what becomes of connections.

use std::vec::Vec;

use super::*;
use crate::ipvs::{Family, ForwardMethod, Standing, Tunnel};

const KEY: ServiceKey = ServiceKey::Mark { family: Family::V4, mark: 7 };
const CLIENT: Client = (IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 40_000);

fn endpoint(last: u8) -> Endpoint {
    Endpoint::new([10, 0, 0, last].into(), 80)
}

fn destination(last: u8, standing: Standing) -> KernelDestination {
    KernelDestination::new(endpoint(last), ForwardMethod::Tunnel(Tunnel::Ipip), standing)
}

fn add(last: u8, standing: Standing) -> Command {
    Command::AddDestination { key: KEY, destination: destination(last, standing) }
}

fn set(last: u8, standing: Standing) -> Command {
    Command::SetDestination { key: KEY, destination: destination(last, standing) }
}

fn delete(last: u8) -> Command {
    Command::DeleteDestination { key: KEY, endpoint: endpoint(last) }
}

fn kernel(scheduler: &str, flags: ServiceFlags, commands: &[Command]) -> Kernel {
    let service = KernelService::new(scheduler, flags, Family::V4).into();
    let mut kernel = Kernel::default();
    kernel.apply(&Command::AddService { key: KEY, service }).unwrap();
    for command in commands {
        kernel.apply(command).unwrap();
    }
    kernel
}

#[test]
fn answers_as_the_kernel_does() {
    use Standing::Serving;
    let other = ServiceKey::Mark { family: Family::V6, mark: 7 };
    let service = KernelService::new("mh", ServiceFlags::NONE, Family::V4);
    let mut crossed = destination(3, Serving);
    crossed.lower_threshold = 5;
    let too_many = KernelDestination { upper_threshold: 1 << 31, ..destination(3, Serving) };
    let too_heavy = KernelDestination { weight: 1 << 31, ..destination(3, Serving) };
    for (command, expected) in [
        (Command::AddService { key: KEY, service: service.clone().into() }, Err(KernelError::Exists)),
        (Command::SetService { key: other, service: service.into() }, Err(KernelError::NoService)),
        (Command::DeleteService { key: other }, Err(KernelError::NoService)),
        (add(1, Serving), Err(KernelError::Exists)),
        (add(2, Serving), Ok(())),
        (set(2, Serving), Err(KernelError::NoDestination)),
        (set(1, Serving), Ok(())),
        (delete(2), Err(KernelError::NoDestination)),
        (delete(1), Ok(())),
        (Command::DeleteDestination { key: other, endpoint: endpoint(1) }, Err(KernelError::NoService)),
        (Command::AddDestination { key: KEY, destination: crossed }, Err(KernelError::Threshold)),
        (Command::AddDestination { key: KEY, destination: too_many }, Err(KernelError::TooLarge)),
        (Command::AddDestination { key: KEY, destination: too_heavy }, Err(KernelError::TooLarge)),
        (Command::DeleteService { key: KEY }, Ok(())),
    ] {
        let mut kernel = kernel("mh", ServiceFlags::NONE, &[add(1, Serving)]);
        let before = kernel.observed();
        assert_eq!(kernel.apply(&command), expected, "{command}");
        assert_eq!(kernel.observed() == before, expected.is_err() || command == set(1, Serving), "{command}");
    }
}

#[test]
fn a_dump_turned_round_has_the_first_one_added_first() {
    use Standing::Serving;
    let kernel =
        kernel("mh", ServiceFlags::NONE, &[add(1, Serving), add(2, Serving), delete(1), add(1, Serving)]);
    let observed = &kernel.observed().services[&KEY];
    let order: Vec<_> = observed.destinations.iter().map(|one| one.destination.endpoint).collect();
    assert_eq!(order, [endpoint(2), endpoint(1)]);
}

/// The vector of `table::ipvs_mh`'s documentation, captured from a kernel.
#[test]
fn clients_go_where_a_kernel_sends_them() {
    let mut third = destination(3, Standing::Serving);
    third.weight = 2;
    let third = Command::AddDestination { key: KEY, destination: third };
    let commands = [add(1, Standing::Serving), add(2, Standing::Serving), third];
    let clients: [[u8; 4]; 4] = [[192, 0, 2, 1], [192, 0, 2, 2], [192, 0, 2, 3], [198, 51, 100, 7]];
    for (flags, expected) in [(ServiceFlags::NONE, [3, 2, 3, 1]), (ServiceFlags::SCHEDULER_2, [2, 3, 1, 3])] {
        let kernel = kernel("mh", flags, &commands);
        let chosen = clients.map(|client| kernel.schedule(&KEY, (client.into(), 54_321)).unwrap());
        assert_eq!(chosen, expected.map(endpoint));
    }
}

#[test]
fn standings_are_what_the_kernel_makes_of_them() {
    use Standing::{Idle, Parked, Serving};
    for (commands, holds, takes) in [
        (&[add(1, Serving)][..], true, true),
        (&[add(1, Serving), set(1, Parked)], true, false),
        (&[add(1, Serving), set(1, Parked), set(1, Serving)], true, true),
        (&[add(1, Idle)], false, false),
        (&[add(1, Idle), set(1, Serving)], true, true),
        (&[add(1, Serving), delete(1), add(1, Idle)], false, false),
        // Nobody can tell by the weight alone: that is what the marks are for.
        (&[add(1, Serving), set(1, Idle)], true, false),
    ] {
        let kernel = kernel("mh", ServiceFlags::NONE, commands);
        let slots = kernel.slots(&KEY).unwrap().unwrap();
        assert_eq!(slots.contains(&Some(endpoint(1))), holds, "{commands:?}");
        assert_eq!(kernel.schedule(&KEY, CLIENT).is_some(), takes, "{commands:?}");
    }
}

#[test]
fn connections_wait_for_their_destination_or_end_with_it() {
    use Standing::{Idle, Serving};
    for (expires, again) in [(true, Some(endpoint(2))), (false, Some(endpoint(1)))] {
        let mut kernel = kernel("mh", ServiceFlags::NONE, &[add(1, Serving)]);
        kernel.apply(&Command::SetExpireNodestConn { value: expires }).unwrap();
        assert_eq!(kernel.handle_packet(&KEY, CLIENT), Some(endpoint(1)));
        assert_eq!(kernel.observed().services[&KEY].destinations[0].connections, Some(1));
        kernel.apply(&delete(1)).unwrap();
        kernel.apply(&add(2, Serving)).unwrap();
        if !expires {
            assert_eq!(kernel.handle_packet(&KEY, CLIENT), None, "it waits");
        }
        kernel.apply(&add(1, Idle)).unwrap();
        assert_eq!(kernel.handle_packet(&KEY, CLIENT), again);
    }
}

#[test]
fn more_destinations_than_slots_are_told() {
    let mut kernel = Kernel::new(251, 256);
    let service = KernelService::new("mh", ServiceFlags::NONE, Family::V4).into();
    kernel.apply(&Command::AddService { key: KEY, service }).unwrap();
    let results: Vec<_> = (0..252)
        .map(|last| {
            let last = u8::try_from(last).unwrap();
            kernel.apply(&add(last, Standing::Serving))
        })
        .collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 251);
    assert_eq!(results[251], Err(KernelError::TableFull));
}
