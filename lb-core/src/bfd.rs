//! BFD (RFC 5880, RFC 5881, RFC 5883): whether the other end of a path lives, in asynchronous mode.
//!
//! [`ControlPacket`] is the 24 bytes, [`SessionState`] the transition,
//! [`Session`] one session's machine, [`Sessions`] all of a node's with the
//! demultiplexing. Sockets, source ports (49152 to 65535) and the sending of
//! TTL 255 are the adapter's, as is telling what TTL a packet came with; what a
//! dead neighbour means is the owner's ([`StateChange::is_failure`]). Nothing of
//! this crate is used but [`Time`](crate::Time).
//!
//! Not here: echo and demand mode of our own (a neighbour's demand mode is
//! honoured), authentication (refused, and said so), the passive role.

mod config;
mod pace;
mod packet;
mod session;
mod sessions;
mod state;

pub use config::{SessionConfig, SessionConfigError};
pub use packet::{Authentication, ControlPacket, Diagnostic, Discard, PACKET_BYTES};
pub use session::{Cause, Session, StateChange};
pub use sessions::{
    AddError, Arrived, Event, Hops, MANY_HOPS_PORT, Neighbor, ONE_HOP_PORT, Origin, SENT_TTL, Sessions,
    Transmit,
};
pub use state::{Input, SessionState};
