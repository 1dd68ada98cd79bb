//! Random operations against a naive table: a map that is searched for everything.
//!
//! What a packet finds must be equal exactly. What the table drops by itself
//! it must report, and the model checks that it was allowed to: expired flows
//! past their deadline, evicted ones the oldest within a second.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// A packet of a flow; a new one goes to this backend.
    Packet(ConnectionKey, Segment, BackendId),
    /// As `Packet`, but one that is found is bound to the backend.
    Rebind(ConnectionKey, Segment, BackendId),
    Remove(ConnectionKey),
    RemoveBackend(BackendId),
    Pass(u64),
    Settle,
}

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
            let opens = matches!(segment, Segment::SYN | Segment::Sctp(SctpClass::Init));
            let most_proven = (self.limits.max - self.limits.reserve()) as usize;
            let may_prove = self.flows.values().filter(|flow| flow.proven).count() < most_proven;
            after.proven |= !opens && self.now - flow.seen >= 1000 && may_prove;
            after.state = next(self.machine, flow.state, segment, after.proven);
            if after.proven || opens {
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

fn key() -> impl Strategy<Value = ConnectionKey> {
    (any::<bool>(), 0_u32..12).prop_map(|(six, number)| if six { v6(number) } else { v4(number) })
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => Just(Segment::SYN),
        5 => Just(Segment::ACK),
        1 => Just(Segment::FIN),
        1 => Just(Segment::RST),
        3 => Just(Segment::Udp),
        1 => Just(Segment::Other),
        1 => (0_u8..16).prop_map(|chunk| Segment::Sctp(SctpClass::of_chunk(chunk))),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let backend = || (0_u32..4).prop_map(BackendId);
    let time = prop_oneof![
        5 => 1_u64..900,
        5 => Just(1000_u64),
        3 => 1000_u64..400_000,
        1 => 1_u64..1 << 33,
    ];
    prop_oneof![
        20 => (key(), segment(), backend()).prop_map(|(key, segment, to)| Operation::Packet(key, segment, to)),
        2 => (key(), segment(), backend()).prop_map(|(key, segment, to)| Operation::Rebind(key, segment, to)),
        1 => key().prop_map(Operation::Remove),
        1 => backend().prop_map(Operation::RemoveBackend),
        10 => time.prop_map(Operation::Pass),
        3 => Just(Operation::Settle),
    ]
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
            Operation::Pass(milliseconds) => model.now += milliseconds,
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
        (max, unproven) in (1_u32..16).prop_flat_map(|max| (Just(max), 1..=max)),
        operations in prop::collection::vec(operation(), 1..150),
    ) {
        run(machine, max, unproven, &operations);
    }
}
