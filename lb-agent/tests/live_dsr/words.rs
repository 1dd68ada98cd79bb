//! What the command says where it cannot do anything: words, exit status, and that nothing was changed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::pod::{Pod, agent, text};
use crate::namespace;

/// Whether the kernel has tunnel devices, which decides what can be seen here.
fn has_ipip() -> bool {
    Path::new("/sys/module/ipip").exists()
}

#[test]
fn check_changes_nothing_and_says_what_is_missing() {
    namespace::run("live_dsr::words::check_changes_nothing_and_says_what_is_missing", || {
        let pod = Pod::new();
        let before = pod.picture();
        let output = pod.dsr("--vip 203.0.113.10 --check");
        let (out, err) = text(&output);
        assert!(out.contains("ip address add 203.0.113.10/32 dev tunl0 scope host proto 79\n"), "{out}{err}");
        assert_eq!(output.status.code(), Some(if has_ipip() { 0 } else { 1 }), "{out}{err}");
        if !has_ipip() {
            assert!(out.starts_with("ip link add name tunl0 type ipip mode ipip ttl 64\n"), "{out}");
            assert!(out.contains("# missing: the module `ipip` is not loaded"), "{out}");
            let output = pod.dsr("--vip 203.0.113.10");
            let (out, err) = text(&output);
            assert_eq!((output.status.code(), out.as_str()), (Some(1), ""), "{err}");
            assert!(err.contains("load the module as root on the host (`modprobe ipip`)"), "{err}");
        }
        assert_eq!(pod.picture(), before);
    });
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    namespace::run("live_dsr::words::bad_input_is_told_and_changes_nothing", || {
        let pod = Pod::new();
        let before = pod.picture();
        let file = std::env::temp_dir().join(format!("overspill-vips-{}", std::process::id()));
        std::fs::write(&file, "203.0.113.10\n203.0.113.300\n").unwrap();
        let watch = format!("--watch {}", file.display());
        let cases = [
            ("", "--vip"),
            ("--vip 203.0.113.300", "is no IP address"),
            ("--vip 127.0.0.1", "loopback"),
            ("--vip 203.0.113.10 --encapsulation gue", "gue:6080"),
            ("--vip 203.0.113.10 --encapsulation gue:0", "gue:6080"),
            ("--vip 203.0.113.10 --device ipipp=x", "write ipip, ip6tnl or sit"),
            ("--vip 203.0.113.10 --device a/b", "may not be in a name"),
            ("--vip 203.0.113.10 --device eth0", "is no ipip device but veth"),
            ("--vip 203.0.113.10 --outer 4", "write ipv4 or ipv6"),
            (&watch, ":2: `203.0.113.300` is no IP address"),
            ("--watch /nonexistent", "there is no such file"),
        ];
        for (arguments, words) in cases {
            let output = pod.dsr(arguments);
            let (out, err) = text(&output);
            assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{arguments}: {err}");
            assert!(err.contains(words), "{arguments}: {err}");
        }
        std::fs::remove_file(&file).unwrap();
        let undone = pod.dsr("--undo");
        assert_eq!((undone.status.code(), text(&undone).0.as_str()), (Some(0), "nothing to do\n"));
        assert_eq!(pod.picture(), before);
    });
}

#[test]
fn it_waits_for_another_that_is_at_work_in_the_same_namespace() {
    namespace::run("live_dsr::words::it_waits_for_another_that_is_at_work_in_the_same_namespace", || {
        let pod = Pod::new();
        let other = pod.namespace();
        flock(&other, FlockOperation::LockExclusive).unwrap();
        let mut waits = pod.agent().args(["dsr", "--undo"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(waits.try_wait().unwrap().is_none(), "it did not wait");
        drop(other);
        assert!(waits.wait().unwrap().success());
    });
}

#[test]
fn without_the_capability_it_says_which() {
    namespace::run("live_dsr::words::without_the_capability_it_says_which", || {
        let pod = Pod::new();
        let powerless = |arguments: &str| {
            let mut command = pod.command("setpriv");
            command.args(["--bounding-set=-all", "--inh-caps=-all", "--reuid=65534", "--clear-groups"]);
            command.arg(agent()).arg("dsr").args(arguments.split_whitespace());
            command.output().unwrap()
        };
        let check = powerless("--vip 203.0.113.10 --check");
        if text(&check).1.contains("setpriv") {
            assert!(std::env::var_os("CI").is_none(), "no `setpriv` here");
            return eprintln!("skipped, there is no `setpriv` here");
        }
        assert!(text(&check).0.contains("# missing: CAP_NET_ADMIN"), "{check:?}");
        let output = powerless("--vip 203.0.113.10");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output).1.contains("it takes CAP_NET_ADMIN over this network namespace"), "{output:?}");
    });
}
