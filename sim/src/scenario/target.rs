//! Whom an event is about, as a path: `slc`, `slc-a`, `slc-a/node-2`,
//! `slc-a/gateway-1`, `slc-a/web-1`, `slc-a/web-1/replica-3`.

use super::Zone;
use super::error::{Problem, nearest};

/// A part of the fleet; positions count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// All replicas of a cluster.
    Cluster {
        /// The zone.
        zone: usize,
        /// The cluster in the zone.
        cluster: usize,
    },
    /// A gateway.
    Gateway {
        /// The zone.
        zone: usize,
        /// The gateway in the zone.
        gateway: usize,
    },
    /// An L4 node.
    Node {
        /// The zone.
        zone: usize,
        /// The node in the zone.
        node: usize,
    },
    /// One replica of a cluster.
    Replica {
        /// The zone.
        zone: usize,
        /// The cluster in the zone.
        cluster: usize,
        /// The replica in the cluster.
        replica: usize,
    },
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkEnd {
    /// All clients, and the name service's checks.
    Clients,
    /// Every zone of a data center.
    DataCenter(usize),
    /// A zone.
    Zone(usize),
}

impl LinkEnd {
    /// Whether the zone is at this end.
    #[must_use]
    pub fn has(self, zones: &[Zone], zone: usize) -> bool {
        match self {
            Self::Clients => false,
            Self::DataCenter(data_center) => zones[zone].data_center == data_center,
            Self::Zone(own) => own == zone,
        }
    }
}

impl Target {
    /// The zone it is in.
    #[must_use]
    pub const fn zone(self) -> usize {
        match self {
            Self::Cluster { zone, .. }
            | Self::Gateway { zone, .. }
            | Self::Node { zone, .. }
            | Self::Replica { zone, .. } => zone,
        }
    }
}

/// What paths are resolved against.
pub(super) struct Names<'a> {
    pub(super) data_centers: &'a [String],
    pub(super) zones: &'a [Zone],
}

impl Names<'_> {
    /// The zone of that name.
    pub(super) fn zone(&self, name: &str) -> Result<usize, Problem> {
        let position = self.zones.iter().position(|zone| zone.name == name);
        position.ok_or_else(|| self.unknown("zone", name, self.zones.iter().map(|zone| zone.name.as_str())))
    }

    /// The data center of that name.
    pub(super) fn data_center(&self, name: &str) -> Result<usize, Problem> {
        let position = self.data_centers.iter().position(|data_center| data_center == name);
        position
            .ok_or_else(|| self.unknown("data center", name, self.data_centers.iter().map(String::as_str)))
    }

    /// One end of a link.
    pub(super) fn link_end(&self, name: &str) -> Result<LinkEnd, Problem> {
        if name == "clients" {
            return Ok(LinkEnd::Clients);
        }
        match self.data_center(name) {
            Ok(data_center) => Ok(LinkEnd::DataCenter(data_center)),
            Err(_) => self.zone(name).map(LinkEnd::Zone),
        }
    }

    /// A part of a zone.
    pub(super) fn part(&self, path: &str) -> Result<Target, Problem> {
        let mut steps = path.split('/');
        let zone = self.zone(steps.next().unwrap_or_default())?;
        let here = &self.zones[zone];
        let part = steps.next().unwrap_or_default();
        let inner = steps.next();
        let numbered = |prefix: &str, text: &str, count: u32| {
            let number = text.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
            number.and_then(|number| number.checked_sub(1)).filter(|&index| index < count as usize)
        };
        let cluster = here.clusters.iter().position(|cluster| cluster.name == part);
        let found = match (cluster, inner) {
            (Some(cluster), None) => Some(Target::Cluster { zone, cluster }),
            (Some(cluster), Some(replica)) => numbered("replica-", replica, here.clusters[cluster].replicas)
                .map(|replica| Target::Replica { zone, cluster, replica }),
            (None, None) => {
                numbered("node-", part, here.nodes).map(|node| Target::Node { zone, node }).or_else(|| {
                    numbered("gateway-", part, here.gateways).map(|gateway| Target::Gateway { zone, gateway })
                })
            }
            (None, Some(_)) => None,
        };
        let parts = || {
            let nodes = (1..=here.nodes).map(|number| format!("node-{number}"));
            let gateways = (1..=here.gateways).map(|number| format!("gateway-{number}"));
            let clusters = here.clusters.iter().map(|cluster| cluster.name.clone());
            nodes
                .chain(gateways)
                .chain(clusters)
                .map(|part| format!("{}/{part}", here.name))
                .collect::<Vec<_>>()
        };
        found
            .filter(|_| steps.next().is_none())
            .ok_or_else(|| self.unknown("part of a zone", path, parts().iter().map(String::as_str)))
    }

    fn unknown<'b>(&self, noun: &'static str, name: &str, known: impl Iterator<Item = &'b str>) -> Problem {
        Problem::UnknownName { noun, name: name.to_owned(), nearest: nearest(name, known).map(str::to_owned) }
    }
}
