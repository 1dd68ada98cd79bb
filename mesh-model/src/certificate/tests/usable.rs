//! Whom Gateways wait for, and who is left out of them meanwhile.

use serde_json::{Value, json};

use super::hosts::{access_point, acme, found, gateway, issuer, server};
use super::*;
use crate::certificate::GatewayHosts;

fn own(name: &str) -> Value {
    json!({ "mode": "SIMPLE", "credentialName": name })
}

fn plain(host: &str) -> Value {
    json!({ "port": { "number": 80, "name": "http", "protocol": "HTTP" }, "hosts": [host] })
}

fn redirect(host: &str) -> Value {
    let mut server = plain(host);
    server["tls"] = json!({ "httpsRedirect": true });
    server
}

/// What is to be written of a Gateway: hosts and secret of each server; `None` if it is not to be written.
fn written(world: &World, servers: &[Value]) -> Option<Vec<String>> {
    let gateway = gateway("web", &json!(servers));
    let operations = world.machine.divide(world.wall(), &"shop".parse().unwrap(), &gateway)?;
    let mut document = crate::patch::Document::new(gateway, crate::patch::Origin(0));
    crate::patch::apply(&mut document, &operations, crate::patch::Origin(1)).unwrap();
    let text = |server: &Value| {
        let hosts: Vec<&str> =
            server["hosts"].as_array().unwrap().iter().map(|host| host.as_str().unwrap()).collect();
        let secret = server["tls"]["credentialName"].as_str().unwrap_or("-");
        format!("{secret}: {}", hosts.join(" ").replace(".example.com", ""))
    };
    Some(document.value()["spec"]["servers"].as_array().unwrap().iter().map(text).collect())
}

/// Asks for certificates of Gateways of which this is one, and has the world carry out what follows.
fn desire(world: &mut World, all: &GatewayHosts) {
    world.machine.handle_desired(world.now, world.wall(), &all.credentials);
    world.settle();
}

/// `n` is new and fails; `a` is not.
#[test]
fn who_waits_for_a_new_host_that_fails() {
    let of = |hosts: &[&str]| server(hosts, own("x"));
    let (both, alone) = (of(&["a.example.com", "n.example.com"]), of(&["n.example.com"]));
    let other = server(&["a.example.com"], own("y"));
    let passed = server(&["a.example.com"], json!({ "mode": "PASSTHROUGH" }));
    let foreign = server(&["a.example.com"], own("kubernetes://other/x"));
    type Case<'a> = (&'a str, Vec<Value>, Vec<Value>, &'a [&'a str], Option<&'a [&'a str]>);
    let waits = &["x n.example.com"] as &[&str];
    let cases: [Case<'_>; 13] = [
        ("another host goes on", vec![both.clone()], vec![], &[], Some(&["x: a"])),
        ("and another server", vec![alone.clone(), other], vec![], &[], Some(&["y: a"])),
        ("one in plain text", vec![alone.clone(), plain("a.example.com")], vec![], &[], Some(&["-: a"])),
        ("one passed through", vec![passed, alone.clone()], vec![], &[], Some(&["-: a"])),
        (
            "one whose secret is not ours",
            vec![foreign, alone.clone()],
            vec![],
            &[],
            Some(&["kubernetes://other/x: a"]),
        ),
        ("nobody else", vec![alone.clone()], vec![], waits, None),
        (
            "who is sent to it is not served",
            vec![redirect("a.example.com"), alone],
            vec![],
            waits,
            Some(&["-: a"]),
        ),
        (
            "a new one may be sent to what is not there yet",
            vec![redirect("n.example.com"), both.clone()],
            vec![redirect("n.example.com")],
            &[],
            Some(&["-: n", "x: a"]),
        ),
        (
            "one that is served in plain text may not",
            vec![redirect("n.example.com"), both.clone()],
            vec![plain("N.example.com")],
            waits,
            Some(&["-: n", "x: a"]),
        ),
        ("by whatever pattern", vec![both.clone()], vec![plain("./*.example.com")], waits, Some(&["x: a"])),
        (
            "nor one that a star has with a certificate of ours",
            vec![both.clone()],
            vec![server(&["*.example.com"], own("z"))],
            waits,
            Some(&["x: a"]),
        ),
        (
            "unless the star stays",
            vec![both.clone(), server(&["*.example.com"], own("z"))],
            vec![server(&["*.example.com"], own("z"))],
            &[],
            Some(&["x: a", "z: *"]),
        ),
        (
            "unless it still is",
            vec![plain("*"), both],
            vec![plain("n.example.com")],
            &[],
            Some(&["-: *", "x: a"]),
        ),
    ];
    for (what, next, live, lacking, servers) in cases {
        let (corp, mut world) = (issuer(100), World::new());
        world.failing = hosts("n");
        let found_of = |servers: &[Value]| found(&corp, &[gateway("web", &json!(servers))]);
        let (next_hosts, live) = (found_of(&next), found_of(&live));
        let pending = next_hosts.credentials.values().flat_map(|wanted| &wanted.hosts).count();
        world.machine.handle_desired(world.now, world.wall(), &next_hosts.credentials);
        assert_eq!(world.lacking_after(&live, &next_hosts).len(), pending, "{what}: nothing has failed yet");
        world.settle();
        assert_eq!(world.lacking_after(&live, &next_hosts), lacking, "{what}");
        let servers: Option<Vec<String>> =
            servers.map(|servers| servers.iter().map(|&server| server.to_owned()).collect());
        assert_eq!(written(&world, &next), servers, "{what}");
        // it is proved again
        world.failing.clear();
        world.pass(days(1));
        assert_eq!(world.lacking_after(&live, &next_hosts), [] as [&str; 0], "{what}");
        assert!(
            written(&world, &next)
                .unwrap()
                .iter()
                .any(|server| server.starts_with('x') && server.ends_with('n')),
            "{what}"
        );
    }
}

