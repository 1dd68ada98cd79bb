//! Tests of the words: what is written, listed and read is what was decided.

use lb_core::config::Forward;
use lb_core::ipvs::{KernelDestination, Standing};

use super::*;

#[test]
fn a_destination_comes_back_as_it_was_sent() {
    for address in ["10.1.0.5", "2001:db8::5"] {
        let endpoint = Endpoint::new(address.parse().unwrap(), 443);
        for forward in [Forward::Ipip, Forward::Gue { port: 6080 }, Forward::Gre] {
            for standing in [Standing::Idle, Standing::Parked, Standing::Serving] {
                let method = core::ForwardMethod::tunnel(forward, &endpoint);
                let sent = KernelDestination::new(endpoint, method, standing);
                assert_eq!(destination(&to_destination(&sent)), sent);
            }
        }
    }
}

#[test]
fn a_service_comes_back_as_it_was_sent() {
    let flags = core::ServiceFlags::SCHEDULER_1.union(core::ServiceFlags::SCHEDULER_2);
    for address in ["203.0.113.10:443/tcp", "[2001:db8::10]:53/udp"] {
        let sent = core::ServiceKey::Address(address.parse().unwrap());
        let settings = core::KernelService::new("mh", flags, sent.family());
        let written = to_service(&sent, &settings);
        assert_eq!((key(&written.key), service(&written)), (sent, settings));
    }
}
