//! What happens to a connection table: keys, segments, and whole courses of operations.
//!
//! Few clients and backends, so that packets of one flow come up again and
//! tables of a few places overflow; steps of time on both sides of the second
//! that proves a flow and of every timeout.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use core::time::Duration;

use proptest::prelude::*;

use crate::connection::{ConnectionKey, SctpClass, Segment, TcpEvent};
use crate::identity::{BackendId, ServiceId};

/// One thing that happens to a connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A packet of a flow; one that is not known is entered, bound to the backend.
    Packet(ConnectionKey, Segment, BackendId),
    /// Time passes.
    Pass(Duration),
    /// As `Packet`, but a flow that is known is bound to the backend anew.
    Rebind(ConnectionKey, Segment, BackendId),
    /// The owner forgets a flow.
    Remove(ConnectionKey),
    /// The owner forgets all flows of a backend.
    RemoveBackend(BackendId),
    /// All timeouts that are due are handled.
    Settle,
}

/// A course of operations on one table.
///
/// ```
/// use lb_core::arbitrary::connection::{self, Operation};
/// use lb_core::connection::{ConnectionLimits, ConnectionTable, Machine};
/// use lb_core::{HashKey, Time};
/// use proptest::prelude::*;
///
/// proptest!(|(operations in connection::operations(1..50))| {
///     let limits = ConnectionLimits::new(4, Machine::Own);
///     let mut table = ConnectionTable::new(limits, Machine::Own, HashKey::new([1; 16]));
///     let mut now = Time::ZERO;
///     for operation in operations {
///         match operation {
///             Operation::Packet(key, segment, backend) => {
///                 if table.find(now, &key, segment).is_none() {
///                     table.insert(now, key, segment, backend);
///                 }
///             }
///             Operation::Pass(time) => now += time,
///             _ => {}
///         }
///         prop_assert!(table.len() <= 4);
///     }
/// });
/// ```
pub fn operations(count: Range<usize>) -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), count)
}

/// One operation; a packet as a rule.
///
/// ```
/// use lb_core::arbitrary::connection::{Operation, operation};
/// use proptest::prelude::*;
///
/// // A course without forgetting: what is left out is filtered.
/// let only = operation().prop_filter("packets", |one| matches!(one, Operation::Packet(..)));
/// proptest!(|(one in only)| {
///     prop_assert!(matches!(one, Operation::Packet(..)));
/// });
/// ```
pub fn operation() -> impl Strategy<Value = Operation> {
    let arrival = || (key(), segment(), backend());
    prop_oneof![
        20 => arrival().prop_map(|(key, segment, backend)| Operation::Packet(key, segment, backend)),
        2 => arrival().prop_map(|(key, segment, backend)| Operation::Rebind(key, segment, backend)),
        1 => key().prop_map(Operation::Remove),
        1 => backend().prop_map(Operation::RemoveBackend),
        10 => pause().prop_map(Operation::Pass),
        3 => Just(Operation::Settle),
    ]
}

/// One of 24 clients of one service, half of each family.
///
/// ```
/// use lb_core::arbitrary::connection;
/// use proptest::prelude::*;
///
/// proptest!(|(one in connection::key(), two in connection::key())| {
///     prop_assert_eq!(one.service, two.service);
/// });
/// ```
pub fn key() -> impl Strategy<Value = ConnectionKey> {
    (any::<bool>(), 0_u8..12).prop_map(|(is_v6, client)| {
        let source = if is_v6 {
            Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, client.into()).into()
        } else {
            Ipv4Addr::new(198, 18, 0, client).into()
        };
        ConnectionKey::new(ServiceId(1), source, 40_000)
    })
}

/// One of four backends.
///
/// ```
/// use lb_core::arbitrary::connection;
/// use proptest::prelude::*;
///
/// proptest!(|(backend in connection::backend())| prop_assert!(backend.0 < 4));
/// ```
pub fn backend() -> impl Strategy<Value = BackendId> {
    (0_u32..4).prop_map(BackendId)
}

/// What a packet says of its connection, of every protocol.
///
/// ```
/// use lb_core::arbitrary::connection::segment;
/// use lb_core::connection::{Machine, Segment, State, next};
/// use proptest::prelude::*;
///
/// proptest!(|(first in segment())| {
///     let state = next(Machine::Own, State::Unknown, first, false);
///     prop_assert_eq!(state == State::Unknown, first == Segment::Other, "no header says nothing");
/// });
/// ```
pub fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => Just(Segment::SYN),
        5 => Just(Segment::ACK),
        1 => Just(Segment::FIN),
        1 => Just(Segment::RST),
        1 => any::<u8>().prop_map(|flags| Segment::Tcp(TcpEvent::of_flags(flags))),
        3 => Just(Segment::Udp),
        1 => Just(Segment::Other),
        1 => (0_u8..16).prop_map(|chunk| Segment::Sctp(SctpClass::of_chunk(chunk))),
    ]
}

/// A step of time: below a second, exactly a second, minutes, and rarely months.
///
/// ```
/// use lb_core::Time;
/// use lb_core::arbitrary::connection;
/// use proptest::prelude::*;
///
/// proptest!(|(pause in connection::pause())| prop_assert!(Time::ZERO + pause > Time::ZERO));
/// ```
pub fn pause() -> impl Strategy<Value = Duration> {
    let milliseconds = prop_oneof![
        5 => 1_u64..900,
        5 => Just(1_000_u64),
        3 => 1_000_u64..400_000,
        1 => 1_u64..1 << 33,
    ];
    milliseconds.prop_map(Duration::from_millis)
}
