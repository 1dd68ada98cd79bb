//! What can be typed after the commands of access points.

use std::path::PathBuf;

use clap::Args;

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
OLD and NEW are files with one access point each, the same one. Both are placed
and rendered over one fleet; what differs is told target by target, objects in
the fleet that nobody changes are not. The hash names the difference: an
approval is bound to it. What differs beside objects (placement, names, vip,
rollout, ...) takes effect at once and is not in the hash; it is told by field,
and the targets that are got or lost by name. What the access point has by
status.targets it keeps until what it follows has left: OLD's status counts, or
NEW's where OLD's names no target.

Or they are two versions of a fleet, whole or together with --fleet. Drains and
`traffic` are no revisions either. So it is asked whether the rest bears a
drain, or that a cluster is gone: what its clusters carry (requests in
the status of Clusters) goes to the rest of their region, and where there is
none to the regions that the `traffic` of the access points names (of the files
and of --fleet). A drain that it does not bear is refused, unless --force. With
--by, the document has a record of who moved what when, and what was overruled.

Exit status 1 if one of two access points cannot be rendered for a target, or a
drain is refused.

Examples:
  overspill diff old.yaml new.yaml --fleet fleet.yaml
  git show HEAD:access-point.yaml |
    overspill diff - access-point.yaml --fleet fleet.yaml
  overspill diff old.yaml new.yaml --fleet fleet.yaml --format json | jq .hash
  git show HEAD:fleet.yaml |
    overspill diff - fleet.yaml --fleet access-point.yaml")]
pub(crate) struct Diff {
    /// The access point, or the fleet, as it is; `-` is standard input.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The same as it is to be; `-` is standard input.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Zones, clusters, and workloads that are followed; what is in both fleets (more than once for several
    /// files).
    #[arg(long, value_name = "FLEET")]
    pub(crate) fleet: Vec<PathBuf>,
    /// Take a drain that the rest does not bear.
    #[arg(long)]
    pub(crate) force: bool,
    /// Who orders what is moved: `shift.record` of the document is to be kept.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Why, for that record.
    #[arg(long, value_name = "TEXT", requires = "by")]
    pub(crate) reason: Option<String>,
}

/// `footprint`.
#[derive(Debug, Args)]
#[command(after_help = "\
What access points would be on their targets, and the services around them, as
clusters, routes, endpoints, bytes on the wire and memory of each class of
proxies: a cluster's gateways, a namespace's sidecars. The services are those of
--services; without it the access points are alone in the mesh. Budgets are
proxyMemory of the clusters. Exit status 1 if one is exceeded; then it says
which services to hide.

Examples:
  overspill footprint examples/checkout/access-point.yaml \\
    --fleet examples/checkout/fleet.yaml
  overspill footprint examples/checkout/access-point.yaml \\
    --fleet examples/checkout/fleet.yaml \\
    --services examples/checkout/services.yaml
  overspill schema services > services.schema.json")]
pub(crate) struct Footprint {
    /// Files with access points; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Zones, clusters, and workloads that are followed (more than once for several files).
    #[arg(long, value_name = "FLEET", required = true)]
    pub(crate) fleet: Vec<PathBuf>,
    /// What else is in the mesh.
    #[arg(long, value_name = "FILE")]
    pub(crate) services: Option<PathBuf>,
}

/// `lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILEs hold access points. What can be seen in them is looked for always, such as
failover without outlier detection, weights that are not 100 together, a host
that two claim. What only a fleet can tell needs --fleet, whose files hold all
there is: zones, clusters, FederatedDeployments, VipPools, NameProviders,
NameServices, Issuers, and the mesh's Sidecars as Istio has them. Then pools,
providers, zones and regions that are not there are found, overrides that hold
nowhere, drains that leave somebody where they are, and, where clusters' status
has the requests that they carry, drains and losses of regions that the others
do not bear. What only the mesh can tell needs --services: the labels of
gateways, who exports what, which hosts there are. Where a fact is missing,
nothing is said.

