//! Who asks for addresses in a target, with which ports, and what stands behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::{
    ADDRESSES_ANNOTATION, Observed, POOL_ANNOTATION, Problem, SHARING_ANNOTATION, ServiceProblem, Settings,
    annotation, is_going, is_ours, key_of, name_of, text,
};
use crate::access_point::{AccessPoint, AccessPointId, Sharing, VipRequest};
use crate::api::{IpFamily, VipScope};
use crate::labels::Labels;
use crate::name::Name;
use crate::render::OWNER_LABEL;
use crate::template::labels_of;
use crate::vip::{Claim, ClaimKey, Port, Protocol};

/// What is asked for in a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// Who asks, by owner. Claims of one owner from several targets are one where the key is the same.
    pub claims: Vec<Claim>,
    /// What stands behind each.
    pub frontends: BTreeMap<ClaimKey, Vec<Frontend>>,
    /// Whether these are all; what is not here is not wanted then, and only then.
    pub is_complete: bool,
    /// What is wrong, by object.
    pub problems: Vec<ServiceProblem>,
}

/// One port of an owner, and what answers there.
#[derive(Clone, Debug, PartialEq)]
pub struct Frontend {
    /// The port, which is the client's and the backend's.
    pub port: Port,
    /// What answers.
    pub origin: Origin,
}

/// What answers at a port.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The pods that a Gateway selects.
    Gateway {
        /// `namespace/name`.
        gateway: String,
        /// The labels of its pods.
        selector: Labels,
    },
    /// The endpoints of a Service.
    Service {
        /// The Service.
        service: Box<Value>,
        /// The name of its port; empty for the only one.
        port_name: String,
        /// The pods' port, if it is a number.
        target_port: Option<u16>,
    },
}

/// Who asks for addresses in a target.
///
/// An access point asks with the ports of its Services of type LoadBalancer
/// there, or else of its Gateways; every other Service of that type that is
/// ours asks for itself. A Service that is being deleted asks for nothing, nor
/// does one of an access point that is not to be here.
///
/// ```
/// use mesh_model::service::{Observed, Settings, claims};
/// use serde_json::json;
///
/// let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "dns", "namespace": "core" },
///     "spec": { "type": "LoadBalancer", "ports": [{ "port": 53, "protocol": "UDP" }] } });
/// let target = "slc-a-1".parse()?;
/// let observed = Observed { target: &target, access_points: Some(&[]), services: Some(&[service]), slices: None, pods: None, nodes: None, gateways: Some(&[]) };
/// let asked = claims(&observed, &Settings::default());
/// assert_eq!(asked.claims[0].key.to_string(), "core/dns@slc-a-1");
/// assert_eq!(asked.claims[0].ports.first().map(ToString::to_string).as_deref(), Some("53/udp"));
/// # Ok::<(), mesh_model::name::ParseNameError>(())
/// ```
#[must_use]
pub fn claims(observed: &Observed<'_>, settings: &Settings) -> Claims {
    let access_points = observed.access_points.unwrap_or_default();
    let mut all = Claims {
        is_complete: observed.services.is_some() && observed.access_points.is_some(),
        ..Claims::default()
    };
    let (mut of_owner, mut plain): (BTreeMap<AccessPointId, Vec<&Value>>, Vec<&Value>) = Default::default();
    for service in
        observed.services.unwrap_or_default().iter().filter(|one| is_ours(one, settings) && !is_going(one))
    {
        match owner(service) {
            Some(id) => of_owner.entry(id).or_default().push(service),
            None => plain.push(service),
        }
    }
    for access_point in access_points {
        let services = of_owner.remove(&access_point.id).unwrap_or_default();
        all.access_point(access_point, services, observed);
    }
    plain.sort_by_key(|service| name_of(service));
    for service in plain {
        all.plain(service, access_points, observed.target);
    }
    all.claims.sort_by(|one, other| one.key.cmp(&other.key));
    all.problems.sort();
    all
}

