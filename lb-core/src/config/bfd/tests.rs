//! The section's defaults, its refusals with their fields, and that it is written back as it was.

use alloc::string::ToString;

use super::*;

fn parse(text: &str) -> BfdFile {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn nothing_written_is_300_ms_times_3() {
    let config = BfdConfig::default();
    let config = config.profile("default").unwrap();
    assert_eq!((config.session, config.least_ttl), (SessionConfig::default(), 254));
    assert_eq!(config.hops(false), Hops::One);
    assert_eq!(config.hops(true), Hops::Many { least_ttl: 254 });
}

#[test]
fn all_fields_count() {
    let text = "{ transmitInterval: 10ms, receiveInterval: 1m, multiplier: 255, minimumTtl: 1 }";
    let config = BfdConfig::try_from(parse(text)).unwrap();
    let (fast, slow) = (Duration::from_millis(10), Duration::from_secs(60));
    let expected = BfdProfile { session: SessionConfig::new(fast, slow, 255).unwrap(), least_ttl: 1 };
    assert_eq!(config.profile(BfdConfig::DEFAULT), Some(&expected));
}

const NAME_0: &str = "profiles[0].name: empty, or the name of an earlier profile (or `default`, which the section's own fields are); write another";
const NAME_1: &str = "profiles[1].name: empty, or the name of an earlier profile (or `default`, which the section's own fields are); write another";

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let cases = [
        (
            "{ transmitInterval: 9ms }",
            "transmitInterval: 9ms is not possible; write 10ms to 1m, in whole microseconds",
        ),
        (
            "{ receiveInterval: 61s }",
            "receiveInterval: 61s is not possible; write 10ms to 1m, in whole microseconds",
        ),
        (
            "{ receiveInterval: 10000001ns }",
            "receiveInterval: 10000001ns is not possible; write 10ms to 1m, in whole microseconds",
        ),
        ("{ multiplier: 1 }", "multiplier: 1 is not possible; write 2 to 255 (3 is usual)"),
        ("{ multiplier: 256 }", "multiplier: 256 is not possible; write 2 to 255 (3 is usual)"),
        ("{ minimumTtl: 0 }", "minimumTtl: 0 is not possible; write 1 to 254: 255 less the routers between"),
        (
            "{ minimumTtl: 255 }",
            "minimumTtl: 255 is not possible; write 1 to 254: 255 less the routers between",
        ),
        (
            "{ profiles: [{ name: a, multiplier: 1 }] }",
            "profiles[0].multiplier: 1 is not possible; write 2 to 255 (3 is usual)",
        ),
        ("{ profiles: [{ name: default }] }", NAME_0),
        ("{ profiles: [{ name: \"\" }] }", NAME_0),
        ("{ profiles: [{ name: a }, { name: a }] }", NAME_1),
    ];
    for (text, expected) in cases {
        assert_eq!(BfdConfig::try_from(parse(text)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn unknown_fields_and_texts_for_numbers_are_refused() {
    for text in
        ["{ multiplyer: 3 }", "{ multiplier: \"3\" }", "{ multiplier: 2.5 }", "{ transmitInterval: 300 }"]
    {
        assert!(serde_saphyr::from_str::<BfdFile>(text).is_err(), "{text}");
    }
}

#[test]
fn it_is_written_back_as_it_was() {
    for text in [
        "{}",
        "{ transmitInterval: 50ms }",
        "{ receiveInterval: 1m, multiplier: 4, minimumTtl: 250 }",
        "{ profiles: [{ name: a, multiplier: 9 }] }",
    ] {
        let file = parse(text);
        assert_eq!(parse(&serde_saphyr::to_string(&file).unwrap()), file);
    }
}
