//! Output files that are whole or not there.
//!
//! What is written goes to a temporary file beside the target and takes its
//! place at the end, so a fault on the way leaves the target as it was and
//! removes the temporary file. A signal (Ctrl-C) ends the process where it is
//! and leaves the `.overspill-*` file behind: to catch it would take a thread
//! and a list of files for what `rm` does. A target that is no plain file (a pipe, `/dev/null`) is written directly:
//! there is nothing to replace.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use files::Fault;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Replacement {
    target: PathBuf,
    sink: BufWriter<Sink>,
}

#[derive(Debug)]
enum Sink {
    Direct(File),
    Temporary(NamedTempFile),
}

impl Replacement {
    /// Begins to write what will be at `target`.
    pub(crate) fn create(target: &Path) -> Result<Self, Fault> {
        let sink = Self::open(target).map_err(|error| fault(target, &error))?;
        Ok(Self { target: target.to_owned(), sink: BufWriter::with_capacity(1 << 16, sink) })
    }

    fn open(target: &Path) -> io::Result<Sink> {
        match fs::metadata(target) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => OpenOptions::new().write(true).open(target).map(Sink::Direct),
            _ => {
                let folder = match target.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                let mut builder = tempfile::Builder::new();
                builder.prefix(".overspill-");
                open_to_all(&mut builder);
                // the name of the temporary file is nobody's concern
                let plain = |error: io::Error| io::Error::from(error.kind());
                builder.tempfile_in(folder).map(Sink::Temporary).map_err(plain)
            }
        }
    }

    /// Where the file will be.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What to tell people when writing has failed.
    pub(crate) fn fault(&self, error: &io::Error) -> Fault {
        fault(&self.target, error)
    }

    /// Writes what is still in memory; the file is whole, and not in its place yet.
    ///
    /// Of files that belong together, all are made whole before the first one takes its place.
    pub(crate) fn complete(self) -> Result<Complete, Fault> {
        match self.sink.into_inner() {
            Ok(sink) => Ok(Complete { target: self.target, sink }),
            Err(error) => Err(fault(&self.target, error.error())),
        }
    }
}

/// A file that is written, and waits to take its place.
#[derive(Debug)]
#[must_use = "it is removed if it does not take its place"]
pub(crate) struct Complete {
    target: PathBuf,
    sink: Sink,
}

impl Complete {
    /// Puts the file in its place.
    pub(crate) fn place(self) -> Result<(), Fault> {
        match self.sink {
            // it was there all the time
            Sink::Direct(_) => Ok(()),
            Sink::Temporary(file) => match file.persist(&self.target) {
                Ok(_) => Ok(()),
                Err(error) => Err(fault(&self.target, &error.error)),
            },
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct(file) => file.write(bytes),
            Self::Temporary(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Direct(file) => file.flush(),
            Self::Temporary(file) => file.flush(),
        }
    }
}

/// A temporary file is private by default; an answer is as open as the user's mask has it.
fn open_to_all(builder: &mut tempfile::Builder<'_, '_>) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = builder;
}

/// What to tell people when a file cannot be written.
pub(crate) fn fault(target: &Path, error: &io::Error) -> Fault {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "; make its folder first, or name another",
        io::ErrorKind::PermissionDenied => "; name a place that is yours",
        _ => "",
    };
    Fault::whole(target.display().to_string(), format!("cannot be written: {error}{hint}"))
}
