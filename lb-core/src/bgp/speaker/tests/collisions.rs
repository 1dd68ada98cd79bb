//! Tests of both sides connecting at once: one connection is left, whatever the order, and it is the right one.

use super::*;
use crate::bgp::{DownReason, SpeakerConfig, State};

fn both_active() -> [SpeakerConfig; 2] {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].passive = false;
    configs
}

#[test]
fn two_that_connect_at_once_end_up_with_one_session() {
    let mut world = World::up(both_active());
    for who in [NODE, ROUTER] {
        assert_eq!(world.state(who), State::Established);
        assert_eq!(world.status(who).times_established, 1);
        assert_eq!(world.downs(who), [], "a connection too many is no session that fell");
    }
    assert_eq!(world.connections(), 1);
    world.pass(3_600);
    assert_eq!(world.status(NODE).times_established, 1);
}

/// The connection of the side with the greater identifier survives (RFC 4271 section 6.8).
#[test]
fn the_greater_identifier_keeps_its_connection() {
    for (router_id, node_keeps) in [("10.0.0.1", true), ("10.0.0.200", false)] {
        let mut configs = both_active();
        configs[ROUTER].router_id = router_id.parse().unwrap();
        let mut world = World::new(configs);
        let now = world.now;
        for who in [NODE, ROUTER] {
            world.speakers[who].start(now);
        }
        // Both are open on both sides before either has said a word.
        let connect = |world: &mut World, who: usize| {
            let Some((_, Transmit::Connect { connection })) = world.speakers[who].poll_transmit() else {
                panic!()
            };
            connection
        };
        let (ours, theirs) = (connect(&mut world, NODE), connect(&mut world, ROUTER));
        let local = world.addresses;
        let peers = [world.peer(NODE), world.peer(ROUTER)];
        let accept = |world: &mut World, who: usize| {
            world.speakers[who].handle_accepted(now, peers[who], local[who]).unwrap()
        };
        let (at_router, at_node) = (accept(&mut world, ROUTER), accept(&mut world, NODE));
        world.speakers[NODE].handle_connected(now, peers[NODE], ours, local[NODE]);
        world.speakers[ROUTER].handle_connected(now, peers[ROUTER], theirs, local[ROUTER]);
        // carry octets by hand: two connections, each with two ends
        let pairs = [(ours, at_router), (at_node, theirs)];
        let mut closed = Vec::new();
        for _ in 0..20 {
            for who in [NODE, ROUTER] {
                while let Some((_, transmit)) = world.speakers[who].poll_transmit() {
                    let of = |pair: &(_, _)| if who == NODE { pair.0 } else { pair.1 };
                    let pair = pairs.iter().find(|pair| of(pair) == transmit.connection()).unwrap();
                    let other = if who == NODE { pair.1 } else { pair.0 };
                    match transmit {
                        Transmit::Send { bytes, .. } => {
                            world.speakers[1 - who].handle_bytes(now, peers[1 - who], other, &bytes);
                        }
                        Transmit::Close { .. } => closed.push(*pair),
                        Transmit::Connect { .. } => panic!("nothing is tried again"),
                    }
                }
            }
        }
        let lost = if node_keeps { pairs[1] } else { pairs[0] };
        assert!(!closed.is_empty() && closed.iter().all(|pair| *pair == lost), "{router_id}: {closed:?}");
        for who in [NODE, ROUTER] {
            assert_eq!(world.state(who), State::Established, "{router_id}");
        }
    }
}

#[test]
fn a_connection_beside_a_session_that_is_up_is_refused() {
    let mut configs = configs(V4);
    configs[ROUTER].peers[0].graceful_restart.helper = false;
    configs[NODE].peers[0].graceful_restart.helper = false;
    let mut world = World::up(configs.clone());
    // the node's process is replaced, and the router has not noticed
    let mut other = Speaker::new(configs[NODE].clone(), Start::Cold, 3);
    other.start(world.now);
    let peer = world.peer(ROUTER);
    let connection =
        world.speakers[ROUTER].handle_accepted(world.now, peer, world.addresses[ROUTER]).unwrap();
    let Some((id, Transmit::Connect { connection: ours })) = other.poll_transmit() else { panic!() };
    other.handle_connected(world.now, id, ours, world.addresses[NODE]);
    let Some((_, Transmit::Send { bytes, .. })) = other.poll_transmit() else { panic!() };
    world.speakers[ROUTER].handle_bytes(world.now, peer, connection, &bytes);
    let moves: Vec<_> = core::iter::from_fn(|| world.speakers[ROUTER].poll_transmit()).collect();
    assert!(moves.contains(&(peer, Transmit::Close { connection })), "{moves:?}");
    assert_eq!(world.state(ROUTER), State::Established, "the one that is up stays up");
    assert_eq!(world.downs(ROUTER), []);
}

/// RFC 4724 section 4.2: a peer that can restart and connects anew has restarted.
#[test]
fn a_peer_that_restarted_unnoticed_takes_over() {
    let mut configs = configs(V4);
    configs[NODE].peers[0].graceful_restart.restarting = true;
    let mut world = World::up(configs.clone());
    let now = world.now;
    world.speakers[NODE].announce(now, vip(1), Route::default());
    world.settle();
    let mut restarted = Speaker::new(configs[NODE].clone(), Start::ForwardingPreserved, 3);
    restarted.start(now);
    world.replace_unnoticed(NODE, restarted);
    let downs = world.downs(ROUTER);
    assert_eq!(downs.len(), 1);
    assert_eq!(downs[0].reason, DownReason::PeerRestarted);
    assert!(downs[0].stale_kept);
    assert_eq!(world.state(ROUTER), State::Established);
    assert_eq!(world.heard(ROUTER).len(), 1, "what it told is kept");
}
