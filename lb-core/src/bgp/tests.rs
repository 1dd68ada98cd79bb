//! A test of the module's place: it uses nothing of this crate but `Time`, so that it can go elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

/// The module's sources, without tests.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap();
        if name == "tests" || name == "testdata" {
            continue;
        }
        if entry.is_dir() {
            sources(&entry, found);
        } else {
            let text = fs::read_to_string(&entry).unwrap();
            found.push((entry, text));
        }
    }
}

#[test]
fn nothing_of_this_crate_is_used_but_time() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::from([(source.join("bgp.rs"), fs::read_to_string(source.join("bgp.rs")).unwrap())]);
    sources(&source.join("bgp"), &mut all);
    assert!(all.len() > 25, "the module is there");
    for (path, text) in all {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let mut rest = line;
            while let Some((_, after)) = rest.split_once("crate::") {
                let allowed = ["bgp::", "bgp)", "Time;"].iter().any(|ours| after.starts_with(ours));
                assert!(allowed, "{}: {line}", path.display());
                rest = after;
            }
        }
    }
}
