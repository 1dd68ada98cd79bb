//! From the Gateway of an access point to the certificate that its listener shows: templates are rendered, their
//! credentials ordered, stored and pushed, and a gateway is configured. What a listener asks for by SDS is what was
//! pushed, and names each host that leads to it, on every target. A host that has a certificate and fails keeps it,
//! and one that is new has another, by a server of its own.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{self, PlacementLevel};
use mesh_model::certificate::{Certificates, Credential, GatewayHosts, Issued, OrderFailure, Transmit};
use mesh_model::envoy::{EnvoyConfig, GatewayInput, Proxy, configure};
use mesh_model::fleet::Fleet;
use mesh_model::name::Fqdn;
use mesh_model::provision::Issuer;
use mesh_model::render::{Rendering, Revision, Writer, render, render_certified};
use mesh_model::template::Schemas;
use mesh_model::time::{Time, WallTime};
use serde_json::Value;

/// Three servers with two credentials, of which one target has another host.
const ACCESS_POINT: &str = r#"
apiVersion: overspill.dev/v1alpha1
kind: FederatedAccessPoint
metadata: { name: shop, namespace: retail }
spec:
  placement: { selector: {} }
  certificates: { issuer: corp }
  templates:
    - apiVersion: networking.istio.io/v1
      kind: Gateway
      metadata: { name: shop }
      spec:
        servers:
          - port: { number: 443, name: https, protocol: HTTPS }
            hosts: [shop.example.com, "*.shop.example.com"]
            tls: { mode: SIMPLE, credentialName: shop-tls }
          - port: { number: 443, name: https-pay, protocol: HTTPS }
            hosts: [pay.example.com]
            tls: { mode: MUTUAL, credentialName: pay.tls }
          - port: { number: 8443, name: https-admin, protocol: HTTPS }
            hosts: [admin.example.com]
            tls: { mode: SIMPLE, credentialName: shop-tls }
  overrides:
    - name: another-host
      targets: { names: [slc-a-1] }
      rules:
        - { kind: Gateway, patch: [{ op: add, path: /spec/servers/0/hosts/-, value: slc.example.com }] }
"#;

const ISSUER: &str = "{ apiVersion: overspill.dev/v1alpha1, kind: Issuer, metadata: { name: corp }, \
                      spec: { ca: { secret: root }, maxNames: 5 } }";

const FLEET: &str = include_str!("../../examples/checkout/fleet.yaml");

fn parse(text: &str) -> AccessPoint {
    AccessPoint::try_from(serde_saphyr::from_str::<api::FederatedAccessPoint>(text).unwrap()).unwrap()
}

fn issuer() -> Issuer {
    Issuer::try_from(serde_saphyr::from_str::<api::Issuer>(ISSUER).unwrap()).unwrap()
}

fn host(name: &str) -> Fqdn {
    format!("{name}.example.com").parse().unwrap()
}

fn fleet() -> Fleet {
    fn all<T: serde::de::DeserializeOwned>(kind: &str) -> Vec<T> {
        let line = format!("kind: {kind}\n");
        let parts = FLEET.split("\n---\n").filter(|text| text.contains(&line));
        parts.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
    }
    Fleet::new(all("AvailabilityZone"), all("Cluster")).unwrap()
}

/// The secrets as gateways have them, by the names under which they are asked for.
fn obey(certificates: &mut Certificates, now: Time, wall: WallTime) -> BTreeMap<String, Issued> {
    obey_but_for(None, certificates, now, wall)
}

/// The same, where the authority finds this host not to be ours.
fn obey_but_for(
    lost: Option<&Fqdn>,
    certificates: &mut Certificates,
    now: Time,
    wall: WallTime,
) -> BTreeMap<String, Issued> {
    let (mut stored, mut pushed) = (BTreeMap::<Credential, Issued>::new(), BTreeMap::new());
    while let Some(transmit) = certificates.poll_transmit() {
        match transmit {
            Transmit::Order { credential, issuer, hosts } => {
                let (serial, not_after) = (credential.to_string(), wall + Duration::from_secs(86_400));
                let result = match lost.filter(|lost| hosts.contains(lost)) {
                    None => Ok(Issued { issuer, hosts, serial, not_before: wall, not_after }),
                    Some(lost) => {
                        let failed = [(lost.clone(), "no such record".to_owned())].into();
                        Err(OrderFailure::Hosts { failed })
                    }
                };
                certificates.handle_order_result(now, wall, &credential, result);
            }
            Transmit::Store { credential, issued } => {
                stored.insert(credential.clone(), issued.clone());
                certificates.handle_stored(now, wall, &credential, &issued.serial);
            }
            Transmit::Push { credential, serial } => {
                pushed.insert(credential.resource(), stored[&credential].clone());
                certificates.handle_pushed(now, wall, &credential, &serial);
            }
            Transmit::Prove { credential, host, .. } => {
                let failed = [(host.clone(), "no such record".to_owned())].into();
                let is_lost = lost == Some(&host);
                let result = if is_lost { Err(OrderFailure::Hosts { failed }) } else { Ok(()) };
                certificates.handle_proof(now, wall, &credential, &host, result);
            }
            other => panic!("{other:?}"),
        }
    }
    pushed
}

