//! The built command as its users meet it: arguments and files in; standard
//! output, standard error and exit status out. One file of tests per topic.

mod check;
mod contract;
mod digests;
mod dns_plan;
mod documents;
mod drain;
mod east_west;
mod footprint;
mod forward;
mod hostile;
mod lint;
mod lint_codes;
mod lint_istio;
mod lint_silence;
mod mesh;
mod mistakes;
mod pick;
mod placement;
mod rollout;
mod run;
mod table;
mod vip_plan;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of the command left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// The answer as JSON; it must have been a good one.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!((self.status, self.err.as_str()), (0, ""));
        serde_json::from_str(&self.out).expect("one JSON document")
    }
}

/// Runs `overspill` with these arguments and nothing on standard input.
pub(crate) fn overspill(arguments: &[&str]) -> Ran {
    run(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, "")
}

/// Runs `overspill` with this text on standard input.
pub(crate) fn overspill_with(arguments: &[&str], input: &str) -> Ran {
    run(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, input)
}

/// Runs `overspill` in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_overspill"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built before its tests");
    // a command that does not read its input closes it, which is no fault
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("we print UTF-8");
    Ran { status: status.code().expect("no signal"), out: text(stdout), err: text(stderr) }
}

/// A file of the example, as the tests' folder sees it.
pub(crate) fn checkout(name: &str) -> String {
    format!("../examples/checkout/{name}")
}

/// The text of a file of the example.
pub(crate) fn checkout_text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(checkout(name));
    std::fs::read_to_string(path).expect("the example is there")
}

/// A text with one part of it replaced, which must be there.
pub(crate) fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not there");
    text.replacen(from, to, 1)
}

/// The first line of what is told of bad input: nothing may be printed.
pub(crate) fn refused(ran: &Ran) -> &str {
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.err.lines().next().expect("something is told")
}

/// A file beside the tests.
pub(crate) fn data(name: &str) -> String {
    format!("tests/data/{name}")
}
