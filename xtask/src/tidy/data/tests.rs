//! Data without origin or licence is found.

use super::*;

#[test]
fn every_file_has_a_row_with_origin_and_licence() {
    let table = [
        ("| `a.csv` | curve | example.com | MIT, `LICENSE.txt` |", true),
        ("| `*.csv` | curves | example.com | MIT |", true),
        ("| `b.csv` | curve | example.com | MIT |", false),
        ("| `a.csv` | curve | | MIT |", false),
        ("| `a.csv` | curve | example.com | |", false),
        ("| `a.csv` | curve |", false),
        ("| `a.csv` | curve | example.com | MIT, `GONE.txt` |", false),
    ];
    for (readme, is_right) in table {
        let files = [("sim/data/a.csv", "1"), ("sim/data/README.md", readme), ("sim/data/LICENSE.txt", "")];
        let findings = check(&Tree::of(&files));
        assert_eq!(findings.is_empty(), is_right, "{readme}: {findings:?}");
    }
    assert_eq!(check(&Tree::of(&[("data/x/a.csv", "")])).len(), 1, "no table at all");
    assert_eq!(
        check(&Tree::of(&[
            ("sim/src/data.rs", ""),
            ("sim/src/data/tests.rs", ""),
            ("a/tests/data/b.csv", "")
        ])),
        []
    );
}
