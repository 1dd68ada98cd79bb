//! A BGP speaker by itself: announces VIPs to the peers of a file, and tells what happens.
//!
//! ```text
//! router <──BGP, BFD──> speaker <── announce 203.0.113.10 | withdraw 203.0.113.10 | ... (standard input)
//! ```
//!
//! `cargo run -p lb-agent --example speaker -- FILE [--listen ADDRESS:PORT]... [--restarted] [VIP]...`
//!
//! FILE has the sections `bgp` and `bfd` of the node's file. Without `--listen`
//! nobody can connect to it. `--restarted` says that this is a restart of a
//! process whose routes still forward. Lines of standard input: `announce
//! PREFIX [COMMUNITY]...`, `withdraw PREFIX`, `many COUNT` (so many VIPs from
//! 198.18.0.0 on), `shutdown on|off` (RFC 8326), `refresh`, `flush`, `status`.
//! SIGTERM says goodbye, SIGHUP reads FILE anew, SIGKILL is a crash.
//! The interoperability tests drive it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{CommandFactory, Parser};
use ipnet::IpNet;
use lb_agent::routing::{Routing, RoutingConfig};
use lb_core::bgp::{Route, SpeakerConfig, Start};
use lb_core::config::{BfdConfig, BfdFile, BgpFile};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Announces VIPs to the peers of a file.
#[derive(Debug, Parser)]
struct Arguments {
    /// A file with the sections `bgp` and `bfd`; without one this help is shown.
    file: Option<PathBuf>,
    /// Where peers may connect to.
    #[arg(long)]
    listen: Vec<SocketAddr>,
    /// The process is new, its routes are not.
    #[arg(long)]
    restarted: bool,
    /// VIPs to announce from the start.
    vips: Vec<IpAddr>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bgp: BgpFile,
    #[serde(default)]
    bfd: BfdFile,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let Some(file) = arguments.file else {
        return Ok(Arguments::command().print_help()?);
    };
    let config = read(&file, &arguments.listen)?;
    let shutdown = config.speaker.graceful_shutdown;
    let start = if arguments.restarted { Start::ForwardingPreserved } else { Start::Cold };
    // Another one after each start is all that is asked of it.
    let seed =
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & u128::from(u64::MAX))?;
    let (routing, mut events) = Routing::start(config, start, Instant::now(), seed)?;
    for vip in &arguments.vips {
        routing.announce(IpNet::from(*vip), Route::default()).await?;
    }
    routing.complete().await?;

    let mut terminated = signal(SignalKind::terminate())?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut lines = lines();
    let mut owner = Owner { routing, file, listen: arguments.listen, shutdown };
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            _ = reload.recv() => match owner.configure().await {
                Ok(()) => println!("configured"),
                Err(error) => println!("error: {error:#}"),
            },
            Some(event) = events.recv() => println!("{event}"),
            Some(line) = lines.recv() => {
                let answer = owner.act(&line).await.unwrap_or_else(|error| format!("error: {error:#}"));
                println!("{answer}");
            }
        }
    }
    owner.routing.stop("speaker stopped").await?;
    println!("stopped");
    Ok(())
}

/// Standard input by lines, read by a thread that ends with the process.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

struct Owner {
    routing: Routing,
    file: PathBuf,
    listen: Vec<SocketAddr>,
    shutdown: bool,
}

impl Owner {
    async fn act(&mut self, line: &str) -> anyhow::Result<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["announce", prefix, ref communities @ ..] => {
                let communities = communities.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
                self.routing.announce(parse(prefix)?, Route { communities, ..Route::default() }).await?;
            }
            ["withdraw", prefix] => self.routing.withdraw(parse(prefix)?).await?,
            ["many", count] => {
                let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
                for number in 0..count.parse::<u32>()? {
                    let vip = IpAddr::V4(Ipv4Addr::from(first + number));
                    self.routing.announce(IpNet::from(vip), Route::default()).await?;
                }
                self.routing.flush().await?;
            }
            ["shutdown", state] => {
                self.shutdown = state == "on";
                self.configure().await?;
            }
            ["refresh"] => self.routing.refresh().await?,
            ["flush"] => self.routing.flush().await?,
            ["status"] => return Ok(format!("{:?}", self.routing.status().await?)),
            _ => bail!("unknown: {line}"),
        }
        Ok(format!("done: {line}"))
    }

    async fn configure(&self) -> anyhow::Result<()> {
        let mut config = read(&self.file, &self.listen)?;
        config.speaker.graceful_shutdown = self.shutdown;
        Ok(self.routing.configure(config).await?)
    }
}

fn read(file: &Path, listen: &[SocketAddr]) -> anyhow::Result<RoutingConfig> {
    let source = files::Source::read(file).map_err(|fault| shown(&fault))?;
    let file: File = source.parse().map_err(|fault| shown(&fault))?;
    Ok(RoutingConfig {
        speaker: SpeakerConfig::try_from(file.bgp).context("section `bgp`")?,
        bfd: BfdConfig::try_from(file.bfd).context("section `bfd`")?,
        listen: listen.to_vec(),
    })
}

fn shown(fault: &files::Fault) -> anyhow::Error {
    anyhow::anyhow!("{}: line {:?}: {}", fault.file, fault.line, fault.message)
}

/// A prefix, or an address for itself alone.
fn parse(text: &str) -> anyhow::Result<IpNet> {
    let prefix = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    prefix.with_context(|| format!("`{text}` is no prefix"))
}
