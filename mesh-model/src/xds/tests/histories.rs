//! Histories of what is wanted, of messages under way and of broken streams: whatever happened, in the
//! end a proxy has exactly what is wanted, and no route ever led nowhere.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::envoy::{BAD, Habits, OWN};
use super::world::{Step, World};
use super::{snapshot, with_secrets};
use crate::envoy::EnvoyConfig;
use crate::xds::{Event, Kind, Protocol, Snapshot};

fn run(habits: Habits, first: &Arc<Snapshot>, steps: &[Step]) {
    let mut world = World::new(habits, first);
    for step in steps {
        world.step(step);
    }
    world.end();
}

const ALL_HABITS: [(Protocol, bool); 4] = [
    (Protocol::Delta, false),
    (Protocol::Delta, true),
    (Protocol::StateOfTheWorld, false),
    (Protocol::StateOfTheWorld, true),
];

/// Where a stream breaks, the server that goes on keeps what routes may use until they are known to have moved.
#[test]
fn a_server_that_begins_anew_keeps_clusters_until_routes_have_left_them() {
    let of = |name| snapshot(&[(name, 1)], &[("l", name)]);
    for step in [Step::Break, Step::Restart] {
        let habits = Habits {
            protocol: Protocol::StateOfTheWorld,
            answers_first: false,
            withholds: true,
            has_own: false,
        };
        let mut world = World::new(habits, &of("a"));
        world.settle();
        world.wanted = of("b");
        world.step(&step);
        let clusters = |world: &World| world.proxy.has[&Kind::Cluster].keys().cloned().collect::<Vec<_>>();
        let route = |world: &World| world.proxy.has[&Kind::Route]["l"]["cluster"].clone();
        while route(&world) == "a" {
            assert!(clusters(&world).contains(&"a".to_owned()), "{step:?}");
            assert!(world.carry_down() || world.carry_up(), "{step:?}");
        }
        world.end();
        assert_eq!(clusters(&world), ["b"], "{step:?}");
    }
}

#[test]
fn a_cluster_whose_secret_is_not_there_is_held_back_and_told() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        let mut world = World::new(habits, &snapshot(&[("a", 1)], &[("l", "a")]));
        world.settle();
        world.events.clear();
        let of = |is_there| {
            with_secrets(
                &[],
                &[("b", 1), ("c", 1)],
                &[("l", "b"), ("m", "c")],
                &[("b", is_there), ("c", true)],
            )
        };
        world.step(&Step::Want(of(false)));
        world.settle();
        let lacks =
            Event::Lacks { kind: Kind::Cluster, name: "b".into(), secrets: ["s-b".to_owned()].into() };
        assert_eq!(world.events, [lacks], "{protocol:?}: told once, and not that all is as wanted");
        let route = |world: &World, name: &str| world.proxy.has[&Kind::Route][name]["cluster"].clone();
        assert_eq!([route(&world, "l"), route(&world, "m")], ["a", "c"], "{protocol:?}: nobody else waits");
        assert!(world.proxy.has[&Kind::Cluster].contains_key("a"), "{protocol:?}: its route is in use");
        world.step(&Step::Want(of(true)));
        world.end();
        assert_eq!(route(&world, "l"), "b", "{protocol:?}");
    }
}

/// What one tenant's cluster is held back or refused for keeps nothing of another's that is not wanted any more.
#[test]
fn what_is_held_back_keeps_what_it_uses_and_nothing_else() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        let first = snapshot(&[("a", 1), ("b", 1), ("d", 1)], &[("l", "a"), ("m", "b"), ("n", "d")]);
        // a's next form is bad, or lacks its secret; or its route goes on to a cluster that does
        let wanted = [
            snapshot(&[("a", BAD), ("d", 2)], &[("l", "a"), ("n", "d")]),
            with_secrets(&[], &[("a", 2), ("d", 2)], &[("l", "a"), ("n", "d")], &[("a", false)]),
            with_secrets(&[], &[("c", 2), ("d", 2)], &[("l", "c"), ("n", "d")], &[("c", false)]),
        ];
        for (number, wanted) in wanted.into_iter().enumerate() {
            let mut world = World::new(habits, &first);
            world.settle();
            world.step(&Step::Want(wanted));
            world.settle();
            let what = format!("{protocol:?} {answers_first} {number}");
            let has = |kind| world.proxy.has[&kind].keys().map(String::as_str).collect::<Vec<_>>();
            assert_eq!(has(Kind::Cluster), ["a", "d"], "{what}");
            assert_eq!(has(Kind::Listener), ["l", "n"], "{what}");
            assert_eq!(world.proxy.has[&Kind::Route]["l"]["cluster"], "a", "{what}");
            assert_eq!(world.proxy.has[&Kind::Cluster]["d"]["version"], 2, "{what}");
        }
    }
}

