//! What can go wrong between us and the kernel, as values.
//!
//! The one idea: a [`Rejection`] is the kernel's own word about one request
//! (its error number, its sentence, the attribute that it points at), an
//! [`enum@Error`] is about the conversation as a whole. Both can be compared, so a
//! test or a controller matches on them instead of reading text. What an error
//! number means for a protocol is said by that protocol's module, for example
//! [`ipvs::Error`](crate::ipvs::Error).
//!
//! Source: `man 7 netlink`, `Documentation/userspace-api/netlink/intro.rst`.

use std::fmt;
use std::io;

use thiserror::Error;

/// A conversation with the kernel that came to no good end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no generic netlink family of this name.
    #[error(
        "this kernel has no generic netlink family `{family}` in this network namespace: load its module as root \
         on the host (`modprobe {module}`), or use a kernel that has it"
    )]
    FamilyMissing {
        /// The family that was asked for.
        family: String,
        /// The module that brings it.
        module: String,
    },
    /// The tables kept changing while they were read.
    #[error(
        "the kernel's tables changed during each of {attempts} attempts to read them; try again when it is quieter"
    )]
    Interrupted {
        /// How often reading was started.
        attempts: u32,
    },
    /// A system call on the socket failed.
    #[error("cannot {doing} a netlink socket: {cause}")]
    Io {
        /// What was being done.
        doing: Doing,
        /// How it failed.
        cause: IoCause,
    },
    /// The kernel sent what netlink does not allow.
    #[error("the kernel's answer cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// Answers were lost because the socket's receive buffer was full.
    #[error(
        "the kernel dropped answers because the socket's buffer was full; what was done is unknown, so look again"
    )]
    Overrun,
    /// The kernel refused the one request of this conversation.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// What was being done with a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Making and configuring it.
    Open,
    /// Waiting for an answer.
    Receive,
    /// Handing over a request.
    Send,
}

/// A failed system call, comparable unlike [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoCause {
    /// Its kind.
    pub kind: io::ErrorKind,
    /// The kernel's number, if it came from the kernel.
    pub errno: Option<Errno>,
    /// It in words.
    pub text: String,
}

/// Bytes that are no netlink message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A message says that it is longer than what was received, or shorter than its header.
    #[error("a message of {claimed} bytes where {available} are left; a header alone has 16")]
    Length {
        /// What the length field says.
        claimed: usize,
        /// What there is.
        available: usize,
    },
    /// An acknowledgement or an end without its error number.
    #[error("an acknowledgement of {0} bytes; it has at least 4")]
    Acknowledgement(usize),
    /// A generic netlink message without its header.
    #[error("a generic netlink message of {0} bytes; it has at least 4")]
    GenericHeader(usize),
    /// An answer that lacks what it is about.
    #[error("an answer without {0}")]
    Lacks(&'static str),
}

/// The kernel's refusal of one request: extended acknowledgement included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The error number.
    pub errno: Errno,
    /// The kernel's own sentence, if it has one.
    pub message: Option<String>,
    /// Which attribute it is about, in words, if the kernel says so and the protocol is known here.
    pub attribute: Option<String>,
    /// Where in the request that attribute begins, in bytes from the start of the netlink header.
    pub offset: Option<u32>,
    /// The number of an attribute that should have been there.
    pub missing: Option<u16>,
}

/// An error number of the kernel, always positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

