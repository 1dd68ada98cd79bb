//! What can be typed after the commands that plan: rollouts, names, addresses.

use std::path::PathBuf;

use clap::Args;
use mesh_model::time::WallTime;

/// `dns-plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
DESIRED says whose names these are (a NameProvider) and what they are to lead
to; CURRENT is what the provider has, our marks among it. A record without a
mark of ours is never touched, and a name never goes empty because nobody knows
how its members are. More deletions than the provider's maxDeletions are held
back, all of them, until their hash stands in DESIRED as `approved`; an owner
that keeps its IPv4 and loses its IPv6 is one, too.

One name's error leaves the others as they are. Exit status 1 if there is one,
or if deletions are held back.

Examples:
  overspill dns-plan examples/checkout/desired.yaml \\
    examples/checkout/current.yaml
  overspill dns-plan examples/checkout/desired.yaml \\
    examples/checkout/current.yaml --format json | jq '.changes[].action'
  overspill schema desired > desired.schema.json")]
pub(crate) struct DnsPlan {
    /// The provider and the names that are wanted; `-` is standard input.
    #[arg(value_name = "DESIRED")]
    pub(crate) desired: PathBuf,
    /// The records that are there; `-` is standard input.
    #[arg(value_name = "CURRENT")]
    pub(crate) current: PathBuf,
}

/// `rollout`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE holds one access point, whose `rollout` is played. EVENTS.jsonl has a line
of JSON for each thing that happened, in order of time:
  {\"at\": \"0s\", \"wall\": \"2026-11-26T18:00:00Z\", \"kind\": \"join\", \"targets\": [..]}
`at` counts from the start; `wall` is the date, which goes on by itself. Kinds
are join, leave, revision, report, approval, abort, resume, restart, timeout;
each has its own fields (`overspill schema events`). One line answers each; the
table at the end says what each target has and waits for.

The fleet says in which stage a target is; it may stand in FILE as well.

Examples:
  overspill rollout examples/checkout/access-point.yaml \\
    examples/checkout/events.jsonl --fleet examples/checkout/fleet.yaml
  overspill rollout examples/checkout/access-point.yaml \\
    examples/checkout/events.jsonl --fleet examples/checkout/fleet.yaml \\
    --format json | jq -c '.decisions[].phase'")]
pub(crate) struct Rollout {
    /// The access point; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What happened, line by line; `-` is standard input.
    #[arg(value_name = "EVENTS.jsonl")]
    pub(crate) events: PathBuf,
    /// Zones and clusters (more than once for several files).
    #[arg(long, value_name = "FLEET")]
    pub(crate) fleet: Vec<PathBuf>,
}

/// `vip-plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
POOLS holds VipPools, and the zones and clusters that claims are for if pools or
typing errors are to be held against them. CLAIMS says who wants addresses, who
holds some, and what rests after its release. Whoever holds an address keeps it,
and is given one of each family that its pool has, unless its claim names some;
what nobody claims any more is released and rests (unless CLAIMS says `complete:
false`, or so many of a pool would go that it waits for an approval). The result
does not depend on the order of anything.

Exit status 1 if a claim is refused, where the others get what they asked for,
or a release is held back.

Examples:
  overspill vip-plan examples/checkout/fleet.yaml \\
    examples/checkout/claims.yaml --now 2026-11-26T18:00:00Z
  overspill vip-plan examples/checkout/fleet.yaml \\
    examples/checkout/claims.yaml --format json | jq '.assigned[].addresses'
  overspill schema claims > claims.schema.json")]
pub(crate) struct VipPlan {
    /// The pools; `-` is standard input.
    #[arg(value_name = "POOLS")]
    pub(crate) pools: PathBuf,
    /// Claims and records; `-` is standard input.
    #[arg(value_name = "CLAIMS")]
    pub(crate) claims: PathBuf,
    /// When it is, for what rests. Default: the clock's.
    #[arg(long, value_name = "DATE")]
    pub(crate) now: Option<WallTime>,
}
