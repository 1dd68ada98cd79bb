//! The states of a connection's machine, and which leads to which (RFC 4271 section 8.2.2).
//!
//! One pure function says it all; what an action takes is the session's. Two
//! things differ from the letter of the RFC, and why:
//!
//! - A connection that could not be opened leads to Active, not to Idle: in
//!   Idle the peer would be refused, although nothing is wrong with it.
//! - A NOTIFICATION is never answered with another one, in any state.
//!
//! The optional DelayOpen is left out: a speaker of VIPs has no reason to wait.

use core::fmt;

/// The states of a session.
///
/// ```text
///            start             connected            OPEN good          KEEPALIVE
///   ┌──────┐ ──> ┌─────────┐ ──────────> ┌──────────┐ ──> ┌─────────────┐ ──> ┌─────────────┐
///   │ Idle │     │ Connect │             │ OpenSent │     │ OpenConfirm │     │ Established │
///   └──────┘     └─────────┘             └──────────┘     └─────────────┘     └─────────────┘
///    │   ^    failed │ ^ retry   connected ^ │ lost          │                 │
///    │   │           v │                   │ v               │                 │
///    │   │           ┌────────┐ ───────────┘ │               │                 │
///    │   │           │ Active │ <────────────┘               │                 │
///    │   │           └────────┘                              │                 │
///    │   │            ^    │ stopped      │ stopped, refused, │ silent, lost    │
///    └───┼────────────┘    v              v                   v                 v
/// passive└───────────────────────────────────────────────────────────────────────
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is tried and nobody let in.
    #[default]
    Idle,
    /// A connection is being opened.
    Connect,
    /// The peer may connect; we try again later, unless we are passive.
    Active,
    /// Our OPEN is sent.
    OpenSent,
    /// The peer's was good; its KEEPALIVE is awaited.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

/// What happens to a machine; the numbers are those of the RFC's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Input {
    /// 1, 3, 13: start, by hand or when the idle hold is over.
    Start,
    /// 4, 5: the same, and wait for the peer.
    StartPassive,
    /// 2, 8: stop.
    Stop,
    /// 9: time to try again.
    ConnectRetryExpired,
    /// 10: the peer was silent for too long.
    HoldExpired,
    /// 11: time for a sign of life.
    KeepaliveExpired,
    /// 16, 17: the connection is open, by us or by the peer.
    Connected,
    /// 18: it could not be opened, or is gone.
    ConnectionLost,
    /// 19: an OPEN that we agree with.
    Open,
    /// 21, 22, 28, and limits of our own: the session cannot go on.
    Refused,
    /// 23: the other of two connections is kept.
    CollisionLost,
    /// 24, 25: the peer ends the session.
    Notification,
    /// 26: a sign of life.
    Keepalive,
    /// 27: routes.
    Update,
    /// A wish for routes (RFC 2918).
    Refresh,
}

/// What a transition takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Action {
    /// Nothing.
    Ignore,
    /// Give up what is being opened, if anything, and open a connection.
    Connect,
    /// Wait for the peer, and for the time to try again.
    Await,
    /// Send our OPEN, and wait long for the peer's.
    SendOpen,
    /// Send the KEEPALIVE that confirms the peer's OPEN; the agreed times run from now on.
    Confirm,
    /// The session is up.
    Establish,
    /// The peer lives.
    Alive,
    /// Send a sign of life.
    SendKeepalive,
    /// Give up what is being opened.
    Abandon,
    /// End the connection.
    End(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ending {
    /// For the reason that came with the input.
    Given,
    /// Without a word from either side.
    Lost,
    /// After too long a silence.
    Silent,
    /// With a message, or an event of ours, that has no place in this state.
    Unexpected,
    /// In favour of the other.
    Collision,
}

impl State {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Connect, Self::Active, Self::OpenSent, Self::OpenConfirm, Self::Established];

    /// Where an input leads, and what has to be done on the way.
    pub(super) const fn next(self, input: Input) -> (Self, Action) {
        match self {
            Self::Idle => from_idle(input),
            Self::Connect => from_connect(input),
            Self::Active => from_active(input),
            Self::OpenSent => from_open_sent(input),
            Self::OpenConfirm => from_open_confirm(input),
            Self::Established => from_established(input),
        }
    }
}

