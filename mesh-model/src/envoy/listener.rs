//! Listeners: one for each port of an access point, on its VIPs; chains of filters by name.

mod http;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use super::bound::unbound;
use super::objects::Called;
use super::route::{Served, virtual_hosts};
use super::value::{put, socket_address, typed};
use super::{Feature, Scope, Unsupported, tls};
use crate::access_point::AccessPointId;
use crate::template::TemplateId;
use crate::template::view::{Server, ServerTls, TlsMode};
use http::{has_bucket, http_filter, route_table, virtual_host};
use stream::stream;

pub(super) use http::MAX_ANSWER;

/// One server of one Gateway.
struct OfGateway<'a> {
    gateway: &'a TemplateId,
    number: usize,
    server: &'a Server,
}

/// What goes over a server's port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carries {
    Http,
    Https,
    Tcp,
    Tls,
}

/// Where an access point listens, which nobody else may.
pub(super) fn addresses(
    scope: &mut Scope<'_>,
    taken: &BTreeMap<SocketAddr, AccessPointId>,
) -> BTreeSet<SocketAddr> {
    let input = scope.input;
    if input.vips.is_empty() && input.gateways.iter().any(|(_, gateway)| !gateway.servers.is_empty()) {
        scope.faults.push(Unsupported::whole(&input.access_point, Feature::NoAddress));
    }
    let mut vips = BTreeSet::new();
    for vip in input.vips.iter().map(IpAddr::to_canonical) {
        let is_of_many = vip.is_unspecified() || vip.is_multicast() || vip == Ipv4Addr::BROADCAST;
        if is_of_many || !vips.insert(vip) {
            scope.faults.push(Unsupported::whole(&input.access_point, Feature::Address { address: vip }));
        }
    }
    let mut own = BTreeSet::new();
    for (gateway, view) in &input.gateways {
        for (number, server) in view.servers.iter().enumerate() {
            let Some(port) = port(server.port.number) else {
                let at = format!("/spec/servers/{number}/port/number");
                scope.value(gateway, at, &server.port.number.to_string(), "write a port from 1 to 65535");
                continue;
            };
            for address in vips.iter().map(|vip| SocketAddr::new(*vip, port)) {
                if let (true, Some(owner)) = (own.insert(address), taken.get(&address).cloned()) {
                    scope.fault(gateway, "", Feature::AddressTaken { address, owner });
                }
            }
        }
    }
    own
}

/// A port that can be listened on.
fn port(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}

/// Makes the listeners and route tables of an access point; gives what they call.
pub(super) fn listeners(scope: &mut Scope<'_>) -> BTreeSet<Called> {
    unbound(scope);
    let input = scope.input;
    if input.rate_limit.is_some_and(|limit| !has_bucket(&limit)) {
        scope.faults.push(Unsupported::whole(&input.access_point, Feature::NoBucket));
    }
    let mut servers = input.gateways.iter().flat_map(|(_, gateway)| &gateway.servers).peekable();
    if input.rate_limit.is_some() && servers.peek().is_some() && !servers.any(reads_requests) {
        scope.faults.push(Unsupported::whole(&input.access_point, Feature::NoRequests));
    }
    let mut by_port: BTreeMap<u32, Vec<OfGateway<'_>>> = BTreeMap::new();
    for (gateway, view) in &input.gateways {
        for (number, server) in view.servers.iter().enumerate() {
            by_port.entry(server.port.number).or_default().push(OfGateway { gateway, number, server });
        }
    }
    let mut called = BTreeSet::new();
    for (number, servers) in by_port.iter().filter(|(number, _)| port(**number).is_some()) {
        listener(scope, *number, servers, &mut called);
    }
    called
}

