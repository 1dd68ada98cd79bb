//! Tests of what lies in the folder `deploy`: the example is right, the rules do what they say, the unit is one.
//!
//! The judges are the programs that will read these files: the agent itself,
//! `promtool` (Debian: prometheus) and `systemd-analyze` (Debian: systemd). Where
//! one is missing its test is skipped, which CI must not do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

/// The outcome of a program, or `None` where it is not here.
fn run(program: &str, arguments: &[&str], file: &Path) -> Option<Output> {
    match Command::new(program).args(arguments).arg(file).output() {
        Ok(output) => Some(output),
        Err(error) => {
            let why = format!("{program} cannot be started: {error}");
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}, and CI must not skip");
            eprintln!("skipped: {why}");
            None
        }
    }
}

fn both(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).join("\n")
}

#[test]
fn the_example_is_right() {
    let output = run(env!("CARGO_BIN_EXE_lb-agent"), &["check", "--config"], &deploy("node.yaml")).unwrap();
    let printed = both(&output);
    assert!(output.status.success(), "{printed}");
    for expected in [
        "# the file is right: 3 services, 9 backends",
        "ipvsadm -E -t 203.0.113.10:443 -s mh -b mh-fallback,mh-port",
        "ipvsadm -E -t [2001:db8:113::10]:443 -s mh -b mh-fallback,mh-port",
        "ip address add 2001:db8:113::10/128 dev lo",
        "# announce to 192.0.2.1 (AS 64500), 192.0.2.2 (AS 64500):",
    ] {
        assert!(printed.lines().any(|line| line == expected), "{expected}\nis not in\n{printed}");
    }
}

#[test]
fn the_rules_are_rules_and_fire_when_they_should() {
    for (arguments, file) in [(["check", "rules"], "alerts.yaml"), (["test", "rules"], "alerts-test.yaml")] {
        let Some(output) = run("promtool", &arguments, &deploy(file)) else { return };
        assert!(output.status.success() && both(&output).contains("SUCCESS"), "{}", both(&output));
    }
}

#[test]
fn the_unit_is_one_and_exposes_little() {
    let folder = tempfile::tempdir().unwrap();
    let unit = std::fs::read_to_string(deploy("lb-agent.service")).unwrap();
    // it is verified that the program is there
    let unit = unit.replace("/usr/local/bin/lb-agent", env!("CARGO_BIN_EXE_lb-agent"));
    let file = folder.path().join("lb-agent.service");
    std::fs::write(&file, unit).unwrap();
    let Some(output) = run("systemd-analyze", &["verify", "--man=no"], &file) else { return };
    let ours: Vec<String> =
        both(&output).lines().filter(|line| line.contains("lb-agent")).map(str::to_owned).collect();
    assert!(output.status.success() && ours.is_empty(), "{}", both(&output));
    // from 0 (nothing is exposed) to 100; what a load balancer cannot do without makes some 22
    let output = run("systemd-analyze", &["security", "--offline=yes", "--threshold=25"], &file).unwrap();
    assert!(output.status.success(), "{}", both(&output));
}
