//! Ports that carry bytes: chains of filters by the name in the hello, or one for the port.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{OfGateway, names_match, served};
use crate::envoy::objects::Called;
use crate::envoy::route::{Served, destinations, resolve};
use crate::envoy::value::{duration, put, typed};
use crate::envoy::{Scope, access, tls};
use crate::template::TemplateId;
use crate::template::view::{RouteDestination, TcpMatch, TcpRoute, TlsMode, TlsRoute};

/// Chains that carry bytes: one for each route by name, or one for the port.
pub(super) fn stream(
    scope: &mut Scope<'_>,
    one: &OfGateway<'_>,
    at: &str,
    called: &mut BTreeSet<Called>,
) -> Vec<Value> {
    let served = served(scope, one);
    let input = scope.input;
    let mut chains = Vec::new();
    let passes_through = one.server.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::Passthrough);
    let services =
        input.virtual_services.iter().filter(|(_, service)| served.is_named(scope, &service.gateways));
    let services: Vec<_> = services.collect();
    for (id, service) in services {
        if passes_through {
            for (number, route) in service.tls.iter().enumerate() {
                let names = sni_hosts(scope, &served, route);
                if names.is_empty() {
                    continue;
                }
                let at = format!("/spec/tls/{number}");
                let filters = stream_filters(scope, (id, served.port), &at, &route.route, called);
                let mut chain = json!({ "filters": filters });
                put(&mut chain, "filter_chain_match", names_match(&names));
                chains.push(chain);
            }
            continue;
        }
        let is_here = |route: &&TcpRoute| {
            let here = |wanted: &TcpMatch| {
                wanted.port.is_none_or(|port| port == served.port)
                    && (wanted.gateways.is_empty() || served.is_named(scope, &wanted.gateways))
            };
            route.matches.is_empty() || route.matches.iter().any(here)
        };
        let Some(number) = service.tcp.iter().position(|route| is_here(&route)) else { continue };
        let filters = stream_filters(
            scope,
            (id, served.port),
            &format!("/spec/tcp/{number}"),
            &service.tcp[number].route,
            called,
        );
        let mut chain = json!({ "filters": filters });
        if let Some(wanted) = &one.server.tls {
            chain["transport_socket"] =
                tls::downstream(scope, one.gateway, &format!("{at}/tls"), wanted, false);
            put(&mut chain, "filter_chain_match", names_match(&served.hosts));
        }
        return vec![chain];
    }
    chains
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
