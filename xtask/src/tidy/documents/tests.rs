//! Paths in documents: found if they are gone, left alone if they are none.

use super::*;

#[test]
fn a_named_path_is_there() {
    let table = [
        // in the document, whether it is right
        ("see `lb-core/src/table.rs`", true),
        ("see `lb-core/src/gone.rs`", false),
        ("see `lb-core/src`, `lb-core/src/` and `table.rs`", true),
        ("see `gone.rs`", false),
        ("see `gone/also.rs`", false),
        ("a [link](lb-core/src/table.rs) and [one](#here), [two](https://example.com/x.rs)", true),
        ("a [link](docs/gone.md)", false),
        ("a [link](docs/more.md#part)", true),
        ("`report.html`, `events.jsonl`, `a | b.rs`, `lb_core::table`, `*.md`, `cargo run`", true),
        ("`/proc/sys/net.rs`", true),
        ("```\ncat lb-core/gone.rs `lb-core/gone.rs`\n```\n", true),
        ("```\nx\n```\n`lb-core/gone.rs`\n", false),
    ];
    for (text, is_right) in table {
        let files = [("README.md", text), ("lb-core/src/table.rs", ""), ("docs/more.md", "see `more.md`")];
        let findings = check(&Tree::of(&files));
        assert_eq!(findings.is_empty(), is_right, "{text}: {findings:?}");
    }
}

#[test]
fn a_path_counts_from_the_documents_folder_too() {
    let files = [("sim/data/README.md", "`nab/a.csv`"), ("sim/data/nab/a.csv", "")];
    assert_eq!(check(&Tree::of(&files)), []);
}