A finding has a code that stays, a place, and what to do. Exit status 1 if one
is an error; warnings alone are 0.

Examples:
  overspill lint examples/checkout/access-point.yaml
  overspill lint examples/checkout/access-point.yaml \\
    --fleet examples/checkout/fleet.yaml \\
    --services examples/checkout/services.yaml
  overspill lint examples/checkout/access-point.yaml --format json |
    jq -r '.findings[].code'")]
pub(crate) struct Lint {
    /// Files with access points; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The whole fleet: zones, clusters, workloads, pools, providers, authorities (more than once for several files).
    #[arg(long, value_name = "FLEET")]
    pub(crate) fleet: Vec<PathBuf>,
    /// What else is in the mesh: services, gateways, who sees what.
    #[arg(long, value_name = "FILE", requires = "fleet")]
    pub(crate) services: Option<PathBuf>,
}

/// `locality`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE says where the proxy is, the trafficPolicy of an Istio DestinationRule, and
the endpoints by locality with their health. Loads are Envoy's integers, 0 to
100; a share is the part of all requests. `overspill schema locality` has every
field.

Examples:
  overspill locality examples/checkout/locality.yaml
  overspill locality examples/checkout/locality.yaml --format json |
    jq '.localities[].share'
  overspill schema locality > locality.schema.json")]
pub(crate) struct Locality {
    /// The locality file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `patch`.
#[derive(Debug, Args)]
#[command(after_help = "\
PATCH is a list of operations (RFC 6902), or with --merge a document of the
fields that differ (RFC 7396), null to remove one. It is applied whole or not at
all. This is what overrides are applied with, without their protected fields.
Whole numbers are exact up to 64 bits; beyond, as in every API server, they are
rounded to floating point.

Examples:
  overspill patch gateway.yaml patch.yaml
  overspill patch gateway.yaml fields.yaml --merge
  echo '[{ op: replace, path: /spec/ports/0/port, value: 8443 }]' |
    overspill patch service.yaml -")]
pub(crate) struct Patch {
    /// The document; `-` is standard input.
    #[arg(value_name = "DOC")]
    pub(crate) document: PathBuf,
    /// The patch; `-` is standard input.
    #[arg(value_name = "PATCH")]
    pub(crate) patch: PathBuf,
    /// The patch is a merge patch.
    #[arg(long)]
    pub(crate) merge: bool,
}

/// `render`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILEs hold access points and may hold more; the fleet's files hold zones,
clusters, and the workloads that access points follow. Objects are ordered by
target, then as the templates are. A target on which an override fails gets
nothing, nor does one where two access points would write the same object;
the others are printed all the same, and the exit status is 1. What `check`
refuses is refused here too: nothing is printed, and it is 2.

--explain says why each target is one, and for each field every write that it
had, in order of application: the last is the one that holds.

The files of --out are DIR/TARGET/KIND-NAME.yaml; what else lies there stays.

--east-west shows the gateways, entries and control planes by which the zones
call each other's services of these access points: zones whose AvailabilityZone
has an eastWest address. The values of Istio's charts are comments there, and
DIR/CLUSTER/values-CHART.yaml with --out; the installer does the rest.

Examples:
  overspill render access-point.yaml --fleet fleet.yaml
  overspill render access-point.yaml --fleet fleet.yaml --explain
  overspill render access-point.yaml --fleet fleet.yaml --out rendered/
  overspill render access-point.yaml --fleet fleet.yaml --east-west
  overspill render access-point.yaml --fleet fleet.yaml --target slc-a-1 |
    kubectl diff -f -")]
pub(crate) struct Render {
    /// Files with access points; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Zones, clusters, and workloads that are followed (more than once for several files).
    #[arg(long, value_name = "FLEET", required = true)]
    pub(crate) fleet: Vec<PathBuf>,
    /// Only this target.
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Write files there instead of printing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Say where each field came from.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Instead, what clusters would receive so that zones call each other's services.
    #[arg(long, conflicts_with = "explain")]
    pub(crate) east_west: bool,
}
