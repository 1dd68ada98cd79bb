//! Rules of paths: what a slash behind a path leads around, and what bars both.

use super::*;

#[track_caller]
fn rule(action: &str, rules: &str, expected: &[&str]) {
    let policy = istio("AuthorizationPolicy", &format!("{{ action: {action}, rules: [{rules}] }}"))
        .replace("networking", "security");
    let expected: Vec<String> = expected
        .iter()
        .map(|at| format!("shop spec.templates[0].spec.rules{at} path-without-slash"))
        .collect();
    assert_eq!(found(&[access_point("shop", &templates(&[&policy]))], None), expected, "{action} {rules}");
}

fn to(operation: &str) -> String {
    format!("{{ to: [{{ operation: {{ {operation} }} }}] }}")
}

#[test]
fn a_path_that_a_slash_leads_around() {
    let first = "[0].to[0].operation.paths[0]";
    for (paths, is_open) in [
        ("/admin", true),
        ("'*/admin'", true),
        ("'*/admin', '/admin/'", true),
        ("'*/admin', '/admin/*'", true),
        ("'/{*}/admin'", true),
        ("/admin, /admin/", false),
        ("/admin, '/admin/*'", false),
        ("/admin, '*/admin/'", false),
        ("/admin, '/adm*'", false),
        ("'*/admin', '*/admin/'", false),
        ("'*/admin', '*/'", false),
        ("'*admin', '*'", false),
        ("'/{*}/admin', '/{*}/admin/{**}'", false),
        ("'/admin*'", false),
        ("/admin/", false),
        ("'/admin/{**}'", false),
        // neither a file nor a method of gRPC has such a spelling
        ("/metrics.json, /shop.v1.Cart/Empty", false),
    ] {
        let expected = if is_open { &[first][..] } else { &[] };
        rule("DENY", &to(&format!("paths: [{paths}]")), expected);
    }
}

#[test]
fn what_another_rule_denies_is_denied() {
    rule("DENY", &format!("{}, {}", to("paths: [/admin]"), to("paths: ['/admin/*']")), &[]);
    let second = "[1].to[0].operation.paths[0]";
    rule("DENY", &format!("{}, {}", to("paths: ['/cart/*']"), to("paths: [/admin]")), &[second]);
}

#[test]
fn an_allow_of_all_but_a_path() {
    let at = "[0].to[0].operation.notPaths[0]";
    rule("ALLOW", &to("notPaths: [/admin]"), &[at]);
    rule("ALLOW", &to("notPaths: [/admin, '/admin/*']"), &[]);
    // each operation lets through by itself
    let both = format!("{}, {}", to("notPaths: [/admin]"), to("notPaths: ['/admin/*']"));
    rule("ALLOW", &both, &[at]);
    rule("ALLOW", &to("paths: [/admin]"), &[]);
    rule("DENY", &to("notPaths: [/admin]"), &[]);
    rule("AUDIT", &to("paths: [/admin]"), &[]);
}
