//! The states of a session and the one function that says which follows.
//!
//! A plain function on values (RFC 5880 sections 6.2 and 6.8.6), so that every
//! pair of state and input is a row of one test table; timing is
//! [`session`](super::session)'s.

use core::fmt;

/// What one end believes of a session.
///
/// ```text
///                 neighbour Down
///        +-----+  +------------------> Init --+
///        |     v  |                     |     |  neighbour Init, Up
/// Enabled|    Down <--------------------+     |
///        |     ^  |     expired, AdminDown    |
///        |     |  |                           v
///   AdminDown  |  +----------------------->  Up
///      ^       |     neighbour Init           |
///      |       +------------------------------+
///      |         expired, neighbour Down, AdminDown
///      +--- Disabled (from anywhere)
/// ```
///
/// The order is that of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionState {
    /// Taken down by hand.
    AdminDown,
    /// The neighbour is not heard, or does not hear us.
    Down,
    /// The neighbour is heard; whether it hears us is not known.
    Init,
    /// Both hear each other.
    Up,
}

/// What may happen to a [`SessionState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Taken down by hand.
    Disabled,
    /// Put back by hand.
    Enabled,
    /// Nothing was heard for the detection time.
    Expired,
    /// A packet in which the neighbour gives its state.
    Heard(SessionState),
}

impl SessionState {
    /// The state after `input`.
    ///
    /// ```
    /// use lb_core::bfd::{Input, SessionState};
    ///
    /// assert_eq!(SessionState::Down.after(Input::Heard(SessionState::Down)), SessionState::Init);
    /// assert_eq!(SessionState::Init.after(Input::Heard(SessionState::Up)), SessionState::Up);
    /// assert_eq!(SessionState::Up.after(Input::Expired), SessionState::Down);
    /// ```
    #[must_use]
    pub const fn after(self, input: Input) -> Self {
        match (self, input) {
            (Self::AdminDown | Self::Down | Self::Init | Self::Up, Input::Disabled) => Self::AdminDown,

            (Self::AdminDown, Input::Enabled) => Self::Down,
            (Self::AdminDown, Input::Expired | Input::Heard(_)) => self,

            (Self::Down, Input::Enabled | Input::Expired) => self,
            (Self::Down, Input::Heard(Self::AdminDown | Self::Up)) => self,
            (Self::Down, Input::Heard(Self::Down)) => Self::Init,
            (Self::Down, Input::Heard(Self::Init)) => Self::Up,

            (Self::Init, Input::Enabled) => self,
            (Self::Init, Input::Expired) => Self::Down,
            (Self::Init, Input::Heard(Self::AdminDown)) => Self::Down,
            (Self::Init, Input::Heard(Self::Down)) => self,
            (Self::Init, Input::Heard(Self::Init | Self::Up)) => Self::Up,

            (Self::Up, Input::Enabled) => self,
            (Self::Up, Input::Expired) => Self::Down,
            (Self::Up, Input::Heard(Self::AdminDown | Self::Down)) => Self::Down,
            (Self::Up, Input::Heard(Self::Init | Self::Up)) => self,
        }
    }

    /// The state's number on the wire, 0 to 3.
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }

    /// The state of the two lowest bits.
    pub(super) const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        })
    }
}

#[cfg(test)]
mod tests;
