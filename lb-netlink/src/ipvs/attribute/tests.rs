//! Tests of the codec: lengths, byte orders, what is unknown, and bytes from nowhere.

use proptest::prelude::*;

use super::{Attribute, Group, Kind, Value};
use crate::arbitrary::ipvs;
use crate::ipvs::error::DecodeError;
use crate::ipvs::schema::{command, daemon, destination, info, service, statistics, statistics64};

fn emit(attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = vec![0xaa; super::length(attributes)];
    super::emit(attributes, &mut bytes);
    bytes
}

#[test]
#[cfg(target_endian = "little")]
fn each_kind_has_its_bytes() {
    let cases: Vec<(&'static Group, Attribute, &[u8])> = vec![
        (&destination::GROUP, destination::TUN_TYPE.with(1), &[5, 0, 13, 0, 1, 0, 0, 0]),
        (&service::GROUP, service::AF.with(0x0102), &[6, 0, 1, 0, 2, 1, 0, 0]),
        (&service::GROUP, service::PORT.with(0x0102), &[6, 0, 4, 0, 1, 2, 0, 0]),
        (&daemon::GROUP, daemon::MCAST_PORT.with(0x0102), &[6, 0, 7, 0, 2, 1, 0, 0]),
        (&service::GROUP, service::FWMARK.with(0x0102_0304), &[8, 0, 5, 0, 4, 3, 2, 1]),
        (&service::GROUP, service::NETMASK.with([255, 255, 255, 0]), &[8, 0, 9, 0, 255, 255, 255, 0]),
        (&statistics::GROUP, statistics::INBYTES.with(7), &[12, 0, 4, 0, 7, 0, 0, 0, 0, 0, 0, 0]),
        (&statistics64::GROUP, statistics64::CONNS.with(7), &[12, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0]),
        (&service::GROUP, service::FLAGS.with((1, u32::MAX)), &[12, 0, 7, 0, 1, 0, 0, 0, 255, 255, 255, 255]),
        (&service::GROUP, service::SCHED_NAME.with("mh".into()), &[7, 0, 6, 0, b'm', b'h', 0, 0]),
        (&service::GROUP, service::PE_NAME.with(String::new()), &[5, 0, 11, 0, 0, 0, 0, 0]),
        (
            &command::GROUP,
            command::SERVICE.with(vec![service::AF.with(2)]),
            &[12, 0, 1, 0x80, 6, 0, 1, 0, 2, 0, 0, 0],
        ),
        (&command::GROUP, command::DAEMON.with(vec![]), &[4, 0, 3, 0x80]),
    ];
    for (group, attribute, bytes) in cases {
        assert_eq!(emit(std::slice::from_ref(&attribute)), bytes, "{attribute:?}");
        assert_eq!(group.decode(bytes), Ok(vec![attribute]));
    }
}

#[test]
fn a_wrong_length_names_the_attribute() {
    for group in [&service::GROUP, &destination::GROUP, &daemon::GROUP, &info::GROUP, &statistics::GROUP] {
        for spec in group.specs {
            let expected = match spec.kind {
                Kind::U8 => 1,
                Kind::U16 | Kind::U16Network => 2,
                Kind::U32 | Kind::Bytes4 => 4,
                Kind::U64 | Kind::Flags => 8,
                Kind::Address => 16,
                Kind::Padding => 0,
                Kind::Text | Kind::Nested(_) => continue,
            };
            for length in [expected + 1, 40] {
                let bytes = emit(&[Attribute::Unknown { number: spec.number, bytes: vec![1; length] }]);
                let error = DecodeError::Length { attribute: spec.name, length, expected };
                assert_eq!(group.decode(&bytes), Err(error));
            }
        }
    }
    let long = emit(&[Attribute::Unknown { number: 6, bytes: vec![b'x'; 2_000] }]);
    let error = DecodeError::Length { attribute: "IPVS_SVC_ATTR_SCHED_NAME", length: 2_000, expected: 1_000 };
    assert_eq!(service::GROUP.decode(&long), Err(error));
    assert_eq!(error.to_string(), "IPVS_SVC_ATTR_SCHED_NAME has 2000 bytes where 1000 are right");
    let no_text = emit(&[Attribute::Unknown { number: 6, bytes: vec![0xff, 0] }]);
    assert_eq!(
        service::GROUP.decode(&no_text),
        Err(DecodeError::Text { attribute: "IPVS_SVC_ATTR_SCHED_NAME" })
    );
}

