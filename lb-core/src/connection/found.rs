//! What a table's owner is told of a flow, and what it holds between two calls.

use super::index::Place;
use super::state::State;
use crate::identity::BackendId;

/// Names an entry until it is removed, expires or is evicted.
///
/// Valid until the next call that takes `&mut self` other than
/// [`ConnectionTable::rebind`](super::ConnectionTable::rebind): use it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionHandle(pub(super) u32);

/// What the table knows of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The entry.
    pub handle: ConnectionHandle,
    /// Where the flow goes.
    pub backend: BackendId,
    /// Its state: before the packet from [`ConnectionTable::peek`](super::ConnectionTable::peek), after it
    /// from [`ConnectionTable::find`](super::ConnectionTable::find).
    pub state: State,
    /// Whether the flow has shown packets at least a second apart.
    pub proven: bool,
}

/// What became of an [`insert`](super::ConnectionTable::insert).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// The flow is in the table.
    Inserted(ConnectionHandle),
    /// The flow is in the table, and the oldest unproven flow is not any more
    /// (an event says which).
    InsertedEvicting(ConnectionHandle),
}

/// A key's hash; see [`ConnectionTable::touch`](super::ConnectionTable::touch).
#[derive(Clone, Copy, Debug)]
pub struct Touched {
    pub(super) place: Place,
    pub(super) v6: bool,
}
