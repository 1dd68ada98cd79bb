//! Traffic: servers on the backends, clients before them, and who saw what.
//!
//! All of it is in this one process, sockets in their namespaces: so a server
//! notes directly which flow came to it, and nothing has to be carried back.

pub(crate) mod bulk;
pub(crate) mod datagrams;
pub(crate) mod flows;
pub(crate) mod servers;

/// Where the servers answer flows: TCP and UDP.
pub(crate) const PORT: u16 = 80;
/// Where they send and take much.
pub(crate) const BULK_PORT: u16 = 81;
