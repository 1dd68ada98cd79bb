//! Licence expressions, sources and bans.

use super::*;

#[test]
fn expressions_are_read_as_spdx_says() {
    let table = [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
        ("MIT AND (GPL-3.0-only OR MPL-2.0)", false),
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", true),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("Apache-2.0 WITH Other-exception", false),
        ("", false),
        ("MIT OR", false),
        ("(MIT", false),
        ("MIT Apache-2.0", false),
    ];
    for (expression, expected) in table {
        assert_eq!(is_allowed(expression), expected, "{expression}");
    }
}

#[test]
fn strangers_are_found() {
    let package = |name: &str, licence: &str, source: &str| {
        format!(
            r#"{{ "id": "x", "name": "{name}", "version": "1.2.3", "license": {licence}, "source": {source},
                "dependencies": [], "targets": [] }}"#
        )
    };
    let registry = format!("\"{REGISTRY}\"");
    let table = [
        (package("serde", "\"MIT\"", &registry), 0),
        (package("ours", "\"Apache-2.0\"", "null"), 0),
        (package("serde", "null", &registry), 1),
        (package("serde", "\"GPL-3.0-only\"", &registry), 1),
        (package("serde", "\"MIT\"", "\"git+https://example.com/x\""), 1),
        (package("openssl-sys", "\"MIT\"", &registry), 1),
    ];
    for (package, expected) in table {
        let text = format!(
            r#"{{ "workspace_members": [], "target_directory": "target", "packages": [{package}] }}"#
        );
        let metadata: Metadata = serde_json::from_str(&text).expect("well-formed");
        assert_eq!(check(&metadata).len(), expected, "{package}");
    }
}
