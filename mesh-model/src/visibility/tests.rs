//! Tests of visibility: Istio's rules as tables, and the least scopes as a
//! property: they never widen, and lose nothing that was used.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::access_point::AccessPoint;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn export_to() {
    let table: [(&[&str], [bool; 3]); 8] = [
        (&[], [true, true, true]),
        (&["*"], [true, true, true]),
        (&["."], [true, false, false]),
        (&["~"], [false, false, false]),
        (&["pay"], [false, true, false]),
        (&[".", "pay"], [true, true, false]),
        (&["~", "pay"], [false, true, false]),
        (&["shop"], [true, false, false]),
    ];
    for (items, expected) in table {
        let export = ExportTo::parse(items.iter().copied()).unwrap();
        let found = ["shop", "pay", "other"].map(|viewer| export.shows(&name("shop"), &name(viewer)));
        assert_eq!(found, expected, "{items:?}");
    }
    assert!(!ExportTo::default().or(&ExportTo::parse(["."]).unwrap()).shows(&name("shop"), &name("pay")));
    assert!(ExportTo::parse(["Pay"]).is_err());
    let service =
        json!({ "kind": "Service", "metadata": { "annotations": { EXPORT_ANNOTATION: "., pay" } } });
    assert_eq!(ExportTo::of(&service).unwrap(), ExportTo::parse([".", "pay"]).unwrap());
    let rule = json!({ "kind": "DestinationRule", "spec": { "exportTo": ["."] } });
    assert_eq!(ExportTo::of(&rule).unwrap(), ExportTo::parse(["."]).unwrap());
}

#[test]
fn what_a_sidecar_imports() {
    let table: [(&[&str], &str, &str, bool); 14] = [
        (&[], "pay", "a.pay", true),
        (&["*/*"], "pay", "a.pay", true),
        (&["./*"], "shop", "a.shop", true),
        (&["./*"], "pay", "a.pay", false),
        (&["pay/*"], "pay", "a.pay", true),
        (&["pay/a.pay"], "pay", "a.pay", true),
        (&["pay/a.pay"], "pay", "b.pay", false),
        (&["pay/a.pay"], "shop", "a.pay", false),
        (&["*/*.example.com"], "pay", "x.example.com", true),
        (&["*/*.example.com"], "pay", "*.y.example.com", true),
        (&["*/*.y.example.com"], "pay", "*.example.com", false),
        (&["~/*"], "shop", "a.shop", false),
        (&["*/*", "~pay/*"], "pay", "a.pay", false),
        (&["*/*", "~pay/b.pay"], "pay", "a.pay", true),
    ];
    for (hosts, owner, host, expected) in table {
        let sidecar = Sidecar::new(name("shop"), hosts.iter().copied()).unwrap();
        assert_eq!(sidecar.imports(&name("shop"), &name(owner), host), expected, "{hosts:?} {owner}/{host}");
    }
    // the default of all namespaces, as Istio's own documents have it
    let root = Sidecar::new(name("istio-system"), ["./*", "istio-system/*"]).unwrap();
    for (owner, host, expected) in
        [("pay", "a.pay", true), ("shop", "a.shop", false), ("istio-system", "istiod.istio-system", true)]
    {
        assert_eq!(root.imports(&name("pay"), &name(owner), host), expected, "{owner}/{host}");
    }
    for wrong in ["pay", "Pay/*", "pay/", "pay/a.*", "~Pay/*"] {
        assert!(Sidecar::new(name("shop"), [wrong]).is_err(), "{wrong}");
    }
}

fn sidecar(namespace: &str, of: &str, created: &str, selector: Value) -> Sidecar {
    Sidecar::from_value(&json!({
        "metadata": { "namespace": namespace, "name": of, "creationTimestamp": created },
        "spec": { "workloadSelector": selector, "egress": [{ "hosts": ["./*"] }] },
    }))
    .unwrap()
}

#[test]
fn which_sidecar_holds() {
    let web = json!({ "labels": { "app": "web" } });
    let all = [
        sidecar("root", "default", "2020-01-01T00:00:00Z", json!(null)),
        sidecar("shop", "younger", "2022-01-01T00:00:00Z", web.clone()),
        sidecar("shop", "older", "2021-01-01T00:00:00Z", web),
        sidecar("shop", "all", "2020-01-01T00:00:00Z", json!({ "labels": {} })),
        sidecar("root", "picky", "2019-01-01T00:00:00Z", json!({ "labels": { "app": "web" } })),
    ];
    let of = |namespace: &str, app: &str| {
        let labels = Labels::from([("app".to_owned(), app.to_owned())]);
        sidecar_for(&all, &name(namespace), &labels, &name("root")).map(|one| &*one.name)
    };
    assert_eq!(of("shop", "web"), Some("older"));
    assert_eq!(of("shop", "db"), Some("all"));
    assert_eq!(of("pay", "web"), Some("default"), "the root's with a selector is for the root alone");
    assert_eq!(sidecar_for(&all[1..4], &name("pay"), &Labels::new(), &name("root")), None);
    let pairs: Vec<_> = ambiguous(&all).iter().map(|(one, other)| (&*one.name, &*other.name)).collect();
    assert_eq!(pairs, [("younger", "older")]);
    let twice = [all[3].clone(), sidecar("shop", "too", "2023-01-01T00:00:00Z", json!(null))];
    assert_eq!(ambiguous(&twice).len(), 1);
}

