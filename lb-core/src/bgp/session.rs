//! One session with one peer (RFC 4271 section 8).

mod event;

pub use event::{ConnectionId, Down, DownReason, Established, Event, Side, Transmit};

use core::fmt;

/// The states of a session (RFC 4271 section 8.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is tried and nobody let in.
    #[default]
    Idle,
    /// A connection is being opened.
    Connect,
    /// The peer may connect; we try again later.
    Active,
    /// Our OPEN is sent.
    OpenSent,
    /// The peer's was good; its KEEPALIVE is awaited.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

impl State {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Connect, Self::Active, Self::OpenSent, Self::OpenConfirm, Self::Established];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        })
    }
}
