//! Documents that cannot lie: every command that `examples/checkout/README.md` shows is run there and has
//! to print what stands below it; the examples of each `--help`, and what the README says of access points,
//! run from the root of the repository.
//!
//! A block ```` ```console ```` holds commands after `$ `, each over what it prints on both outputs together;
//! `[exit status 1]` ends what failed. `UPDATE_GOLDEN=1` writes what is printed now.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{checkout_text, overspill, run, with};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a shell prints for a command, with our binary before all others.
fn shell(folder: &Path, command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_overspill"));
    let mut path = vec![binary.parent().expect("it lies in a folder").to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .env("PATH", std::env::join_paths(path).expect("no colon is in our path"))
        .env("COLUMNS", "80")
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("every system of ours has a shell");
    let mut text = String::from_utf8(output.stdout).expect("we print UTF-8");
    match output.status.code() {
        Some(0) => {}
        code => text += &format!("[exit status {}]\n", code.expect("no signal")),
    }
    text
}

/// A document with what its commands print now, and the commands.
fn printed(document: &str, folder: &Path) -> (String, Vec<String>) {
    let (mut text, mut commands, mut lines) = (String::new(), Vec::new(), document.lines().peekable());
    while let Some(line) = lines.next() {
        text += &format!("{line}\n");
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next().filter(|line| *line != "```") {
            let Some(mut last) = line.strip_prefix("$ ") else { continue };
            let mut command = last.to_owned();
            while last.ends_with(['\\', '|']) {
                last = lines.next().expect("a command ends");
                command += &format!("\n{last}");
            }
            text += &format!("$ {command}\n{}", shell(folder, &command));
            commands.push(command);
        }
        text += "```\n";
    }
    (text, commands)
}

#[test]
fn the_walk_through_checkout_prints_what_it_shows() {
    let folder = root().join("examples/checkout");
    let file = folder.join("README.md");
    let document = std::fs::read_to_string(&file).expect("it is there");
    let (now, commands) = printed(&document, &folder);
    for command in [
        "check",
        "diff",
        "dns-plan",
        "footprint",
        "lint",
        "locality",
        "patch",
        "render",
        "rollout",
        "schema",
        "vip-plan",
    ] {
        let shown = commands.iter().any(|shown| shown.contains(&format!("overspill {command} ")));
        assert!(shown, "{command} is not shown");
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &now).expect("it can be written");
        return;
    }
    assert_eq!(document, now, "UPDATE_GOLDEN=1 writes what is printed now");
}

/// What people read fits a terminal of 80 columns: all that the walk-through prints, and the help of every
/// command. Only where a fault is, which editors read as one line, and the objects of a stream are as wide as
/// they are.
#[test]
fn what_is_printed_for_people_fits_80_columns() {
    let folder = root().join("examples/checkout");
    let document = std::fs::read_to_string(folder.join("README.md")).expect("it is there");
    let (_, commands) = printed(&document, &folder);
    let is_for_editors = |line: &str| [": error: ", ": warning: "].iter().any(|mark| line.contains(mark));
    let mut lines = 0;
    for command in commands.iter().filter(|command| !command.contains("overspill render ")) {
        for line in shell(&folder, command).lines().filter(|line| !is_for_editors(line)) {
            lines += 1;
            assert!(line.chars().count() <= 80, "{command}\n{line}");
        }
    }
    assert!(lines > 150, "{lines} lines are all that is printed");
    for command in ["check", "diff", "dns-plan", "footprint", "forward", "lint", "locality", "patch"]
        .iter()
        .chain(&["pick", "render", "rollout", "run", "schema", "table", "validate", "vip-plan"])
    {
        let help = overspill(&[command, "--help"]).out;
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert!(!help.is_empty() && wide.is_none(), "{command}: {wide:?}");
    }
}

