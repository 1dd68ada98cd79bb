//! The wheel against a sorted list, with long jumps of time.

use std::collections::BTreeSet;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    /// Arms a timer so many ticks ahead.
    Arm(u64),
    /// Lets so many ticks pass.
    Pass(u64),
}

/// Small, at the borders of levels, and very large.
fn ticks(limit: u64) -> impl Strategy<Value = u64> {
    let borders = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 1 << 24];
    prop_oneof![
        1_u64..600,
        1_u64..limit,
        prop::sample::select(borders.to_vec()).prop_map(move |tick| tick.min(limit)),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => ticks(1 << 24).prop_map(Operation::Arm),
        2 => ticks(1 << 34).prop_map(Operation::Pass),
    ]
}

/// A wheel with the lists that its owner keeps.
struct Timers {
    wheel: Wheel,
    slots: Vec<Vec<u64>>,
}

impl Timers {
    fn arm(&mut self, deadline: u64, fired: &mut Vec<(u64, u64)>) {
        match self.wheel.slot(deadline) {
            Some(slot) => {
                self.wheel.occupy(slot);
                self.slots[slot].push(deadline);
            }
            None => fired.push((deadline, self.wheel.clock)),
        }
    }

    /// What fires until `now`, each with the tick at which it does.
    fn advance(&mut self, now: u64) -> Vec<(u64, u64)> {
        let mut fired = Vec::new();
        while let Some((tick, slot)) = self.wheel.next().filter(|(tick, _)| *tick <= now) {
            self.wheel.advance(tick);
            self.wheel.vacate(slot);
            for deadline in core::mem::take(&mut self.slots[slot]) {
                self.arm(deadline, &mut fired);
            }
        }
        self.wheel.advance(now);
        fired
    }
}

proptest! {
    #[test]
    fn timers_fire_at_their_tick_and_in_order(
        start in prop_oneof![Just(0), Just((1 << 32) - 3), 0_u64..1 << 40],
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut timers = Timers { wheel: Wheel::new(), slots: std::vec![Vec::new(); Wheel::SLOTS] };
        timers.wheel.advance(start);
        let (mut model, mut now) = (BTreeSet::new(), start);
        for operation in operations {
            match operation {
                Operation::Arm(ahead) => {
                    if model.insert(now + ahead) {
                        let mut fired = Vec::new();
                        timers.arm(now + ahead, &mut fired);
                        if ahead == 0 {
                            model.remove(&now);
                        }
                        prop_assert_eq!(fired.len(), usize::from(ahead == 0));
                    }
                }
                Operation::Pass(ticks) => {
                    now += ticks;
                    let later = model.split_off(&(now + 1));
                    let fired = timers.advance(now);
                    let expected: Vec<_> = model.iter().map(|deadline| (*deadline, *deadline)).collect();
                    prop_assert_eq!(fired, expected);
                    model = later;
                }
            }
            // The next slot is never after the next deadline.
            let next = timers.wheel.next().map(|(tick, _)| tick);
            prop_assert_eq!(next.is_some(), !model.is_empty());
            prop_assert!(next.is_none_or(|tick| tick > now && tick <= *model.first().unwrap()));
            prop_assert_eq!(timers.wheel.is_empty(), model.is_empty());
        }
    }
}
