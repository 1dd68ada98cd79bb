//! What a run tells while it runs: events, samples, progress.
//!
//! The one who runs it implements [`Observer`] and writes files, draws bars or
//! does nothing (`()` is an observer). Nothing here is written anywhere.

use std::borrow::Cow;

use lb_core::Time;
use lb_core::health::{Cause as HealthCause, HealthState, ServiceState};
use serde::Serialize;

use crate::model::Cause;
use crate::scenario::{Change, Event, LinkEnd, Scenario, Target};

/// Watches a run.
pub trait Observer {
    /// Something worth a line of the event log.
    fn event(&mut self, record: &Record<'_>) {
        let _ = record;
    }

    /// One value of a time series.
    fn sample(&mut self, sample: &Sample<'_>) {
        let _ = sample;
    }

    /// Simulated time has reached `now`, of `end`; about a thousand times a run.
    fn progress(&mut self, now: Time, end: Time) {
        let _ = (now, end);
    }
}

/// Watches nothing.
impl Observer for () {}

/// One value of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample<'a> {
    /// The end of the interval, in seconds since the start.
    pub t_s: f64,
    /// The zone; empty for the whole fleet.
    pub zone: &'a str,
    /// What was measured, with its unit.
    pub metric: &'static str,
    /// How much.
    pub value: f64,
}

/// One line of the event log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record<'a> {
    /// Seconds since the start.
    pub t_s: f64,
    /// What happened.
    pub kind: &'static str,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'a str>,
    /// Which L4 node of the zone, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<u16>,
    /// Which gateway of the zone, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<u16>,
    /// The new state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// Whom it is about, where that is more than one thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    fn new(now: Time, kind: &'static str) -> Self {
        let t_s = now.as_secs_f64();
        Self { t_s, kind, zone: None, node: None, gateway: None, state: None, cause: None, target: None }
    }

    /// A connection ended before its time.
    pub(crate) fn connection_broken(
        now: Time,
        zone: &'a str,
        node: Option<u16>,
        established: bool,
        cause: Cause,
    ) -> Self {
        let state = Some(if established { "established" } else { "opening" });
        let node = node.map(|node| node + 1);
        let base = Self::new(now, "connection_broken");
        Self { zone: Some(zone), node, state, cause: Some(cause.name()), ..base }
    }

    /// A node's machine changed its mind about a gateway.
    pub(crate) fn gateway_health(
        now: Time,
        zone: &'a str,
        node: u16,
        gateway: u16,
        state: HealthState,
        cause: HealthCause,
    ) -> Self {
        Self {
            zone: Some(zone),
            node: Some(node + 1),
            gateway: Some(gateway + 1),
            state: Some(match state {
                HealthState::Disabled => "disabled",
                HealthState::Down => "down",
                HealthState::Recovering { .. } => "recovering",
                HealthState::Suspect { .. } => "suspect",
                HealthState::Unknown => "unknown",
                HealthState::Up => "up",
            }),
            cause: Some(match cause {
                HealthCause::Command => "command",
                HealthCause::Observed(_) => "observed",
                HealthCause::ProbeFailed(_) => "probe_failed",
                HealthCause::ProbeSucceeded => "probe_succeeded",
                HealthCause::Started => "started",
            }),
            ..Self::new(now, "gateway_health")
        }
    }

    /// A node's service machine changed its state.
    pub(crate) fn node_service(now: Time, zone: &'a str, node: u16, state: ServiceState) -> Self {
        let state = Some(service_state(state));
        Self { zone: Some(zone), node: Some(node + 1), state, ..Self::new(now, "node_service") }
    }

    /// The name service's machine for a zone changed its state.
    pub(crate) fn zone_health(now: Time, zone: &'a str, state: ServiceState) -> Self {
        Self { zone: Some(zone), state: Some(service_state(state)), ..Self::new(now, "zone_health") }
    }

    /// The name service began or ceased to name a zone.
    pub(crate) fn names(now: Time, zone: &'a str, named: bool) -> Self {
        let state = Some(if named { "named" } else { "not_named" });
        Self { zone: Some(zone), state, ..Self::new(now, "dns") }
    }

    /// A router changed the nodes it sends packets to.
    pub(crate) fn routes(now: Time, zone: &'a str, hops: &[u16]) -> Self {
        let hops: Vec<String> = hops.iter().map(|hop| format!("node-{}", hop + 1)).collect();
        Self { zone: Some(zone), target: Some(hops.join(" ").into()), ..Self::new(now, "routes") }
    }

    /// A scenario's event begins or ends.
    pub(crate) fn change(now: Time, scenario: &'a Scenario, event: &Event, begins: bool) -> Self {
        let zone = |zone: usize| Cow::Borrowed(scenario.zones[zone].name.as_str());
        let ends = |between: &[LinkEnd; 2]| {
            let [one, other] = between.map(|end| end_name(scenario, end));
            Cow::Owned(format!("{one} {other}"))
        };
        let (kind, target) = match &event.change {
            Change::AddGateways { zone: index, .. } => ("add_gateways", zone(*index)),
            Change::AddNodes { zone: index, .. } => ("add_nodes", zone(*index)),
            Change::BlackHole(target) => ("black_hole", target_name(scenario, *target)),
            Change::Crash(target) => ("crash", target_name(scenario, *target)),
            Change::DisableLocal { zone: index } => ("disable_local", zone(*index)),
            Change::DisableZone { zone: index } => ("disable_zone", zone(*index)),
            Change::DnsWeight { zone: index, .. } => ("dns_weight", zone(*index)),
            Change::Drain(target) => ("drain", target_name(scenario, *target)),
            Change::GatewayWeight { target, .. } => ("gateway_weight", target_name(scenario, *target)),
            Change::LinkDelay { between, .. } => ("link_delay", ends(between)),
            Change::LinkLoss { between, .. } => ("link_loss", ends(between)),
            Change::Pause(target) => ("pause", target_name(scenario, *target)),
            Change::Slow { target, .. } => ("slow", target_name(scenario, *target)),
            Change::ZoneLoss { zones } => {
                let names: Vec<_> = zones.iter().map(|index| scenario.zones[*index].name.as_str()).collect();
                ("zone_loss", Cow::Owned(names.join(" ")))
            }
        };
        let state = Some(if begins { "begin" } else { "end" });
        Self { target: Some(target), state, ..Self::new(now, kind) }
    }
}

fn service_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Down => "down",
        ServiceState::Panic => "panic",
        ServiceState::Unknown => "unknown",
        ServiceState::Up => "up",
    }
}

fn end_name(scenario: &Scenario, end: LinkEnd) -> &str {
    match end {
        LinkEnd::Clients => "clients",
        LinkEnd::DataCenter(index) => &scenario.data_centers[index],
        LinkEnd::Zone(index) => &scenario.zones[index].name,
    }
}

fn target_name(scenario: &Scenario, target: Target) -> Cow<'_, str> {
    let zone = &scenario.zones[target.zone()];
    Cow::Owned(match target {
        Target::Cluster { cluster, .. } => format!("{}/{}", zone.name, zone.clusters[cluster].name),
        Target::Gateway { gateway, .. } => format!("{}/gateway-{}", zone.name, gateway + 1),
        Target::Node { node, .. } => format!("{}/node-{}", zone.name, node + 1),
        Target::Replica { cluster, replica, .. } => {
            format!("{}/{}/replica-{}", zone.name, zone.clusters[cluster].name, replica + 1)
        }
    })
}
