//! What errors of sockets become in each phase, and their words.

use std::io;

use rustix::io::Errno;

use super::*;

#[test]
fn an_error_means_what_its_phase_makes_of_it() {
    let (connect, answer) = (Phase::Connect, Phase::Answer);
    let table = [
        (Errno::CONNREFUSED, connect, Failure::Refused { phase: connect }),
        (Errno::CONNRESET, connect, Failure::Refused { phase: connect }),
        (Errno::CONNRESET, answer, Failure::Reset { phase: answer }),
        (Errno::PIPE, answer, Failure::Reset { phase: answer }),
        (Errno::TIMEDOUT, connect, Failure::Timeout { phase: connect }),
        (Errno::HOSTUNREACH, connect, Failure::Unreachable { what: NoWay::Host, phase: connect }),
        (Errno::NETUNREACH, connect, Failure::Unreachable { what: NoWay::Network, phase: connect }),
        (Errno::ACCESS, connect, Failure::Unreachable { what: NoWay::Forbidden, phase: connect }),
        (Errno::PERM, Phase::Queue, Failure::Local(LocalFault::Permission)),
        (Errno::MFILE, Phase::Queue, Failure::Local(LocalFault::Descriptors)),
        (Errno::NOBUFS, answer, Failure::Local(LocalFault::System(Errno::NOBUFS.raw_os_error()))),
    ];
    for (errno, phase, failure) in table {
        let error = io::Error::from_raw_os_error(errno.raw_os_error());
        assert_eq!(Failure::of(&error, phase), failure, "{errno:?}");
    }
}

#[test]
fn failures_say_what_was_seen_and_where() {
    let table = [
        (
            Failure::Refused { phase: Phase::Connect },
            "refused while connecting",
            Outcome::Failure(ProbeFailure::Refused),
        ),
        (
            Failure::Timeout { phase: Phase::Tls },
            "timed out while shaking hands over TLS",
            Outcome::Failure(ProbeFailure::Timeout),
        ),
        (
            AnswerFault::Differs { at: 4 }.into(),
            "the answer differs at byte 4",
            Outcome::Failure(ProbeFailure::Mismatch),
        ),
        (
            LocalFault::System(Errno::NOBUFS.raw_os_error()).into(),
            "not checked: the kernel says: No buffer space available (os error 105)",
            Outcome::Undecided,
        ),
    ];
    for (failure, words, verdict) in table {
        assert_eq!((failure.to_string().as_str(), failure.outcome()), (words, verdict));
    }
}
