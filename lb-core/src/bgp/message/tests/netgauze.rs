//! The codec against netgauze-bgp-pkt 0.13: it reads what we write to the same values, and we what it writes.
//!
//! Where it is narrower than the RFCs, what it cannot hold is left out here:
//! segments of confederations, prefixes that are not unicast, flags of unknown
//! attributes that it does not keep apart, and messages that it wants whole.

use core::net::IpAddr;
use std::format;

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::capabilities::BgpCapability;
use netgauze_bgp_pkt::path_attribute::{self as theirs, PathAttributeValue as Value};
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_parse_utils::WritablePdu;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

use super::*;
use crate::bgp::{Community, LargeCommunity};

fn read(bytes: &[u8], dialect: Dialect) -> BgpMessage {
    let mut context = BgpParsingContext::asn2_default();
    context.set_asn4(dialect.four_octet_as);
    BgpMessage::parse(&mut SliceReader::new(bytes), &mut context).expect("it reads what we write")
}

fn write(message: &BgpMessage) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(&mut bytes).expect("it writes what it read");
    bytes
}

/// Their UPDATE in our values.
fn update(message: &BgpMessage) -> Update {
    let BgpMessage::Update(theirs) = message else { panic!("{message:?}") };
    let mut update = Update {
        withdrawn: theirs.withdraw_routes().iter().map(|one| one.network().address()).collect(),
        announced: theirs.nlri().iter().map(|one| one.network().address()).collect(),
        ..Update::default()
    };
    for attribute in theirs.path_attributes() {
        value(attribute, &mut update);
    }
    update
}

fn value(attribute: &theirs::PathAttribute, update: &mut Update) {
    let ours = &mut update.attributes;
    match attribute.value() {
        Value::Origin(origin) => {
            ours.origin = Some(match *origin as u8 {
                0 => Origin::Igp,
                1 => Origin::Egp,
                _ => Origin::Incomplete,
            });
        }
        Value::AsPath(path) => ours.as_path = Some(as_path(path)),
        Value::NextHop(next_hop) => ours.next_hop = Some(next_hop.next_hop()),
        Value::MultiExitDiscriminator(med) => ours.med = Some(med.metric()),
        Value::LocalPreference(preference) => ours.local_pref = Some(preference.metric()),
        Value::AtomicAggregate(_) => ours.atomic_aggregate = true,
        Value::Aggregator(theirs::Aggregator::As4Aggregator(one)) => {
            ours.aggregator = Some(Aggregator { asn: Asn(*one.asn()), router_id: one.origin() });
        }
        Value::Communities(list) => {
            ours.communities = list.communities().iter().map(|one| Community(one.value())).collect();
        }
        Value::LargeCommunities(list) => {
            let one = |one: &netgauze_bgp_pkt::community::LargeCommunity| LargeCommunity {
                global: one.global_admin(),
                first: one.local_data1(),
                second: one.local_data2(),
            };
            ours.large_communities = list.communities().iter().map(one).collect();
        }
        Value::MpReach(reach) => update.mp_announced = Some(mp_reach(reach)),
        Value::MpUnreach(unreach) => update.mp_withdrawn = Some(mp_unreach(unreach)),
        Value::UnknownAttribute(unknown) => {
            let (transitive, partial) = (attribute.transitive(), attribute.partial());
            let value = unknown.value().to_vec();
            ours.unknown.push(UnknownAttribute::new(unknown.code(), transitive, partial, value).unwrap());
        }
        other => panic!("not written by us: {other:?}"),
    }
}

fn as_path(path: &theirs::AsPath) -> AsPath {
    let theirs::AsPath::As4PathSegments(segments) = path else { panic!("{path:?}") };
    AsPath::new(segments.iter().map(|segment| AsSegment {
        kind: match segment.segment_type() {
            theirs::AsPathSegmentType::AsSet => SegmentKind::Set,
            theirs::AsPathSegmentType::AsSequence => SegmentKind::Sequence,
        },
        numbers: segment.as_numbers().iter().copied().map(Asn).collect(),
    }))
}

fn mp_reach(reach: &theirs::MpReach) -> MpReach {
    match reach {
        theirs::MpReach::Ipv4Unicast { next_hop, next_hop_local, nlri } => MpReach::Ipv4 {
            next_hop: next_hop_of(*next_hop, *next_hop_local),
            prefixes: nlri.iter().map(|one| one.network().address()).collect(),
        },
        theirs::MpReach::Ipv6Unicast { next_hop_global, next_hop_local, nlri } => MpReach::Ipv6 {
            next_hop: next_hop_of(IpAddr::V6(*next_hop_global), *next_hop_local),
            prefixes: nlri.iter().map(|one| one.network().address()).collect(),
        },
        other => panic!("not written by us: {other:?}"),
    }
}

fn next_hop_of(address: IpAddr, link_local: Option<core::net::Ipv6Addr>) -> NextHop {
    match (address, link_local) {
        (IpAddr::V4(address), None) => NextHop::V4(address),
        (IpAddr::V6(global), Some(link_local)) => NextHop::V6WithLinkLocal { global, link_local },
        (IpAddr::V6(address), None) => NextHop::V6(address),
        other => panic!("{other:?}"),
    }
}

