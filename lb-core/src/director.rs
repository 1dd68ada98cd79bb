//! The packet path: services, tables and connections put together.
//!
//! [`Director`] takes a client's packet and says what to do with it: forward a
//! tunnel packet to a backend, answer, leave it to the host, or drop it. The
//! one idea: *what to do* is decided by `plan`, a function that changes nothing
//! ([`explain`](Director::explain) asks it too); *doing it* is the rest.
//!
//! A packet's way has four steps: `classify` (which service, which flow), `plan`
//! (which backend, by entry or by table), the entry takes note, and the tunnel
//! packet is written (`path`) or an answer is (`answer`). Beside the way, `observe`
//! and `path_mtu` keep what packets and routers tell of backends. `reconfigure`
//! replaces the configuration as one value. Reading packets, building tables,
//! remembering connections and writing tunnels are the other modules' work.

mod answer;
mod classify;
mod counters;
mod explain;
mod observe;
mod path;
mod path_mtu;
mod plan;
mod reconfigure;
mod registry;
mod verdict;

use alloc::vec::Vec;

use crate::config::{Config, Profile};
use crate::connection::{ConnectionEvent, ConnectionTable};
use crate::fragment::FragmentTable;
use crate::hash::HashKey;
use crate::icmp::IcmpBudgets;
use crate::identity::BackendId;
use crate::time::Time;
use observe::Observations;
use registry::{Backends, Quotable, ServiceIndex};

pub use counters::{BackendCounters, NodeCounters, ServiceCounters};
pub use explain::{Explanation, FlowSource, Step};
pub use reconfigure::DirectorError;
pub use registry::{Backend, Service};
pub use verdict::{Choice, DropReason, PassReason, ReplyKind, Verdict};

/// One node's packet path: its services, tables, connections and counters.
///
/// The director is a value with no clock and no socket: give it packets and
/// the time, send what it writes. Between packets, call
/// [`handle_timeout`](Self::handle_timeout) when
/// [`poll_timeout`](Self::poll_timeout) says so, and drain
/// [`poll_event`](Self::poll_event) if you care which connections were
/// forgotten.
///
/// ```
/// use lb_core::config::{Config, LbFile};
/// use lb_core::director::{Choice, Director, Verdict};
/// use lb_core::table::TableCache;
/// use lb_core::Time;
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// node: { address: 10.0.0.11 }
/// hashKey: "000102030405060708090a0b0c0d0e0f"
/// services:
///   - { vip: 203.0.113.10, port: 443, protocol: tcp, backends: [{ address: 10.1.0.5 }] }
/// "#,
/// )?;
/// let mut tables = TableCache::default();
/// let mut director = Director::new(Config::try_from(file)?, &mut tables)?;
///
/// // A SYN from 192.0.2.1:40000 to the service.
/// let syn = [
///     0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0x3c, 0xc3, 192, 0, 2, 1, 203, 0, 113, 10,
///     0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
/// ];
/// let mut out = [0; 1600];
/// let verdict = director.handle_packet(Time::ZERO, &syn, &mut out);
/// let Verdict::Forward { backend, length, choice } = verdict else { panic!("{verdict:?}") };
/// assert_eq!(director.backend(backend).unwrap().endpoint().to_string(), "10.1.0.5:443");
/// assert_eq!((length, choice), (60, Choice::New));
/// assert_eq!(out[16..20], [10, 1, 0, 5], "the outer destination is the backend");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Director {
    config: Config,
    /// Dense, in the configuration's order; packets come here through `index`.
    services: Vec<Service>,
    next_service: u32,
    index: ServiceIndex,
    backends: Backends,
    connections: ConnectionTable,
    fragments: FragmentTable,
    icmp_budgets: IcmpBudgets,
    /// The node's own secret.
    seed: HashKey,
    counters: NodeCounters,
    observations: Observations,
    /// By what a router's error about a tunnel packet is known for ours.
    quotable: Quotable,
}

/// One packet of a batch: what came in, where to write, what was said.
///
/// ```
/// use lb_core::Time;
/// use lb_core::config::{Config, LbFile};
/// use lb_core::director::{BatchPacket, Director, PassReason, Verdict};
/// use lb_core::table::TableCache;
///
/// let file: LbFile = serde_saphyr::from_str("services: []")?;
/// let mut director = Director::new(Config::try_from(file)?, &mut TableCache::default())?;
///
/// // As they lie in a receive ring, each with a place to write to.
/// let ring = [[0x45, 0, 0, 40], [0x90, 0, 0, 0]];
/// let mut outs = [[0; 1600]; 2];
/// let mut batch: Vec<_> =
///     ring.iter().zip(&mut outs).map(|(packet, out)| BatchPacket::new(packet, out)).collect();
/// director.handle_packets(Time::ZERO, &mut batch);
/// assert!(matches!(batch[0].verdict, Verdict::Drop(_)), "cut off");
/// assert_eq!(batch[1].verdict, Verdict::Pass(PassReason::NotIp));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BatchPacket<'a> {
    /// The packet, from its IP header on.
    pub packet: &'a [u8],
    /// Where to write a tunnel packet or an answer.
    pub out: &'a mut [u8],
    /// Filled in by [`Director::handle_packets`].
    pub verdict: Verdict,
}

impl<'a> BatchPacket<'a> {
    /// A packet that was not looked at yet.
    #[must_use]
    pub const fn new(packet: &'a [u8], out: &'a mut [u8]) -> Self {
        Self { packet, out, verdict: Verdict::Pass(PassReason::NotIp) }
    }
}

impl Director {
    /// The configuration in force.
    ///
    /// A backend's state and weight are those last said, by the configuration
    /// or by [`set_backend`](Self::set_backend).
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The services at work, in the configuration's order.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The backend that a verdict or an event names.
    ///
    /// `None` if this director never handed the id out.
    #[must_use]
    #[inline]
    pub fn backend(&self, id: BackendId) -> Option<&Backend> {
        self.backends.find(id)
    }

    /// What the node did with packets so far.
    #[must_use]
    pub const fn counters(&self) -> &NodeCounters {
        &self.counters
    }

    /// The connection table, to look at.
    #[must_use]
    pub const fn connections(&self) -> &ConnectionTable {
        &self.connections
    }

    /// The fragment table, to look at.
    #[must_use]
    pub const fn fragments(&self) -> &FragmentTable {
        &self.fragments
    }

    /// Forgets what is over its time; call it when [`poll_timeout`](Self::poll_timeout) says so.
    pub fn handle_timeout(&mut self, now: Time) {
        self.connections.handle_timeout(now);
        self.fragments.handle_timeout(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.connections.poll_timeout(), self.fragments.poll_timeout()].into_iter().flatten().min()
    }

    /// The next connection that the table dropped by itself, oldest first.
    pub fn poll_event(&mut self) -> Option<ConnectionEvent> {
        self.connections.poll_event()
    }

    /// Whether the node behaves as a Linux kernel does.
    const fn is_kernel(&self) -> bool {
        matches!(self.config.profile, Profile::Ipvs(_))
    }
}

#[cfg(test)]
mod tests;
