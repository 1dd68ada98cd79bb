//! What an L4 node does beyond its packets, for the daemon `lb-agent` and for whoever embeds a part of it.
#![forbid(unsafe_code)]

pub mod import;
pub mod probe;
pub mod routing;
pub mod traces;
