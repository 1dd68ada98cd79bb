//! What happens to objects: rendering, comparing, patching, placing, linting, reconciling.

use std::collections::BTreeSet;
use std::hint::black_box;

use mesh_model::access_point::AccessPoint;
use mesh_model::api::PlacementLevel;
use mesh_model::federation::{APPLIED_ANNOTATION, WriteCommand, reconcile};
use mesh_model::fleet::Fleet;
use mesh_model::lint::{FleetFacts, lint};
use mesh_model::name::Name;
use mesh_model::patch::{Document, Operation, Origin, apply, diff, merge};
use mesh_model::placement::{Evidence, Outcome, place};
use mesh_model::render::{Rendering, compare, render, render_steered};
use mesh_model::template::Schemas;
use serde_json::{Value, json};

use super::fixtures::{access_point, fleet};
use super::{prepared, repeated};
use crate::{Scale, Work};

/// The example's access point, 7 to 9 objects and three overrides, on 100 targets, traced.
pub(super) fn rendering(scale: Scale) -> Work {
    let (fleet, access_point, schemas) = (fleet(targets(scale)), access_point(0), Schemas::embedded());
    repeated(move || {
        let renderings = render_all(&access_point, &fleet, &schemas);
        assert!(renderings.iter().all(|one| one.objects.len() >= 7 && one.trace.len() > 50));
    })
}

/// The same with its traffic divided between regions.
pub(super) fn steering(scale: Scale) -> Work {
    let (fleet, access_point, schemas) = (fleet(targets(scale)), access_point(0), Schemas::embedded());
    repeated(move || {
        for target in fleet.targets(PlacementLevel::Cluster) {
            let rendering = render_steered(&access_point, &target, &fleet, &schemas);
            assert!(rendering.objects.len() >= 7, "{:?}", rendering.errors);
        }
    })
}

/// Two renderings of these that differ in one field on each target.
pub(super) fn comparing(scale: Scale) -> Work {
    let (fleet, access_point, schemas) = (fleet(targets(scale)), access_point(0), Schemas::embedded());
    let old = render_all(&access_point, &fleet, &schemas);
    let mut new = old.clone();
    for rendering in &mut new {
        rendering.objects[2]["spec"]["http"][0]["timeout"] = json!("3s");
    }
    repeated(move || assert_eq!(compare(&old, &new).targets.len(), old.len()))
}

/// An access point that selects all of 1,000 clusters, half of which it has.
pub(super) fn placing(scale: Scale) -> Work {
    let (fleet, access_point) = (fleet(scale.grown(1_000, 20)), access_point(0));
    let current: BTreeSet<Name> =
        fleet.targets(PlacementLevel::Cluster).step_by(2).map(|target| target.name().clone()).collect();
    repeated(move || {
        let evidence = Evidence { fleet: &fleet, is_complete: true, workload: None, current: &current };
        let decisions = place(&access_point.placement, evidence);
        assert!(decisions.iter().all(|decision| decision.outcome == Outcome::Place));
    })
}

/// The example ten times over under other names, with the facts of a fleet of 26 clusters.
pub(super) fn linting(scale: Scale) -> Work {
    let access_points: Vec<AccessPoint> = (0..scale.grown(10, 2)).map(access_point).collect();
    let facts = FleetFacts { fleet: fleet(26), ..FleetFacts::default() };
    let schemas = Schemas::embedded();
    repeated(move || _ = black_box(lint(&access_points, Some(&facts), &schemas)))
}

/// 100 objects of one owner on one target, where all is as it should be.
pub(super) fn reconciling(scale: Scale) -> Work {
    let (fleet, access_point, schemas) = (fleet(1), access_point(0), Schemas::embedded());
    let mut rendering = render_all(&access_point, &fleet, &schemas).remove(0);
    let service = rendering.objects[0].clone();
    rendering.objects = (0..scale.grown(100, 10))
        .map(|number| {
            let mut object = service.clone();
            object["metadata"]["name"] = json!(format!("checkout-{number}"));
            object
        })
        .collect();
    let created = reconcile(&access_point.id, &rendering, Some(&[])).commands;
    let live: Vec<Value> = created.into_iter().map(live).collect();
    assert!(live[0]["metadata"]["annotations"][APPLIED_ANNOTATION].is_string());
    repeated(move || assert_eq!(reconcile(&access_point.id, &rendering, Some(&live)).commands, []))
}