/// Names may be of 63 characters: what `diff` and `--explain` say of them goes on in the next line.
#[test]
fn what_is_said_of_long_names_fits_80_columns() {
    let long = |text: &str| text.replace("slc-", &format!("slc-{}-", "x".repeat(55)));
    let fleet = long(&checkout_text("fleet.yaml"))
        .replace("reachability: reachable }", "reachability: reachable, requests: 1000/s }");
    let drained = with(&fleet, "spec: { region: us-west", "spec: { drain: true, region: us-west");
    let gone: Vec<&str> = fleet.split("\n---\n").filter(|one| !one.contains("-3, labels: {")).collect();
    let old = checkout_text("access-point.yaml").replace("slc-a-wide-pool", &"wide-".repeat(13)[..63]);
    let old = long(&old);
    let old = with(
        &old,
        "{ kind: Service, labels:",
        "{ kind: Service, patch: [{ op: remove, path: /metadata/labels/app }] }\n        - { kind: Service, labels:",
    );
    let old = old.replace("where-am-i", &"where-am-i-".repeat(6)[..63]);
    let new = [
        ("exposure: public", "exposure: private"),
        ("follow: { kind: FederatedDeployment, name: checkout }", "selector: {}"),
        ("isolationGroup: payments", "isolationGroup: other"),
        ("ttl: 30s", "ttl: 40s"),
        ("issuer: corp-acme", "issuer: other"),
        ("local: 99%, remote: 1%", "local: 90%, remote: 10%"),
        ("failureBudget: 0", "failureBudget: 1"),
        ("timeout: 2s", "timeout: 3s"),
    ];
    let new = new.iter().fold(old.clone(), |text, (from, to)| with(&text, from, to));
    let folder = tempfile::tempdir().expect("a place for files");
    for (name, text) in [
        ("fleet", &fleet),
        ("drained", &drained),
        ("gone", &gone.join("\n---\n")),
        ("old", &old),
        ("new", &new),
    ] {
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a place for files");
    }
    for (arguments, lines, said) in [
        (
            &["diff", "old.yaml", "new.yaml", "--fleet", "fleet.yaml"][..],
            30,
            "at once, without a stage: metadata.labels",
        ),
        (
            &["diff", "fleet.yaml", "drained.yaml", "--fleet", "old.yaml"],
            4,
            "the rest bears it; the fullest is",
        ),
        (&["diff", "fleet.yaml", "gone.yaml", "--fleet", "old.yaml"], 6, "no longer in the fleet"),
        (&["render", "old.yaml", "--fleet", "fleet.yaml", "--explain"], 300, "(removed)"),
    ] {
        let ran = run(folder.path(), arguments, "");
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.err);
        let is_told = |line: &&str| arguments[0] == "diff" || line.starts_with('#');
        let told: Vec<&str> = ran.out.lines().filter(is_told).collect();
        let is_wide = |line: &&&str| {
            let words = line.trim_start_matches(['#', ' ']);
            line.chars().count() > 80 && words.contains(' ')
        };
        assert_eq!(told.iter().find(is_wide), None, "{arguments:?}");
        assert!(told.len() >= lines && told.concat().contains(said), "{arguments:?}: {}", ran.out);
    }
}

/// The hash that is approved in the recording is that of the change which the document shows before.
#[test]
fn what_is_approved_is_what_the_difference_shows() {
    let folder = root().join("examples/checkout");
    let document = std::fs::read_to_string(folder.join("README.md")).expect("it is there");
    let hash = document.lines().find_map(|line| line.strip_prefix("hash ")).expect("a difference is shown");
    let events = std::fs::read_to_string(folder.join("events.jsonl")).expect("it is there");
    let approvals: Vec<&str> = events.lines().filter(|line| line.contains("\"approval\"")).collect();
    assert!(
        approvals.len() == 2 && approvals.iter().all(|line| line.contains(hash)),
        "{hash}: {approvals:?}"
    );
}

#[test]
fn what_the_readme_says_of_the_example_runs_from_the_root() {
    let document = std::fs::read_to_string(root().join("README.md")).expect("it is there");
    let (_, section) = document.split_once("\n[`examples/checkout`]").expect("it names the example");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let commands: String = section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    let commands = commands.replace("|\n", "| ");
    assert_eq!(commands.lines().count(), 4, "{commands}");
    for command in commands.lines() {
        let printed = shell(&root(), command);
        assert!(printed.contains("checkout") || printed.contains("1 access point"), "{command}: {printed}");
        assert!(!printed.contains("[exit status") && !printed.contains("error: "), "{command}: {printed}");
    }
}

#[test]
fn the_examples_of_every_help_of_the_mesh_run_from_the_root() {
    for command in ["dns-plan", "footprint", "lint", "locality", "rollout", "vip-plan"] {
        let help = overspill(&[command, "--help"]).out;
        let (_, examples) = help.split_once("Examples:\n").expect("every help has examples");
        let examples = examples.replace("\\\n", "").replace("|\n", "|");
        let examples: Vec<&str> = examples.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert!(examples.len() >= 2, "{command}: {examples:?}");
        for example in examples {
            // what comes after the first pipe, or goes to a file, is not ours
            let ours = example.split(['|', '>']).next().expect("a part before");
            let printed = shell(&root(), ours);
            assert!(!printed.is_empty() && !printed.contains("[exit status"), "{example}: {printed}");
        }
    }
}
