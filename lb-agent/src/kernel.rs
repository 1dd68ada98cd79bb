//! The kernel, carried out: listings and writes, which take their time on a [`thread`] of their own.
//!
//! What is written, and when, is [`lb_core::node`]'s; the words are `lb_netlink`'s.

pub(crate) mod shell;
mod thread;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use lb_core::Endpoint;
use lb_core::ipvs::{ALL_SYSCTLS, MARK_SYSCTLS, ServiceKey};
use lb_core::node::{Snapshot, Write};
use lb_netlink::address::Address;
use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::{Connections, ServiceTable, Statistics, planned};
use lb_netlink::link::DeviceName;
use lb_netlink::network::Command;
use lb_netlink::network::blocking::Network;
use lb_netlink::sysctl::{self, Conf, Ipv4Conf, Ipvs, Sysctls};

pub(crate) use thread::{Done, KernelThread};

/// What one listing shows: what the node needs, and what only metrics show.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// For the node.
    pub(crate) snapshot: Snapshot,
    /// What went through each destination since it was made.
    pub(crate) flows: Flows,
}

/// What went through destinations.
pub(crate) type Flows = BTreeMap<(ServiceKey, Endpoint), Flow>;

/// What went through one destination.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Packets, bytes and connections, and their rates of late.
    pub(crate) statistics: Statistics,
    /// Established connections.
    pub(crate) active: u32,
    /// Others.
    pub(crate) inactive: u32,
}

/// The sockets, opened when they are first needed and again after they failed.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    ipvs: Option<Client>,
    network: Option<Network>,
}

impl Kernel {
    /// Lists everything.
    ///
    /// # Errors
    ///
    /// What is missing, in words.
    pub(crate) fn list(&mut self) -> Result<Listing, String> {
        let listed = self.try_list();
        if listed.is_err() {
            *self = Self::default();
        }
        listed
    }

    fn try_list(&mut self) -> Result<Listing, String> {
        // opening IPVS has the kernel load its module, without which it has no parameters
        let tables = self.ipvs()?.snapshot().map_err(|error| error.to_string())?;
        let network = self.network()?;
        let links = network.links().map_err(|error| error.to_string())?;
        let addresses = network.addresses(&links).map_err(|error| error.to_string())?;
        let mut listing = Listing::default();
        for table in tables {
            let (key, service) = planned::observed_service(&table);
            listing.flows.extend(flows_of(&table));
            listing.snapshot.ipvs.services.insert(key, service);
        }
        listing.snapshot.addresses = host_addresses(&addresses);
        listing.snapshot.sysctls = sysctls(network.sysctls());
        Ok(listing)
    }

    /// Carries writes out, in order, to the first that fails.
    pub(crate) fn write(&mut self, writes: &[Write]) -> Done {
        let mut done = 0;
        while done < writes.len() {
            // a run of IPVS commands travels together
            let run = writes[done..].iter().map_while(|write| match write {
                Write::Ipvs(command) => planned::command(command),
                Write::Address { .. } | Write::Sysctl { .. } => None,
            });
            let run: Vec<_> = run.collect();
            let result = if run.is_empty() {
                self.write_one(&writes[done]).map(|()| 1).map_err(|refused| (0, refused))
            } else {
                self.write_run(&run)
            };
            match result {
                Ok(written) => done += written,
                Err((written, refused)) => {
                    let write = &writes[(done + written).min(writes.len() - 1)];
                    return Done::Written {
                        done: done + written,
                        refused: Some(format!("{write}: {refused}")),
                    };
                }
            }
        }
        Done::Written { done, refused: None }
    }

    fn write_run(&mut self, commands: &[lb_netlink::ipvs::Command]) -> Result<usize, (usize, String)> {
        let client = self.ipvs().map_err(|error| (0, error))?;
        let report = client.execute_until(commands, lb_netlink::socket::OnFailure::Stop);
        let report = report.map_err(|error| {
            self.ipvs = None;
            (0, error.to_string())
        })?;
        match report.failures.into_iter().next() {
            None => Ok(commands.len()),
            Some(failure) => Err((failure.index, failure.refused.to_string())),
        }
    }

