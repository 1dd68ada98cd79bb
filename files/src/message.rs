//! The YAML reader's errors in words for the person who wrote the file.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter};

/// What is wrong and what would be right.
pub(super) fn of(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let blank = match field.split_once(':') {
                Some((before, _)) if expected.contains(&before) => "; write a blank after the `:`",
                _ => "",
            };
            format!("unknown field {}{blank}{}", quoted(field), instead(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown name {}{}", quoted(variant), instead(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => format!("the field `{field}` is missing; add it"),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => not_of_type(unexpected, expected),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map_or_else(|| "this field".to_owned(), quoted);
            format!("{key} is already given in this mapping; remove one of the two")
        }
        Error::InvalidBooleanStrict { .. } => "no truth value; write true or false".to_owned(),
        Error::NullIntoString { .. } => "no value; write one".to_owned(),
        Error::InvalidScalar { ty, .. } => no_scalar(ty),
        Error::NonFiniteFloat { value, .. } => not_finite(value),
        Error::QuotingRequired { value, .. } => no_text(value),
        Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            "a text is wanted here, and the tag says that this is none; remove the tag".to_owned()
        }
        Error::UnsupportedTag { tag, .. } => {
            format!("the tag {} means nothing here; remove it", quoted(tag))
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "this alias is a part of what it stands for; write the value itself".to_owned()
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            "fields are wanted here; write `{ name: value, ... }` or indented lines `name: value`".to_owned()
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            "a list is wanted here; write `[ ... ]` or lines that begin with `-`".to_owned()
        }
        Error::Unexpected { expected: "string scalar", .. } => {
            "a single value is wanted here; write a text or a number".to_owned()
        }
        Error::Eof { .. } => "nothing is in it; write the fields of one of our files".to_owned(),
        Error::MultipleDocuments { .. } => {
            "a second document begins here; keep one per file and remove the `---`".to_owned()
        }
        Error::UnknownAnchor { .. } => {
            "no `&` anchor of this name stands above; write the value itself".to_owned()
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP.to_owned(),
        Error::Budget { .. } => "holds more than any file of ours; split it, or write aliases out".to_owned(),
        // what an alias repeats is at fault, and told as if it were written there
        Error::AliasError { error, .. } => of(error),
        Error::AliasReplayLimitExceeded { .. } => {
            "aliases repeat more here than any file of ours needs; write their parts out".to_owned()
        }
        // the one type of the standard library's that people write
        Error::Message { msg, .. } if msg == "invalid IP address syntax" => {
            "no IP address; write one such as 203.0.113.10 or 2001:db8::10".to_owned()
        }
        // our own types' words, which say what would be right already
        Error::Message { msg, .. } => msg.clone(),
        other => no_yaml(&DefaultMessageFormatter.format_message(other)),
    }
}

/// The same where the field holds a secret, which is not repeated.
pub(super) fn of_a_secret(error: &Error) -> String {
    if asks_for_quotes(error) {
        return "a text is wanted here, and this looks like a number; write it in quotes".to_owned();
    }
    match error {
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("something else is wanted here; write {expected}")
        }
        other => of(other),
    }
}

/// Whether a value stands where one of another type is wanted.
pub(super) fn is_of_another_type(error: &Error) -> bool {
    match error {
        Error::SerdeInvalidType { unexpected, .. } | Error::SerdeInvalidValue { unexpected, .. } => {
            unexpected != "unit value"
        }
        _ => false,
    }
}

/// Whether a plain value stands where a text is wanted.
pub(super) fn asks_for_quotes(error: &Error) -> bool {
    match error {
        Error::QuotingRequired { .. } => true,
        Error::AliasError { error, .. } => asks_for_quotes(error),
        _ => false,
    }
}

/// What would be right where a text is nested deeper than the reader follows.
const TOO_DEEP: &str = "nested deeper than any file of ours; take levels out";

