//! Linux networking over netlink, for load balancers: IPVS complete, and the devices, addresses, routes,
//! rules, tunnels and settings that nodes and their backends need.
//!
//! ```no_run
//! use lb_netlink::ipvs::{Destination, Forward, Protocol, Service, ServiceFlags, ServiceKey, Tunnel, blocking::Client};
//!
//! let mut client = Client::open()?; // needs the module ip_vs and CAP_NET_ADMIN, and says so
//! let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
//! client.add_service(&Service::new(key, "mh").with_flags(ServiceFlags::MH_PORT))?;
//! client.add_destination(&key, &Destination::new([10, 2, 0, 10].into(), 443, Forward::Tunnel(Tunnel::Ipip)))?;
//! for table in client.snapshot()? {
//!     println!("{}: {} connections", table.service.service.key, table.service.statistics.connections);
//! }
//! # Ok::<(), lb_netlink::ipvs::Error>(())
//! ```
//!
//! The crate is a map of layers, each usable without those above it:
//!
//! | module | holds |
//! |---|---|
//! | [`ipvs`] | services, destinations, daemons, statistics: typed values, and clients for tokio and blocking |
//! | [`network`] | commands over what follows: printed as `ip` and `sysctl` would have them, executed by tokio or blocking |
//! | [`link`], [`tunnel`] | devices; tunnels of all four pairs of families, receive ports of FOU and GUE |
//! | [`address`], [`route`], [`rule`] | values, and plans: what is there and what is wanted to commands, sparing others' |
//! | [`sysctl`] | settings by typed names |
//! | [`generic`] | families that are found by name |
//! | [`socket`] | conversations: dumps, batches of commands, acknowledgements; transports |
//! | [`error`] | what went wrong, as values to match on |
//!
//! What is written to the kernel and in which order is decided elsewhere; here
//! is how it is said, and what the answer means.
//!
//! # Privileges
//!
//! IPVS takes CAP_NET_ADMIN in the user namespace that owns the network
//! namespace, for reading too. A socket belongs to the network namespace that
//! its thread was in when it was opened, and can be used from any other.
//!
//! # Limits
//!
//! - Linux 4.2 or newer for short acknowledgements, 4.12 for refusals in
//!   sentences; older kernels work and say less.
//! - Nothing here subscribes to notifications; IPVS sends none.
//! - Values are as the kernel has them: no names are looked up, no weights
//!   scaled, nothing retried but a dump that the kernel calls interrupted.
//!
//! # Features
//!
//! `arbitrary` adds strategies of proptest for testers of other code.
#![forbid(unsafe_code)]

pub mod address;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod error;
pub mod generic;
pub mod ipvs;
pub mod link;
pub mod network;
mod origin;
pub mod route;
pub mod rule;
pub mod socket;
pub mod sysctl;
pub mod tunnel;

pub use error::{Errno, Error, Rejection};
pub use origin::Origin;
