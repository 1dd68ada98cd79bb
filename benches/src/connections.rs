//! Connection tables: from a flow to its backend, with a million flows.
//!
//! Dimensions: IPv4 or IPv6 keys; hit in random order, insert from empty.
//! Peers: hashbrown with std's hasher, dashmap, papaya, quick_cache, moka. The
//! comparison favours the peers: they are made for a million flows beforehand
//! and keep a backend's number only, where our table grows as it goes, keeps
//! states and deadlines, and can evict. Ours is the only one whose memory for
//! a flow can be asked for ([`bytes_per_flow`]).

use std::hash::RandomState;
use std::hint::black_box;
use std::time::Duration;

use lb_core::connection::{ConnectionKey, ConnectionLimits, ConnectionTable, Insert, Machine, Segment};
use lb_core::{BackendId, HashKey, ServiceId, Time};

use crate::fixtures::{client_v4, client_v6, shuffle};
use crate::{Case, Scale, Work, timed};

/// All cases.
pub const CASES: &[Case] = &[
    Case::new("hit-v4/overspill", hit::<Overspill, V4>),
    Case::new("hit-v4/hashbrown", hit::<Hashbrown, V4>),
    Case::new("hit-v4/dashmap", hit::<Dashmap, V4>),
    Case::new("hit-v4/papaya", hit::<Papaya, V4>),
    Case::new("hit-v4/quick_cache", hit::<QuickCache, V4>),
    Case::new("hit-v4/moka", hit::<Moka, V4>),
    Case::new("hit-v6/overspill", hit::<Overspill, V6>),
    Case::new("hit-v6/hashbrown", hit::<Hashbrown, V6>),
    Case::new("hit-v6/dashmap", hit::<Dashmap, V6>),
    Case::new("hit-v6/papaya", hit::<Papaya, V6>),
    Case::new("hit-v6/quick_cache", hit::<QuickCache, V6>),
    Case::new("hit-v6/moka", hit::<Moka, V6>),
    Case::new("insert-v4/overspill", insert::<Overspill, V4>),
    Case::new("insert-v4/hashbrown", insert::<Hashbrown, V4>),
    Case::new("insert-v4/dashmap", insert::<Dashmap, V4>),
    Case::new("insert-v4/papaya", insert::<Papaya, V4>),
    Case::new("insert-v4/quick_cache", insert::<QuickCache, V4>),
    Case::new("insert-v4/moka", insert::<Moka, V4>),
    Case::new("insert-v6/overspill", insert::<Overspill, V6>),
    Case::new("insert-v6/hashbrown", insert::<Hashbrown, V6>),
    Case::new("insert-v6/dashmap", insert::<Dashmap, V6>),
    Case::new("insert-v6/papaya", insert::<Papaya, V6>),
    Case::new("insert-v6/quick_cache", insert::<QuickCache, V6>),
    Case::new("insert-v6/moka", insert::<Moka, V6>),
];

/// Bytes of a full table for one of its IPv4 and IPv6 flows, everything included.
#[must_use]
pub fn bytes_per_flow(scale: Scale) -> [f64; 2] {
    let full = |keys: Vec<ConnectionKey>| {
        let mut flows = Overspill::with_room(scale.flows());
        for key in keys {
            flows.insert(key, BackendId(1));
        }
        flows.0.memory_bytes() as f64 / flows.0.len() as f64
    };
    [full(V4::keys(scale.flows())), full(V6::keys(scale.flows()))]
}

/// Who is measured.
trait FlowMap: 'static {
    /// An empty map for so many flows.
    fn with_room(flows: u32) -> Self;
    fn insert(&mut self, key: ConnectionKey, backend: BackendId);
    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId>;
}

/// Of which family the flows are.
trait Keys: 'static {
    fn keys(flows: u32) -> Vec<ConnectionKey>;
}

/// Looks known flows up in an order that is not that of their arrival.
fn hit<M: FlowMap, K: Keys>(scale: Scale) -> Work {
    let mut flows = K::keys(scale.flows());
    let mut map = M::with_room(scale.flows());
    for key in &flows {
        map.insert(*key, backend_of(key));
    }
    for key in &flows {
        assert_eq!(map.find(key), Some(backend_of(key)));
    }
    shuffle(&mut flows);
    let mut next = 0;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                next = (next + 1) & (flows.len() - 1);
                let key = black_box(&flows[next]);
                assert_eq!(map.find(key), Some(backend_of(key)));
            }
        })
    })
}

