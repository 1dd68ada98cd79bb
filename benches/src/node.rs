//! What a node does with its kernel's tables, without the kernel: plans, and netlink's bytes.
//!
//! Dimensions: 1,000 services of 100 backends each, IPv4 through `ipip`, by `mh`.
//! There is no peer in Rust: no other crate plans for IPVS or speaks all of it.

use std::hint::black_box;

use lb_core::config::{Config, LbFile, ServiceConfig};
use lb_core::health::Offer;
use lb_core::ipvs::{
    Command, Desired, Grain, Observed, ObservedDestination, ObservedService, Ownership, Repair, desired, plan,
};
use lb_core::{Weight, config::BackendState};
use lb_netlink::ipvs::schema::{command, destination, statistics, statistics64};
use lb_netlink::ipvs::{AddressFamily, CommandCode, ListedDestination, Message, planned};

use crate::fixtures::backend_address;
use crate::{Case, Scale, Work, timed};

/// All cases; an operation is one destination.
pub const CASES: &[Case] = &[
    Case::new("desired", wanting),
    Case::new("plan-from-empty", planning_all),
    Case::new("plan-unchanged", planning_nothing),
    Case::new("encode", encoding),
    Case::new("decode", decoding),
];

/// Destinations of the full scale, which one round of a figure has.
pub const DESTINATIONS: u32 = 100_000;

/// The number that the kernel happened to give the family; any will do.
const FAMILY: u16 = 30;

fn wanting(scale: Scale) -> Work {
    let services = services(scale);
    rounds(scale, move || assert_eq!(want(&services).services.len(), services.len()))
}

fn planning_all(scale: Scale) -> Work {
    let wanted = want(&services(scale));
    // a service is added, and given its scheduler once its destinations are there
    let writes = (2 * size(scale).0 + destinations(scale)) as usize;
    rounds(scale, move || {
        let plan = plan(&Observed::default(), &wanted, &ownership(), Repair::Now);
        assert_eq!(plan.commands.len(), writes);
    })
}

fn planning_nothing(scale: Scale) -> Work {
    let wanted = want(&services(scale));
    let held = held(&wanted);
    rounds(scale, move || assert!(plan(&held, &wanted, &ownership(), Repair::Now).is_empty()))
}

fn encoding(scale: Scale) -> Work {
    let wanted = want(&services(scale));
    let commands = plan(&Observed::default(), &wanted, &ownership(), Repair::Now).commands;
    let is_destination = |command: &Command| matches!(command, Command::AddDestination { .. });
    let commands: Vec<_> = commands.into_iter().filter(is_destination).collect();
    rounds(scale, move || {
        for command in &commands {
            let message = planned::command(command).expect("is no parameter").to_message();
            black_box(message.to_request(FAMILY));
        }
    })
}

fn decoding(scale: Scale) -> Work {
    let wanted = want(&services(scale));
    let payloads: Vec<Vec<u8>> =
        wanted.services.values().flat_map(|service| &service.destinations).map(listed).collect();
    rounds(scale, move || {
        for payload in &payloads {
            let message = Message::decode(payload).expect("was encoded");
            let listed = ListedDestination::from_message(&message, AddressFamily::V4).expect("is complete");
            black_box(planned::destination(&listed.destination));
        }
    })
}

/// So many whole rounds as have at least `count` destinations.
fn rounds(scale: Scale, mut round: impl FnMut() + 'static) -> Work {
    let each = u64::from(destinations(scale));
    Box::new(move |count| timed(|| (0..count.div_ceil(each)).for_each(|_| round())))
}

/// Services, and backends of each.
const fn size(scale: Scale) -> (u32, u32) {
    (scale.pick(1_000, 64), scale.pick(100, 16))
}

const fn destinations(scale: Scale) -> u32 {
    let (services, backends) = size(scale);
    services * backends
}

/// A file as large as the agent takes it; serde-saphyr's default ends at a quarter of a million values.
///
/// # Panics
///
/// If the text is none.
#[must_use]
pub fn lb_file(text: &str) -> LbFile {
    let budget = serde_saphyr::budget! { max_nodes: 2_000_000, max_events: 8_000_000 };
    let options = serde_saphyr::options! { budget: budget };
    serde_saphyr::from_str_with_options(text, options).expect("is a file")
}

