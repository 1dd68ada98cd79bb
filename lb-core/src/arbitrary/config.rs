//! Valid configurations: of any size that a file may ask for, and small ones to run.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use crate::config::{
    BackendConfig, BackendState, Config, Forward, IpvsOptions, NodeAddresses, Profile, SchedulerKind,
    ServiceAddress, ServiceConfig,
};
use crate::connection::ConnectionLimits;
use crate::flow::{HashFields, Protocol};
use crate::fragment::FragmentLimits;
use crate::hash::HashKey;
use crate::icmp::IcmpLimits;
use crate::identity::{Endpoint, Weight};
use crate::table::ring;

/// A valid configuration of up to three services of up to eight backends.
///
/// Families mix; the node has an address of each. Limits and weights are of any
/// size, so that it may ask for a ring of more points than a table can have;
/// to run one, take a [`small`] one.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::config::{Config, LbFile};
/// use proptest::prelude::*;
///
/// proptest!(|(config in arbitrary::config::config())| {
///     prop_assert_eq!(Config::try_from(LbFile::from(&config)), Ok(config));
/// });
/// ```
pub fn config() -> impl Strategy<Value = Config> {
    let services = prop::collection::vec(service(), 0..4);
    (any::<[u8; 16]>(), 1..=1_u32 << 30, fragments(), profile(), any::<u64>(), services).prop_map(
        |(key, max, fragments, profile, generation, services)| {
            let mut connections = ConnectionLimits::new(max, profile.machine());
            connections.unproven = connections.unproven.max(1);
            Config {
                node: NodeAddresses { v4: Some(Ipv4Addr::new(10, 0, 0, 11)), v6: Some(node_v6()) },
                hash_key: HashKey::new(key),
                connections,
                fragments,
                icmp: IcmpLimits::default(),
                profile,
                generation,
                services: one_for_each_address(services),
            }
        },
    )
}

/// A valid configuration that a director runs quickly, even unoptimised: one to
/// three services, tables of up to 251 slots, weights up to 4, and as many
/// connections as make a table overflow.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::director::Director;
/// use lb_core::table::TableCache;
/// use proptest::prelude::*;
///
/// proptest!(|(config in arbitrary::config::small())| {
///     prop_assert!(Director::new(config, &mut TableCache::default()).is_ok());
/// });
/// ```
pub fn small() -> impl Strategy<Value = Config> {
    let services = prop::collection::vec(small_service(), 1..4);
    let connections = prop_oneof![Just(8_u32), Just(1_000)];
    (config(), services, connections).prop_map(|(config, services, max)| Config {
        connections: ConnectionLimits::new(max, config.profile.machine()),
        services: one_for_each_address(services),
        ..config
    })
}

/// A service with a small table and small weights.
fn small_service() -> impl Strategy<Value = ServiceConfig> {
    let flags = (any::<bool>(), any::<bool>());
    let scheduler = prop_oneof![
        select(&[11_u32, 251][..]).prop_map(|table_size| SchedulerKind::Maglev { table_size }),
        (8..100_u32).prop_map(|table_size| SchedulerKind::Rendezvous { table_size }),
        (1..8_u32).prop_map(|points| SchedulerKind::Ring { points }),
        flags.prop_map(|(port, fallback)| SchedulerKind::IpvsMh { port, fallback, table_size: 251 }),
        flags.prop_map(|(port, fallback)| SchedulerKind::IpvsSh { port, fallback, table_size: 16 }),
    ];
    (service(), scheduler).prop_map(|(mut service, scheduler)| {
        service.backends.iter_mut().for_each(|backend| backend.weight.0 %= 5);
        ServiceConfig { scheduler, ..service }
    })
}

fn one_for_each_address(services: Vec<ServiceConfig>) -> Vec<ServiceConfig> {
    let services: BTreeMap<_, _> = services.into_iter().map(|service| (service.address, service)).collect();
    services.into_values().collect()
}

/// A valid service of up to eight backends, of both families.
///
/// ```
/// use lb_core::arbitrary;
/// use proptest::prelude::*;
///
/// proptest!(|(service in arbitrary::config::service())| {
///     // Under a tunnel a backend has the service's port.
///     prop_assert!(service.backends.iter().all(|backend| backend.endpoint.port == service.address.port));
/// });
/// ```
pub fn service() -> impl Strategy<Value = ServiceConfig> {
    let protocol = select(&[Protocol::TCP, Protocol::UDP, Protocol::SCTP][..]);
    let address = (vip(), 1..=u16::MAX, protocol);
    let backends = prop::collection::btree_map(backend_address(), (0..=u16::MAX, state()), 0..=8);
    (address, 0..32_u8, scheduler(), forward(), any::<bool>(), 1_400..=u16::MAX, backends).prop_map(
        |((vip, port, protocol), fields, scheduler, forward, spread, mtu, backends)| {
            let backend = |(address, (weight, state))| BackendConfig {
                endpoint: Endpoint::new(address, port),
                weight: Weight(weight),
                state,
            };
            let backends: Vec<_> = backends.into_iter().map(backend).collect();
            ServiceConfig {
                address: ServiceAddress::new(vip, port, protocol),
                hash_fields: hash_fields(fields),
                scheduler: that_holds(scheduler, &backends),
                forward,
                spread,
                mtu,
                backends,
            }
        },
    )
}

