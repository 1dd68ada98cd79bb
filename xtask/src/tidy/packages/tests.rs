//! Dependencies against the direction are found, and packages with rules of their own.

use super::*;

/// Metadata of one package of ours with these dependencies (as JSON).
fn metadata(name: &str, dependencies: &str) -> Metadata {
    let text = format!(
        r#"{{ "workspace_members": ["id"], "target_directory": "target", "packages": [{{ "id": "id", "name": "{name}", "version": "0.1.0",
            "license": "Apache-2.0", "source": null, "dependencies": [{dependencies}], "targets": [] }}] }}"#
    );
    serde_json::from_str(&text).expect("well-formed")
}

fn dependency(name: &str, kind: &str, optional: bool, default_features: bool, path: &str) -> String {
    format!(
        r#"{{ "name": "{name}", "kind": {kind}, "optional": {optional},
            "uses_default_features": {default_features}, "features": [], "path": {path} }}"#
    )
}

fn ours(name: &str, kind: &str) -> String {
    dependency(name, kind, false, true, "\"folder\"")
}

fn check_one(package: &str, dependency: &str, is_right: bool) {
    let findings = check(&metadata(package, dependency));
    assert_eq!(findings.is_empty(), is_right, "{package} on {dependency}: {findings:?}");
}

#[test]
fn direction_holds_for_tests_too() {
    for kind in ["null", "\"dev\"", "\"build\""] {
        check_one("sim", &ours("lb-core", kind), true);
        check_one("overspill", &ours("sim", kind), true);
        check_one("mesh-model", &ours("lb-core", kind), false);
        check_one("lb-core", &ours("sim", kind), false);
        check_one("lb-agent", &ours("sim", kind), false);
        check_one("unheard-of", "", false);
    }
}

#[test]
fn the_core_stands_on_a_few_crates_without_std() {
    check_one("lb-core", &dependency("serde", "null", false, false, "null"), true);
    check_one("lb-core", &dependency("serde", "null", false, true, "null"), false);
    check_one("lb-core", &dependency("proptest", "null", true, true, "null"), true);
    check_one("lb-core", &dependency("proptest", "null", false, false, "null"), false);
    check_one("lb-core", &dependency("rand", "null", false, false, "null"), false);
    check_one("lb-core", &dependency("etherparse", "\"dev\"", false, true, "null"), true);
    check_one("sim", &dependency("rand", "null", false, true, "null"), true);
}

#[test]
fn manifests_follow_the_workspace() {
    let right = "license.workspace = true\nrust-version.workspace = true\n\n[lints]\nworkspace = true\n";
    assert_eq!(check_manifests(&Tree::of(&[("sim/Cargo.toml", right), ("fuzz/Cargo.toml", "")])), []);
    assert_eq!(check_manifests(&Tree::of(&[("sim/Cargo.toml", "")])).len(), 3);
}

#[test]
fn pure_packages_ban_the_same() {
    let tree = |other| {
        Tree::of(&[("clippy.toml", "x"), ("mesh-model/clippy.toml", "a"), ("sim/clippy.toml", other)])
    };
    assert_eq!(check_bans(&tree("a")), []);
    let finding = Finding::new("sim/clippy.toml", "not the list of mesh-model/clippy.toml; copy it");
    assert_eq!(check_bans(&tree("b")), [finding]);
}
