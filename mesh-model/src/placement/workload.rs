//! A workload in many clusters, as far as an access point follows it.

use std::collections::BTreeMap;

use crate::api::{self, FieldPath, Problem, SpecError, repeated};
use crate::labels::check_marks;
use crate::name::Name;

/// Where a workload is wanted, and where it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The team's namespace.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
    /// Replicas that are wanted, by cluster; never 0.
    wanted: BTreeMap<Name, u32>,
    /// Replicas that exist and those that take traffic, by cluster.
    seen: BTreeMap<Name, (u32, u32)>,
}

/// A workload in one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is not wanted there and has replicas there.
    Leaving {
        /// How many.
        replicas: u32,
    },
    /// It is not wanted there and was seen to have no replicas.
    Left,
    /// It is not wanted there, and nobody looked.
    Unseen,
    /// It is wanted there.
    Wanted,
}

impl Workload {
    /// What is known of it in a cluster.
    #[must_use]
    pub fn presence(&self, cluster: &Name) -> Presence {
        match (self.wanted.contains_key(cluster), self.seen.get(cluster)) {
            (true, _) => Presence::Wanted,
            (false, None) => Presence::Unseen,
            (false, Some((0, _))) => Presence::Left,
            (false, Some((replicas, _))) => Presence::Leaving { replicas: *replicas },
        }
    }

    /// The clusters that it is wanted in, by name, whether the fleet has them or not.
    pub fn clusters(&self) -> impl Iterator<Item = &Name> {
        self.wanted.keys()
    }

    /// The replicas that are wanted in a cluster.
    #[must_use]
    pub fn wanted(&self, cluster: &Name) -> u32 {
        self.wanted.get(cluster).copied().unwrap_or(0)
    }

    /// The replicas that take traffic in a cluster, if somebody looked.
    #[must_use]
    pub fn ready(&self, cluster: &Name) -> Option<u32> {
        self.seen.get(cluster).map(|(_, ready)| *ready)
    }
}

impl TryFrom<api::FederatedDeployment> for Workload {
    type Error = SpecError;

    fn try_from(object: api::FederatedDeployment) -> Result<Self, SpecError> {
        let top = FieldPath::default();
        let metadata = object.metadata;
        let Some(namespace) = metadata.namespace else {
            return Err(top.field("metadata").field("namespace").wrong(Problem::Namespace { wanted: true }));
        };
        check_marks(&metadata.labels, &metadata.annotations, &top.field("metadata"))?;
        let clusters = object.spec.placement.clusters;
        let seen = object.status.unwrap_or_default().clusters;
        let twice = |names: Vec<&Name>, path: &FieldPath| {
            let Some((position, first)) = repeated(&names) else { return Ok(()) };
            let name = names[first].to_string();
            Err(path.item(position).field("name").wrong(Problem::Duplicate { name, first }))
        };
        let at = top.field("spec").field("placement").field("clusters");
        twice(clusters.iter().map(|one| &one.name).collect(), &at)?;
        twice(seen.iter().map(|one| &one.name).collect(), &top.field("status").field("clusters"))?;
        Ok(Self {
            namespace,
            name: metadata.name,
            wanted: clusters
                .into_iter()
                .filter(|one| one.replicas > 0)
                .map(|one| (one.name, one.replicas))
                .collect(),
            seen: seen.into_iter().map(|one| (one.name, (one.replicas, one.ready))).collect(),
        })
    }
}
