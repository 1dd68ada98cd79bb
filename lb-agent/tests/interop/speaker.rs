//! Our end: the example `speaker`, told by lines and asked for its status.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::eventually;
use crate::link::{Link, NODE, ROUTER};
use crate::process::Process;

/// For what should be there at once, on a machine that has other things to do.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A running speaker.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) process: Process,
    _folder: TempDir,
}

/// Fields of the router as our peer: all that the tests need, and more if given.
pub(crate) fn peer(more: &str) -> String {
    format!(
        "{{ address: {ROUTER}, as: 64500, connectRetry: 500ms, idleHoldMax: 1s, nextHop6: '2001:db8:9::2'{more} }}"
    )
}

/// A file with these peers.
pub(crate) fn file(peers: &[String], bfd: &str) -> String {
    format!("bgp: {{ as: 64512, routerId: {NODE}, peers: [{}] }}\nbfd: {{ {bfd} }}\n", peers.join(", "))
}

impl Speaker {
    /// Starts it with a file's text, in the node's namespace.
    pub(crate) fn start(link: &Link, file: &str, arguments: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("node.yaml");
        std::fs::write(&path, file).unwrap();
        let mut command = link.in_node(program());
        command.arg(path).args(arguments);
        Self { process: Process::start(command), _folder: folder }
    }

    /// Gives an order and waits until it is carried out.
    pub(crate) fn tell(&mut self, line: &str) {
        self.process.write(line);
        self.process.expect(&format!("done: {line}"), Duration::from_secs(30));
    }

    /// Waits for a session with `address`.
    pub(crate) fn wait_until_up(&mut self, address: &str) -> Instant {
        self.process.expect(&format!("bgp {address}: up"), SOON).1
    }

    /// A number of the status, by its name; of the first peer.
    pub(crate) fn number(&mut self, name: &str) -> u64 {
        self.process.write("status");
        let (status, _) = self.process.expect("RoutingStatus", SOON);
        let start = status.find(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in {status}"));
        let digits = status[start + name.len() + 2..].split(|c: char| !c.is_ascii_digit()).next();
        digits.unwrap().parse().unwrap()
    }

    /// Waits until a number of the status is `expected`.
    pub(crate) fn wait_for_number(&mut self, name: &str, expected: u64) {
        eventually(SOON, &format!("{name} of {expected}"), || (self.number(name) == expected).then_some(()));
    }

    /// Ends it with a farewell.
    pub(crate) fn stop(mut self) {
        self.process.signal(Signal::SIGTERM);
        self.process.expect("stopped", Duration::from_secs(5));
        self.process.wait();
    }
}

/// The example, built anew if need be: with `--test` alone Cargo builds no examples.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().unwrap().parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "lb-agent", "--example", "speaker"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        // What Cargo tells a test of its package; build scripts would take it for news.
        let ours = std::env::vars_os().map(|(name, _)| name.into_string().unwrap_or_default());
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        for name in ours.filter(|name| told.iter().any(|prefix| name.starts_with(prefix))) {
            build.env_remove(name);
        }
        assert!(build.status().unwrap().success(), "the example is not built");
        let program = folder.join("examples/speaker");
        assert!(program.is_file(), "{} is not there", program.display());
        program
    })
}
