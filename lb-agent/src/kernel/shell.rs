//! Writes as the commands that a person would type: `ipvsadm`, `ip`, `sysctl`.

use std::net::SocketAddr;

use lb_core::Protocol;
use lb_core::ipvs::{
    Command, Family, ForwardMethod, KernelDestination, KernelService, ServiceFlags, ServiceKey, Tunnel,
    TunnelChecksum,
};
use lb_core::node::Write;

/// The command, if there is one that does the same.
pub(crate) fn command(write: &Write) -> Option<String> {
    Some(match write {
        Write::Address { vip, present } => {
            let length = if vip.is_ipv4() { 32 } else { 128 };
            let verb = if *present { "add" } else { "del" };
            format!("ip address {verb} {vip}/{length} dev lo")
        }
        Write::Sysctl { name, value } => format!("sysctl -w {name}={value}"),
        Write::Ipvs(command) => ipvsadm(command),
    })
}

fn ipvsadm(command: &Command) -> String {
    match command {
        Command::AddService { key, service } => format!("ipvsadm -A {} {}", name(key), settings(service)),
        Command::SetService { key, service } => format!("ipvsadm -E {} {}", name(key), settings(service)),
        Command::DeleteService { key } => format!("ipvsadm -D {}", name(key)),
        Command::AddDestination { key, destination } => {
            format!("ipvsadm -a {} {}", name(key), self::destination(destination))
        }
        Command::SetDestination { key, destination } => {
            format!("ipvsadm -e {} {}", name(key), self::destination(destination))
        }
        Command::DeleteDestination { key, endpoint } => format!("ipvsadm -d {} -r {endpoint}", name(key)),
        Command::SetExpireNodestConn { value } => {
            format!("sysctl -w net.ipv4.vs.expire_nodest_conn={}", u8::from(*value))
        }
    }
}

fn name(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address(service) => {
            let flag = match service.protocol {
                Protocol::UDP => "-u",
                Protocol::SCTP => "--sctp-service",
                _ => "-t",
            };
            format!("{flag} {}", SocketAddr::new(service.address, service.port))
        }
        ServiceKey::Mark { family: Family::V4, mark } => format!("-f {mark}"),
        ServiceKey::Mark { family: Family::V6, mark } => format!("-f {mark} -6"),
    }
}

fn settings(service: &KernelService) -> String {
    let scheduler = service.scheduler.as_str();
    let flags: Vec<String> = [(ServiceFlags::SCHEDULER_1, "fallback"), (ServiceFlags::SCHEDULER_2, "port")]
        .into_iter()
        .filter(|(flag, _)| service.flags.contains(*flag))
        .map(|(_, name)| format!("{scheduler}-{name}"))
        .collect();
    if flags.is_empty() {
        format!("-s {scheduler}")
    } else {
        format!("-s {scheduler} -b {}", flags.join(","))
    }
}

fn destination(destination: &KernelDestination) -> String {
    let forward = match destination.forward {
        ForwardMethod::Masquerade => "-m".to_owned(),
        ForwardMethod::Tunnel(Tunnel::Ipip) => "-i".to_owned(),
        ForwardMethod::Tunnel(Tunnel::Gue { port, checksum }) => {
            format!("-i --tun-type gue --tun-port {port}{}", self::checksum(checksum))
        }
        ForwardMethod::Tunnel(Tunnel::Gre { checksum }) => {
            format!("-i --tun-type gre{}", self::checksum(checksum))
        }
        ForwardMethod::DirectRoute | ForwardMethod::Local | ForwardMethod::Bypass => "-g".to_owned(),
    };
    let threshold = match destination.upper_threshold {
        0 => String::new(),
        upper => format!(" -x {upper}"),
    };
    format!("-r {} {forward} -w {}{threshold}", destination.endpoint, destination.weight)
}

const fn checksum(checksum: TunnelChecksum) -> &'static str {
    match checksum {
        TunnelChecksum::None => "",
        TunnelChecksum::Full => " --tun-csum",
        TunnelChecksum::Remote => " --tun-remcsum",
    }
}
