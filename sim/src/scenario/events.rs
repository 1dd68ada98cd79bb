//! What happens in a run: faults and operators' actions, as written.
//!
//! One flat mapping per event with a `kind`, so that positions survive; which
//! fields a kind takes is one table here (`EventKind::fields`), and a field
//! of another kind is an error. Targets are paths: a data center `slc`, a zone
//! `slc-a`, a part of it `slc-a/node-2`, `slc-a/gateway-1`, `slc-a/web-1`
//! (a cluster's replicas) or `slc-a/web-1/replica-3`; counted from 1.

use core::time::Duration;

use lb_core::Time;
use lb_core::config::units::{HumanDuration, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{Path, Problem, ScenarioError};
use super::file::ScenarioFile;
use super::target::{LinkEnd, Names, Target};
use super::{Change, Event, Scenario};

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventFile {
    /// Since the start of the run.
    pub at: HumanDuration,
    /// What happens.
    pub kind: EventKind,
    /// To whom: `slc`, `slc-a`, `slc-a/node-2`, `slc-a/gateway-1`, `slc-a/web-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// For how long; to the end of the run where left out.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<HumanDuration>,
    /// `slow`: how many times longer everything takes, in percent of the ordinary time (300 is three times).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub percent: Option<u32>,
    /// `link-loss`, `link-delay`, `partition`: the two ends: zones, data centers or `clients`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<[String; 2]>,
    /// `link-loss`: the share of packets that are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Share>,
    /// `link-delay`: what is added to the delay, one way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<HumanDuration>,
    /// Actions: from the decision until it takes effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<HumanDuration>,
    /// `add-nodes`, `add-gateways`, `flap`: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub count: Option<u32>,
    /// `flap`, `rolling-restart`: from one to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<HumanDuration>,
    /// `rolling-restart`: how long each is drained before it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<HumanDuration>,
    /// `dns-weight`, `gateway-weight`: the new weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 65535))]
    pub weight: Option<u32>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Action: gateways are added to a zone and checked before they get traffic.
    AddGateways,
    /// Action: L4 nodes are added to a zone; routers send them flows after their detection time.
    AddNodes,
    /// Fault: takes packets and answers none, while checks of it and the router see nothing wrong.
    BlackHole,
    /// Fault: stops at once, loses its state, answers nothing; at the end of `for` it starts empty.
    Crash,
    /// Fault: every zone of a data center is lost.
    DataCenterLoss,
    /// Action: operators take the zone's local members out, so that its gateways use remote ones only.
    DisableLocal,
    /// Action: operators take a zone out of DNS.
    DisableZone,
    /// Action: a zone's weight in DNS is set.
    DnsWeight,
    /// Fault: crashes `count` times, one each `every`, for `for` each.
    Flap,
    /// Action: a gateway's weight at the L4 nodes is set.
    GatewayWeight,
    /// Fault: packets between two ends take longer.
    LinkDelay,
    /// Fault: packets between two ends are lost.
    LinkLoss,
    /// Fault: no packets pass between two ends.
    Partition,
    /// Fault: nothing moves, nothing is lost; at the end of `for` it goes on where it stopped.
    Pause,
    /// Action: a zone's gateways are drained and restarted one after the other.
    RollingRestart,
    /// Fault: everything takes longer.
    Slow,
    /// Fault: everything in a zone stops at once and answers nothing.
    ZoneLoss,
}

impl EventKind {
    /// The fields that this kind takes beside `at` and `kind`: those it needs, then those it may have.
    pub(super) const fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AddGateways | Self::AddNodes => (&["target", "count"], &["delay"]),
            Self::BlackHole | Self::Crash | Self::DataCenterLoss | Self::Pause | Self::ZoneLoss => {
                (&["target"], &["for"])
            }
            Self::DisableLocal | Self::DisableZone => (&["target"], &["for", "delay"]),
            Self::DnsWeight | Self::GatewayWeight => (&["target", "weight"], &["delay"]),
            Self::Flap => (&["target", "for", "every", "count"], &[]),
            Self::LinkDelay => (&["between", "extra"], &["for"]),
            Self::LinkLoss => (&["between", "loss"], &["for"]),
            Self::Partition => (&["between"], &["for"]),
            Self::RollingRestart => (&["target", "every", "drain", "for"], &["delay"]),
            Self::Slow => (&["target", "percent"], &["for"]),
        }
    }

    /// Its name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddGateways => "add-gateways",
            Self::AddNodes => "add-nodes",
            Self::BlackHole => "black-hole",
            Self::Crash => "crash",
            Self::DataCenterLoss => "data-center-loss",
            Self::DisableLocal => "disable-local",
            Self::DisableZone => "disable-zone",
            Self::DnsWeight => "dns-weight",
            Self::Flap => "flap",
            Self::GatewayWeight => "gateway-weight",
            Self::LinkDelay => "link-delay",
            Self::LinkLoss => "link-loss",
            Self::Partition => "partition",
            Self::Pause => "pause",
            Self::RollingRestart => "rolling-restart",
            Self::Slow => "slow",
            Self::ZoneLoss => "zone-loss",
        }
    }
}