impl Claims {
    fn access_point(
        &mut self,
        access_point: &AccessPoint,
        mut services: Vec<&Value>,
        observed: &Observed<'_>,
    ) {
        let Some(key) = key_of(access_point, observed.target) else { return };
        if observed.services.is_none() {
            return; // nobody knows whether it has any, or is reached by its Gateways
        }
        services.sort_by_key(|service| name_of(service));
        let mut frontends: Vec<(String, Frontend)> = Vec::new();
        for service in services {
            self.not_asked(access_point, service);
            frontends.extend(ports(service).map(|one| (name_of(service), one)));
        }
        if frontends.is_empty() {
            let Some(gateways) = observed.gateways else {
                self.is_complete = false; // nobody knows which ports it has
                return;
            };
            let mut own: Vec<&Value> =
                gateways.iter().filter(|one| owner(one).as_ref() == Some(&access_point.id)).collect();
            own.sort_by_key(|gateway| name_of(gateway));
            frontends.extend(own.into_iter().flat_map(servers));
        }
        if frontends.is_empty() {
            if self.is_complete {
                self.wrong(access_point.id.to_string(), Problem::NoPorts);
            }
            return;
        }
        let claim = Claim::of(access_point, std::slice::from_ref(observed.target), &BTreeSet::new());
        self.claims.extend(claim);
        self.frontends(key, frontends);
    }

    /// An access point asks for addresses by its `vip`; a Service of it that says another is not obeyed.
    fn not_asked(&mut self, access_point: &AccessPoint, service: &Value) {
        let Some(found) = text(service, "/spec/loadBalancerIP").filter(|found| !found.is_empty()) else {
            return;
        };
        let asked = access_point.vip.iter().flat_map(|vip| &vip.addresses);
        if !asked.into_iter().any(|address| found.parse() == Ok(*address)) {
            let right = "it into `vip.addresses` of the access point";
            let (field, found) = ("spec.loadBalancerIP", found.to_owned());
            self.wrong(name_of(service), Problem::Field { field, found, right });
        }
    }

    fn plain(&mut self, service: &Value, access_points: &[AccessPoint], target: &Name) {
        let part = |pointer| text(service, pointer).and_then(|name| name.parse::<Name>().ok());
        let (Some(namespace), Some(name)) = (part("/metadata/namespace"), part("/metadata/name")) else {
            return;
        };
        let owner = AccessPointId { namespace, name };
        if access_points.iter().any(|one| one.id == owner) {
            return self.wrong(name_of(service), Problem::NameOfAccessPoint { owner: owner.to_string() });
        }
        match request(service) {
            Ok(request) => {
                let key = ClaimKey { owner, target: Some(target.clone()) };
                let labels = labels_of(service);
                self.claims.push(Claim { key: key.clone(), request, ports: BTreeSet::new(), labels });
                self.frontends(key, ports(service).map(|one| (name_of(service), one)).collect());
            }
            Err(problem) => self.wrong(name_of(service), problem),
        }
    }

    /// Enters what stands behind an owner's addresses; the first to name a port has it.
    fn frontends(&mut self, key: ClaimKey, frontends: Vec<(String, Frontend)>) {
        let mut taken: BTreeMap<Port, String> = BTreeMap::new();
        let mut kept = Vec::new();
        for (object, frontend) in frontends {
            match taken.get(&frontend.port) {
                Some(by) if *by == object => {} // servers of one port for several hosts
                Some(by) => {
                    let problem = Problem::PortTaken { port: frontend.port, by: by.clone() };
                    // Gateways of one selector share the port by their hosts
                    if !matches!(frontend.origin, Origin::Gateway { .. }) || !same(&kept, &frontend) {
                        self.wrong(object, problem);
                    }
                }
                None => {
                    taken.insert(frontend.port, object);
                    kept.push(frontend);
                }
            }
        }
        if let Some(claim) = self.claims.iter_mut().find(|claim| claim.key == key) {
            claim.ports = taken.into_keys().collect();
        }
        self.frontends.insert(key, kept);
    }

    fn wrong(&mut self, object: String, problem: Problem) {
        self.problems.push(ServiceProblem { object, problem });
    }
}

/// Whether a port is answered by the same pods already.
fn same(kept: &[Frontend], new: &Frontend) -> bool {
    let selector = |frontend: &Frontend| match &frontend.origin {
        Origin::Gateway { selector, .. } => Some(selector.clone()),
        Origin::Service { .. } => None,
    };
    kept.iter().any(|one| one.port == new.port && selector(one) == selector(new))
}

/// The access point that an object is of, as its label says.
fn owner(object: &Value) -> Option<AccessPointId> {
    let name = object.get("metadata")?.get("labels")?.get(OWNER_LABEL)?.as_str()?;
    let namespace = text(object, "/metadata/namespace")?;
    Some(AccessPointId { namespace: namespace.parse().ok()?, name: name.parse().ok()? })
}

