//! BGP-4 for a speaker of VIPs (RFC 4271, RFC 4760): messages, the session machine, the speaker.
//!
//! ```text
//! which VIPs ──announce, withdraw──> speaker ──routes that changed──> session ──bytes──> socket
//!                                       │  one for all peers             one for each peer
//!                                       └<── events: up, down, what the peer tells
//! ```
//!
//! A [`Speaker`] holds one set of routes and tells each peer what differs from
//! what that peer has heard; a [`session`] carries it, and falls only for its
//! own reasons, never because the set changed. Bytes in, bytes out: sockets
//! are the adapter's, and which VIP is announced when is
//! [`announce`](crate::announce)'s. Nothing of this crate is used but
//! [`Time`](crate::Time).

mod config;
mod identity;
pub mod message;
pub mod session;
mod speaker;

pub use config::{Excess, Export, GracefulRestart, PeerConfig, PrefixLimit, Reach, SpeakerConfig, Timers};
pub use identity::{Asn, Community, Families, Family, LargeCommunity, ParseCommunityError, Password};
pub use session::{ConnectionId, Down, DownReason, Established, Event, Side, State, Transmit};
pub use speaker::{Counters, PeerId, PeerStatus, Route, Speaker, Start};

#[cfg(test)]
mod tests;