/// The services of a file, by a file's own way.
fn services(scale: Scale) -> Vec<ServiceConfig> {
    let (services, backends) = size(scale);
    let mut text = "services:\n".to_owned();
    for service in 0..services {
        text += &format!(
            "- vip: 198.18.{}.{}\n  port: 443\n  protocol: tcp\n  \
             scheduler: {{ kind: ipvs-mh, port: true, fallback: true }}\n  backends:\n",
            service / 250,
            service % 250 + 1,
        );
        for backend in 0..backends {
            text += &format!("  - address: {}\n", backend_address(service * 256 + backend));
        }
    }
    let file = lb_file(&text);
    Config::try_from(file).expect("is right").services
}

/// What the kernel is to hold when all backends serve.
fn want(services: &[ServiceConfig]) -> Desired {
    let offer = Offer { traffic: BackendState::Active, weight: Weight(1) };
    let one = |service: &ServiceConfig| {
        desired(service, &vec![offer; service.backends.len()], Grain::Whole).expect("the kernel can")
    };
    Desired { services: services.iter().map(one).collect() }
}

/// A kernel that holds just that.
fn held(wanted: &Desired) -> Observed {
    let destination = |one: &lb_core::ipvs::KernelDestination| ObservedDestination {
        destination: *one,
        connections: Some(7),
    };
    let service = |(key, service): (&_, &lb_core::ipvs::DesiredService)| {
        let destinations = service.destinations.iter().map(destination).collect();
        (*key, ObservedService { service: service.service.clone(), destinations })
    };
    Observed { services: wanted.services.iter().map(service).collect() }
}

fn ownership() -> Ownership {
    let all = "198.18.0.0/16".parse().expect("is a prefix");
    Ownership { prefixes: vec![all], marks: None }
}

/// A destination as a dump of Linux 6.1 has it: settings, connections, statistics twice.
fn listed(one: &lb_core::ipvs::KernelDestination) -> Vec<u8> {
    let address = one.endpoint.address;
    let mut bytes = [0; 16];
    if let std::net::IpAddr::V4(address) = address {
        bytes[..4].copy_from_slice(&address.octets());
    }
    let narrow = [
        statistics::CONNS.with(12),
        statistics::INPKTS.with(3_456),
        statistics::OUTPKTS.with(0),
        statistics::INBYTES.with(789_012),
        statistics::OUTBYTES.with(0),
        statistics::CPS.with(1),
        statistics::INPPS.with(2),
        statistics::OUTPPS.with(0),
        statistics::INBPS.with(3),
        statistics::OUTBPS.with(0),
    ];
    let wide = [
        statistics64::CONNS.with(12),
        statistics64::INPKTS.with(3_456),
        statistics64::OUTPKTS.with(0),
        statistics64::INBYTES.with(789_012),
        statistics64::OUTBYTES.with(0),
        statistics64::CPS.with(1),
        statistics64::INPPS.with(2),
        statistics64::OUTPPS.with(0),
        statistics64::INBPS.with(3),
        statistics64::OUTBPS.with(0),
    ];
    let attributes = vec![
        destination::ADDR.with(bytes),
        destination::PORT.with(one.endpoint.port),
        destination::FWD_METHOD.with(2),
        destination::WEIGHT.with(one.weight),
        destination::TUN_TYPE.with(0),
        destination::TUN_PORT.with(0),
        destination::TUN_FLAGS.with(0),
        destination::U_THRESH.with(one.upper_threshold),
        destination::L_THRESH.with(one.lower_threshold),
        destination::ACTIVE_CONNS.with(3),
        destination::INACT_CONNS.with(4),
        destination::PERSIST_CONNS.with(0),
        destination::ADDR_FAMILY.with(2),
        destination::STATS.with(narrow.into()),
        destination::STATS64.with(wide.into()),
    ];
    Message::new(CommandCode::NewDest, vec![command::DEST.with(attributes)]).to_bytes()
}
