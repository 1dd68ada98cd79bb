//! What hands took out, remembered beside the control socket.
//!
//! An agent that crashes and comes back must not put back what somebody took
//! out. The file lives in `/run`, so a reboot forgets it, as it forgets IPVS.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lb_core::node::Drain;
use serde::{Deserialize, Serialize};

use super::Daemon;

/// One drain as the file has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    /// The backend; the whole node if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend: Option<IpAddr>,
    /// Of this service alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
}

/// Where drains are remembered, given the control socket.
pub(super) fn path(socket: &str) -> PathBuf {
    Path::new(socket).with_extension("drains.json")
}

/// What is remembered; nothing if there is no such file.
///
/// # Errors
///
/// The file is there and cannot be understood: better to say so than to put back what was taken out.
pub(super) fn read(path: &Path) -> io::Result<Vec<Drain>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let entries: Vec<Entry> = serde_json::from_slice(&text)?;
    let drain = |entry: Entry| match entry.backend {
        None => Ok(Drain::Node),
        Some(address) => {
            let service = entry.service.map(|text| text.parse()).transpose().map_err(io::Error::other)?;
            Ok(Drain::Backend { address, service })
        }
    };
    entries.into_iter().map(drain).collect()
}

/// Remembers these: the file takes its place whole, and goes if there is nothing to remember.
fn write(path: &Path, drains: impl Iterator<Item = Drain>) -> io::Result<()> {
    let entry = |drain| match drain {
        Drain::Node => Entry { backend: None, service: None },
        Drain::Backend { address, service } => {
            Entry { backend: Some(address), service: service.map(|service| service.to_string()) }
        }
    };
    let entries: Vec<Entry> = drains.map(entry).collect();
    if entries.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(&entries)?)?;
    fs::rename(&new, path)
}

impl Daemon {
    /// Remembers what hands took out.
    pub(super) fn remember_drains(&self) {
        let path = path(&self.node.config().control.socket);
        if let Err(error) = write(&path, self.node.drains()) {
            tracing::error!(path = %path.display(), %error, "drains are not remembered over a restart");
        }
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the memory of drains: what was written is read, nothing leaves no file, nonsense is said.

    use super::*;

    #[test]
    fn drains_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path().join("control.sock").to_str().unwrap());
        assert_eq!(read(&path).unwrap(), []);
        let service = "203.0.113.10:443/tcp".parse().unwrap();
        let drains = [
            Drain::Node,
            Drain::Backend { address: [10, 1, 0, 5].into(), service: None },
            Drain::Backend { address: [10, 1, 0, 6].into(), service: Some(service) },
        ];
        write(&path, drains.into_iter()).unwrap();
        assert_eq!(read(&path).unwrap(), drains);
        write(&path, [].into_iter()).unwrap();
        assert!(!path.exists());
        fs::write(&path, "[{}, {\"bakend\": 1}]").unwrap();
        assert!(read(&path).is_err());
    }
}
