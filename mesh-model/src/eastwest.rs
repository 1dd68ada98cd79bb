//! East-west: how services of one zone call those of another, through its gateway and by mutual TLS.
//!
//! The one idea: a zone is a network and has a control plane of its own. Inside
//! it pods reach each other directly, whatever the cluster; into it leads one
//! gateway, which reads the name in the TLS greeting and passes the bytes on. So
//! zones need to know nothing of each other but an address, and a control plane
//! that is lost takes one zone with it:
//!
//! ```text
//!  zone slc-a                                     zone slc-b
//!  primary  slc-a-1 (gateway cluster)             primary  slc-b-1
//!  remote   slc-a-2 ──── istiod of slc-a-1        remote   slc-b-2 ─── istiod of slc-b-1
//!  pod ──────────────── mTLS to slc-b's address ────> 15443 ──> pod of slc-b
//! ```
//!
//! [`plan()`] renders for each cluster:
//! - the namespace of Istio with its network, and who controls it;
//! - in the primary: the gateway's Service, the Gateway that passes TLS on by
//!   name (`AUTO_PASSTHROUGH`), the entrance to istiod for the remotes, strict
//!   mTLS for the mesh, and for each service that another zone has
//!   ([`Exposed`]) a ServiceEntry of the other zones' gateways and, unless the
//!   service has a rule of its own, the DestinationRule that keeps calls in the
//!   zone while it can answer them, then in the region; and the subsets that the
//!   gateway passes on, where it does not see the rule that has them;
//! - [`Charts`]: the values of Istio's Helm charts, in which the rest is said.
//!
//! It leaves to the installer: to run the charts with these values, CRDs and
//! gateway pods among them; one root of trust for all zones (`cacerts`); for
//! each [remote](Role::Primary::remotes) the secret by which the primary reads
//! its API server; nodes whose region label is the zone's `region`. A
//! ServiceEntry of a Service's host and namespace adds to the endpoints that
//! Kubernetes has of it, so both have one name and one namespace, which the primary must have, too; in a zone
//! that has nothing of the service the entry lies in Istio's own namespace, which is there, and is seen by whom
//! the service lets see it. Endpoints are added port by port, by the names of ports. A subset has an entrance of another zone
//! if a DestinationRule there has one of the same name, which the gateway passes on by it: what the subset's
//! pods are is said by the zone that has them. A control plane reads Istio's own kinds from its
//! primary alone: what is written to a remote of them is not heard.
//!
//! [`EastWest::renderings`] is written by [`federation`](crate::federation), with
//! the zone as the owner. A drained zone is called by no other one. What it costs a gateway to have
//! every service twice is [`footprint`](crate::footprint)'s to say.
//!
//! Sources: istio.io, multi-primary and primary-remote on different networks;
//! istio/istio `samples/multicluster`, `pilot/pkg/networking/core/cluster.go`.

mod exposed;
mod install;
mod objects;
mod subsets;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use crate::fleet::{Cluster, Fleet, Zone};
use crate::name::Name;
use crate::render::Rendering;

pub use exposed::{Exposed, ExposedPort, Ruled, Subset};
pub use install::Charts;

/// The label of all that is rendered here; its value is the zone.
pub const EAST_WEST_LABEL: &str = "overspill.dev/east-west";
/// The port on which an east-west gateway passes TLS on by name.
pub const PASS_PORT: u16 = 15_443;

/// What all zones have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// Istio's mesh id.
    pub id: Name,
    /// The namespace of Istio's control plane, which is also the mesh's root namespace.
    pub namespace: Name,
}

impl Default for Mesh {
    /// Mesh `overspill` in `istio-system`.
    fn default() -> Self {
        let name = |text: &str| text.parse().expect("a DNS label");
        Self { id: name("overspill"), namespace: name("istio-system") }
    }
}

/// What every cluster of zones with an entrance is to have.
///
/// ```
/// use mesh_model::eastwest::{Mesh, Role, plan};
/// use mesh_model::fleet::Fleet;
///
/// # let frame = |kind: &str, name: &str, spec: &str| format!(
/// #     "{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, metadata: {{ name: {name} }}, spec: {spec} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "slc-a", "{ region: us-west, eastWest: { addresses: [198.51.100.1] } }"))?;
/// # let one = serde_saphyr::from_str(&frame("Cluster", "slc-a-1", "{ zone: slc-a, gateway: true }"))?;
/// # let two = serde_saphyr::from_str(&frame("Cluster", "slc-a-2", "{ zone: slc-a }"))?;
/// let fleet = Fleet::new(vec![zone], vec![one, two])?; // slc-a with an eastWest address; slc-a-1 is its gateway cluster
/// let plan = plan(&fleet, &Mesh::default(), &[]).expect("nothing contradicts");
/// assert!(matches!(&plan.clusters[0].role, Role::Primary { remotes } if remotes[0] == *"slc-a-2"));
/// assert_eq!(plan.clusters[1].charts.istiod["global"]["remotePilotAddress"], "198.51.100.1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EastWest {
    /// By zone, the primary first, then by name.
    pub clusters: Vec<ClusterPlan>,
    /// Services that a zone does not call in others, or not on every port, and why; by zone, then host.
    pub left_out: Vec<LeftOut>,
}