/// For each name that a hello may have, the secrets that the listener's chain asks for.
fn shown(config: &EnvoyConfig) -> Vec<(Fqdn, Vec<String>)> {
    let chains = config.listeners.values().flat_map(|one| one["filter_chains"].as_array().unwrap());
    let names = |value: &Value, at: &str| -> Vec<Value> {
        value.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    chains
        .flat_map(|chain| {
            let at = "/transport_socket/typed_config/common_tls_context/tls_certificate_sds_secret_configs";
            let secrets: Vec<String> =
                names(chain, at).iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
            let hosts = names(chain, "/filter_chain_match/server_names");
            hosts.into_iter().map(move |host| (host.as_str().unwrap().parse().unwrap(), secrets.clone()))
        })
        .collect()
}

#[test]
fn a_listener_asks_for_the_secret_that_was_pushed_host_by_host() {
    let (access_point, issuer) = (parse(ACCESS_POINT), issuer());
    let (fleet, schemas) = (fleet(), Schemas::embedded());
    let rendered: Vec<_> = fleet
        .targets(PlacementLevel::Cluster)
        .map(|target| render(&access_point, &target, &schemas))
        .collect();
    assert!(rendered.len() > 10 && rendered.iter().all(|one| one.errors.is_empty()));

    let mut found = GatewayHosts::default();
    for one in &rendered {
        found.add(&access_point.id, access_point.issuer.as_ref().unwrap(), Some(&issuer), &one.objects);
    }
    assert_eq!((found.faults.len(), found.refused().count()), (0, 0));
    let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse().unwrap());
    let mut certificates = Certificates::new(7, Vec::new());
    certificates.handle_desired(now, wall, &found.credentials);
    let pushed = obey(&mut certificates, now, wall);
    assert_eq!(pushed.len(), 2, "one certificate for each credential, for all targets");

    let mut hosts_seen = BTreeSet::new();
    for one in &rendered {
        let input = GatewayInput {
            access_point: access_point.id.clone(),
            vips: vec!["203.0.113.10".parse().unwrap()],
            objects: &one.objects,
            endpoints: &[],
            rate_limit: None,
        };
        let config = configure(&Proxy::default(), &[input]).whole().unwrap();
        for (host, secrets) in shown(&config) {
            assert_eq!(secrets.len(), 1, "{host}");
            let issued = pushed.get(&secrets[0]).unwrap_or_else(|| panic!("{} was not pushed", secrets[0]));
            assert!(issued.hosts.contains(&host), "{host} is not named by what {} holds", secrets[0]);
            assert!(config.secrets.contains(&secrets[0]));
            hosts_seen.insert(host);
        }
        let own: Vec<&String> = config.secrets.iter().filter(|name| !name.ends_with("-cacert")).collect();
        assert_eq!(own, ["kubernetes://retail/pay.tls", "kubernetes://retail/shop-tls"]);
    }
    let all: BTreeSet<Fqdn> = found.credentials.values().flat_map(|wanted| wanted.hosts.clone()).collect();
    assert_eq!(hosts_seen, all, "and nothing was ordered that no listener serves");
    assert_eq!(all.len(), 5);
    assert_eq!(certificates.lacking(wall, &found, &GatewayHosts::default()).count(), 0);
}

/// What gateways are told of an access point's objects.
fn configured(access_point: &AccessPoint, rendered: &Rendering) -> EnvoyConfig {
    let input = GatewayInput {
        access_point: access_point.id.clone(),
        vips: vec!["203.0.113.10".parse().unwrap()],
        objects: &rendered.objects,
        endpoints: &[],
        rate_limit: None,
    };
    configure(&Proxy::default(), &[input]).whole().unwrap()
}

