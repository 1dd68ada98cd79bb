//! Tests of the texts: what people type is read, what is printed is read back, and secrets are not printed.

use std::format;
use std::string::{String, ToString};

use super::*;

#[test]
fn communities_are_read_as_routers_print_them() {
    for (text, expected) in [
        ("64512:100", Ok(Community::new(64_512, 100))),
        ("65535:0", Ok(Community::GRACEFUL_SHUTDOWN)),
        ("graceful-shutdown", Ok(Community::GRACEFUL_SHUTDOWN)),
        ("no-export", Ok(Community(0xffff_ff01))),
        ("no-advertise", Ok(Community(0xffff_ff02))),
        ("65536:1", Err(ParseCommunityError)),
        ("1", Err(ParseCommunityError)),
        ("1:2:3", Err(ParseCommunityError)),
        ("+1:2", Err(ParseCommunityError)),
        (" 1:2", Err(ParseCommunityError)),
        ("1:", Err(ParseCommunityError)),
        ("", Err(ParseCommunityError)),
    ] {
        assert_eq!(text.parse(), expected, "{text}");
    }
    assert_eq!(Community::new(64_512, 100).to_string(), "64512:100");
}

#[test]
fn large_communities_have_three_numbers() {
    let community = LargeCommunity { global: 4_200_000_000, first: 1, second: 2 };
    assert_eq!("4200000000:1:2".parse(), Ok(community));
    assert_eq!(community.to_string(), "4200000000:1:2");
    for wrong in ["1:2", "1:2:3:4", "1:2:4294967296", "1:-2:3"] {
        assert_eq!(wrong.parse::<LargeCommunity>(), Err(ParseCommunityError), "{wrong}");
    }
}

#[test]
fn a_number_of_four_octets_becomes_as_trans() {
    assert_eq!(Asn(64_512).two_octets(), 64_512);
    assert_eq!(Asn(4_200_000_000).two_octets(), 23_456);
    assert!(!Asn(65_535).is_four_octets() && Asn(65_536).is_four_octets());
}

#[test]
fn sets_of_families() {
    assert_eq!(Families::ALL.intersection(Families::IPV4), Families::IPV4);
    assert!(Families::NONE.is_empty() && !Families::IPV4.is_empty());
    assert_eq!(Families::ALL.iter().count(), 2);
    for family in Family::ALL {
        assert_eq!(Family::from_codes(family.afi(), 1), Some(family));
        assert_eq!(Family::from_codes(family.afi(), 2), None, "multicast");
    }
}

#[test]
fn a_password_is_not_printed() {
    assert_eq!(format!("{:?}", Password::new(String::from("hunter2"))), "Password");
}