/// A refusal of a cluster is none of its endpoints: those of its last good form change on.
#[test]
fn endpoints_of_a_refused_cluster_change_on() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        let mut world = World::new(habits, &snapshot(&[("a", 1)], &[("l", "a")]));
        world.settle();
        let mut config = EnvoyConfig::default();
        config.clusters.insert("a".to_owned(), json!({ "name": "a", "version": BAD }));
        let endpoints = json!({ "cluster_name": "a", "endpoints": ["one more"] });
        config.endpoints.insert("a".to_owned(), endpoints.clone());
        world.step(&Step::Want(Arc::new(Snapshot::new(&config, []))));
        world.settle();
        assert_eq!(world.proxy.has[&Kind::Endpoints]["a"], endpoints, "{protocol:?}");
    }
}

/// The proxy waits for a secret, and then nobody wants it any more.
#[test]
fn a_secret_that_is_waited_for_is_told_after_it_went() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        for messages in 0..8 {
            for is_broken in [false, true] {
                let mut world = World::new(habits, &snapshot(&[("a", 1)], &[("l", "a")]));
                world.settle();
                world.step(&Step::Want(with_secrets(&[], &[("b", 1)], &[("l", "b")], &[("b", true)])));
                (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                if is_broken {
                    world.step(&Step::Break);
                }
                world.step(&Step::Want(snapshot(&[("c", 1)], &[("l", "c")])));
                world.end();
            }
        }
    }
}

/// The proxy waits for a secret, the stream breaks, and its cluster is wanted without one: it says nothing of clusters
/// until the secret came, so until then none of its routes may lead to that one.
#[test]
fn nothing_leads_to_a_cluster_that_waits_since_another_stream() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        for (messages, version) in (0..16).map(|number| (number / 2, [2, BAD][number % 2])) {
            for (has_one, is_known) in (0..4).map(|number| (number / 2 == 1, number % 2 == 1)) {
                let clusters: &[(&str, u32)] = if has_one { &[("a", 1)] } else { &[] };
                let listeners: &[(&str, &str)] = if has_one { &[("l", "a")] } else { &[] };
                let mut world = World::new(habits, &snapshot(clusters, listeners));
                world.settle();
                let with_b = [clusters, &[("b", 1)]].concat();
                world.step(&Step::Want(with_secrets(&[], &with_b, listeners, &[("b", true)])));
                (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                // by state of the world a message of c alone would take b away
                world.step(&Step::Want(snapshot(&[("b", version), ("c", 1)], &[("l", "b")])));
                if is_known {
                    world.step(&Step::Break);
                    world.end();
                } else {
                    // a server that begins anew cannot tell a secret that is not wanted any more: b may wait for ever
                    world.step(&Step::Restart);
                    world.settle();
                }
            }
        }
    }
}

