//! The router: BIRD with ECMP, and a witness of what it does to the kernel's routes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::namespace::Namespace;
use crate::process::Process;
use crate::topology::{COUNT, node};

/// The router's AS, and the one of all nodes.
pub(crate) const ROUTER_AS: u32 = 65_000;
pub(crate) const NODE_AS: u32 = 65_001;
/// BFD: one packet each so often, and so many lost before the neighbour is. On a
/// loaded machine an emulated guest pauses for longer than hardware would.
pub(crate) const BFD_INTERVAL: Duration = Duration::from_millis(300);
pub(crate) const BFD_MULTIPLIER: u32 = 6;
const CONTROL: &str = "/run/router.ctl";
const CONFIGURATION: &str = "/tmp/router.conf";

/// BIRD in the router's namespace.
#[derive(Debug)]
pub(crate) struct Router<'a> {
    namespace: &'a Namespace,
    bird: Option<Process>,
    lines: Lines,
    monitor: Child,
}

/// Changes of routes as `ip monitor` prints them, with their times.
type Lines = Arc<Mutex<Vec<(Instant, String)>>>;

impl<'a> Router<'a> {
    pub(crate) fn start(namespace: &'a Namespace) -> anyhow::Result<Self> {
        fs::write(CONFIGURATION, configuration()).context(CONFIGURATION)?;
        let mut command = Command::new("/bin/ip");
        command.args(["-o", "monitor", "route"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut monitor = namespace.spawn(&mut command)?;
        let output = BufReader::new(monitor.stdout.take().expect("is piped"));
        let lines = Lines::default();
        let witness = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                witness.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), line));
            }
        });
        let mut router = Self { namespace, bird: None, lines, monitor };
        router.start_bird(false)?;
        Ok(router)
    }

    /// Starts BIRD, after a restart so that it keeps the routes it finds until its neighbours are back.
    pub(crate) fn start_bird(&mut self, is_restart: bool) -> anyhow::Result<()> {
        let mut command = Command::new("/bin/bird");
        command.args(["-f", "-c", CONFIGURATION, "-s", CONTROL]);
        if is_restart {
            command.arg("-R");
        }
        self.bird = Some(Process::start(self.namespace, "bird", &mut command)?);
        Ok(())
    }

    /// Kills BIRD; the kernel keeps its routes.
    pub(crate) fn kill_bird(&mut self) {
        if let Some(bird) = self.bird.take() {
            bird.kill();
        }
    }

    /// The next hops of a VIP, as the kernel has them.
    pub(crate) fn next_hops(&self, vip: IpAddr) -> anyhow::Result<BTreeSet<IpAddr>> {
        let family = if vip.is_ipv4() { "-4" } else { "-6" };
        let shown = self.namespace.output("/bin/ip", &[family, "route", "show", &vip.to_string()], "")?;
        let words: Vec<&str> = shown.split_whitespace().collect();
        Ok(words.windows(2).filter(|pair| pair[0] == "via").filter_map(|pair| pair[1].parse().ok()).collect())
    }

    /// Waits until a VIP has as many next hops.
    pub(crate) fn wait_for(&self, vip: IpAddr, count: usize, patience: Duration) -> anyhow::Result<Duration> {
        let start = Instant::now();
        loop {
            let hops = self.next_hops(vip)?;
            if hops.len() == count {
                return Ok(start.elapsed());
            }
            if start.elapsed() > patience {
                bail!("{vip} has the next hops {hops:?} after {patience:?}, not {count}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How long after an instant the route by a next hop was gone; `None` if it is not in time.
    pub(crate) fn withdrawn(
        &self,
        vip: IpAddr,
        hop: IpAddr,
        since: Instant,
        patience: Duration,
    ) -> Option<Duration> {
        let (vip, hop) = (format!("{vip} "), format!("via {hop} "));
        let is_it = |(at, line): &&(Instant, String)| {
            let is_deleted = line.starts_with("Deleted ");
            *at > since && line.contains(&vip) && is_deleted == line.contains(&hop)
        };
        while since.elapsed() < patience {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, _)) = lines.iter().find(is_it) {
                return Some(at.duration_since(since));
            }
            drop(lines);
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// The times that a next hop of a VIP was taken away since then, as `ip monitor` told it.
    pub(crate) fn withdrawals(&self, vip: IpAddr, since: Instant) -> Vec<String> {
        let vip = format!("{vip} ");
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_vip = lines.iter().filter(|(at, line)| *at > since && line.contains(&vip));
        let is_fewer = |line: &str| line.starts_with("Deleted ") || line.matches("via ").count() < COUNT;
        of_vip.filter(|(_, line)| is_fewer(line)).map(|(_, line)| line.clone()).collect()
    }

    /// Waits until so many sessions are up.
    pub(crate) fn wait_for_sessions(&self, count: usize, patience: Duration) -> anyhow::Result<Duration> {
        let start = Instant::now();
        loop {
            let words = ["-s", CONTROL, "show", "protocols"];
            let shown = self.namespace.output("/bin/birdc", &words, "").unwrap_or_default();
            if shown.matches("Established").count() == count {
                return Ok(start.elapsed());
            }
            ensure!(start.elapsed() < patience, "not {count} sessions after {patience:?}: {shown}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Router<'_> {
    fn drop(&mut self) {
        // it may have ended already
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

fn configuration() -> String {
    let interval = BFD_INTERVAL.as_millis();
    let mut text = format!(
        "log stderr all;
router id 10.0.2.2;
graceful restart wait 20;
protocol device {{ scan time 1; }}
protocol kernel kernel4 {{ persist; graceful restart on; merge paths on; scan time 2; ipv4 {{ import none; export all; }}; }}
protocol kernel kernel6 {{ persist; graceful restart on; merge paths on; scan time 2; ipv6 {{ import none; export all; }}; }}
protocol bfd {{ interface \"a*\" {{ interval {interval} ms; idle tx interval {interval} ms; multiplier {BFD_MULTIPLIER}; }}; }}
template bgp nodes {{
  local as {ROUTER_AS};
  passive on;
  direct;
  check link off;
  hold time 9;
  error wait time 1, 2;
  graceful restart on;
  graceful restart time 20;
  bfd on;
  ipv4 {{ import all; export none; }};
  ipv6 {{ import all; export none; }};
}}
"
    );
    for index in 0..COUNT {
        let number = index + 1;
        let _ = writeln!(
            text,
            "protocol bgp node{number} from nodes {{ neighbor {} as {NODE_AS}; }}",
            node(index)
        );
    }
    text
}