impl EventFile {
    /// The names of the fields that are given, beside `at` and `kind`.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("target", self.target.is_some()),
            ("for", self.lasting.is_some()),
            ("percent", self.percent.is_some()),
            ("between", self.between.is_some()),
            ("loss", self.loss.is_some()),
            ("extra", self.extra.is_some()),
            ("delay", self.delay.is_some()),
            ("count", self.count.is_some()),
            ("every", self.every.is_some()),
            ("drain", self.drain.is_some()),
            ("weight", self.weight.is_some()),
        ];
        given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name))
    }
}

/// Every event of a file, by time; a repeated one becomes several.
pub(super) fn resolve(file: &ScenarioFile, scenario: &Scenario) -> Result<Vec<Event>, ScenarioError> {
    let names = Names { data_centers: &scenario.data_centers, zones: &scenario.zones };
    let mut events = Vec::new();
    for (index, event) in file.events.iter().enumerate() {
        let path = Path::top().key("events").index(index);
        check_fields(event, &path)?;
        if event.at.duration() >= scenario.duration {
            let end = file.duration.to_string();
            return Err(path.key("at").error(Problem::Late { end }));
        }
        Resolver { names: &names, event, path }.push_to(&mut events)?;
    }
    // Stable: events of one instant keep their order in the file.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

fn check_fields(event: &EventFile, path: &Path) -> Result<(), ScenarioError> {
    let (required, optional) = event.kind.fields();
    if let Some(missing) = required.iter().find(|field| !event.given().any(|given| given == **field)) {
        return Err(path.key(missing).error(Problem::Missing));
    }
    let own = || required.iter().chain(optional).copied();
    match event.given().find(|given| own().all(|field| field != *given)) {
        None => Ok(()),
        Some(given) => {
            let right = own().collect();
            Err(path.key(given).error(Problem::NotOfEvent { kind: event.kind.name(), right }))
        }
    }
}

/// One event on its way.
struct Resolver<'a> {
    names: &'a Names<'a>,
    event: &'a EventFile,
    path: Path,
}

