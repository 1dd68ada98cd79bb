//! The table, as it looks.

use std::time::Duration;

use super::*;

#[test]
fn a_table_that_ends_with_the_counts() {
    let record = |name, outcome, seconds| Record { name, outcome, took: Duration::from_millis(seconds) };
    let records = [
        record("format", Outcome::Passed(String::new()), 1_234),
        record("tests", Outcome::Failed("`cargo test`: exit status: 101".into()), 100_000),
        record("fuzz build", Outcome::Skipped("no C++ compiler: install g++".into()), 0),
    ];
    let expected = "
format      ok          1.2 s
tests       FAILED    100.0 s  `cargo test`: exit status: 101
fuzz build  skipped     0.0 s  no C++ compiler: install g++
total                 101.2 s

1 skipped: see above for what to install
1 passed, 1 failed
";
    assert_eq!(render(&records), expected);
}
