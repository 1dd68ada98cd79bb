//! Names as DNS may have them, of which host names are few.
//!
//! A zone has names that nobody may give to a host (`a_b.example.com`, `-.example.com`):
//! they are others', are never wanted and never conflict, but whoever lists a zone
//! lists them. Only what no zone can hold is refused. Source: RFC 1035, 2.3.4 and 5.1; RFC 2181, 11.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Fqdn;
use crate::units::text_value;

/// Any name in DNS as a zone file has it: labels of 1 to 63 bytes, 253 with the dots between; in lower case,
/// without a dot at the end, and escaped (`\032`, `\.`) only where it must be.
///
/// ```
/// use mesh_model::name::DnsName;
///
/// let name: DnsName = "A_b.Example.COM.".parse()?;
/// assert_eq!((name.as_str(), name.host_name()), ("a_b.example.com", None));
/// let name: DnsName = r"\042.example.com".parse()?;
/// assert_eq!(name.host_name().unwrap().as_str(), "*.example.com");
/// # Ok::<(), mesh_model::name::ParseDnsNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(Arc<str>);

/// A text is no name in DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDnsNameError {
    /// A backslash before nothing, or before a number that is no byte, or that of a letter or digit: these need none,
    /// and whoever writes numbers to the base of eight (`\052` for `*`) would be misread.
    #[error(
        "a backslash is before one character, or before three decimal digits of a byte that is no letter or digit; write \\042 for *"
    )]
    Escape,
    /// One label is none.
    #[error(
        "a label is empty or longer than 63 bytes, which no zone can hold; write the name as the zone has it"
    )]
    Label,
    /// In all.
    #[error("longer than 253 bytes, which no zone can hold; write the name as the zone has it")]
    Long,
    /// Letters of other alphabets have a form in DNS.
    #[error("not ASCII; write the form that DNS has, which begins with xn--")]
    NotAscii,
}

/// The longest label.
const MAX_LABEL: usize = 63;
/// The longest name, dots between labels included.
const MAX: usize = 253;

impl DnsName {
    /// As text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as the name of a host, or of all below one; `None` for names that no host has.
    #[must_use]
    pub fn host_name(&self) -> Option<Fqdn> {
        self.0.parse().ok()
    }
}

impl FromStr for DnsName {
    type Err = ParseDnsNameError;

    fn from_str(text: &str) -> Result<Self, ParseDnsNameError> {
        if !text.is_ascii() {
            return Err(ParseDnsNameError::NotAscii);
        }
        let (mut name, mut label, mut all) = (String::with_capacity(text.len()), 0, 0);
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'.' {
                if label == 0 {
                    return Err(ParseDnsNameError::Label);
                }
                (label, all) = (0, all + 1);
                name.push('.');
                continue;
            }
            let byte =
                if byte == b'\\' { escaped(&mut bytes).ok_or(ParseDnsNameError::Escape)? } else { byte };
            (label, all) = (label + 1, all + 1);
            if label > MAX_LABEL {
                return Err(ParseDnsNameError::Label);
            }
            put(&mut name, byte.to_ascii_lowercase());
        }
        if label == 0 {
            // the dot at the end
            name.pop().ok_or(ParseDnsNameError::Label)?;
            all -= 1;
        }
        if all > MAX { Err(ParseDnsNameError::Long) } else { Ok(Self(name.into())) }
    }
}

/// The byte behind a backslash.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, bytes.next()?, bytes.next()?];
    let byte: u8 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    (!byte.is_ascii_alphanumeric()).then_some(byte)
}

/// A byte of a label, escaped if it must be.
fn put(name: &mut String, byte: u8) {
    match byte {
        b'.' | b'\\' => name.extend(['\\', char::from(byte)]),
        b'!'..=b'~' => name.push(char::from(byte)),
        other => name.push_str(&format!("\\{other:03}")),
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value!(
    DnsName,
    "name in DNS",
    r"^([^.\\]|\\[0-9]{3}|\\[^0-9])+(\.([^.\\]|\\[0-9]{3}|\\[^0-9])+)*\.?$",
    "Any name in DNS."
);
