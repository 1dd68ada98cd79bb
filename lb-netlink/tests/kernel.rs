//! Tests against this machine's kernel, whatever it is: families that every kernel has, and one that none has.

use lb_netlink::generic::{self, Family};
use lb_netlink::socket::{Connection, OnFailure, Protocol, Request, blocking};
use lb_netlink::{Errno, Error};

#[test]
fn the_controller_of_generic_netlink_is_found_by_name() {
    let mut connection = blocking::Connection::open(Protocol::Generic).unwrap();
    let answer = connection.query(&generic::resolve("nlctrl"));
    assert_eq!(generic::resolved("nlctrl", "none", answer), Ok(Family { id: 16, version: 2 }));
}

#[tokio::test]
async fn it_is_found_asynchronously_too() {
    let mut connection = Connection::open(Protocol::Generic).unwrap();
    let answer = connection.query(&generic::resolve("nlctrl")).await;
    assert_eq!(generic::resolved("nlctrl", "none", answer), Ok(Family { id: 16, version: 2 }));
}

#[test]
fn a_family_that_is_not_there_is_named_with_its_module() {
    let mut connection = blocking::Connection::open(Protocol::Generic).unwrap();
    let answer = connection.query(&generic::resolve("OVERSPILL"));
    let missing = Error::FamilyMissing { family: "OVERSPILL".into(), module: "overspill".into() };
    assert_eq!(generic::resolved("OVERSPILL", "overspill", answer), Err(missing));
}

#[test]
fn thousands_of_refusals_fit_the_receive_buffer() {
    let mut connection = blocking::Connection::open(Protocol::Generic).unwrap();
    let requests = vec![generic::resolve("OVERSPILL"); 5_000];
    let report = connection.execute(&requests, OnFailure::Continue).unwrap();
    assert_eq!((report.executed, report.failures.len()), (5_000, 5_000));
    assert!(report.failures.iter().all(|failure| failure.rejection.errno == Errno::ENOENT));
    assert!(report.round_trips <= 5_000_usize.div_ceil(128), "{} round trips", report.round_trips);
}

#[test]
fn the_kernel_says_what_it_does_not_like() {
    let mut connection = blocking::Connection::open(Protocol::Generic).unwrap();
    // A family's name (attribute 2) that is longer than the 15 bytes it may have.
    let mut request: Request = generic::resolve("a-name-that-is-far-too-long");
    let Err(Error::Rejected(rejection)) = connection.query(&request) else { panic!("it was accepted") };
    assert_eq!(rejection.offset, Some(20), "where the attribute begins, behind both headers: {rejection}");
    assert!(rejection.message.is_some(), "{rejection}");
    request.payload.truncate(4);
    let Err(Error::Rejected(rejection)) = connection.query(&request) else { panic!("it was accepted") };
    assert_eq!(rejection.errno, Errno::EINVAL);
}
