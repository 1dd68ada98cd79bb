//! The project itself is tidy.

use super::run;

#[test]
fn the_project_is_tidy() {
    let findings = run(&crate::root()).expect("the tree can be read");
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{}\n", list.join("\n"));
}
