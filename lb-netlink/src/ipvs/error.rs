//! What can go wrong with IPVS, and what the kernel's error numbers mean there.
//!
//! The one idea: the same number means another thing after another command
//! (`ENOENT` is a missing scheduler when a service is added, a missing
//! destination when one is deleted), so a refusal is told as a [`Reason`] that
//! a controller can match on, with the kernel's own words beside it.
//!
//! Source: the `return` statements of `net/netfilter/ipvs/ip_vs_ctl.c` and
//! `ip_vs_sync.c`; each was provoked on Linux 6.1 by `tests/live_ipvs.rs`.

use std::fmt;

use thiserror::Error;

use super::CommandCode;
use super::place;
use crate::error::{Errno, Rejection};

/// A call to IPVS that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel's answer is not what IPVS sends.
    #[error("the kernel's answer about IPVS cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The conversation failed; a missing family is here, too.
    #[error(transparent)]
    Netlink(#[from] crate::Error),
    /// The kernel refused what was asked.
    #[error(transparent)]
    Refused(Box<Refused>),
}

/// Bytes that are no message of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An attribute says that it is longer than what there is, or shorter than its header.
    #[error("an attribute of {group} is cut short, {available} bytes are left")]
    CutShort {
        /// Whose attribute.
        group: &'static str,
        /// How many bytes were left.
        available: usize,
    },
    /// A value of another length than its type has.
    #[error("{attribute} has {length} bytes where {expected} are right")]
    Length {
        /// The kernel's name of the attribute.
        attribute: &'static str,
        /// How many bytes it has.
        length: usize,
        /// How many are right; for addresses and texts, at most.
        expected: usize,
    },
    /// An attribute that every kernel sends is not there.
    #[error("{attribute} is missing")]
    Missing {
        /// The kernel's name of the attribute.
        attribute: &'static str,
    },
    /// A text that is not UTF-8.
    #[error("{attribute} is not text")]
    Text {
        /// The kernel's name of the attribute.
        attribute: &'static str,
    },
    /// A number that stands for nothing known.
    #[error("{attribute} has the value {value}, which stands for nothing known")]
    Value {
        /// The kernel's name of the attribute.
        attribute: &'static str,
        /// The number.
        value: u64,
    },
}

/// What the kernel refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was to be done, in words.
    pub what: String,
    /// Why not.
    pub reason: Reason,
    /// The kernel's own word.
    pub rejection: Rejection,
}

/// Why the kernel refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// `EPERM`: the process lacks CAP_NET_ADMIN over this network namespace.
    NotPermitted,
    /// `EEXIST`: there is such a service.
    ServiceExists,
    /// `ESRCH`: there is no such service.
    NoSuchService,
    /// `EEXIST`: the service has such a destination.
    DestinationExists,
    /// `ENOENT`: the service has no such destination.
    NoSuchDestination,
    /// `ENOENT`: the scheduler or persistence engine is not in this kernel; its module may have to be loaded.
    NoSuchScheduler,
    /// `EEXIST`: such a daemon is running.
    DaemonRuns,
    /// `ESRCH`: no such daemon is running.
    NoSuchDaemon,
    /// `ENODEV`: the daemon's interface does not exist.
    NoSuchInterface,
    /// `ERANGE`: a weight above `i32::MAX`, a lower threshold above the upper one.
    OutOfRange,
    /// `EAFNOSUPPORT`: an address family that the kernel was built without.
    FamilyNotSupported,
    /// `EINVAL`: values that do not go together, such as mixed families without a tunnel; an address that is
    /// not unicast; a name of more than 15 bytes; a number beyond what the kernel counts to.
    Invalid,
    /// Another number.
    Other(Errno),
}

impl Reason {
    /// What `errno` means as an answer to `code`.
    #[must_use]
    pub fn of(code: CommandCode, errno: Errno) -> Self {
        use CommandCode as Code;
        match (errno, code) {
            (Errno::EPERM, _) => Self::NotPermitted,
            (Errno::EINVAL, _) => Self::Invalid,
            (Errno::ERANGE, _) => Self::OutOfRange,
            (Errno::EAFNOSUPPORT, _) => Self::FamilyNotSupported,
            (Errno::EEXIST, Code::NewService) => Self::ServiceExists,
            (Errno::EEXIST, Code::NewDest) => Self::DestinationExists,
            (Errno::EEXIST, Code::NewDaemon) => Self::DaemonRuns,
            (Errno::ESRCH, Code::DelDaemon) => Self::NoSuchDaemon,
            (Errno::ESRCH, _) => Self::NoSuchService,
            (Errno::ENOENT, Code::NewService | Code::SetService) => Self::NoSuchScheduler,
            (Errno::ENOENT, Code::SetDest | Code::DelDest) => Self::NoSuchDestination,
            (Errno::ENODEV, Code::NewDaemon) => Self::NoSuchInterface,
            (other, _) => Self::Other(other),
        }
    }
}

impl Refused {
    /// The meaning of a rejection of a message with that code and those bytes.
    pub(super) fn new(what: String, code: CommandCode, payload: &[u8], rejection: Rejection) -> Self {
        let reason = Reason::of(code, rejection.errno);
        let attribute = place::name(code, payload, &rejection);
        Self { what, reason, rejection: Rejection { attribute, ..rejection } }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot {}: {} ({})", self.what, self.reason, self.rejection)
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotPermitted => "the process needs CAP_NET_ADMIN over this network namespace",
            Self::ServiceExists => "there is such a service already",
            Self::NoSuchService => "there is no such service",
            Self::DestinationExists => "the service has such a destination already",
            Self::NoSuchDestination => "the service has no such destination",
            Self::NoSuchScheduler => {
                "this kernel has no such scheduler or persistence engine; load its module, such as ip_vs_mh"
            }
            Self::DaemonRuns => "such a daemon is running already",
            Self::NoSuchDaemon => "no such daemon is running",
            Self::NoSuchInterface => "there is no such interface",
            Self::OutOfRange => "a weight is above 2147483647, or a lower threshold above the upper one",
            Self::FamilyNotSupported => "this kernel's IPVS was built without that address family",
            Self::Invalid => {
                "the values do not go together: another family than the service's takes a tunnel and no \
                 synchronisation daemon, addresses are unicast, names have at most 15 bytes, numbers are at most \
                 2147483647"
            }
            Self::Other(errno) => return errno.fmt(formatter),
        })
    }
}

#[cfg(test)]
mod tests;