    fn write_one(&mut self, write: &Write) -> Result<(), String> {
        let command = match write {
            Write::Address { vip, present: true } => Command::AddAddress(on_lo(*vip)),
            Write::Address { vip, present: false } => Command::RemoveAddress(on_lo(*vip)),
            Write::Sysctl { name, value } => {
                let sysctl = named(name).ok_or_else(|| format!("{name} is not known here"))?;
                Command::SetSysctl(sysctl, i64::from(*value).into())
            }
            Write::Ipvs(lb_core::ipvs::Command::SetExpireNodestConn { value }) => {
                Command::SetSysctl(sysctl::Sysctl::Ipvs(Ipvs::ExpireNodestConn), i64::from(*value).into())
            }
            Write::Ipvs(command) => {
                let netlink =
                    planned::command(command).ok_or_else(|| format!("{command} is no netlink message"))?;
                return self.ipvs()?.run(&netlink).map_err(|error| error.to_string());
            }
        };
        self.network()?.execute(&command).map_err(|error| error.to_string())
    }

    fn ipvs(&mut self) -> Result<&mut Client, String> {
        if self.ipvs.is_none() {
            self.ipvs = Some(Client::open().map_err(|error| error.to_string())?);
        }
        self.ipvs.as_mut().ok_or_else(|| "opened above".to_owned())
    }

    fn network(&mut self) -> Result<&mut Network, String> {
        if self.network.is_none() {
            self.network = Some(Network::open().map_err(|error| error.to_string())?);
        }
        self.network.as_mut().ok_or_else(|| "opened above".to_owned())
    }
}

/// What went through a service's destinations.
fn flows_of(table: &ServiceTable) -> impl Iterator<Item = ((ServiceKey, Endpoint), Flow)> {
    let key = planned::key(&table.service.service.key);
    table.destinations.iter().map(move |listed| {
        let Connections { active, inactive, .. } = listed.connections;
        let endpoint = planned::endpoint(&listed.destination.key);
        ((key, endpoint), Flow { statistics: listed.statistics, active, inactive })
    })
}

fn on_lo(vip: IpAddr) -> Address {
    Address::virtual_ip(vip, DeviceName::loopback())
}

/// The host addresses on `lo`, but for loopback's own.
fn host_addresses(addresses: &[Address]) -> BTreeSet<IpAddr> {
    let lo = DeviceName::loopback();
    let on_lo = addresses.iter().filter(|address| address.device == lo);
    let hosts = on_lo.map(|address| address.prefix).filter(|prefix: &IpNet| {
        prefix.prefix_len() == prefix.max_prefix_len() && !prefix.addr().is_loopback()
    });
    hosts.map(|prefix| prefix.addr()).collect()
}

/// The switches that this kernel has.
fn sysctls(sysctls: &Sysctls) -> BTreeMap<&'static str, u32> {
    let value = |switch: &lb_core::ipvs::Sysctl| {
        let value = sysctls.read(&named(switch.name)?).ok()?.number()?;
        Some((switch.name, u32::try_from(value).ok()?))
    };
    ALL_SYSCTLS.iter().chain(&MARK_SYSCTLS).filter_map(value).collect()
}

/// A switch that a node needs, by its name with dots.
fn named(name: &str) -> Option<sysctl::Sysctl> {
    let mut all = Ipvs::ALL
        .iter()
        .map(|switch| sysctl::Sysctl::Ipvs(*switch))
        .chain([sysctl::Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::AcceptLocal)]);
    all.find(|sysctl| sysctl.to_string() == name)
}

#[cfg(test)]
mod tests {
    //! Tests of the adapter's tables: every switch that a node may need is known by name.

    use super::*;

    #[test]
    fn every_switch_has_a_name_here() {
        for switch in ALL_SYSCTLS.iter().chain(&MARK_SYSCTLS) {
            assert_eq!(named(switch.name).map(|sysctl| sysctl.to_string()).as_deref(), Some(switch.name));
        }
    }
}
