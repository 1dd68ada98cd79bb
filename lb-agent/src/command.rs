//! The commands: each reads its input, asks the libraries or a running agent, and prints.

mod ask;
mod check;
mod show;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use files::{Fault, Severity};

use crate::cli::{Cli, Command, ImportFormat};
use crate::control::ClientError;
use crate::daemon::{self, DaemonError};
use crate::import;
use crate::probe::paths::{self, CommandFault};

/// Exit status where the answer is no, or there is none.
const ANSWER_IS_NO: u8 = 1;
/// Exit status where the input is at fault; clap uses it for the command line too.
const BAD_INPUT: u8 = 2;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The daemon could not begin.
    Daemon(DaemonError),
    /// It has said everything itself, and ended so.
    Ended(ExitCode),
    /// The file is at fault.
    Fault(Box<Fault>),
    /// The answer is no.
    No(String),
    /// The command line asks for something that is not there.
    Usage(String),
    /// The answer could not be written.
    Write(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::No(error.to_string())
    }
}

/// Reads the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = carry_out(cli, &mut out).and_then(|()| out.flush().map_err(Stop::from));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Ended(status)) => status,
        // whoever reads has what it wanted
        Err(Stop::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(stop) => {
            // what was answered before comes first
            let _ = out.flush();
            complain(&stop)
        }
    }
}

fn carry_out(cli: Cli, out: &mut impl Write) -> Result<(), Stop> {
    let Some(command) = cli.command.or_else(|| cli.run.map(Command::Run)) else {
        return Err(Stop::Usage("nothing to do; write --config FILE to run, or --help for the rest".into()));
    };
    match command {
        Command::Dsr(arguments) => Err(Stop::Ended(crate::dsr::run(&arguments))),
        Command::Check(arguments) => check::run(&arguments, out),
        Command::Completions(arguments) => {
            clap_complete::generate(arguments.shell, &mut Cli::command(), "lb-agent", out);
            Ok(())
        }
        Command::Drain(arguments) => ask::drain(arguments.what, true, out),
        Command::Explain(arguments) => ask::explain(&arguments, out),
        Command::Import(arguments) => {
            let format = arguments.format.map(|format| match format {
                ImportFormat::Ipvsadm => import::Format::Ipvsadm,
                ImportFormat::Keepalived => import::Format::Keepalived,
            });
            import::run(&arguments.file, format).map_err(|error| Stop::Usage(format!("{error:#}")))
        }
        Command::Man => Ok(clap_mangen::Man::new(Cli::command()).render(out)?),
        Command::Path(arguments) => ask::path(arguments, out),
        Command::ProbePaths(arguments) => probe_paths(&arguments),
        Command::Reload(arguments) => ask::reload(&arguments, out),
        Command::Run(arguments) => daemon::run(&arguments).map_err(Stop::Daemon),
        Command::Status(arguments) => ask::status(&arguments, out),
        Command::Top(arguments) => ask::top(&arguments, out),
        Command::Undrain(arguments) => ask::drain(arguments.what, false, out),
    }
}

fn probe_paths(arguments: &paths::Arguments) -> Result<(), Stop> {
    match paths::run(arguments) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Stop::No("not every path lives".into())),
        Err(CommandFault::File(fault)) => Err(Stop::Fault(fault)),
        Err(fault) => Err(Stop::Usage(fault.to_string())),
    }
}

/// Tells on standard error; nothing can be done if that is closed as well.
fn complain(stop: &Stop) -> ExitCode {
    let mut err = io::stderr().lock();
    let colour = err.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (status, _) = match stop {
        Stop::Daemon(DaemonError::Fault(fault)) | Stop::Fault(fault) => {
            (BAD_INPUT, fault.show(&mut err, Severity::Error, colour))
        }
        Stop::Ended(status) => return *status,
        Stop::Daemon(error) => (ANSWER_IS_NO, writeln!(err, "lb-agent: error: {error}")),
        Stop::No(why) => (ANSWER_IS_NO, writeln!(err, "lb-agent: {why}")),
        Stop::Usage(message) => (BAD_INPUT, writeln!(err, "lb-agent: error: {message}")),
        Stop::Write(error) => {
            (BAD_INPUT, writeln!(err, "lb-agent: error: the output cannot be written: {error}"))
        }
    };
    ExitCode::from(status)
}
