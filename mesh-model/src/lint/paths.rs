//! Rules of paths that one more `/` leads around.
//!
//! Istio compares paths after `.`, `..` and `//` are resolved: `/admin/` stays another one than `/admin`, and
//! servers often take both for one page. So a DENY of `/admin` alone is no bar, nor is an ALLOW of all but
//! `/admin`. What holds a dot (a file, a method of gRPC) is left in peace.
//!
//! Source: istio/api `authorization_policy.proto` (`paths`: exact, prefix, suffix, or a template whose `{**}` is last).

use super::objects::{is_overridden, pointer};
use super::{Code, Report, inside};
use crate::access_point::AccessPoint;
use crate::template::Template;
use crate::template::view::{self, AuthorizationAction, AuthorizationPolicy};

pub(super) fn check(access_point: &AccessPoint, template: &Template, report: &mut Report) {
    if is_overridden(access_point, template) {
        return;
    }
    // one that cannot be read is told by its schema
    let Ok(policy) = view::of::<AuthorizationPolicy>(&template.object) else { return };
    // a DENY stands beside all others of its policy; what an ALLOW leaves out, each operation says for itself
    let denied: Vec<&String> =
        policy.rules.iter().flat_map(|rule| &rule.to).flat_map(|to| &to.operation.paths).collect();
    for (rule, one) in policy.rules.iter().enumerate() {
        for (number, to) in one.to.iter().enumerate() {
            let (field, barred, all) = match policy.action {
                AuthorizationAction::Allow => {
                    let own = &to.operation.not_paths;
                    ("notPaths", own, own.iter().collect())
                }
                AuthorizationAction::Deny => ("paths", &to.operation.paths, denied.clone()),
                AuthorizationAction::Audit | AuthorizationAction::Custom => return,
            };
            for (position, path) in barred.iter().enumerate().filter(|(_, path)| is_led_around(path, &all)) {
                let place = [rule.to_string(), number.to_string(), position.to_string()];
                let at = ["spec", "rules", &place[0], "to", &place[1], "operation", field, &place[2]];
                let path_of = inside(access_point, &template.id, &pointer(&at));
                report.of(&access_point.id, Code::PathWithoutSlash, path_of, words(path), &fix(path));
            }
        }
    }
}

/// Whether a path with a slash behind it is none of those that are barred.
fn is_led_around(path: &str, barred: &[&String]) -> bool {
    let is_whole = !path.ends_with(['/', '*']) && !path.ends_with("{**}") && !path.contains('.');
    is_whole && !barred.iter().any(|other| takes(other, &format!("{path}/")))
}

/// Whether a pattern takes all that another one does, which may begin with a star.
fn takes(pattern: &str, path: &str) -> bool {
    pattern == path
        || pattern.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
        || pattern.strip_prefix('*').is_some_and(|suffix| path.ends_with(suffix))
        || pattern.strip_suffix("{**}").is_some_and(|prefix| path == prefix)
}

fn words(path: &str) -> String {
    format!("`{path}/` passes, as does `{path};x=1`: many servers take them for `{path}`")
}

fn fix(path: &str) -> String {
    match path.strip_prefix('*') {
        Some(end) => format!("add `{path}/`; the rest is a prefix's alone to take, as `{end}*`"),
        None if path.contains('{') => format!("add `{path}/{{**}}`"),
        None => format!("add `{path}/`, or write `{path}*`, which takes all that begins so"),
    }
}
