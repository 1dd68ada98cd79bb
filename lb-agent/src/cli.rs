//! What can be typed: the command line as types, with its help.

use clap::{Parser, Subcommand};

/// The daemon of an L4 node: IPVS, BGP, BFD and health checks from one file.
#[derive(Debug, Parser)]
#[command(name = "lb-agent", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Have a backend take tunnelled packets and answer clients directly.
    Dsr(crate::dsr::Arguments),
}
