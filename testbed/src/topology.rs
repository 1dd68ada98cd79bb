//! The network: who is connected to whom, with which addresses.
//!
//! ```text
//! client -- hop ==narrow== edge -- router --+-- node1..3     IPVS, VIPs on `lo`
//!                                           +-- backend1..3  tunnels, VIPs on them
//! ```
//!
//! Everything has IPv4 and IPv6. The narrow link lies behind a machine more, so
//! that "too big" comes from beyond the router that spreads flows: its own
//! messages would always find the right node. The client owns whole prefixes
//! ([`SOURCES`], [`SOURCES6`]) to open flows from.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};

use anyhow::ensure;

use crate::namespace::Namespace;

/// Nodes, and backends.
pub(crate) const COUNT: usize = 3;
/// The VIP of most scenarios, by family.
pub(crate) const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9));
pub(crate) const VIP6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 9));
/// The VIPs of large transfers.
pub(crate) const BULK_VIPS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 9, 9, 11)), IpAddr::V6(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 0x11))];
/// What nodes own.
pub(crate) const OWNED: [&str; 2] = ["10.9.9.0/24", "fd00:9::/64"];
/// The client's prefixes.
pub(crate) const SOURCES: &str = "10.100.0.0/16";
pub(crate) const SOURCES6: &str = "fd00:100::/64";
/// VIPs that backends accept through their tunnels.
pub(crate) const VIPS: [IpAddr; 6] = [
    VIP,
    VIP6,
    IpAddr::V4(Ipv4Addr::new(10, 9, 9, 10)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 0x10)),
    BULK_VIPS[0],
    BULK_VIPS[1],
];

const NODES: [&str; COUNT] = ["node1", "node2", "node3"];
const BACKENDS: [&str; COUNT] = ["backend1", "backend2", "backend3"];

/// The machines.
#[derive(Debug)]
pub(crate) struct Topology {
    pub(crate) client: Namespace,
    pub(crate) hop: Namespace,
    pub(crate) edge: Namespace,
    pub(crate) router: Namespace,
    pub(crate) nodes: [Namespace; COUNT],
    pub(crate) backends: [Namespace; COUNT],
}

/// A source address of the client, of the VIP's family.
pub(crate) const fn source(like: IpAddr, number: u16) -> IpAddr {
    match like {
        IpAddr::V4(_) => {
            let [high, low] = number.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(10, 100, high, low))
        }
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0, number)),
    }
}

/// The address of a node, from 0, on its link to the router.
pub(crate) fn node(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, octet(index), 2)
}

pub(crate) fn node6(index: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0xa, u16::from(octet(index)), 0, 0, 0, 0, 2)
}

/// The address of a backend, from 0.
pub(crate) fn backend(index: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 2, octet(index), 2))
}

pub(crate) fn backend6(index: usize) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xb, u16::from(octet(index)), 0, 0, 0, 0, 2))
}

pub(crate) fn octet(index: usize) -> u8 {
    u8::try_from(index + 1).expect("there are few of each")
}

impl Topology {
    /// Makes the machines and their links; nodes have no VIP yet, backends have all.
    pub(crate) fn build() -> anyhow::Result<Self> {
        root_ip(&links())?;
        let open_all = |names: [&'static str; COUNT]| -> anyhow::Result<[Namespace; COUNT]> {
            let [first, second, third] = names.map(Namespace::open);
            Ok([first?, second?, third?])
        };
        let topology = Self {
            client: Namespace::open("client")?,
            hop: Namespace::open("hop")?,
            edge: Namespace::open("edge")?,
            router: Namespace::open("router")?,
            nodes: open_all(NODES)?,
            backends: open_all(BACKENDS)?,
        };
        topology.line()?;
        topology.router()?;
        for (index, node) in topology.nodes.iter().enumerate() {
            machine(node, "a", index)?;
        }
        for (index, backend) in topology.backends.iter().enumerate() {
            machine(backend, "b", index)?;
            tunnels(backend, index)?;
        }
        Ok(topology)
    }

    /// Client, hop and edge: one behind the other.
    fn line(&self) -> anyhow::Result<()> {
        common(&self.client)?;
        // IPv6 wants addresses to bind to, where IPv4 is content with a route to itself
        self.client.sysctl(&[("net.ipv6.ip_nonlocal_bind", "1")])?;
        self.client.ip(&format!(
            "link set lo up\nlink set upper up\n\
             address add 10.0.0.2/24 dev upper\naddress add fd00:c::2/64 dev upper nodad\n\
             route add default via 10.0.0.1\nroute add default via fd00:c::1\n\
             route add local {SOURCES} dev lo\nroute add local {SOURCES6} dev lo\n"
        ))?;
        forwarding(&self.hop)?;
        self.hop.ip(&format!(
            "link set lo up\nlink set lower up\nlink set upper up\n\
             address add 10.0.0.1/24 dev lower\naddress add fd00:c::1/64 dev lower nodad\n\
             address add 10.0.1.1/24 dev upper\naddress add fd00:c:1::1/64 dev upper nodad\n\
             route add default via 10.0.1.2\nroute add default via fd00:c:1::2\n\
             route add {SOURCES} via 10.0.0.2\nroute add {SOURCES6} via fd00:c::2\n"
        ))?;
        forwarding(&self.edge)?;
        self.edge.ip(&format!(
            "link set lo up\nlink set lower up\nlink set upper up\n\
             address add 10.0.1.2/24 dev lower\naddress add fd00:c:1::2/64 dev lower nodad\n\
             address add 10.0.2.1/24 dev upper\naddress add fd00:c:2::1/64 dev upper nodad\n\
             route add default via 10.0.2.2\nroute add default via fd00:c:2::2\n\
             route add {SOURCES} via 10.0.1.1\nroute add {SOURCES6} via fd00:c:1::1\n\
             route add 10.0.0.0/24 via 10.0.1.1\nroute add fd00:c::/64 via fd00:c:1::1\n"
        ))
    }

