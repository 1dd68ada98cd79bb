//! Two speakers talk to each other: sessions come up and go down, and the routes are those that were announced.

mod collisions;
mod configuration;
mod hostile;
mod restarts;
mod routes;
mod sessions;
mod world;

use std::vec::Vec;

use ipnet::IpNet;

use super::*;
use world::{NODE, ROUTER, V4, V6, World, configs};

fn prefix(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn vip(number: u32) -> IpNet {
    let address = core::net::Ipv4Addr::from(0xcb00_0000 + number);
    IpNet::new(address.into(), 32).unwrap()
}
