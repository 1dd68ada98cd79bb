//! How fast traffic moves: until detected, half, 99 %.
//!
//! Per second and zone, two shares are counted: of what clients send, how much
//! goes to the zone ([`Cut::Entry`]); of what its gateways pass on, how much
//! stays ([`Cut::Members`]). From an event on, the share of each window of
//! [`WINDOW`] seconds is compared with the share before the event.

use core::time::Duration;

use lb_core::Time;

use super::names::Names;
use crate::run::Shift;
use crate::scenario::Scenario;

/// Where traffic has to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Clients have to go to other zones.
    Entry,
    /// A zone's gateways have to ask members elsewhere.
    Members,
}

/// Counts shares and watches events.
#[derive(Debug)]
pub(super) struct Shifts {
    second: u64,
    /// By zone: a ring of seconds of what clients sent.
    entry: Vec<[u32; RING]>,
    /// By zone: a ring of seconds of what its gateways passed on: (to local members, in all).
    members: Vec<[(u32, u32); RING]>,
    watches: Vec<Watch>,
}

#[derive(Debug)]
struct Watch {
    at: Time,
    zone: u16,
    cut: Cut,
    before: f64,
    /// Its event is over: another one is watched by itself.
    ended: bool,
    /// The zones that names led to when half of the traffic had moved.
    named: Option<Vec<u16>>,
    detected: Option<Duration>,
    half: Option<Duration>,
    most: Option<Duration>,
}

/// Seconds that are remembered: more than [`BEFORE`] and [`WINDOW`].
const RING: usize = 64;
/// Seconds that make the share before an event.
const BEFORE: u64 = 30;
/// Seconds that make a share after it: at a few hundred requests a second enough to see 1 % of a zone's.
const WINDOW: u64 = 5;
/// A share of fewer than so many is no share.
const FEWEST: u64 = 20;

impl Shifts {
    pub(super) fn new(zones: usize) -> Self {
        Self {
            second: 0,
            entry: vec![[0; RING]; zones],
            members: vec![[(0, 0); RING]; zones],
            watches: Vec::new(),
        }
    }

    /// A client sends something to a zone.
    pub(super) fn count_entry(&mut self, zone: u16) {
        self.entry[usize::from(zone)][self.second as usize % RING] += 1;
    }

    /// A zone's gateway passes something on.
    pub(super) fn count_member(&mut self, zone: u16, remote: bool) {
        let (local, total) = &mut self.members[usize::from(zone)][self.second as usize % RING];
        *local += u32::from(!remote);
        *total += 1;
    }

    /// An event makes traffic move; one that is under way is not watched twice.
    pub(super) fn begin(&mut self, at: Time, zone: u16, cut: Cut) {
        if self.latest(zone, cut).is_some_and(|watch| !watch.ended && watch.most.is_none()) {
            return;
        }
        let first = self.second.saturating_sub(BEFORE);
        let before = self.share(zone, cut, first, self.second).unwrap_or(0.0);
        let (named, detected, half, most) = (None, None, None, None);
        self.watches.push(Watch { at, zone, cut, before, ended: false, named, detected, half, most });
    }

    /// An event is over; what it began may still be under way.
    pub(super) fn end(&mut self, zone: u16, cut: Cut) {
        if let Some(watch) = self.latest(zone, cut) {
            watch.ended = true;
        }
    }

    /// A machine or an operator took the zone, or its members, out.
    pub(super) fn detected(&mut self, now: Time, zone: u16, cut: Cut) {
        if let Some(watch) = self.latest(zone, cut) {
            watch.detected.get_or_insert(now - watch.at);
        }
    }

    /// The watch that what is seen now belongs to.
    fn latest(&mut self, zone: u16, cut: Cut) -> Option<&mut Watch> {
        self.watches.iter_mut().rev().find(|watch| watch.zone == zone && watch.cut == cut)
    }

    /// A second is over.
    pub(super) fn tick(&mut self, now: Time, names: &Names) {
        self.second += 1;
        let first = self.second.saturating_sub(WINDOW);
        let window_start = Time::from_nanos(now.as_nanos().saturating_sub(WINDOW * 1_000_000_000));
        for index in 0..self.watches.len() {
            let watch = &self.watches[index];
            let place = (watch.zone, watch.cut);
            let superseded = self.watches[index + 1..].iter().any(|later| (later.zone, later.cut) == place);
            if superseded || window_start < watch.at || watch.before <= 0.0 {
                continue;
            }
            let Some(share) = self.share(watch.zone, watch.cut, first, self.second) else { continue };
            let watch = &mut self.watches[index];
            let since = window_start - watch.at;
            // A window holds half of a step, or of a straight line, when its middle is there; it
            // holds a hundredth when its start is.
            if share <= watch.before * 0.5 {
                watch.half.get_or_insert(since + Duration::from_secs(WINDOW / 2));
                watch.named.get_or_insert_with(|| names.named().collect());
            }
            if share <= watch.before * 0.01 {
                watch.most.get_or_insert_with(|| since.max(watch.half.unwrap_or(since)));
            }
        }
        let place = self.second as usize % RING;
        for zone in 0..self.entry.len() {
            self.entry[zone][place] = 0;
            self.members[zone][place] = (0, 0);
        }
    }

    /// The share of the seconds from `first` on, before `end`.
    #[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
    fn share(&self, zone: u16, cut: Cut, first: u64, end: u64) -> Option<f64> {
        let seconds = || (first..end).map(|second| second as usize % RING);
        let zone = usize::from(zone);
        let (part, total) = match cut {
            Cut::Entry => {
                let of =
                    |zone: usize| seconds().map(|second| u64::from(self.entry[zone][second])).sum::<u64>();
                (of(zone), (0..self.entry.len()).map(of).sum::<u64>())
            }
            Cut::Members => seconds()
                .map(|second| self.members[zone][second])
                .fold((0, 0), |sum, counts| (sum.0 + u64::from(counts.0), sum.1 + u64::from(counts.1))),
        };
        (total >= FEWEST).then(|| part as f64 / total as f64)
    }

    /// What was seen.
    pub(super) fn results(&self, scenario: &Scenario, names: &Names) -> Vec<Shift> {
        let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
        let result = |watch: &Watch| {
            let from = usize::from(watch.zone);
            let takes = |zone: &usize| {
                let far = scenario.zones[*zone].data_center != scenario.zones[from].data_center;
                let zone_number = *zone as u16;
                let named = match &watch.named {
                    Some(named) => named.contains(&zone_number),
                    None => names.is_published(zone_number),
                };
                *zone != from && named && (watch.cut == Cut::Entry || far)
            };
            let to = (0..scenario.zones.len()).filter(takes);
            Shift {
                at_s: watch.at.as_secs_f64(),
                from: scenario.zones[from].name.clone(),
                to: to.map(|zone| scenario.zones[zone].name.clone()).collect(),
                detected_s: seconds(watch.detected),
                t50_s: seconds(watch.half),
                t99_s: seconds(watch.most),
            }
        };
        self.watches.iter().map(result).collect()
    }
}
