//! Other people's crates: their licences, where they come from, and which are not wanted.
//!
//! The same rules as in `deny.toml`, checked from `cargo metadata` so that they
//! hold where cargo-deny is not installed.

use super::Finding;
use crate::metadata::{Metadata, Package};

/// Licences that ask for no more than attribution.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The one registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that are not wanted, and why.
const BANNED: [(&str, &str); 4] = [
    ("aws-lc-sys", "a C build; the one crypto provider is ring"),
    ("native-tls", "a second TLS; rustls is the one"),
    ("openssl-sys", "a second TLS; rustls is the one"),
    ("polars", "eight minutes of building for what parquet does"),
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let mut find = |what: String| findings.push(Finding::new(label(package), what));
        match package.license.as_deref() {
            Some(licence) if is_allowed(licence) => {}
            Some(licence) => find(format!("licence `{licence}` is not on the list")),
            None => find("has no licence expression".to_owned()),
        }
        if package.source.as_deref().is_some_and(|source| source != REGISTRY) {
            find("does not come from crates.io".to_owned());
        }
        if let Some((_, why)) = BANNED.iter().find(|(name, _)| *name == package.name) {
            find(format!("is not wanted: {why}"));
        }
    }
    findings
}

fn label(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

/// Whether an SPDX expression can be met with licences on the list.
///
/// `OR` binds looser than `AND`; a slash is an old way of writing `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    any(&mut rest) == Some(true) && rest.is_empty()
}

fn any(tokens: &mut &[&str]) -> Option<bool> {
    let mut allowed = all(tokens)?;
    while take(tokens, "OR") {
        allowed |= all(tokens)?;
    }
    Some(allowed)
}

fn all(tokens: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(tokens)?;
    while take(tokens, "AND") {
        allowed &= one(tokens)?;
    }
    Some(allowed)
}

/// A licence, with its exception if it has one, or an expression in parentheses.
fn one(tokens: &mut &[&str]) -> Option<bool> {
    if take(tokens, "(") {
        let allowed = any(tokens)?;
        return take(tokens, ")").then_some(allowed);
    }
    let (licence, rest) = tokens.split_first()?;
    *tokens = rest;
    if !take(tokens, "WITH") {
        return Some(LICENCES.contains(licence));
    }
    let (exception, rest) = tokens.split_first()?;
    *tokens = rest;
    Some(LICENCES.contains(&format!("{licence} WITH {exception}").as_str()))
}

fn take(tokens: &mut &[&str], wanted: &str) -> bool {
    match tokens.split_first() {
        Some((token, rest)) if *token == wanted => {
            *tokens = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
