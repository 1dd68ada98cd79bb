//! A pod: a second namespace with a pair of devices between it and the test's.
//!
//! ```text
//!   test (an L4 node and the client)            pod
//!     eth0 10.1.0.1/24 2001:db8:1::1/64  ────  eth0 10.1.0.5/24 2001:db8:1::5/64
//! ```

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The pod's namespace, which ends with the process that keeps it.
pub(crate) struct Pod {
    keeper: Child,
}

impl Pod {
    /// Makes the pod and connects it.
    pub(crate) fn new() -> Self {
        let keeper =
            Command::new("unshare").args(["--net", "--", "sleep", "600"]).stdout(Stdio::null()).spawn();
        let pod = Self { keeper: keeper.expect("`unshare` was found before") };
        let pid = pod.keeper.id().to_string();
        let own = std::fs::read_link("/proc/self/ns/net").expect("a process has a namespace");
        let other = PathBuf::from(format!("/proc/{pid}/ns/net"));
        wait_for("the pod's namespace", || std::fs::read_link(&other).is_ok_and(|link| link != own));
        ip("link set lo up");
        ip(&format!("link add eth0 type veth peer name eth0 netns {pid}"));
        for (here, end) in [(true, 1), (false, 5)] {
            let run = |command: &str| if here { ip(command) } else { pod.ip(command) };
            run("link set lo up");
            run("link set eth0 up");
            run(&format!("address add 10.1.0.{end}/24 dev eth0"));
            run(&format!("address add 2001:db8:1::{end}/64 dev eth0 nodad"));
        }
        pod
    }

    /// The namespace, to enter it.
    pub(crate) fn namespace(&self) -> std::fs::File {
        let path = format!("/proc/{}/ns/net", self.keeper.id());
        std::fs::File::open(path).expect("the pod lives")
    }

    /// A command in the pod.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.keeper.id())).arg("--").arg(program);
        command
    }

    pub(crate) fn ip(&self, arguments: &str) {
        succeed(self.command("ip").args(arguments.split_whitespace()));
    }

    /// `lb-agent dsr` with these arguments.
    pub(crate) fn dsr(&self, arguments: &str) -> Output {
        let output = self.agent().arg("dsr").args(arguments.split_whitespace()).output();
        output.expect("the program is there")
    }

    pub(crate) fn agent(&self) -> Command {
        self.command(&agent())
    }

    /// Waits until the pod is as it was.
    pub(crate) fn wait_for_picture(&self, before: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let now = self.picture();
            if now == before {
                return;
            }
            if Instant::now() > deadline {
                let only = |one: &str, other: &str| {
                    one.lines().filter(|line| !other.contains(line)).collect::<Vec<_>>().join("\n")
                };
                panic!("gone:\n{}\nnew:\n{}", only(before, &now), only(&now, before));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// All that a person would see of the pod's networking, without what the kernel changes by itself:
    /// carriers, queues of devices that were up once, link-local addresses.
    pub(crate) fn picture(&self) -> String {
        let shown = [
            "-o link show",
            "-o -4 address show",
            "-o -6 address show scope global",
            "-4 route show table all",
        ]
        .map(|arguments| succeed(self.command("ip").args(arguments.split_whitespace())));
        let routes = succeed(self.command("ip").args(["-6", "route", "show", "table", "all"]));
        let routes = routes.lines().filter(|line| !["fe80:", "ff00:"].iter().any(|own| line.contains(own)));
        let settings =
            "grep -H . /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/arp_*; ip fou show || :";
        let rest = succeed(self.command("sh").args(["-c", settings]));
        let routes: Vec<&str> = routes.collect();
        let mut words: Vec<&str> = Vec::new();
        let text = shown.join("") + &routes.join("\n") + "\n" + &rest;
        for line in text.lines() {
            let mut of_line = line.split_whitespace();
            while let Some(word) = of_line.next() {
                match word {
                    "qdisc" | "state" => drop(of_line.next()),
                    _ if word.starts_with('<') => words.extend(word.split(&['<', ',', '>']).filter(lasting)),
                    _ => words.push(word),
                }
            }
            words.push("\n");
        }
        words.join(" ")
    }
}

/// Whether a flag of a device says what was done to it.
fn lasting(flag: &&str) -> bool {
    !matches!(*flag, "NO-CARRIER" | "LOWER_UP" | "M-DOWN")
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// The program to test.
pub(crate) fn agent() -> String {
    std::env::var("OVERSPILL_AGENT").unwrap_or_else(|_| env!("CARGO_BIN_EXE_lb-agent").to_owned())
}

/// `ip` in the test's own namespace.
pub(crate) fn ip(arguments: &str) {
    succeed(Command::new("ip").args(arguments.split_whitespace()));
}

/// Runs a command that has to succeed, and gives what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program is there");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{command:?}: {err}{out}");
    out
}

/// What a command printed: standard output, standard error.
pub(crate) fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Waits until something is so, 10 seconds at most.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 10 seconds: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
