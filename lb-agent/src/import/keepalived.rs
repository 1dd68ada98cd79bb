//! keepalived.conf: its virtual servers, with their real servers and checks.
//!
//! A virtual server becomes a service, a group of addresses several. Checks are
//! a real server's there and a service's here, so the first one is taken and
//! whoever differs is told. VRRP has no counterpart: every node is active, and
//! a VIP is announced, not owned.
//!
//! Source: keepalived.conf(5) of keepalived 2.2 and 2.4.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_core::config::ProtocolName;
use lb_core::config::units::Share;
use lb_core::health::HealthFile;

use self::checks::{Defaults, health};
use self::group::{Place, places};
use super::words::{self, Statement};
use super::{Concern, Draft, DraftBackend, ImportError, ImportProblem, Method, Remarks, Scheduling};

mod checks;
mod group;
mod why;

const MARK: &str =
    "a firewall mark says nothing of a VIP; write the service by hand, with the VIP that the mark stands for";
const NO_PORT: &str = "a service of all ports cannot be written; write one for each port that is used";
const NO_GROUP: &str = "no virtual_server_group of that name is in the text";
const OTHER_CHECK: &str = "a service has one check for all its backends; that of the first is written";
const ALPHA: &str = "backends serve after their first successful check, as with `alpha`";

/// Reads the whole text.
pub(super) fn read(text: &str, remarks: &mut Remarks) -> Result<Vec<Draft>, ImportError> {
    let statements = words::statements(text)?;
    let mut groups = BTreeMap::new();
    for statement in statements.iter().filter(|statement| statement.name() == "virtual_server_group") {
        groups.insert(statement.word(1, "a name")?, places(statement, remarks)?);
    }
    let mut drafts = Vec::new();
    for statement in &statements {
        match statement.name() {
            "virtual_server" => drafts.extend(virtual_server(statement, &groups, remarks)?),
            "virtual_server_group" => {}
            _ => why::not_taken(statement, remarks),
        }
    }
    if let Some(line) = statements.iter().find_map(without_alpha) {
        remarks.otherwise(line, "virtual_server", ALPHA);
    }
    Ok(drafts)
}

/// The line of a virtual server whose backends start as healthy.
fn without_alpha(statement: &Statement<'_>) -> Option<usize> {
    let has_alpha = || statement.block.iter().any(|inner| inner.name() == "alpha");
    (statement.name() == "virtual_server" && !has_alpha()).then_some(statement.line.number)
}

/// A virtual server while it is read.
#[derive(Debug)]
struct Server<'a> {
    protocol: ProtocolName,
    scheduling: Scheduling,
    method: Method,
    weight: u32,
    quorum: u32,
    hysteresis: u32,
    defaults: Defaults<'a>,
    backends: Vec<DraftBackend>,
    health: Option<HealthFile>,
}

fn virtual_server(
    statement: &Statement<'_>,
    groups: &BTreeMap<&str, Vec<Place>>,
    remarks: &mut Remarks,
) -> Result<Vec<Draft>, ImportError> {
    let places = match statement.word(1, "an address")? {
        "fwmark" => vec![Place::Mark(statement.words.join(" "))],
        "group" => {
            let name = statement.word(2, "a name")?;
            match groups.get(name) {
                Some(places) => places.clone(),
                None => {
                    remarks.left_out(statement.line.number, format!("group {name}"), NO_GROUP);
                    return Ok(Vec::new());
                }
            }
        }
        text => vec![Place::Address(address(statement, text)?, port(statement, 2)?)],
    };
    let server = Server::read(statement, remarks)?;
    let health = server.health_with_marks(statement, remarks);
    let scheduler = server.scheduling.finish(remarks);
    let mut drafts = Vec::new();
    for place in places {
        match place {
            Place::Mark(text) => remarks.left_out(statement.line.number, text, MARK),
            Place::Address(vip, 0) => remarks.left_out(statement.line.number, vip.to_string(), NO_PORT),
            Place::Address(vip, port) => {
                let with_port = |backend: &DraftBackend| DraftBackend {
                    port: if backend.port == 0 { port } else { backend.port },
                    ..backend.clone()
                };
                drafts.push(Draft {
                    line: statement.line.number,
                    vip,
                    port,
                    protocol: server.protocol,
                    scheduler,
                    health: health.clone(),
                    backends: server.backends.iter().map(with_port).collect(),
                });
            }
        }
    }
    Ok(drafts)
}

impl<'a> Server<'a> {
    fn read(statement: &Statement<'a>, remarks: &mut Remarks) -> Result<Self, ImportError> {
        let mut server = Self {
            protocol: ProtocolName::Tcp,
            scheduling: Scheduling { line: statement.line.number, ..Scheduling::default() },
            method: Method::Masquerade, // keepalived's own default
            weight: 1,
            quorum: 1,
            hysteresis: 0,
            defaults: Defaults::default(),
            backends: Vec::new(),
            health: None,
        };
        // What is said of all real servers may stand after them.
        for inner in statement.block.iter().filter(|inner| inner.name() != "real_server") {
            server.setting(inner, remarks)?;
        }
        for inner in statement.block.iter().filter(|inner| inner.name() == "real_server") {
            server.real_server(inner, remarks)?;
        }
        Ok(server)
    }

