//! Makes the commands for a small service, and prints them as words and as bytes: no kernel needed.
//!
//! ```text
//!  client ──> 203.0.113.10:443 ──mh──┬─ ipip ──────> 10.2.0.10
//!                                    ├─ gue 6080 ──> 10.2.0.11
//!                                    └─ ipip ──────> 2001:db8:2::12   another family, which takes a tunnel
//! ```
//!
//! With the argument `--execute` they are sent to the kernel, too, in one batch.

use std::net::IpAddr;

use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::{
    Checksum, Command, Destination, Error, Forward, Protocol, Service, ServiceFlags, ServiceKey, Tunnel,
};

fn main() {
    let commands = commands();
    for command in &commands {
        println!("{command}");
        for line in command.to_message().to_bytes().chunks(32) {
            let bytes: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("    {}", bytes.join(" "));
        }
    }
    if std::env::args().any(|argument| argument == "--execute")
        && let Err(error) = execute(&commands)
    {
        println!("{error}");
    }
}

fn commands() -> Vec<Command> {
    let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
    let flags = ServiceFlags::MH_PORT.union(ServiceFlags::MH_FALLBACK);
    let gue = Tunnel::Gue { port: 6080, checksum: Checksum::None };
    let backends: [(IpAddr, Tunnel); 3] = [
        ([10, 2, 0, 10].into(), Tunnel::Ipip),
        ([10, 2, 0, 11].into(), gue),
        ([0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x12].into(), Tunnel::Ipip),
    ];
    // The order matters to `mh`: have the same on every node.
    let destinations = backends.map(|(address, tunnel)| {
        let destination = Destination::new(address, 443, Forward::Tunnel(tunnel)).with_weight(100);
        Command::AddDestination(key, destination)
    });
    let service = Command::AddService(Service::new(key, "mh").with_flags(flags));
    std::iter::once(service).chain(destinations).collect()
}

fn execute(commands: &[Command]) -> Result<(), Error> {
    let report = Client::open()?.execute(commands)?;
    println!("{} executed in {} round trips", report.executed, report.round_trips);
    for failure in &report.failures {
        println!("{}", failure.refused);
    }
    Ok(())
}
