//! Kernel services as they are wanted, and what others do to them.
//!
//! All from a few addresses, so that histories meet: three services, nine
//! backends of both families, tables of [`MH_SLOTS`] and [`SH_BUCKETS`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

use super::config::{forward, state};
use crate::config::{BackendConfig, SchedulerKind, ServiceAddress, ServiceConfig};
use crate::flow::{HashFields, Protocol};
use crate::health::Offer;
use crate::identity::{Endpoint, Weight};
use crate::ipvs::{
    Command, ForwardMethod, Grain, KernelDestination, KernelService, ServiceFlags, ServiceKey,
};

/// Slots of `mh` here: the smallest table that a kernel can have.
pub const MH_SLOTS: u32 = 251;
/// Buckets of `sh` here.
pub const SH_BUCKETS: u32 = 16;

/// What one service is to be: its configuration, what health offers its backends, and the grain.
pub type Wish = (ServiceConfig, Vec<Offer>, Grain);

/// A wish that the kernel can fulfil.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::ipvs::desired;
/// use proptest::prelude::*;
///
/// proptest!(|((service, offers, grain) in arbitrary::ipvs::wish())| {
///     prop_assert!(desired(&service, &offers, grain).is_ok());
/// });
/// ```
pub fn wish() -> impl Strategy<Value = Wish> {
    service().prop_flat_map(|service| {
        let offers: Vec<_> = service.backends.iter().map(offer).collect();
        (Just(service), offers, select(&[Grain::Whole, Grain::Fine][..]))
    })
}

/// A service with a kernel scheduler, of up to nine backends.
///
/// ```
/// use lb_core::arbitrary;
/// use proptest::prelude::*;
///
/// proptest!(|(service in arbitrary::ipvs::service())| prop_assert!(service.scheduler.is_ipvs()));
/// ```
pub fn service() -> impl Strategy<Value = ServiceConfig> {
    let backends = prop::collection::btree_map(backend_address(), weight(), 0..=9);
    (address(), scheduler(), forward(), backends).prop_map(|(address, scheduler, forward, backends)| {
        let backend = |(host, weight)| BackendConfig {
            endpoint: Endpoint::new(host, address.port),
            weight: Weight(weight),
            state: Default::default(),
        };
        ServiceConfig {
            address,
            hash_fields: HashFields::ALL,
            scheduler,
            forward,
            spread: false,
            mtu: 1_500,
            backends: backends.into_iter().map(backend).collect(),
        }
    })
}

/// A write of somebody else, to a service or a destination of these.
///
/// ```
/// use lb_core::arbitrary;
/// use lb_core::ipvs::{Command, Kernel};
/// use proptest::prelude::*;
///
/// proptest!(|(command in arbitrary::ipvs::command())| {
///     let is_new = matches!(command, Command::AddService { .. } | Command::SetExpireNodestConn { .. });
///     prop_assert_eq!(Kernel::default().apply(&command).is_ok(), is_new);
/// });
/// ```
pub fn command() -> impl Strategy<Value = Command> {
    let key = || address().prop_map(ServiceKey::Address);
    let settings = |key: ServiceKey| {
        let schedulers = select(&["mh", "mh", "sh", "wlc"][..]);
        (Just(key), schedulers, any::<u32>()).prop_map(|(key, scheduler, bits)| {
            let flags = ServiceFlags::from_bits(bits);
            (key, Box::new(KernelService::new(scheduler, flags, key.family())))
        })
    };
    prop_oneof![
        2 => key().prop_flat_map(settings).prop_map(|(key, service)| Command::AddService { key, service }),
        1 => key().prop_flat_map(settings).prop_map(|(key, service)| Command::SetService { key, service }),
        1 => key().prop_map(|key| Command::DeleteService { key }),
        6 => (key(), destination())
            .prop_map(|(key, destination)| Command::AddDestination { key, destination }),
        3 => (key(), destination())
            .prop_map(|(key, destination)| Command::SetDestination { key, destination }),
        3 => (key(), endpoint()).prop_map(|(key, endpoint)| Command::DeleteDestination { key, endpoint }),
        1 => any::<bool>().prop_map(|value| Command::SetExpireNodestConn { value }),
    ]
}

fn offer(backend: &BackendConfig) -> impl Strategy<Value = Offer> + use<> {
    let full = backend.weight.0;
    let weight = prop_oneof![Just(full), 0..=full];
    (state(), weight).prop_map(|(traffic, weight)| Offer { traffic, weight: Weight(weight) })
}

fn address() -> impl Strategy<Value = ServiceAddress> {
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let v4 = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10));
    let all = [
        ServiceAddress::new(v4, 443, Protocol::TCP),
        ServiceAddress::new(v4, 53, Protocol::UDP),
        ServiceAddress::new(v6, 443, Protocol::TCP),
    ];
    select(all.to_vec())
}

fn scheduler() -> impl Strategy<Value = SchedulerKind> {
    let mh = |(port, fallback)| SchedulerKind::IpvsMh { port, fallback, table_size: MH_SLOTS };
    let sh = |(port, fallback)| SchedulerKind::IpvsSh { port, fallback, table_size: SH_BUCKETS };
    let flags = || any::<(bool, bool)>();
    prop_oneof![3 => flags().prop_map(mh), 1 => flags().prop_map(sh)]
}

fn backend_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (1..=6_u8).prop_map(|host| IpAddr::V4(Ipv4Addr::new(10, 1, 0, host))),
        (1..=3_u16).prop_map(|host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, host))),
    ]
}

/// Mostly equal, some not.
fn weight() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(100), 1 => select(&[0, 1, 50, 99, 300, u16::MAX][..])]
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (backend_address(), select(&[443, 53, 40_944, 8_080][..]))
        .prop_map(|(host, port)| Endpoint::new(host, port))
}

fn destination() -> impl Strategy<Value = KernelDestination> {
    let method = prop_oneof![
        Just(ForwardMethod::DirectRoute),
        Just(ForwardMethod::Masquerade),
        Just(ForwardMethod::Tunnel(crate::ipvs::Tunnel::Ipip)),
    ];
    let thresholds = prop_oneof![4 => Just((0, 0)), 1 => (0..9_u32, 0..9_u32).prop_map(|(lower, more)| (lower + more, lower))];
    (endpoint(), method, select(&[0, 0, 1, 1, 2, 5][..]), thresholds).prop_map(
        |(endpoint, forward, weight, (upper_threshold, lower_threshold))| KernelDestination {
            endpoint,
            forward,
            weight,
            upper_threshold,
            lower_threshold,
        },
    )
}
