//! Tables: building one, changing one weight, and finding a flow's backend.
//!
//! Dimensions: 1,000 backends, 65,537 slots (points on a ring); keys of 13 and
//! 37 bytes; "unlike" are so many backends of weights 1 to 100, one of which
//! halves its weight, or gets it back, in an update. Peers: maglev-hash (no weights), hashring (66 points for each
//! backend, as it has no weights either), anchorhash (no table but a capacity,
//! here twice the backends) and pingora-ketama (160 points for each backend,
//! the only choice). None of them can change one weight but pingora-ketama,
//! and that by building anew. Each hashes the key by its own function.

use std::hash::RandomState;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

use lb_core::table::{Member, Table, TableKind};
use lb_core::{Endpoint, FlowKey, HashFields, HashKey, Protocol, Weight};

use crate::fixtures::{VIP, VIP_V6, backend_address, client_v4, client_v6};
use crate::{Case, Scale, Work, timed};

/// All cases.
pub const CASES: &[Case] = &[
    Case::new("build/maglev", build::<Ours<Maglev>>),
    Case::new("build/rendezvous", build::<Ours<Rendezvous>>),
    Case::new("build/maglev-hash", build::<MaglevHash>),
    Case::new("build/hashring", build::<HashRing>),
    Case::new("build/anchorhash", build::<AnchorHash<13>>),
    Case::new("build/pingora-ketama", build::<Ketama>),
    Case::new("update/maglev", update::<Maglev>),
    Case::new("update/rendezvous", update::<Rendezvous>),
    Case::new("build-10-unlike/maglev", build_unlike::<10>),
    Case::new("update-10-unlike/maglev", update_unlike::<10>),
    Case::new("build-100-unlike/maglev", build_unlike::<100>),
    Case::new("update-100-unlike/maglev", update_unlike::<100>),
    Case::new("build-1000-unlike/maglev", build_unlike::<1_000>),
    Case::new("update-1000-unlike/maglev", update_unlike::<1_000>),
    Case::new("lookup-13/maglev", lookup::<Ours<Maglev>, 13>),
    Case::new("lookup-13/maglev-hash", lookup::<MaglevHash, 13>),
    Case::new("lookup-13/hashring", lookup::<HashRing, 13>),
    Case::new("lookup-13/anchorhash", lookup::<AnchorHash<13>, 13>),
    Case::new("lookup-13/pingora-ketama", lookup::<Ketama, 13>),
    Case::new("lookup-37/maglev", lookup::<Ours<Maglev>, 37>),
    Case::new("lookup-37/maglev-hash", lookup::<MaglevHash, 37>),
    Case::new("lookup-37/hashring", lookup::<HashRing, 37>),
    Case::new("lookup-37/anchorhash", lookup::<AnchorHash<37>, 37>),
    Case::new("lookup-37/pingora-ketama", lookup::<Ketama, 37>),
];

/// The slots of every table here.
pub const SLOTS: u32 = 65_537;

/// The key under which tables are built.
pub const KEY: HashKey = HashKey::new([7; 16]);

/// So many backends of weight 100.
#[must_use]
pub fn members(count: u32) -> Vec<Member> {
    let member = |number| Member::new(Endpoint::new(backend_address(number), 443), Weight(100));
    (0..count).map(member).collect()
}

/// Who is measured.
trait Placement<const LENGTH: usize>: 'static {
    fn build(members: &[Member]) -> Self;
    /// Whether somebody was found.
    fn find(&self, flow: &Flow<LENGTH>) -> bool;
}

/// One of ours.
trait OurKind: 'static {
    const KIND: TableKind;
}

/// A flow in the form that each candidate hashes best.
struct Flow<const LENGTH: usize> {
    key: FlowKey,
    bytes: [u8; LENGTH],
}

fn build<P: Placement<13>>(scale: Scale) -> Work {
    let members = members(scale.pick(1_000, 20));
    let flow = Flow::new(0);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                assert!(P::build(black_box(&members)).find(&flow));
            }
        })
    })
}

/// Changes one backend's weight to and fro.
fn update<K: OurKind>(scale: Scale) -> Work {
    let mut members = members(scale.pick(1_000, 20));
    let mut table = build_ours(K::KIND, &members);
    let mut next = 0;
    let mut step = move |check: bool| {
        // Another backend each time, one in two back to what it was.
        let place = (next / 2 * 7) % members.len();
        members[place].weight = Weight(if next % 2 == 0 { 99 } else { 100 });
        next += 1;
        table = table.update(&members).expect("the members are right");
        if check {
            let anew = build_ours(K::KIND, &members);
            assert_eq!((table.slots(), table.digest()), (anew.slots(), anew.digest()), "as if built anew");
        }
    };
    for _ in 0..4 {
        step(true);
    }
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                step(false);
            }
        })
    })
}

/// So many backends of weights 1 to 100.
fn unlike_members(count: u32) -> Vec<Member> {
    let mut members = members(count);
    for (member, place) in members.iter_mut().zip(0..) {
        member.weight = Weight(place * 37 % 100 + 1);
    }
    members
}

