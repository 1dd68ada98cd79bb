//! Tests of values with units.

use std::string::{String, ToString};

use proptest::prelude::*;

use super::*;

/// What a text reads as, printed back, or what is wrong with it.
fn read<T: core::str::FromStr<Err = ParseUnitError> + ToString>(text: &str) -> String {
    text.parse::<T>().map_or_else(|error| error.to_string(), |value| value.to_string())
}

#[test]
fn durations_are_read_and_printed() {
    let right = "write a duration such as 250ms, 5s, 2m or 1h";
    for (text, expected) in [
        ("250ms", "250ms"),
        ("5s", "5s"),
        ("5 s", "5s"),
        ("2m", "2m"),
        ("60s", "1m"),
        ("90s", "90s"),
        ("1h", "1h"),
        ("1d", "24h"),
        ("1.5s", "1500ms"),
        ("0.000001ms", "1ns"),
        ("0s", "0s"),
        ("0h", "0s"),
        ("15", &std::format!("a number without a unit; {right}")),
        ("fast", &std::format!("no number; {right}")),
        ("", &std::format!("no number; {right}")),
        ("-5s", &std::format!("no number; {right}")),
        (".5s", &std::format!("no number; {right}")),
        ("1.2.3s", &std::format!("no number; {right}")),
        ("5 sec", &std::format!("unknown unit; {right}")),
        ("5S", &std::format!("unknown unit; {right}")),
        ("0.5ns", &std::format!("more exact than can be kept; {right}")),
        ("0.0000000000000000000000001s", &std::format!("more exact than can be kept; {right}")),
        ("9999999d", &std::format!("too large; {right}")),
        ("99999999999999999999999s", &std::format!("too large; {right}")),
    ] {
        assert_eq!(read::<HumanDuration>(text), expected, "{text}");
    }
}

#[test]
fn rates_sizes_and_shares_are_read_and_printed() {
    for (text, expected) in [
        ("1200/s", "1200/s"),
        ("0.5/m", "0.5/m"),
        ("1/h", "1/h"),
        ("1200", "a number without a unit; write a rate such as 1200/s, 6/m or 1/h"),
        ("1/d", "unknown unit; write a rate such as 1200/s, 6/m or 1/h"),
    ] {
        assert_eq!(read::<Rate>(text), expected, "{text}");
    }
    for (text, expected) in [
        ("512B", "512B"),
        ("10kB", "10kB"),
        ("1024kB", "1000KiB"),
        ("1MiB", "1MiB"),
        ("0.5B", "more exact than can be kept; write a size such as 512B, 10kB or 1MiB"),
        ("10KB", "unknown unit; write a size such as 512B, 10kB or 1MiB"),
    ] {
        assert_eq!(read::<ByteSize>(text), expected, "{text}");
    }
    for (text, expected) in [
        ("99%", "99%"),
        ("99.90%", "99.9%"),
        ("0.1 %", "0.1%"),
        ("100%", "100%"),
        ("0.0000001%", "0.0000001%"),
        ("100.1%", "too large; write a share from 0% to 100%, such as 99% or 0.5%"),
        ("0.99", "a number without a unit; write a share from 0% to 100%, such as 99% or 0.5%"),
    ] {
        assert_eq!(read::<Share>(text), expected, "{text}");
    }
}

#[test]
fn values_mean_what_they_say() {
    let share: Share = "1%".parse().unwrap();
    assert_eq!(share.of(1_000), 10);
    assert_eq!(Share::ONE.of(u64::MAX), u64::MAX);
    assert_eq!("90/m".parse::<Rate>().unwrap().per_second(), 1.5);
}

#[test]
fn a_bare_number_in_a_file_is_told_the_unit() {
    let error = serde_saphyr::from_str::<HumanDuration>("15").unwrap_err();
    let expected =
        "`15` is no duration: a number without a unit; write a duration such as 250ms, 5s, 2m or 1h";
    assert!(error.to_string().contains(expected), "{error}");
}

proptest! {
    /// What is printed reads back as the same value.
    #[test]
    fn printed_values_read_back(number in any::<u64>(), scale in 0..20_u32, share in 0..=1_000_000_000_u32) {
        let number = number / 10_u64.pow(scale);
        let duration = HumanDuration::from_nanos(number);
        prop_assert_eq!(duration.to_string().parse::<HumanDuration>(), Ok(duration));
        let size = ByteSize::new(number);
        prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        let rate = Rate::new(number, RatePeriod::Minute);
        prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
        let share = Share::from_billionths(share).unwrap();
        prop_assert_eq!(share.to_string().parse::<Share>(), Ok(share));
    }

    /// No text makes a parser panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9.]{0,30} ?[a-zA-Z%/µ]{0,3}") {
        let _ = read::<HumanDuration>(&text);
        let _ = read::<ByteSize>(&text);
        let _ = read::<Rate>(&text);
        let _ = read::<Share>(&text);
    }
}
