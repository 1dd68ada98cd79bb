//! The command as a person types it: what `check` prints, how a bad file is refused, who is asked when nobody answers.
//!
//! Nothing here needs privileges or a kernel with IPVS: `check` takes for empty what it may not read.

use std::path::Path;
use std::process::{Command, Output};

const NODE: &str = "
version: 1
node: { address: 10.0.0.11 }
ownedPrefixes: [203.0.113.0/24]
bgp: { as: 64512, routerId: 10.0.0.11, peers: [{ address: 10.0.0.1, as: 64500 }] }
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: { kind: ipvs-mh, port: true, fallback: true }
    backends: [{ address: 10.1.0.10 }, { address: 10.1.0.9 }]
";

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lb-agent"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .expect("the agent was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints UTF-8")
}

fn file(folder: &Path, content: &str) -> String {
    let path = folder.join("node.yaml");
    std::fs::write(&path, content).expect("the folder is ours");
    path.to_str().expect("a path of ASCII").to_owned()
}

#[test]
fn check_prints_the_commands_of_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let output = agent(&["check", "--config", &file(folder.path(), NODE)]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(printed.starts_with("# the file is right: 1 services, 2 backends\n"), "{printed}");
    let commands: Vec<&str> =
        printed.lines().filter(|line| line.starts_with("ipvsadm") || line.starts_with("ip ")).collect();
    assert_eq!(
        commands,
        [
            "ipvsadm -A -t 203.0.113.10:443 -s none",
            "ipvsadm -a -t 203.0.113.10:443 -r 10.1.0.9:443 -i -w 1",
            "ipvsadm -a -t 203.0.113.10:443 -r 10.1.0.10:443 -i -w 1",
            "ipvsadm -E -t 203.0.113.10:443 -s mh -b mh-fallback,mh-port",
            "ip address add 203.0.113.10/32 dev lo",
        ]
    );
    assert!(printed.ends_with("# announce to 10.0.0.1 (AS 64500):\n#   203.0.113.10\n"), "{printed}");
}

#[test]
fn a_backend_that_is_several_destinations_is_explained_once() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "health: { slowStart: { duration: 60s, steps: 8, from: 10% } }\n";
    for (content, times) in [(NODE.to_owned(), 0), (format!("{NODE}{slow}"), 1)] {
        let output = agent(&["check", "--config", &file(folder.path(), &content)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        assert_eq!(printed.matches("# one backend is several destinations").count(), times, "{printed}");
    }
}

#[test]
fn every_command_that_asks_or_checks_has_examples() {
    for command in ["check", "drain", "undrain", "explain", "path", "probe-paths", "status", "top"] {
        let help = text(&agent(&[command, "--help"]).stdout);
        let example = format!("  lb-agent {command} ");
        assert!(help.contains("Example") && help.contains(&example), "{help}");
    }
}

#[test]
fn every_help_fits_into_80_columns() {
    let commands = [
        "check",
        "run",
        "status",
        "top",
        "explain",
        "drain",
        "undrain",
        "path",
        "reload",
        "dsr",
        "import",
        "probe-paths",
        "completions",
        "man",
    ];
    let asked = commands.iter().map(|command| vec![*command, "--help"]).chain([vec!["--help"]]);
    for words in asked {
        let help = text(&agent(&words).stdout);
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{words:?}: {wide:#?}");
    }
}

#[test]
fn check_warns_of_what_is_right_and_seldom_meant() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "health: { interval: 2s, timeout: 5s }\n";
    let apart = NODE.replace("address: 10.1.0.10", "address: 10.1.0.10, weight: 100");
    for (content, wanted) in [
        (NODE.to_owned(), None),
        (format!("{NODE}{slow}"), Some("a check may take 5s (timeout), longer than 2s (interval)")),
        (apart, Some("destinations for 2 backends, for its weights lie far")),
    ] {
        let printed = text(&agent(&["check", "--config", &file(folder.path(), &content)]).stdout);
        let is_warning = |line: &&str| line.contains("a check may take") || line.contains("lie far");
        let warnings: Vec<&str> = printed.lines().filter(is_warning).collect();
        match wanted {
            None => assert!(warnings.is_empty(), "{warnings:?}"),
            Some(wanted) => assert!(warnings[0].contains(wanted), "{warnings:?}"),
        }
    }
}

#[test]
fn print_lb_writes_a_file_for_pick_in_the_kernels_order() {
    let folder = tempfile::tempdir().unwrap();
    let output = agent(&["check", "--print-lb", "--config", &file(folder.path(), NODE)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let source = files::Source::new("printed", &text(&output.stdout));
    let file: lb_core::config::LbFile = source.parse().unwrap();
    let config = lb_core::config::Config::try_from(file).unwrap();
    let order: Vec<String> =
        config.services[0].backends.iter().map(|backend| backend.endpoint.to_string()).collect();
    assert_eq!(order, ["10.1.0.9:443", "10.1.0.10:443"]);
}

#[test]
fn a_bad_file_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (content, expected) in [
        (
            NODE.replace("ipvs-mh", "maglev"),
            ":10:24: error: services[0].scheduler.kind: the kernel has no `maglev`",
        ),
        (
            NODE.replace("ownedPrefixes: [203.0.113.0/24]", "ownedPrefixes: []"),
            ":7:10: error: services[0].vip: 203.0.113.10 lies in none",
        ),
        (NODE.replace("routerId", "routerID"), "unknown field `routerID`; did you mean `routerId`?"),
        (
            NODE.replace("version: 1", "version: 2"),
            ":2:10: error: version: version 2 is not known; write version: 1",
        ),
    ] {
        for arguments in [["check", "--config"], ["run", "--config"]] {
            let output = agent(&[arguments[0], arguments[1], &file(folder.path(), &content)]);
            let complaint = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{complaint}");
            assert!(complaint.contains(expected), "{expected}\nis not in\n{complaint}");
            assert_eq!(text(&output.stdout), "");
        }
    }
}

#[test]
fn nobody_answers_where_no_agent_is() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    for command in [vec!["status"], vec!["drain", "10.1.0.5"], vec!["top", "--looks", "1"], vec!["reload"]] {
        let mut arguments = command.clone();
        arguments.extend(["--socket", socket.to_str().unwrap()]);
        let output = agent(&arguments);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(text(&output.stderr).contains("is lb-agent running with this socket"), "{command:?}");
    }
}

#[test]
fn what_is_typed_wrong_is_said() {
    for arguments in [
        vec![],
        vec!["drain"],
        vec!["drain", "10.1.0.5", "--node"],
        vec!["explain", "tcp,1"],
        vec!["path", "10.1.0.5"],
    ] {
        assert_eq!(agent(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}
