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

use rustix::time::{ClockId, Timespec, clock_gettime};

/// What the end takes beside the drain delay: routers are told, a kernel is cleaned.
const FAREWELL: Duration = Duration::from_secs(20);

/// The way to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// From the environment; silent if it names no socket that can be used.
    pub(crate) fn from_environment() -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        // one that is meant for whoever started us is not ours to feed
        let ours = number("WATCHDOG_PID").is_none_or(|process| process == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| ours);
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
        let watchdog = watchdog.filter(|limit| !limit.is_zero());
        Self { socket: name.and_then(|name| connect(name).ok()), watchdog }
    }

    /// Everything that was asked for is in place.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// The file is being read again; [`ready`](Self::ready) says when that is over.
    pub(crate) fn reloading(&self) {
        // by this time the manager tells this reload from one before
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}", tv_sec * 1_000_000 + tv_nsec / 1_000));
    }

    /// The agent is on its way out, which takes the drain delay and a little more.
    pub(crate) fn stopping(&self, drain_delay: Duration) {
        let patience = (drain_delay + FAREWELL).as_micros();
        self.say(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={patience}"));
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
        notifier.stopping(Duration::from_secs(5));
        notifier.reloading();
        let heard = || {
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).unwrap();
            std::str::from_utf8(&buffer[..length]).unwrap().to_owned()
        };
        for expected in ["READY=1", "STATUS=2 VIPs announced", "STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000"] {
            assert_eq!(heard(), expected);
        }
        let reloading = heard();
        let since_boot: u64 =
            reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // a machine that slept has been up for longer than its monotonic clock says
        assert!(since_boot > 0 && since_boot as f64 / 1e6 <= uptime + 1.0, "{reloading} {uptime}");
    }

    #[test]
    fn a_manager_is_not_needed() {
        let unwatched = Notifier::new(Some("/nonexistent".into()), Some(Duration::ZERO));
        assert_eq!(unwatched.pace(), None, "nobody can be fed that often");
        let silent = Notifier::new(None, Some(Duration::from_secs(10)));
        silent.ready();
        assert_eq!(silent.pace(), None);
        Notifier::new(Some("/nonexistent/notify".into()), None).alive();
    }
}
