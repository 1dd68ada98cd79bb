//! Random operations against a naive table: a map that is searched for everything.
//!
//! What a packet finds must be equal exactly. What the table drops by itself
//! it must report, and the model checks that it was allowed to: expired flows
//! past their deadline, evicted ones the oldest within a second.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::arbitrary::connection::{Operation, operations};

#[derive(Clone, Copy, Debug)]
struct Flow {
    backend: BackendId,
    state: State,
    proven: bool,
    seen: u64,
}

struct Model {
    machine: Machine,
    limits: ConnectionLimits,
    now: u64,
    flows: BTreeMap<ConnectionKey, Flow>,
}

impl Model {
    fn deadline(&self, flow: &Flow) -> u64 {
        flow.seen + u64::try_from(flow.state.timeout(&self.limits.timeouts).as_millis()).unwrap()
    }

    fn unproven(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values().filter(|flow| !flow.proven)
    }

    /// What a packet finds.
    fn find(&mut self, key: &ConnectionKey, segment: Segment) -> Option<(BackendId, State, bool)> {
        let flow = *self.flows.get(key)?;
        if self.deadline(&flow) <= self.now {
            return None;
        }
        let mut after = flow;
        if segment != Segment::Other {
            let opens = segment.opens();
            let most_proven = (self.limits.max - self.limits.reserve()) as usize;
            let may_prove = self.flows.values().filter(|flow| flow.proven).count() < most_proven;
            let proves = !opens && self.now - flow.seen >= 1000;
            after.proven |= proves && may_prove;
            after.state = next(self.machine, flow.state, segment, after.proven);
            if after.proven || opens || proves {
                after.seen = self.now;
            }
        }
        self.flows.insert(*key, after);
        Some((after.backend, after.state, after.proven))
    }

    /// Follows an event, if it was right.
    fn follow(&mut self, event: &ConnectionEvent) {
        let flow = self.flows.remove(&event.key).expect("only flows that are there are dropped");
        assert_eq!(flow.backend, event.backend);
        match event.cause {
            Cause::Expired => assert!(self.deadline(&flow) <= self.now, "{flow:?} at {}", self.now),
            Cause::Evicted => {
                assert!(!flow.proven, "{flow:?}");
                let oldest = self.unproven().map(|other| other.seen).min().unwrap_or(flow.seen);
                assert!(flow.seen <= oldest + 1000, "{flow:?}, but there is one of {oldest}");
            }
        }
    }

    fn check(&self, table: &ConnectionTable) {
        assert_eq!(table.len(), self.flows.len());
        assert_eq!(table.unproven(), self.unproven().count());
        assert!(table.len() <= self.limits.max as usize);
        assert!(table.unproven() <= self.limits.unproven as usize);
        assert!(table.len() - table.unproven() <= (self.limits.max - self.limits.reserve()) as usize);
        for backend in (0..4).map(BackendId) {
            let of_backend = || self.flows.values().filter(|flow| flow.backend == backend);
            let count = |count: usize| u32::try_from(count).unwrap();
            let expected = BackendConnections {
                active: count(of_backend().filter(|flow| flow.state.is_active()).count()),
                inactive: count(of_backend().filter(|flow| !flow.state.is_active()).count()),
                unproven: count(of_backend().filter(|flow| !flow.proven).count()),
            };
            assert_eq!(table.len_of(backend), expected);
        }
        for (key, flow) in &self.flows {
            let found = table.peek(at(self.now), key);
            let expected =
                (self.deadline(flow) > self.now).then_some((flow.backend, flow.state, flow.proven));
            assert_eq!(found.map(|found| (found.backend, found.state, found.proven)), expected);
        }
    }
}

fn packet(
    table: &mut ConnectionTable,
    model: &mut Model,
    (key, segment, backend): (ConnectionKey, Segment, BackendId),
    rebind: bool,
) {
    let now = at(model.now);
    let found = table.find(now, &key, segment);
    core::iter::from_fn(|| table.poll_event()).for_each(|event| model.follow(&event));
    let view = found.map(|found| (found.backend, found.state, found.proven));
    assert_eq!(view, model.find(&key, segment));
    if let Some(found) = found {
        if rebind {
            table.rebind(now, found.handle, backend, segment);
            let state = next(model.machine, State::Unknown, segment, found.proven);
            model
                .flows
                .entry(key)
                .and_modify(|flow| *flow = Flow { backend, state, seen: model.now, ..*flow });
        }
        return;
    }
    let outcome = table.insert(now, key, segment, backend);
    let mut evicted = 0;
    core::iter::from_fn(|| table.poll_event()).for_each(|event| {
        evicted += usize::from(event.cause == Cause::Evicted);
        model.follow(&event);
    });
    assert_eq!(evicted, usize::from(matches!(outcome, Insert::InsertedEvicting(_))));
    let state = next(model.machine, State::Unknown, segment, false);
    model.flows.insert(key, Flow { backend, state, proven: false, seen: model.now });
}

fn run(machine: Machine, max: u32, unproven: u32, operations: &[Operation]) {
    let limits = ConnectionLimits { unproven, ..ConnectionLimits::new(max, machine) };
    let mut table = ConnectionTable::new(limits, machine, HashKey::new([1; 16]));
    let mut model = Model { machine, limits: *table.limits(), now: 0, flows: BTreeMap::new() };
    for operation in operations {
        match *operation {
            Operation::Packet(key, segment, backend) => {
                packet(&mut table, &mut model, (key, segment, backend), false);
            }
            Operation::Rebind(key, segment, backend) => {
                packet(&mut table, &mut model, (key, segment, backend), true);
            }
            Operation::Remove(key) => {
                if let Some(found) = table.peek(at(model.now), &key) {
                    table.remove(found.handle);
                    model.flows.remove(&key).unwrap();
                }
            }
            Operation::RemoveBackend(backend) => {
                let removed = table.remove_backend(backend);
                let before = model.flows.len();
                model.flows.retain(|_, flow| flow.backend != backend);
                assert_eq!(removed as usize, before - model.flows.len());
            }
            Operation::Pass(pause) => model.now += u64::try_from(pause.as_millis()).unwrap(),
            Operation::Settle => {
                settle(&mut table, at(model.now)).iter().for_each(|event| model.follow(event));
                // One tick late, and a second for an unproven flow behind another.
                let late = model.flows.values().find(|flow| model.deadline(flow) + 1064 <= model.now);
                assert!(late.is_none(), "{late:?} at {}", model.now);
                let next = model.flows.values().map(|flow| model.deadline(flow)).min();
                // It may be too early, but neither in the past nor too late.
                let due = table.poll_timeout();
                assert!(due.is_none_or(|due| due > at(model.now)));
                assert!(next.is_none_or(|next| due.is_some_and(|due| due < at(next + 1064))));
            }
        }
        model.check(&table);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_table_agrees_with_the_model(
        machine in prop_oneof![Just(Machine::Own), Just(Machine::Ipvs)],
        (max, unproven) in (1_u32..48).prop_flat_map(|max| (Just(max), 1..=max)),
        operations in operations(1..150),
    ) {
        run(machine, max, unproven, &operations);
    }
}
