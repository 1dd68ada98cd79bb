//! What a change moves, and what was said to that: for people and in the document.

use std::io;

use mesh_model::api::{PlacementLevel, TrafficSpec};
use mesh_model::name::Name;
use mesh_model::traffic::{
    Demands, DrainChange, Order, Outlook, PlacementChange, PolicyChange, Record, Refused, Room, Shift,
    Shifted, Steered, Verdict,
};
use mesh_model::units::Rate;
use serde::Serialize;

use crate::numbers::counted;
use crate::output::Output;

/// What is moved and whether the rest bears it.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    drains: Vec<DrainChange>,
    policies: Vec<PolicyChange>,
    placements: Vec<PlacementChange>,
    verdict: Verdict,
    /// What speaks against it, whether or not that is overruled.
    problems: Vec<String>,
    /// What clusters would carry that now carry something else; empty where no drain begins.
    clusters: Vec<Shifted>,
    /// Requests that nobody would take.
    lost: Rate,
    /// Clusters of which nobody says what they carry.
    unmeasured: Vec<Name>,
    /// Clusters that would carry more, of which nobody says how much they can bear.
    unbounded: Vec<Name>,
    unreachable: Vec<Name>,
    /// What is left of the capacity of regions that are drained of something.
    rooms: Vec<Room>,
    /// What is to be kept of it, if somebody orders it, it moves anything and it is not refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
}

impl Moved {
    /// What is moved; with an order, what is to be kept of it, too.
    pub(super) fn between(
        before: Steered<'_>,
        after: Steered<'_>,
        placements: Vec<PlacementChange>,
        force: bool,
        order: Option<Order>,
    ) -> Result<Self, Refused> {
        let shift = Shift { placements, ..Shift::between(before, after) };
        // what is so already is no doing of this change
        let loads = before.fleet.loads().or_else(|| after.fleet.loads()).unwrap_or_default();
        let outlook = if shift.begins_drain() { Outlook::of(after, &loads) } else { Outlook::default() };
        // what begins where of one access point's requests is in no file
        let (verdict, problems) = shift.verdict(after, (&loads, &Demands::new()), &outlook, force);
        let order = order.filter(|_| !matches!(verdict, Verdict::Nothing | Verdict::Refused));
        let record = order.map(|order| shift.order(order, after, &loads, &Demands::new())).transpose()?;
        let problems = problems.iter().map(ToString::to_string).collect();
        let Shift { drains, policies, placements } = shift;
        let Outlook { clusters, lost, unmeasured, unbounded, unreachable, rooms, .. } = outlook;
        Ok(Self {
            drains,
            policies,
            placements,
            verdict,
            problems,
            clusters,
            lost,
            unmeasured,
            unbounded,
            unreachable,
            rooms,
            record,
        })
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(super) fn show(&self, is_all: bool, out: &mut Output) -> io::Result<()> {
        for DrainChange { level, name, drain } in &self.drains {
            let level = match level {
                PlacementLevel::Cluster => "cluster",
                PlacementLevel::Zone => "zone",
            };
            out.told(&format!("drain of {level} {name} {}", if *drain { "begins" } else { "ends" }))?;
        }
        for PolicyChange { namespace, name, before, after } in &self.policies {
            let [before, after] = [before, after].map(policy);
            out.told(&format!("traffic of {namespace}/{name}: {before}, then {after}"))?;
        }
        for PlacementChange { namespace, name, joins, leaves } in &self.placements {
            for (what, targets) in [("gets", joins), ("leaves", leaves)] {
                let targets: Vec<&str> = targets.iter().map(Name::as_str).collect();
                if !targets.is_empty() {
                    out.told(&format!("{namespace}/{name} {what} {}", targets.join(", ")))?;
                }
            }
        }
        match self.verdict {
            Verdict::Nothing if is_all => out.told("no traffic is moved"),
            Verdict::Nothing => Ok(()),
            Verdict::Borne if self.clusters.is_empty() => Ok(()),
            Verdict::Borne => out.told(&format!("the rest bears it{}", self.fullest())),
            Verdict::Unknown => out.told(&self.unknown()),
            Verdict::Forced => out.told(&format!("forced: {}", self.problems.join("; "))),
            Verdict::Refused => out.told(&format!("refused: {} with --force", self.problems.join("; "))),
        }
    }

    /// The cluster that would have least left.
    fn fullest(&self) -> String {
        let part = |one: &Shifted| {
            let capacity = one.capacity?.as_per_second();
            (u128::from(one.after.as_per_second()) * 1_000_000).checked_div(u128::from(capacity))
        };
        let grown = self.clusters.iter().filter(|one| one.after > one.before);
        let fullest = grown.max_by_key(|one| part(one).unwrap_or(0));
        let told = |one: &Shifted| {
            let capacity = one.capacity.unwrap_or_default();
            format!("; the fullest is {} with {} of {capacity}", one.cluster, one.after)
        };
        fullest.map(told).unwrap_or_default()
    }

    fn unknown(&self) -> String {
        let mut reasons = Vec::new();
        if !self.unmeasured.is_empty() {
            let clusters = clusters(&self.unmeasured);
            reasons.push(format!("nobody says what {clusters} carries (status.requests)"));
        }
        if !self.unbounded.is_empty() {
            let clusters = clusters(&self.unbounded);
            reasons.push(format!("nobody says what {clusters} can bear (capacity.requests)"));
        }
        if !self.unreachable.is_empty() {
            let clusters = clusters(&self.unreachable);
            reasons.push(format!("{clusters} does not answer (status.reachability)"));
        }
        if !self.policies.is_empty() {
            reasons.push("what begins where of these requests is in no file".to_owned());
        }
        for change in self.placements.iter().filter(|change| !change.leaves.is_empty()) {
            let PlacementChange { namespace, name, .. } = change;
            reasons.push(format!("what {namespace}/{name} carries where it leaves is in no file"));
        }
        let room = |Room { region, left, whole }: &Room| format!("{region} keeps {left} of {whole}");
        let rooms: Vec<String> = self.rooms.iter().map(room).collect();
        let rooms = if rooms.is_empty() { String::new() } else { format!("; {}", rooms.join(", ")) };
        format!("whether the rest bears it is not known: {}{rooms}", reasons.join("; "))
    }
}

fn clusters(names: &[Name]) -> String {
    match names {
        [one] => format!("cluster {one}"),
        [first, ..] => format!("each of {}, {first} first,", counted(names.len(), "cluster")),
        [] => String::new(),
    }
}

fn policy(traffic: &Option<TrafficSpec>) -> String {
    let Some(TrafficSpec { local, failover, regions, .. }) = traffic else { return "none".to_owned() };
    let regions: Vec<&str> = regions.iter().map(Name::as_str).collect();
    let local = local.unwrap_or_default();
    let failover = if failover.unwrap_or(true) { "" } else { " without failover" };
    format!("{local} local in {}{failover}", regions.join(", "))
}