/// What one cluster is to have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterPlan {
    /// Its zone, and so its network.
    pub zone: Name,
    /// The cluster.
    pub cluster: Name,
    /// What it is in its zone's control plane.
    #[serde(flatten)]
    pub role: Role,
    /// Objects to write, in this order.
    pub objects: Vec<Value>,
    /// Values for Istio's charts.
    pub charts: Charts,
}

/// What a cluster is in the control plane of its zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "role", rename_all = "camelCase")]
pub enum Role {
    /// Its istiod serves the zone, and reads the API servers of the remotes.
    Primary {
        /// The other clusters of the zone; of each the installer gives the primary a secret.
        remotes: Vec<Name>,
    },
    /// It is served by the primary's istiod.
    Remote {
        /// The gateway cluster of the zone.
        primary: Name,
        /// Where it reaches that istiod: the zone's entrance.
        address: IpAddr,
    },
}

/// A service that a zone does not call in others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// The zone.
    pub zone: Name,
    /// The service.
    pub host: String,
    /// Why, and what to do.
    #[serde(serialize_with = "as_text")]
    pub reason: LeftOutReason,
}

/// Why a service, one of its ports or one of its subsets, is not called in other zones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum LeftOutReason {
    /// The gateways pass on nothing that they do not see.
    #[error(
        "no other zone is called: its exportTo hides it from `{0}`, where the gateways are that pass its calls on; add that namespace to exportTo"
    )]
    Hidden(Name),
    /// Endpoints of all zones would be equal, and calls leave the zone for no reason.
    #[error(
        "no other zone is called: its DestinationRule has no outlierDetection, or one of its portLevelSettings, which inherit none: calls inside the zone would go to other zones too; add it"
    )]
    NoOutlierDetection,
    /// Endpoints are matched by the names of ports, and an entry must give one.
    #[error(
        "no other zone is called: port {0} has no name, by which the endpoints of other zones are matched; name it in the Service"
    )]
    NamelessPort(u16),
    /// The gateway passes on mutual TLS of the mesh alone.
    #[error(
        "no other zone is called: its DestinationRule sets another TLS than ISTIO_MUTUAL, which no east-west gateway passes on"
    )]
    OtherTls,
    /// The subset's name is in the TLS greeting, and the other zone's gateway passes it on only if it knows it.
    #[error(
        "calls to subset `{subset}` do not go to zone `{zone}`, where no DestinationRule has it; write the subset there too"
    )]
    NoSubset {
        /// The subset.
        subset: Box<str>,
        /// The zone that lacks it.
        zone: Name,
    },
    /// The same where every endpoint is in the subset, also that of the other zone, which would cut its calls off.
    #[error(
        "zone `{zone}` is not called: it would get calls to subset `{subset}`, which endpoints of all zones are in, and no DestinationRule there has it; write the subset there too"
    )]
    CutSubset {
        /// The subset.
        subset: Box<str>,
        /// The zone that lacks it.
        zone: Name,
    },
}

/// A zone whose entrance cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AvailabilityZone/{zone}: {problem}")]
pub struct EastWestError {
    /// The zone.
    pub zone: Name,
    /// What is wrong with it.
    pub problem: EastWestProblem,
}

/// What is wrong with a zone's entrance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EastWestProblem {
    /// Nothing can stand behind the address.
    #[error(
        "it has an eastWest address and no gateway cluster; write `gateway: true` on one of its clusters, or leave eastWest out"
    )]
    NoGatewayCluster,
    /// A cluster whose pods the others do not reach.
    #[error(
        "cluster `{cluster}` is of network `{found}`, its zone of `{wanted}`: inside a zone calls go direct; leave its network out, or put it into a zone of its own"
    )]
    OtherNetwork {
        /// The cluster.
        cluster: Name,
        /// Its network.
        found: Name,
        /// The gateway cluster's.
        wanted: Name,
    },
    /// Two entrances that cannot be told apart.
    #[error("{address} is the eastWest address of zone `{other}` too; each zone needs its own")]
    SameAddress {
        /// The address.
        address: IpAddr,
        /// The zone that has it, too.
        other: Name,
    },
    /// Two zones that need no gateway between them, and have one.
    #[error(
        "it is of network `{network}`, as zone `{other}` is: inside a network calls go direct; give each zone its own, or leave eastWest out of one"
    )]
    SameNetwork {
        /// The network.
        network: Name,
        /// The zone that is of it, too.
        other: Name,
    },
}

