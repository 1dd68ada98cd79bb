//! All pairs of state and input of both machines, as tables.

use super::super::phase::Input;
use super::super::target::{Demands, Signal};
use super::*;

#[test]
fn phases() {
    use Input as I;
    const PHASES: [Phase; 6] = [
        Phase::Settled,
        Phase::Progressing,
        Phase::Waiting,
        Phase::Stopped,
        Phase::RollingBack,
        Phase::RolledBack,
    ];
    // from:            Settled        Progressing    Waiting        Stopped        RollingBack    RolledBack
    let table = [
        (I::Approved, "Settled Progressing Progressing Stopped RollingBack RolledBack"),
        (I::Finished, "Settled Settled Waiting Stopped RollingBack RolledBack"),
        (I::GateReached, "Settled Waiting Waiting Stopped RollingBack RolledBack"),
        (I::Proposed, "Progressing Progressing Progressing Progressing Progressing Progressing"),
        (I::Resume, "Settled Progressing Waiting Progressing Progressing Progressing"),
        (I::Return, "Settled RollingBack RollingBack RollingBack RollingBack RolledBack"),
        (I::Returned, "Settled Progressing Waiting Stopped RolledBack RolledBack"),
        (I::Reverted, "Settled Settled Settled Settled Settled Settled"),
        (I::Stop, "Settled Stopped Stopped Stopped RollingBack RolledBack"),
        (I::WorkFound, "Settled Progressing Progressing Stopped RollingBack RolledBack"),
    ];
    for (input, expected) in table {
        let found: Vec<String> = PHASES.iter().map(|phase| format!("{:?}", phase.next(input))).collect();
        assert_eq!(found.join(" "), expected, "{input:?}");
    }
}

#[test]
fn progress() {
    let demands = Demands { soak: 4 * SECOND, deadline: 8 * SECOND };
    let applying =
        |unready: u32, quiet: u32| Progress::Applying { unready: unready * SECOND, quiet: quiet * SECOND };
    let soaking =
        |unready: u32, soaked: u32| Progress::Soaking { unready: unready * SECOND, soaked: soaked * SECOND };
    let verified = |ready| Progress::Verified { ready };
    let reported = Progress::Failed { cause: FailureCause::Reported };
    let late = Progress::Failed { cause: FailureCause::Deadline };
    let returning = |unready: u32| Progress::Returning { unready: unready * SECOND };
    let signals = [
        Signal::Failed(5 * SECOND),
        Signal::Failed(6 * SECOND),
        Signal::NotReady,
        Signal::Passed(2 * SECOND),
        Signal::Passed(9 * SECOND),
        Signal::Ready(3 * SECOND),
    ];
    let table = [
        (Progress::Held, [Progress::Held; 6]),
        (applying(5, 1), [reported, applying(5, 0), applying(5, 0), applying(7, 3), late, soaking(5, 0)]),
        (applying(5, 5), [reported, applying(5, 0), applying(5, 0), applying(7, 7), late, soaking(2, 3)]),
        (
            soaking(5, 0),
            [reported, applying(5, 0), applying(5, 0), soaking(5, 2), verified(true), soaking(5, 0)],
        ),
        (soaking(5, 1), [reported, reported, applying(5, 0), soaking(5, 3), verified(true), soaking(5, 1)]),
        (soaking(5, 2), [reported, reported, applying(5, 0), verified(true), verified(true), soaking(5, 2)]),
        (
            verified(true),
            [reported, reported, verified(false), verified(true), verified(true), verified(true)],
        ),
        (
            verified(false),
            [reported, reported, verified(false), verified(false), verified(false), verified(true)],
        ),
        (late, [late; 6]),
        (reported, [reported; 6]),
        (Progress::UNRETURNED, [Progress::UNRETURNED; 6]),
        (
            returning(5),
            [returning(5), returning(5), returning(5), returning(7), Progress::UNRETURNED, returning(5)],
        ),
    ];
    for (before, expected) in table {
        assert_eq!(signals.map(|signal| before.next(signal, demands)), expected, "{before:?}");
        // and the seventh: that it has what it was given proves nothing but that it returned
        let is_back = matches!(before, Progress::Returning { .. } | Progress::UNRETURNED);
        let expected = if is_back { Progress::Held } else { before };
        assert_eq!(before.next(Signal::Has, demands), expected, "{before:?}");
    }
    let none = Demands { soak: Duration::ZERO, ..demands };
    assert_eq!(applying(0, 0).next(Signal::Ready(SECOND), none), verified(true), "no soak is asked for");
    assert_eq!(applying(6, 0).next(Signal::Passed(2 * SECOND), demands), late, "the deadline is the end");
}