fn listener(scope: &mut Scope<'_>, port: u32, servers: &[OfGateway<'_>], called: &mut BTreeSet<Called>) {
    let name = scope.own(&format!(":{port}"));
    let mut chains = Vec::new();
    let (mut plain, mut is_plain) = (BTreeMap::new(), false);
    let mut names = BTreeSet::new();
    for one in servers {
        let (at, before) = (format!("/spec/servers/{}", one.number), chains.len());
        if one.server.hosts.is_empty() {
            scope.value(one.gateway, format!("{at}/hosts"), "", "write at least one host, or `*`");
        }
        match carries(scope, one, &at) {
            None => {}
            Some(Carries::Http) => {
                is_plain = true;
                plain_hosts(scope, one, called, &mut plain);
            }
            Some(Carries::Https) => chains.push(https(scope, one, &at, &name, called)),
            Some(Carries::Tcp | Carries::Tls) => chains.extend(stream(scope, one, &at, called)),
        }
        own_names(scope, one, &at, &chains[before..], &mut names);
    }
    if is_plain {
        if !chains.is_empty() {
            let first = servers[0].gateway;
            scope.value(
                first,
                "/spec/servers",
                &port.to_string(),
                "one port carries plain HTTP or something else, not both",
            );
        }
        let hosts =
            plain.into_iter().map(|(host, (routes, redirects))| virtual_host(&host, routes, redirects));
        let hosts: Vec<Value> = hosts.collect();
        chains.push(json!({ "filters": [http_filter(scope, &name)] }));
        scope.config.routes.insert(name.clone(), route_table(&name, hosts));
    }
    if chains.is_empty() {
        return;
    }
    let is_encrypted = chains
        .iter()
        .any(|chain| chain.get("transport_socket").is_some() || chain.get("filter_chain_match").is_some());
    let mut vips = scope.input.vips.iter();
    let Some(first) = vips.next() else { return };
    let mut listener = json!({
        "name": name,
        "address": socket_address(&first.to_string(), port),
        "filter_chains": chains,
        "traffic_direction": "OUTBOUND",
        // the address may come to the device after the listener does
        "freebind": true,
    });
    let others: Vec<Value> =
        vips.map(|vip| json!({ "address": socket_address(&vip.to_string(), port) })).collect();
    if !others.is_empty() {
        listener["additional_addresses"] = json!(others);
    }
    if is_encrypted {
        let message = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
        listener["listener_filters"] = json!([{ "name": "envoy.filters.listener.tls_inspector", "typed_config": typed(message, json!({})) }]);
    }
    scope.config.listeners.insert(name, listener);
}

/// Names that a chain shares with one before it, or that Envoy takes for no name: it would refuse the
/// whole listener.
fn own_names(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    at: &str,
    chains: &[Value],
    taken: &mut BTreeSet<String>,
) {
    let any = [json!("*")];
    for chain in chains {
        let names = chain.pointer("/filter_chain_match/server_names").and_then(Value::as_array);
        let mut own = BTreeSet::new();
        for name in names.map_or(&any[..], |names| &names[..]).iter().filter_map(Value::as_str) {
            if name.strip_prefix('*').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('.')) {
                let right = "a name in a hello is chosen by whole labels; write `*.` and a domain";
                scope.value(one.gateway, format!("{at}/hosts"), name, right);
            }
            if taken.contains(name) {
                let right = "another server or route of this port has the name already; write it in one";
                scope.value(one.gateway, format!("{at}/hosts"), name, right);
            }
            own.insert(name.to_owned());
        }
        taken.extend(own);
    }
}

fn carries(scope: &mut Scope<'_>, one: &OfGateway<'_>, at: &str) -> Option<Carries> {
    let mode = one.server.tls.as_ref().map(|tls| tls.mode);
    let is_plain = one.server.tls.as_ref().is_none_or(|tls| tls.https_redirect);
    if mode == Some(TlsMode::AutoPassthrough) {
        scope.value(
            one.gateway,
            format!("{at}/tls/mode"),
            "AUTO_PASSTHROUGH",
            "gateways between zones are rendered by themselves; here write PASSTHROUGH and routes of `tls`",
        );
        return None;
    }
    match (one.server.port.protocol.to_ascii_uppercase().as_str(), is_plain) {
        ("HTTP" | "HTTP2" | "GRPC", true) => Some(Carries::Http),
        ("HTTPS", false) if mode != Some(TlsMode::Passthrough) => Some(Carries::Https),
        ("HTTPS" | "TLS", false) => Some(Carries::Tls),
        ("TCP", true) => Some(Carries::Tcp),
        ("HTTP" | "HTTP2" | "GRPC", false) => {
            let right = "this protocol is plain; write HTTPS, or tls with httpsRedirect alone";
            scope.value(one.gateway, format!("{at}/tls"), &one.server.port.protocol, right);
            None
        }
        ("HTTPS" | "TLS", true) => {
            scope.value(
                one.gateway,
                format!("{at}/tls"),
                "",
                "this protocol is encrypted; write tls with a mode",
            );
            None
        }
        (other, _) => {
            scope.value(
                one.gateway,
                format!("{at}/port/protocol"),
                other,
                "write HTTP, HTTP2, GRPC, HTTPS, TLS, or TCP without tls",
            );
            None
        }
    }
}

