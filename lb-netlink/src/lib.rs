//! Linux networking over netlink: IPVS, links, addresses, routes, tunnels.
#![forbid(unsafe_code)]
