//! Tests of the names of places: every byte of a message leads to the attribute that it is part of, or to none.

use super::name;
use crate::error::{Errno, Rejection};
use crate::ipvs::{Command, CommandCode, Destination, Forward, Protocol, ServiceKey};

fn at(payload: &[u8], offset: u32) -> Option<String> {
    name(CommandCode::NewDest, payload, &Rejection { offset: Some(offset), ..Rejection::new(Errno::EINVAL) })
}

#[test]
fn every_offset_has_its_name() {
    let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
    let destination = Destination::new([10, 2, 0, 10].into(), 443, Forward::DirectRoute);
    let payload = Command::AddDestination(key, destination).to_message().to_bytes();
    let cases = [
        (0, None),
        (19, None),
        (20, Some("IPVS_CMD_ATTR_SERVICE")),
        (24, Some("IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_AF")),
        (32, Some("IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_PROTOCOL")),
        (40, Some("IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_ADDR")),
        (60, Some("IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_PORT")),
        (68, Some("IPVS_CMD_ATTR_DEST")),
        (72, Some("IPVS_CMD_ATTR_DEST > IPVS_DEST_ATTR_ADDR_FAMILY")),
        (80, Some("IPVS_CMD_ATTR_DEST > IPVS_DEST_ATTR_ADDR")),
    ];
    for (offset, expected) in cases {
        assert_eq!(at(&payload, offset).as_deref(), expected, "offset {offset}");
    }
    for offset in 0..u32::try_from(payload.len()).unwrap() + 100 {
        let _ = at(&payload, offset); // no offset of a kernel makes us panic
    }
    assert_eq!(at(&payload, u32::MAX), None);
    assert_eq!(at(&[], 20), None);
}

#[test]
fn a_missing_attribute_has_a_name_too() {
    let rejection = Rejection { missing: Some(1), ..Rejection::new(Errno::EINVAL) };
    assert_eq!(
        name(CommandCode::NewDest, &[], &rejection).as_deref(),
        Some("IPVS_CMD_ATTR_SERVICE (missing)")
    );
    let nothing = Rejection::new(Errno::EINVAL);
    assert_eq!(name(CommandCode::NewDest, &[], &nothing), None);
}
