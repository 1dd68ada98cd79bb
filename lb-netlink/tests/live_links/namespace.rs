//! How a test gets a network namespace of its own: it runs itself again inside one.

use std::process::Command;

const INSIDE: &str = "OVERSPILL_INSIDE_NAMESPACE";

/// Runs `body` in a namespace with nothing but a `lo` that is down. `test` is the full name of the calling test.
pub(crate) fn run(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    if !can_unshare() {
        assert!(std::env::var_os("CI").is_none(), "no network namespace can be made here; run as root");
        return eprintln!("{test}: skipped, no network namespace can be made here (`unshare --net` as root)");
    }
    let program = std::env::current_exe().expect("a program knows its file");
    let run = Command::new("unshare")
        .args(["--net", "--"])
        .arg(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("`unshare` was found before");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{test} in its namespace:\n{out}\n{err}");
    // a name that matches no test is a success too
    assert!(out.contains("1 passed"), "{test} did not run in its namespace:\n{out}\n{err}");
}

/// As [`run`], where modules are needed that a host may lack.
pub(crate) fn run_with_modules(test: &str, body: impl FnOnce()) {
    if std::env::var_os("OVERSPILL_LIVE").is_some() {
        return run(test, body);
    }
    eprintln!(
        "{test}: skipped, it needs a kernel with ipip, sit, ip6_tunnel and fou; set OVERSPILL_LIVE=1 there"
    );
}

fn can_unshare() -> bool {
    Command::new("unshare").args(["--net", "--", "true"]).status().is_ok_and(|status| status.success())
}
