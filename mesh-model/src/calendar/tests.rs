//! Tests of windows: hours that are skipped and that come twice, days that few
//! months have, and leaps beside a walk from minute to minute.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn window(cron: &str, hours: u64, zone: &str) -> Window {
    Window {
        cron: cron.parse().unwrap(),
        duration: Duration::from_secs(hours * 3600),
        time_zone: zone.parse().unwrap(),
    }
}

fn wall(text: &str) -> WallTime {
    text.parse().unwrap()
}

/// Openings one after the other, from a moment on.
fn openings(window: &Window, from: &str, count: usize) -> Vec<String> {
    let first = window.next_opening(wall(from));
    std::iter::successors(first, |opening| window.next_opening(*opening))
        .take(count)
        .map(|opening| opening.to_string())
        .collect()
}

#[test]
fn a_window_is_open_from_its_opening_until_just_before_its_end() {
    let window = window("0 9 * * 1-5", 8, "America/Los_Angeles");
    for (at, open) in [
        ("2026-11-26T08:59:59.999-08:00", false),
        ("2026-11-26T09:00:00-08:00", true),
        ("2026-11-26T16:59:59.999-08:00", true),
        ("2026-11-26T17:00:00-08:00", false),
        ("2026-11-28T12:00:00-08:00", false),
    ] {
        assert_eq!(window.is_open(wall(at)), open, "{at}");
    }
    assert_eq!(
        openings(&window, "2026-11-26T09:00:00-08:00", 2),
        ["2026-11-27T17:00:00Z", "2026-11-30T17:00:00Z"],
        "an opening is not its own successor, and no Saturday is"
    );
}

#[test]
fn an_hour_that_is_skipped_opens_when_the_clock_has_jumped() {
    // 2027-03-14: from 02:00 -08:00 to 03:00 -07:00
    let window = window("30 2 * * *", 1, "America/Los_Angeles");
    assert_eq!(
        openings(&window, "2027-03-13T00:00:00-08:00", 3),
        ["2027-03-13T10:30:00Z", "2027-03-14T10:00:00Z", "2027-03-15T09:30:00Z"]
    );
    assert!(!window.is_open(wall("2027-03-14T09:59:59Z")));
    assert!(window.is_open(wall("2027-03-14T10:59:59Z")));
    assert!(!window.is_open(wall("2027-03-14T11:00:00Z")));
}

#[test]
fn an_hour_that_comes_twice_opens_once() {
    // 2026-11-01: from 02:00 -07:00 back to 01:00 -08:00
    let window = window("30 1 * * *", 1, "America/Los_Angeles");
    assert_eq!(
        openings(&window, "2026-11-01T00:00:00-07:00", 2),
        ["2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"]
    );
    assert!(window.is_open(wall("2026-11-01T09:29:00Z")));
    assert!(!window.is_open(wall("2026-11-01T09:30:00Z")), "half past one for the second time");
}

/// As cron(8) has it: what comes every hour has no hour to come twice, and a window that is always open stays so.
#[test]
fn every_hour_opens_in_the_hour_that_comes_twice_too() {
    let window = window("0 * * * *", 1, "America/Los_Angeles");
    assert_eq!(
        openings(&window, "2026-11-01T07:30:00Z", 4),
        ["2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"]
    );
    assert!(window.is_open(wall("2026-11-01T09:30:00Z")));
}

#[test]
fn a_day_that_a_zone_skipped_and_days_that_few_months_have() {
    let samoa = window("0 12 * * *", 2, "Pacific/Apia"); // which had no 30th of December in 2011
    assert_eq!(
        openings(&samoa, "2011-12-29T13:00:00-10:00", 2),
        ["2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"],
        "at the jump, then at noon of the 31st"
    );
    let last = window("0 0 31 * *", 24, "UTC");
    assert_eq!(
        openings(&last, "2026-01-31T00:00:00Z", 3),
        ["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z"]
    );
    let leap = window("0 0 29 2 *", 1, "UTC");
    assert_eq!(openings(&leap, "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"], "2100 has none");
    assert_eq!(leap.next_opening(wall("9999-01-01T00:00:00Z")), None);
}

#[test]
fn a_window_of_a_week_is_open_over_a_transition() {
    let window = window("0 0 * * 1", 168, "Europe/Berlin");
    for day in 0..14 {
        let at = wall("2026-10-20T12:00:00Z") + Duration::from_secs(day * 86_400);
        // Sunday the 25th has 25 hours: the window of the 19th ends an hour before the next opens
        assert!(window.is_open(at), "{at}");
    }
    assert!(!window.is_open(wall("2026-10-25T22:30:00Z")));
}

/// Openings between two moments as a walk from minute to minute finds them.
fn walked(window: &Window, from: WallTime, minutes: u64) -> BTreeSet<WallTime> {
    let rules = window.time_zone.rules();
    let mut found = BTreeSet::new();
    let mut latest = rules.to_datetime((from + Duration::ZERO).timestamp());
    for minute in 1..=minutes {
        let here = from + Duration::from_secs(60 * minute);
        let clock = rules.to_datetime(here.timestamp());
        if window.cron.has_every_hour() && clock <= latest && window.cron.matches(clock) {
            found.insert(here);
        }
        while latest < clock {
            latest = latest.checked_add(jiff::ToSpan::minutes(1)).unwrap();
            if window.cron.matches(latest) {
                found.insert(here);
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Around every kind of transition, leaps find what a walk finds, and open is what opened lately.
    #[test]
    fn leaps_find_what_a_walk_finds(
        cron in prop::sample::select(vec!["*/20 * * * *", "7 * * * *", "30 1 * * *", "15 2 * * *", "0 0,2,3 * * 0", "0 9 * * 1-5", "59 23 31 * *", "0 0 1 * 1"]),
        zone in prop::sample::select(vec!["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]),
        start in prop::sample::select(vec!["2026-10-24T12:00:00Z", "2026-10-31T12:00:00Z", "2027-03-13T12:00:00Z", "2027-03-27T12:00:00Z", "2027-04-03T00:00:00Z", "2026-10-03T00:00:00Z"]),
        hours in 1_u64..30,
        offset in 0_u64..1440,
    ) {
        let window = window(cron, hours, zone);
        // a day and more before, so that what repeats has been seen once
        let from = wall(start) + Duration::from_secs(60 * offset);
        let walked = walked(&window, from, 4 * 1440);
        let first = window.next_opening(from);
        let end = from + Duration::from_secs(4 * 86_400);
        let leapt: BTreeSet<WallTime> = std::iter::successors(first, |opening| window.next_opening(*opening))
            .take_while(|opening| *opening <= end)
            .collect();
        prop_assume!(!repeats(&window, from));
        prop_assert_eq!(&leapt, &walked);
        for quarter in (hours * 4)..(4 * 96) {
            let here = from + Duration::from_secs(900 * quarter);
            let opened = walked.iter().any(|opening| *opening <= here && here - *opening < window.duration);
            prop_assert_eq!(window.is_open(here), opened, "{}", here);
        }
    }
}

/// Whether a walk that begins here would begin with moments that have been before.
fn repeats(window: &Window, from: WallTime) -> bool {
    let rules = window.time_zone.rules();
    let clock = rules.to_datetime(from.timestamp());
    let ambiguous = rules.to_ambiguous_timestamp(clock);
    ambiguous.is_ambiguous() && ambiguous.earlier().is_ok_and(|earlier| earlier < from.timestamp())
}
