//! What nobody should type, and what a machine may do to us: every answer says
//! what would be right, fits a terminal of 80 columns, and nothing panics.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{checkout_text, overspill, overspill_with, run};

/// Every command.
const COMMANDS: [&str; 19] = [
    "check",
    "completions",
    "diff",
    "dns-plan",
    "footprint",
    "forward",
    "lint",
    "locality",
    "man",
    "patch",
    "pick",
    "render",
    "rollout",
    "run",
    "scenarios",
    "schema",
    "table",
    "validate",
    "vip-plan",
];

/// What makes a run short.
const SHORT: [&str; 6] = ["--set", "duration=4s", "--set", "events=[]", "--set", "expect=[]"];

/// Standard error of a command that must be refused with nothing on standard output.
fn refused(arguments: &[&str]) -> String {
    let ran = overspill(arguments);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.err
}

#[test]
fn help_and_lists_fit_eighty_columns() {
    let asked = COMMANDS.iter().map(|command| vec![*command]).chain([vec![], vec!["scenarios", "show"]]);
    for command in asked {
        for help in ["--help", "-h"] {
            // also where a terminal is wider or is none: what stands below the options is broken by hand
            let help = Command::new(env!("CARGO_BIN_EXE_overspill"))
                .args(&command)
                .arg(help)
                .env("COLUMNS", "1000")
                .output()
                .expect("the binary is built before its tests");
            let text = String::from_utf8(help.stdout).expect("we print UTF-8");
            assert!(text.contains("Examples:"), "{command:?} has no example");
            let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{command:?}: {wide:#?}");
        }
    }
    for line in overspill(&["scenarios"]).out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_its_script() {
    assert!(overspill(&["man"]).out.contains(".TH overspill 1"));
    for command in COMMANDS {
        let page = overspill(&["man", command]);
        assert_eq!((page.status, page.err.as_str()), (0, ""));
        assert!(page.out.contains(&format!(".TH overspill-{command} 1")), "{command}");
    }
    for (shell, mark) in
        [("bash", "complete -F _overspill"), ("zsh", "#compdef overspill"), ("fish", "complete -c overspill")]
    {
        let script = overspill(&["completions", shell]).out;
        assert!(script.contains(mark), "{shell}");
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
}

#[test]
fn names_are_found_whatever_their_case() {
    for (name, nearest) in [("AZ-LOSS", "az-loss"), ("node_loss", "node-loss"), ("Datagram", "datagrams")] {
        let expected = format!(
            "overspill: error: no scenario and no file is named `{name}`; did you mean `{nearest}`? \
             (`overspill scenarios` lists them)\n"
        );
        assert_eq!(refused(&["run", name]), expected);
    }
    let expected = "overspill: error: no scenario and no file is named `xyzzy-plugh` (`overspill scenarios` lists them)\n";
    assert_eq!(refused(&["run", "xyzzy-plugh"]), expected);
}

#[test]
fn a_wrong_seed_is_told_the_range() {
    for seed in ["-1", "1.5", "18446744073709551616", "x"] {
        let err = refused(&["run", "node-loss", "--seed", seed]);
        assert!(
            err.contains("no seed; write a whole number from 0 to 18446744073709551615"),
            "{seed}: {err}"
        );
    }
}

#[test]
fn wrong_numbers_in_a_file_are_told_what_a_right_one_is() {
    let good = overspill(&["scenarios", "show", "node-loss"]).out;
    for (from, to, expected) in [
        (
            "seed: 11",
            "seed: -4",
            "seed: no whole number of this range; write one from 0 to 18446744073709551615",
        ),
        (
            "nodes: 4",
            "nodes: 4.5",
            "zoneKinds.standard.nodes: no whole number of this range; write one from 0 to 4294967295",
        ),
        ("seed: 11", "seed: 1e400", "`1e400` is larger than any number here; write a smaller one"),
        ("ttl: 30s", "ttl:", "dns.ttl: no value; write one"),
    ] {
        assert!(good.contains(from), "{from}");
        let ran = overspill_with(&["check", "-"], &good.replacen(from, to, 1));
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{to}");
        let first = ran.err.lines().next().unwrap_or_default();
        assert!(first.starts_with("<stdin>:") && first.ends_with(expected), "{to}: {first}");
    }
    let err = refused(&["run", "node-loss", "--set", "dns.ttl="]);
    assert_eq!(err, "--set: error: dns.ttl: no value; write one\n");
}

#[test]
fn standard_input_is_read_once() {
    let expected = "overspill: error: `-` can be read only once; write it once\n";
    assert_eq!(refused(&["check", "-", "-"]), expected);
}

#[test]
fn files_that_are_none_of_ours_are_refused_and_never_crash_us() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write =
        |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("it can be written");
    write("binary.yaml", &(0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    write("deep.yaml", "[".repeat(100_000).as_bytes());
    write("empty.yaml", b"");
    write("zeros.yaml", &[0; 1_000_000]);
    let bomb: String = ('a'..'k').zip('b'..'l').fold("a: &a [x]\n".to_owned(), |text, (one, next)| {
        text + &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 9].join(","))
    });
    write("bomb.yaml", bomb.as_bytes());
    for name in
        ["access-point.yaml", "fleet.yaml", "desired.yaml", "current.yaml", "claims.yaml", "events.jsonl"]
    {
        write(name, checkout_text(name).as_bytes());
    }
    for name in ["binary.yaml", "deep.yaml", "empty.yaml", "zeros.yaml", "bomb.yaml", "missing.yaml", "."] {
        for arguments in [
            &["check", name][..],
            &["run", name],
            &["pick", "--config", name],
            &["table", "--config", name],
            &["lint", name],
            &["lint", "access-point.yaml", "--fleet", name],
            &["footprint", name, "--fleet", "fleet.yaml"],
            &["footprint", "access-point.yaml", "--fleet", "fleet.yaml", "--services", name],
            &["rollout", name, "events.jsonl", "--fleet", "fleet.yaml"],
            &["rollout", "access-point.yaml", name, "--fleet", "fleet.yaml"],
            &["dns-plan", name, "current.yaml"],
            &["dns-plan", "desired.yaml", name],
            &["vip-plan", name, "claims.yaml"],
            &["vip-plan", "fleet.yaml", name],
        ] {
            let ran = run(folder.path(), arguments, "");
            assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
            assert!(
                ran.err.contains("error: ") && !ran.err.contains("panicked"),
                "{arguments:?}: {}",
                ran.err
            );
        }
    }
}

#[test]
fn what_stands_in_the_way_of_an_output_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("report.html")).expect("it can be made");
    let place = out.to_str().expect("temporary names are text");
    // an hour of the fleet: if it ran first, this test would be noticed
    let err = refused(&["run", "az-loss", "--out", place]);
    assert!(err.ends_with("report.html: error: cannot be written: is a directory\n"), "{err}");
    let left: Vec<_> = fs::read_dir(&out).expect("it is there").collect();
    assert_eq!(left.len(), 1, "nothing was added: {left:?}");
}

