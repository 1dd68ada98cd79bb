//! Records as providers have them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::form::Form;
use crate::name::Fqdn;
use crate::units::{HumanDuration, text_value};

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Another name.
    Cname,
    /// Something that we never write.
    Other(Box<str>),
    /// Text, where marks are.
    Txt,
}

/// A text is no kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the kind as in a zone file: A, AAAA, CNAME, TXT, MX")]
pub struct ParseRecordKindError;

impl RecordKind {
    /// As a zone file has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Other(kind) => kind,
            Self::Txt => "TXT",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordKind {
    type Err = ParseRecordKindError;

    fn from_str(text: &str) -> Result<Self, ParseRecordKindError> {
        let kind = text.to_ascii_uppercase();
        Ok(match kind.as_str() {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "CNAME" => Self::Cname,
            "TXT" => Self::Txt,
            other
                if (1..=10).contains(&other.len())
                    && other.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Self::Other(other.into())
            }
            _ => return Err(ParseRecordKindError),
        })
    }
}

text_value!(RecordKind, "kind of record", "^[A-Za-z0-9]{1,10}$", "A kind of record.");

/// A record: all values of one kind at one name, or those of one set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Its name.
    pub name: Fqdn,
    /// Its kind.
    pub kind: RecordKind,
    /// Its values as text: addresses, a name without the last dot, texts without quotes and of any length
    /// (what a zone file says is in [`presentation`](Self::presentation), and read by [`normal`](Self::normal)).
    pub values: BTreeSet<String>,
    /// How long resolvers may remember it.
    pub ttl: HumanDuration,
    /// Which of several records of one name and kind, where the provider has weighted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_id: Option<String>,
    /// Its share beside the other sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

impl Record {
    /// The same with values in the one form that they are compared in.
    #[must_use]
    pub fn normal(mut self) -> Self {
        if self.values.iter().all(|value| is_normal(value, &self.kind)) {
            return self;
        }
        let normal = |value| normal(value, &self.kind);
        self.values = std::mem::take(&mut self.values).into_iter().map(normal).collect();
        self
    }

    /// Its values as a zone file and most providers have them: names with the last dot, texts in quotes
    /// and in strings of 255 bytes at most (RFC 1035, 3.3 and 5.1).
    ///
    /// ```
    /// use mesh_model::names::Record;
    ///
    /// let text = format!("name: a.example.com\nkind: TXT\nvalues: [{}]\nttl: 300s", "a".repeat(300));
    /// let record: Record = serde_saphyr::from_str(&text)?;
    /// let value = record.presentation().remove(0);
    /// assert_eq!(value, format!("\"{}\" \"{}\"", "a".repeat(255), "a".repeat(45)));
    /// # Ok::<(), serde_saphyr::Error>(())
    /// ```
    #[must_use]
    pub fn presentation(&self) -> Vec<String> {
        let one = |value: &String| match self.kind {
            RecordKind::Cname => format!("{value}."),
            RecordKind::Txt => strings(value),
            RecordKind::A | RecordKind::Aaaa | RecordKind::Other(_) => value.clone(),
        };
        self.values.iter().map(one).collect()
    }
}

/// The longest string of a text: its length is one byte.
const MAX_STRING: usize = 255;

/// A text as strings in quotes.
fn strings(text: &str) -> String {
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\{other:03}"),
    };
    let string = |bytes: &[u8]| format!("\"{}\"", bytes.iter().map(escaped).collect::<String>());
    if text.is_empty() {
        return string(&[]);
    }
    text.as_bytes().chunks(MAX_STRING).map(string).collect::<Vec<_>>().join(" ")
}

/// Strings in quotes as one text; `None` for what is something else.
fn joined(value: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), value.trim().bytes().peekable());
    rest.peek()?;
    while rest.peek().is_some() {
        if rest.next() != Some(b'"') {
            return None;
        }
        loop {
            match rest.next()? {
                b'"' => break,
                b'\\' => {
                    let first = rest.next()?;
                    if !first.is_ascii_digit() {
                        bytes.push(first);
                        continue;
                    }
                    let digits = [first, rest.next()?, rest.next()?];
                    bytes.push(std::str::from_utf8(&digits).ok()?.parse().ok()?);
                }
                byte => bytes.push(byte),
            }
        }
        while rest.next_if(u8::is_ascii_whitespace).is_some() {}
    }
    String::from_utf8(bytes).ok()
}

/// A value in the one form that values of its kind are compared in.
pub(super) fn normal(value: String, kind: &RecordKind) -> String {
    match kind {
        RecordKind::A | RecordKind::Aaaa => {
            value.parse::<IpAddr>().map_or(value, |address| address.to_string())
        }
        RecordKind::Cname => value.parse::<Fqdn>().map_or(value, |name| name.to_string()),
        RecordKind::Txt => joined(&value).unwrap_or(value),
        RecordKind::Other(_) => value,
    }
}

/// Whether a value is surely in the one form already, told without making it.
fn is_normal(value: &str, kind: &RecordKind) -> bool {
    match kind {
        RecordKind::A | RecordKind::Aaaa => {
            value.parse::<IpAddr>().map_or(true, |address| Form::of(&address).is(value))
        }
        RecordKind::Cname => !value.ends_with('.') && !value.bytes().any(|byte| byte.is_ascii_uppercase()),
        RecordKind::Txt => !value.trim_start().starts_with('"'),
        RecordKind::Other(_) => true,
    }
}