/// The proxy waits for a secret since another stream, and until it answers on this one nobody knows: the secret is
/// wanted once more and goes again meanwhile.
#[test]
fn a_secret_that_is_waited_for_since_another_stream_is_told_after_it_went() {
    for (protocol, answers_first) in ALL_HABITS {
        for (withholds, version) in (0..4).map(|number| (number / 2 == 1, [2, BAD][number % 2])) {
            for (messages, later) in (0..32).map(|number| (number / 4, number % 4)) {
                let habits = Habits { protocol, answers_first, withholds, has_own: false };
                let (with, without) =
                    (with_secrets(&[], &[("a", 1)], &[], &[("a", true)]), snapshot(&[("a", version)], &[]));
                let mut world = World::new(habits, &snapshot(&[], &[]));
                world.step(&Step::Want(Arc::clone(&with)));
                (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                world.step(&Step::Want(Arc::clone(&without)));
                world.step(&Step::Break);
                (0..later).for_each(|_| _ = world.carry_up() || world.carry_down());
                world.step(&Step::Want(with));
                world.step(&Step::Want(without));
                world.end();
            }
        }
    }
}

/// A secret comes while the proxy does not ask for it: of those it says later that it has them, and does not.
#[test]
fn a_secret_that_came_while_nobody_asked_for_it_is_told_again() {
    for (protocol, answers_first) in ALL_HABITS {
        for (is_wanted, withholds, later) in
            (0..64).map(|number| (number / 32 == 1, number / 16 % 2 == 1, number % 16))
        {
            let habits = Habits { protocol, answers_first, withholds, has_own: false };
            let of = |secrets: &[(&str, bool)]| with_secrets(&[], &[("a", 1)], &[], secrets);
            for messages in 0..16 {
                let mut world = World::new(habits, &of(&[("a", true)]));
                (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                world.step(&Step::Want(of(&[])));
                (0..later).for_each(|_| _ = world.carry_up() || world.carry_down());
                world.step(&Step::Break);
                world.step(&Step::Want(of(&[("a", true)])));
                world.step(&Step::ToServer(1));
                world.step(&Step::ToProxy(1));
                if !is_wanted {
                    world.step(&Step::Want(snapshot(&[("a", BAD)], &[])));
                }
                world.step(&Step::Break);
                world.end();
            }
        }
    }
}

#[test]
fn a_cluster_that_is_not_wanted_any_more_is_not_waited_for() {
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        let of = |name| snapshot(&[(name, 1)], &[("l", name)]);
        let mut world = World::new(habits, &of("a"));
        world.settle();
        world.step(&Step::Want(of("b")));
        world.step(&Step::ToProxy(1));
        world.step(&Step::Want(of("c")));
        world.end();
    }
}

/// Every way in which two changes, or a change and a broken stream, fall between the messages.
#[test]
fn all_short_histories_end_as_wanted() {
    let states: [Arc<Snapshot>; 5] = [
        snapshot(&[("a", 1)], &[("l", "a")]),
        snapshot(&[("a", 2)], &[("l", "a")]),
        snapshot(&[("b", 1)], &[("l", "b")]),
        snapshot(&[("a", 1), ("b", 2)], &[("l", "b"), ("m", "a")]),
        snapshot(&[], &[]),
    ];
    let breaks = [None, Some(Step::Restart), Some(Step::Cold)];
    let mut histories = 0;
    for (protocol, answers_first) in ALL_HABITS {
        let habits = Habits { protocol, answers_first, withholds: true, has_own: false };
        for (first, second, third) in (0..125).map(|number| (number / 25, number / 5 % 5, number % 5)) {
            for (messages, broken) in (0..21).map(|number| (number / 3, &breaks[number % 3])) {
                for later in [0, 1, 2, 5] {
                    let mut world = World::new(habits, &states[first]);
                    world.settle();
                    world.step(&Step::Want(Arc::clone(&states[second])));
                    // one to and one fro by turns
                    (0..messages).for_each(|_| _ = world.carry_down() || world.carry_up());
                    broken.iter().for_each(|step| world.step(step));
                    (0..later).for_each(|_| _ = world.carry_down() || world.carry_up());
                    world.step(&Step::Want(Arc::clone(&states[third])));
                    world.end();
                    histories += 1;
                }
            }
        }
    }
    assert_eq!(histories, 4 * 125 * 21 * 4);
}

/// What is wanted: clusters with versions, listeners that lead to some of them, and endpoints of the proxy's own.
fn wanted() -> impl Strategy<Value = Arc<Snapshot>> {
    let clusters = proptest::collection::btree_map(0..4_usize, 0..=BAD, 0..5);
    let listeners = proptest::collection::btree_map(0..4_usize, 0..4_usize, 0..4);
    // some have a secret, and some of those lack it
    let secrets = proptest::collection::btree_map(0..4_usize, prop::bool::weighted(0.8), 0..4);
    (clusters, listeners, secrets, any::<bool>()).prop_map(|(clusters, listeners, secrets, has_own)| {
        let names = ["a", "b", "c", "d"];
        let secrets: Vec<(&str, bool)> =
            secrets.into_iter().map(|(at, is_there)| (names[at], is_there)).collect();
        let all: Vec<(&str, u32)> = clusters.into_iter().map(|(at, version)| (names[at], version)).collect();
        let lines = ["l", "m", "n", "o"];
        let to = |(at, cluster): (usize, usize)| Some((lines[at], all.get(cluster)?.0));
        let listeners: Vec<(&str, &str)> = listeners.into_iter().filter_map(to).collect();
        with_secrets(if has_own { &[OWN] } else { &[] }, &all, &listeners, &secrets)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => wanted().prop_map(Step::Want),
        6 => (1..4_usize).prop_map(Step::ToProxy),
        6 => (1..4_usize).prop_map(Step::ToServer),
        1 => Just(Step::Again),
        1 => Just(Step::Break),
    ];
    proptest::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_as_wanted(
        is_delta in any::<bool>(),
        answers_first in any::<bool>(),
        withholds in any::<bool>(),
        has_own in any::<bool>(),
        first in wanted(),
        steps in steps(),
    ) {
        let protocol = if is_delta { Protocol::Delta } else { Protocol::StateOfTheWorld };
        run(Habits { protocol, answers_first, withholds, has_own }, &first, &steps);
    }
}
