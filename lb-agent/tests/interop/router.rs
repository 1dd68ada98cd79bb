//! The other end: a router of three brands, with one way to start and to ask each.

mod bird;
mod frr;
mod gobgp;

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::eventually;
use crate::link::{self, Link};
use crate::process::{Process, find};

/// A router to test against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brand {
    Bird,
    Frr,
    Gobgp,
}

pub(crate) const ALL: [Brand; 3] = [Brand::Bird, Brand::Frr, Brand::Gobgp];

/// What a test wants of its router.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// The password is `sesame`.
    pub(crate) password: bool,
    /// Packets prove by their TTL that they come from next door (RFC 5082).
    pub(crate) secured: bool,
    /// BFD at 100 ms, 100 ms, 3.
    pub(crate) bfd: bool,
    /// The session runs over IPv6; BIRD only.
    pub(crate) over_v6: bool,
    /// It announces 192.0.2.0/24 to the node.
    pub(crate) route: bool,
}

/// A running router.
#[derive(Debug)]
pub(crate) struct Router<'a> {
    brand: Brand,
    link: &'a Link,
    settings: Settings,
    folder: TempDir,
    /// The daemon that speaks BGP comes last.
    processes: Vec<Process>,
}

impl Brand {
    /// Whether it can be tested against here; if not, that is said, and forbidden in CI.
    pub(crate) fn is_ready(self) -> bool {
        let programs: &[&str] = match self {
            Self::Bird => &["bird", "birdc"],
            Self::Frr => &["bgpd", "bfdd", "zebra", "vtysh"],
            Self::Gobgp => &["gobgpd", "gobgp"],
        };
        let missing = programs.iter().find(|program| find(program).is_none());
        let reason =
            missing.map(|program| format!("{program} is not installed")).or_else(|| link::check().err());
        let Some(reason) = reason else { return true };
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{self:?}: {reason}");
        eprintln!("skipped: {self:?}: {reason}");
        false
    }
}

impl<'a> Router<'a> {
    pub(crate) fn start(brand: Brand, link: &'a Link, settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let mut router = Self { brand, link, settings, folder, processes: Vec::new() };
        match brand {
            Brand::Bird => bird::start(&mut router, false),
            Brand::Frr => frr::start(&mut router),
            Brand::Gobgp => gobgp::start(&mut router, false),
        }
        router
    }

    /// Kills it as a crash would and starts it again.
    pub(crate) fn crash(&mut self) {
        match self.brand {
            // zebra and bfdd stay: they are other processes
            Brand::Frr => self.processes.pop().unwrap().crash(),
            Brand::Bird | Brand::Gobgp => self.processes.clear(),
        }
    }

    /// Starts what crashed again, as a restart of what it was.
    pub(crate) fn restart(&mut self) {
        match self.brand {
            Brand::Bird => bird::start(self, true),
            Brand::Frr => frr::start_bgpd(self),
            Brand::Gobgp => gobgp::start(self, true),
        }
    }

    /// The same of BIRD, whose BFD is late: in this test it does not come at all.
    pub(crate) fn restart_without_bfd(&mut self) {
        self.settings.bfd = false;
        self.restart();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.processes.iter().for_each(|process| process.signal(signal));
    }

    /// Resident memory of the daemon that speaks BGP, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        crate::figures::memory(self.processes.last().unwrap().id())
    }

    /// The prefixes that it has from the node.
    pub(crate) fn prefixes(&self) -> BTreeSet<String> {
        match self.brand {
            Brand::Bird => bird::prefixes(self),
            Brand::Frr => frr::prefixes(self),
            Brand::Gobgp => gobgp::prefixes(self),
        }
    }

    /// Waits until these are the prefixes that it has.
    pub(crate) fn wait_for(&self, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|&prefix| prefix.to_owned()).collect();
        let budget = Duration::from_secs(10);
        let began = std::time::Instant::now();
        loop {
            let prefixes = self.prefixes();
            if prefixes == expected {
                return;
            }
            assert!(began.elapsed() < budget, "{:?} has {prefixes:?}, not {expected:?}", self.brand);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it says about the route to a prefix, in its own words.
    pub(crate) fn words(&self, prefix: &str) -> String {
        match self.brand {
            Brand::Bird => bird::ask(self, &format!("show route {prefix} all")),
            Brand::Frr => frr::ask(self, &format!("show bgp {} unicast {prefix}", family(prefix))),
            Brand::Gobgp => gobgp::ask(self, &["global", "rib", prefix, "-a", family(prefix)]),
        }
    }

    /// Waits until the route to a prefix goes away soon (RFC 8326), or no longer does.
    pub(crate) fn wait_for_graceful_shutdown(&self, prefix: &str, expected: bool) {
        // BIRD's, FRR's and GoBGP's name of it
        let names = ["(65535,0)", "graceful-shutdown", "planned-shut"];
        eventually(
            Duration::from_secs(10),
            &format!("{:?}: graceful shutdown {expected}", self.brand),
            || {
                let words = self.words(prefix);
                (names.iter().any(|name| words.contains(name)) == expected).then_some(())
            },
        );
    }

    /// Asks the node for all routes again (RFC 2918).
    pub(crate) fn refresh(&self) {
        match self.brand {
            Brand::Bird => drop(bird::ask(self, "reload in node")),
            Brand::Frr => drop(frr::ask(self, "clear bgp 10.9.0.2 soft in")),
            // its `softresetin` looks again at what it has
            Brand::Gobgp => unreachable!("GoBGP never asks"),
        }
    }

    /// The state of its BFD session with the node.
    pub(crate) fn bfd(&self) -> String {
        match self.brand {
            Brand::Bird => bird::ask(self, "show bfd sessions"),
            Brand::Frr => frr::ask(self, "show bfd peers"),
            Brand::Gobgp => unreachable!("GoBGP has no BFD"),
        }
    }

    /// Waits until its BFD session is up.
    pub(crate) fn wait_for_bfd(&self) {
        let up = match self.brand {
            Brand::Bird => "Up",
            Brand::Frr => "Status: up",
            Brand::Gobgp => unreachable!("GoBGP has no BFD"),
        };
        eventually(Duration::from_secs(10), "BFD is up", || self.bfd().contains(up).then_some(()));
    }

    /// Takes BFD with the node down by hand.
    pub(crate) fn disable_bfd(&self) {
        match self.brand {
            // BIRD goes away without a word
            Brand::Bird => unreachable!("BIRD cannot"),
            Brand::Frr => drop(frr::configure(
                self,
                &["bfd", "peer 10.9.0.2 local-address 10.9.0.1 interface router0", "shutdown"],
            )),
            Brand::Gobgp => unreachable!("GoBGP has no BFD"),
        }
    }
}

fn family(prefix: &str) -> &'static str {
    if prefix.contains(':') { "ipv6" } else { "ipv4" }
}
