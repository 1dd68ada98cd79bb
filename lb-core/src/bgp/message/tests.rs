//! Tests of the codec: what is written is read back, nothing that arrives makes it panic or grow, and two
//! other implementations and three routers agree with it.

mod golden;
mod netgauze;
mod refusals;
mod zettabgp;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arbitrary::bgp as arbitrary;
use crate::bgp::Asn;

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        (dialect, message) in arbitrary::dialect().prop_flat_map(|dialect| (Just(dialect), arbitrary::message(dialect)))
    ) {
        let bytes = message.emit(dialect).unwrap();
        prop_assert_eq!(frame_length(&bytes, dialect), Ok(Some(bytes.len())));
        prop_assert_eq!(parse(&bytes, dialect), Ok(Parsed { message, faults: Vec::new() }));
    }

    /// What can be read can be written, and is then read alike.
    #[test]
    fn damage_is_refused_or_read_to_something_that_can_be_written(
        (dialect, bytes) in arbitrary::dialect().prop_flat_map(|dialect| (Just(dialect), arbitrary::damaged(dialect)))
    ) {
        match parse(&bytes, dialect) {
            Err(error) => prop_assert!(error.notification().code <= 7),
            // An old speaker's path may shrink: what stands in a confederation has no true numbers.
            Ok(_) if !dialect.four_octet_as => {}
            Ok(Parsed { message, .. }) => {
                let again = message.emit(dialect).unwrap();
                prop_assert_eq!(parse(&again, dialect).map(|parsed| parsed.message), Ok(message));
            }
        }
    }

    /// An old speaker's word for our path is our path (RFC 6793 section 4.2.3).
    #[test]
    fn paths_survive_an_old_speaker(path in arbitrary::as_path()) {
        let attributes = PathAttributes {
            origin: Some(Origin::Igp),
            as_path: Some(path.clone()),
            next_hop: Some([198, 18, 0, 1].into()),
            ..PathAttributes::default()
        };
        let announced = Vec::from(["192.0.2.0/24".parse().unwrap()]);
        let update = Update { attributes, announced, ..Update::default() };
        let old = Dialect::default();
        let bytes = Message::Update(update.into()).emit(old).unwrap();
        let Message::Update(read) = parse(&bytes, old).unwrap().message else { panic!() };
        prop_assert_eq!(read.attributes.as_path, Some(path));
    }
}

/// What an old speaker puts in front of `AS_PATH` is kept in front of what `AS4_PATH` says.
#[test]
fn an_old_speaker_in_between_is_in_the_path() {
    let merged = |two: &[u32], four: &[u32]| {
        let path = |numbers: &[u32]| AsPath::sequence(numbers.iter().copied().map(Asn));
        path(two).merged(path(four))
    };
    let numbers = |path: &AsPath| {
        path.segments().iter().flat_map(|segment| segment.numbers.iter().map(|asn| asn.0)).collect::<Vec<_>>()
    };
    let trans = 23_456;
    assert_eq!(numbers(&merged(&[100, trans, trans], &[70_000, 80_000])), [100, 70_000, 80_000]);
    assert_eq!(numbers(&merged(&[trans], &[70_000])), [70_000]);
    assert_eq!(numbers(&merged(&[100], &[70_000, 80_000])), [100], "longer than the path: ignored");
    assert_eq!(numbers(&merged(&[100, 200], &[])), [100, 200]);
}

#[test]
fn a_path_has_no_empty_segments_and_no_long_ones() {
    let segment = |count| AsSegment { kind: SegmentKind::Sequence, numbers: std::vec![Asn(1); count] };
    let path = AsPath::new([segment(0), segment(600), segment(1)]);
    let lengths: Vec<_> = path.segments().iter().map(|segment| segment.numbers.len()).collect();
    assert_eq!(lengths, [255, 255, 90, 1]);
    assert_eq!(path.hops(), 601);
}

#[test]
fn many_capabilities_take_the_longer_form() {
    // RFC 9072: from 255 octets on; 253 are the last that the plain form holds with its head.
    for (octets, first) in [(251, 253), (252, 254), (253, 255), (2_000, 255)] {
        let mut capabilities = Vec::new();
        let mut left = octets;
        while left > 0 {
            let take = usize::min(left, 202);
            let take = if left - take == 1 { take - 1 } else { take };
            capabilities.push(Capability::Unknown { code: 200, value: std::vec![7; take - 2] });
            left -= take;
        }
        let open = Open {
            two_octet_as: 64_512,
            hold_seconds: 9,
            router_id: [10, 0, 0, 11].into(),
            capabilities: Capabilities(capabilities),
        };
        let bytes = Message::Open(open.clone()).emit(Dialect::default()).unwrap();
        assert_eq!(bytes[HEADER_LENGTH + 9], first, "{octets}");
        assert_eq!(parse(&bytes, Dialect::default()).unwrap().message, Message::Open(open));
    }
}

#[test]
fn an_end_of_rib_is_known_in_either_form() {
    for family in crate::bgp::Family::ALL {
        assert_eq!(Update::end_of_rib(family).as_end_of_rib(), Some(family));
    }
    let other_form = Update { mp_withdrawn: Some(MpUnreach::Ipv4(Vec::new())), ..Update::default() };
    assert_eq!(other_form.as_end_of_rib(), Some(crate::bgp::Family::Ipv4));
    let withdrawal = Update { withdrawn: Vec::from(["192.0.2.0/24".parse().unwrap()]), ..Update::default() };
    assert_eq!(withdrawal.as_end_of_rib(), None);
    let bytes = Message::Update(Update::end_of_rib(crate::bgp::Family::Ipv4).into()).emit(Dialect::default());
    assert_eq!(bytes.unwrap().len(), 23);
}

#[test]
fn what_does_not_fit_is_not_written() {
    let announced = std::vec!["192.0.2.1/32".parse().unwrap(); 1_000];
    let update = Message::Update(Update { announced, ..Update::default() }.into());
    let too_long = Err(EmitError::TooLong { length: 5_023, max: 4_096 });
    assert_eq!(update.emit(Dialect::default()), too_long);
    let extended = Dialect { extended_messages: true, ..Dialect::default() };
    assert_eq!(update.emit(extended).map(|bytes| bytes.len()), Ok(5_023));
}

/// Memory follows what has arrived: a prefix of IPv6 may come in one octet, and takes seventeen.
#[test]
fn the_worst_message_takes_little_memory() {
    let body = std::vec![0_u8; 65_535 - HEADER_LENGTH - 4 - 4 - 3]; // as many ::/0 as fit
    let attribute =
        [&[0x90, 15][..], &u16::try_from(body.len() + 3).unwrap().to_be_bytes(), &[0, 2, 1], &body].concat();
    let bytes = [
        &MARKER[..],
        &[0xff, 0xff, kind::UPDATE, 0, 0],
        &u16::try_from(attribute.len()).unwrap().to_be_bytes(),
        &attribute,
    ]
    .concat();
    let extended = Dialect { extended_messages: true, ..Dialect::default() };
    let Message::Update(update) = parse(&bytes, extended).unwrap().message else { panic!() };
    assert_eq!(update.all_withdrawn().len(), body.len());
    assert!(body.len() * size_of::<ipnet::IpNet>() < 2_000_000);
}
