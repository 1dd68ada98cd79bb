//! Ports that carry bytes: chains of filters by the name in the hello, or one for the port.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{OfGateway, names_match, reads_requests, served, server_match};
use crate::envoy::objects::Called;
use crate::envoy::route::{Served, covers, destinations, resolve};
use crate::envoy::value::{duration, put, typed};
use crate::envoy::{Feature, Scope, access, tls};
use crate::template::TemplateId;
use crate::template::view::{
    RouteDestination, Server, TcpMatch, TcpRoute, TlsMode, TlsRoute, VirtualService,
};

/// Chains that carry bytes: one for each route by name, or one for the port.
///
/// Without any, nothing would listen, which nobody who writes a server means.
pub(super) fn stream(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    at: &str,
    called: &mut BTreeSet<Called>,
) -> Vec<Value> {
    let served = served(scope, one);
    let faults = scope.faults.len();
    let passes_through = one.server.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::Passthrough);
    let (chains, section) = if passes_through {
        (by_name(scope, &served, called), "tls")
    } else {
        (by_port(scope, one, &served, at, called).into_iter().collect(), "tcp")
    };
    if chains.is_empty() && scope.faults.len() == faults {
        scope.fault(one.gateway, at, Feature::NoRoute { section });
    }
    chains
}

/// A chain for each route by name. What a VirtualService names and no such route takes is a fault: its routes of
/// HTTP are never reached where TLS goes through unread.
fn by_name(scope: &mut Scope<'_>, served: &Served<'_>, called: &mut BTreeSet<Called>) -> Vec<Value> {
    let input = scope.input;
    let (mut chains, mut taken) = (Vec::new(), BTreeSet::new());
    let is_bound = |scope: &Scope<'_>, service: &VirtualService| served.is_named(scope, &service.gateways);
    for (id, service) in &input.virtual_services {
        if !is_bound(scope, service) {
            continue;
        }
        for (number, route) in service.tls.iter().enumerate() {
            let names = sni_hosts(scope, served, route);
            if names.is_empty() {
                continue;
            }
            let at = format!("/spec/tls/{number}");
            let filters = stream_filters(scope, (id, served.port), &at, &route.route, called);
            let mut chain = json!({ "filters": filters });
            put(&mut chain, "filter_chain_match", names_match(&names));
            chains.push(chain);
            taken.extend(names);
        }
    }
    for (id, service) in &input.virtual_services {
        if !is_bound(scope, service) {
            continue;
        }
        let named: BTreeSet<String> = service.hosts.iter().flat_map(|host| served.shared(host)).collect();
        let is_taken = |host: &String| taken.iter().any(|name| covers(name, host) || covers(host, name));
        let is_lost = |host: &String| !is_taken(host) && !is_read(scope, service, host);
        for host in named.into_iter().filter(is_lost).collect::<Vec<_>>() {
            scope.fault(id, "/spec/tls", Feature::GoesThrough { host, port: served.port });
        }
    }
    chains
}

/// Whether a server that reads requests, at whatever port, has a host: there routes of HTTP are reached.
fn is_read(scope: &Scope<'_>, service: &VirtualService, host: &str) -> bool {
    let reads =
        |server: &Server| reads_requests(server) && server.tls.as_ref().is_none_or(|tls| !tls.https_redirect);
    scope.input.gateways.iter().any(|(gateway, view)| {
        view.servers.iter().enumerate().filter(|(_, server)| reads(server)).any(|(number, server)| {
            let other = served(scope, &OfGateway { gateway, number, server });
            other.is_named(scope, &service.gateways) && !other.shared(host).is_empty()
        })
    })
}

/// The chain of a port that has one for all, of the first VirtualService that has a route.
fn by_port(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    served: &Served<'_>,
    at: &str,
    called: &mut BTreeSet<Called>,
) -> Option<Value> {
    let input = scope.input;
    let is_here = |scope: &Scope<'_>, route: &TcpRoute| {
        let here = |wanted: &TcpMatch| {
            wanted.port.is_none_or(|port| port == served.port)
                && (wanted.gateways.is_empty() || served.is_named(scope, &wanted.gateways))
        };
        route.matches.is_empty() || route.matches.iter().any(here)
    };
    let mut bound = input.virtual_services.iter();
    let (id, number, route) = bound.find_map(|(id, service)| {
        let number = service.tcp.iter().position(|route| is_here(scope, route))?;
        served.is_named(scope, &service.gateways).then(|| (id, number, &service.tcp[number].route))
    })?;
    let filters = stream_filters(scope, (id, served.port), &format!("/spec/tcp/{number}"), route, called);
    let mut chain = json!({ "filters": filters });
    if let Some(wanted) = &one.server.tls {
        chain["transport_socket"] = tls::downstream(scope, one.gateway, &format!("{at}/tls"), wanted, false);
        put(&mut chain, "filter_chain_match", server_match(one.server));
    }
    Some(chain)
}

/// The names of a route by name that the server serves here.
fn sni_hosts(scope: &Scope<'_>, served: &Served<'_>, route: &TlsRoute) -> Vec<String> {
    let here = route.matches.iter().filter(|wanted| {
        wanted.port.is_none_or(|port| port == served.port)
            && (wanted.gateways.is_empty() || served.is_named(scope, &wanted.gateways))
    });
    let names: BTreeSet<String> =
        here.flat_map(|wanted| &wanted.sni_hosts).flat_map(|host| served.shared(host)).collect();
    names.into_iter().collect()
}

fn stream_filters(
    scope: &mut Scope<'_>,
    (id, port): (&TemplateId, u32),
    at: &str,
    route: &[RouteDestination],
    called: &mut BTreeSet<Called>,
) -> Vec<Value> {
    let mut filters = access::stream_filters(scope, port, route);
    let mut proxy = destinations(scope, id, at, route, called, false);
    proxy["stat_prefix"] = json!(scope.own(""));
    // the first destination's word holds for the port
    let first = route.first().and_then(|one| resolve(scope, &one.destination));
    let pool = first.and_then(|one| scope.input.policy(&one).connection_pool).map(|pool| pool.tcp);
    let idle = pool.as_ref().and_then(|pool| duration(pool.idle_timeout.as_deref()?));
    put(&mut proxy, "idle_timeout", idle);
    put(
        &mut proxy,
        "max_downstream_connection_duration",
        pool.and_then(|pool| duration(pool.max_connection_duration.as_deref()?)),
    );
    let message = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    filters.push(json!({ "name": "envoy.filters.network.tcp_proxy", "typed_config": typed(message, proxy) }));
    filters
}
