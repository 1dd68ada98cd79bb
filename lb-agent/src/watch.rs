//! When the file changed: a look at it every second.
//!
//! A Kubernetes ConfigMap is changed by swapping a symbolic link two levels up,
//! editors replace the file or write into it, and some file systems tell of
//! nothing: a `stat` of where the path leads sees all of these. It is compared
//! whole (device, inode, size, both times), and only then is the file read. Half
//! of a file may be right by itself, and take away what the other half has; so
//! a change counts once the file has been at rest for a moment.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file is looked at: late enough to cost nothing, soon enough for a person who waits.
const EVERY: Duration = Duration::from_secs(1);

/// A file that is written to is not at rest within this.
const REST: Duration = Duration::from_millis(250);

/// What a look at a file shows; `None` where there is none to be seen.
type Look = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

/// A path and what was there at the last look.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    seen: Look,
    /// Whether that is something else than what was told of last.
    changing: bool,
    rest: Duration,
    ticks: tokio::time::Interval,
}

impl Watch {
    /// Watches `path` from now on.
    pub(crate) fn new(path: &Path) -> Self {
        Self::every(path, EVERY, REST)
    }

    fn every(path: &Path, period: Duration, rest: Duration) -> Self {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { path: path.to_owned(), seen: look(path), changing: false, rest, ticks }
    }

    /// Waits until something else is there than at the last change, and stays so for a moment.
    ///
    /// Giving up waiting loses nothing.
    pub(crate) async fn changed(&mut self) {
        loop {
            self.ticks.tick().await;
            let now = look(&self.path);
            if now != self.seen {
                self.seen = now;
                self.changing = true;
                self.ticks.reset_after(self.rest);
            } else if std::mem::take(&mut self.changing) {
                return;
            }
        }
    }
}

fn look(path: &Path) -> Look {
    let shown = |found: &Metadata| {
        (
            found.dev(),
            found.ino(),
            found.size(),
            (found.mtime(), found.mtime_nsec()),
            (found.ctime(), found.ctime_nsec()),
        )
    };
    std::fs::metadata(path).as_ref().map(shown).ok()
}

#[cfg(test)]
mod tests {
    //! Tests of the watch: every way in which a file is changed is seen, and a file at rest is not.

    use super::*;

    const OFTEN: Duration = Duration::from_millis(5);

    async fn sees_a_change(watch: &mut Watch) -> bool {
        tokio::time::timeout(20 * OFTEN, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn every_kind_of_change_is_seen_once() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        for version in [&one, &two] {
            std::fs::create_dir(version).unwrap();
            std::fs::write(version.join("node.yaml"), "services: []").unwrap();
        }
        let data = folder.path().join("..data");
        std::os::unix::fs::symlink(&one, &data).unwrap();
        let mut watch = Watch::every(&data.join("node.yaml"), OFTEN, OFTEN);
        assert!(!sees_a_change(&mut watch).await, "at rest");

        // as the kubelet does it
        std::os::unix::fs::symlink(&two, folder.path().join("..tmp")).unwrap();
        std::fs::rename(folder.path().join("..tmp"), &data).unwrap();
        assert!(sees_a_change(&mut watch).await, "a link to another folder");
        assert!(!sees_a_change(&mut watch).await, "once");

        std::fs::write(two.join("node.yaml"), "services: [ ]").unwrap();
        assert!(sees_a_change(&mut watch).await, "written into");
        std::fs::remove_file(two.join("node.yaml")).unwrap();
        assert!(sees_a_change(&mut watch).await, "gone");
        std::fs::write(two.join("node.yaml"), "services: []").unwrap();
        assert!(sees_a_change(&mut watch).await, "back");
    }

    #[tokio::test]
    async fn what_is_being_written_is_told_of_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.yaml");
        std::fs::write(&path, "services:\n").unwrap();
        let mut watch = Watch::every(&path, OFTEN, 20 * OFTEN);
        let writing = async {
            for service in 0..10 {
                std::fs::write(&path, "- service\n".repeat(service + 1)).unwrap();
                tokio::time::sleep(2 * OFTEN).await;
            }
        };
        tokio::select! {
            () = watch.changed() => panic!("half of it was told of"),
            () = writing => {}
        }
        tokio::time::timeout(200 * OFTEN, watch.changed()).await.expect("it is whole");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 10);
        assert!(!sees_a_change(&mut watch).await, "once");
    }
}
