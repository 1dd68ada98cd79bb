//! What `ipvsadm -S -n` prints: one call of `ipvsadm` for each service and each
//! destination, without the program's name. A script of such calls is read too.
//!
//! Source: ipvsadm(8).

use std::net::{IpAddr, SocketAddr};

use lb_core::config::ProtocolName;

use super::words::{self, Line};
use super::{Concern, Draft, DraftBackend, ImportError, ImportProblem, Method, Remarks, Scheduling};

const MARK: &str =
    "a firewall mark says nothing of a VIP; write the service by hand, with the VIP that the mark stands for";
const NO_PORT: &str = "a service of all ports cannot be written; write one for each port that is used";
const ONE_PACKET: &str = "datagrams of one client and port go to one backend here";
const ENGINE: &str = "there are no persistence engines here";
const NETMASK: &str = "clients are told apart by their whole address here";
const THRESHOLD: &str = "there are no limits of connections here; give the backend a smaller weight";
const CHECKSUM: &str = "the tunnel's checksum is chosen by the address family here";
const NOT_READ: &str = "only -A and -a are read, which is what `ipvsadm -S -n` prints";

/// Reads the whole text.
pub(super) fn read(text: &str, remarks: &mut Remarks) -> Result<Vec<Draft>, ImportError> {
    let mut drafts: Vec<(String, Option<Draft>)> = Vec::new();
    for line in words::lines(text) {
        let words = line.words()?;
        let words = words.strip_prefix(&["ipvsadm"]).unwrap_or(&words);
        match words.first().copied() {
            Some("-A" | "--add-service") => drafts.push(service(line, &words[1..], remarks)?),
            Some("-a" | "--add-server") => {
                let call = Call::read(line, &words[1..], remarks)?;
                let found = drafts.iter_mut().rev().find(|(name, _)| *name == call.service);
                let missing = || line.wrong(ImportProblem::NoService { service: call.service.clone() });
                let (_, draft) = found.ok_or_else(missing)?;
                // The destinations of a service that is left out are left out with it.
                if let Some(draft) = draft {
                    draft.backends.push(destination(line, &call, draft.port)?);
                }
            }
            _ => remarks.left_out(line.number, line.text, NOT_READ),
        }
    }
    Ok(drafts.into_iter().filter_map(|(_, draft)| draft).collect())
}

/// One call's arguments, as far as they are about a service or a destination.
#[derive(Debug, Default)]
struct Call {
    /// The service as written, with its option: `-t 1.2.3.4:80`.
    service: String,
    protocol: Option<ProtocolName>,
    address: Option<SocketAddr>,
    scheduling: Scheduling,
    server: Option<SocketAddr>,
    method: Option<Method>,
    weight: Option<u32>,
    tunnel: Option<String>,
    tunnel_port: Option<u16>,
}

