//! Which secrets the servers of a Gateway name.

use serde_json::{Value, json};

use super::*;
use crate::patch::{Document, Origin, apply};

/// A host of each kind lies in the first secret of `x`, and `n.example.com` in the second; `y` has one secret.
fn world() -> World {
    let mut world = World::new();
    world.want("x: a b *; y: n");
    world.failing = hosts("b");
    world.want("x: a b * n; y: n a");
    assert_eq!(world.secret("x n"), "x-overspill-2");
    world
}

fn divided(world: &World, servers: &Value) -> Vec<Value> {
    let gateway = json!({ "kind": "Gateway", "metadata": { "name": "g" }, "spec": { "selector": { "a": "b" }, "servers": servers } });
    let mut document = Document::new(gateway, Origin(0));
    let operations = world.machine.divide(world.wall(), &"shop".parse().unwrap(), document.value()).unwrap();
    apply(&mut document, &operations, Origin(1)).unwrap();
    let changed = document.into_value();
    assert_eq!(changed["spec"]["selector"], json!({ "a": "b" }));
    let again = world.machine.divide(world.wall(), &"shop".parse().unwrap(), &changed);
    assert_eq!(again, Some(Vec::new()), "what is divided stays");
    changed["spec"]["servers"].as_array().unwrap().clone()
}

fn server(name: &str, hosts: &[&str], tls: Value) -> Value {
    json!({ "port": { "number": 443, "name": name, "protocol": "HTTPS" }, "hosts": hosts, "tls": tls })
}

#[test]
fn a_server_whose_hosts_lie_in_two_secrets_becomes_two_of_the_same_port() {
    let world = world();
    let tls =
        |name: &str| json!({ "mode": "SIMPLE", "credentialName": name, "minProtocolVersion": "TLSV1_3" });
    let other = server("https-overspill-2", &["z.example.com"], tls("z"));
    let mut first = server(
        "https",
        &["n.example.com", "./a.example.com", "*", "*.example.com", "_x.example.com"],
        tls("x"),
    );
    first["name"] = json!("web");
    let found = divided(&world, &json!([first, other]));
    first["hosts"] = json!(["./a.example.com", "*", "*.example.com", "_x.example.com"]);
    let mut second = server("https-overspill-2-other", &["n.example.com"], tls("x-overspill-2"));
    second["name"] = json!("web-overspill-2");
    assert_eq!(found, [first, other, second], "the rest keeps its place, and no name is there twice");
    // all of them lie in the second
    let one = server("https", &["n.example.com"], tls("x"));
    assert_eq!(divided(&world, &json!([one])), [server("https", &["n.example.com"], tls("x-overspill-2"))]);
}

#[test]
fn a_server_with_two_secrets_is_divided_by_both() {
    let world = world();
    let tls = |names: &[&str]| json!({ "mode": "MUTUAL", "credentialNames": names });
    let both = server("https", &["a.example.com", "n.example.com"], tls(&["x", "y"]));
    assert_eq!(
        divided(&world, &json!([both])),
        [
            server("https", &["a.example.com"], tls(&["x", "y"])),
            server("https-overspill-2-1", &["n.example.com"], tls(&["x-overspill-2", "y"])),
        ]
    );
}

#[test]
fn what_is_not_ours_stays_as_it_is() {
    let world = world();
    let servers = json!([
        server("a", &["n.example.com"], json!({ "mode": "PASSTHROUGH" })),
        server("b", &["n.example.com"], json!({ "mode": "SIMPLE", "serverCertificate": "/c", "privateKey": "/k" })),
        server("c", &["n.example.com"], json!({ "mode": "SIMPLE", "credentialName": "kubernetes://other/x" })),
        server("d", &["n.example.com", "o.example.com"], json!({ "mode": "SIMPLE", "credentialName": "unknown" })),
        { "port": { "number": 80, "name": "e", "protocol": "HTTP" }, "hosts": ["n.example.com"] },
    ]);
    assert_eq!(json!(divided(&world, &servers)), servers);
    assert_eq!(
        world.machine.divide(world.wall(), &"shop".parse().unwrap(), &json!({ "kind": "Gateway" })),
        Some(Vec::new())
    );
}

#[test]
fn names_of_further_secrets() {
    let credential = |name: &str| Credential::new("shop".parse().unwrap(), name);
    for (name, whole, number) in [
        ("x", "x", 1),
        ("x-overspill-2", "x", 2),
        ("x.y-overspill-10", "x.y", 10),
        ("x-overspill-2-overspill-3", "x", 3),
        ("x-overspill-1", "x-overspill-1", 1),
        ("x-overspill-02", "x-overspill-02", 1),
        ("x-overspill-4294967296", "x-overspill-4294967296", 1),
        ("x--overspill-2", "x--overspill-2", 1),
        ("overspill-2", "overspill-2", 1),
    ] {
        let found = credential(name).unwrap();
        assert_eq!((found.whole().name(), found.number()), (whole, number), "{name}");
        assert_eq!(found.part(7).whole(), found.whole(), "{name}");
    }
    let longest = "x".repeat(232);
    let found = credential(&longest).unwrap();
    assert_eq!(found.part(u32::MAX).name().len(), 253);
    assert!(credential(found.part(u32::MAX).name()).is_ok());
    assert_eq!(credential(&(longest + "x")), Err(ParseCredentialError));
}