/// Enters new flows until the map is full, then begins anew with an empty one.
fn insert<M: FlowMap, K: Keys>(scale: Scale) -> Work {
    let flows = K::keys(scale.flows());
    let mut map = M::with_room(scale.flows());
    let mut next = 0;
    Box::new(move |count| {
        let mut took = Duration::ZERO;
        let mut left = usize::try_from(count).expect("fewer than memory has bytes");
        while left > 0 {
            if next == flows.len() {
                map = M::with_room(scale.flows());
                next = 0;
            }
            let batch = left.min(flows.len() - next);
            took += timed(|| {
                for key in &flows[next..][..batch] {
                    map.insert(*black_box(key), backend_of(key));
                }
            });
            (left, next) = (left - batch, next + batch);
        }
        let last = &flows[next - 1];
        assert_eq!(map.find(last), Some(backend_of(last)));
        took
    })
}

fn backend_of(key: &ConnectionKey) -> BackendId {
    BackendId(key.source_port.into())
}

struct V4;
struct V6;

impl Keys for V4 {
    fn keys(flows: u32) -> Vec<ConnectionKey> {
        let key = |(address, port): (std::net::Ipv4Addr, u16)| {
            ConnectionKey::new(ServiceId(0), address.into(), port)
        };
        (0..flows).map(|number| key(client_v4(number))).collect()
    }
}

impl Keys for V6 {
    fn keys(flows: u32) -> Vec<ConnectionKey> {
        let key = |(address, port): (std::net::Ipv6Addr, u16)| {
            ConnectionKey::new(ServiceId(0), address.into(), port)
        };
        (0..flows).map(|number| key(client_v6(number))).collect()
    }
}

struct Overspill(ConnectionTable);

impl FlowMap for Overspill {
    fn with_room(flows: u32) -> Self {
        // Room for newcomers, or half of them would be evicted as unproven.
        let limits = ConnectionLimits { unproven: flows, ..ConnectionLimits::new(flows, Machine::Own) };
        Self(ConnectionTable::new(limits, Machine::Own, HashKey::new([7; 16])))
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        let inserted = self.0.insert(Time::ZERO, key, Segment::SYN, backend);
        assert!(matches!(inserted, Insert::Inserted(_)));
    }

    /// Two seconds later, so that the first packet proves the flow.
    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.find(Time::from_secs(2), key, Segment::ACK).map(|found| found.backend)
    }
}

struct Hashbrown(hashbrown::HashMap<ConnectionKey, BackendId, RandomState>);

impl FlowMap for Hashbrown {
    fn with_room(flows: u32) -> Self {
        Self(hashbrown::HashMap::with_capacity_and_hasher(flows as usize, RandomState::new()))
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        self.0.insert(key, backend);
    }

    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.get(key).copied()
    }
}

struct Dashmap(dashmap::DashMap<ConnectionKey, BackendId>);

impl FlowMap for Dashmap {
    fn with_room(flows: u32) -> Self {
        Self(dashmap::DashMap::with_capacity(flows as usize))
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        self.0.insert(key, backend);
    }

    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.get(key).map(|backend| *backend)
    }
}

struct Papaya(papaya::HashMap<ConnectionKey, BackendId>);

impl FlowMap for Papaya {
    fn with_room(flows: u32) -> Self {
        Self(papaya::HashMap::with_capacity(flows as usize))
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        self.0.pin().insert(key, backend);
    }

    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.pin().get(key).copied()
    }
}

struct QuickCache(quick_cache::unsync::Cache<ConnectionKey, BackendId>);

impl FlowMap for QuickCache {
    fn with_room(flows: u32) -> Self {
        // Twice, or its estimate of who is hot would evict some.
        Self(quick_cache::unsync::Cache::new(2 * flows as usize))
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        self.0.insert(key, backend);
    }

    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.get(key).copied()
    }
}

struct Moka(moka::sync::Cache<ConnectionKey, BackendId>);

impl FlowMap for Moka {
    fn with_room(flows: u32) -> Self {
        Self(moka::sync::Cache::builder().initial_capacity(flows as usize).build())
    }

    fn insert(&mut self, key: ConnectionKey, backend: BackendId) {
        self.0.insert(key, backend);
    }

    fn find(&mut self, key: &ConnectionKey) -> Option<BackendId> {
        self.0.get(key)
    }
}