const fn from_idle(input: Input) -> (State, Action) {
    match input {
        Input::Start => (State::Connect, Action::Connect),
        Input::StartPassive => (State::Active, Action::Await),
        Input::Stop
        | Input::ConnectRetryExpired
        | Input::HoldExpired
        | Input::KeepaliveExpired
        | Input::Connected
        | Input::ConnectionLost
        | Input::Open
        | Input::Refused
        | Input::CollisionLost
        | Input::Notification
        | Input::Keepalive
        | Input::Update
        | Input::Refresh => (State::Idle, Action::Ignore),
    }
}

const fn from_connect(input: Input) -> (State, Action) {
    match input {
        Input::Start | Input::StartPassive => (State::Connect, Action::Ignore),
        Input::ConnectRetryExpired => (State::Connect, Action::Connect),
        Input::Connected => (State::OpenSent, Action::SendOpen),
        Input::ConnectionLost => (State::Active, Action::Await),
        // The rest needs an open connection and cannot be; the RFC leads it to Idle all the same.
        Input::Stop
        | Input::HoldExpired
        | Input::KeepaliveExpired
        | Input::Open
        | Input::Refused
        | Input::CollisionLost
        | Input::Notification
        | Input::Keepalive
        | Input::Update
        | Input::Refresh => (State::Idle, Action::Abandon),
    }
}

const fn from_active(input: Input) -> (State, Action) {
    match input {
        Input::Start | Input::StartPassive => (State::Active, Action::Ignore),
        Input::ConnectRetryExpired => (State::Connect, Action::Connect),
        Input::Connected => (State::OpenSent, Action::SendOpen),
        Input::ConnectionLost => (State::Active, Action::Await),
        Input::Stop
        | Input::HoldExpired
        | Input::KeepaliveExpired
        | Input::Open
        | Input::Refused
        | Input::CollisionLost
        | Input::Notification
        | Input::Keepalive
        | Input::Update
        | Input::Refresh => (State::Idle, Action::Abandon),
    }
}

const fn from_open_sent(input: Input) -> (State, Action) {
    match input {
        // A second connection has a machine of its own.
        Input::Start | Input::StartPassive | Input::Connected => (State::OpenSent, Action::Ignore),
        Input::Open => (State::OpenConfirm, Action::Confirm),
        Input::ConnectionLost => (State::Active, Action::Await),
        Input::Stop | Input::Refused | Input::Notification => (State::Idle, Action::End(Ending::Given)),
        Input::HoldExpired => (State::Idle, Action::End(Ending::Silent)),
        Input::CollisionLost => (State::Idle, Action::End(Ending::Collision)),
        Input::ConnectRetryExpired
        | Input::KeepaliveExpired
        | Input::Keepalive
        | Input::Update
        | Input::Refresh => (State::Idle, Action::End(Ending::Unexpected)),
    }
}

const fn from_open_confirm(input: Input) -> (State, Action) {
    match input {
        Input::Start | Input::StartPassive | Input::Connected => (State::OpenConfirm, Action::Ignore),
        Input::Keepalive => (State::Established, Action::Establish),
        Input::KeepaliveExpired => (State::OpenConfirm, Action::SendKeepalive),
        Input::ConnectionLost => (State::Idle, Action::End(Ending::Lost)),
        Input::Stop | Input::Refused | Input::Notification => (State::Idle, Action::End(Ending::Given)),
        Input::HoldExpired => (State::Idle, Action::End(Ending::Silent)),
        Input::CollisionLost => (State::Idle, Action::End(Ending::Collision)),
        Input::ConnectRetryExpired | Input::Open | Input::Update | Input::Refresh => {
            (State::Idle, Action::End(Ending::Unexpected))
        }
    }
}

const fn from_established(input: Input) -> (State, Action) {
    match input {
        Input::Start | Input::StartPassive | Input::Connected => (State::Established, Action::Ignore),
        Input::Keepalive | Input::Update | Input::Refresh => (State::Established, Action::Alive),
        Input::KeepaliveExpired => (State::Established, Action::SendKeepalive),
        Input::ConnectionLost => (State::Idle, Action::End(Ending::Lost)),
        Input::Stop | Input::Refused | Input::Notification => (State::Idle, Action::End(Ending::Given)),
        Input::HoldExpired => (State::Idle, Action::End(Ending::Silent)),
        Input::CollisionLost => (State::Idle, Action::End(Ending::Collision)),
        Input::ConnectRetryExpired | Input::Open => (State::Idle, Action::End(Ending::Unexpected)),
    }
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

#[cfg(test)]
mod tests;
