//! The commands: each reads its input, asks the libraries and prints.

mod check;
mod completions;
mod diff;
mod dns_plan;
mod footprint;
mod forward;
mod lint;
mod locality;
mod man;
mod patch;
mod pick;
mod placed;
mod render;
mod rollout;
mod run;
mod scenarios;
mod schema;
mod table;
mod validate;
mod vip_plan;

use std::io;
use std::path::Path;

use lb_core::HashKey;
use lb_core::config::{Config, LbFile, ServiceConfig};
use lb_core::node::NodeConfig;
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use mesh_model::api::SpecError;

use crate::cli::{Command, Kind};
use crate::objects::spec_fault;
use crate::output::{Output, colour};
use files::{Fault, Severity, Source};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The answer was given, and it is no: an expectation failed.
    AnswerIsNo,
    /// The input is at fault.
    Faults(Vec<Fault>),
    /// The command line asks for something that is not there.
    Usage(String),
    /// The answer could not be written.
    Write(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Does what was asked.
pub(crate) fn run(command: Command, out: &mut Output) -> Result<(), Stop> {
    match command {
        Command::Check(arguments) => check::run(&arguments, out),
        Command::Completions(arguments) => completions::run(&arguments, out),
        Command::Diff(arguments) => diff::run(&arguments, out),
        Command::DnsPlan(arguments) => dns_plan::run(&arguments, out),
        Command::Footprint(arguments) => footprint::run(&arguments, out),
        Command::Forward(arguments) => forward::run(&arguments, out),
        Command::Lint(arguments) => lint::run(&arguments, out),
        Command::Locality(arguments) => locality::run(&arguments, out),
        Command::Man(arguments) => man::run(&arguments, out),
        Command::Patch(arguments) => patch::run(&arguments, out),
        Command::Render(arguments) => render::run(&arguments, out),
        Command::Rollout(arguments) => rollout::run(&arguments, out),
        Command::Run(arguments) => run::run(&arguments, out),
        Command::Scenarios(arguments) => scenarios::run(&arguments, out),
        Command::Validate(arguments) => validate::run(&arguments, out),
        Command::Pick(arguments) => pick::run(&arguments, out),
        Command::Schema(arguments) => schema::run(&arguments, out),
        Command::Table(arguments) => table::run(&arguments, out),
        Command::VipPlan(arguments) => vip_plan::run(&arguments, out),
    }
}

/// Reads an LB file's text completely.
pub(crate) fn lb_config_of(source: &Source) -> Result<Config, Fault> {
    let file: LbFile = source.parse().map_err(|fault| misplaced(source, Kind::Lb.name()).unwrap_or(fault))?;
    // a file for the agent is asked what the agent's kernel does, if the agent would take it
    if file.owned_prefixes.is_some()
        && let Ok(node) = NodeConfig::try_from(file.clone())
        && let served = node.served()
        && served.services.len() == file.services.len()
    {
        return Ok(served);
    }
    Config::try_from(file).map_err(|error| source.fault(&error.path.to_string(), error.problem.to_string()))
}

/// Reads a file of a kind that is checked as a whole. Where it is another kind of file, that is what is told:
/// the first field that is unknown would lead nowhere.
fn checked<S: serde::de::DeserializeOwned, T>(
    source: &Source,
    wanted: Kind,
    check: impl FnOnce(S) -> Result<T, SpecError>,
) -> Result<T, Fault> {
    let file = source.parse().map_err(|fault| misplaced(source, wanted.name()).unwrap_or(fault))?;
    check(file).map_err(|error| spec_fault(source, &error))
}

/// What to tell where objects are wanted, and the file is another one of ours.
pub(crate) fn no_objects(source: &Source) -> Option<Fault> {
    misplaced(source, check::kind::OBJECTS)
}

/// What to tell of a file that is good for something else.
fn misplaced(source: &Source, wanted: &str) -> Option<Fault> {
    let found = check::kind::other_than(wanted, source)?;
    let message = format!("is a file of {found}, and one of {wanted} is wanted here; name that one");
    Some(Fault::whole(source.name().to_owned(), message))
}

/// Refuses standard input for a file and another that is not read together with it.
fn read_apart<'a>(
    one: (&str, &Path),
    others: impl IntoIterator<Item = (&'a str, &'a Path)>,
) -> Result<(), Stop> {
    let is_stdin = |path: &Path| path.as_os_str() == "-";
    let (one, path) = one;
    match others.into_iter().find(|(_, other)| is_stdin(path) && is_stdin(other)) {
        Some((other, _)) => {
            let message = format!("{one} and {other} cannot both be standard input; name one of the two");
            Err(Stop::Usage(message))
        }
        None => Ok(()),
    }
}

/// The scheduler of the service at `position` of a file.
fn scheduler_of(
    source: &Source,
    key: &HashKey,
    position: usize,
    service: &ServiceConfig,
    tables: &mut TableCache,
) -> Result<Scheduler, Fault> {
    let made = Scheduler::new(service, *key, tables, None);
    made.map_err(|error| source.fault(&format!("services[{position}].scheduler"), error.to_string()))
}

/// Tells on standard error of what is no reason to stop; nothing can be done if that is closed.
fn tell(faults: &[Fault], severity: Severity) {
    let mut err = io::stderr().lock();
    let colour = colour(&err);
    let _ = faults.iter().try_for_each(|fault| fault.show(&mut err, severity, colour));
}
