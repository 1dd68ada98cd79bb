//! Why a check failed: typed, for a person who reads `status` and for the machines.

use std::io;

use lb_core::health::{Outcome, ProbeFailure};

use super::dns::DnsFault;
use super::http::HttpFault;
use super::radius::RadiusFault;
use super::report::Phase;
use super::tls::TlsFault;

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An answer came, but not the one that was asked for.
    #[error("{0}")]
    Answer(#[from] AnswerFault),
    /// The other side ended the connection.
    #[error("the backend closed the connection while {phase}")]
    Closed {
        /// What was under way.
        phase: Phase,
    },
    /// The answer in DNS is another.
    #[error("{0}")]
    Dns(#[from] DnsFault),
    /// The answer in HTTP is another.
    #[error("{0}")]
    Http(#[from] HttpFault),
    /// The check could not be made; nothing is known of the backend.
    #[error("not checked: {0}")]
    Local(#[from] LocalFault),
    /// The reply in RADIUS is another.
    #[error("{0}")]
    Radius(#[from] RadiusFault),
    /// Nobody listens: a TCP reset to the first packet, or an ICMP port unreachable.
    #[error("refused while {phase}")]
    Refused {
        /// What was under way.
        phase: Phase,
    },
    /// A TCP reset in the middle of the conversation.
    #[error("the backend reset the connection while {phase}")]
    Reset {
        /// What was under way.
        phase: Phase,
    },
    /// TLS failed.
    #[error("{0}")]
    Tls(#[from] TlsFault),
    /// The time was up.
    #[error("timed out while {phase}")]
    Timeout {
        /// What was under way.
        phase: Phase,
    },
    /// The network says that there is no way.
    #[error("{what} while {phase}")]
    Unreachable {
        /// What the network said.
        what: NoWay,
        /// What was under way.
        phase: Phase,
    },
}

/// What the network says when there is no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    /// ICMP administratively prohibited, or a local rule that says so.
    #[error("a firewall on the way forbids it")]
    Forbidden,
    /// ICMP host unreachable, or no answer to ARP or neighbour discovery.
    #[error("host unreachable")]
    Host,
    /// No route.
    #[error("network unreachable")]
    Network,
}

/// How an answer differs from the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It says something else.
    #[error("the answer differs at byte {at}")]
    Differs {
        /// The first byte that differs, from 0.
        at: usize,
    },
    /// It ends too early.
    #[error("the answer ends after {got} bytes; at least {wanted} were wanted")]
    Short {
        /// Bytes that came.
        got: usize,
        /// Bytes needed to tell.
        wanted: usize,
    },
}

/// Why the checker could not make a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalFault {
    /// The address to come from is not this host's.
    #[error("the source address or port cannot be had; name an address of this host and a free port")]
    Address,
    /// As many checks are under way as may be.
    #[error("too many checks at once; raise the limit of open files (LimitNOFILE=) or the interval")]
    Busy,
    /// The process may open no more files.
    #[error("no file descriptor left; raise the limit of open files (LimitNOFILE=)")]
    Descriptors,
    /// A privilege is missing.
    #[error("not permitted; marks need CAP_NET_ADMIN, ICMP needs CAP_NET_RAW")]
    Permission,
    /// The target is of another family than the source, or has no port.
    #[error("the target cannot be asked from this source; use two addresses of one family")]
    Target,
    /// Anything else that the kernel would not do.
    #[error("the kernel says: {}", io::Error::from_raw_os_error(*.0))]
    System(i32),
}

impl Failure {
    /// The same in the words of the health machines.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        Outcome::Failure(match self {
            Self::Answer(_) | Self::Closed { .. } | Self::Dns(_) | Self::Http(_) | Self::Radius(_) => {
                ProbeFailure::Mismatch
            }
            Self::Local(_) => return Outcome::Undecided,
            Self::Refused { .. } | Self::Reset { .. } => ProbeFailure::Refused,
            Self::Timeout { .. } => ProbeFailure::Timeout,
            Self::Tls(_) => ProbeFailure::Tls,
            Self::Unreachable { .. } => ProbeFailure::Unreachable,
        })
    }

    /// What an error of a socket means in this phase.
    pub(super) fn of(error: &io::Error, phase: Phase) -> Self {
        use io::ErrorKind;
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(error) = inner {
            return Self::Tls(error.into());
        }
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused { phase },
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe if phase > Phase::Connect => {
                Self::Reset { phase }
            }
            // A reset to the first packet has a code of its own, so this is one after the second.
            ErrorKind::ConnectionReset => Self::Refused { phase },
            ErrorKind::UnexpectedEof => Self::Closed { phase },
            // The kernel's own patience with SYNs, if the check's is longer.
            ErrorKind::TimedOut => Self::Timeout { phase },
            ErrorKind::HostUnreachable => Self::Unreachable { what: NoWay::Host, phase },
            ErrorKind::NetworkUnreachable => Self::Unreachable { what: NoWay::Network, phase },
            // A socket that is open already has its permissions: this came over the network.
            ErrorKind::PermissionDenied if phase >= Phase::Connect => {
                Self::Unreachable { what: NoWay::Forbidden, phase }
            }
            _ => Self::Local(LocalFault::of(error)),
        }
    }
}

impl LocalFault {
    /// What an error in preparing a socket means.
    pub(super) fn of(error: &io::Error) -> Self {
        use io::ErrorKind;
        use rustix::io::Errno;
        match (error.kind(), error.raw_os_error().map(Errno::from_raw_os_error)) {
            (_, Some(Errno::MFILE | Errno::NFILE)) => Self::Descriptors,
            (ErrorKind::PermissionDenied, _) => Self::Permission,
            (ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable, _) => Self::Address,
            (_, Some(Errno::AFNOSUPPORT | Errno::INVAL)) => Self::Target,
            (_, errno) => Self::System(errno.map_or(0, Errno::raw_os_error)),
        }
    }
}

#[cfg(test)]
mod tests;
