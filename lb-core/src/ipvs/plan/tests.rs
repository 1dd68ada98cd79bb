//! The plan against a model of the kernel, whatever was there before.

use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arbitrary::ipvs::{MH_SLOTS, SH_BUCKETS, Wish, command, wish};
use crate::identity::Endpoint;
use crate::ipvs::{Client, Kernel, Standing, desired};
use crate::table::TableKind;

mod writes;

/// Everything of the strategies' services.
fn ours() -> Ownership {
    Ownership {
        prefixes: std::vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/48".parse().unwrap()],
        marks: None,
    }
}

fn all_of(wishes: &[Wish]) -> Desired {
    let one = |(service, offers, grain): &Wish| desired(service, offers, *grain).unwrap();
    Desired { services: wishes.iter().map(one).collect() }
}

/// A kernel's past.
#[derive(Clone, Debug)]
enum Step {
    /// An agent like this one, which perhaps dies after so many commands.
    Agent(Vec<Wish>, Option<usize>),
    /// Somebody else.
    Other(Command),
    /// Clients come.
    Clients,
    /// All connections end.
    Rest,
}

fn history() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (wishes(), prop::option::of(0..60_usize)).prop_map(|(wishes, end)| Step::Agent(wishes, end)),
        8 => command().prop_map(Step::Other),
        1 => Just(Step::Clients),
        1 => Just(Step::Rest),
    ];
    prop::collection::vec(step, 0..25)
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    prop::collection::vec(wish(), 0..3)
}

/// The kernel after that past; what it refused somebody else, it refused.
fn kernel_after(history: &[Step]) -> Kernel {
    let mut kernel = Kernel::new(MH_SLOTS, SH_BUCKETS);
    for step in history {
        match step {
            Step::Agent(wishes, end) => {
                let plan = plan(&kernel.observed(), &all_of(wishes), &ours(), Repair::Now);
                let end = end.unwrap_or(plan.commands.len());
                plan.commands.iter().take(end).for_each(|command| kernel.apply(command).unwrap());
            }
            Step::Other(command) => {
                let _refused = kernel.apply(command);
            }
            Step::Clients => {
                for key in kernel.observed().services.keys() {
                    clients().for_each(|client| _ = kernel.handle_packet(key, client));
                }
            }
            Step::Rest => kernel.observed().services.keys().for_each(|key| kernel.end_connections(key)),
        }
    }
    kernel
}

fn clients() -> impl Iterator<Item = Client> {
    (0..40_u8).map(|number| ([192, 0, 2, number].into(), 1_024 + u16::from(number) * 997))
}

