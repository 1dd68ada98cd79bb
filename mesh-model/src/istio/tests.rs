//! Tests of Istio's versions: order, what each has, what is none, and how they are written.

use super::*;

fn version(text: &str) -> IstioVersion {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn younger_is_greater_and_numbers_are_no_decimals() {
    let ordered = ["0.8", "1.9", "1.29.9", "1.30", "1.30.0", "1.30.11", "1.31", "1.31.0", "2.0"];
    for pair in ordered.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    for text in ordered {
        let has = !["0.8", "1.9", "1.29.9", "1.30", "1.30.0", "1.30.11"].contains(&text);
        assert_eq!((version(text).has_zone_aware(), version(text).to_string().as_str()), (has, text));
    }
}

#[test]
fn what_is_no_version_is_refused_with_what_would_be_right() {
    for text in
        ["", "1", "1.", "1.31.", "1.31.0.1", "v1.31", "1.31-alpha", "1.+31", "1.031", "1.70000", "latest"]
    {
        assert_eq!(text.parse::<IstioVersion>(), Err(ParseVersionError), "{text}");
    }
    let found: Result<IstioVersion, _> = serde_saphyr::from_str("latest");
    let message = found.unwrap_err().without_snippet().to_string();
    assert!(message.contains("`latest` is no version of Istio: write major and minor version"), "{message}");
}

/// Without quotes YAML has a number here, in which 1.30 would be 1.3; the text is what counts.
#[test]
fn a_version_without_quotes_is_the_text_that_was_written() {
    let read = |text: &str| serde_saphyr::from_str::<IstioVersion>(text).unwrap();
    assert_eq!((read("1.30"), read("\"1.30\"")), (version("1.30"), version("1.30")));
    let number: Result<IstioVersion, _> = serde_json::from_str("1.30");
    assert!(number.is_err(), "JSON has lost the zero");
    assert_eq!(serde_json::to_string(&version("1.31.2")).unwrap(), "\"1.31.2\"");
}
