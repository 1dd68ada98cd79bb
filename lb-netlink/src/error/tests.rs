//! Tests of what errors say: each names what is wrong and, where one can, what to do.

use std::io;

use super::{Doing, Errno, Error, NAMES, Rejection};

#[test]
fn a_rejection_says_all_that_the_kernel_said() {
    let bare = Rejection::new(Errno::EEXIST);
    let cases = [
        (bare.clone(), "the kernel refused it: it exists already (EEXIST)"),
        (
            Rejection { message: Some("Device does not exist".into()), ..Rejection::new(Errno::ENODEV) },
            "the kernel refused it: no such device (ENODEV): Device does not exist",
        ),
        (
            Rejection { offset: Some(36), attribute: Some("a > b".into()), ..bare.clone() },
            "the kernel refused it: it exists already (EEXIST), at a > b",
        ),
        (
            Rejection { offset: Some(36), ..bare.clone() },
            "the kernel refused it: it exists already (EEXIST), at byte 36 of the request",
        ),
        (
            Rejection { missing: Some(3), ..bare },
            "the kernel refused it: it exists already (EEXIST), attribute 3 is missing",
        ),
    ];
    for (rejection, expected) in cases {
        assert_eq!(rejection.to_string(), expected);
    }
}

#[test]
fn the_table_of_numbers_is_that_of_the_operating_system() {
    for (errno, name, _) in NAMES {
        let kind = io::Error::from_raw_os_error(errno.0).to_string();
        assert!(kind.contains(&format!("os error {}", errno.0)), "{name}: {kind}");
        assert_eq!(errno.name(), Some(name));
    }
    assert!(NAMES.is_sorted_by_key(|(errno, ..)| *errno), "in the order of their numbers");
    assert_eq!(Errno(110).name(), None);
    assert_eq!(Errno(110).to_string(), "Connection timed out (os error 110)");
}

#[test]
fn a_full_buffer_is_not_just_any_failure() {
    let full = io::Error::from_raw_os_error(105);
    assert_eq!(Error::io(Doing::Receive, &full), Error::Overrun);
    let sending = Error::io(Doing::Send, &full);
    assert_eq!(sending.to_string(), "cannot send to a netlink socket: no buffer space (ENOBUFS)");
    let missing = Error::FamilyMissing { family: "IPVS".into(), module: "ip_vs".into() };
    assert!(missing.to_string().contains("`modprobe ip_vs`"), "{missing}");
}