/// A zone with an entrance, its clusters, and the one of them that controls it.
struct Member<'a> {
    zone: &'a Zone,
    primary: &'a Cluster,
    remotes: Vec<&'a Cluster>,
}

/// What each cluster is to have, so that zones call each other's services.
///
/// Zones without an `eastWest` address take no part. The order of `exposed`
/// does not matter.
///
/// # Errors
///
/// Everything that contradicts itself, zone by zone; then nothing is rendered,
/// for a zone that fell out would be taken from all others.
pub fn plan(fleet: &Fleet, mesh: &Mesh, exposed: &[Exposed]) -> Result<EastWest, Vec<EastWestError>> {
    let members = members(fleet)?;
    let mut plan = EastWest::default();
    for member in &members {
        let Member { zone, primary, remotes } = member;
        let mut objects = objects::primary(member, mesh);
        let entries = objects::entries(member, &members, mesh, exposed, &mut plan.left_out);
        objects.extend(entries);
        plan.clusters.push(ClusterPlan {
            zone: zone.name.clone(),
            cluster: primary.name.clone(),
            role: Role::Primary { remotes: remotes.iter().map(|cluster| cluster.name.clone()).collect() },
            objects,
            charts: install::primary(member, mesh),
        });
        for cluster in remotes {
            let address = member.address();
            plan.clusters.push(ClusterPlan {
                zone: zone.name.clone(),
                cluster: cluster.name.clone(),
                role: Role::Remote { primary: primary.name.clone(), address },
                objects: vec![objects::remote_namespace(member, mesh)],
                charts: install::remote(cluster, address, mesh),
            });
        }
    }
    plan.left_out.sort();
    Ok(plan)
}

impl EastWest {
    /// The same as what targets receive, so that it can be counted and compared.
    #[must_use]
    pub fn renderings(&self) -> Vec<Rendering> {
        let rendering = |plan: &ClusterPlan| Rendering {
            target: plan.cluster.clone(),
            objects: plan.objects.clone(),
            errors: Vec::new(),
            trace: Vec::new(),
        };
        self.clusters.iter().map(rendering).collect()
    }
}

impl Member<'_> {
    /// Where other zones reach it, and its own remotes istiod: of two families the first, for a gateway is not two.
    fn address(&self) -> IpAddr {
        *self.zone.east_west.first().expect("a member has an address")
    }

    fn is_drained(&self) -> bool {
        self.zone.drain || self.primary.drain
    }
}

/// The zones with an entrance, by name, or all that is wrong with them.
fn members(fleet: &Fleet) -> Result<Vec<Member<'_>>, Vec<EastWestError>> {
    let mut errors = Vec::new();
    let mut members = Vec::new();
    let mut networks: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut addresses: BTreeMap<IpAddr, &Name> = BTreeMap::new();
    for zone in fleet.zones().filter(|zone| !zone.east_west.is_empty()) {
        let mut wrong = |problem| errors.push(EastWestError { zone: zone.name.clone(), problem });
        for address in &zone.east_west {
            if let Some(other) = addresses.insert(*address, &zone.name) {
                wrong(EastWestProblem::SameAddress { address: *address, other: other.clone() });
            }
        }
        let Some(primary) = zone.gateway.as_ref().and_then(|name| fleet.cluster(name.as_str())) else {
            wrong(EastWestProblem::NoGatewayCluster);
            continue;
        };
        if let Some(other) = networks.insert(&primary.network, &zone.name) {
            wrong(EastWestProblem::SameNetwork { network: primary.network.clone(), other: other.clone() });
        }
        let remotes: Vec<&Cluster> =
            fleet.clusters().filter(|cluster| cluster.zone == zone.name && !cluster.is_gateway).collect();
        for cluster in remotes.iter().filter(|cluster| cluster.network != primary.network) {
            wrong(EastWestProblem::OtherNetwork {
                cluster: cluster.name.clone(),
                found: cluster.network.clone(),
                wanted: primary.network.clone(),
            });
        }
        members.push(Member { zone, primary, remotes });
    }
    if errors.is_empty() { Ok(members) } else { Err(errors) }
}

fn as_text<T: std::fmt::Display, S: serde::Serializer>(text: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(text)
}

#[cfg(test)]
mod tests;