impl Call {
    fn read(line: Line<'_>, words: &[&str], remarks: &mut Remarks) -> Result<Self, ImportError> {
        let mut call = Self::default();
        let mut words = words.iter().copied().peekable();
        while let Some(option) = words.next() {
            // `--scheduler=mh` is as good as `--scheduler mh`.
            let (option, mut given) = match option.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value)),
                _ => (option, None),
            };
            let mut value = |what| {
                let missing = || line.wrong(ImportProblem::Missing { after: option.to_owned(), what });
                given.take().or_else(|| words.next()).ok_or_else(missing)
            };
            match option {
                "-t" | "--tcp-service" => call.take_service(line, ProtocolName::Tcp, value("an address")?)?,
                "-u" | "--udp-service" => call.take_service(line, ProtocolName::Udp, value("an address")?)?,
                "--sctp-service" => call.take_service(line, ProtocolName::Sctp, value("an address")?)?,
                "-f" | "--fwmark-service" => call.service = format!("-f {}", value("a mark")?),
                "-6" | "--ipv6" => {}
                "-s" | "--scheduler" => call.scheduling.name = value("a scheduler")?.to_owned(),
                "-b" | "--sched-flags" => call.take_flags(line, value("flags")?, remarks),
                "-p" | "--persistent" => {
                    call.scheduling.persistent = Some(line.number);
                    // the timeout may be left out
                    if words.peek().is_some_and(|next| next.parse::<u32>().is_ok()) {
                        words.next();
                    }
                }
                "-M" | "--netmask" => {
                    remarks.left_out(line.number, format!("-M {}", value("a mask")?), NETMASK)
                }
                "--pe" => remarks.left_out(line.number, format!("--pe {}", value("an engine")?), ENGINE),
                "-o" | "-O" | "--ops" => remarks.left_out(line.number, option, ONE_PACKET),
                "-r" | "--real-server" => call.server = Some(socket(line, value("an address")?)?),
                "-g" | "--gatewaying" => call.method = Some(Method::DirectRoute),
                "-m" | "--masquerading" => call.method = Some(Method::Masquerade),
                "-i" | "--ipip" => call.method = Some(Method::Ipip),
                "-w" | "--weight" => call.weight = Some(count(line, value("a weight")?)?),
                "-x" | "--u-threshold" | "-y" | "--l-threshold" => {
                    let limit = value("a number")?;
                    if limit != "0" {
                        remarks.left_out(line.number, format!("{option} {limit}"), THRESHOLD);
                    }
                }
                "--tun-type" => call.tunnel = Some(value("a type")?.to_owned()),
                "--tun-port" => {
                    let port = words::port(value("a port")?);
                    call.tunnel_port = Some(port.map_err(|problem| line.wrong(problem))?);
                }
                "--tun-nocsum" => {}
                "--tun-csum" | "--tun-remcsum" => remarks.otherwise(line.number, option, CHECKSUM),
                other => remarks.add(line.number, Concern::Unknown { what: other.to_owned() }),
            }
        }
        Ok(call)
    }

    fn take_service(
        &mut self,
        line: Line<'_>,
        protocol: ProtocolName,
        text: &str,
    ) -> Result<(), ImportError> {
        self.protocol = Some(protocol);
        self.address = Some(socket(line, text)?);
        self.service = format!("{protocol:?} {text}");
        Ok(())
    }

    fn take_flags(&mut self, line: Line<'_>, flags: &str, remarks: &mut Remarks) {
        for flag in flags.split(',') {
            match flag {
                "mh-fallback" | "sh-fallback" | "flag-1" => self.scheduling.fallback = true,
                "mh-port" | "sh-port" | "flag-2" => self.scheduling.port = true,
                other => remarks.add(line.number, Concern::Unknown { what: other.to_owned() }),
            }
        }
    }
}

/// A `-A` line: its service's name, and the service if it can be written.
fn service(
    line: Line<'_>,
    words: &[&str],
    remarks: &mut Remarks,
) -> Result<(String, Option<Draft>), ImportError> {
    let call = Call::read(line, words, remarks)?;
    let (Some(protocol), Some(address)) = (call.protocol, call.address) else {
        if call.service.is_empty() {
            let after = line.text.to_owned();
            return Err(line.wrong(ImportProblem::Missing { after, what: "-t, -u, --sctp-service or -f" }));
        }
        remarks.left_out(line.number, &call.service, MARK);
        return Ok((call.service, None));
    };
    if address.port() == 0 {
        remarks.left_out(line.number, address.to_string(), NO_PORT);
        return Ok((call.service, None));
    }
    let mut scheduling = Scheduling { line: line.number, ..call.scheduling };
    if scheduling.name.is_empty() {
        "wlc".clone_into(&mut scheduling.name); // ipvsadm's own default
    }
    let draft = Draft {
        line: line.number,
        vip: address.ip(),
        port: address.port(),
        protocol,
        scheduler: scheduling.finish(remarks),
        health: None,
        backends: Vec::new(),
    };
    Ok((call.service, Some(draft)))
}

fn destination(line: Line<'_>, call: &Call, service_port: u16) -> Result<DraftBackend, ImportError> {
    let missing = || ImportProblem::Missing { after: line.text.to_owned(), what: "-r" };
    let server = call.server.ok_or_else(|| line.wrong(missing()))?;
    // ipvsadm's own default is direct routing
    let method = match (call.method.unwrap_or(Method::DirectRoute), call.tunnel.as_deref()) {
        (Method::Ipip, Some("gue")) => Method::Gue(call.tunnel_port.unwrap_or(6_080)),
        (Method::Ipip, Some("gre")) => Method::Gre,
        (method, _) => method,
    };
    let port = if server.port() == 0 { service_port } else { server.port() };
    Ok(DraftBackend {
        line: line.number,
        address: server.ip(),
        port,
        weight: call.weight.unwrap_or(1),
        method,
    })
}

/// An address with a port or, as a server may be written, without.
fn socket(line: Line<'_>, text: &str) -> Result<SocketAddr, ImportError> {
    let bare =
        || text.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 0));
    let wrong = || line.wrong(ImportProblem::Address { text: text.to_owned() });
    text.parse().ok().or_else(bare).ok_or_else(wrong)
}

fn count(line: Line<'_>, text: &str) -> Result<u32, ImportError> {
    words::number(text, 0, i32::MAX as u32).map_err(|problem| line.wrong(problem))
}

#[cfg(test)]
mod tests;