#[test]
fn an_attribute_that_is_not_all_there_is_an_error() {
    let whole = emit(&[service::AF.with(2), service::FWMARK.with(7)]);
    let error = |available| Err(DecodeError::CutShort { group: "a virtual service", available });
    for length in 0..whole.len() {
        let result = service::GROUP.decode(&whole[..length]);
        match length {
            0 => assert_eq!(result, Ok(vec![])),
            // The padding of the last attribute may be missing.
            6..=8 => assert_eq!(result, Ok(vec![service::AF.with(2)])),
            1..6 => assert_eq!(result, error(length)),
            _ => assert_eq!(result, error(length - 8)),
        }
    }
    assert_eq!(service::GROUP.decode(&[3, 0, 1, 0]), error(4), "shorter than its own header");
}

/// The codec of netlink-packet-core 0.9 loses a flag bit here, ours does not.
#[test]
fn both_flag_bits_of_an_unknown_attribute_are_kept() {
    let attribute = Attribute::Unknown { number: 0xc000 | 99, bytes: vec![1, 2] };
    let bytes = emit(std::slice::from_ref(&attribute));
    assert_eq!(u16::from_ne_bytes([bytes[2], bytes[3]]), 0xc063);
    assert_eq!(service::GROUP.decode(&bytes), Ok(vec![attribute]));
}

#[test]
fn an_address_may_have_four_bytes() {
    let short = emit(&[Attribute::Unknown { number: 3, bytes: vec![10, 0, 0, 1] }]);
    let mut address = [0; 16];
    address[..4].copy_from_slice(&[10, 0, 0, 1]);
    assert_eq!(service::GROUP.decode(&short), Ok(vec![service::ADDR.with(address)]));
}

#[test]
fn a_text_ends_at_its_nul_and_at_the_limit() {
    let sent = |text: &str| match service::GROUP
        .decode(&emit(&[service::SCHED_NAME.with(text.into())]))
        .as_deref()
    {
        Ok([Attribute::Known { value: Value::Text(text), .. }]) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(sent("mh\0rest"), "mh");
    assert_eq!(
        sent(&"x".repeat(70_000)).len(),
        1_000,
        "no attribute is longer than its length field can say"
    );
}

#[test]
fn of_two_alike_the_last_counts() {
    let attributes = [service::AF.with(2), service::FWMARK.with(1), service::AF.with(10)];
    assert_eq!(service::AF.find(&attributes), Some(10));
    assert_eq!(service::PORT.find(&attributes), None);
    let missing = DecodeError::Missing { attribute: "IPVS_SVC_ATTR_PORT" };
    assert_eq!(service::PORT.require(&attributes), Err(missing));
    assert_eq!(missing.to_string(), "IPVS_SVC_ATTR_PORT is missing");
    // The same number in another group is another attribute.
    assert_eq!(destination::ADDR.find(&attributes), None);
}

#[test]
fn nested_attributes_are_found_where_they_are() {
    let attributes = [command::SERVICE.with(vec![service::AF.with(2)])];
    assert_eq!(command::SERVICE.inside(&attributes), Ok(&[service::AF.with(2)][..]));
    assert_eq!(command::SERVICE.find(&attributes), Some(vec![service::AF.with(2)]));
    assert_eq!(
        command::DEST.inside(&attributes),
        Err(DecodeError::Missing { attribute: "IPVS_CMD_ATTR_DEST" })
    );
}

proptest! {
    #[test]
    fn what_is_emitted_is_read_again(attributes in ipvs::attributes(&command::GROUP)) {
        let bytes = emit(&attributes);
        prop_assert_eq!(bytes.len() % 4, 0);
        prop_assert_eq!(command::GROUP.decode(&bytes), Ok(attributes));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(attributes) = command::GROUP.decode(&bytes) {
            prop_assert_eq!(command::GROUP.decode(&emit(&attributes)), Ok(attributes));
        }
    }

    /// Closer to what a kernel sends: good bytes with some of them changed.
    #[test]
    fn damaged_bytes_are_read_or_refused(
        attributes in ipvs::attributes(&command::GROUP),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = emit(&attributes);
        for (place, byte) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        if let Ok(attributes) = command::GROUP.decode(&bytes) {
            prop_assert_eq!(command::GROUP.decode(&emit(&attributes)), Ok(attributes));
        }
    }
}
