//! Tests of services: the way to attributes and back, what must be there, how they print.

use proptest::prelude::*;

use super::{ListedService, Service, ServiceFlags, ServiceKey};
use crate::arbitrary::ipvs;
use crate::ipvs::attribute::Attribute;
use crate::ipvs::schema::{command, service};
use crate::ipvs::{AddressFamily, CommandCode, DecodeError, Message, Protocol, Statistics};

fn listed(attributes: Vec<Attribute>) -> Result<ListedService, DecodeError> {
    ListedService::from_message(&Message::new(CommandCode::NewService, attributes))
}

fn web() -> ServiceKey {
    ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 80)
}

proptest! {
    #[test]
    fn a_service_is_read_as_it_was_sent(service in ipvs::service()) {
        let message = Message::new(CommandCode::NewService, vec![service.to_attribute()]);
        let message = Message::decode(&message.to_bytes()).unwrap();
        let listed = ListedService::from_message(&message).unwrap();
        let service = Service { flags: service.flags.settable(), ..service };
        prop_assert_eq!(listed, ListedService { service, statistics: Statistics::default(), unknown: vec![] });
    }
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(listed(vec![]), Err(DecodeError::Missing { attribute: "IPVS_CMD_ATTR_SERVICE" }));
    let mut whole = Service::new(web(), "mh").to_attribute();
    let Attribute::Known { value: crate::ipvs::attribute::Value::Nested(attributes), .. } = &mut whole else {
        panic!("a service is nested");
    };
    for left_out in attributes.clone() {
        let Attribute::Known { spec, .. } = &left_out else { panic!("all are known") };
        let rest = attributes.iter().filter(|one| **one != left_out).cloned().collect();
        let error = DecodeError::Missing { attribute: spec.name };
        assert_eq!(listed(vec![command::SERVICE.with(rest)]), Err(error));
    }
}

#[test]
fn numbers_that_stand_for_nothing_are_named() {
    let cases = [
        (service::AF.with(7), "IPVS_SVC_ATTR_AF", 7),
        (service::PROTOCOL.with(262), "IPVS_SVC_ATTR_PROTOCOL", 262),
    ];
    for (wrong, attribute, value) in cases {
        let mut attributes = web().attributes();
        attributes.push(wrong);
        let error = DecodeError::Value { attribute, value };
        assert_eq!(listed(vec![command::SERVICE.with(attributes)]), Err(error));
    }
}

#[test]
fn what_is_unknown_is_kept_beside_the_service() {
    let unknown = Attribute::Unknown { number: 50, bytes: vec![1] };
    let mut attributes = command::SERVICE.find(&[Service::new(web(), "mh").to_attribute()]).unwrap();
    attributes.push(unknown.clone());
    assert_eq!(listed(vec![command::SERVICE.with(attributes)]).unwrap().unknown, [unknown]);
}

#[test]
fn services_print_as_people_call_them() {
    let v6 = |netmask| Service {
        persistence_s: 300,
        netmask,
        ..Service::new(ServiceKey::address(Protocol::UDP, "2001:db8::1".parse().unwrap(), 53), "sh")
            .with_flags(ServiceFlags::PERSISTENT.union(ServiceFlags::SH_PORT))
    };
    let v4 = Service {
        netmask: 0xffff_ff00,
        persistence_s: 60,
        persistence_engine: Some("sip".into()),
        ..Service::new(web(), "wrr").with_flags(ServiceFlags(0x3d))
    };
    let marked = ServiceKey::Mark { family: AddressFamily::V6, mark: 7 };
    let cases = [
        (
            Service::new(web(), "mh").with_flags(ServiceFlags(0x1a)),
            "203.0.113.10:80/tcp, scheduler mh mh-fallback mh-port",
        ),
        (v6(64), "[2001:db8::1]:53/udp, scheduler sh sh-port persistent 300 s by /64"),
        (v6(128), "[2001:db8::1]:53/udp, scheduler sh sh-port persistent 300 s"),
        (
            v4,
            "203.0.113.10:80/tcp, scheduler wrr flag-1 flag-2 flag-3 one-packet persistent 60 s by 255.255.255.0 engine sip",
        ),
        (Service::new(marked, "none"), "fwmark 7 (IPv6), scheduler none"),
        (
            Service::new(ServiceKey::address(Protocol::SCTP, [10, 0, 0, 1].into(), 9), "rr"),
            "10.0.0.1:9/sctp, scheduler rr",
        ),
    ];
    for (service, expected) in cases {
        assert_eq!(service.to_string(), expected);
    }
}

#[test]
fn the_kernels_own_flag_is_no_setting() {
    let both = ServiceFlags::HASHED.union(ServiceFlags::MH_PORT);
    assert_eq!(both.settable(), ServiceFlags::MH_PORT);
    // A kernel that is told so takes a new service for one that is in its table, and never puts it there.
    let [listed, set] =
        [both, ServiceFlags::MH_PORT].map(|flags| Service::new(web(), "mh").with_flags(flags));
    assert_eq!(listed.to_attribute(), set.to_attribute());
    assert!(both.contains(ServiceFlags::HASHED) && !ServiceFlags::MH_PORT.contains(both));
}
