//! What is not ours on a node: services, addresses and routes that somebody else put there.

use std::fmt::Write as _;

use crate::ipvs::{self, Line};
use crate::namespace::Namespace;

/// Outside of all prefixes that nodes own.
const ADDRESS: [u8; 4] = [192, 168, 77, 1];
const LINES: &str = "\
-A -t 192.168.77.1:80 -s rr
-a -t 192.168.77.1:80 -r 192.168.78.1:8080 -m -w 3
-a -t 192.168.77.1:80 -r 192.168.78.2:8080 -m -w 1
-A -u 192.168.77.1:53 -s wlc -p 300
-a -u 192.168.77.1:53 -r 192.168.78.3:53 -g -w 7
";
const ROUTES: &str = "\
address replace 192.168.77.1/32 dev lo
route replace 198.18.0.0/15 via 10.1.NODE.1 metric 77
route replace 10.9.8.0/24 via 10.1.NODE.1 proto static
";

/// Puts it there.
pub(crate) fn plant(namespace: &Namespace, index: usize) -> anyhow::Result<()> {
    namespace.ip(&ROUTES.replace("NODE", &(index + 1).to_string()))?;
    namespace.output("/bin/ipvsadm", &["-R"], LINES).map(drop)
}

/// All of it as it is now: the kernel's services in its order, addresses and routes.
pub(crate) fn seen(namespace: &Namespace) -> anyhow::Result<String> {
    let lines = ipvs::listed(namespace)?;
    let foreign = ipvs::of_services(&lines, |_, address| address.ip() == std::net::IpAddr::from(ADDRESS));
    let mut text = String::new();
    for line in &foreign {
        let _ = match line {
            Line::Service { protocol, address, scheduler } => {
                writeln!(text, "{protocol} {address} {scheduler}")
            }
            Line::Destination { address, forward, weight } => {
                writeln!(text, "-> {address} {forward} {weight}")
            }
        };
    }
    for words in [["-4", "route"], ["-4", "address"]] {
        let mut shown = words.to_vec();
        shown.push("show");
        let output = namespace.output("/bin/ip", &shown, "")?;
        let own = output.lines().filter(|line| {
            line.contains("192.168.7") || line.contains("198.18.") || line.contains("10.9.8.")
        });
        own.for_each(|line| text.push_str(&format!("{}\n", line.trim())));
    }
    Ok(text)
}
