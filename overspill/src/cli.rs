//! What can be typed: the command line as types, with its help.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::output::Format;

/// Simulate, explain and check L4 and mesh traffic management.
#[derive(Debug, Parser)]
#[command(name = "overspill", version, styles = STYLES, after_help = AFTER, propagate_version = true)]
#[command(disable_help_subcommand = true)]
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
  overspill check lb.yaml                          is the file right?
  overspill table --config lb.yaml                 who gets which share of the flows
  overspill table --config lb.yaml --against new.yaml
                                                   what would a change move
  overspill pick --config lb.yaml flows.csv        where does each flow go, and why
  overspill forward --config lb.yaml in.pcap out.pcap
                                                   what a node does with packets
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
    /// Run captured packets through the data path, offline.
    Forward(Forward),
    /// Print the manual page.
    Man(Man),
    /// Print the JSON Schema of a kind of file.
    Schema(Schema),
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every file is looked at, also after one is wrong. The kind is known by the
fields at the top.

Examples:
  overspill check lb.yaml
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
  overspill forward --config lb.yaml in.pcap out.pcap --format json | jq .verdicts")]
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

/// `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  overspill schema lb > lb.schema.json
In an editor with the YAML language server, put this at the top of a file:
  # yaml-language-server: $schema=lb.schema.json")]
pub(crate) struct Schema {
    /// The kind of file.
    #[arg(value_enum)]
    pub(crate) kind: Kind,
}

/// The kinds of files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A node's virtual services and their backends.
    Lb,
}