#[test]
fn a_folder_that_is_not_there_is_named_and_no_file_that_nobody_asked_for() {
    let capture = crate::data("mixed.pcap");
    let err = refused(&["forward", "--config", &crate::data("lb.yaml"), &capture, "no/such/out.pcap"]);
    let expected = "no/such/out.pcap: error: cannot be written: entity not found; make its folder first, or name another\n";
    assert_eq!(err, expected);
}

#[test]
fn a_folder_with_other_files_keeps_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes.txt"), "mine").expect("it can be written");
    fs::write(folder.path().join("report.html"), "an old one").expect("it can be written");
    let place = folder.path().to_str().expect("temporary names are text");
    let ran = overspill(&[&["run", "node-loss", "--out", place], &SHORT[..]].concat());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
    assert_eq!(read("notes.txt"), "mine");
    assert!(read("report.html").trim_end().ends_with("</html>"));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let lb = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lb.yaml");
    let lb = lb.to_str().expect("our paths are text");
    let node_loss = [&["run", "node-loss"], &SHORT[..]].concat();
    for arguments in [
        &["scenarios"][..],
        &["scenarios", "show", "az-loss"],
        &["schema", "scenario"],
        &["completions", "bash"],
        &["man", "run"],
        &["run", "--help"],
        &["table", "--config", lb, "--format", "json"],
        &node_loss,
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_overspill"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is built before its tests");
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut told).expect("we print UTF-8");
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), told.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_long_list_of_names_is_read_in_time() {
    // compared each with each these would take minutes
    let names: Vec<String> = (0..60_000).map(|number| format!("n{number}")).collect();
    let text = checkout_text("access-point.yaml")
        .replace("names: [slc-a-1]", &format!("names: [{}]", names.join(",")));
    let began = std::time::Instant::now();
    let ran = overspill_with(&["check", "-"], &text);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let repeated = text.replace("n59999", "n7");
    assert!(overspill_with(&["check", "-"], &repeated).err.contains("`n7` stands at column"));
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
