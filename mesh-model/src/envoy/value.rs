//! Small words of Envoy's JSON: durations, matchers, addresses, sources of resources.

use serde_json::{Value, json};

use super::pattern;
use crate::template::view::StringMatch;
use crate::units::HumanDuration;

/// A typed configuration of an extension.
pub(super) fn typed(message: &str, mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.insert("@type".to_owned(), json!(format!("type.googleapis.com/{message}")));
    }
    value
}

/// From the management server, for which is waited as long as it takes: Envoy's default of 15 s
/// would let what is large go live empty.
pub(super) fn ads() -> Value {
    json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" })
}

/// 100 years in nanoseconds, a third of the longest time that Envoy takes.
const MOST: u128 = 100 * 365 * 24 * 3_600 * 1_000_000_000;

/// A millisecond in nanoseconds: Istio takes no part of one, and Envoy for some times nothing shorter.
const STEP: u128 = 1_000_000;

/// A duration of Istio's (`1m30s`, `500ms`) as protobuf writes it; `None` if it is none, not of whole
/// milliseconds, or over 100 years.
pub(super) fn duration(text: &str) -> Option<String> {
    let mut nanoseconds: u128 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let unit = rest[number..]
            .find(|character: char| character.is_ascii_digit())
            .map_or(rest.len(), |length| number + length);
        let part: HumanDuration = rest[..unit].parse().ok()?;
        nanoseconds = nanoseconds.saturating_add(part.as_duration().as_nanos());
        rest = &rest[unit..];
    }
    let is_possible = nanoseconds.is_multiple_of(STEP) && nanoseconds <= MOST;
    (!text.is_empty() && is_possible).then(|| in_seconds(nanoseconds))
}

/// Nanoseconds as protobuf writes them.
pub(super) fn in_seconds(nanoseconds: u128) -> String {
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    if fraction == 0 {
        return format!("{seconds}s");
    }
    format!("{seconds}.{fraction:09}").trim_end_matches('0').to_owned() + "s"
}

/// A text to match; anything if nothing is said.
pub(super) fn string_match(wanted: &StringMatch) -> Option<Value> {
    match (&wanted.exact, &wanted.prefix, &wanted.regex) {
        (Some(text), _, _) => Some(json!({ "exact": text })),
        (_, Some(text), _) => Some(json!({ "prefix": text })),
        (_, _, Some(text)) => Some(json!({ "safe_regex": pattern::matcher(text) })),
        (None, None, None) => None,
    }
}

/// A text of a rule, with `*` at one end for anything.
pub(super) fn starred(text: &str) -> Value {
    match (text, text.strip_prefix('*'), text.strip_suffix('*')) {
        // what is there, whatever it is
        ("*", _, _) => json!({ "safe_regex": { "regex": ".+" } }),
        (_, Some(rest), _) => json!({ "suffix": rest }),
        (_, _, Some(rest)) => json!({ "prefix": rest }),
        (text, None, None) => json!({ "exact": text }),
    }
}

/// An address and a port to listen on or to call.
pub(super) fn socket_address(address: &str, port: u32) -> Value {
    json!({ "socket_address": { "address": address, "port_value": port } })
}

/// Percent as a fraction of a million.
pub(super) fn fraction(percent: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 and a million")]
    let numerator = (percent.clamp(0.0, 100.0) * 10_000.0).round() as u32;
    json!({ "numerator": numerator, "denominator": "MILLION" })
}

/// Puts a member where there is one.
pub(super) fn put(value: &mut Value, name: &str, member: Option<impl Into<Value>>) {
    if let (Some(members), Some(member)) = (value.as_object_mut(), member) {
        members.insert(name.to_owned(), member.into());
    }
}