    fn setting(&mut self, inner: &Statement<'a>, remarks: &mut Remarks) -> Result<(), ImportError> {
        match inner.name() {
            "lb_algo" | "lvs_sched" => {
                self.scheduling.line = inner.line.number;
                inner.word(1, "a scheduler")?.clone_into(&mut self.scheduling.name);
            }
            "lb_kind" | "lvs_method" => self.method = method(inner)?,
            "protocol" => self.protocol = protocol(inner, remarks)?,
            "mh-port" | "sh-port" | "flag-2" => self.scheduling.port = true,
            "mh-fallback" | "sh-fallback" | "flag-1" => self.scheduling.fallback = true,
            "persistence_timeout" => self.scheduling.persistent = Some(inner.line.number),
            "weight" => self.weight = inner.number(1, 0, 65_535)?,
            "quorum" => self.quorum = inner.number(1, 1, u32::MAX)?,
            "hysteresis" => self.hysteresis = inner.number(1, 0, u32::MAX)?,
            "alpha" => {}
            _ if self.defaults.take(inner)? => {}
            _ => why::not_taken(inner, remarks),
        }
        Ok(())
    }

    fn real_server(&mut self, statement: &Statement<'a>, remarks: &mut Remarks) -> Result<(), ImportError> {
        let mut backend = DraftBackend {
            line: statement.line.number,
            address: address(statement, statement.word(1, "an address")?)?,
            port: port(statement, 2)?,
            weight: self.weight,
            method: self.method,
        };
        let mut defaults = self.defaults.clone();
        let mut checks = Vec::new();
        for inner in &statement.block {
            match inner.name() {
                "weight" => backend.weight = inner.number(1, 0, i32::MAX as u32)?,
                "lvs_method" => backend.method = method(inner)?,
                "alpha" => {}
                name if checks::is_check(name) => checks.push(inner),
                _ if defaults.take(inner)? => {}
                _ => why::not_taken(inner, remarks),
            }
        }
        let health = health(statement.line.number, self.protocol, &defaults, &checks, remarks)?;
        match &self.health {
            None => self.health = Some(health),
            Some(first) if *first == health => {}
            Some(_) => {
                let what = format!("real_server {}", statement.words[1..].join(" "));
                remarks.otherwise(statement.line.number, what, OTHER_CHECK);
            }
        }
        self.backends.push(backend);
        Ok(())
    }

    /// The service's health: the check, and the quorum as shares of all weight.
    fn health_with_marks(&self, statement: &Statement<'_>, remarks: &mut Remarks) -> Option<HealthFile> {
        let mut health = self.health.clone()?;
        let total: u64 = self.backends.iter().map(|backend| u64::from(backend.weight)).sum();
        let share = |weight: u32| {
            let billionths = u64::from(weight) * u64::from(Share::ONE.billionths()) / total.max(1);
            u32::try_from(billionths).ok().and_then(Share::from_billionths)
        };
        if self.quorum > 1 || self.hysteresis > 0 {
            let low = share(self.quorum.saturating_sub(self.hysteresis).max(1));
            let high = share(self.quorum.saturating_add(self.hysteresis));
            if low.is_some() && high.is_some() {
                (health.low_watermark, health.high_watermark) = (low, high);
            } else {
                let what = format!("quorum {}", self.quorum);
                remarks.left_out(statement.line.number, what, why::QUORUM);
            }
        }
        Some(health)
    }
}

fn method(statement: &Statement<'_>) -> Result<Method, ImportError> {
    let kind = statement.word(1, "NAT, DR or TUN")?;
    let after = |name| statement.words.iter().position(|word| *word == name).map(|place| place + 1);
    Ok(match (kind, after("type").map(|place| statement.word(place, "a type")).transpose()?) {
        ("TUN", Some("gue")) => {
            let port = after("port").map(|place| statement.number(place, 1, 65_535)).transpose()?;
            Method::Gue(port.map_or(6_080, |port| u16::try_from(port).expect("in range")))
        }
        ("TUN", Some("gre")) => Method::Gre,
        ("TUN", _) => Method::Ipip,
        ("DR", _) => Method::DirectRoute,
        _ => Method::Masquerade,
    })
}

fn protocol(statement: &Statement<'_>, remarks: &mut Remarks) -> Result<ProtocolName, ImportError> {
    match statement.word(1, "TCP, UDP or SCTP")? {
        "UDP" => return Ok(ProtocolName::Udp),
        "SCTP" => return Ok(ProtocolName::Sctp),
        "TCP" => {}
        other => remarks.add(statement.line.number, Concern::Unknown { what: format!("protocol {other}") }),
    }
    Ok(ProtocolName::Tcp)
}

fn address(statement: &Statement<'_>, text: &str) -> Result<IpAddr, ImportError> {
    let wrong = |_| statement.line.wrong(ImportProblem::Address { text: text.to_owned() });
    text.parse().map_err(wrong)
}

/// The port at that place; 0 where left out.
fn port(statement: &Statement<'_>, place: usize) -> Result<u16, ImportError> {
    match statement.words.get(place) {
        None => Ok(0),
        Some(text) => words::port(text).map_err(|problem| statement.line.wrong(problem)),
    }
}

#[cfg(test)]
mod tests;
