//! What can be typed: the command line as types, with its help.

mod kind;
mod mesh;
mod plan;

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand};
use lb_core::config::ServiceAddress;

use crate::output::Format;

pub(crate) use kind::Kind;
pub(crate) use mesh::{Diff, Footprint, Lint, Locality, Patch, Render};
pub(crate) use plan::{DnsPlan, Rollout, VipPlan};

/// Simulate, explain and check L4 and mesh traffic management.
#[derive(Debug, Parser)]
#[command(name = "overspill", version, styles = STYLES, after_help = AFTER, propagate_version = true)]
#[command(disable_help_subcommand = true, max_term_width = 80)]
pub(crate) struct Cli {
    /// How to print the answer: text for people, or one JSON document.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Examples:
  overspill run az-loss                            lose a zone at the peak
  overspill run az-loss --out report/              with a report to open
  overspill scenarios                              what else there is to run
  overspill validate                               is the simulator right?
  overspill check lb.yaml                          is the file right?
  overspill table --config lb.yaml                 who gets which share
  overspill table --config lb.yaml --against new.yaml
                                                   what a change would move
  overspill pick --config lb.yaml flows.csv        where flows go, and why
  overspill forward --config lb.yaml in.pcap out.pcap
                                                   what a node does to packets
  overspill render access-point.yaml --fleet fleet.yaml
                                                   what each target receives
  overspill diff old.yaml new.yaml --fleet fleet.yaml
                                                   what a change would alter
  overspill lint access-point.yaml --fleet fleet.yaml
                                                   what would silently fail
  overspill footprint access-point.yaml --fleet fleet.yaml
                                                   what proxies will hold
  overspill rollout access-point.yaml events.jsonl --fleet fleet.yaml
                                                   who receives it when, and why
  overspill completions bash > /etc/bash_completion.d/overspill

Files are YAML (so JSON too) and read strictly; `-` is standard input.
Exit status: 0 done; 1 the answer is no; 2 bad input, nothing was changed.";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read files strictly and say what they are, or what is wrong in them.
    Check(Check),
    /// Print the completion script of a shell.
    Completions(Completions),
    /// Say what a change of an access point would alter, target by target.
    Diff(Diff),
    /// Plan the records that names are to have.
    DnsPlan(DnsPlan),
    /// Predict what each class of proxies will hold, against its budget.
    Footprint(Footprint),
    /// Run captured packets through the data path, offline.
    Forward(Forward),
    /// Look for what is accepted everywhere and silently fails.
    Lint(Lint),
    /// Say where requests go, given health and a policy of localities.
    Locality(Locality),
    /// Print the manual page.
    Man(Man),
    /// Apply a JSON Patch or a merge patch to a document.
    Patch(Patch),
    /// Say which backend gets each flow, and why.
    Pick(Pick),
    /// Show what each target of an access point would receive, and why.
    Render(Render),
    /// Play a rollout over recorded events: who receives a revision when, and why.
    Rollout(Rollout),
    /// Simulate a scenario: what is lost, and how fast traffic moves.
    Run(Run),
    /// List the embedded scenarios, or show one to start from.
    Scenarios(Scenarios),
    /// Print the JSON Schema of a kind of file.
    Schema(Schema),
    /// Show how a table divides the flows, or what a change would move.
    Table(Table),
    /// Compare the simulator with closed forms and published figures.
    Validate(Validate),
    /// Plan who has which virtual addresses.
    VipPlan(VipPlan),
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every file is looked at, also after one is wrong. The kind is known by the
fields at the top. What is allowed and hardly meant is warned of; the exit
status is that of a good file. A file of objects (with kind and apiVersion) may
hold several with `---` between; zones that its clusters name are looked for if
it has any zones.

Examples:
  overspill check lb.yaml
  overspill check access-point.yaml fleet.yaml
  overspill check nodes/*.yaml
  generate-lb | overspill check -")]
pub(crate) struct Check {
    /// Files to read; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  overspill completions bash > /etc/bash_completion.d/overspill
  overspill completions zsh > \"${fpath[1]}/_overspill\"
  overspill completions fish > ~/.config/fish/completions/overspill.fish")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `forward`.
#[derive(Debug, Args)]
#[command(after_help = "\
IN is pcap or pcapng with frames of Ethernet (VLANs too), raw IP, Linux cooked
or loopback. OUT gets what the node would send, in order and with the capture's
times: tunnel packets to backends and ICMP answers, as pcap with raw IP. One
node starts without connections; its clock is the capture's.

The rows of --verdicts are index,verdict,reason,backend: one per packet of IN,
counted from 0. Verdicts: forward; reply (an ICMP answer); pass (not ours: left
to the host); drop.

Examples:
  overspill forward --config lb.yaml in.pcap out.pcap
  overspill forward --config lb.yaml in.pcapng out.pcap --verdicts verdicts.csv
  tcpdump -i eth0 -c 1000 -w - | overspill forward --config lb.yaml - out.pcap
  overspill forward --config lb.yaml in.pcap out.pcap --format json | jq")]
pub(crate) struct Forward {
    /// The LB file; `-` is standard input.
    #[arg(long, value_name = "LB")]
    pub(crate) config: PathBuf,
    /// The capture to read; `-` is standard input.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The capture to write.
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Write what became of each packet, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) verdicts: Option<PathBuf>,
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  overspill man | man -l -
  overspill man table > overspill-table.1")]
pub(crate) struct Man {
    /// The page of one command instead of the overview.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// `pick`.
#[derive(Debug, Args)]
#[command(after_help = "\
FLOWS is CSV with the header proto,src,sport,dst,dport; proto is tcp, udp or
sctp. Each row is the first packet of a new flow at a node without any
connections; rows do not influence each other. The answer has the same rows in
the same order and two columns more: backend (empty if none) and why.

Examples:
  overspill pick --config lb.yaml flows.csv
  printf 'proto,src,sport,dst,dport\\ntcp,192.0.2.1,40000,203.0.113.10,443\\n' |
    overspill pick --config lb.yaml")]
pub(crate) struct Pick {
    /// The LB file; `-` is standard input.
    #[arg(long, value_name = "LB")]
    pub(crate) config: PathBuf,
    /// The flows as CSV; standard input if left out.
    #[arg(value_name = "FLOWS", default_value = "-", hide_default_value = true)]
    pub(crate) flows: PathBuf,
}

/// `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
SCENARIO is a file, or the name of an embedded scenario. The same scenario and
seed give the same digest on every machine; the line `replay` is the command
that gives the same run again. Exit status 1 if an expectation does not hold.

--set changes a field before the scenario is read: names with dots between, [N]
for the items of a list, counted from 0.

The files of --out take their places when the run is over. After Ctrl-C those
that were there are as before; what was begun is left as DIR/.overspill-* and
may be removed.

Examples:
  overspill run az-loss
  overspill run az-loss --out az-loss/       then open az-loss/report.html
  overspill run az-loss --set dns.ttl=60s --set 'events[0].at=10m'
  overspill run ./mine.yaml --seed 7 --format json | jq .availability
  overspill scenarios show node-loss > mine.yaml      to write your own")]
pub(crate) struct Run {
    /// A scenario's file or an embedded one's name; `-` is standard input.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: PathBuf,
    /// The seed of all chance; the scenario's own if left out.
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Change a field of the scenario; may be given more than once.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Write report.html, events.jsonl and series.parquet there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// A seed: all 64 bits.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("no seed; write a whole number from 0 to {}", u64::MAX))
}

/// `scenarios`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  overspill scenarios
  overspill scenarios show az-loss
  overspill scenarios show node-loss > mine.yaml && overspill run ./mine.yaml")]
pub(crate) struct Scenarios {
    /// What to do instead of listing.
    #[command(subcommand)]
    pub(crate) action: Option<ScenariosAction>,
}

/// `scenarios ...`.
#[derive(Debug, Subcommand)]
pub(crate) enum ScenariosAction {
    /// Print an embedded scenario.
    #[command(after_help = "Examples:\n  overspill scenarios show az-loss > mine.yaml")]
    Show {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  overspill schema scenario > scenario.schema.json
  overspill schema lb > lb.schema.json
  overspill schema FederatedAccessPoint > access-point.schema.json
In an editor with the YAML language server, put this at the top of a file:
  # yaml-language-server: $schema=lb.schema.json")]
pub(crate) struct Schema {
    /// The kind of file, or of object.
    #[arg(value_parser = kind::KindParser, ignore_case = true)]
    pub(crate) kind: Kind,
}

/// `table`.
#[derive(Debug, Args)]
#[command(after_help = "\
Slots are a backend's places in the table, share is their part of all, ideal is
its weight's part of the active backends' weights. With --against, moved says
how many slots another backend would hold, against the least that the change of
weights makes necessary. A backend that drains keeps its slots under ipvs-*, but
their new flows go elsewhere, so they have moved.

Examples:
  overspill table --config lb.yaml
  overspill table --config lb.yaml --service 203.0.113.10:443/tcp
  overspill table --config lb.yaml --against new.yaml
  overspill table --config lb.yaml --format json | jq '.[0].backends[].share'")]
pub(crate) struct Table {
    /// The LB file; `-` is standard input.
    #[arg(long, value_name = "LB")]
    pub(crate) config: PathBuf,
    /// Only this service, as `203.0.113.10:443/tcp` or `[2001:db8::5]:53/udp`.
    #[arg(long, value_name = "VIP:PORT/PROTO")]
    pub(crate) service: Option<ServiceAddress>,
    /// The LB file to compare with.
    #[arg(long, value_name = "OTHER_LB")]
    pub(crate) against: Option<PathBuf>,
}

/// `validate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each check runs the simulator's own code where the answer is known. A mean over
runs passes if the reference lies in its 99 % confidence interval and the error
is within the tolerance. Exit status 1 if a check does not pass.

Examples:
  overspill validate
  overspill validate --quick
  overspill validate --format json | jq '.checks[] | select(.pass | not)'")]
pub(crate) struct Validate {
    /// One or two short checks of each kind.
    #[arg(long)]
    pub(crate) quick: bool,
}
