//! Announcements: which VIPs a node tells its routers of, and when.
//!
//! A VIP stands while enough of its services do; one that flaps is damped; one
//! that is being drained is withdrawn first. The machine speaks of addresses
//! and paths of no protocol: [`bgp`](crate::bgp) carries what it decides.
