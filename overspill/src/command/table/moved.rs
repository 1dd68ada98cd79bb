//! What a change of configuration moves in one service's table.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use lb_core::FlowKey;
use lb_core::config::{BackendState, ServiceAddress};
use lb_core::flow::Addresses;
use lb_core::identity::Endpoint;
use serde::Serialize;

use super::{Division, fraction, percent};

/// How much another backend would hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Moved {
    /// Slots whose new flows go elsewhere.
    slots: u64,
    /// Their part of all.
    fraction: f64,
    /// The least part that the change of weights makes necessary.
    ideal_fraction: f64,
    /// Whether it was measured with sample flows, because the tables cannot be compared slot by slot.
    sampled: bool,
}

/// Flows that are tried where tables cannot be compared slot by slot.
const SAMPLES: u32 = 65_536;

impl Moved {
    /// For people.
    pub(super) fn sentence(&self, size: usize) -> String {
        let Self { slots, fraction, ideal_fraction, sampled } = *self;
        let how = if sampled { " (other rules: measured with 65536 flows)" } else { "" };
        format!(
            "moved: {slots} of {size} slots, {}; at least {}{how}",
            percent(fraction),
            percent(ideal_fraction)
        )
    }
}

/// What changes from `old` to `new`; a service that is gone loses everything.
pub(super) fn moved(old: &Division, new: Option<&Division>) -> Moved {
    let size = old.slots.len() as u64;
    let ideal_fraction = least(old, new);
    match new {
        Some(new) if new.rules == old.rules => {
            let pairs = old.slots.iter().zip(&new.slots);
            let slots =
                pairs.filter(|(before, after)| old.taker(**before) != new.taker(**after)).count() as u64;
            Moved { slots, fraction: fraction(slots, size), ideal_fraction, sampled: false }
        }
        Some(new) => {
            let differs = |flow: &FlowKey| old.picks(flow) != new.picks(flow);
            let moved = (0..SAMPLES).filter(|number| differs(&sample(old.service, *number))).count() as u64;
            // rounded to the nearest slot
            let slots = (moved * size * 2 + u64::from(SAMPLES)) / (2 * u64::from(SAMPLES));
            Moved { slots, fraction: fraction(moved, u64::from(SAMPLES)), ideal_fraction, sampled: true }
        }
        None => {
            let slots = old.slots.iter().filter(|slot| **slot >= 0).count() as u64;
            Moved { slots, fraction: fraction(slots, size), ideal_fraction, sampled: false }
        }
    }
}

impl Division {
    /// Who takes new flows of a slot; nobody of one whose holder drains, though the kernel leaves it there.
    fn taker(&self, slot: i32) -> Option<Endpoint> {
        let holder = usize::try_from(slot).ok().and_then(|index| self.backends.get(index))?;
        (holder.state == BackendState::Active).then_some(holder.backend)
    }

    fn picks(&self, flow: &FlowKey) -> Option<Endpoint> {
        self.scheduler.schedule(flow).and_then(|index| self.backends.get(index)).map(|holder| holder.backend)
    }
}

/// The part of all flows that must move: what the backends gain together.
fn least(old: &Division, new: Option<&Division>) -> f64 {
    let (before, after) = (ideals(Some(old)), ideals(new));
    let gain =
        |(holder, after): (&Option<Endpoint>, &f64)| (after - before.get(holder).unwrap_or(&0.0)).max(0.0);
    after.iter().map(gain).sum()
}

/// What each backend should hold; nobody holds all where none is active.
fn ideals(division: Option<&Division>) -> BTreeMap<Option<Endpoint>, f64> {
    let holders = division.map_or(&[][..], |division| &division.backends);
    let mut ideals: BTreeMap<_, _> =
        holders.iter().map(|holder| (Some(holder.backend), holder.ideal)).collect();
    if ideals.values().all(|ideal| *ideal <= 0.0) {
        ideals.insert(None, 1.0);
    }
    ideals
}

/// One of [`SAMPLES`] flows to a service, from clients all over its family.
fn sample(service: ServiceAddress, number: u32) -> FlowKey {
    // an odd factor permutes the numbers, so that no two clients are alike
    let spread = number.wrapping_mul(0x9e37_79b1);
    let [high, low, ..] = spread.to_be_bytes();
    let addresses = match service.address {
        std::net::IpAddr::V4(destination) => {
            Addresses::V4 { source: Ipv4Addr::from_bits(spread), destination }
        }
        std::net::IpAddr::V6(destination) => {
            let source = Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(spread));
            Addresses::V6 { source, destination }
        }
    };
    FlowKey::new(service.protocol, addresses, u16::from_be_bytes([high, low]) | 1_024, service.port)
}
