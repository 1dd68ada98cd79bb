//! Strategies of IPVS: keys, services, destinations, daemons, commands, and messages of any attributes.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::ipvs::attribute::{Attribute, Group, Kind, Spec, Value};
use crate::ipvs::{
    AddressFamily, Checksum, Command, CommandCode, Daemon, DaemonRole, Destination, DestinationKey, Forward,
    Message, Protocol, Service, ServiceFlags, ServiceKey, Timeouts, Tunnel,
};

/// The family of a service.
pub fn family() -> impl Strategy<Value = AddressFamily> {
    prop_oneof![Just(AddressFamily::V4), Just(AddressFamily::V6)]
}

/// What names a service.
pub fn service_key() -> impl Strategy<Value = ServiceKey> {
    let protocol = prop_oneof![Just(Protocol::TCP), Just(Protocol::UDP), Just(Protocol::SCTP)];
    let address = (protocol, any::<IpAddr>(), any::<u16>())
        .prop_map(|(protocol, address, port)| ServiceKey::address(protocol, address, port));
    let mark = (family(), 1..=u32::MAX).prop_map(|(family, mark)| ServiceKey::Mark { family, mark });
    prop_oneof![3 => address, 1 => mark]
}

/// A name that the kernel takes: at most 15 bytes.
pub fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,14}"
}

/// A service.
pub fn service() -> impl Strategy<Value = Service> {
    let settings = (name(), any::<u32>(), any::<u32>(), any::<u32>(), option::of(name()));
    (service_key(), settings).prop_map(
        |(key, (scheduler, flags, persistence_s, netmask, persistence_engine))| Service {
            key,
            scheduler,
            flags: ServiceFlags(flags),
            persistence_s,
            netmask,
            persistence_engine,
        },
    )
}

/// How packets travel to a destination: the named ways.
pub fn forward() -> impl Strategy<Value = Forward> {
    let checksum = || prop_oneof![Just(Checksum::None), Just(Checksum::Full), Just(Checksum::Remote)];
    let gue = (any::<u16>(), checksum()).prop_map(|(port, checksum)| Tunnel::Gue { port, checksum });
    let gre = checksum().prop_map(|checksum| Tunnel::Gre { checksum });
    let tunnel = prop_oneof![Just(Tunnel::Ipip), gue, gre].prop_map(Forward::Tunnel);
    prop_oneof![
        3 => tunnel,
        1 => Just(Forward::Masquerade),
        1 => Just(Forward::Local),
        1 => Just(Forward::DirectRoute),
        1 => Just(Forward::Bypass),
    ]
}

/// What names a destination.
pub fn destination_key() -> impl Strategy<Value = DestinationKey> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(address, port)| DestinationKey { address, port })
}

/// A destination.
pub fn destination() -> impl Strategy<Value = Destination> {
    (destination_key(), forward(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(
        |(key, forward, weight, upper_threshold, lower_threshold)| Destination {
            key,
            forward,
            weight,
            upper_threshold,
            lower_threshold,
        },
    )
}

/// What a synchronisation daemon does.
pub fn daemon_role() -> impl Strategy<Value = DaemonRole> {
    prop_oneof![Just(DaemonRole::Master), Just(DaemonRole::Backup)]
}

/// A synchronisation daemon.
pub fn daemon() -> impl Strategy<Value = Daemon> {
    let optional = (any::<Option<u16>>(), any::<Option<IpAddr>>(), any::<Option<u16>>(), any::<Option<u8>>());
    (daemon_role(), name(), 0..=255_u32, optional).prop_map(
        |(role, interface, sync_id, (max_length, group, port, ttl))| Daemon {
            role,
            interface,
            sync_id,
            max_length,
            group,
            port,
            ttl,
        },
    )
}

/// Timeouts.
pub fn timeouts() -> impl Strategy<Value = Timeouts> {
    any::<[u32; 3]>().prop_map(|[tcp_s, tcp_fin_s, udp_s]| Timeouts { tcp_s, tcp_fin_s, udp_s })
}

/// Any write.
pub fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        service().prop_map(Command::AddService),
        service().prop_map(Command::SetService),
        service_key().prop_map(Command::DeleteService),
        (service_key(), destination()).prop_map(|(key, one)| Command::AddDestination(key, one)),
        (service_key(), destination()).prop_map(|(key, one)| Command::SetDestination(key, one)),
        (service_key(), destination_key()).prop_map(|(key, one)| Command::DeleteDestination(key, one)),
        daemon().prop_map(Command::StartDaemon),
        daemon_role().prop_map(Command::StopDaemon),
        timeouts().prop_map(Command::SetTimeouts),
        option::of(service_key()).prop_map(Command::Zero),
        Just(Command::Flush),
    ]
}

/// A message of any command with any attributes, in any order, unknown ones among them.
pub fn message() -> impl Strategy<Value = Message> {
    any::<u8>().prop_map(|number| CommandCode::from(number % 20)).prop_flat_map(|code| {
        attributes(code.group()).prop_map(move |attributes| Message::new(code, attributes))
    })
}

/// Attributes that may stand side by side.
pub fn attributes(group: &'static Group) -> BoxedStrategy<Vec<Attribute>> {
    let known = prop::sample::select(group.specs).prop_flat_map(attribute);
    let first_unknown = u16::try_from(group.specs.len()).expect("a group has a handful of attributes") + 1;
    let unknown =
        (first_unknown..0x4000, prop_oneof![Just(0), Just(0x8000_u16), Just(0x4000)], vec(any::<u8>(), 0..9))
            .prop_map(|(number, flag, bytes)| Attribute::Unknown { number: number | flag, bytes });
    vec(prop_oneof![8 => known, 1 => unknown], 0..8).boxed()
}

/// One attribute of the table.
pub fn attribute(spec: &'static Spec) -> impl Strategy<Value = Attribute> {
    value(spec.kind).prop_map(move |value| Attribute::Known { spec, value })
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Kind::U16 | Kind::U16Network => any::<u16>().prop_map(Value::U16).boxed(),
        Kind::U32 => any::<u32>().prop_map(Value::U32).boxed(),
        Kind::U64 => any::<u64>().prop_map(Value::U64).boxed(),
        Kind::Bytes4 => any::<[u8; 4]>().prop_map(Value::Bytes4).boxed(),
        Kind::Address => any::<[u8; 16]>().prop_map(Value::Address).boxed(),
        Kind::Flags => any::<[u32; 2]>().prop_map(|[bits, mask]| Value::Flags { bits, mask }).boxed(),
        Kind::Text => "[^\0]{0,20}".prop_map(Value::Text).boxed(),
        Kind::Nested(group) => attributes(group).prop_map(Value::Nested).boxed(),
        Kind::Padding => Just(Value::Padding).boxed(),
    }
}
