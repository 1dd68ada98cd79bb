//! Tests of names, of what is read from a device, and of requests against what `ip` sends.

use netlink_packet_route::link::LinkMessage;
use proptest::prelude::*;

use super::*;
use crate::network::golden;

fn name(text: &str) -> DeviceName {
    text.parse().unwrap()
}

#[test]
fn names_that_could_be_something_else_are_refused() {
    let cases = [
        ("", NameProblem::Empty),
        (".", NameProblem::Dots),
        ("..", NameProblem::Dots),
        ("a/b", NameProblem::Character('/')),
        ("eth0:1", NameProblem::Character(':')),
        ("a b", NameProblem::Character(' ')),
        ("a\nb", NameProblem::Character('\n')),
        ("a\0b", NameProblem::Character('\0')),
        ("sixteen-letters-", NameProblem::TooLong),
    ];
    for (text, problem) in cases {
        assert_eq!(text.parse::<DeviceName>(), Err(NameError { name: text.to_owned(), problem }));
    }
    for text in ["lo", "eth0.100", "fifteen-letters", "ö"] {
        assert_eq!(name(text).as_str(), text);
    }
}

#[test]
fn changing_a_device_is_what_ip_sends() {
    // ip link set v0 down mtu 1480 alias overspill
    let captured = "38000000100005007176076b00000000 00000000030000000000000001000000
                    08000400c80500000d0014006f766572 7370696c6c000000";
    let settings = LinkSettings { up: Some(false), mtu: Some(1480), alias: Some("overspill".to_owned()) };
    assert_eq!(golden::only_in_ip(&set_message(3, &settings), captured), Vec::<String>::new());
}

#[test]
fn only_what_differs_is_to_be_set() {
    let link = Link {
        index: 7,
        name: name("tunl0"),
        kind: Some("ipip".to_owned()),
        up: true,
        loopback: false,
        mtu: 1480,
        alias: None,
        tunnel: None,
    };
    let settings = |up, alias: Option<&str>, mtu| LinkSettings { up, alias: alias.map(str::to_owned), mtu };
    let cases = [
        (settings(Some(true), None, None), LinkSettings::default()),
        (settings(Some(true), Some(""), Some(1480)), LinkSettings::default()),
        (settings(Some(false), Some("x"), Some(1480)), settings(Some(false), Some("x"), None)),
    ];
    for (wanted, missing) in cases {
        assert_eq!(wanted.missing_in(&link), missing);
    }
}

#[test]
fn a_device_without_a_usable_name_is_passed_over() {
    assert_eq!(Link::from_message(&LinkMessage::default()), None);
}

proptest! {
    #[test]
    fn what_is_set_is_what_is_read(
        index in 1_u32.., up: bool, mtu: u32, alias in "[ -~]{1,255}", text in "[a-z][a-z0-9.-]{0,14}"
    ) {
        let settings = LinkSettings { up: Some(up), mtu: Some(mtu), alias: Some(alias) };
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes.push(LinkAttribute::IfName(text.clone()));
        settings.apply(&mut message);
        let read = golden::again(&RouteNetlinkMessage::NewLink(message));
        let links = Links::from_messages([&read]);
        let link = links.named(&name(&text)).unwrap();
        prop_assert_eq!(link.index, index);
        prop_assert!(settings.missing_in(link).is_empty());
        prop_assert_eq!(links.indexed(index), Some(link));
    }
}