/// What the authority wants to see at the gateways comes after these.
#[test]
fn a_gateway_that_has_nothing_to_serve_yet_is_not_written() {
    let servers = [server(&["n.example.com"], own("x"))];
    for (provider, lacking) in [(None, 0), (Some("corp"), 1)] {
        let mut world = World::new();
        world.failing = hosts("n");
        let next = found(&acme(provider), &[gateway("web", &json!(servers))]);
        desire(&mut world, &next);
        assert_eq!((world.lacking(&next).len(), written(&world, &servers)), (lacking, None), "{provider:?}");
        // a star cannot be proved there at all, and holds nobody either
        let both = [server(&["*.example.com", "a.example.com"], own("y"))];
        let next = found(&acme(provider), &[gateway("web", &json!(both))]);
        desire(&mut world, &next);
        let hosts = if provider.is_none() { "y: a" } else { "y: * a" };
        assert_eq!((world.lacking(&next).len(), written(&world, &both)), (0, Some(vec![hosts.to_owned()])));
    }
}

/// A star alone lies in no certificate, but its server names a secret.
#[test]
fn a_star_beside_a_host_that_failed_keeps_no_server_without_a_secret() {
    let servers = [server(&["n.example.com", "*"], own("x")), server(&["a.example.com"], own("y"))];
    let mut world = World::new();
    world.failing = hosts("n");
    desire(&mut world, &found(&issuer(100), &[gateway("web", &json!(servers))]));
    assert_eq!(written(&world, &servers), Some(vec!["y: a".to_owned()]));
}

/// It is known after a restart who has a certificate, not who failed: until that is seen again nothing is written.
#[test]
fn a_restart_empties_no_gateway() {
    let servers = [server(&["a.example.com", "n.example.com"], own("x"))];
    let mut world = World::new();
    world.failing = hosts("n");
    let next = found(&issuer(100), &[gateway("web", &json!(servers))]);
    desire(&mut world, &next);
    world.restart();
    world.machine.handle_desired(world.now, world.wall(), &next.credentials);
    assert_eq!(world.lacking(&next), ["x a.example.com", "x n.example.com"]);
    world.settle();
    assert_eq!((world.lacking(&next).len(), written(&world, &servers)), (0, Some(vec!["x: a".to_owned()])));
    // nor does a list of secrets that was read in part, while nothing can be ordered
    world.secrets.clear();
    world.is_down = true;
    world.restart();
    desire(&mut world, &next);
    assert_eq!(written(&world, &servers), Some(vec!["x: a n".to_owned()]));
    assert_eq!(world.lacking(&next).len(), 2, "and nothing is written");
}

/// Nobody can sign for what two issuers are asked for: whoever asks so holds nobody else.
#[test]
fn a_credential_that_cannot_be_ordered_holds_nobody_else() {
    let servers = [server(&["a.example.com"], own("x")), server(&["b.example.com"], own("y"))];
    let mut world = World::new();
    let mut next = found(&issuer(100), &[gateway("web", &json!(servers))]);
    let theirs = [gateway("theirs", &json!([server(&["c.example.com"], own("y"))]))];
    let other = crate::provision::Issuer { name: "other".parse().unwrap(), ..issuer(100) };
    next.add(&access_point("theirs"), &other.name, Some(&other), &theirs);
    desire(&mut world, &next);
    assert_eq!(world.lacking(&found(&issuer(100), &[gateway("web", &json!(servers))])), [""; 0]);
    assert_eq!(written(&world, &servers), Some(vec!["x: a".to_owned()]));
}
