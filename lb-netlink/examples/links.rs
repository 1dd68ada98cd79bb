//! Lists devices, addresses, routes, rules and receive ports of this network namespace; changes nothing.
//!
//! ```text
//!   rtnetlink ── Network::open ──┬─ links ──> addresses, routes
//!                                ├─ rules
//!   "fou" ───────────────────────┴─ ports
//! ```
//!
//! Run it: `cargo run -p lb-netlink --example links`, or in another namespace
//! `ip netns exec NAME target/debug/examples/links`.

use lb_netlink::Error;
use lb_netlink::network::blocking::Network;
use lb_netlink::route::TABLE_LOCAL;
use lb_netlink::tunnel::Family;

fn main() -> Result<(), Error> {
    let mut network = Network::open()?;
    let links = network.links()?;
    let addresses = network.addresses(&links)?;
    for link in links.iter() {
        let state = if link.up { "up" } else { "down" };
        let kind = link.tunnel.as_ref().map(ToString::to_string).or_else(|| link.kind.clone());
        println!("{}: {state}, mtu {}, {}", link.name, link.mtu, kind.unwrap_or_else(|| "hardware".into()));
        for address in addresses.iter().filter(|address| address.device == link.name) {
            println!("    {} by {}", address.prefix, address.origin);
        }
    }
    for family in [Family::V4, Family::V6] {
        println!("{family}");
        let routes = network.routes(family, &links)?;
        // the kernel's own routes to local addresses say nothing that the addresses have not said
        for route in routes.iter().filter(|route| route.table != TABLE_LOCAL) {
            println!("    route {route}");
        }
        for rule in network.rules(family)? {
            println!("    rule {rule}");
        }
    }
    match network.ports() {
        Ok(ports) => ports.iter().for_each(|port| println!("receive {port}")),
        Err(error @ Error::FamilyMissing { .. }) => println!("no receive ports: {error}"),
        Err(error) => return Err(error),
    }
    Ok(())
}
