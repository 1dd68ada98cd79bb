//! Tests of units: what is read, what is refused with which words, round trips.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_with_units() {
    let durations = [
        ("250ms", Ok(250_000_000)),
        ("1.5h", Ok(5_400_000_000_000)),
        ("0s", Ok(0)),
        ("90d", Ok(7_776_000_000_000_000)),
        ("90", Err(ParseUnitError::NoUnit(DURATION))),
        ("s", Err(ParseUnitError::NoNumber(DURATION))),
        ("-1s", Err(ParseUnitError::NoNumber(DURATION))),
        ("1.s", Err(ParseUnitError::NoNumber(DURATION))),
        ("1w", Err(ParseUnitError::UnknownUnit(DURATION))),
        ("0.5ns", Err(ParseUnitError::TooFine(DURATION))),
        ("1.00000000000000000000000000000000000000000001s", Err(ParseUnitError::TooFine(DURATION))),
        ("99999999999999999999s", Err(ParseUnitError::TooLarge(DURATION))),
        ("999999d", Err(ParseUnitError::TooLarge(DURATION))),
    ];
    for (text, expected) in durations {
        assert_eq!(text.parse().map(|HumanDuration(nanoseconds)| nanoseconds), expected, "{text}");
    }
    let shares = [
        ("99%", Ok(990_000)),
        ("0.5%", Ok(5_000)),
        ("100.0%", Ok(1_000_000)),
        ("100.1%", Err(ParseUnitError::TooLarge(SHARE))),
        ("0.00001%", Err(ParseUnitError::TooFine(SHARE))),
        ("0.99", Err(ParseUnitError::NoUnit(SHARE))),
    ];
    for (text, expected) in shares {
        assert_eq!(text.parse().map(Share::as_millionths), expected, "{text}");
    }
}

#[test]
fn serde_messages_say_what_would_be_right() {
    let read =
        |text: &str| serde_saphyr::from_str::<Amount>(text).map_err(|e| e.without_snippet().to_string());
    assert_eq!(read("25%"), Ok(Amount::Share("25%".parse().unwrap())));
    assert_eq!(read("3"), Ok(Amount::Count(3)));
    let refused = read("a few").unwrap_err();
    assert!(
        refused.contains("`a few` is no amount: no number; write a number or a share: 3, 25%"),
        "{refused}"
    );
    let refused = serde_saphyr::from_str::<HumanDuration>("30").unwrap_err().without_snippet().to_string();
    assert!(refused.contains("`30` is no duration: a number without a unit; write a duration"), "{refused}");
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(number: u64, millionths in 0_u32..=1_000_000, count: u32) {
        prop_assert_eq!(HumanDuration(number).to_string().parse(), Ok(HumanDuration(number)));
        prop_assert_eq!(ByteSize(number).to_string().parse(), Ok(ByteSize(number)));
        prop_assert_eq!(Rate(number).to_string().parse(), Ok(Rate(number)));
        prop_assert_eq!(Share(millionths).to_string().parse(), Ok(Share(millionths)));
        for amount in [Amount::Count(count), Amount::Share(Share(millionths))] {
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9.]{0,40}[a-zA-Z%/]{0,4}") {
        let _ = text.parse::<HumanDuration>();
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<Share>();
        let _ = text.parse::<Amount>();
    }
}
