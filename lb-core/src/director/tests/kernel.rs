//! Profile `ipvs`: what a Linux node really does, its refusals included.

use super::{Client, World, play};
use crate::config::BackendState;
use crate::director::{DropReason, PassReason, ReplyKind, Verdict};

/// The kernel's own defaults.
const DEFAULTS: &str = "profile: { kind: ipvs }";
/// What a stateless node sets.
const STATELESS: &str =
    "profile: { kind: ipvs, sloppyTcp: true, expireNodestConn: true, scheduleIcmp: true }";
const ONE: Client = Client { port: 40_000 };

#[test]
fn a_connection_under_the_kernels_defaults() {
    let mut world = World::new(DEFAULTS);
    play(
        &mut world,
        &[
            ("data out of nowhere goes to the local stack", ONE.tcp("A", 0), "pass no-entry"),
            ("so does a reset", ONE.tcp("R", 0), "pass no-entry"),
            ("and an error about an unknown flow", ONE.too_big(), "pass icmp-not-scheduled"),
            ("a SYN opens", ONE.tcp("S", 0), "new"),
            ("data follows", ONE.tcp("A", 10), "existing"),
            ("an error about a known flow too", ONE.too_big(), "existing"),
            ("the client closes", ONE.tcp("FA", 0), "existing"),
            ("in FIN_WAIT an old port goes where it went", ONE.tcp("S", 0), "existing"),
            ("UDP needs no beginning", ONE.udp(), "new"),
        ],
    );
}

#[test]
fn a_stateless_node_takes_over_any_flow() {
    let mut world = World::new(STATELESS);
    play(
        &mut world,
        &[
            ("an error about a flow of another node", ONE.too_big(), "picked-up"),
            ("data of that flow", ONE.tcp("A", 10), "existing"),
            ("data of another", Client { port: 40_001 }.tcp("A", 10), "picked-up"),
            ("a reset is never scheduled", Client { port: 40_002 }.tcp("R", 0), "pass no-entry"),
        ],
    );
}

/// `kernel-testbed.md`'s table of drain and removal, row by row.
#[test]
fn flows_of_a_backend_that_is_drained_or_deleted() {
    let rows = [
        // profile, backend state, packet, verdict
        (DEFAULTS, BackendState::Drain, "A", "existing"),
        (STATELESS, BackendState::Drain, "A", "existing"),
        (DEFAULTS, BackendState::Down, "A", "drop backend-gone"),
        (DEFAULTS, BackendState::Down, "S", "drop backend-gone"),
        (STATELESS, BackendState::Down, "A", "rechosen"),
        (STATELESS, BackendState::Down, "S", "rechosen"),
    ];
    for (profile, state, flags, expected) in rows {
        let mut world = World::new(profile);
        let backend = world.backend_of(&ONE.tcp("S", 0));
        world.set(backend, state);
        let said = world.say(&ONE.tcp(flags, 0));
        assert!(said.starts_with(expected), "{profile} {state:?} {flags}: {said}");
    }
}

#[test]
fn an_expired_entry_without_sloppy_tcp_ends_in_the_local_stack() {
    let mut world = World::new("profile: { kind: ipvs, expireNodestConn: true }");
    let backend = world.backend_of(&ONE.tcp("S", 0));
    world.set(backend, BackendState::Down);
    assert_eq!(world.handle(&ONE.tcp("A", 0)), Verdict::Pass(PassReason::NoEntry));
    assert!(world.director.connections().is_empty(), "the entry is gone at once");
}

#[test]
fn a_service_without_backends_refuses_with_port_unreachable() {
    let mut world = World::with(DEFAULTS, &["down"]);
    let verdict = world.handle(&ONE.tcp("S", 0));
    assert!(matches!(verdict, Verdict::Reply { kind: ReplyKind::PortUnreachable, .. }), "{verdict:?}");
    // Answers are rationed as everywhere.
    let rationed = (0..50).map(|_| world.handle(&ONE.tcp("S", 0)));
    assert!(rationed.into_iter().any(|verdict| verdict == Verdict::Drop(DropReason::RateLimited)));
}

/// With `expire_nodest_conn` off a packet to a deleted destination is dropped
/// and does not restart the entry's timer: 15 minutes later the flow starts over.
#[test]
fn a_chatty_client_of_a_deleted_backend_is_free_in_the_end() {
    let mut world = World::new("profile: { kind: ipvs, sloppyTcp: true }");
    let backend = world.backend_of(&ONE.tcp("S", 0));
    world.say(&ONE.tcp("A", 0));
    world.set(backend, BackendState::Down);
    for minute in 1..15 {
        world.now += core::time::Duration::from_secs(60);
        assert_eq!(world.handle(&ONE.tcp("A", 0)), Verdict::Drop(DropReason::BackendGone), "{minute}");
    }
    world.now += core::time::Duration::from_secs(60);
    let said = world.say(&ONE.tcp("A", 0));
    assert!(said.starts_with("picked-up"), "{said}");
}
