//! `--check`: what would be done, and what is missing for it, without doing it.
//!
//! Missing is what can be seen without a change: the capability, a module that is
//! not loaded, a setting that cannot be written. The kernel loads a module by
//! itself when a device of its kind is made, if the host has it, so an absent one
//! is told as such.

use std::path::Path;

use caps::{CapSet, Capability};
use lb_netlink::network::Command;
use lb_netlink::network::blocking::Network;
use lb_netlink::sysctl::Sysctls;

use super::plan::Plan;

/// Prints a plan and what is missing; whether it can be done.
pub(crate) fn report(network: &mut Network, plan: &Plan) -> bool {
    for command in &plan.commands {
        println!("{command}");
    }
    for note in &plan.notes {
        println!("# {note}");
    }
    let missing = missing(network, plan);
    for text in &missing {
        println!("# missing: {text}");
    }
    if plan.commands.is_empty() {
        println!("# nothing to do");
    }
    missing.is_empty()
}

fn missing(network: &mut Network, plan: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    if plan.commands.is_empty() {
        return missing;
    }
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_ADMIN).unwrap_or(false) {
        missing
            .push("CAP_NET_ADMIN: run as root, or add NET_ADMIN to the container's capabilities".to_owned());
    }
    for command in &plan.commands {
        match command {
            Command::AddTunnel(_, tunnel) => missing.extend(missing_module(tunnel.kind.module())),
            Command::OpenPort(_) => missing.extend(network.ports().err().map(|error| error.to_string())),
            Command::SetSysctl(sysctl, _) => {
                let writable = Sysctls::default().check_writable(sysctl);
                // that of a device which is not there yet is not there either
                missing.extend(
                    writable.err().filter(|error| !error.is_missing()).map(|error| error.to_string()),
                );
            }
            _ => {}
        }
    }
    missing.dedup();
    missing
}

/// Whether a module is loaded or built in with parameters; one that is built in without cannot be seen.
fn missing_module(module: &str) -> Option<String> {
    let loaded = Path::new("/sys/module").join(module).exists();
    (!loaded).then(|| {
        format!(
            "the module `{module}` is not loaded; the kernel loads it when the device is made, if the host has it \
             (`modprobe {module}` as root on the host makes sure)"
        )
    })
}
