//! Tests of messages: numbers of commands, the traits of generic netlink, what is kept, bytes from nowhere.

use netlink_packet_core::{NetlinkMessage, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use proptest::prelude::*;

use super::{CommandCode, FAMILY, Message};
use crate::arbitrary::ipvs;
use crate::ipvs::DecodeError;
use crate::ipvs::attribute::Attribute;
use crate::ipvs::schema::{command, info};

#[test]
fn commands_have_the_kernels_numbers() {
    let numbers = CommandCode::all().map(u8::from);
    assert!(numbers.eq(1..=17));
    for number in 0..=u8::MAX {
        let code = CommandCode::from(number);
        assert_eq!(u8::from(code), number);
        assert_eq!(code.name().is_some(), (1..=17).contains(&number));
    }
    assert_eq!(u8::from(CommandCode::GetDest), 8);
    assert_eq!(CommandCode::Zero.name(), Some("IPVS_CMD_ZERO"));
}

#[test]
fn the_same_number_means_another_thing_in_an_answer_about_ipvs_itself() {
    let bytes = [14, 1, 0, 0, 8, 0, 1, 0, 1, 2, 1, 0];
    let message =
        Message::new(CommandCode::SetInfo, vec![info::VERSION.with(u32::from_ne_bytes([1, 2, 1, 0]))]);
    assert_eq!(Message::decode(&bytes), Ok(message));
}

#[test]
fn the_traits_of_netlink_packet_generic_do_the_same() {
    let message = Message::new(CommandCode::SetConfig, vec![command::TIMEOUT_UDP.with(300)]);
    assert_eq!((Message::family_name(), message.command(), message.version()), (FAMILY, 12, 1));
    let mut whole = NetlinkMessage::from(GenlMessage::from_payload(message.clone()));
    whole.finalize();
    let mut bytes = vec![0; whole.buffer_len()];
    whole.serialize(&mut bytes);
    assert_eq!(bytes[16..], message.to_bytes());
    assert_eq!(NetlinkMessage::<GenlMessage<Message>>::deserialize(&bytes).unwrap(), whole);

    let header = GenlHeader { cmd: 12, version: 1 };
    let error = Message::parse_with_param(&[5, 0, 6, 0, 1, 0, 0, 0], header).unwrap_err();
    assert_eq!(error.to_string(), "IPVS_CMD_ATTR_TIMEOUT_UDP has 1 bytes where 4 are right");
}

#[test]
fn what_a_newer_kernel_says_is_kept_and_emitted_again() {
    // A command, an attribute at the top and one within a service that nobody has heard of.
    let bytes = [200, 1, 0, 0, 12, 0, 1, 0x80, 7, 0, 99, 0, 1, 2, 3, 0, 8, 0, 77, 0x40, 9, 9, 9, 9];
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.code, CommandCode::Other(200));
    let inside = command::SERVICE.inside(&message.attributes).unwrap();
    assert_eq!(inside, [Attribute::Unknown { number: 99, bytes: vec![1, 2, 3] }]);
    assert_eq!(message.to_bytes(), bytes);
}

#[test]
fn a_message_without_its_header_is_an_error() {
    for length in 0..4 {
        let error = DecodeError::CutShort { group: "a message", available: length };
        assert_eq!(Message::decode(&vec![1; length]), Err(error));
    }
    assert_eq!(Message::decode(&[17, 1, 0, 0]), Ok(Message::new(CommandCode::Flush, vec![])));
}

proptest! {
    #[test]
    fn what_is_emitted_is_read_again(message in ipvs::message()) {
        prop_assert_eq!(Message::decode(&message.to_bytes()), Ok(message));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(Message::decode(&message.to_bytes()), Ok(message));
        }
    }
}