/// Name and meaning of the numbers that netlink requests are refused with.
const NAMES: [(Errno, &str, &str); 20] = [
    (Errno::EPERM, "EPERM", "not permitted; it takes CAP_NET_ADMIN over this network namespace"),
    (Errno::ENOENT, "ENOENT", "no such entry"),
    (Errno::ESRCH, "ESRCH", "no such object"),
    (Errno::EINTR, "EINTR", "interrupted"),
    (Errno::E2BIG, "E2BIG", "too big"),
    (Errno::EAGAIN, "EAGAIN", "try again"),
    (Errno::ENOMEM, "ENOMEM", "out of memory"),
    (Errno::EACCES, "EACCES", "permission denied"),
    (Errno::EBUSY, "EBUSY", "busy"),
    (Errno::EEXIST, "EEXIST", "it exists already"),
    (Errno::ENODEV, "ENODEV", "no such device"),
    (Errno::EINVAL, "EINVAL", "invalid"),
    (Errno::ERANGE, "ERANGE", "out of range"),
    (Errno::EMSGSIZE, "EMSGSIZE", "does not fit into one message"),
    (Errno::EPROTONOSUPPORT, "EPROTONOSUPPORT", "this kernel lacks the protocol"),
    (Errno::EOPNOTSUPP, "EOPNOTSUPP", "not supported by this kernel"),
    (Errno::EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported"),
    (Errno::EADDRINUSE, "EADDRINUSE", "address in use"),
    (Errno::EADDRNOTAVAIL, "EADDRNOTAVAIL", "no such address"),
    (Errno::ENOBUFS, "ENOBUFS", "no buffer space"),
];

impl Errno {
    /// Not permitted.
    pub const EPERM: Self = Self(1);
    /// No such entry.
    pub const ENOENT: Self = Self(2);
    /// No such object.
    pub const ESRCH: Self = Self(3);
    /// Interrupted by a signal.
    pub const EINTR: Self = Self(4);
    /// Too big.
    pub const E2BIG: Self = Self(7);
    /// Try again.
    pub const EAGAIN: Self = Self(11);
    /// Out of memory.
    pub const ENOMEM: Self = Self(12);
    /// Permission denied.
    pub const EACCES: Self = Self(13);
    /// Busy.
    pub const EBUSY: Self = Self(16);
    /// It exists already.
    pub const EEXIST: Self = Self(17);
    /// No such device.
    pub const ENODEV: Self = Self(19);
    /// Invalid.
    pub const EINVAL: Self = Self(22);
    /// Out of range.
    pub const ERANGE: Self = Self(34);
    /// Does not fit into one message.
    pub const EMSGSIZE: Self = Self(90);
    /// The protocol is not there.
    pub const EPROTONOSUPPORT: Self = Self(93);
    /// Not supported.
    pub const EOPNOTSUPP: Self = Self(95);
    /// Address family not supported.
    pub const EAFNOSUPPORT: Self = Self(97);
    /// Address in use.
    pub const EADDRINUSE: Self = Self(98);
    /// No such address.
    pub const EADDRNOTAVAIL: Self = Self(99);
    /// No buffer space.
    pub const ENOBUFS: Self = Self(105);

    /// Its symbol, for example `EEXIST`, if it is one that netlink requests are refused with.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(errno, ..)| *errno == self).map(|(_, name, _)| *name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(errno, ..)| errno == self) {
            Some((_, name, meaning)) => write!(formatter, "{meaning} ({name})"),
            None => write!(formatter, "{}", io::Error::from_raw_os_error(self.0)),
        }
    }
}

impl Rejection {
    /// A refusal of which no more is known than its number.
    #[must_use]
    pub const fn new(errno: Errno) -> Self {
        Self { errno, message: None, attribute: None, offset: None, missing: None }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the kernel refused it: {}", self.errno)?;
        if let Some(message) = &self.message {
            write!(formatter, ": {message}")?;
        }
        match (&self.attribute, self.offset, self.missing) {
            (Some(attribute), _, _) => write!(formatter, ", at {attribute}"),
            (None, _, Some(number)) => write!(formatter, ", attribute {number} is missing"),
            (None, Some(offset), None) => write!(formatter, ", at byte {offset} of the request"),
            (None, None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

impl Error {
    /// A failed system call; a full receive buffer is told apart.
    #[must_use]
    pub fn io(doing: Doing, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map(Errno);
        if doing == Doing::Receive && errno == Some(Errno::ENOBUFS) {
            return Self::Overrun;
        }
        let text = errno.map_or_else(|| error.to_string(), |errno| errno.to_string());
        Self::Io { doing, cause: IoCause { kind: error.kind(), errno, text } }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "open",
            Self::Receive => "receive from",
            Self::Send => "send to",
        })
    }
}

impl fmt::Display for IoCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
