//! `lb-agent dsr`: what a backend needs to take tunnelled packets for a VIP and answer the client directly.
//!
//! That is a tunnel device that is up, the VIP on it, no reverse path filter in
//! the way, and silence when others ask the link for the VIP. Once, for the init
//! container of a gateway pod, or for as long as a file of VIPs is watched. What
//! is to be done is decided by [`plan`] and [`undo`] from what is there; this
//! file looks, prints, and has `lb-netlink` act.
//!
//! # How it knows what it did
//!
//! The kernel keeps it, with the things themselves, so that it lives exactly as
//! long as they do, whichever container asks: each VIP carries
//! [`Origin::OVERSPILL`](lb_netlink::Origin::OVERSPILL) (Linux 5.18), and what was there before is written
//! into the alias of the device ([`record`]) before it is changed. `--undo` needs
//! no file and no memory. Kernels before 5.18 keep no mark on addresses: there,
//! `--undo` has to be told the VIPs.

mod arguments;
mod check;
mod lock;
mod plan;
mod record;
mod shape;
mod undo;
mod vips;
mod watch;
#[cfg(test)]
mod world;

use std::process::ExitCode;

use lb_netlink::network::CommandError;
use lb_netlink::network::blocking::Network;
use lb_netlink::sysctl::Sysctl;

pub(crate) use arguments::Arguments;
use lock::Lock;
use plan::{Observed, Plan, PlanError};
use shape::Wanted;

/// Exit status where it could not be done.
const FAILED: u8 = 1;
/// Exit status where the input is at fault; clap uses it for the command line too.
const BAD_INPUT: u8 = 2;

/// Why the command ended early.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("{}", one_line(.0))]
    File(files::Fault),
    #[error("another `lb-agent dsr` holds this network namespace: {0}; it is done in a moment, or hangs")]
    Lock(std::io::Error),
    #[error("`--check` found what is missing, see above")]
    Missing,
    #[error(transparent)]
    Netlink(#[from] lb_netlink::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("cannot wait for signals: {0}")]
    Signal(std::io::Error),
}

/// Which way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Do,
    Undo,
}

/// Does what was asked and gives the exit status.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match try_run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("lb-agent: error: {stop}");
            ExitCode::from(match stop {
                Stop::File(_) | Stop::Plan(_) => BAD_INPUT,
                Stop::Command(_) | Stop::Lock(_) | Stop::Missing | Stop::Netlink(_) | Stop::Signal(_) => {
                    FAILED
                }
            })
        }
    }
}

fn try_run(arguments: &Arguments) -> Result<(), Stop> {
    let mut wanted = arguments.wanted();
    let mut network = Network::open()?;
    if let Some(file) = arguments.watch.as_deref().filter(|_| !arguments.check) {
        return watch::run(&mut network, file, wanted, arguments.undo);
    }
    if let Some(file) = &arguments.watch {
        vips::extend(&mut wanted, &vips::read(file).map_err(Stop::File)?);
    }
    let direction = if arguments.undo { Direction::Undo } else { Direction::Do };
    if arguments.check {
        let plan = planned(&mut network, &wanted, direction)?;
        return if check::report(&mut network, &plan) { Ok(()) } else { Err(Stop::Missing) };
    }
    if !carry_out(&mut network, &wanted, direction)? {
        println!("nothing to do");
    }
    Ok(())
}

/// Looks, and does what is to be done, alone; `false` if that was nothing.
fn carry_out(network: &mut Network, wanted: &Wanted, direction: Direction) -> Result<bool, Stop> {
    let _alone = Lock::take(lock::PATIENCE).map_err(Stop::Lock)?;
    let plan = planned(network, wanted, direction)?;
    execute(network, &plan)?;
    Ok(!plan.commands.is_empty())
}

/// What is to be done, given what is there now.
fn planned(network: &mut Network, wanted: &Wanted, direction: Direction) -> Result<Plan, Stop> {
    let links = network.links()?;
    let addresses = network.addresses(&links)?;
    // without the module there are no ports
    let ports = network.ports().or_else(|error| match error {
        lb_netlink::Error::FamilyMissing { .. } => Ok(Vec::new()),
        other => Err(other),
    })?;
    let observed = Observed { links, addresses, ports };
    let setting = |sysctl: &Sysctl| network.sysctls().read(sysctl).ok();
    Ok(match direction {
        Direction::Do => plan::plan(&observed, setting, wanted)?,
        Direction::Undo => undo::plan(&observed, setting, wanted),
    })
}

/// Does it, and prints each command that was done and each note.
fn execute(network: &mut Network, plan: &Plan) -> Result<(), Stop> {
    for command in &plan.commands {
        network.execute(command)?;
        println!("{command}");
    }
    for note in &plan.notes {
        eprintln!("lb-agent: {note}");
    }
    Ok(())
}

fn one_line(fault: &files::Fault) -> String {
    let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}: {}", fault.file, fault.message)
}