#[test]
fn discovery_selectors_choose_namespaces() {
    let selectors =
        DiscoverySelectors(vec![Selector::of(&[("mesh", "on")]), Selector::of(&[(NAMESPACE_LABEL, "pay")])]);
    let on = Labels::from([("mesh".to_owned(), "on".to_owned())]);
    assert!(selectors.admit(&name("shop"), &on) && selectors.admit(&name("pay"), &Labels::new()));
    assert!(!selectors.admit(&name("shop"), &Labels::new()));
    assert!(DiscoverySelectors::default().admit(&name("shop"), &Labels::new()));
}

/// An access point of `namespace` with one Service that says `export` and one route at a gateway to `host`.
fn access_point(namespace: &str, export: &[String], host: &str) -> AccessPoint {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: it, namespace: {namespace} }}, spec: {{ placement: {{ selector: {{}} }}, \
         templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: web, annotations: {{ {EXPORT_ANNOTATION}: \"{}\" }} }}, spec: {{ ports: [{{ port: 80 }}] }} }}, \
         {{ apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{ name: web }}, spec: {{ hosts: [x.example.com], gateways: [web], http: [{{ route: [{{ destination: {{ host: {host} }} }}] }}] }} }}] }} }}",
        export.join(",")
    );
    let object: crate::api::FederatedAccessPoint = serde_saphyr::from_str(&text).unwrap();
    AccessPoint::try_from(object).unwrap()
}

#[test]
fn the_least_scopes_of_two_teams() {
    let all = [
        access_point("pay", &["*".to_owned()], "web"),
        access_point("shop", &["*".to_owned()], "web.pay.svc.cluster.local"),
    ];
    let calls = [Call { from: name("batch"), host: "web.shop.svc.cluster.local".into() }];
    let gateways = name("edge");
    let mesh = ExportTo::default();
    let scopes =
        smallest(Uses { access_points: &all, gateways: Some(&gateways), calls: &calls, mesh: &mesh });
    let after: Vec<String> = scopes
        .objects
        .iter()
        .map(|one| {
            let items: Vec<String> = one.after.iter().map(ToString::to_string).collect();
            format!("{} {} {}", one.namespace, one.object, items.join(","))
        })
        .collect();
    let expected = [
        "pay Service/web edge,shop,.",
        "pay VirtualService/web edge,.",
        "shop Service/web batch,.",
        "shop VirtualService/web edge,.",
    ];
    assert_eq!(after, expected);
    let sidecars: Vec<String> =
        scopes.sidecars.iter().map(|(of, hosts)| format!("{of}: {hosts:?}")).collect();
    assert_eq!(
        sidecars,
        [
            "batch: {\"./*\", \"shop/web.shop.svc.cluster.local\"}",
            "pay: {\"./*\"}",
            "shop: {\"./*\", \"pay/web.pay.svc.cluster.local\"}"
        ]
    );
    let names: Vec<&str> = scopes.namespaces.iter().map(Name::as_str).collect();
    assert_eq!(names, ["batch", "edge", "pay", "shop"]);
    for object in scopes.sidecar_objects() {
        assert!(Sidecar::from_value(&object).is_ok());
    }
}

const NAMESPACES: [&str; 5] = ["n0", "n1", "n2", "n3", "edge"];

proptest! {
    #[test]
    fn scopes_never_widen_and_lose_nothing_that_is_used(
        exports in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["*", ".", "~", "n0", "n1", "n2", "edge"]), 0..3), 3),
        routes in prop::collection::vec(0_usize..3, 3),
        calls in prop::collection::vec((0_usize..4, 0_usize..3), 0..6),
        default in prop::sample::select(vec!["*", "."]),
    ) {
        let host = |at: usize| format!("web.{}.svc.cluster.local", NAMESPACES[at]);
        let all: Vec<AccessPoint> = (0..3).map(|at| {
            let export: Vec<String> = exports[at].iter().map(|item| (*item).to_owned()).collect();
            access_point(NAMESPACES[at], &export, &host(routes[at]))
        }).collect();
        let calls: Vec<Call> = calls.into_iter().map(|(from, to)| Call { from: name(NAMESPACES[from]), host: host(to) }).collect();
        let (gateways, mesh) = (name("edge"), ExportTo::parse([default]).unwrap());
        let scopes = smallest(Uses { access_points: &all, gateways: Some(&gateways), calls: &calls, mesh: &mesh });
        prop_assert_eq!(scopes.objects.len(), 6);
        for one in &scopes.objects {
            let shown = |export: &ExportTo, viewer: &str| export.or(&mesh).shows(&one.namespace, &name(viewer));
            for viewer in NAMESPACES {
                prop_assert!(!shown(&one.after, viewer) || shown(&one.before, viewer), "{:?} to {}", one, viewer);
            }
        }
        for call in &calls {
            let owner = name(call.host.split('.').nth(1).unwrap());
            let service = scopes.objects.iter().find(|one| one.namespace == owner && one.object.name.as_ref() == "web").unwrap();
            let before = service.before.or(&mesh).shows(&owner, &call.from);
            prop_assert_eq!(service.after.or(&mesh).shows(&owner, &call.from), before, "{:?}", call);
            let sidecar = Sidecar::new(call.from.clone(), scopes.sidecars[&call.from].iter().map(String::as_str)).unwrap();
            prop_assert!(sidecar.imports(&call.from, &owner, &call.host));
            prop_assert!(scopes.namespaces.contains(&owner) && scopes.namespaces.contains(&call.from));
        }
    }
}
