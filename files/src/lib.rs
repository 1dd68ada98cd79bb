//! Files that people write: reading, strict YAML, and faults with a place.
//!
//! A [`Source`] is a named text. [`Source::parse`] reads it into a serde type;
//! [`Source::fault`] turns a fault that was found later, known by its field's
//! path (`services[0].backends[2].weight`), into line and column. Either way
//! the person gets a [`Fault`]: file, line, column, field, what is wrong, what
//! would be right. Positions are looked up by a second walk over the text,
//! made only when there is a fault. A stream of several documents is divided by
//! [`Source::documents`]; each then counts lines from the top of the file.
//! What the values mean is for others to say.
//!
//! ```
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Zone {
//!     name: String,
//! }
//!
//! let zone: Zone = files::Source::new("zone.yaml", "name: slc-a").parse()?;
//! assert_eq!(zone.name, "slc-a");
//!
//! let fault = files::Source::new("zone.yaml", "nmae: slc-a").parse::<Zone>().unwrap_err();
//! assert_eq!((fault.line, fault.column, fault.field.as_deref()), (Some(1), Some(1), Some("nmae")));
//! assert_eq!(fault.message, "unknown field `nmae`; did you mean `name`? (known here: name)");
//! # Ok::<(), Box<files::Fault>>(())
//! ```
#![forbid(unsafe_code)]

mod documents;
mod locate;
mod merge;
mod message;
mod near;
mod show;
mod strict;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options};

use locate::Tree;
pub use near::{did_you_mean, nearest, unreadable};
pub use show::{Severity, is_hidden, printable};
use strict::{Again, Strict};

/// The largest file that is read: far more than any fleet needs, far less than would hurt.
const MAX_BYTES: u64 = 256 << 20;
/// YAML nodes in one file: some 200,000 backends. The library's default stops at 25,000.
const MAX_NODES: usize = 2_000_000;
/// YAML nodes that aliases may repeat: enough for shared parts, too few for a bomb.
const MAX_REPLAYED: usize = 100_000;
/// The same for each byte of the text: a bomb is short, and whoever reads it for a message reads it again.
const MAX_REPLAYED_PER_BYTE: usize = 16;

/// A text and where it came from.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// The lines of the file that stand before the text.
    lines_before: u32,
    /// Where its fields are, once somebody asked: there may be thousands of faults to place.
    tree: OnceLock<Option<Tree>>,
}

/// What is wrong in a file, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file's name as given, or `<stdin>`.
    pub file: String,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Counted in characters from 1.
    pub column: Option<u32>,
    /// The way to the field, if there is one.
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
    /// The line itself, unless it holds a secret.
    #[serde(skip)]
    pub excerpt: Option<Box<str>>,
}