/// Whether a server reads requests, rather than carry bytes.
fn reads_requests(server: &Server) -> bool {
    let protocol = server.port.protocol.to_ascii_uppercase();
    let is_http = ["HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB"].contains(&&*protocol);
    is_http && server.tls.as_ref().is_none_or(|tls| tls.https_redirect || tls.mode != TlsMode::Passthrough)
}

fn served<'a>(scope: &Scope<'_>, one: &OfGateway<'a>) -> Served<'a> {
    let namespace = scope.input.access_point.namespace.as_str();
    let is_for_us = |of: Option<&str>| of.is_none_or(|of| [".", "*", namespace].contains(&of));
    let hosts = names(one.server, is_for_us);
    Served { gateway: &one.gateway.name, hosts, port: one.server.port.number }
}

/// The names of a server's hosts, of those whose namespace is meant: who may bind routes to a name.
fn names(server: &Server, is_meant: impl Fn(Option<&str>) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for host in &server.hosts {
        let (of, name) = host.split_once('/').map_or((None, host.as_str()), |(of, name)| (Some(of), name));
        let name = name.to_ascii_lowercase();
        // Envoy refuses a chain that has a name twice
        if is_meant(of) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Adds the hosts of a server without encryption: those of one port share a route table.
fn plain_hosts(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    called: &mut BTreeSet<Called>,
    all: &mut BTreeMap<String, (Vec<Value>, bool)>,
) {
    let served = served(scope, one);
    let redirects = one.server.tls.as_ref().is_some_and(|tls| tls.https_redirect);
    if redirects {
        // what is sent to HTTPS needs no routes
        for host in names(one.server, |_| true) {
            all.entry(host).or_default().1 = true;
        }
        return;
    }
    for (host, routes) in virtual_hosts(scope, &served, called) {
        all.entry(host).or_default().0.extend(routes);
    }
}

fn https(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    at: &str,
    listener: &str,
    called: &mut BTreeSet<Called>,
) -> Value {
    let name = format!("{listener}/{}/{}", one.gateway.name, one.number);
    let served = served(scope, one);
    let hosts = virtual_hosts(scope, &served, called);
    let hosts = hosts.into_iter().map(|(host, routes)| virtual_host(&host, routes, false)).collect();
    scope.config.routes.insert(name.clone(), route_table(&name, hosts));
    let default = ServerTls::default();
    let wanted = one.server.tls.as_ref().unwrap_or(&default);
    let socket = tls::downstream(scope, one.gateway, &format!("{at}/tls"), wanted, true);
    let mut chain = json!({ "transport_socket": socket, "filters": [http_filter(scope, &name)] });
    put(&mut chain, "filter_chain_match", server_match(one.server));
    chain
}

/// Which hellos a server that ends TLS takes: those for its names, even where only others may bind routes
/// to one and nobody here answers.
fn server_match(server: &Server) -> Option<Value> {
    names_match(&names(server, |_| true))
}

/// Which hellos a chain takes; any for `*`. Without names it would take any, too, which no caller means.
fn names_match(names: &[String]) -> Option<Value> {
    if names.iter().any(|name| name == "*") {
        return None;
    }
    Some(json!({ "server_names": names }))
}