/// The ports of a Service.
fn ports(service: &Value) -> impl Iterator<Item = Frontend> {
    let list = service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|port| {
        let protocol = match port.get("protocol").and_then(Value::as_str).unwrap_or("TCP") {
            "SCTP" => Protocol::Sctp,
            "TCP" => Protocol::Tcp,
            "UDP" => Protocol::Udp,
            _ => return None, // which no API server lets in
        };
        let number = port.get("port").and_then(number)?;
        let target_port = match port.get("targetPort") {
            None => Some(number),
            Some(target) => self::number(target),
        };
        let port_name = port.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let origin = Origin::Service { service: Box::new(service.clone()), port_name, target_port };
        Some(Frontend { port: Port { protocol, number }, origin })
    })
}

/// The ports of a Gateway, with its name.
fn servers(gateway: &Value) -> impl Iterator<Item = (String, Frontend)> {
    let list = gateway.pointer("/spec/servers").and_then(Value::as_array).into_iter().flatten();
    let selector = gateway.pointer("/spec/selector").and_then(Value::as_object).into_iter().flatten();
    let selector: Labels =
        selector.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let name = name_of(gateway);
    list.filter_map(move |server| {
        let number = server.pointer("/port/number").and_then(number)?;
        let origin = Origin::Gateway { gateway: name.clone(), selector: selector.clone() };
        Some((name.clone(), Frontend { port: Port { protocol: Protocol::Tcp, number }, origin }))
    })
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number != 0)
}

/// What a Service asks for by itself.
fn request(service: &Value) -> Result<VipRequest, Problem> {
    let name = |field, right| -> Result<Option<Name>, Problem> {
        let Some(found) = annotation(service, field) else { return Ok(None) };
        let wrong = |_| Problem::Field { field, found: found.to_owned(), right };
        found.parse().map(Some).map_err(wrong)
    };
    let mut addresses = Vec::new();
    for found in annotation(service, ADDRESSES_ANNOTATION).into_iter().flat_map(|list| list.split(',')) {
        let wrong = || Problem::Field {
            field: ADDRESSES_ANNOTATION,
            found: found.trim().to_owned(),
            right: "addresses, one of each family, with a comma between",
        };
        let address: IpAddr = found.trim().parse().map_err(|_| wrong())?;
        if addresses.iter().any(|other: &IpAddr| other.is_ipv4() == address.is_ipv4()) {
            return Err(wrong());
        }
        addresses.push(address);
    }
    // the older way to ask for one, which some controllers obey and some never did
    if let Some(found) = text(service, "/spec/loadBalancerIP").filter(|found| !found.is_empty()) {
        let wrong = |right| Problem::Field { field: "spec.loadBalancerIP", found: found.to_owned(), right };
        let address: IpAddr = found.parse().map_err(|_| wrong("an address"))?;
        if addresses.is_empty() {
            addresses.push(address);
        } else if !addresses.contains(&address) {
            return Err(wrong("one of the addresses of the annotation, or leave it out"));
        }
    }
    let sharing = name(SHARING_ANNOTATION, "a name of lower-case letters, digits and `-`")?;
    Ok(VipRequest {
        pool: name(POOL_ANNOTATION, "the name of a VipPool")?,
        scope: VipScope::Target,
        sharing: sharing.map_or(Sharing::Exclusive, Sharing::Key),
        // strangers share at most inside a namespace
        isolation_group: text(service, "/metadata/namespace").and_then(|name| name.parse().ok()),
        families: families(service),
        addresses,
    })
}

/// The families that a Service is of; those of the pool where only preferred, for one is enough then.
fn families(service: &Value) -> Vec<IpFamily> {
    let listed = service.pointer("/spec/ipFamilies").and_then(Value::as_array).into_iter().flatten();
    let family = |family: &Value| match family.as_str()? {
        "IPv4" => Some(IpFamily::Ipv4),
        "IPv6" => Some(IpFamily::Ipv6),
        _ => None,
    };
    let listed: Vec<IpFamily> = listed.filter_map(family).collect();
    match text(service, "/spec/ipFamilyPolicy") {
        Some("PreferDualStack") => Vec::new(),
        Some("RequireDualStack") if listed.len() < 2 => match listed.first() {
            Some(IpFamily::Ipv6) => vec![IpFamily::Ipv6, IpFamily::Ipv4],
            Some(IpFamily::Ipv4) | None => vec![IpFamily::Ipv4, IpFamily::Ipv6],
        },
        _ => listed,
    }
}
