//! Lists services and destinations like `ipvsadm -Ln`, with 64-bit counters.
//!
//! Run it as root on a machine with the module `ip_vs`:
//!
//! ```text
//! $ cargo run -p lb-netlink --example ipvs_list
//! IPVS 1.2.1, 4096 rows of connections
//! 203.0.113.10:443/tcp, scheduler mh mh-port                 connections     active   inactive
//!   10.2.0.11:443, weight 100, ipip                                 1733        412       1321
//!   10.2.0.10:443, weight 100, gue port 6080                        1690        398       1292
//! ```
//!
//! Without IPVS it says what is missing, which is no failure of the example.

use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::{Error, ServiceTable};

fn main() {
    if let Err(error) = list() {
        println!("{error}");
    }
}

fn list() -> Result<(), Error> {
    let mut client = Client::open()?;
    let info = client.info()?;
    println!("IPVS {}, {} rows of connections", info.version, info.connection_table_size);
    let mut tables = client.snapshot()?;
    tables.sort_by_key(|table| table.service.service.key);
    tables.iter().for_each(print);
    Ok(())
}

fn print(table: &ServiceTable) {
    let heading = table.service.service.to_string();
    println!("{heading:<58} {:>11} {:>10} {:>10}", "connections", "active", "inactive");
    // The kernel begins with the destination that was added last; people expect the first.
    for listed in table.destinations.iter().rev() {
        let destination = format!("  {}", listed.destination);
        let (connections, now) = (listed.statistics.connections, listed.connections);
        println!("{destination:<58} {connections:>11} {:>10} {:>10}", now.active, now.inactive);
    }
}
