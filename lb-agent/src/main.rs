//! The command `lb-agent`: the daemon of an L4 node, and what asks it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    lb_agent::run()
}
