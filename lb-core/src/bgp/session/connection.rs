//! One connection and the machine that runs on it.

use alloc::sync::Arc;
use core::net::IpAddr;

use super::event::{ConnectionId, Established};
use super::fsm::State;
use super::input::Input;
use super::timers::earliest;
use crate::Time;
use crate::bgp::message::Dialect;

/// A machine of the RFC: a state, and the connection where there is one or one is being opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    pub(super) state: State,
    pub(super) connection: Option<Connection>,
}

/// A connection, and all that ends with it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    /// We opened it, or try to.
    pub(super) outgoing: bool,
    /// Our end, once it is open.
    pub(super) local: Option<IpAddr>,
    /// Since when it is open.
    pub(super) opened: Option<Time>,
    pub(super) input: Input,
    pub(super) dialect: Dialect,
    /// What the peer's OPEN led to.
    pub(super) agreed: Option<Arc<Established>>,
    /// Octets handed out and not yet written.
    pub(super) in_flight: usize,
    pub(super) hold: Option<Time>,
    pub(super) keepalive: Option<Time>,
    /// By when the peer must have taken something of what is in flight.
    pub(super) send_hold: Option<Time>,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, local: Option<IpAddr>) -> Self {
        Self {
            id,
            outgoing: local.is_none(),
            local,
            opened: None,
            input: Input::default(),
            dialect: Dialect::default(),
            agreed: None,
            in_flight: 0,
            hold: None,
            keepalive: None,
            send_hold: None,
        }
    }
}

impl Machine {
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        let connection = self.connection.as_ref()?;
        earliest([connection.hold, connection.keepalive, connection.send_hold])
    }
}
