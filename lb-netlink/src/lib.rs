//! Linux networking over netlink: IPVS, links, addresses, routes, tunnels.
#![forbid(unsafe_code)]

pub mod address;
pub mod error;
pub mod generic;
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
