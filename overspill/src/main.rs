//! The `overspill` command: L4 and mesh traffic management, simulated,
//! explained and checked.
//!
//! This file reads the command line and turns the result into an exit status;
//! [`cli`] declares what can be typed, [`command`] does it, [`files`] reads
//! files and says where a fault is, [`objects`] reads objects of the API, [`capture`] reads packets. Every decision is made in the libraries.

mod capture;
mod cli;
mod command;
mod numbers;
mod objects;
mod output;
mod progress;
mod replacement;
mod report;
mod series;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use command::Stop;
use files::{Severity, printable};

/// Exit status where an expectation failed.
const ANSWER_IS_NO: u8 = 1;
/// Exit status where the input is at fault; clap uses it for the command line too.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = output::Output::stdout(cli.format);
    let result = command::run(cli.command, &mut out).and_then(|()| out.flush().map_err(Stop::from));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // whoever reads has what it wanted, as in `overspill schema lb | head`
        Err(Stop::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Stop::AnswerIsNo) => match out.flush() {
            Ok(()) => ExitCode::from(ANSWER_IS_NO),
            Err(error) => {
                complain(&Stop::Write(error));
                ExitCode::from(BAD_INPUT)
            }
        },
        Err(stop) => {
            complain(&stop);
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// Tells on standard error; nothing can be done if that is closed as well.
fn complain(stop: &Stop) {
    let mut err = std::io::stderr().lock();
    let colour = output::colour(&err);
    let _ = match stop {
        Stop::AnswerIsNo => Ok(()),
        Stop::Faults(faults) => {
            faults.iter().try_for_each(|fault| fault.show(&mut err, Severity::Error, colour))
        }
        Stop::Usage(message) => writeln!(err, "overspill: error: {}", printable(message)),
        Stop::Write(error) => writeln!(err, "overspill: error: the output cannot be written: {error}"),
    };
}
