//! The name that a misspelt one most likely meant: of things that are known, and of files.
//!
//! Nothing is proposed that is not near. What is proposed for a path is a file
//! that is there, found by mending one step of the path after the other.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// Entries of a folder that are looked at; a typing error is no reason to read a folder of millions.
const MOST_ENTRIES: usize = 10_000;

/// The known name nearest to a misspelt one, whatever its case; `None` if none is near.
///
/// ```
/// let targets = ["slc-a-1", "slc-b-2", "phx-a-1"];
/// assert_eq!(files::nearest("slc-a1", targets.into_iter()), Some("slc-a-1"));
/// assert_eq!(files::nearest("elsewhere", targets.into_iter()), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(name);
    let most = plain.chars().count().div_ceil(3).max(2);
    let near = known.map(|known| (strsim::damerau_levenshtein(&plain, &self::plain(known)), known)).min();
    near.filter(|(distance, _)| *distance <= most).map(|(_, known)| known)
}

/// `; did you mean ...?` after a message about a misspelt name, or nothing.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// A name as it is compared; one from outside may be of any length, and no known one is longer than this.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-").chars().take(64).collect()
}

/// Why a file cannot be read, and what would help.
#[must_use]
pub fn unreadable(path: &Path, error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => match near_file(path) {
            Some(near) => format!("there is no such file; did you mean `{}`?", near.display()),
            None => "there is no such file; check the path".to_owned(),
        },
        ErrorKind::IsADirectory => "is a folder; name a file in it".to_owned(),
        ErrorKind::PermissionDenied => "may not be read; see to its permissions".to_owned(),
        _ => format!("cannot be read: {error}; check the path"),
    }
}

/// The file that a path most likely meant.
fn near_file(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for step in path.components() {
        found = match step {
            Component::Normal(name) if !found.join(name).exists() => found.join(near_entry(&found, name)?),
            other => found.join(other),
        };
    }
    found.is_file().then_some(found)
}

/// The entry of a folder that is nearest to a name.
fn near_entry(folder: &Path, name: &OsStr) -> Option<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let name = name.to_str()?.to_lowercase();
    let entries = std::fs::read_dir(here).ok()?.take(MOST_ENTRIES).flatten();
    let entries = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let near = entries.filter_map(|entry| Some((distance(&name, &entry.to_lowercase())?, entry))).min();
    near.map(|(_, entry)| entry.into())
}

/// How far two names of files are apart; `None` if it is too far to have meant the same.
///
/// The ending is not what a name is known by: all files of a folder may have the same.
fn distance(name: &str, entry: &str) -> Option<usize> {
    let stem = |name: &str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let (name_stem, entry_stem) = (stem(name)?, stem(entry)?);
    let most = (name_stem.chars().count() / 3).clamp(1, 3);
    let of_stems = strsim::damerau_levenshtein(&name_stem, &entry_stem);
    let is_ending = of_stems == 0 || strsim::damerau_levenshtein(name, entry) <= most + 1;
    (of_stems <= most && is_ending).then_some(of_stems + strsim::damerau_levenshtein(name, entry))
}
