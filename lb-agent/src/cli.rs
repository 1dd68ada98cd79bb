//! What can be typed: the command line as types, with its help.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The daemon of an L4 node: IPVS, BGP, BFD and health checks from one file.
#[derive(Debug, Parser)]
#[command(name = "lb-agent", version, after_help = AFTER, propagate_version = true)]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true, max_term_width = 80)]
pub(crate) struct Cli {
    /// What to do; without one, `run`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Run as the daemon.
    #[command(flatten)]
    pub(crate) run: Option<Run>,
}

const AFTER: &str = "\
Examples:
  lb-agent check --config node.yaml       what it would do, without doing it
  lb-agent --config node.yaml             do it, and go on doing it
  lb-agent status                         how does it stand?
  lb-agent drain 10.1.0.5                 no new flows for that backend
  lb-agent drain --node                   no flows for this node, routers first
  lb-agent explain tcp,192.0.2.1,40000,203.0.113.10,443
                                          which backend, and why

Exit status: 0 done; 1 the answer is no, or there is no answer; 2 bad input.";

/// The commands, in the order in which a person comes to need them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what would be done with a file, and what is missing for it.
    Check(Check),
    /// Run as the daemon.
    Run(Run),
    /// Say how a running agent stands.
    Status(Status),
    /// Show services and backends as they change.
    Top(Top),
    /// Say which backend a new flow gets on this node, and why.
    Explain(Explain),
    /// Give a backend, or this node, no new flows.
    Drain(Drain),
    /// Put a backend, or this node, back.
    Undrain(Undrain),
    /// Tell the agent that its path to a backend is dead, or alive.
    Path(Path),
    /// Have the agent read its file now.
    Reload(Ask),
    /// On a backend: take tunnelled packets and answer clients directly.
    Dsr(crate::dsr::Arguments),
    /// Read `ipvsadm -S -n` or keepalived.conf into our file.
    Import(Import),
    /// From a client's side: ask every VIP over every path, and name what is dead.
    ProbePaths(crate::probe::paths::Arguments),
    /// Print the completion script of a shell.
    Completions(Completions),
    /// Print the manual page.
    Man,
}

/// The daemon.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The file is read again when it changes, and on SIGHUP; one that is wrong is
refused, and the one before it stays at work. SIGTERM withdraws all VIPs, waits
announce.drainDelay and ends; IPVS stays as it is unless --cleanup is given.
Needs CAP_NET_ADMIN, and for some checks and port 179 CAP_NET_RAW and
CAP_NET_BIND_SERVICE, but not root; drops all others. LB_AGENT_LOG overrides
log.level, in the filter language of tracing (`debug`, `lb_agent=trace`).
deploy/lb-agent.service is a unit for systemd.")]
pub(crate) struct Run {
    /// The node's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// When told to end: take from the kernel what is ours (otherwise IPVS and VIPs stay).
    #[arg(long)]
    pub(crate) cleanup: bool,
}

/// Where a running agent is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ask {
    /// The agent's control socket.
    #[arg(long, value_name = "PATH", default_value = "/run/lb-agent/control.sock")]
    pub(crate) socket: PathBuf,
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the kernel if it may (CAP_NET_ADMIN), and takes it for empty if not.
Every backend is taken for healthy. What it prints is for people: the agent
does the same by netlink. What ipvsadm cannot do begins with `# ipvsadm`.

Examples:
  lb-agent check --config node.yaml             what would be done here
  lb-agent check --config - < node.yaml         the same, from standard input
  lb-agent check --print-lb --config node.yaml  for `overspill pick`

Exit status: 0 if the file is right, even where a module or a capability is
missing (it may be checked elsewhere than it runs); 2 if it is wrong.")]
pub(crate) struct Check {
    /// The node's file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print the LB file that says what the kernel will do, for `overspill pick`.
    #[arg(long)]
    pub(crate) print_lb: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `drain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lb-agent drain 10.1.0.5                                 of all its services
  lb-agent drain 10.1.0.5 --service 203.0.113.10:443/tcp  of this one alone
  lb-agent drain --node                                   before work on it
  lb-agent undrain 10.1.0.5                               flows for it again

What is drained stays so when the agent restarts. It is drained on this node:
do it on all, or write `state: drain` into their file, for while nodes differ,
flows that routers move between them break.")]
pub(crate) struct Drain {
    /// What is drained, and where the agent is asked.
    #[command(flatten)]
    pub(crate) what: Drained,
}

/// `undrain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lb-agent undrain 10.1.0.5                                 in all its services
  lb-agent undrain 10.1.0.5 --service 203.0.113.10:443/tcp  in this one alone
  lb-agent undrain --node                                   its VIPs again

What the file itself drains (`state: drain`) stays drained.")]
pub(crate) struct Undrain {
    /// What is put back, and where the agent is asked.
    #[command(flatten)]
    pub(crate) what: Drained,
}

/// A backend or this node, for `drain` and `undrain`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["backend", "node"]))]
pub(crate) struct Drained {
    /// The backend's address.
    #[arg(value_name = "BACKEND")]
    pub(crate) backend: Option<IpAddr>,
    /// This whole node instead of a backend: its VIPs at the routers, while its flows go on.
    #[arg(long)]
    pub(crate) node: bool,
    /// In this service alone, as VIP:PORT/PROTO; in all if left out.
    #[arg(long, value_name = "SERVICE", conflicts_with = "node")]
    pub(crate) service: Option<String>,
    /// Where the agent is asked.
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  lb-agent explain tcp,192.0.2.1,40000,203.0.113.10,443

Says the slot of the service's table that the flow hashes to, what is there,
and the backend. The table's name is equal on all nodes that place flows alike.
Where the flow's connection was made before a change, the kernel keeps it.")]
pub(crate) struct Explain {
    /// The flow, as a row of `overspill pick`: proto,src,sport,dst,dport.
    #[arg(value_name = "FLOW")]
    pub(crate) flow: String,
    /// Where the agent is asked.
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints our file; what was changed or left out is said on standard error, by
line. `ownedPrefixes` gets the VIPs that were found: write your prefixes.")]
pub(crate) struct Import {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// Whose it is; by its first line if left out.
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
}

/// Whose file is imported.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ImportFormat {
    /// What `ipvsadm -S -n` prints.
    Ipvsadm,
    /// keepalived.conf.
    Keepalived,
}

/// `path`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lb-agent path 10.1.0.5 --dead-for 60   no flows for it for a minute
  lb-agent path 10.1.0.5 --alive         it answers again

For a checker that sees what checks from this node do not, such as one that runs
`lb-agent probe-paths` from a client's side.")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["dead_for", "alive"]))]
pub(crate) struct Path {
    /// The backend's address.
    #[arg(value_name = "BACKEND")]
    pub(crate) backend: IpAddr,
    /// Hold it for dead for so many seconds, unless told anew.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) dead_for: Option<u32>,
    /// It lives.
    #[arg(long)]
    pub(crate) alive: bool,
    /// Of this service alone, as VIP:PORT/PROTO.
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Where the agent is asked.
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lb-agent status                   how does it stand?
  lb-agent status --json | jq '.services[] | select(.state != \"up\")'")]
pub(crate) struct Status {
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the agent is asked.
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// `top`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lb-agent top                      until it is interrupted
  lb-agent top --every 5 --looks 3  three looks, for a script")]
pub(crate) struct Top {
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) every: u64,
    /// End after so many looks; never if left out.
    #[arg(long, value_name = "LOOKS")]
    pub(crate) looks: Option<u64>,
    /// Where the agent is asked.
    #[command(flatten)]
    pub(crate) ask: Ask,
}
