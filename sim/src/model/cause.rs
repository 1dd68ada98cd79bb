//! Why requests fail and connections break.

/// A cause, as results name it.
///
/// For a request it is the cause of its last attempt; for a connection what
/// ended it. Where a client only saw silence, the cause is what the simulator
/// knows: who lost the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The gateway or replica that served it is gone, or was taken out of service.
    BackendLost,
    /// A link lost its packets.
    Network,
    /// There was nobody to serve it: no gateway, no replica, no zone.
    NoBackend,
    /// The L4 node that carried it is gone, and no other carried it on.
    NodeLost,
    /// A queue was at its limit.
    QueueFull,
    /// An L4 node refused it and said so: it knew no such connection, or had no gateway for it.
    Refused,
    /// It got to another gateway, because tables had changed.
    TableChange,
    /// A connection table was at its limit.
    TableFull,
    /// It took too long, or was silent for so long that its L4 node forgot it.
    Timeout,
    /// The whole zone was gone while names still led there.
    ZoneLost,
}

impl Cause {
    /// Every cause, in order.
    pub const ALL: [Self; 10] = [
        Self::BackendLost,
        Self::Network,
        Self::NoBackend,
        Self::NodeLost,
        Self::QueueFull,
        Self::Refused,
        Self::TableChange,
        Self::TableFull,
        Self::Timeout,
        Self::ZoneLost,
    ];

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BackendLost => "backend_lost",
            Self::Network => "network",
            Self::NoBackend => "no_backend",
            Self::NodeLost => "node_lost",
            Self::QueueFull => "queue_full",
            Self::Refused => "refused",
            Self::TableChange => "table_change",
            Self::TableFull => "table_full",
            Self::Timeout => "timeout",
            Self::ZoneLost => "zone_lost",
        }
    }
}
