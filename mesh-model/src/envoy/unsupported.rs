//! What a gateway cannot do, said of an object's field, in words for who wrote it.

use std::net::{IpAddr, SocketAddr};

use crate::access_point::AccessPointId;
use crate::template::TemplateId;

/// A part of an object that a gateway cannot do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{access_point}: {}{feature}", place(object.as_ref(), path))]
pub struct Unsupported {
    /// The access point.
    pub access_point: AccessPointId,
    /// The object; `None` for the access point as a whole.
    pub object: Option<TemplateId>,
    /// The field, as a pointer into the object; empty for the object as a whole.
    pub path: String,
    /// What it asks for.
    pub feature: Feature,
}

impl Unsupported {
    /// Something about an access point as a whole, of which no object is to blame.
    pub(super) fn whole(access_point: &AccessPointId, feature: Feature) -> Self {
        Self { access_point: access_point.clone(), object: None, path: String::new(), feature }
    }
}

fn place(object: Option<&TemplateId>, path: &str) -> String {
    object.map(|object| format!("{object}{path}: ")).unwrap_or_default()
}

/// Numbers as a sentence has them: `80, 443 and 8080`.
fn listed(ports: &[u32]) -> String {
    let mut texts: Vec<String> = ports.iter().map(u32::to_string).collect();
    let last = texts.pop().unwrap_or_default();
    if texts.is_empty() { last } else { format!("{} and {last}", texts.join(", ")) }
}

/// What a gateway cannot do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Feature {
    /// A field that this configuration does not have.
    #[error("gateways here cannot do this; remove it, or see the documents for what there is")]
    Field,
    /// A field that this configuration does not have, in place of which something else does it.
    #[error("gateways here cannot do this; {right}")]
    Instead {
        /// What to write.
        right: &'static str,
    },
    /// The object's fields are not of their schema's types.
    #[error("not as its schema says: {message}")]
    Shape {
        /// What is wrong.
        message: String,
    },
    /// A value that it does not have, or that Envoy would refuse.
    #[error("{found} is not possible here; {right}")]
    Value {
        /// As written.
        found: String,
        /// What would be.
        right: &'static str,
    },
    /// What is for a call, in a route that answers by itself.
    #[error("does nothing beside {answer}, which answers the request already; remove one of the two")]
    Beside {
        /// The field that answers.
        answer: &'static str,
    },
    /// A host that is handed on unread and that no route by name takes.
    #[error(
        "port {port} hands TLS on unread, and no route of `tls` takes {host}: routes of `http` never see it; write one with the name in sniHosts, or let the Gateway end TLS"
    )]
    GoesThrough {
        /// The host.
        host: String,
        /// The server's port.
        port: u32,
    },
    /// A server of bytes that nothing is carried from.
    #[error(
        "no VirtualService of this Gateway has a route of `{section}` for this server, and without one nothing listens; write one, or remove the server"
    )]
    NoRoute {
        /// The routes that it would need.
        section: &'static str,
    },
    /// Routes of bytes for which no server is.
    #[error(
        "no server of its Gateways carries this, so the route is never taken: a route of `tls` needs one of TLS, a route of `tcp` one of TCP or of TLS that ends there; write one, or leave it out"
    )]
    NoServer {
        /// The routes.
        section: &'static str,
    },
    /// A host that nothing is known of.
    #[error("nothing is known of host {host}: no object of the access point has it, and no service")]
    UnknownHost {
        /// The host.
        host: String,
    },
    /// A port that a host has not, or none where it has several.
    #[error(
        "{}; write one of them as port.number",
        port.map_or_else(
            || format!("host {host} has ports {}", listed(ports)),
            |port| format!("host {host} has no port {port}, but {}", listed(ports))
        )
    )]
    UnknownPort {
        /// The host.
        host: String,
        /// The port, if one is named.
        port: Option<u32>,
        /// Those that it has, in order.
        ports: Vec<u32>,
    },
    /// A policy for all workloads of its namespace, and a gateway of which nobody says the namespace.
    #[error(
        "without a selector it is for all workloads of the namespace, and whether this gateway is one nobody said; write a selector, or have its platform name the gateway's namespace"
    )]
    UnknownNamespace,
    /// A rule of pods, and a host of which nobody says whether it leads to them.
    #[error(
        "whether it protects {host} nobody can say, for an endpoint of that ServiceEntry has no labels; write labels there, or location MESH_EXTERNAL where there is no workload of the mesh"
    )]
    UnknownPods {
        /// The host.
        host: String,
    },
    /// A subset that no DestinationRule has.
    #[error("no DestinationRule of {host} has the subset {subset}")]
    UnknownSubset {
        /// The host.
        host: String,
        /// The subset.
        subset: String,
    },
    /// A gateway sees two DestinationRules of a host that others do not both see.
    #[error(
        "{other} is for {host} too, and other namespaces see that one, so that the two are not put together; give both one exportTo, or let the gateway's namespace see one alone (and say which it is in)"
    )]
    SeenApart {
        /// The host.
        host: String,
        /// The other rule.
        other: TemplateId,
    },
    /// Two DestinationRules of a host say the same.
    #[error(
        "{other} is for {host} too, and of the two Istio takes the older one's words and drops these; write them in one rule"
    )]
    SaidTwice {
        /// The host.
        host: String,
        /// The other rule.
        other: TemplateId,
    },
    /// An address that nobody alone can have.
    #[error("{address} is not the address of one access point; give it one that is")]
    Address {
        /// As given.
        address: IpAddr,
    },
    /// Another access point has the port of the address.
    #[error("{address} is {owner}'s already; give each its own address, or ports that differ")]
    AddressTaken {
        /// Address and port.
        address: SocketAddr,
        /// Who has it.
        owner: AccessPointId,
    },
    /// A limit of requests that no bucket can have.
    #[error(
        "no bucket has this limit of requests; fill it with at least 1, at least every 50 ms, up to a burst of at least 1"
    )]
    NoBucket,
    /// A limit of requests where nobody reads any.
    #[error(
        "a limit of requests bounds nothing where no server reads them; leave it out, or let a server be of HTTP or end TLS as HTTPS"
    )]
    NoRequests,
    /// An access point without an address has nothing to listen on.
    #[error("there is no virtual address to listen on; wait until one is allocated")]
    NoAddress,
    /// The gateway is asked for one access point twice.
    #[error("the gateway is asked for this access point twice; the first is served, ask for it once")]
    Twice,
    /// There are two objects of one kind and name.
    #[error("there are two objects of this kind and name; remove one")]
    TwoObjects,
}
