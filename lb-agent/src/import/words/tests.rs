//! Words, comments, quotes and blocks.

use super::*;

fn tree(text: &str) -> Result<String, ImportError> {
    fn show(statements: &[Statement<'_>]) -> String {
        let show = |statement: &Statement<'_>| {
            let words = statement.words.join("|");
            let block = show(&statement.block);
            if block.is_empty() { words } else { format!("{words}({block})") }
        };
        statements.iter().map(show).collect::<Vec<_>>().join(" ")
    }
    statements(text).map(|statements| show(&statements))
}

#[test]
fn blocks_are_read_however_they_are_written() {
    for (text, expected) in [
        ("a b {\n c d\n}\ne", "a|b(c|d) e"),
        ("a b\n{\n c d\n}\n", "a|b(c|d)"),
        ("a { b { c } }", "a(b(c))"),
        ("a {\n}\nb", "a b"),
        ("a {\n # nothing\n b ! not that\n}", "a(b)"),
        ("a \"b c\" # d", "a|b c"),
        ("a \"b # c\"", "a|b # c"),
        ("path /x#y", "path|/x#y"),
        ("", ""),
    ] {
        assert_eq!(tree(text).as_deref(), Ok(expected), "{text:?}");
    }
}

#[test]
fn what_does_not_close_is_told_by_its_line() {
    for (text, line, problem) in [
        ("a\nb {\nc {\n}", 2, ImportProblem::Open),
        ("a {\n}\n}", 3, ImportProblem::Close),
        ("a\n \"b", 2, ImportProblem::Quote),
    ] {
        assert_eq!(tree(text), Err(ImportError { line, problem }), "{text:?}");
    }
}
