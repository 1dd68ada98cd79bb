//! Linux networking over netlink: IPVS, links, addresses, routes, tunnels.
#![forbid(unsafe_code)]

pub mod error;
pub mod generic;
pub mod socket;

pub use error::{Errno, Error, Rejection};
