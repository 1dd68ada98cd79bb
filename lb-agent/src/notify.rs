//! Words to the service manager: ready, reloading, stopping, still alive (`sd_notify(3)`).
//!
//! One datagram to the socket that `$NOTIFY_SOCKET` names; without it nothing
//! is said. The watchdog's pace is half of what `$WATCHDOG_USEC` allows, as its
//! manual advises, and it is fed by the main loop alone: a loop that hangs is
//! restarted.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The way to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// From the environment; silent if it names no socket that can be used.
    pub(crate) fn from_environment() -> Self {
        let watchdog = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self::new(std::env::var_os("NOTIFY_SOCKET"), watchdog.map(Duration::from_micros))
    }

    fn new(name: Option<OsString>, watchdog: Option<Duration>) -> Self {
        let connect = |name: OsString| -> io::Result<(UnixDatagram, SocketAddr)> {
            let bytes = name.as_os_str().as_bytes();
            let address = match bytes.strip_prefix(b"@") {
                Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
                None => SocketAddr::from_pathname(&name)?,
            };
            let socket = UnixDatagram::unbound()?;
            // a manager that does not listen must not hold the loop up
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        };
        Self { socket: name.and_then(|name| connect(name).ok()), watchdog }
    }

    /// Everything that was asked for is in place.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// The agent is on its way out.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// The loop turns.
    pub(crate) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// One line that `systemctl status` shows.
    pub(crate) fn status(&self, line: &str) {
        self.say(&format!("STATUS={}", line.replace('\n', " ")));
    }

    /// How often to say that the loop turns; `None` if nobody asks.
    pub(crate) fn pace(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2).filter(|_| self.socket.is_some())
    }

    fn say(&self, words: &str) {
        if let Some((socket, address)) = &self.socket {
            // it is advice to the manager; nothing here depends on it
            let _ = socket.send_to_addr(words.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the notifier: what arrives at a manager's socket, and that nothing is needed of one.

    use super::*;

    #[test]
    fn words_arrive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(Some(path.into()), Some(Duration::from_secs(10)));
        assert_eq!(notifier.pace(), Some(Duration::from_secs(5)));
        notifier.ready();
        notifier.status("2 VIPs\nannounced");
        for expected in ["READY=1", "STATUS=2 VIPs announced"] {
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), expected);
        }
    }

    #[test]
    fn a_manager_is_not_needed() {
        let silent = Notifier::new(None, Some(Duration::from_secs(10)));
        silent.ready();
        assert_eq!(silent.pace(), None);
        Notifier::new(Some("/nonexistent/notify".into()), None).alive();
    }
}
