//! The codec against zettabgp 0.6: it reads what we write to the same values, and we what it writes.
//!
//! It keeps communities and the numbers of a set in order and once, takes one
//! next hop of IPv6, and knows neither confederations nor IPv4 inside
//! `MP_REACH_NLRI`; updates are made so here. Where it is wrong, a test says so.

use core::net::IpAddr;

use ::zettabgp::BgpSessionParams;
use ::zettabgp::prelude::{
    BgpASitem, BgpAddr, BgpAddrs, BgpAttrItem, BgpAttrOrigin, BgpCapability, BgpMessage, BgpOpenMessage,
    BgpTransportMode, BgpUpdateMessage,
};
use ipnet::{Ipv4Net, Ipv6Net};

use super::*;
use crate::bgp::{Community, LargeCommunity};

const FOUR: Dialect =
    Dialect { four_octet_as: true, extended_messages: false, extended_next_hop: false, external: false };

fn session() -> BgpSessionParams {
    let router_id = [10, 0, 0, 1].into();
    let mut session = BgpSessionParams::new(64_512, 9, BgpTransportMode::IPv4, router_id, Vec::new());
    session.fuzzy_pathid = false; // it would guess that prefixes have path identifiers
    session
}

/// An update that it can hold.
fn update() -> impl Strategy<Value = Update> {
    arbitrary::update(FOUR).prop_map(|mut update| {
        let attributes = &mut update.attributes;
        attributes.communities.sort();
        attributes.communities.dedup();
        attributes.large_communities.sort();
        attributes.large_communities.dedup();
        attributes.unknown.clear();
        if let Some(path) = &mut attributes.as_path {
            let sequences = path.segments().iter().filter(|one| one.kind == SegmentKind::Sequence);
            *path = AsPath::new(sequences.cloned().collect::<Vec<_>>());
        }
        update.mp_announced = update.mp_announced.and_then(|reach| match reach {
            MpReach::Ipv6 { next_hop: NextHop::V6WithLinkLocal { global, .. }, prefixes } => {
                Some(MpReach::Ipv6 { next_hop: NextHop::V6(global), prefixes })
            }
            MpReach::Ipv6 { .. } => Some(reach),
            MpReach::Ipv4 { .. } | MpReach::Other { .. } => None,
        });
        update.mp_withdrawn = update.mp_withdrawn.filter(|unreach| matches!(unreach, MpUnreach::Ipv6(_)));
        update
    })
}