fn carry_out(kernel: &mut Kernel, commands: &[Command]) {
    for command in commands {
        kernel.apply(command).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// Whether it deletes what the next command adds.
fn is_delete_of(command: &Command, next: Option<&Command>) -> bool {
    match (command, next) {
        (
            Command::DeleteDestination { key, endpoint },
            Some(Command::AddDestination { key: other, destination }),
        ) => key == other && destination.endpoint == *endpoint,
        _ => false,
    }
}

type Slots = BTreeMap<ServiceKey, Option<Vec<Option<Endpoint>>>>;

/// Every table of ours, and who takes flows in it.
fn tables(kernel: &Kernel) -> (Slots, BTreeMap<ServiceKey, BTreeSet<Endpoint>>) {
    let observed = kernel.observed();
    let slots = observed.services.keys().map(|key| (*key, kernel.slots(key).unwrap())).collect();
    let takes = observed.services.iter().map(|(key, service)| {
        let serving = service.destinations.iter().filter(|one| one.destination.weight > 0);
        (*key, serving.map(|one| one.destination.endpoint).collect())
    });
    (slots, takes.collect())
}

proptest! {
    #[test]
    fn two_nodes_of_any_history_end_at_one_table(
        histories in [history(), history()],
        wishes in wishes(),
    ) {
        let wanted = all_of(&wishes);
        let mut fresh = Kernel::new(MH_SLOTS, SH_BUCKETS);
        carry_out(&mut fresh, &plan(&Observed::default(), &wanted, &ours(), Repair::Now).commands);
        prop_assert_eq!(fresh.observed().services.len(), wanted.services.len());
        for history in histories {
            let mut kernel = kernel_after(&history);
            let first = plan(&kernel.observed(), &wanted, &ours(), Repair::Now);
            carry_out(&mut kernel, &first.commands);
            prop_assert_eq!(difference(&kernel, &fresh), None);
            prop_assert!(first.misordered.is_empty());
        }
    }

    #[test]
    fn what_is_right_is_not_written(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let mut kernel = kernel_after(&history);
        let first = plan(&kernel.observed(), &wanted, &ours(), Repair::Now);
        carry_out(&mut kernel, &first.commands);
        kernel.observed().services.keys().for_each(|key| kernel.end_connections(key));
        // What waited for its last connection goes with it; then nothing is left to do.
        let second = plan(&kernel.observed(), &wanted, &ours(), Repair::Now);
        prop_assert_eq!(second.commands.len(), first.leaving);
        let is_delete = |command: &Command| matches!(command, Command::DeleteDestination { .. });
        prop_assert!(second.commands.iter().all(is_delete));
        carry_out(&mut kernel, &second.commands);
        prop_assert_eq!(plan(&kernel.observed(), &wanted, &ours(), Repair::Now), Plan::default());
        let mut fresh = Kernel::new(MH_SLOTS, SH_BUCKETS);
        carry_out(&mut fresh, &plan(&Observed::default(), &wanted, &ours(), Repair::Now).commands);
        prop_assert_eq!(difference(&kernel, &fresh), None);
    }

    #[test]
    fn a_plan_may_end_anywhere(history in history(), wishes in wishes(), end in any::<prop::sample::Index>()) {
        let wanted = all_of(&wishes);
        let mut whole = kernel_after(&history);
        let mut broken = whole.clone();
        let first = plan(&whole.observed(), &wanted, &ours(), Repair::Now);
        carry_out(&mut whole, &first.commands);
        carry_out(&mut broken, &first.commands[..end.index(first.commands.len() + 1)]);
        let rest = plan(&broken.observed(), &wanted, &ours(), Repair::Now);
        carry_out(&mut broken, &rest.commands);
        prop_assert_eq!(difference(&broken, &whole), None);
    }

    /// Whoever has a connection to a backend that stays goes on with it.
    #[test]
    fn no_connection_to_a_backend_that_stays_is_lost(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let mut kernel = kernel_after(&history);
        let mut before = Vec::new();
        for key in kernel.observed().services.keys() {
            before.extend(clients().filter_map(|client| Some((*key, client, kernel.handle_packet(key, client)?))));
        }
        let plan = plan(&kernel.observed(), &wanted, &ours(), Repair::Now);
        carry_out(&mut kernel, &plan.commands);
        for (key, client, endpoint) in before {
            let Some(service) = wanted.services.get(&key) else { continue };
            let stays = match service.table {
                TableKind::IpvsMh { .. } => {
                    service.destinations.iter().any(|one| one.endpoint.address == endpoint.address)
                }
                _ => service.destinations.iter().any(|one| one.endpoint == endpoint),
            };
            let now = kernel.handle_packet(&key, client);
            prop_assert!(!stays || now == Some(endpoint), "{} {:?}: {} then {:?}", key, client, endpoint, now);
        }
    }

    /// While it is carried out, there is always somebody to take a flow, if
    /// there was before and is after; but for the moment between a delete and the
    /// add that is sent with it.
    #[test]
    fn a_service_never_stops_taking_flows(wishes in [wishes(), wishes()]) {
        let [before, after] = wishes.map(|wishes| all_of(&wishes));
        let mut kernel = Kernel::new(MH_SLOTS, SH_BUCKETS);
        carry_out(&mut kernel, &plan(&Observed::default(), &before, &ours(), Repair::Now).commands);
        let commands = plan(&kernel.observed(), &after, &ours(), Repair::Now).commands;
        let taking = |kernel: &Kernel| -> BTreeSet<ServiceKey> {
            let takes = tables(kernel).1;
            takes.into_iter().filter(|(_, takes)| !takes.is_empty()).map(|(key, _)| key).collect()
        };
        let mut end = kernel.clone();
        carry_out(&mut end, &commands);
        let always: BTreeSet<_> = taking(&kernel).intersection(&taking(&end)).copied().collect();
        for (number, command) in commands.iter().enumerate() {
            carry_out(&mut kernel, core::slice::from_ref(command));
            let is_half = is_delete_of(command, commands.get(number + 1));
            prop_assert!(is_half || always.is_subset(&taking(&kernel)), "after {}", command);
        }
    }

    /// A destination that is to hold slots and take no flow has to have weight
    /// 1 for a moment; a flow may come then, a second may not.
    #[test]
    fn who_is_to_be_parked_takes_one_flow_at_most(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let mut kernel = kernel_after(&history);
        let commands = plan(&kernel.observed(), &wanted, &ours(), Repair::Now).commands;
        for (number, command) in commands.iter().enumerate() {
            carry_out(&mut kernel, core::slice::from_ref(command));
            let (Command::AddDestination { key, destination }, Some(Command::SetDestination { destination: next, .. })) =
                (command, commands.get(number + 1)) else { continue };
            if next.endpoint == destination.endpoint && next.standing() == Some(Standing::Parked) {
                let holds = |kernel: &Kernel| {
                    let there = kernel.observed().services[key].destinations.clone();
                    there.iter().find(|one| one.destination.endpoint == next.endpoint).unwrap().connections.unwrap()
                };
                let before = holds(&kernel);
                (0..=u16::MAX).step_by(97).for_each(|port| _ = kernel.handle_packet(key, ([198, 51, 100, 7].into(), port)));
                prop_assert!(holds(&kernel) <= before + 1, "{}", command);
            }
        }
    }

    #[test]
    fn who_waits_for_the_repair_serves_already(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let mut kernel = kernel_after(&history);
        let later = plan(&kernel.observed(), &wanted, &ours(), Repair::Later);
        carry_out(&mut kernel, &later.commands);
        let mut repaired = kernel.clone();
        carry_out(&mut repaired, &plan(&kernel.observed(), &wanted, &ours(), Repair::Now).commands);
        prop_assert_eq!(tables(&kernel).1, tables(&repaired).1, "the same take flows");
        for (key, slots) in tables(&kernel).0 {
            let is_right = slots == tables(&repaired).0[&key];
            prop_assert!(is_right || later.misordered.contains(&key));
        }
    }

    /// Services that are not ours are listed and never named in a command.
    #[test]
    fn what_is_foreign_stays(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let owned = Ownership { prefixes: std::vec!["2001:db8::/48".parse().unwrap()], marks: None };
        let kernel = kernel_after(&history);
        let plan = plan(&kernel.observed(), &wanted, &owned, Repair::Now);
        let is_v4 = |key: &&ServiceKey| key.family() == crate::ipvs::Family::V4;
        prop_assert!(!plan.commands.iter().filter_map(Command::key).any(|key| is_v4(&key)));
        let v4 = |keys: Vec<ServiceKey>| keys.into_iter().filter(|key| is_v4(&key)).collect::<Vec<_>>();
        prop_assert_eq!(plan.foreign, v4(kernel.observed().services.keys().copied().collect()));
        prop_assert_eq!(plan.outside, v4(wanted.services.keys().copied().collect()));
    }

    /// The table that is reckoned from a dump is the kernel's own.
    #[test]
    fn a_dump_tells_the_table(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let mut kernel = kernel_after(&history);
        let commands = plan(&kernel.observed(), &wanted, &ours(), Repair::Now).commands;
        carry_out(&mut kernel, &commands);
        for (key, observed) in kernel.observed().services {
            let table = observed.table(wanted.services[&key].table).expect("no weight 0 of somebody else");
            let holder = |member: &u16| Some(table.members().get(usize::from(*member))?.endpoint);
            let slots: Vec<_> = table.slots().iter().map(holder).collect();
            prop_assert_eq!(Some(slots), kernel.slots(&key).unwrap());
        }
    }

    /// At most three writes for each destination that is there or wanted, one
    /// for each service, and two around a repair.
    #[test]
    fn writes_are_bounded(history in history(), wishes in wishes()) {
        let wanted = all_of(&wishes);
        let observed = kernel_after(&history).observed();
        let commands = plan(&observed, &wanted, &ours(), Repair::Now).commands;
        let there: usize = observed.services.values().map(|service| service.destinations.len()).sum();
        let there_to_be: usize = wanted.services.values().map(|service| service.destinations.len()).sum();
        let services = observed.services.len() + wanted.services.len();
        prop_assert!(commands.len() <= 3 * there_to_be + 2 * there + 2 * services + 2);
    }

    /// Who is deleted only to come back comes back by the next write, while
    /// connections wait; and nothing is deleted before they do, for a while
    /// after a deletion the kernel ends whatever has no destination.
    #[test]
    fn pairs_stand_together(history in history(), wishes in wishes()) {
        let commands = plan(&kernel_after(&history).observed(), &all_of(&wishes), &ours(), Repair::Now).commands;
        let mut waits = false;
        for (number, command) in commands.iter().enumerate() {
            match command {
                Command::SetExpireNodestConn { value } => waits = !value,
                Command::DeleteDestination { key, endpoint } => {
                    let comes_back = commands[number..].iter().position(|later| matches!(
                        later,
                        Command::AddDestination { key: other, destination }
                            if other == key && destination.endpoint == *endpoint
                    ));
                    prop_assert!(comes_back.is_none_or(|later| waits && later == 1), "{}", command);
                    let waits_later = commands[number..].contains(&Command::SetExpireNodestConn { value: false });
                    prop_assert!(!waits_later, "{} before connections wait", command);
                }
                _ => {}
            }
        }
        prop_assert!(!waits, "set back at the end");
    }
}

/// Where the tables of two kernels differ, or who takes flows in them.
fn difference(one: &Kernel, other: &Kernel) -> Option<String> {
    let ((slots, takes), (other_slots, other_takes)) = (tables(one), tables(other));
    let keys = slots.keys().chain(other_slots.keys());
    let name = |key: &ServiceKey| std::format!("{key}: {:?}", one.observed().services.get(key));
    keys.filter(|key| slots.get(key) != other_slots.get(key) || takes.get(key) != other_takes.get(key))
        .map(name)
        .next()
}

/// The commands as they are shown.
fn shown(commands: &[Command]) -> Vec<String> {
    commands.iter().map(ToString::to_string).collect()
}
