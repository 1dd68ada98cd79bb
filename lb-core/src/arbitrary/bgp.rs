//! BGP messages: everything that a speaker may say in a dialect, and bytes that are nearly that.
//!
//! Prefixes are unicast and have no bits past their length, autonomous systems
//! have two octets or four, unknown attributes have codes that nobody assigned,
//! so that other implementations can be asked what they make of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bgp::message::{
    Aggregator, AsPath, AsSegment, Capabilities, Capability, Dialect, ExtendedNextHop, Message, MpReach,
    MpUnreach, NextHop, Notification, Open, Origin, PathAttributes, Restart, RestartFamily, RouteRefresh,
    SegmentKind, UnknownAttribute, Update,
};
use crate::bgp::{Asn, Community, LargeCommunity};

/// Any dialect.
pub fn dialect() -> impl Strategy<Value = Dialect> {
    any::<[bool; 4]>().prop_map(|[four_octet_as, extended_messages, extended_next_hop, external]| Dialect {
        four_octet_as,
        extended_messages,
        extended_next_hop,
        external,
    })
}

/// Any message that can be said in a dialect and fits into it.
///
/// ```
/// use lb_core::arbitrary::bgp;
/// use lb_core::bgp::message;
/// use proptest::prelude::*;
///
/// proptest!(|((dialect, message) in bgp::dialect().prop_flat_map(|d| (Just(d), bgp::message(d))))| {
///     let parsed = message::parse(&message.emit(dialect).unwrap(), dialect).unwrap();
///     prop_assert_eq!((parsed.message, parsed.faults), (message, vec![]));
/// });
/// ```
pub fn message(dialect: Dialect) -> impl Strategy<Value = Message> {
    prop_oneof![
        Just(Message::Keepalive),
        open().prop_map(Message::Open),
        update(dialect).prop_map(|update| Message::Update(Box::new(update))),
        notification().prop_map(Message::Notification),
        any::<(u16, u8, u8)>().prop_map(|(afi, subtype, safi)| Message::RouteRefresh(RouteRefresh {
            afi,
            subtype,
            safi
        })),
    ]
}

/// An OPEN with up to eight capabilities.
pub fn open() -> impl Strategy<Value = Open> {
    let hold = prop_oneof![Just(0), 3..=u16::MAX];
    (1..=u16::MAX, hold, 1..=u32::MAX, vec(capability(), 0..8)).prop_map(
        |(two_octet_as, hold_seconds, router_id, capabilities)| Open {
            two_octet_as,
            hold_seconds,
            router_id: Ipv4Addr::from(router_id),
            capabilities: Capabilities(capabilities),
        },
    )
}

/// A capability of any kind.
pub fn capability() -> impl Strategy<Value = Capability> {
    prop_oneof![
        family().prop_map(|(afi, safi)| Capability::Multiprotocol { afi, safi }),
        Just(Capability::RouteRefresh),
        vec(family(), 0..3).prop_map(|families| {
            let one = |(afi, safi)| ExtendedNextHop { afi, safi: u16::from(safi), next_hop_afi: 2 };
            Capability::ExtendedNextHop(families.into_iter().map(one).collect())
        }),
        Just(Capability::ExtendedMessage),
        restart().prop_map(Capability::GracefulRestart),
        asn().prop_map(Capability::FourOctetAs),
        Just(Capability::EnhancedRouteRefresh),
        (200..239_u8, vec(any::<u8>(), 0..40)).prop_map(|(code, value)| Capability::Unknown { code, value }),
    ]
}

fn restart() -> impl Strategy<Value = Restart> {
    let restarting =
        (family(), any::<bool>()).prop_map(|((afi, safi), preserved)| RestartFamily { afi, safi, preserved });
    (any::<bool>(), any::<bool>(), 0..4_096_u16, vec(restarting, 0..3)).prop_map(
        |(restarted, notification, seconds, families)| Restart { restarted, notification, seconds, families },
    )
}

