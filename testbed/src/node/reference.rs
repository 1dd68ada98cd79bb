//! A node as people make them by hand: `ipvsadm`, sysctls, and BIRD with static routes.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lb_core::Protocol;

use crate::namespace::Namespace;
use crate::process::Process;
use crate::router::{BFD_INTERVAL, BFD_MULTIPLIER, NODE_AS, ROUTER_AS};
use crate::services::{Member, Service, Services};
use crate::topology::{node, node6};

/// What makes nodes without common state good for any flow at any time.
const SYSCTLS: [(&str, &str); 6] = [
    ("net.ipv4.vs.sloppy_tcp", "1"),
    ("net.ipv4.vs.schedule_icmp", "1"),
    ("net.ipv4.vs.expire_nodest_conn", "1"),
    ("net.ipv4.vs.pmtu_disc", "1"),
    ("net.ipv4.vs.conn_reuse_mode", "1"),
    ("net.ipv4.vs.conntrack", "0"),
];

/// A node made of Debian's programs.
#[derive(Debug)]
pub(super) struct Reference<'a> {
    namespace: &'a Namespace,
    index: usize,
    bird: Option<Process>,
    services: Services,
}

impl<'a> Reference<'a> {
    pub(super) const fn new(namespace: &'a Namespace, index: usize) -> Self {
        Self { namespace, index, bird: None, services: Services::none() }
    }

    pub(super) fn start(&mut self, services: &Services) -> anyhow::Result<()> {
        self.namespace.sysctl(&SYSCTLS)?;
        self.apply(services)?;
        let (configuration, control) = (self.path("conf"), self.path("ctl"));
        let mut command = Command::new("/bin/bird");
        command.args(["-f", "-c", &configuration, "-s", &control]);
        self.bird = Some(Process::start(self.namespace, "bird", &mut command)?);
        Ok(())
    }

    fn path(&self, extension: &str) -> String {
        format!("/tmp/{}.{extension}", self.namespace.name())
    }

    /// Writes the differences, in the order of addresses and ports.
    pub(super) fn apply(&mut self, services: &Services) -> anyhow::Result<()> {
        let is_running = self.bird.is_some();
        // what a kernel was given stays when programs end
        let before = self.services.clone();
        let mut lines = String::new();
        for service in &services.list {
            let same = |other: &&Service| other.name() == service.name();
            service.change(before.list.iter().find(same), &mut lines);
        }
        for old in before.list.iter().filter(|old| !services.list.iter().any(|new| new.name() == old.name()))
        {
            let _ = writeln!(lines, "-D {}", old.name());
        }
        self.namespace.output("/bin/ipvsadm", &["-R"], &lines)?;
        self.services = services.clone();
        if is_running && before.vips() == services.vips() {
            return Ok(());
        }
        let mut lines = String::new();
        for vip in services.vips() {
            let length = if vip.is_ipv4() { 32 } else { 128 };
            let _ = writeln!(lines, "address replace {vip}/{length} dev lo");
        }
        self.namespace.ip(&lines)?;
        let path = self.path("conf");
        fs::write(&path, self.bird_configuration(services)).context(path)?;
        if is_running {
            self.namespace.output("/bin/birdc", &["-s", &self.path("ctl"), "configure"], "")?;
        }
        Ok(())
    }

    pub(super) fn printed(&self) -> String {
        let mut services = self.services.clone();
        services.list.iter_mut().for_each(|service| service.members = service.sorted());
        services.document((node(self.index).into(), node6(self.index).into())).to_string()
    }

    /// Its kernel was started anew.
    pub(super) fn forget(&mut self) {
        self.services = Services::none();
    }

    pub(super) fn kill(&mut self) {
        if let Some(bird) = self.bird.take() {
            bird.kill();
        }
    }

    pub(super) fn terminate(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        self.bird.take().map_or(Ok(None), |bird| bird.terminate(patience))
    }