/// The scanner's words, which say what it met, and what a person would do about it.
fn no_yaml(met: &str) -> String {
    // it tells its faults apart by their words alone; one that is not known here is told without advice
    let remedies = [
        ("recursion limit", TOO_DEEP),
        ("BOM must not appear", "save the file without a byte order mark"),
        ("tabs disallowed", "indent with spaces"),
        ("found a tab", "indent with spaces"),
        ("unclosed", "close it"),
        (
            "mapping values are not allowed",
            "indent this line as its neighbours are, or quote a text that holds `: `",
        ),
        ("expected <document start>", "write `---` on a line between two documents"),
        ("did not find expected", "indent this line as its neighbours are"),
    ];
    match remedies.iter().find(|(words, _)| met.contains(words)) {
        Some((_, remedy)) if *remedy == TOO_DEEP => TOO_DEEP.to_owned(),
        Some((_, remedy)) => format!("no YAML: {met}; {remedy}"),
        None => format!("no YAML: {met}"),
    }
}

/// What would be right where a plain value stands for a text.
fn no_text(value: &str) -> String {
    let is_truth = ["true", "false"].contains(&value.to_lowercase().as_str());
    let kind = if is_truth { "a truth value" } else { "a number" };
    let right = if value.len() > 40 { "it in quotes".to_owned() } else { format!("\"{value}\"") };
    format!("{} is {kind}, and a text is wanted here; write {right}", quoted(value))
}

/// What would be right where a number is beyond all others, or none (`.nan`).
fn not_finite(value: &str) -> String {
    if value.contains(|letter: char| letter.is_ascii_digit()) {
        format!("{} is larger than any number here; write a smaller one", quoted(value))
    } else {
        format!("{} is no number that anything here can be; write another", quoted(value))
    }
}

/// What would be right where something of another type stands; both in serde's words.
fn not_of_type(unexpected: &str, expected: &str) -> String {
    let text = unexpected.strip_prefix("string \"").and_then(|rest| rest.strip_suffix('"'));
    if matches!(unexpected, "map" | "sequence") && (expected == "a boolean" || is_number(expected)) {
        return "a single value is wanted here, no fields and no list".to_owned();
    }
    if expected == "a boolean" {
        return match text {
            Some(text @ ("true" | "false")) => {
                format!("a text, not a truth value; write {text}, without quotes")
            }
            _ => "no truth value; write true or false".to_owned(),
        };
    }
    if is_number(expected) {
        return match text.and_then(|text| text.parse::<u64>().ok()) {
            Some(number) => format!("a text, not a number; write {number}, without quotes"),
            None => no_scalar(expected),
        };
    }
    let found = if unexpected == "unit value" { "nothing" } else { unexpected };
    format!("{found} is not possible here; write {expected}")
}

/// Whether serde calls a number so.
fn is_number(expected: &str) -> bool {
    ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64"].contains(&expected)
}

/// What would be right where a plain value is not of the type that is wanted.
fn no_scalar(wanted: &str) -> String {
    let range: Option<(i64, u64)> = match wanted {
        "u8" => Some((0, u8::MAX.into())),
        "u16" => Some((0, u16::MAX.into())),
        "u32" => Some((0, u32::MAX.into())),
        "u64" | "usize" => Some((0, u64::MAX)),
        "i8" => Some((i8::MIN.into(), 127)),
        "i16" => Some((i16::MIN.into(), 32_767)),
        "i32" => Some((i32::MIN.into(), 2_147_483_647)),
        "i64" | "isize" => Some((i64::MIN, 9_223_372_036_854_775_807)),
        _ => None,
    };
    match range {
        Some((least, most)) => format!("no whole number of this range; write one from {least} to {most}"),
        None => "no number; write one, without quotes or a unit".to_owned(),
    }
}

/// The nearest known name, and all of them.
fn instead(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("; did you mean `{nearest}`? (known here: {})", known.join(", ")),
        None => "; no fields are known here, remove it".to_owned(),
    }
}

/// The name that the fewest typing errors lead to.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    // a name from outside may be of any length; no known one is longer than this
    let name: String = plain(name).chars().take(64).collect();
    known.iter().copied().min_by_key(|known| strsim::osa_distance(&name, &plain(known)))
}

/// A text from the file for a message, cut to 40 characters.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}
