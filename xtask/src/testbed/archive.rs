//! A writer of `cpio` archives in the format that Linux unpacks as its first file system.
//!
//! Uncompressed, because unpacking under emulation takes longer than reading.
//! Format: `Documentation/driver-api/early-userspace/buffer-format.rst`, "newc".

use std::collections::BTreeSet;
use std::io::{self, Write};

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive that is being written. Folders above an entry are made as needed.
#[derive(Debug)]
pub(super) struct Archive<W> {
    to: W,
    folders: BTreeSet<String>,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) const fn new(to: W) -> Self {
        Self { to, folders: BTreeSet::new(), entries: 0 }
    }

    /// An empty folder, by its path without a leading slash.
    pub(super) fn folder(&mut self, path: &str) -> io::Result<()> {
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above)?;
        }
        if self.folders.insert(path.to_owned()) {
            self.entry(path, FOLDER, &[])?;
        }
        Ok(())
    }

    /// A file that everybody may read and run.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.above(path)?;
        self.entry(path, PROGRAM, bytes)
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.above(path)?;
        self.entry(path, LINK, target.as_bytes())
    }

    /// Ends the archive and gives back what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn above(&mut self, path: &str) -> io::Result<()> {
        path.rsplit_once('/').map_or(Ok(()), |(above, _)| self.folder(above))
    }

    fn entry(&mut self, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("{path}: over 4 GiB"));
        let size = u32::try_from(bytes.len()).map_err(|_| too_large())?;
        let name_size = u32::try_from(path.len() + 1).map_err(|_| too_large())?;
        self.entries += 1;
        write!(self.to, "070701")?;
        // inode, mode, uid, gid, links, mtime, size, device (2), device of the file (2), name's size, checksum
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0] {
            write!(self.to, "{field:08X}")?;
        }
        write!(self.to, "{path}\0")?;
        self.pad(110 + path.len() + 1)?;
        self.to.write_all(bytes)?;
        self.pad(bytes.len())
    }

    /// Header with name, and content, each end at a multiple of four.
    fn pad(&mut self, length: usize) -> io::Result<()> {
        self.to.write_all(&[0; 3][..length.next_multiple_of(4) - length])
    }
}

#[cfg(test)]
mod tests;
