//! One at a time: what is planned from a look must be what is there when it is done.
//!
//! Two that look, and then both act, would each take the other's work for what
//! was there before, and keep it as such. The lock is on the network namespace
//! itself: it is the same for all that share one, whatever files they see, and
//! goes with whoever holds it.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// The namespace of this thread.
const NAMESPACE: &str = "/proc/thread-self/ns/net";
/// How long another may take: its commands are done in milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to change this namespace; dropped, it is another's.
#[derive(Debug)]
pub(super) struct Lock {
    /// Its end is the lock's.
    _namespace: File,
}

impl Lock {
    /// Waits until nobody else holds it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if somebody held it for so long; or there is no such namespace to be seen.
    pub(super) fn take(patience: Duration) -> io::Result<Self> {
        let namespace = File::open(NAMESPACE)?;
        let start = Instant::now();
        loop {
            match flock(&namespace, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _namespace: namespace }),
                Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() < patience => std::thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the lock: it is one's until it is dropped.

    use super::*;

    #[test]
    fn one_at_a_time() {
        let first = Lock::take(Duration::ZERO).unwrap();
        let refused = Lock::take(Duration::from_millis(50)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        let second = std::thread::spawn(|| Lock::take(PATIENCE));
        std::thread::sleep(Duration::from_millis(50));
        drop(first);
        assert!(second.join().unwrap().is_ok());
    }
}