    pub(super) fn last_words(&self, count: usize) -> String {
        self.bird.as_ref().map(|bird| bird.last_words(count)).unwrap_or_default()
    }

    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(bird) = &mut self.bird {
            ensure!(bird.is_alive(), "BIRD ended: {}", bird.last_words(5));
        }
        Ok(())
    }

    fn bird_configuration(&self, services: &Services) -> String {
        let number = self.index + 1;
        let interval = BFD_INTERVAL.as_millis();
        let (v4, v6): (Vec<_>, Vec<_>) = services.vips().into_iter().partition(|vip| vip.is_ipv4());
        let routes = |vips: Vec<_>, length: u8| -> String {
            vips.iter().map(|vip: &std::net::IpAddr| format!("route {vip}/{length} unreachable; ")).collect()
        };
        format!(
            "log stderr all;
router id 10.1.{number}.2;
protocol device {{ }}
protocol static {{ ipv4; {} }}
protocol static {{ ipv6; {} }}
protocol bfd {{ interface \"upper\" {{ interval {interval} ms; idle tx interval {interval} ms; multiplier {BFD_MULTIPLIER}; }}; }}
protocol bgp uplink {{
  local 10.1.{number}.2 as {NODE_AS};
  neighbor 10.1.{number}.1 as {ROUTER_AS};
  direct;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  bfd graceful;
  ipv4 {{ import none; export all; next hop self; }};
  ipv6 {{ import none; export all; next hop address {}; }};
}}
",
            routes(v4, 32),
            routes(v6, 128),
            node6(self.index)
        )
    }
}

impl Service {
    /// As `ipvsadm` names it.
    fn name(&self) -> String {
        let letter = if self.protocol == Protocol::TCP { "-t" } else { "-u" };
        format!("{letter} {}", SocketAddr::new(self.vip, self.port))
    }

    fn sorted(&self) -> Vec<Member> {
        let mut members = self.members.clone();
        members.sort_by_key(|member| member.address);
        members
    }

    /// The lines that make this of what was before.
    fn change(&self, before: Option<&Self>, lines: &mut String) {
        let name = self.name();
        let flags = match (self.has_port, self.has_fallback) {
            (true, true) => " -b mh-port,mh-fallback",
            (true, false) => " -b mh-port",
            (false, true) => " -b mh-fallback",
            (false, false) => "",
        };
        match before {
            Some(before) if (before.has_port, before.has_fallback) == (self.has_port, self.has_fallback) => {}
            Some(_) => lines.push_str(&format!("-E {name} -s mh{flags}\n")),
            None => lines.push_str(&format!("-A {name} -s mh{flags}\n")),
        }
        let old = before.map(|before| &before.members[..]).unwrap_or_default();
        for member in self.sorted() {
            let server = if member.address.is_ipv4() {
                format!("{}:{}", member.address, self.port)
            } else {
                format!("[{}]:{}", member.address, self.port)
            };
            let was = old.iter().find(|old| old.address == member.address && old.state != "down");
            let weight = member.weight;
            match (was, member.state) {
                (None, "down") => {}
                (Some(_), "down") => {
                    let _ = writeln!(lines, "-d {name} -r {server}");
                }
                (None, _) => {
                    let _ = writeln!(lines, "-a {name} -r {server} -i -w {weight}");
                }
                (Some(was), "active") if was.weight == weight && was.state == "active" => {}
                (Some(_), _) => {
                    let _ = writeln!(lines, "-e {name} -r {server} -i -w {weight}");
                }
            }
            if member.state == "drain" {
                let _ = writeln!(lines, "-e {name} -r {server} -i -w 0");
            }
        }
        for gone in old.iter().filter(|old| {
            old.state != "down" && !self.members.iter().any(|member| member.address == old.address)
        }) {
            let _ = writeln!(lines, "-d {name} -r {}", SocketAddr::new(gone.address, self.port));
        }
    }
}