    /// The router of all; VIPs it learns by BGP.
    fn router(&self) -> anyhow::Result<()> {
        forwarding(&self.router)?;
        // By the five-tuple, as routers of data centers do: addresses (0x3), protocol (0x4), ports (0x30),
        // taken from the packet. The kernel's own policy for that, 1, believes what the sender's socket
        // hashed, for it is the same kernel's; and a socket takes another number when an answer is late,
        // so that a connection whose node is dead would find another by itself.
        self.router.sysctl(&[
            ("net.ipv4.fib_multipath_hash_policy", "3"),
            ("net.ipv4.fib_multipath_hash_fields", "0x37"),
            ("net.ipv6.fib_multipath_hash_policy", "3"),
            ("net.ipv6.fib_multipath_hash_fields", "0x37"),
        ])?;
        let mut lines = format!(
            "link set lo up\nlink set lower up\n\
             address add 10.0.2.2/24 dev lower\naddress add fd00:c:2::2/64 dev lower nodad\n\
             route add {SOURCES} via 10.0.2.1\nroute add {SOURCES6} via fd00:c:2::1\n\
             route add 10.0.0.0/16 via 10.0.2.1\nroute add fd00:c::/64 via fd00:c:2::1\n\
             route add fd00:c:1::/64 via fd00:c:2::1\n"
        );
        for (letter, second) in [("a", 1), ("b", 2)] {
            for number in 1..=COUNT {
                let _ = writeln!(
                    lines,
                    "link set {letter}{number} up\n\
                     address add 10.{second}.{number}.1/24 dev {letter}{number}\n\
                     address add fd00:{letter}:{number}::1/64 dev {letter}{number} nodad"
                );
            }
        }
        self.router.ip(&lines)
    }

    /// Narrows the link between hop and edge, or makes it as wide as all others.
    pub(crate) fn set_narrow(&self, mtu: u32) -> anyhow::Result<()> {
        self.hop.ip(&format!("link set upper mtu {mtu}\n"))?;
        self.edge.ip(&format!("link set lower mtu {mtu}\n"))
    }
}

/// Namespaces and links, from outside of all.
fn links() -> String {
    let mut lines = String::new();
    for name in ["client", "hop", "edge", "router"].iter().chain(&NODES).chain(&BACKENDS) {
        let _ = writeln!(lines, "netns add {name}");
    }
    for (lower, upper) in [("client", "hop"), ("hop", "edge"), ("edge", "router")] {
        let _ = writeln!(lines, "link add upper netns {lower} type veth peer name lower netns {upper}");
    }
    for (letter, names) in [("a", NODES), ("b", BACKENDS)] {
        for (name, number) in names.iter().zip(1..) {
            let _ = writeln!(
                lines,
                "link add upper netns {name} type veth peer name {letter}{number} netns router"
            );
        }
    }
    lines
}

/// Addresses and default routes of a node (`a`) or backend (`b`).
fn machine(namespace: &Namespace, letter: &str, index: usize) -> anyhow::Result<()> {
    common(namespace)?;
    revive(namespace, letter, index)
}

/// Puts a machine's link up, with all that its kernel forgets when it is down.
pub(crate) fn revive(namespace: &Namespace, letter: &str, index: usize) -> anyhow::Result<()> {
    let second = if letter == "a" { 1 } else { 2 };
    let number = index + 1;
    namespace.ip(&format!(
        "link set lo up\nlink set upper up\n\
         address replace 10.{second}.{number}.2/24 dev upper\n\
         address replace fd00:{letter}:{number}::2/64 dev upper nodad\n\
         route replace default via 10.{second}.{number}.1\n\
         route replace default via fd00:{letter}:{number}::1\n"
    ))
}

/// A backend's tunnels of all mixes of families, and the VIPs on them.
fn tunnels(backend: &Namespace, index: usize) -> anyhow::Result<()> {
    // one device for all that comes in IPv6: with two, the narrower one would hide the other
    let mut lines = format!(
        "link set tunl0 up\nlink set sit0 up\n\
         link add tunnel6 type ip6tnl mode any local {} remote ::\nlink set tunnel6 up\n",
        backend6(index)
    );
    for vip in VIPS {
        let (length, more) = if vip.is_ipv4() { (32, "") } else { (128, " nodad") };
        let _ = writeln!(lines, "address add {vip}/{length} dev tunl0{more}");
    }
    backend.ip(&lines)?;
    backend.sysctl(&[
        ("net.ipv4.conf.*.rp_filter", "0"),
        ("net.ipv4.conf.all.arp_ignore", "1"),
        ("net.ipv4.conf.all.arp_announce", "2"),
    ])
}

/// What all machines have in common; before their links are up.
fn common(namespace: &Namespace) -> anyhow::Result<()> {
    namespace.sysctl(&[
        ("net.ipv6.conf.*.accept_dad", "0"),
        ("net.ipv6.conf.*.accept_ra", "0"),
        ("net.ipv4.conf.*.rp_filter", "0"),
    ])
}

fn forwarding(namespace: &Namespace) -> anyhow::Result<()> {
    common(namespace)?;
    namespace.sysctl(&[("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1")])
}

/// Runs lines of `ip` outside of all namespaces.
fn root_ip(lines: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut ip = Command::new("/bin/ip");
    let mut child = ip.args(["-batch", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().expect("is piped").write_all(lines.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "ip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