/// An object that was created, with what its server adds.
fn live(command: WriteCommand) -> Value {
    let WriteCommand::Create { mut object } = command else { unreachable!("nothing was there before") };
    object["metadata"]["resourceVersion"] = json!("4711");
    object["metadata"]["uid"] = json!("6a1f0d9e-0000-4000-8000-000000000001");
    object["spec"]["clusterIP"] = json!("10.96.0.10");
    object["spec"]["clusterIPs"] = json!(["10.96.0.10"]);
    object
}

/// A VirtualService of 100 routes made a document, of which the parts are counted once.
pub(super) fn reading(scale: Scale) -> Work {
    let object = object(scale);
    prepared(move || object.clone(), |object| Document::new(object, Origin(0)))
}

/// Five operations on such a document.
pub(super) fn patching(scale: Scale) -> Work {
    let (object, patch) = (object(scale), patch());
    let operations = patch.as_array().expect("it is a list").iter();
    let operations: Vec<Operation> =
        operations.map(|one| Operation::from_value(one).expect("is one")).collect();
    let expected = peers_patched(&object, &patch);
    prepared(
        move || Document::new(object.clone(), Origin(0)),
        move |mut document| {
            apply(&mut document, &operations, Origin(1)).expect("it can be applied");
            assert_eq!(document.value()["spec"]["hosts"], expected["spec"]["hosts"]);
            document
        },
    )
}

/// The same by the peer, which remembers no writers.
pub(super) fn patching_by_json_patch(scale: Scale) -> Work {
    let (object, patch) = (object(scale), patch());
    let patch: json_patch::Patch = serde_json::from_value(patch).expect("is a patch");
    prepared(
        move || object.clone(),
        move |mut object| {
            json_patch::patch(&mut object, &patch).expect("it can be applied");
            object
        },
    )
}

/// A merge patch of three fields on the same object.
pub(super) fn merging(scale: Scale) -> Work {
    let (object, patch) = (object(scale), merge_patch());
    prepared(
        move || Document::new(object.clone(), Origin(0)),
        move |mut document| {
            merge(&mut document, &patch, Origin(1));
            assert_eq!(document.value()["metadata"]["labels"]["team"], "payments");
            document
        },
    )
}

/// The same by the peer.
pub(super) fn merging_by_json_patch(scale: Scale) -> Work {
    let (object, patch) = (object(scale), merge_patch());
    prepared(
        move || object.clone(),
        move |mut object| {
            json_patch::merge(&mut object, &patch);
            object
        },
    )
}

/// What makes the one object into the patched one.
pub(super) fn differing(scale: Scale) -> Work {
    let object = object(scale);
    let patched = peers_patched(&object, &patch());
    repeated(move || assert!(!diff(&object, &patched).is_empty()))
}

/// The same by the peer.
pub(super) fn differing_by_json_patch(scale: Scale) -> Work {
    let object = object(scale);
    let patched = peers_patched(&object, &patch());
    repeated(move || assert!(!json_patch::diff(&object, &patched).0.is_empty()))
}

fn targets(scale: Scale) -> u32 {
    scale.grown(100, 3)
}

fn render_all(access_point: &AccessPoint, fleet: &Fleet, schemas: &Schemas) -> Vec<Rendering> {
    fleet.targets(PlacementLevel::Cluster).map(|target| render(access_point, &target, schemas)).collect()
}

fn object(scale: Scale) -> Value {
    let route = |number: u32| {
        json!({ "name": format!("route-{number}"), "match": [{ "uri": { "prefix": format!("/{number}") } }],
            "route": [{ "destination": { "host": "web.shop.svc.cluster.local", "port": { "number": 8080 } } }] })
    };
    let http: Vec<Value> = (0..scale.grown(100, 5)).map(route).collect();
    json!({ "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": { "name": "web", "labels": { "app": "web" } },
        "spec": { "hosts": ["shop.example.com"], "gateways": ["web"], "http": http } })
}

fn patch() -> Value {
    json!([
        { "op": "test", "path": "/kind", "value": "VirtualService" },
        { "op": "add", "path": "/spec/hosts/-", "value": "www.example.com" },
        { "op": "replace", "path": "/spec/http/3/route/0/destination/port/number", "value": 9090 },
        { "op": "copy", "from": "/spec/http/1/match", "path": "/spec/http/2/match" },
        { "op": "remove", "path": "/spec/http/0/name" },
    ])
}

fn merge_patch() -> Value {
    json!({ "metadata": { "labels": { "team": "payments", "app": null } }, "spec": { "gateways": ["edge"] } })
}

fn peers_patched(object: &Value, patch: &Value) -> Value {
    let mut patched = object.clone();
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("is a patch");
    json_patch::patch(&mut patched, &patch).expect("it can be applied");
    patched
}
