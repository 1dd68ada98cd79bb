//! The engine: order, cancelling, classes.

use super::*;

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
