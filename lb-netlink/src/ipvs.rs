//! IPVS, the kernel's layer 4 load balancer: everything that its netlink family offers.
//!
//! The one idea: three layers, each usable by itself. Faithful [`Message`]s on
//! one table of attributes ([`schema`]); typed values made of them ([`Service`],
//! [`Destination`], [`Daemon`], [`Timeouts`], [`Info`], [`Statistics`]); clients
//! that ask and command, asynchronous ([`Client`]) and blocking
//! ([`blocking::Client`]), over any transport. What is to be written is decided
//! elsewhere: here is no policy, only the words for `lb_core`'s ([`planned`]).
//!
//! ```no_run
//! use lb_netlink::ipvs::{Command, Destination, Forward, Protocol, Service, ServiceKey, Tunnel, blocking::Client};
//!
//! let mut client = Client::open()?;
//! let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
//! client.add_service(&Service::new(key, "mh"))?;
//! let backends = (1..=100).map(|host| Destination::new([10, 2, 0, host].into(), 443, Forward::Tunnel(Tunnel::Ipip)));
//! let report = client.execute(&backends.map(|backend| Command::AddDestination(key, backend)).collect::<Vec<_>>())?;
//! for failure in &report.failures {
//!     eprintln!("{}", failure.refused);
//! }
//! # Ok::<(), lb_netlink::ipvs::Error>(())
//! ```
//!
//! # What to know about the kernel
//!
//! - Everything takes CAP_NET_ADMIN in the user namespace that owns the network
//!   namespace, reading too. Services belong to the network namespace in which
//!   the client was opened.
//! - A dump of destinations begins with the one that was **added last**, and
//!   the schedulers `mh` and `sh` build their tables in that order. What was
//!   deleted and added again is at the head.
//! - A dump of a service that does not exist is empty, without an error;
//!   [`Client::destinations`] asks again then, so that you can tell.
//! - Dumps are not marked as interrupted when another process writes meanwhile
//!   (an entry may be missing or appear twice): have one writer.
//! - A destination of another family than its service's takes a tunnel, and
//!   excludes synchronisation daemons.
//! - Deleted destinations wait on one list for two minutes, with connections or
//!   without, and every addition searches it: after 100,000 were deleted, adding
//!   one took 3 to 8 ms instead of 0.04 (Linux 6.1, emulated). A change is better
//!   than deleting and adding; a whole table is better not flushed first.
//!
//! Source: `include/uapi/linux/ip_vs.h`, `net/netfilter/ipvs/ip_vs_ctl.c` of Linux 6.12.

mod address;
pub mod attribute;
pub mod blocking;
mod client;
mod command;
mod destination;
mod dialogue;
mod error;
mod global;
mod message;
mod place;
pub mod planned;
mod report;
pub mod schema;
mod service;
mod statistics;

pub use lb_core::Protocol;

pub use address::AddressFamily;
pub use client::Client;
pub use command::Command;
pub use destination::{
    Checksum, Connections, Destination, DestinationKey, Forward, ListedDestination, Tunnel,
};
pub use error::{DecodeError, Error, Reason, Refused};
pub use global::{Daemon, DaemonRole, Info, Timeouts, Version};
pub use message::{CommandCode, FAMILY, MODULE, Message, VERSION};
pub use report::{Failure, Report, ServiceTable};
pub use service::{ListedService, Service, ServiceFlags, ServiceKey};
pub use statistics::Statistics;
