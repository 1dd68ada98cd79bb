//! What an L4 node does beyond its packets, for the daemon `lb-agent` and for whoever embeds a part of it.
//!
//! Decisions are [`lb_core`]'s, netlink's words [`lb_netlink`]'s. Here are the
//! sockets, files and signals around them: checks carried out ([`probe`]),
//! sessions with routers ([`routing`]), others' files read ([`import`]), and the
//! command ([`run`]), of which the daemon's loop is one.
#![forbid(unsafe_code)]

mod cli;
mod command;
mod control;
mod daemon;
mod dsr;
mod file;
pub mod import;
mod kernel;
mod log;
mod metrics;
mod notify;
mod privileges;
pub mod probe;
pub mod routing;
mod status;
pub mod traces;
mod watch;

pub use command::run;