fn v4(prefixes: &BgpAddrs) -> Vec<Ipv4Net> {
    match prefixes {
        BgpAddrs::IPV4U(all) => {
            all.iter().map(|one| Ipv4Net::new(one.addr, one.prefixlen).unwrap()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn v6(prefixes: &BgpAddrs) -> Vec<Ipv6Net> {
    match prefixes {
        BgpAddrs::IPV6U(all) => {
            all.iter().map(|one| Ipv6Net::new(one.addr, one.prefixlen).unwrap()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Their UPDATE in our values.
fn ours(theirs: &BgpUpdateMessage) -> Update {
    let mut update =
        Update { withdrawn: v4(&theirs.withdraws), announced: v4(&theirs.updates), ..Update::default() };
    for item in &theirs.attrs {
        let attributes = &mut update.attributes;
        match item {
            BgpAttrItem::Origin(origin) => {
                attributes.origin = Some(match origin.value {
                    BgpAttrOrigin::Igp => Origin::Igp,
                    BgpAttrOrigin::Egp => Origin::Egp,
                    BgpAttrOrigin::Incomplete => Origin::Incomplete,
                });
            }
            BgpAttrItem::ASPath(path) => {
                let segment = |item: &BgpASitem| match item {
                    BgpASitem::Seq(sequence) => AsSegment {
                        kind: SegmentKind::Sequence,
                        numbers: sequence.value.iter().map(|one| Asn(one.value)).collect(),
                    },
                    BgpASitem::Set(set) => panic!("not written: {set:?}"),
                };
                attributes.as_path = Some(AsPath::new(path.value.iter().map(segment)));
            }
            BgpAttrItem::NextHop(next_hop) => match next_hop.value {
                IpAddr::V4(address) => attributes.next_hop = Some(address),
                IpAddr::V6(address) => panic!("{address}"),
            },
            BgpAttrItem::MED(med) => attributes.med = Some(med.value),
            BgpAttrItem::LocalPref(preference) => attributes.local_pref = Some(preference.value),
            BgpAttrItem::AtomicAggregate(_) => attributes.atomic_aggregate = true,
            BgpAttrItem::AggregatorAS(one) => {
                attributes.aggregator = Some(Aggregator { asn: Asn(one.asn), router_id: one.addr });
            }
            BgpAttrItem::CommunityList(list) => {
                attributes.communities = list.value.iter().map(|one| Community(one.value)).collect();
            }
            BgpAttrItem::LargeCommunityList(list) => {
                attributes.large_communities = list
                    .value
                    .iter()
                    .map(|one| LargeCommunity { global: one.ga, first: one.ldp1, second: one.ldp2 })
                    .collect();
            }
            BgpAttrItem::MPUpdates(reach) => {
                let BgpAddr::V6(next_hop) = reach.nexthop else { panic!("{:?}", reach.nexthop) };
                update.mp_announced =
                    Some(MpReach::Ipv6 { next_hop: NextHop::V6(next_hop), prefixes: v6(&reach.addrs) });
            }
            BgpAttrItem::MPWithdraws(unreach) => {
                update.mp_withdrawn = Some(MpUnreach::Ipv6(v6(&unreach.addrs)));
            }
            other => panic!("not written by us: {other:?}"),
        }
    }
    update
}

/// Their body as a message.
fn framed(theirs: &dyn BgpMessage, kind: u8) -> Vec<u8> {
    let mut body = std::vec![0; 4_096];
    let length = theirs.encode_to(&session(), &mut body).expect("it writes what it read");
    let whole = u16::try_from(HEADER_LENGTH + length).unwrap().to_be_bytes();
    [&MARKER[..], &whole, &[kind], &body[..length]].concat()
}

proptest! {
    #[test]
    fn updates(update in update()) {
        let bytes = Message::Update(update.clone().into()).emit(FOUR).unwrap();
        let mut theirs = BgpUpdateMessage::new();
        theirs.decode_from(&session(), &bytes[HEADER_LENGTH..]).expect("it reads what we write");
        prop_assert_eq!(ours(&theirs), update.clone());
        // what it writes wrongly, see below: two attributes are left out, and paths become sets
        let wrong = |item: &BgpAttrItem| {
            matches!(item, BgpAttrItem::AggregatorAS(_) | BgpAttrItem::AtomicAggregate(_))
        };
        theirs.attrs.retain(|item| !wrong(item));
        let mut update = update;
        update.attributes.aggregator = None;
        update.attributes.atomic_aggregate = false;
        if let Some(path) = &mut update.attributes.as_path {
            let as_set = |one: &AsSegment| AsSegment { kind: SegmentKind::Set, ..one.clone() };
            *path = AsPath::new(path.segments().iter().map(as_set).collect::<Vec<_>>());
        }
        let parsed = parse(&framed(&theirs, kind::UPDATE), FOUR).unwrap();
        prop_assert_eq!(parsed, Parsed { message: Message::Update(update.into()), faults: Vec::new() });
    }

    #[test]
    fn opens(open in arbitrary::open()) {
        let bytes = Message::Open(open.clone()).emit(Dialect::default()).unwrap();
        // It takes the longer form of parameters (RFC 9072) for a parameter of type 255.
        prop_assume!(bytes[HEADER_LENGTH + 9] != 255);
        let mut theirs = BgpOpenMessage::new();
        theirs.decode_from(&session(), &bytes[HEADER_LENGTH..]).expect("it reads what we write");
        prop_assert_eq!(theirs.as_num, u32::from(open.two_octet_as));
        prop_assert_eq!((theirs.hold_time, theirs.router_id), (open.hold_seconds, open.router_id));
        let numbers = |open: &Open| open.capabilities.0.iter().filter_map(|one| match one {
            Capability::FourOctetAs(asn) => Some(asn.0),
            _ => None,
        }).collect::<Vec<_>>();
        let theirs_numbers: Vec<_> = theirs.caps.iter().filter_map(|one| match one {
            BgpCapability::CapASN32(asn) => Some(*asn),
            _ => None,
        }).collect();
        prop_assert_eq!(theirs_numbers, numbers(&open));
        let restarts = |open: &Open| open.capabilities.0.iter().filter_map(|one| match one {
            Capability::GracefulRestart(restart) => Some((restart.seconds, restart.restarted, restart.families.len())),
            _ => None,
        }).collect::<Vec<_>>();
        let theirs_restarts: Vec<_> = theirs.caps.iter().filter_map(|one| match one {
            BgpCapability::CapGR { restart_time, restart_state, afis } => Some((*restart_time, *restart_state, afis.len())),
            _ => None,
        }).collect();
        prop_assert_eq!(theirs_restarts, restarts(&open));
    }
}

/// It writes a sequence of numbers with the code of a set (and reads it rightly), marks AGGREGATOR as
/// well-known, which RFC 4271 section 5.1.7 calls optional and transitive, and gives ATOMIC_AGGREGATE a
/// value, which section 4.3 says has length 0.
#[test]
fn it_writes_three_attributes_against_the_rfc() {
    let attributes = PathAttributes {
        as_path: Some(AsPath::sequence([Asn(1), Asn(2)])),
        aggregator: Some(Aggregator { asn: Asn(1), router_id: [10, 0, 0, 1].into() }),
        atomic_aggregate: true,
        ..PathAttributes::default()
    };
    let bytes = Message::Update(Update { attributes, ..Update::default() }.into()).emit(FOUR).unwrap();
    let mut theirs = BgpUpdateMessage::new();
    theirs.decode_from(&session(), &bytes[HEADER_LENGTH..]).unwrap();
    let parsed = parse(&framed(&theirs, kind::UPDATE), FOUR).unwrap();
    let faults = [(6, FaultKind::Length), (7, FaultKind::Flags)];
    let reaction = Reaction::DiscardAttribute;
    assert_eq!(parsed.faults, faults.map(|(attribute, kind)| AttributeFault { attribute, kind, reaction }));
    let Message::Update(read) = parsed.message else { panic!() };
    let path = read.attributes.as_path.unwrap();
    assert_eq!(path.segments()[0].kind, SegmentKind::Set);
}
