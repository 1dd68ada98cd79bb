//! What happens in a run: faults and operators' actions, as written.
//!
//! One flat mapping per event with a `kind`, so that positions survive; which
//! fields a kind takes is one table here ([`EventKind::fields`]), and a field
//! of another kind is an error. Targets are paths: a data center `slc`, a zone
//! `slc-a`, a part of it `slc-a/node-2`, `slc-a/gateway-1`, `slc-a/web-1`
//! (a cluster's replicas) or `slc-a/web-1/replica-3`; counted from 1.

use lb_core::config::units::{HumanDuration, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A field of [`EventFile`] beside `at` and `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

const fn required(name: &'static str) -> Field {
    Field { name, required: true }
}

const fn optional(name: &'static str) -> Field {
    Field { name, required: false }
}

impl EventKind {
    /// The fields that this kind takes.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::AddGateways | Self::AddNodes => &[required("target"), required("count"), optional("delay")],
            Self::BlackHole | Self::Crash | Self::DataCenterLoss | Self::Pause | Self::ZoneLoss => {
                &[required("target"), optional("for")]
            }
            Self::DisableLocal | Self::DisableZone => {
                &[required("target"), optional("for"), optional("delay")]
            }
            Self::DnsWeight | Self::GatewayWeight => {
                &[required("target"), required("weight"), optional("delay")]
            }
            Self::Flap => &[required("target"), required("for"), required("every"), required("count")],
            Self::LinkDelay => &[required("between"), required("extra"), optional("for")],
            Self::LinkLoss => &[required("between"), required("loss"), optional("for")],
            Self::Partition => &[required("between"), optional("for")],
            Self::RollingRestart => {
                &[required("target"), required("every"), required("drain"), required("for"), optional("delay")]
            }
            Self::Slow => &[required("target"), required("percent"), optional("for")],
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
