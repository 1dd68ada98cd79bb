//! The control socket: what can be asked of a running agent, and the answers.
//!
//! A Unix socket of the agent's user, and of one group if the file names it.
//! A request is a line of JSON, an [`Answer`] another, and after it the next
//! may follow. Everything has a limit: a line's length, the number of
//! connections, the time that a silent one is kept. The agent's loop answers
//! between two events, so an answer is of one moment.

mod client;
mod server;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use lb_core::config::ServiceAddress;

pub(crate) use client::{ClientError, ask};
pub(crate) use server::{Asked, Server};

/// The longest line either way: a status of 100,000 backends fits.
const MAX_LINE: usize = 64 << 20;
/// The longest request: an address or a flow.
const MAX_REQUEST: usize = 4 << 10;
/// Connections at once; people and scripts ask, not clients.
const MAX_CONNECTIONS: usize = 16;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Request {
    /// How things stand.
    Status,
    /// Where a new flow goes, and why.
    Explain {
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
        /// The client.
        source: IpAddr,
        /// The client's port.
        source_port: u16,
        /// The VIP.
        destination: IpAddr,
        /// The service's port.
        destination_port: u16,
    },
    /// Take a backend, or the whole node, out; or put it back.
    Drain {
        /// Whose flows; the node's if left out.
        backend: Option<IpAddr>,
        /// Of which service alone, as `VIP:PORT/PROTO`; of all if left out.
        service: Option<String>,
        /// Out, or back.
        out: bool,
    },
    /// What a checker saw of this node's path to a backend.
    Path {
        /// The backend.
        backend: IpAddr,
        /// Of which service alone, as `VIP:PORT/PROTO`; of all if left out.
        service: Option<String>,
        /// For how many seconds it is to be held for dead; 0 if it lives.
        dead_for_s: u32,
    },
    /// Read the file now, whether or not it looks changed.
    Reload,
}

/// What is answered; of one text, however many were told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// What was asked for.
    Done(Box<RawValue>),
    /// Why not, and what would be right.
    Refused(String),
}

impl Answer {
    /// An answer with a value.
    pub(crate) fn done(value: &impl Serialize) -> Self {
        match serde_json::value::to_raw_value(value) {
            Ok(value) => Self::Done(value),
            Err(error) => Self::Refused(format!("the answer cannot be written as JSON: {error}")),
        }
    }
}

/// The service that a text names.
pub(crate) fn service_named(text: &str) -> Result<ServiceAddress, String> {
    text.parse().map_err(|error| format!("`{text}` is no service: {error}"))
}

#[cfg(test)]
mod tests;
