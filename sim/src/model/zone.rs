//! One zone's state: its way in, its gateways, its replicas.

use lb_core::Time;
use lb_core::health::{BackendHealth, ServiceHealth};

use super::front::Front;
use super::happening::{StationId, Try};
use crate::engine::EventId;
use crate::scenario::{DisciplineFile, StationKind};
use crate::station::{Discipline, Station, StationConfig};

/// One zone.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) front: Front,
    /// The health machines of each node.
    pub(super) health: Vec<NodeHealth>,
    pub(super) gateways: Vec<StationSlot>,
    pub(super) replicas: Vec<StationSlot>,
    /// Where each cluster's replicas begin in `replicas`, and one end more.
    pub(super) clusters: Vec<usize>,
    /// Replicas that gateways know.
    pub(super) endpoints: Vec<u16>,
    /// Everything in it has stopped.
    pub(super) lost: bool,
    /// Operators have taken its local members out.
    pub(super) local_disabled: bool,
}

/// A node's health machines.
#[derive(Debug)]
pub(super) struct NodeHealth {
    /// Counts the node's lives, so that answers to an old one's checks are known as such.
    pub(super) life: u16,
    /// One for each gateway, with its timer.
    pub(super) gateways: Vec<(BackendHealth, Option<(Time, EventId)>)>,
    pub(super) service: ServiceHealth,
}

/// A gateway or replica.
#[derive(Debug)]
pub(super) struct StationSlot {
    pub(super) station: Station<Try>,
    pub(super) kind: usize,
    pub(super) timer: Option<(Time, EventId)>,
    /// Counts its starts: connections of an old life are unknown to it.
    pub(super) life: u16,
    /// It takes data and answers nothing.
    pub(super) black_hole: bool,
    /// Everything takes so many percent of its time.
    pub(super) percent: u32,
    /// The busy area at the last measurement.
    pub(super) busy_before: u128,
}

impl StationSlot {
    pub(super) fn new(kind: usize, station: &StationKind) -> Self {
        let config = StationConfig {
            servers: station.servers,
            discipline: match station.discipline {
                DisciplineFile::Fifo => Discipline::Fifo,
                DisciplineFile::ProcessorSharing => Discipline::ProcessorSharing,
            },
            queue_limit: station.queue_limit.unwrap_or(u32::MAX),
            timeout: station.timeout,
        };
        Self {
            station: Station::new(config),
            kind,
            timer: None,
            life: 0,
            black_hole: false,
            percent: 100,
            busy_before: 0,
        }
    }
}

impl Zone {
    /// A station of the zone.
    pub(super) fn station_mut(&mut self, id: StationId) -> Option<&mut StationSlot> {
        let slots = if id.is_gateway { &mut self.gateways } else { &mut self.replicas };
        slots.get_mut(usize::from(id.index))
    }
}
