//! Tests of time: what is printed and read, and what happens at the ends.

use std::time::Duration;

use super::*;

#[test]
fn dates_are_read_and_printed() {
    let table = [
        ("1970-01-01T00:00:00Z", Some((0, "1970-01-01T00:00:00Z"))),
        ("2000-02-29T23:59:59+01:00", Some((951_865_199, "2000-02-29T22:59:59Z"))),
        ("1969-12-31T23:59:59Z", Some((-1, "1969-12-31T23:59:59Z"))),
        ("2026-11-26", None),
        ("2026-02-30T00:00:00Z", None),
        ("soon", None),
    ];
    for (text, expected) in table {
        let read = text.parse::<WallTime>().ok().map(|date| (date.as_unix_seconds(), date.to_string()));
        assert_eq!(read, expected.map(|(seconds, text)| (seconds, text.to_owned())), "{text}");
    }
}

#[test]
fn nothing_wraps_at_the_ends() {
    assert_eq!(Time::MAX + Duration::from_secs(1), Time::MAX);
    assert_eq!(Time::ZERO - Time::MAX, Duration::ZERO);
    let end = WallTime::from_unix_seconds(i64::MAX);
    assert_eq!(end + Duration::MAX, WallTime::from(Timestamp::MAX));
    assert_eq!(WallTime::from_unix_seconds(0) - end, Duration::ZERO);
    assert_eq!(WallTime::from_unix_seconds(90) - WallTime::from_unix_seconds(30), Duration::from_secs(60));
}
