//! Tests of the phases between a node and its kernel: every pair, and the waits after failures.

use super::*;

#[test]
fn every_phase_and_input() {
    use KernelInput::*;
    use KernelPhase::*;
    let inputs = [Asked, Due, Listed, NotListed, Planned, Refused, Written];
    #[rustfmt::skip]
    let table = [
        //          asked    due      listed   not listed planned  refused  written
        (Unread,   [Reading, Unread,  Unread,  Unread,    Unread,  Unread,  Unread]),
        (Reading,  [Reading, Reading, Settled, Failed,    Reading, Reading, Reading]),
        (Settled,  [Settled, Unread,  Settled, Settled,   Writing, Settled, Settled]),
        (Writing,  [Writing, Writing, Writing, Writing,   Writing, Failed,  Settled]),
        (Failed,   [Failed,  Unread,  Failed,  Failed,    Failed,  Failed,  Failed]),
    ];
    for (phase, expected) in table {
        for (input, expected) in inputs.into_iter().zip(expected) {
            assert_eq!(phase.after(input), expected, "{phase:?} {input:?}");
        }
    }
}

const VIP: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(203, 0, 113, 10));

/// A kernel that was read and holds nothing.
fn read() -> Kernel {
    let mut kernel = Kernel::new(Time::ZERO, Duration::from_secs(30));
    assert!(kernel.wants_read() && !kernel.wants_read(), "one listing at a time");
    assert!(kernel.handle_snapshot(Time::ZERO, Snapshot::default()));
    assert!(!kernel.handle_snapshot(Time::ZERO, Snapshot::default()), "nobody asked for it");
    kernel
}

#[test]
fn what_was_written_is_believed_as_far_as_it_was_done() {
    let writes = [true, false, true].map(|present| Write::Address { vip: VIP, present });
    for (done, present) in [(0, false), (1, true), (2, false), (3, true)] {
        let mut kernel = read();
        assert!(kernel.handle_plan(Time::ZERO, &writes) && !kernel.handle_plan(Time::ZERO, &writes));
        let written = kernel.handle_written(Time::ZERO, done).unwrap();
        assert_eq!((written.asked, written.vips.len()), (3, done.min(1)));
        assert_eq!(kernel.believed().addresses.contains(&VIP), present, "{done}");
        let phase = if done == 3 { KernelPhase::Settled } else { KernelPhase::Failed };
        assert_eq!(kernel.phase(), phase);
        assert_eq!(kernel.handle_written(Time::ZERO, 3), None, "none is under way");
    }
}

#[test]
fn after_failures_it_waits_longer_and_after_rest_as_at_first() {
    let mut kernel = read();
    let write = [Write::Address { vip: VIP, present: true }];
    let mut waits = Vec::new();
    let mut now = Time::ZERO;
    for _ in 0..9 {
        assert!(kernel.handle_plan(now, &write));
        kernel.handle_written(now, 0);
        let due = kernel.poll_timeout().unwrap();
        waits.push((due - now).as_millis());
        kernel.handle_timeout(Time::from_nanos(due.as_nanos() - 1));
        assert!(!kernel.wants_read(), "too early");
        now = due;
        kernel.handle_timeout(now);
        assert!(kernel.wants_read());
        kernel.handle_snapshot(now, Snapshot::default());
    }
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    assert!(!kernel.handle_plan(now, &[]), "it is at rest");
    kernel.handle_plan(now, &write);
    kernel.handle_written(now, 0);
    assert_eq!(kernel.poll_timeout(), Some(now + RETRY_FIRST));
}

#[test]
fn pairs_wait_after_a_deletion_and_nothing_else_does() {
    let pairs = [Write::Ipvs(Command::SetExpireNodestConn { value: false })];
    let other = [Write::Address { vip: VIP, present: true }];
    let at = |milliseconds| Time::from_secs(60) + Duration::from_millis(milliseconds);
    let mut kernel = read();
    kernel.handle_timeout(at(0));
    assert!(kernel.wants_read() && kernel.handle_snapshot(at(0), Snapshot::default()));
    let delete = Command::DeleteDestination {
        key: ServiceKey::Address("203.0.113.10:443/tcp".parse().unwrap()),
        endpoint: crate::Endpoint::new([10, 1, 0, 5].into(), 443),
    };
    assert!(!kernel.holds_back(at(0), &pairs), "nothing was deleted for long");
    assert!(kernel.handle_plan(at(0), &[Write::Ipvs(delete)]));
    kernel.handle_written(at(10), 1);
    assert!(!kernel.holds_back(at(20), &other));
    assert!(kernel.holds_back(at(20), &pairs));
    assert_eq!(kernel.poll_timeout(), Some(at(110)));
    let mut dropped = kernel.clone();
    // in time
    kernel.handle_timeout(at(110));
    assert!(!kernel.holds_back(at(110), &pairs) && kernel.handle_plan(at(110), &pairs));
    // or no longer wanted: then there is nothing to wake up for
    assert!(!dropped.handle_plan(at(50), &[]));
    assert_eq!(dropped.poll_timeout(), Some(at(30_000)));
    assert!(dropped.holds_back(at(60), &pairs));
    dropped.handle_timeout(at(110));
    assert_eq!(dropped.poll_timeout(), Some(at(30_000)), "it was told once");
}

#[test]
fn a_plan_that_never_ends_does_not_spin() {
    let mut kernel = read();
    let write = [Write::Address { vip: VIP, present: true }];
    let mut rounds = 0;
    while kernel.handle_plan(Time::ZERO, &write) {
        kernel.handle_written(Time::ZERO, 1);
        rounds += 1;
    }
    assert_eq!((rounds, kernel.phase()), (ROUNDS, KernelPhase::Failed));
}
