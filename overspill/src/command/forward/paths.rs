//! The files that one call names: none is written that is also read, none twice.
//!
//! Two names may lead to one file (`./x`, symbolic links, hard links), so files
//! are compared, not names. A file that is not there yet is known by its folder.

use std::path::{Path, PathBuf};

use super::Stop;
use crate::cli::Forward;
use crate::command::read_apart;

/// Refuses what cannot work or would destroy an input, before anything is read.
pub(super) fn check(arguments: &Forward) -> Result<(), Stop> {
    let read = [("--config", &arguments.config), ("IN", &arguments.input)];
    let written = [("OUT", Some(&arguments.output)), ("--verdicts", arguments.verdicts.as_ref())];
    let written = written.into_iter().filter_map(|(option, path)| Some((option, path?)));
    read_apart(("--config", &arguments.config), [("IN", arguments.input.as_path())])?;
    if written.clone().any(|(_, path)| is_standard_input(path)) {
        return Err(Stop::Usage("`-` is standard input; name the file to write".to_owned()));
    }
    let mut named: Vec<Named<'_>> = read.map(|(option, path)| Named::new(option, path)).into();
    for (option, path) in written {
        let new = Named::new(option, path);
        if let Some(other) = named.iter().find(|other| other.identity == new.identity) {
            return Err(Stop::Usage(one_file(other, &new)));
        }
        named.push(new);
    }
    Ok(())
}

pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn one_file(first: &Named<'_>, second: &Named<'_>) -> String {
    let (one, other) = (first.option, second.option);
    let path = second.path.display();
    format!("{one} and {other} cannot be one file; name another one than `{path}` as {other}")
}

/// A file as the command line names it.
#[derive(Debug)]
struct Named<'a> {
    option: &'static str,
    path: &'a Path,
    identity: Identity,
}

impl<'a> Named<'a> {
    fn new(option: &'static str, path: &'a Path) -> Self {
        Self { option, path, identity: Identity::of(path) }
    }
}

/// What makes two names one file.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// A file that is there: its device and its number on it.
    #[cfg(unix)]
    There(u64, u64),
    /// Where the name leads, as far as it can be followed.
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // a shell can make standard input the very file that is to be written
            let file = if is_standard_input(path) { Path::new("/dev/stdin") } else { path };
            if let Ok(found) = std::fs::metadata(file) {
                return Self::There(found.dev(), found.ino());
            }
        }
        Self::Path(followed(path).unwrap_or_else(|| path.to_owned()))
    }
}

/// The path without links and dots; that of its folder if it is not there itself.
fn followed(path: &Path) -> Option<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Some(path);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new(".")).canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}
