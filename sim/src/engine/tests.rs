//! The engine: order, cancelling, classes.

use super::*;
use proptest::prelude::*;

#[test]
fn order_is_time_then_class_then_sequence() {
    let mut engine = Engine::new();
    let second = Time::from_secs(1);
    engine.schedule(second, Class::Statistics, 6);
    engine.schedule(second, Class::Probe, 5);
    engine.schedule(second, Class::Control, 4);
    engine.schedule(second, Class::Timer, 3);
    engine.schedule(second, Class::Delivery, 1);
    engine.schedule(second, Class::Delivery, 2);
    engine.schedule(Time::from_millis(999), Class::Statistics, 0);
    let order: Vec<u32> = core::iter::from_fn(|| engine.pop()).map(|(_, payload)| payload).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_past_is_now() {
    let mut engine = Engine::new();
    engine.schedule(Time::from_secs(5), Class::Timer, "later");
    engine.pop();
    engine.schedule(Time::from_secs(1), Class::Timer, "past");
    assert_eq!(engine.pop(), Some((Time::from_secs(5), "past")));
}

#[test]
fn an_old_id_fits_nothing() {
    let mut engine = Engine::new();
    let first = engine.schedule(Time::from_secs(1), Class::Timer, 1);
    assert_eq!(engine.pop(), Some((Time::from_secs(1), 1)));
    let second = engine.schedule(Time::from_secs(2), Class::Timer, 2);
    assert_ne!(first, second);
    assert_eq!(engine.cancel(first), None);
    assert_eq!(engine.payload(second), Some(&2));
    assert_eq!(engine.cancel(second), Some(2));
    assert_eq!(engine.cancel(second), None);
    assert_eq!(engine.pending(), 0);
    assert_eq!(engine.pop(), None);
}

#[test]
fn pop_until_stops_at_the_limit() {
    let mut engine = Engine::new();
    engine.schedule(Time::from_secs(1), Class::Timer, 1);
    engine.schedule(Time::from_secs(3), Class::Timer, 3);
    assert_eq!(engine.pop_until(Time::from_secs(2)), Some((Time::from_secs(1), 1)));
    assert_eq!(engine.pop_until(Time::from_secs(2)), None);
    assert_eq!(engine.now(), Time::from_secs(2));
    // The queue has looked ahead to 3 s; what comes in between is still in time.
    engine.schedule(Time::from_millis(2_500), Class::Timer, 2);
    assert_eq!(engine.pop(), Some((Time::from_millis(2_500), 2)));
    assert_eq!(engine.pop(), Some((Time::from_secs(3), 3)));
}

/// The agenda as anyone would write it: a sorted map.
#[derive(Default)]
struct Naive {
    now: Time,
    sequence: u64,
    events: std::collections::BTreeMap<(Time, Class, u64), u64>,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Schedule { delay: u64, class: Class },
    ScheduleAtOnce { count: u16, delay: u64 },
    Cancel { which: usize },
    Pop { count: u16 },
    Peek,
}

fn class() -> impl Strategy<Value = Class> {
    use Class::{Control, Delivery, Probe, Statistics, Timer};
    prop::sample::select(vec![Delivery, Timer, Control, Probe, Statistics])
}

/// Delays of every magnitude: each number of bits is as likely as any other.
fn delay() -> impl Strategy<Value = u64> {
    (0_u32..=64, any::<u64>()).prop_map(|(bits, random)| random.checked_shr(64 - bits).unwrap_or(0))
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (delay(), class()).prop_map(|(delay, class)| Operation::Schedule { delay, class }),
        1 => (0_u16..400, delay()).prop_map(|(count, delay)| Operation::ScheduleAtOnce { count, delay }),
        3 => any::<usize>().prop_map(|which| Operation::Cancel { which }),
        3 => (0_u16..4).prop_map(|count| Operation::Pop { count }),
        1 => (0_u16..400).prop_map(|count| Operation::Pop { count }),
        2 => Just(Operation::Peek),
    ]
}

/// Both agendas with the ids that were handed out.
#[derive(Default)]
struct Pair {
    engine: Engine<u64>,
    naive: Naive,
    ids: Vec<(EventId, (Time, Class, u64))>,
}

impl Pair {
    fn schedule(&mut self, delay: u64, class: Class) {
        let at = Time::from_nanos(self.naive.now.as_nanos().saturating_add(delay));
        let key = (at, class, self.naive.sequence);
        self.naive.events.insert(key, self.naive.sequence);
        self.ids.push((self.engine.schedule(at, class, self.naive.sequence), key));
        self.naive.sequence += 1;
    }