fn family() -> impl Strategy<Value = (u16, u8)> {
    select(&[(1, 1), (2, 1), (1, 2), (25, 65)][..])
}

/// A NOTIFICATION of any code.
pub fn notification() -> impl Strategy<Value = Notification> {
    (any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..60)).prop_map(|(code, subcode, data)| Notification {
        code,
        subcode,
        data,
    })
}

/// An UPDATE without faults: routes that come have the attributes that they need.
pub fn update(dialect: Dialect) -> impl Strategy<Value = Update> {
    (
        vec(prefix_v4(), 0..20),
        option::of(unreach()),
        attributes(dialect),
        option::of(reach(dialect)),
        vec(prefix_v4(), 0..20),
    )
        .prop_map(|(withdrawn, mp_withdrawn, mut attributes, mp_announced, announced)| {
            if !announced.is_empty() {
                attributes.next_hop.get_or_insert(Ipv4Addr::new(198, 18, 0, 1));
            }
            if !announced.is_empty() || mp_announced.is_some() {
                attributes.origin.get_or_insert(Origin::Igp);
                attributes.as_path.get_or_insert_with(AsPath::default);
            }
            Update { withdrawn, mp_withdrawn, attributes, mp_announced, announced }
        })
}

/// Any attributes that can be said in a dialect.
pub fn attributes(dialect: Dialect) -> impl Strategy<Value = PathAttributes> {
    let origin = select(&[Origin::Igp, Origin::Egp, Origin::Incomplete][..]);
    let numbers = (
        option::of(any::<u32>().prop_map(Ipv4Addr::from)),
        option::of(any::<u32>()),
        option::of(any::<u32>()).prop_map(move |local_pref| local_pref.filter(|_| !dialect.external)),
    );
    let aggregator =
        (asn(), any::<u32>()).prop_map(|(asn, id)| Aggregator { asn, router_id: Ipv4Addr::from(id) });
    (
        option::of(origin),
        option::of(as_path()),
        numbers,
        any::<bool>(),
        option::of(aggregator),
        vec(any::<u32>().prop_map(Community), 0..80),
        vec(large_community(), 0..30),
        unknown(),
    )
        .prop_map(
            |(origin, as_path, numbers, atomic_aggregate, aggregator, communities, large, unknown)| {
                let (next_hop, med, local_pref) = numbers;
                PathAttributes {
                    origin,
                    as_path,
                    next_hop,
                    med,
                    local_pref,
                    atomic_aggregate,
                    aggregator,
                    communities,
                    large_communities: large,
                    unknown,
                }
            },
        )
}

/// Attributes that nobody assigned, each code once.
fn unknown() -> impl Strategy<Value = Vec<UnknownAttribute>> {
    let one = (201..=239_u8, any::<bool>(), any::<bool>(), vec(any::<u8>(), 0..300)).prop_map(
        |(code, transitive, partial, value)| {
            UnknownAttribute::new(code, transitive, partial, value).expect("the codes have no field")
        },
    );
    vec(one, 0..3).prop_map(|mut unknown| {
        unknown.sort_by_key(UnknownAttribute::code);
        unknown.dedup_by_key(|one| one.code());
        unknown
    })
}

/// A path of up to four segments; those of a confederation come first and have numbers of two octets.
pub fn as_path() -> impl Strategy<Value = AsPath> {
    let outside = (select(&[SegmentKind::Sequence, SegmentKind::Set][..]), vec(asn(), 1..6))
        .prop_map(|(kind, numbers)| AsSegment { kind, numbers });
    let kinds = [SegmentKind::ConfederationSequence, SegmentKind::ConfederationSet];
    let inside = (select(kinds.to_vec()), vec((1..=u32::from(u16::MAX)).prop_map(Asn), 1..4))
        .prop_map(|(kind, numbers)| AsSegment { kind, numbers });
    (option::weighted(0.1, inside), vec(outside, 0..4))
        .prop_map(|(inside, outside)| AsPath::new(inside.into_iter().chain(outside)))
}

fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![1..=u32::from(u16::MAX), 65_536..=u32::MAX].prop_map(Asn)
}

fn large_community() -> impl Strategy<Value = LargeCommunity> {
    any::<[u32; 3]>().prop_map(|[global, first, second]| LargeCommunity { global, first, second })
}

fn reach(dialect: Dialect) -> impl Strategy<Value = MpReach> {
    let v4 = any::<u32>().prop_map(|address| NextHop::V4(Ipv4Addr::from(address)));
    let for_v4 = if dialect.extended_next_hop { prop_oneof![v4, next_hop_v6()].boxed() } else { v4.boxed() };
    prop_oneof![
        (for_v4, vec(prefix_v4(), 0..20))
            .prop_map(|(next_hop, prefixes)| MpReach::Ipv4 { next_hop, prefixes }),
        (next_hop_v6(), vec(prefix_v6(), 0..20))
            .prop_map(|(next_hop, prefixes)| MpReach::Ipv6 { next_hop, prefixes }),
        vec(any::<u8>(), 0..60).prop_map(|body| MpReach::Other { afi: 16_388, safi: 200, body }),
    ]
}

fn unreach() -> impl Strategy<Value = MpUnreach> {
    prop_oneof![
        vec(prefix_v4(), 0..20).prop_map(MpUnreach::Ipv4),
        vec(prefix_v6(), 0..20).prop_map(MpUnreach::Ipv6),
        vec(any::<u8>(), 0..60).prop_map(|body| MpUnreach::Other { afi: 16_388, safi: 200, body }),
    ]
}

fn next_hop_v6() -> impl Strategy<Value = NextHop> {
    let address = || (0x2000_u16..0x4000, any::<[u16; 7]>());
    let six = |(first, [b, c, d, e, f, g, h]): (u16, [u16; 7])| Ipv6Addr::new(first, b, c, d, e, f, g, h);
    let link_local = any::<u16>().prop_map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
    prop_oneof![
        address().prop_map(move |address| NextHop::V6(six(address))),
        (address(), link_local).prop_map(move |(global, link_local)| NextHop::V6WithLinkLocal {
            global: six(global),
            link_local
        }),
    ]
}

/// A unicast prefix of IPv4.
pub fn prefix_v4() -> impl Strategy<Value = Ipv4Net> {
    (1..=223_u8, any::<[u8; 3]>(), 8..=32_u8).prop_map(|(first, [b, c, d], length)| {
        Ipv4Net::new(Ipv4Addr::new(first, b, c, d), length).expect("at most 32 bits").trunc()
    })
}

/// A unicast prefix of IPv6.
pub fn prefix_v6() -> impl Strategy<Value = Ipv6Net> {
    (0x2000_u16..0x4000, any::<[u16; 7]>(), 16..=128_u8).prop_map(|(first, rest, length)| {
        let [b, c, d, e, f, g, h] = rest;
        Ipv6Net::new(Ipv6Addr::new(first, b, c, d, e, f, g, h), length).expect("at most 128 bits").trunc()
    })
}

/// A message in a dialect with some octets changed, cut off or added.
pub fn damaged(dialect: Dialect) -> impl Strategy<Value = Vec<u8>> {
    let bytes = message(dialect).prop_map(move |message| message.emit(dialect).expect("generated to fit"));
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (bytes, changes, option::of(any::<prop::sample::Index>()), any::<bool>()).prop_map(
        |(mut bytes, changes, cut, keep_header)| {
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let body = if keep_header { 19 } else { 0 };
            for (place, value) in changes {
                if bytes.len() > body {
                    let place = body + place.index(bytes.len() - body);
                    bytes[place] = value;
                }
            }
            // otherwise hardly any cut would get past the header
            if keep_header && bytes.len() >= 19 {
                let length = u16::try_from(bytes.len()).expect("no message is longer");
                bytes[16..18].copy_from_slice(&length.to_be_bytes());
            }
            bytes
        },
    )
}
