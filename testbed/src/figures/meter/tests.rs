//! Counting of messages in datagrams, and numbers as people read them.

use super::*;

#[test]
fn messages_are_counted_by_their_lengths() {
    let message = |length: u32| {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.resize((length as usize).next_multiple_of(4), 0);
        bytes
    };
    assert_eq!(messages(&[]), 0);
    assert_eq!(messages(&message(20)), 1);
    assert_eq!(messages(&[message(17), message(20), message(36)].concat()), 3);
    // one that lies about its length is one message, whatever follows
    assert_eq!(messages(&[0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0]), 1);
}

#[test]
fn numbers_are_grouped() {
    assert_eq!(
        [0, 999, 1_000, 101_000, 1_234_567].map(grouped),
        ["0", "999", "1,000", "101,000", "1,234,567"]
    );
}

#[test]
fn times_have_the_unit_that_suits() {
    let shown = [0.0005, 0.25, 2.0, 123.4].map(|time| seconds(Duration::from_secs_f64(time)));
    assert_eq!(shown, ["0.50 ms", "250 ms", "2.0 s", "123 s"]);
}

#[test]
fn costs_are_differences_and_ratios() {
    let before = Cost { time: Duration::ZERO, requests: 1, sent: 1, received: 2, calls: 3 };
    let after = Cost { requests: 129, sent: 2, received: 3, calls: 5, ..before };
    let cost = after.since(&before, Duration::from_millis(20));
    assert_eq!(cost.to_string(), "20 ms; 128 messages in 1 datagrams, 1 back");
    let theirs = Cost { time: Duration::from_millis(50), calls: 3_000, ..Cost::default() };
    assert_eq!(theirs.beside("`ipvsadm`", &cost), "`ipvsadm` 50 ms (2.5 x), 3,000 calls (1500 x)");
}