    fn pop(&mut self) {
        let expected = self.naive.events.pop_first().map(|((time, _, _), payload)| (time, payload));
        assert_eq!(self.engine.pop(), expected);
        if let Some((time, _)) = expected {
            self.naive.now = time;
        }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Schedule { delay, class } => self.schedule(delay, class),
            Operation::ScheduleAtOnce { count, delay } => {
                // A crowd in a narrow range: the case in which the current range has to be split.
                for index in 0..u64::from(count) {
                    self.schedule(delay.saturating_add(index * 7 % 64), Class::Delivery);
                }
            }
            Operation::Cancel { which } => {
                if let Some(&(id, key)) = self.ids.get(which % self.ids.len().max(1)) {
                    assert_eq!(self.engine.payload(id).copied(), self.naive.events.get(&key).copied());
                    assert_eq!(self.engine.cancel(id), self.naive.events.remove(&key));
                }
            }
            Operation::Pop { count } => (0..count).for_each(|_| self.pop()),
            Operation::Peek => {
                let expected = self.naive.events.first_key_value().map(|((time, _, _), _)| *time);
                assert_eq!(self.engine.next_time(), expected);
            }
        }
        assert_eq!(self.engine.pending(), self.naive.events.len());
    }
}

proptest! {
    #[test]
    fn agrees_with_a_sorted_map(operations in prop::collection::vec(operation(), 1..200)) {
        let mut pair = Pair::default();
        for operation in operations {
            pair.apply(operation);
        }
        while pair.engine.pending() > 0 {
            pair.pop();
        }
        pair.pop();
    }
}

#[test]
fn running_out_of_sequence_numbers_keeps_the_order() {
    let mut engine = Engine::new();
    engine.sequence = Entry::SEQUENCE_END - 500;
    let ids: Vec<EventId> =
        (0..1000).map(|index| engine.schedule(Time::from_secs(index % 3), Class::Timer, index)).collect();
    assert_eq!(engine.sequence, 1000, "numbered anew");
    assert_eq!(engine.cancel(ids[4]), Some(4));
    let order: Vec<u64> = core::iter::from_fn(|| engine.pop()).map(|(_, payload)| payload).collect();
    let mut expected: Vec<u64> = (0..1000).filter(|&index| index != 4).collect();
    expected.sort_by_key(|index| index % 3);
    assert_eq!(order, expected);
}

#[test]
fn cancelled_timers_leave_bounded_garbage() {
    let mut engine = Engine::new();
    let mut last = None;
    // A timer that is always pushed back, as an idle timeout is.
    for index in 0..100_000_u64 {
        if let Some(timer) = last.take() {
            assert_eq!(engine.cancel(timer), Some(index - 1));
        }
        last = Some(engine.schedule(
            Time::from_secs(900) + core::time::Duration::from_micros(index),
            Class::Timer,
            index,
        ));
        assert!(engine.slab.cancelled() <= 1 + SWEEP_SLACK);
    }
    assert_eq!(engine.pending(), 1);
}

/// The hold model with delays of a given shape, against a binary heap.
fn hold(name: &str, pending: u64, mut delay: impl FnMut(&mut crate::random::Stream) -> u64) {
    let mut stream = crate::random::Seed(1).stream(name, "delay");
    let mut engine = Engine::new();
    let mut heap = std::collections::BinaryHeap::new();
    for index in 0..pending {
        let at = delay(&mut stream);
        engine.schedule(Time::from_nanos(at), Class::Timer, index);
        heap.push(core::cmp::Reverse((at, index)));
    }
    for index in pending..10 * pending {
        let core::cmp::Reverse((at, payload)) = heap.pop().unwrap();
        assert_eq!(engine.pop(), Some((Time::from_nanos(at), payload)), "{name}");
        let next = at.saturating_add(delay(&mut stream));
        engine.schedule(Time::from_nanos(next), Class::Timer, index);
        heap.push(core::cmp::Reverse((next, index)));
    }
}

#[test]
fn any_shape_of_delays_comes_out_in_order() {
    hold("constant", 2000, |_| 1_000_000);
    hold("all at once", 2000, |_| 0);
    hold("uniform", 5000, |stream| stream.below(1_000_000));
    hold("narrow", 5000, |stream| stream.below(50));
    hold(
        "bimodal",
        5000,
        |stream| if stream.chance(0.9) { stream.below(100) } else { stream.below(1 << 40) },
    );
    hold("every magnitude", 5000, |stream| stream.next_u64() >> (20 + stream.below(44)));
    hold("end of time", 100, |stream| u64::MAX - stream.below(1000));
}