/// A scheduler that can hold these backends: a ring with as few points as it takes.
fn that_holds(scheduler: SchedulerKind, backends: &[BackendConfig]) -> SchedulerKind {
    let weights: u64 = backends.iter().map(|backend| u64::from(backend.weight.0)).sum();
    let most = u32::try_from(ring::MAX_POINTS / weights.max(1)).expect("2^24 at most");
    match scheduler {
        SchedulerKind::Ring { points } => SchedulerKind::Ring { points: points.min(most) },
        SchedulerKind::Maglev { .. }
        | SchedulerKind::Rendezvous { .. }
        | SchedulerKind::IpvsMh { .. }
        | SchedulerKind::IpvsSh { .. } => scheduler,
    }
}

/// A valid scheduler of any kind.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::config::SchedulerName;
/// use proptest::prelude::*;
///
/// proptest!(|(kind in arbitrary::config::scheduler())| {
///     let is_kernel = matches!(kind.name(), SchedulerName::IpvsMh | SchedulerName::IpvsSh);
///     prop_assert_eq!(kind.is_ipvs(), is_kernel);
/// });
/// ```
pub fn scheduler() -> impl Strategy<Value = SchedulerKind> {
    let flags = (any::<bool>(), any::<bool>());
    prop_oneof![
        select(&[12_u32, 251, 65_537][..]).prop_map(|table_size| SchedulerKind::Maglev { table_size }),
        (8..1_000_u32).prop_map(|table_size| SchedulerKind::Rendezvous { table_size }),
        // so few that eight backends may have any weights
        (1..=32_u32).prop_map(|points| SchedulerKind::Ring { points }),
        (flags, select(&[251_u32, 509, 4_093][..]))
            .prop_map(|((port, fallback), table_size)| SchedulerKind::IpvsMh { port, fallback, table_size }),
        (flags, 4..10_u32).prop_map(|((port, fallback), bits)| SchedulerKind::IpvsSh {
            port,
            fallback,
            table_size: 1 << bits
        }),
    ]
}

/// Limits that a test can afford: a fragment table takes its memory at once.
fn fragments() -> impl Strategy<Value = FragmentLimits> {
    let limits = (0..=4_096_u32, 1..=60_000_u64);
    limits.prop_map(|(max, timeout_ms)| FragmentLimits { max, timeout: Duration::from_millis(timeout_ms) })
}

pub(super) fn forward() -> impl Strategy<Value = Forward> {
    prop_oneof![
        Just(Forward::Ipip),
        (1..=u16::MAX).prop_map(|port| Forward::Gue { port }),
        Just(Forward::Gre)
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    let ipvs = any::<(bool, bool, bool, bool)>().prop_map(
        |(sloppy_tcp, expire_nodest_conn, schedule_icmp, pmtu_disc)| {
            Profile::Ipvs(IpvsOptions { sloppy_tcp, expire_nodest_conn, schedule_icmp, pmtu_disc })
        },
    );
    prop_oneof![Just(Profile::Own), ipvs]
}

/// Active, draining or down.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::config::BackendState;
/// use proptest::prelude::*;
///
/// proptest!(|(state in arbitrary::config::state())| prop_assert!(state <= BackendState::Down));
/// ```
pub fn state() -> impl Strategy<Value = BackendState> {
    select(&[BackendState::Active, BackendState::Drain, BackendState::Down][..])
}

fn vip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (1..=254_u8).prop_map(|host| IpAddr::V4(Ipv4Addr::new(203, 0, 113, host))),
        (1..=u16::MAX).prop_map(|host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host))),
    ]
}

fn backend_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 2]>().prop_map(|[third, fourth]| IpAddr::V4(Ipv4Addr::new(10, 1, third, fourth))),
        any::<u16>().prop_map(|host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, host))),
    ]
}

fn hash_fields(bits: u8) -> HashFields {
    let all = [
        HashFields::PROTOCOL,
        HashFields::SOURCE,
        HashFields::SOURCE_PORT,
        HashFields::DESTINATION,
        HashFields::DESTINATION_PORT,
    ];
    let chosen = all.into_iter().enumerate().filter(|(position, _)| bits >> position & 1 == 1);
    chosen.fold(HashFields::NONE, |fields, (_, field)| fields.union(field))
}

const fn node_v6() -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, 1)
}