fn mp_unreach(unreach: &theirs::MpUnreach) -> MpUnreach {
    match unreach {
        theirs::MpUnreach::Ipv4Unicast { nlri } => {
            MpUnreach::Ipv4(nlri.iter().map(|one| one.network().address()).collect())
        }
        theirs::MpUnreach::Ipv6Unicast { nlri } => {
            MpUnreach::Ipv6(nlri.iter().map(|one| one.network().address()).collect())
        }
        other => panic!("not written by us: {other:?}"),
    }
}

/// What it can hold: see the header.
fn holds(update: &Update) -> bool {
    let path = update.attributes.as_path.as_ref();
    let inside = path.is_some_and(|path| path.segments().iter().any(|one| one.kind.is_confederation()));
    let other = matches!(update.mp_announced, Some(MpReach::Other { .. }))
        || matches!(update.mp_withdrawn, Some(MpUnreach::Other { .. }));
    !inside && !other
}

const FOUR: Dialect =
    Dialect { four_octet_as: true, extended_messages: false, extended_next_hop: true, external: false };

proptest! {
    #[test]
    fn updates((dialect, update_) in (Just(FOUR), arbitrary::update(FOUR)).prop_filter("narrower", |(_, update)| holds(update))) {
        let bytes = Message::Update(update_.clone().into()).emit(dialect).unwrap();
        let theirs = read(&bytes, dialect);
        prop_assert_eq!(update(&theirs), update_.clone());
        let parsed = parse(&write(&theirs), dialect).unwrap();
        prop_assert_eq!(parsed, Parsed { message: Message::Update(update_.into()), faults: Vec::new() });
    }

    /// It wants an identifier that could be a host's address; any but 0 will do since RFC 6286.
    #[test]
    fn opens(open in arbitrary::open().prop_filter("RFC 6286", |open| open.router_id.octets()[0] < 224)) {
        let bytes = Message::Open(open.clone()).emit(Dialect::default()).unwrap();
        let theirs = read(&bytes, Dialect::default());
        let BgpMessage::Open(read) = &theirs else { panic!("{theirs:?}") };
        prop_assert_eq!(read.my_as(), open.two_octet_as);
        prop_assert_eq!((read.hold_time(), read.bgp_id()), (open.hold_seconds, open.router_id));
        let (theirs_all, ours) = (read.capabilities(), &open.capabilities.0);
        prop_assert_eq!(theirs_all.len(), ours.len());
        for (theirs, ours) in theirs_all.into_iter().zip(ours) {
            prop_assert!(is_same(theirs, ours), "{:?} {:?}", theirs, ours);
        }
        let parsed = parse(&write(&theirs), Dialect::default()).unwrap();
        prop_assert_eq!(parsed.message, Message::Open(open));
    }
}

/// Whether a capability of theirs is one of ours. Families are compared as they print.
fn is_same(theirs: &BgpCapability, ours: &Capability) -> bool {
    let family = |afi, safi| match (afi, safi) {
        (1, 1) => "Ipv4Unicast",
        (2, 1) => "Ipv6Unicast",
        (1, 2) => "Ipv4Multicast",
        _ => "L2VpnEvpn",
    };
    match (theirs, ours) {
        (BgpCapability::MultiProtocolExtensions(theirs), Capability::Multiprotocol { afi, safi }) => {
            format!("{:?}", theirs.address_type()).eq_ignore_ascii_case(family(*afi, *safi))
                || (*afi, *safi) == (25, 65)
        }
        (BgpCapability::RouteRefresh, Capability::RouteRefresh)
        | (BgpCapability::EnhancedRouteRefresh, Capability::EnhancedRouteRefresh)
        | (BgpCapability::ExtendedMessage, Capability::ExtendedMessage) => true,
        (BgpCapability::FourOctetAs(theirs), Capability::FourOctetAs(ours)) => theirs.asn4() == ours.0,
        (BgpCapability::GracefulRestartCapability(theirs), Capability::GracefulRestart(ours)) => {
            let same = |(theirs, ours): (
                &netgauze_bgp_pkt::capabilities::GracefulRestartAddressFamily,
                &RestartFamily,
            )| { theirs.forwarding_state() == ours.preserved };
            (theirs.restart(), theirs.graceful_notification(), theirs.time())
                == (ours.restarted, ours.notification, ours.seconds)
                && theirs.address_families().len() == ours.families.len()
                && theirs.address_families().iter().zip(&ours.families).all(same)
        }
        (BgpCapability::ExtendedNextHopEncoding(theirs), Capability::ExtendedNextHop(ours)) => {
            theirs.encodings().len() == ours.len()
        }
        (BgpCapability::Unrecognized(theirs), Capability::Unknown { code, value }) => {
            (theirs.code(), theirs.value()) == (code, &value[..])
        }
        _ => false,
    }
}
