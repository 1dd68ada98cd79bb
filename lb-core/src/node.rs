//! The node: one machine that turns configuration, probe results and what the kernel holds into actions.
//!
//! It owns the health machines, the announcements and the wanted state of
//! IPVS, and puts what they decide into the right order (withdraw, then
//! drain). The agent's loop and the simulator drive it; neither decides.

mod config;
mod error;

pub use config::{ControlConfig, LogConfig, NodeConfig};
pub use error::{NodeError, NodeProblem};
