//! Whether `pick` on the printed file says what the kernel does.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arbitrary::ipvs::{MH_SLOTS, SH_BUCKETS, wish};
use crate::config::NodeAddresses;
use crate::flow::FlowKey;
use crate::ipvs::{Kernel, Observed, Ownership, Repair, desired, plan};
use crate::scheduler::Scheduler;
use crate::table::TableCache;

/// A configuration of one service.
fn config(service: ServiceConfig) -> Config {
    let file: LbFile = serde_saphyr::from_str("services: []").unwrap();
    let node = NodeAddresses { v4: Some([10, 0, 0, 11].into()), v6: Some("2001:db8::11".parse().unwrap()) };
    Config { node, services: std::vec![service], ..Config::try_from(file).unwrap() }
}

/// First packets of 300 flows to a service, by client.
fn flows(service: &ServiceConfig) -> Vec<FlowKey> {
    let (protocol, port) = (service.address.protocol, service.address.port);
    let flow = |number: u16| match service.address.address {
        IpAddr::V4(vip) => {
            let client = Ipv4Addr::from_bits(0xc000_0200 + u32::from(number) * 7_919);
            FlowKey::v4(protocol, (client, 1_024 + number * 211), (vip, port))
        }
        IpAddr::V6(vip) => {
            let client = Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(number) * 7_919);
            FlowKey::v6(protocol, (client, 1_024 + number * 211), (vip, port))
        }
    };
    (0..300).map(flow).collect()
}

proptest! {
    #[test]
    fn the_printed_file_is_what_the_kernel_does((service, offers, grain) in wish()) {
        let (key, wanted) = desired(&service, &offers, grain).unwrap();
        let desired = Desired { services: [(key, wanted)].into() };
        let ours = Ownership { prefixes: std::vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()], marks: None };
        let mut kernel = Kernel::new(MH_SLOTS, SH_BUCKETS);
        for command in plan(&Observed::default(), &desired, &ours, Repair::Now).commands {
            kernel.apply(&command).unwrap();
        }

        let file = print_lb(&config(service.clone()), &desired);
        let printed = Config::try_from(file).expect("what is printed can be read");
        prop_assert_eq!(&printed, &mirror(&config(service), &desired));
        let service = &printed.services[0];
        let mut tables = TableCache::default();
        let scheduler = Scheduler::new(service, printed.hash_key, &mut tables, None).unwrap();
        let holders: Vec<_> = scheduler
            .slots_by_backend()
            .into_iter()
            .map(|place| place.map(|place| service.backends[place].endpoint))
            .collect();
        prop_assert_eq!(kernel.slots(&key).unwrap().unwrap(), holders);
        for flow in flows(service) {
            let picked = scheduler.schedule(&flow).map(|place| service.backends[place].endpoint);
            prop_assert_eq!(kernel.schedule(&key, (flow.source(), flow.source_port())), picked, "{}", flow);
        }
    }
}

#[test]
fn what_the_kernel_does_not_hold_is_left_out() {
    let text = "services: [{ vip: 203.0.113.1, port: 9, protocol: tcp, scheduler: { kind: ipvs-mh } }]";
    let file: LbFile = serde_saphyr::from_str(text).unwrap();
    let config = Config::try_from(file).unwrap();
    assert_eq!(mirror(&config, &Desired::default()).services, []);
}