impl Fault {
    /// A fault of a file as a whole.
    #[must_use]
    pub const fn whole(file: String, message: String) -> Self {
        Self { file, line: None, column: None, field: None, message, excerpt: None }
    }
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is larger than 256 MiB, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let read = if stdin {
            std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        };
        let whole = |message| Fault::whole(name.clone(), message);
        read.map_err(|error| whole(unreadable(path, &error)))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(whole(format!("is larger than {} MiB; split it", MAX_BYTES >> 20)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::part(name, text, 0)),
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + count(valid.iter().filter(|byte| **byte == b'\n').count());
                let before = valid.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
                let column = 1 + count(String::from_utf8_lossy(before).chars().count());
                let message = "is no UTF-8 text from here on; save it as UTF-8".to_owned();
                Err(Fault { line: Some(line), column: Some(column), ..whole(message) })
            }
        }
    }

    /// A text that is in memory already, such as an embedded file.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self::part(name.to_owned(), text.to_owned(), 0)
    }

    const fn part(name: String, text: String, lines_before: u32) -> Self {
        Self { name, text, lines_before, tree: OnceLock::new() }
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The documents of the text, which `---` lines begin and `...` lines end; those without content
    /// are left out, and a text without any is one document. Faults keep the lines of the file.
    ///
    /// ```
    /// let source = files::Source::new("zones.yaml", "# two\n---\nname: slc-a\n---\nname: [\n");
    /// let [first, second] = &source.documents()[..] else { panic!("there are two") };
    /// assert!(first.parse::<serde_json::Value>().is_ok());
    /// assert_eq!(second.parse::<serde_json::Value>().unwrap_err().line, Some(5));
    /// ```
    #[must_use]
    pub fn documents(&self) -> Vec<Self> {
        let part = |text: &str, lines_before: u32| {
            let lines_before = self.lines_before.saturating_add(lines_before);
            Self::part(self.name.clone(), text.to_owned(), lines_before)
        };
        let found = documents::documents(&self.text);
        if found.is_empty() {
            return vec![part(&self.text, 0)];
        }
        found.into_iter().map(|one| part(&self.text[one.bytes], one.lines_before)).collect()
    }

    /// The lines of a text of which each is a document of its own (JSON Lines); empty ones are left out.
    /// Faults keep the lines of the file.
    ///
    /// ```
    /// let source = files::Source::new("events.jsonl", "{\"at\": 1}\n\n{\"at\": }");
    /// let [first, second] = &source.lines().collect::<Vec<_>>()[..] else { panic!("there are two") };
    /// assert!(first.parse::<serde_json::Value>().is_ok());
    /// assert_eq!(second.first_line(), 3);
    /// ```
    pub fn lines(&self) -> impl Iterator<Item = Self> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        let line = |(before, text): (usize, &str)| {
            let lines_before = self.lines_before.saturating_add(count(before));
            Self::part(self.name.clone(), text.to_owned(), lines_before)
        };
        text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()).map(line)
    }

    /// The number of the line of the file that the text begins with, from 1.
    #[must_use]
    pub const fn first_line(&self) -> u32 {
        self.lines_before.saturating_add(1)
    }

    /// Reads the text as YAML 1.2 (JSON is YAML), unknown fields being for `T` to refuse.
    ///
    /// A value is of the type that it is written as: `3` is no text and `"3"` no number. In a value of any
    /// type, such as somebody else's object, a key that is a whole number or a truth value is its text, as
    /// API servers take it; whole numbers beyond 64 bits become floats there, as theirs do. What a mapping has
    /// of its own holds over what a merge (`<<`) brings, also where one key is a number and the other its text.
    ///
    /// # Errors
    ///
    /// The first fault of the text, with its place and field.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read(&self.text, options(&self.text)).map_err(|error| {
            // a number where a duration is wanted is better told what durations are than to be a text
            let mut lenient = options(&self.text);
            lenient.no_schema = false;
            let second = message::asks_for_quotes(&error).then(|| read::<T>(&self.text, lenient).err());
            let same = second.flatten().filter(|second| second.location() == error.location());
            self.syntax_fault(same.as_ref().unwrap_or(&error))
        })
    }

    /// The names of the fields at the top, as far as the text can be read.
    #[must_use]
    pub fn top_fields(&self) -> Vec<String> {
        self.tree().map(Tree::top_fields).unwrap_or_default()
    }

    fn tree(&self) -> Option<&Tree> {
        self.tree.get_or_init(|| Tree::read(&self.text, &options(&self.text))).as_ref()
    }

    /// A fault of the field at `path`, such as `services[0].mtu`; placed at the
    /// nearest field above if the text does not have it.
    #[must_use]
    pub fn fault(&self, path: &str, message: String) -> Fault {
        let place = self.tree().and_then(|tree| tree.place_of(path));
        self.placed(place.map(|place| (place.line, place.column)), Some(path.to_owned()), message)
    }

    /// A fault at a position of this text, both counted from 1.
    #[must_use]
    pub fn fault_at(&self, line: u32, column: u32, field: Option<String>, message: String) -> Fault {
        self.placed(Some((line, column)), field, message)
    }

    /// A fault that the YAML reader found.
    fn syntax_fault(&self, error: &Error) -> Fault {
        let error = error.without_snippet();
        let mut place = error.location().map(|location| locate::Place::from(&location));
        // a second walk would come no further than the limit that the first met
        let beyond = matches!(error, Error::Budget { .. });
        let tree = if beyond { None } else { self.tree() };
        let located = tree.zip(place);
        let field = match error {
            Error::SerdeMissingField { field, .. } => {
                let mapping = located.as_ref().and_then(|(tree, place)| tree.mapping_at(*place));
                if let Some(((tree, _), way)) = located.as_ref().zip(mapping.as_ref()) {
                    // the reader tells of the last key that it saw, which has no part in this
                    place = tree.place_of(&way.to_string());
                }
                Some(mapping.unwrap_or_default().then(field))
            }
            // where the rest of the text is no YAML, the name alone is known
            Error::SerdeUnknownField { field, .. } => {
                let way = located.as_ref().and_then(|(tree, place)| tree.field_at(*place));
                Some(way.map_or_else(|| field.clone(), |way| way.to_string()))
            }
            _ => {
                let field = located.as_ref().and_then(|(tree, place)| tree.field_at(*place));
                if let Some((tree, key)) = located.as_ref().filter(|_| message::is_of_another_type(error)) {
                    // serde's own types know no place, so that the reader tells that of the key
                    place = tree.value_after(*key).or(place);
                }
                field.map(|way| way.to_string())
            }
        };
        let is_secret = field.as_deref().is_some_and(show::names_a_secret);
        let mut message = if is_secret { message::of_a_secret(error) } else { message::of(error) };
        if let (Some((tree, second)), Error::DuplicateMappingKey { .. }) = (&located, error)
            && let Some(first) = tree.first_of(*second).filter(|first| first.line != second.line)
        {
            message += &format!("; the first is on line {}", first.line.saturating_add(self.lines_before));
        }
        self.placed(place.map(|place| (place.line, place.column)), field, message)
    }

    fn placed(&self, place: Option<(u32, u32)>, field: Option<String>, message: String) -> Fault {
        let (line, column) = place.unzip();
        let text = line.and_then(|line| self.text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
        let secret = field.as_deref().is_some_and(show::names_a_secret);
        let excerpt = text.filter(|text| !secret && !show::names_a_secret(text)).map(Box::from);
        let line = line.map(|line| line.saturating_add(self.lines_before));
        Fault { file: self.name.clone(), line, column, field, message, excerpt }
    }
}

/// A value as YAML that [`Source::parse`] reads back.
///
/// # Errors
///
/// The value has no form in YAML, as none of our files' types does.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

/// A number of lines or characters; none of our files has more.
#[must_use]
pub fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Reads a value that is of the types that it is written as.
fn read<T: DeserializeOwned>(text: &str, options: Options) -> Result<T, Error> {
    let again = merge::again(text, &options);
    read_with(text, options, again)
}

/// The same where this is to become of keys that a mapping has already.
fn read_with<T: DeserializeOwned>(text: &str, options: Options, again: Again) -> Result<T, Error> {
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
        T::deserialize(Strict(reader, again))
    })
}

/// Strict YAML 1.2: `no` is a text, what looks like a number or a truth value is none without quotes (and in a
/// value of any type, `012` and `1_000` are none either); duplicate keys and tags that mean nothing are errors.
fn options(text: &str) -> Options {
    let replayed = MAX_REPLAYED.min(MAX_REPLAYED_PER_BYTE.saturating_mul(text.len()));
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        no_schema: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 4 * MAX_NODES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: replayed },
    }
}

#[cfg(test)]
mod tests;