#[test]
fn a_new_host_is_served_beside_one_that_is_covered_and_fails() {
    let issuer = issuer();
    let (fleet, schemas) = (fleet(), Schemas::embedded());
    let target = fleet.target(PlacementLevel::Cluster, "phx-a-1").unwrap();
    let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse().unwrap());
    let mut certificates = Certificates::new(7, Vec::new());
    let hosts_of = |access_point: &AccessPoint, rendered: &Rendering| {
        let mut found = GatewayHosts::default();
        found.add(&access_point.id, &issuer.name, Some(&issuer), &rendered.objects);
        found
    };
    let rendered = |access_point: &AccessPoint, certificates: &Certificates| {
        let rendered = render_certified(access_point, &target, &fleet, &schemas, (certificates, wall));
        assert_eq!(rendered.errors, []);
        rendered
    };

    let old = parse(ACCESS_POINT);
    let live = rendered(&old, &certificates);
    certificates.handle_desired(now, wall, &hosts_of(&old, &live).credentials);
    let mut pushed = obey(&mut certificates, now, wall);
    assert_eq!(
        rendered(&old, &certificates),
        live,
        "as long as one secret holds all, it is the one that is written"
    );

    // the first host fails from now on; the second is new
    let lost = host("shop");
    let new = parse(
        &ACCESS_POINT.replace("hosts: [shop.example.com,", "hosts: [shop.example.com, new.example.com,"),
    );
    let next = rendered(&new, &certificates);
    let mut both = hosts_of(&old, &live);
    both.add(&new.id, &issuer.name, Some(&issuer), &next.objects);
    certificates.handle_desired(now, wall, &both.credentials);
    let (live, asked) = (hosts_of(&old, &live), hosts_of(&new, &render(&new, &target, &schemas)));
    assert_eq!(certificates.lacking(wall, &asked, &live).count(), 1, "it is not used before");
    pushed.extend(obey_but_for(Some(&lost), &mut certificates, now, wall));
    let next = rendered(&new, &certificates);
    assert_eq!(certificates.lacking(wall, &asked, &live).count(), 0);

    let config = configured(&new, &next);
    let shown: BTreeMap<Fqdn, Vec<String>> = shown(&config).into_iter().collect();
    assert_eq!(shown[&lost], ["kubernetes://retail/shop-tls"], "the one that it has");
    assert_eq!(shown[&host("new")], ["kubernetes://retail/shop-tls-overspill-2"]);
    for (host, secrets) in &shown {
        assert!(pushed[&secrets[0]].hosts.contains(host), "{host} is not named by what {} holds", secrets[0]);
    }
    // it is no revision, and whoever looks finds who wrote it
    let plain = [render(&new, &target, &schemas)];
    assert_ne!(plain[0].objects, next.objects);
    assert_eq!(Revision::of(&plain), Revision::of(&[render(&new, &target, &schemas)]));
    let written = next.trace.iter().filter(|entry| entry.from == Writer::Certificates);
    let written: Vec<String> = written.map(|entry| entry.path.to_string()).collect();
    assert!(written.iter().any(|path| path.starts_with("/spec/servers/3")), "{written:?}");
    assert!(written.iter().all(|path| path.starts_with("/spec/servers/")), "{written:?}");

    // what is live then names the further secret: after a restart all is as it was
    let stored = pushed.values().map(|issued| {
        let (namespace, name) = issued.serial.split_once('/').unwrap();
        (Credential::new(namespace.parse().unwrap(), name).unwrap(), issued.clone())
    });
    let mut certificates = Certificates::new(7, stored.collect());
    certificates.handle_desired(now, wall, &hosts_of(&new, &next).credentials);
    assert_eq!(rendered(&new, &certificates), next);
    let mut asked = std::iter::from_fn(|| certificates.poll_transmit());
    assert!(asked.all(|one| matches!(one, Transmit::Push { .. })), "nothing is ordered or deleted");
}

