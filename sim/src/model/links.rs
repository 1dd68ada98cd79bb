//! The network between clients and zones, and between zones: delay and loss.

use core::time::Duration;

use crate::random::Stream;
use crate::scenario::{LinkEnd, Network, Scenario, Zone};

/// Who is at an end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Clients,
    Zone(u16),
}

/// One-way delays and losses, with the faults that are in force.
#[derive(Debug)]
pub(super) struct Links {
    network: Network,
    /// The data center of each zone.
    data_centers: Vec<usize>,
    /// By client-or-zone times client-or-zone (clients first): the sum of what is in force.
    extra: Vec<Duration>,
    /// The same: chances of loss in 1/2^32, the greatest in force.
    loss: Vec<u32>,
    faults: Vec<(usize, LinkFault)>,
    stream: Stream,
}

/// A fault of the paths between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkFault {
    pub(super) between: [LinkEnd; 2],
    pub(super) extra: Duration,
    pub(super) loss: u32,
}

impl Links {
    pub(super) fn new(scenario: &Scenario, stream: Stream) -> Self {
        let size = (scenario.zones.len() + 1) * (scenario.zones.len() + 1);
        Self {
            network: scenario.network,
            data_centers: scenario.zones.iter().map(|zone| zone.data_center).collect(),
            extra: vec![Duration::ZERO; size],
            loss: vec![0; size],
            faults: Vec::new(),
            stream,
        }
    }

    /// How long a packet takes.
    pub(super) fn delay(&self, from: Place, to: Place) -> Duration {
        let base = match (from, to) {
            (Place::Clients, _) | (_, Place::Clients) => self.network.clients,
            (Place::Zone(from), Place::Zone(to)) if from == to => self.network.same_zone,
            (Place::Zone(from), Place::Zone(to)) => {
                if self.data_centers[usize::from(from)] == self.data_centers[usize::from(to)] {
                    self.network.same_data_center
                } else {
                    self.network.between_data_centers
                }
            }
        };
        base + self.extra[self.cell(from, to)]
    }

    /// Whether a packet is lost; draws only where a loss is in force.
    pub(super) fn loses(&mut self, from: Place, to: Place) -> bool {
        let loss = self.loss[self.cell(from, to)];
        loss == u32::MAX || loss > 0 && (self.stream.next_u64() >> 32) < u64::from(loss)
    }

    /// Begins a fault under a name, or ends it.
    pub(super) fn set_fault(&mut self, name: usize, fault: Option<LinkFault>, zones: &[Zone]) {
        self.faults.retain(|(other, _)| *other != name);
        self.faults.extend(fault.map(|fault| (name, fault)));
        self.extra.fill(Duration::ZERO);
        self.loss.fill(0);
        let places = zones.len() + 1;
        let at = |end: LinkEnd, place: usize| match place.checked_sub(1) {
            None => end == LinkEnd::Clients,
            Some(zone) => end.has(zones, zone),
        };
        for (_, fault) in &self.faults {
            let [one, other] = fault.between;
            for cell in 0..places * places {
                let (from, to) = (cell / places, cell % places);
                if at(one, from) && at(other, to) || at(other, from) && at(one, to) {
                    self.extra[cell] += fault.extra;
                    self.loss[cell] = self.loss[cell].max(fault.loss);
                }
            }
        }
    }

    fn cell(&self, from: Place, to: Place) -> usize {
        let index = |place| match place {
            Place::Clients => 0,
            Place::Zone(zone) => usize::from(zone) + 1,
        };
        index(from) * (self.data_centers.len() + 1) + index(to)
    }
}
