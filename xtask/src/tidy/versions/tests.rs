//! Second versions of crates, with and without a reason.

use super::*;

/// A workspace of these packages, `name@version`.
fn workspace(packages: &[&str]) -> Metadata {
    let package = |label: &&str| {
        let (name, version) = label.split_once('@').expect("name@version");
        format!(
            r#"{{ "id": "{label}", "name": "{name}", "version": "{version}", "license": null, "source": null,
                "dependencies": [], "targets": [] }}"#
        )
    };
    let packages: Vec<String> = packages.iter().map(package).collect();
    let packages = packages.join(",");
    let text =
        format!(r#"{{ "workspace_members": [], "target_directory": "target", "packages": [{packages}] }}"#);
    serde_json::from_str(&text).expect("well-formed")
}

/// What is found in all, in the order of the checks.
fn found(skips: &[&str], packages: &[&str]) -> Vec<String> {
    let text = format!("[bans]\nskip = [\n    {}\n]\ndeny = [\n    {{ }},\n]\n", skips.join("\n    "));
    let (skips, mut findings) = Skips::read(&text);
    let metadata = workspace(packages);
    findings.extend(skips.check(&metadata));
    findings.extend(skips.check_needed(&metadata));
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn each_second_version_has_a_reason() {
    let old = r#"{ crate = "a@0.1.0", reason = "b" },"#;
    let none: [&str; 0] = [];
    assert_eq!(found(&[old], &["a@0.1.0", "a@0.2.0", "b@1.0.0"]), none);
    assert_eq!(
        found(&[old], &["a@0.1.0", "a@0.2.0", "a@0.3.0"]),
        ["a: is there as 0.2.0 and 0.3.0; agree on one, or give deny.toml a reason for the older"]
    );
    let stale = ["deny.toml:3: `a@0.1.0` is needed no more; remove it"];
    assert_eq!(found(&[old], &["a@0.2.0"]), stale, "the old one is gone");
    assert_eq!(found(&[old], &["a@0.1.0"]), stale, "the new one is gone");
}

#[test]
fn an_entry_says_which_and_why() {
    for line in [
        r#"{ crate = "a@0.1.0" },"#,
        r#"{ crate = "a@0.1.0", reason = "" },"#,
        r#"{ crate = "a", reason = "b" },"#,
        r#""a@0.1.0","#,
        "",
    ] {
        let found = found(&[line], &[]);
        assert_eq!(found.len(), 1, "{line}");
        assert!(found[0].starts_with("deny.toml:3: write one entry a line: "), "{found:?}");
    }
}