impl Resolver<'_> {
    fn push_to(&self, events: &mut Vec<Event>) -> Result<(), ScenarioError> {
        let event = self.event;
        let decided = Time::ZERO + event.at.duration();
        let at = decided + event.delay.unwrap_or_default().duration();
        let lasting = event.lasting.map(|lasting| lasting.duration());
        let mut push = |at: Time, lasting: Option<Duration>, change| {
            events.push(Event { at, decided, until: lasting.map(|lasting| at + lasting), change });
        };
        match event.kind {
            EventKind::Flap => {
                let (target, every) = (self.part()?, event.every.unwrap_or_default().duration());
                for turn in 0..self.count(COUNT_MAX)? {
                    push(at + every.saturating_mul(turn), lasting, Change::Crash(target));
                }
            }
            EventKind::RollingRestart => {
                let zone = self.zone()?;
                let drain = event.drain.unwrap_or_default().duration();
                let every = event.every.unwrap_or_default().duration();
                for gateway in 0..self.names.zones[zone].gateways {
                    let target = Target::Gateway { zone, gateway: gateway as usize };
                    let begin = at + every.saturating_mul(gateway);
                    let stopped = lasting.unwrap_or_default();
                    push(begin, Some(drain + stopped), Change::Drain(target));
                    push(begin + drain, Some(stopped), Change::Crash(target));
                }
            }
            _ => push(at, lasting, self.change()?),
        }
        Ok(())
    }

    /// The one change of an event that is not repeated.
    fn change(&self) -> Result<Change, ScenarioError> {
        let event = self.event;
        Ok(match event.kind {
            EventKind::AddGateways => {
                Change::AddGateways { zone: self.zone()?, count: self.count(GATEWAYS_MAX)? }
            }
            EventKind::AddNodes => Change::AddNodes { zone: self.zone()?, count: self.count(NODES_MAX)? },
            EventKind::BlackHole => Change::BlackHole(self.node_or_gateway()?),
            EventKind::Crash | EventKind::Flap | EventKind::RollingRestart => Change::Crash(self.part()?),
            EventKind::DataCenterLoss => {
                let data_center = self.names.data_center(self.text());
                let data_center = data_center.map_err(|problem| self.target_error(problem))?;
                Change::ZoneLoss { zones: self.zones_of(data_center) }
            }
            EventKind::DisableLocal => Change::DisableLocal { zone: self.zone()? },
            EventKind::DisableZone => Change::DisableZone { zone: self.zone()? },
            EventKind::DnsWeight => {
                Change::DnsWeight { zone: self.zone()?, weight: u32::from(self.weight()?) }
            }
            EventKind::GatewayWeight => {
                Change::GatewayWeight { target: self.gateway()?, weight: self.weight()? }
            }
            EventKind::LinkDelay => {
                Change::LinkDelay { between: self.ends()?, extra: event.extra.unwrap_or_default().duration() }
            }
            EventKind::LinkLoss => {
                let share = u64::from(event.loss.unwrap_or_default().billionths());
                let loss = u32::try_from(share * u64::from(u32::MAX) / 1_000_000_000).unwrap_or(u32::MAX);
                Change::LinkLoss { between: self.ends()?, loss }
            }
            EventKind::Partition => Change::LinkLoss { between: self.ends()?, loss: u32::MAX },
            EventKind::Pause => Change::Pause(self.part()?),
            EventKind::Slow => {
                let percent = event.percent.unwrap_or(100);
                if !(1..=1_000_000).contains(&percent) {
                    return Err(self.path.key("percent").error(Problem::Range { range: "1 to 1000000" }));
                }
                Change::Slow { target: self.station()?, percent }
            }
            EventKind::ZoneLoss => Change::ZoneLoss { zones: vec![self.zone()?] },
        })
    }

    fn weight(&self) -> Result<u16, ScenarioError> {
        let weight = u16::try_from(self.event.weight.unwrap_or(1));
        weight.map_err(|_| self.path.key("weight").error(Problem::TooLarge { most: "65535" }))
    }

    fn text(&self) -> &str {
        self.event.target.as_deref().unwrap_or_default()
    }

    fn target_error(&self, problem: Problem) -> ScenarioError {
        self.path.key("target").error(problem)
    }

    fn zone(&self) -> Result<usize, ScenarioError> {
        self.names.zone(self.text()).map_err(|problem| self.target_error(problem))
    }

    fn zones_of(&self, data_center: usize) -> Vec<usize> {
        let zones = self.names.zones.iter().enumerate();
        zones.filter(|(_, zone)| zone.data_center == data_center).map(|(index, _)| index).collect()
    }

    fn part(&self) -> Result<Target, ScenarioError> {
        self.names.part(self.text()).map_err(|problem| self.target_error(problem))
    }

    fn part_if(&self, right: &'static str, fits: fn(Target) -> bool) -> Result<Target, ScenarioError> {
        let part = self.part()?;
        if fits(part) {
            return Ok(part);
        }
        let (target, kind) = (self.text().to_owned(), self.event.kind.name());
        Err(self.target_error(Problem::Target { target, kind, right }))
    }

    fn gateway(&self) -> Result<Target, ScenarioError> {
        self.part_if("a gateway such as slc-a/gateway-1", |part| matches!(part, Target::Gateway { .. }))
    }

    fn node_or_gateway(&self) -> Result<Target, ScenarioError> {
        self.part_if("a node or gateway such as slc-a/node-1", |part| {
            matches!(part, Target::Gateway { .. } | Target::Node { .. })
        })
    }

    fn station(&self) -> Result<Target, ScenarioError> {
        self.part_if("a gateway, cluster or replica such as slc-a/gateway-1", |part| {
            !matches!(part, Target::Node { .. })
        })
    }

    fn count(&self, (most, range): (u32, &'static str)) -> Result<u32, ScenarioError> {
        let count = self.event.count.unwrap_or(1);
        if (1..=most).contains(&count) {
            return Ok(count);
        }
        Err(self.path.key("count").error(Problem::Range { range }))
    }

    fn ends(&self) -> Result<[LinkEnd; 2], ScenarioError> {
        let mut ends = [LinkEnd::Clients; 2];
        for (index, name) in self.event.between.iter().flatten().enumerate() {
            let end = self.names.link_end(name);
            ends[index] = end.map_err(|problem| self.path.key("between").index(index).error(problem))?;
        }
        Ok(ends)
    }
}

/// Counts that are possible, and how to say so.
const COUNT_MAX: (u32, &str) = (1_000, "1 to 1000");
const GATEWAYS_MAX: (u32, &str) = (128, "1 to 128");
const NODES_MAX: (u32, &str) = (64, "1 to 64");