#[test]
fn a_new_host_that_fails_is_left_out_and_holds_nobody() {
    let (fleet, schemas, issuer) = (fleet(), Schemas::embedded(), issuer());
    let target = fleet.target(PlacementLevel::Cluster, "phx-a-1").unwrap();
    let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse().unwrap());
    let mut certificates = Certificates::new(7, Vec::new());
    let new = parse(
        &ACCESS_POINT.replace("hosts: [shop.example.com,", "hosts: [shop.example.com, new.example.com,"),
    );
    let lost = host("new");
    let mut asked = GatewayHosts::default();
    asked.add(&new.id, &issuer.name, Some(&issuer), &render(&new, &target, &schemas).objects);
    certificates.handle_desired(now, wall, &asked.credentials);
    let mut pushed = obey_but_for(Some(&lost), &mut certificates, now, wall);
    assert_eq!(certificates.lacking(wall, &asked, &GatewayHosts::default()).count(), 0);

    let mut served = |certificates: &mut Certificates, later: Duration, lost: Option<&Fqdn>| {
        certificates.handle_timeout(now + later, wall + later);
        pushed.extend(obey_but_for(lost, certificates, now + later, wall + later));
        let rendered = render_certified(&new, &target, &fleet, &schemas, (certificates, wall + later));
        assert_eq!(rendered.errors, []);
        let shown = shown(&configured(&new, &rendered));
        for (host, secrets) in &shown {
            assert!(pushed[&secrets[0]].hosts.contains(host), "{host} is not named by {}", secrets[0]);
        }
        shown.into_iter().map(|(host, _)| host).collect::<BTreeSet<Fqdn>>()
    };
    let all: BTreeSet<Fqdn> = asked.credentials.values().flat_map(|wanted| wanted.hosts.clone()).collect();
    let others = &all - &[lost.clone()].into();
    assert_eq!(served(&mut certificates, Duration::ZERO, Some(&lost)), others);
    // whoever asks for what is live alone would forget it: it is asked for as it is wanted, and follows
    assert_eq!(served(&mut certificates, Duration::from_secs(3_600), Some(&lost)), others);
    assert_eq!(served(&mut certificates, Duration::from_secs(6 * 3_600), None), all);
}

/// A Gateway of which nothing is left is not written, and no routes are bound to what is not there.
#[test]
fn a_gateway_without_a_certificate_comes_with_its_routes_when_it_has_one() {
    let (fleet, schemas, issuer) = (fleet(), Schemas::embedded(), issuer());
    let target = fleet.target(PlacementLevel::Cluster, "phx-a-1").unwrap();
    let (now, wall) = (Time::ZERO, "2026-11-26T00:00:00Z".parse().unwrap());
    let routes = |name: &str, gateways: &str| {
        format!(
            "    - apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {{ name: {name} }}
      spec: {{ hosts: [{name}.example.com], gateways: [{gateways}], http: [{{ directResponse: {{ status: 200 }} }}] }}\n"
        )
    };
    let fresh = "    - apiVersion: networking.istio.io/v1
      kind: Gateway
      metadata: { name: fresh }
      spec: { servers: [{ port: { number: 9443, name: https, protocol: HTTPS }, hosts: [new.example.com], tls: { mode: SIMPLE, credentialName: new-tls } }] }\n";
    let more = [fresh, &routes("new", "./fresh"), &routes("shop", "shop, fresh")].concat();
    let access_point = parse(&ACCESS_POINT.replace("  overrides:\n", &format!("{more}  overrides:\n")));
    let plain = render(&access_point, &target, &schemas);
    assert_eq!(plain.errors, []);
    let mut asked = GatewayHosts::default();
    asked.add(&access_point.id, &issuer.name, Some(&issuer), &plain.objects);
    let mut certificates = Certificates::new(7, Vec::new());
    certificates.handle_desired(now, wall, &asked.credentials);
    let lost = host("new");
    obey_but_for(Some(&lost), &mut certificates, now, wall);
    assert_eq!(certificates.lacking(wall, &asked, &GatewayHosts::default()).count(), 0);

    let written = |certificates: &Certificates, at: WallTime| {
        let rendered = render_certified(&access_point, &target, &fleet, &schemas, (certificates, at));
        assert_eq!(rendered.errors, []);
        let ports = configured(&access_point, &rendered).listeners.len();
        let lists = |one: &Value| one["spec"]["gateways"].as_array().map(Vec::len);
        let lists: Vec<usize> = rendered.objects.iter().filter_map(lists).collect();
        (ports, rendered.objects.len(), lists)
    };
    assert_eq!(written(&certificates, wall), (2, 2, vec![1]), "the other Gateway, and routes at it alone");
    let later = Duration::from_secs(6 * 3_600);
    certificates.handle_timeout(now + later, wall + later);
    obey(&mut certificates, now + later, wall + later);
    assert_eq!(written(&certificates, wall + later), (3, 4, vec![1, 2]));
}

/// Clients' authorities stay where the team wrote them.
#[test]
fn a_further_secret_has_no_authorities_of_its_own() {
    let text = ACCESS_POINT.replace("credentialName: pay.tls", "credentialName: pay.tls-overspill-2");
    let access_point = parse(&text);
    let (fleet, schemas) = (fleet(), Schemas::embedded());
    let target = fleet.target(PlacementLevel::Cluster, "phx-a-1").unwrap();
    let config = configured(&access_point, &render(&access_point, &target, &schemas));
    let secrets: Vec<&str> =
        config.secrets.iter().map(String::as_str).filter(|name| name.contains("pay")).collect();
    assert_eq!(secrets, ["kubernetes://retail/pay.tls-cacert", "kubernetes://retail/pay.tls-overspill-2"]);
}
