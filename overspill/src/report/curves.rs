//! What a run tells, collected for charts: series, and the moments worth a mark.

use std::collections::BTreeMap;

use serde::Serialize;
use sim::record::{Record, Sample};

use crate::numbers::clock;

/// Moments that are kept; what comes later is only counted.
const MAX_MARKERS: usize = 60;
/// Marks closer than this share of the time axis get one number.
const CLUSTER: f64 = 0.025;

/// Seconds and value, by time.
type Points = Vec<(f64, f64)>;

/// Series by metric and zone, and moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curves {
    series: BTreeMap<&'static str, BTreeMap<String, Points>>,
    markers: Vec<Marker>,
    left_out: u64,
}

/// A moment worth a mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Marker {
    #[serde(skip)]
    t_s: f64,
    at: String,
    what: String,
}

/// Marks that stand together: when, and the numbers from and to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cluster {
    pub(super) t_s: f64,
    pub(super) label: String,
}

impl Curves {
    /// Keeps a value.
    pub(crate) fn sample(&mut self, sample: &Sample<'_>) {
        let zones = self.series.entry(sample.metric).or_default();
        let point = (sample.t_s, sample.value);
        match zones.get_mut(sample.zone) {
            Some(points) => points.push(point),
            None => drop(zones.insert(sample.zone.to_owned(), vec![point])),
        }
    }

    /// Keeps what changes the picture: the scenario's events, and what the name service did.
    pub(crate) fn event(&mut self, record: &Record<'_>) {
        let zone = record.zone.unwrap_or_default();
        let state = record.state.unwrap_or_default();
        let what = match record.kind {
            "connection_broken" | "gateway_health" | "node_service" | "routes" => return,
            "dns" => format!("DNS: {zone} {}", state.replace('_', " ")),
            "zone_health" => format!("checks: {zone} {state}"),
            kind => {
                let kind = kind.replace('_', " ");
                let end = if state == "end" { " ends" } else { "" };
                format!("{kind}{end}: {}", record.target.as_deref().unwrap_or(zone))
            }
        };
        // every zone comes up at the start, which is no news
        if record.t_s <= 0.0 || self.markers.len() == MAX_MARKERS {
            self.left_out += u64::from(record.t_s > 0.0);
            return;
        }
        self.markers.push(Marker { t_s: record.t_s, at: clock(record.t_s), what });
    }

    /// The points of one series; none if it was never told.
    pub(super) fn of(&self, metric: &str, zone: &str) -> &[(f64, f64)] {
        self.series.get(metric).and_then(|zones| zones.get(zone)).map_or(&[], Vec::as_slice)
    }

    /// The moments, by time; their place in the list is their number, from 1.
    pub(super) fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// How many moments are not in the list.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The moments as marks on a time axis.
    pub(super) fn clusters(&self, length_s: f64) -> Vec<Cluster> {
        let mut clusters: Vec<(f64, usize, usize)> = Vec::new();
        for (number, marker) in (1..).zip(&self.markers) {
            match clusters.last_mut() {
                Some((t_s, _, last)) if marker.t_s - *t_s < CLUSTER * length_s => *last = number,
                _ => clusters.push((marker.t_s, number, number)),
            }
        }
        let label = |first, last| if first == last { format!("{first}") } else { format!("{first}-{last}") };
        clusters.into_iter().map(|(t_s, first, last)| Cluster { t_s, label: label(first, last) }).collect()
    }
}
