//! Which addresses a node, a service and a backend can have.
//!
//! Each must be one that a host can be reached by across a network, and none
//! can play two parts: what is sent to a backend that is the node itself, or a
//! VIP, comes back and goes round until its time to live ends.

use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Config, ConfigError, FieldPath, NodeAddresses, Problem, ServiceFile};

/// Ranges in which no packet finds another host, and what they are (RFC 6890, RFC 4291).
///
/// Documentation and benchmarking ranges are not among them: tests live there.
const NO_HOST: [(IpNet, &str); 8] = [
    (v4([0, 0, 0, 0], 8), "this network"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
    (v6(0, 0, 128), "unspecified"),
    (v6(0, 1, 128), "loopback"),
    (v6(0xfe80, 0, 10), "link-local"),
    (v6(0xff00, 0, 8), "multicast"),
];

const fn v4(octets: [u8; 4], length: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(first: u16, last: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last), length))
}

/// Who has which address already.
#[derive(Debug)]
pub(super) struct Hosts {
    node: NodeAddresses,
    /// Every VIP, and the first service that has it.
    vips: BTreeMap<IpAddr, usize>,
}

impl Hosts {
    pub(super) fn new(node: NodeAddresses, services: &[ServiceFile]) -> Self {
        // collecting keeps the last of equal keys
        let vips = services.iter().enumerate().rev();
        Self { node, vips: vips.map(|(position, service)| (service.vip, position)).collect() }
    }

    /// Refuses what no VIP can be.
    pub(super) fn check_vip(&self, address: IpAddr, path: &FieldPath) -> Result<(), ConfigError> {
        reachable(address, path)?;
        self.not_the_node(address, "service", path)
    }

    /// Refuses what no backend can be.
    pub(super) fn check_backend(&self, address: IpAddr, path: &FieldPath) -> Result<(), ConfigError> {
        reachable(address, path)?;
        self.not_the_node(address, "backend", path)?;
        match self.vips.get(&address) {
            Some(service) => Err(path.wrong(Problem::BackendIsVip { address, service: *service })),
            None => Ok(()),
        }
    }

    fn not_the_node(&self, address: IpAddr, role: &'static str, path: &FieldPath) -> Result<(), ConfigError> {
        let own = [("address", self.node.v4.map(IpAddr::V4)), ("address6", self.node.v6.map(IpAddr::V6))];
        match own.into_iter().find(|(_, own)| *own == Some(address)) {
            Some((field, _)) => Err(path.wrong(Problem::AddressIsNode { address, field, role })),
            None => Ok(()),
        }
    }
}

/// Refuses an address by which no other host can be reached.
pub(super) fn reachable(address: IpAddr, path: &FieldPath) -> Result<(), ConfigError> {
    check_host_address(address).map_err(|problem| path.wrong(problem))
}

/// Refuses an address by which no other host can be reached, as neither VIP nor backend can have it.
///
/// # Errors
///
/// [`Problem::AddressMapped`] for IPv4 written as IPv6, else [`Problem::AddressNotUnicast`].
///
/// ```
/// use lb_core::config::check_host_address;
///
/// assert_eq!(check_host_address("203.0.113.10".parse()?), Ok(()));
/// assert!(check_host_address("127.0.0.1".parse()?).is_err());
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
pub fn check_host_address(address: IpAddr) -> Result<(), Problem> {
    let plain = address.to_canonical();
    if plain != address {
        return Err(Problem::AddressMapped { address, plain });
    }
    match NO_HOST.iter().find(|(range, _)| range.contains(&address)) {
        Some((range, purpose)) => Err(Problem::AddressNotUnicast { address, range: *range, purpose }),
        None => Ok(()),
    }
}

impl Config {
    /// Checks that the node has an outer source for each family of backends.
    ///
    /// A file without `node` describes services for any node; a node that is
    /// to put it to work needs its own addresses added, or would drop what goes
    /// to those backends.
    ///
    /// # Errors
    ///
    /// [`Problem::MissingNodeAddress`] at the first backend that cannot be sent to.
    pub fn check_sources(&self) -> Result<(), ConfigError> {
        for (position, service) in self.services.iter().enumerate() {
            for (number, backend) in service.backends.iter().enumerate() {
                let address = backend.endpoint.address;
                let (has_source, field) = match address {
                    IpAddr::V4(_) => (self.node.v4.is_some(), "address"),
                    IpAddr::V6(_) => (self.node.v6.is_some(), "address6"),
                };
                if !has_source {
                    let service = FieldPath::default().field("services").item(position);
                    let path = service.field("backends").item(number).field("address");
                    return Err(path.wrong(Problem::MissingNodeAddress { backend: address, field }));
                }
            }
        }
        Ok(())
    }
}