fn build_unlike<const COUNT: u32>(_: Scale) -> Work {
    let members = unlike_members(COUNT);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(build_ours(Maglev::KIND, black_box(&members)));
            }
        })
    })
}

/// Halves one backend's weight, and gives it back.
fn update_unlike<const COUNT: u32>(_: Scale) -> Work {
    let members = unlike_members(COUNT);
    let mut table = build_ours(Maglev::KIND, &members);
    let mut next = 0;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                let mut changed = members.clone();
                if next % 2 == 0 {
                    let member = &mut changed[next / 2 % members.len()];
                    member.weight = Weight(member.weight.0.div_ceil(2));
                }
                next += 1;
                table = table.update(&changed).expect("the members are right");
            }
        })
    })
}

/// Finds the backends of 1,024 flows in turn.
fn lookup<P: Placement<LENGTH>, const LENGTH: usize>(scale: Scale) -> Work {
    let placement = P::build(&members(scale.pick(1_000, 20)));
    let flows: Vec<_> = (0..1_024).map(Flow::<LENGTH>::new).collect();
    let mut next = 0;
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                next = (next + 1) & 0x3ff;
                assert!(placement.find(black_box(&flows[next])));
            }
        })
    })
}

impl<const LENGTH: usize> Flow<LENGTH> {
    fn new(number: u32) -> Self {
        let key = match LENGTH {
            13 => FlowKey::v4(Protocol::TCP, client_v4(number), (VIP, 443)),
            _ => FlowKey::v6(Protocol::TCP, client_v6(number), (VIP_V6, 443)),
        };
        let address = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let port = |port: u16| port.to_be_bytes().to_vec();
        let parts = [
            vec![key.protocol().0],
            address(key.source()),
            port(key.source_port()),
            address(key.destination()),
            port(key.destination_port()),
        ];
        let bytes = parts.concat().try_into().expect("13 or 37 bytes");
        Self { key, bytes }
    }
}

fn build_ours(kind: TableKind, members: &[Member]) -> Table {
    Table::build(kind, &KEY, members).expect("the members are right")
}

fn sockets(members: &[Member]) -> impl Iterator<Item = SocketAddr> {
    members.iter().map(|member| SocketAddr::new(member.endpoint.address, member.endpoint.port))
}

struct Maglev;
struct Rendezvous;

impl OurKind for Maglev {
    const KIND: TableKind = TableKind::Maglev { size: SLOTS };
}

impl OurKind for Rendezvous {
    const KIND: TableKind = TableKind::Rendezvous { size: SLOTS };
}

/// A table of ours.
struct Ours<K>(Table, std::marker::PhantomData<K>);

impl<K: OurKind, const LENGTH: usize> Placement<LENGTH> for Ours<K> {
    fn build(members: &[Member]) -> Self {
        Self(build_ours(K::KIND, members), std::marker::PhantomData)
    }

    fn find(&self, flow: &Flow<LENGTH>) -> bool {
        black_box(self.0.lookup(KEY.hash_flow(&flow.key, HashFields::ALL))).is_some()
    }
}

struct MaglevHash(maglev_hash::MaglevTable<SocketAddr>);

impl<const LENGTH: usize> Placement<LENGTH> for MaglevHash {
    fn build(members: &[Member]) -> Self {
        Self(maglev_hash::MaglevTable::with_capacity(sockets(members).collect(), SLOTS as usize))
    }

    fn find(&self, flow: &Flow<LENGTH>) -> bool {
        black_box(self.0.get(&flow.bytes)).is_some()
    }
}

struct HashRing(hashring::HashRing<(SocketAddr, u32)>);

impl<const LENGTH: usize> Placement<LENGTH> for HashRing {
    fn build(members: &[Member]) -> Self {
        let points = SLOTS.div_ceil(members.len() as u32);
        let of_one = |address| (0..points).map(move |point| (address, point));
        let mut ring = hashring::HashRing::new();
        ring.batch_add(sockets(members).flat_map(of_one).collect());
        Self(ring)
    }

    fn find(&self, flow: &Flow<LENGTH>) -> bool {
        black_box(self.0.get(&flow.bytes)).is_some()
    }
}

struct AnchorHash<const LENGTH: usize>(anchorhash::AnchorHash<[u8; LENGTH], SocketAddr, RandomState>);

impl<const LENGTH: usize> Placement<LENGTH> for AnchorHash<LENGTH> {
    fn build(members: &[Member]) -> Self {
        let builder = anchorhash::Builder::with_hasher(RandomState::new());
        Self(builder.with_resources(sockets(members)).build(2 * members.len() as u16))
    }

    fn find(&self, flow: &Flow<LENGTH>) -> bool {
        black_box(self.0.get_resource(flow.bytes)).is_some()
    }
}

struct Ketama(pingora_ketama::Continuum);

impl<const LENGTH: usize> Placement<LENGTH> for Ketama {
    fn build(members: &[Member]) -> Self {
        let buckets: Vec<_> =
            sockets(members).map(|address| pingora_ketama::Bucket::new(address, 1)).collect();
        Self(pingora_ketama::Continuum::new(&buckets))
    }

    fn find(&self, flow: &Flow<LENGTH>) -> bool {
        black_box(self.0.node(&flow.bytes)).is_some()
    }
}
