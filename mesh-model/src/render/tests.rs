//! Tests of rendering: the documented access point on its targets, faults and
//! whose they are, the order of application, differences and revisions.

use serde_json::json;

use super::*;
use crate::api::tests::ACCESS_POINT;
use crate::api::{FederatedAccessPoint, PlacementLevel};
use crate::fleet::Fleet;
use crate::fleet::tests::fleet;

fn access_point(text: &str) -> AccessPoint {
    let object: FederatedAccessPoint = serde_saphyr::from_str(text).unwrap();
    AccessPoint::try_from(object).unwrap()
}

/// An access point of one Service `web` and one Gateway `web`, with these overrides.
fn with(overrides: &str) -> AccessPoint {
    access_point(&format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: web, namespace: shop }}, spec: {{ placement: {{ selector: {{}} }}, \
         templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ selector: {{ app: web }}, ports: [{{ port: 443 }}] }} }}, \
         {{ apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {{ name: web }}, spec: {{ selector: {{ app: gw }} }} }}], overrides: [{overrides}] }} }}"
    ))
}

fn on(access_point: &AccessPoint, fleet: &Fleet, target: &str) -> Rendering {
    let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
    render(access_point, &target, &Schemas::embedded())
}

fn writers(rendering: &Rendering, object: &str, path: &str) -> Vec<String> {
    let is_it = |entry: &&TraceEntry| entry.object.to_string() == object && entry.path.to_string() == path;
    rendering.trace.iter().filter(is_it).map(|entry| entry.from.to_string()).collect()
}

#[test]
fn the_documented_access_point_on_its_targets() {
    let (access_point, fleet) = (access_point(ACCESS_POINT), fleet());
    let overridden = on(&access_point, &fleet, "slc-a-1");
    assert_eq!(overridden.errors, []);
    let kinds: Vec<&str> = overridden.objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Service", "Gateway"], "the ServiceEntry is deleted in this zone");
    assert_eq!(
        overridden.objects[0]["metadata"]["labels"],
        json!({ "zone": "slc-a", OWNER_LABEL: "checkout" })
    );
    assert_eq!(overridden.objects[0]["metadata"]["namespace"], "payments");
    assert_eq!(overridden.objects[0]["spec"]["later"], "kept");
    assert_eq!(overridden.objects[1]["spec"]["servers"][0]["port"]["number"], 8443);
    let port = writers(&overridden, "Gateway/checkout", "/spec/servers/0/port/number");
    assert_eq!(port, ["template", "override slc-replica-ports rule 0"]);
    assert_eq!(writers(&overridden, "Service/checkout", "/metadata/namespace"), ["access point"]);
    let plain = on(&access_point, &fleet, "lvs-a-1");
    assert_eq!(plain.objects.len(), 3);
    assert_eq!(plain.objects[1]["spec"]["servers"][0]["port"]["number"], 443);
}

#[test]
fn the_later_wins_and_the_trace_is_in_order_of_application() {
    let fleet = fleet();
    let access_point = with(
        "{ name: z, rules: [{ kind: Service, labels: { l: z0 } }, { kind: Service, name: web, labels: { l: z1 } }] }, \
         { name: elsewhere, targets: { zones: [lvs-a] }, rules: [{ kind: Service, labels: { l: no } }] }, \
         { name: a, rules: [{ kind: Service, merge: { metadata: { labels: { l: a0 } } } }, { kind: Service, patch: [{ op: test, path: /metadata/labels/l, value: a0 }, { op: remove, path: /spec/selector }] }] }",
    );
    let rendering = on(&access_point, &fleet, "slc-a-1");
    assert_eq!(rendering.objects[0]["metadata"]["labels"]["l"], "a0");
    let expected = ["override z rule 0", "override z rule 1", "override a rule 0"];
    assert_eq!(writers(&rendering, "Service/web", "/metadata/labels/l"), expected);
    let removed: Vec<_> = rendering.trace.iter().filter(|entry| entry.removed).collect();
    assert_eq!((removed.len(), removed[0].path.to_string().as_str()), (1, "/spec/selector"));
    assert!(rendering.trace.windows(2).all(|pair| pair[0].origin <= pair[1].origin));
    let json = serde_json::to_value(&rendering.trace[0]).unwrap();
    assert_eq!(json, json!({ "object": "Service/web", "path": "/apiVersion", "from": "template" }));
}

#[test]
fn a_fault_is_of_one_target_and_names_its_rule() {
    let fleet = fleet();
    let on_slc = |rule: &str| {
        format!(
            "{{ name: o, targets: {{ zones: [slc-a] }}, rules: [{{ kind: Service, labels: {{ a: b }} }}, {{ {rule} }}] }}"
        )
    };
    let table = [
        (
            "kind: Service, patch: [{ op: remove, path: /spec/prots }]",
            "Service/web",
            "override o rule 1",
            "/spec/prots",
            "there is no `prots`; did you mean `ports`?",
        ),
        (
            "kind: Service, merge: { spec: { type: Loadbalancer } }",
            "Service/web",
            "override o rule 1",
            "/spec/type",
            "did you mean `LoadBalancer`?",
        ),
        (
            "kind: Service, patch: [{ op: remove, path: /spec/ports/0/port }]",
            "Service/web",
            "override o rule 1",
            "/spec/ports/0",
            "`port` is missing",
        ),
        (
            "kind: Gateway, merge: { metadata: { labels: { a: 1 } } }",
            "Gateway/web",
            "override o rule 1",
            "/metadata/labels/a",
            "a text (in quotes) is wanted",
        ),
        (
            "kind: Gateway, labels: { a: \"${cluster.labels.of} ${zone.name}\" }",
            "Gateway/web",
            "override o rule 1",
            "/metadata/labels/a",
            "is no label's value",
        ),
        (
            "kind: Gateway, labels: { a: \"${cluster.labels.none}\" }",
            "Gateway/web",
            "override o rule 1",
            "/metadata/labels/a",
            "`cluster.labels.none` has no value on this target",
        ),
    ];
    for (rule, object, from, path, reason) in table {
        let access_point = with(&on_slc(rule));
        let failed = on(&access_point, &fleet, "slc-a-1");
        assert!(failed.objects.is_empty() && failed.trace.is_empty(), "{rule}: nothing is half-rendered");
        let error = &failed.errors[0];
        let found = (error.object.to_string(), error.rule.to_string(), error.path.to_string());
        assert_eq!(found, (object.to_owned(), from.to_owned(), path.to_owned()), "{rule}: {error:?}");
        assert!(error.reason.contains(reason), "{rule}: {}", error.reason);
        assert_eq!(on(&access_point, &fleet, "lvs-a-1").errors, [], "{rule}");
    }
}

#[test]
fn a_wrong_template_is_the_templates_fault_everywhere() {
    let mut access_point = with("");
    access_point.templates[1].object["spec"]["servers"] = json!("none");
    let error = on(&access_point, &fleet(), "slc-a-1").errors.remove(0);
    assert_eq!(
        (error.rule.to_string().as_str(), error.path.to_string().as_str()),
        ("template", "/spec/servers")
    );
}

#[test]
fn what_is_missing_is_the_fault_of_whoever_took_it_away() {
    let overrides = |last: &str| {
        format!(
            "{{ name: o, rules: [{{ kind: Service, patch: [{{ op: add, path: /spec/type, value: ClusterIP }}] }}, {last}] }}"
        )
    };
    let label = "{ kind: Service, labels: { a: b } }";
    let mut never = with(&overrides(label));
    never.templates[0].object["spec"] = json!({ "selector": { "app": "web" } });
    let taken = with(&overrides("{ kind: Service, merge: { spec: { ports: null } } }"));
    let replaced = with(&overrides("{ kind: Service, patch: [{ op: replace, path: /spec, value: {} }] }"));
    for (access_point, rule) in
        [(never, "template"), (taken, "override o rule 1"), (replaced, "override o rule 1")]
    {
        let error = on(&access_point, &fleet(), "slc-a-1").errors.remove(0);
        assert_eq!(
            (error.rule.to_string().as_str(), error.reason.as_str()),
            (rule, "`ports` is missing; add it")
        );
    }
}

#[test]
fn our_mark_cannot_be_taken() {
    let access_point = with(
        "{ name: o, rules: [{ kind: Service, patch: [{ op: add, path: /spec/selector, value: { overspill.dev/access-point: other } }, \
         { op: copy, from: /spec/selector, path: /metadata/labels }] }] }",
    );
    let rendering = on(&access_point, &fleet(), "slc-a-1");
    assert_eq!(rendering.objects[0]["metadata"]["labels"][OWNER_LABEL], "web");
}

#[test]
fn rendering_again_gives_the_same_bytes() {
    let (access_point, fleet) = (access_point(ACCESS_POINT), fleet());
    let bytes = || serde_json::to_string(&on(&access_point, &fleet, "slc-a-1")).unwrap();
    assert_eq!(bytes(), bytes());
    // mappings are ordered whatever the file's order was, in every build
    let mixed: Value = serde_json::from_str("{ \"b\": 1, \"a\": 2 }").unwrap();
    assert_eq!(mixed.to_string(), "{\"a\":2,\"b\":1}");
}

#[test]
fn differences_and_their_hash() {
    let fleet = fleet();
    let all = |access_point: &AccessPoint| -> Vec<Rendering> {
        ["lvs-a-1", "slc-a-1"].map(|target| on(access_point, &fleet, target)).into()
    };
    let old = all(&with(""));
    let new = all(&with(
        "{ name: o, targets: { names: [slc-a-1] }, rules: [{ kind: Gateway, delete: true }, { kind: Service, merge: { spec: { type: LoadBalancer } } }] }",
    ));
    let found = compare(&old, &new);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json["targets"],
        json!([{ "target": "slc-a-1", "added": [], "removed": ["Gateway/web"], "changed": [
            { "object": "Service/web", "patch": [{ "op": "add", "path": "/spec/type", "value": "LoadBalancer" }] }
        ] }])
    );
    assert_eq!(json["hash"].as_str().unwrap().len(), 64);
    assert_eq!(compare(&old, &old).targets, []);
    let mut reversed = new.clone();
    reversed.reverse();
    assert_eq!(compare(&old, &reversed), found, "the order of targets does not matter");
    assert_eq!(Revision::of(&reversed), Revision::of(&new));
    assert_ne!(Revision::of(&old), Revision::of(&new));
    assert_ne!(compare(&new, &old).hash, found.hash, "there and back are two approvals");
    let gone = compare(&old, &old[..1]);
    assert_eq!(
        gone.targets[0].removed,
        ["Gateway/web", "Service/web"],
        "a target that leaves loses its objects"
    );
}

/// A rollout is begun by an edit of what is rendered; who joins or leaves is given what was edited before.
#[test]
fn an_edit_makes_a_revision_and_a_fleet_does_not() {
    let revision = |access_point: &AccessPoint| Revision::of_access_point(access_point);
    let override_of = |target: &str, value: &str| {
        with(&format!(
            "{{ name: o, targets: {{ names: [{target}] }}, rules: [{{ kind: Service, labels: {{ of: \"{value}\" }} }}] }}"
        ))
    };
    let (plain, one) = (with(""), override_of("slc-a-1", "${zone.name}"));
    assert_ne!(revision(&plain), revision(&one));
    assert_ne!(revision(&one), revision(&override_of("slc-a-1", "${cluster.name}")));
    let nowhere = override_of("not-there-yet", "x");
    let fleet = fleet();
    let all = |access_point: &AccessPoint| vec![on(access_point, &fleet, "slc-a-1")];
    assert_eq!(compare(&all(&plain), &all(&nowhere)).targets, []);
    assert_ne!(revision(&plain), revision(&nowhere), "the next target may be it");
    let mut same = one.clone();
    same.templates.reverse();
    same.placement.level = PlacementLevel::Zone;
    same.generation += 1;
    same.overrides[0].name = "another".parse().unwrap();
    same.rollout.failure_budget = crate::units::Amount::Count(7);
    assert_eq!(revision(&same), revision(&one), "neither order, place nor policy is rendered");
    let mut edited = one.clone();
    edited.templates[0].object["metadata"]["labels"]["tier"] = json!("edge");
    assert_ne!(revision(&edited), revision(&one));
    assert_ne!(
        revision(&AccessPoint {
            id: crate::access_point::AccessPointId { name: "other".parse().unwrap(), ..one.id.clone() },
            ..one.clone()
        }),
        revision(&one)
    );
}

/// A target that cannot be rendered keeps what it has: that is no removal, and no revision without objects.
#[test]
fn a_target_that_cannot_be_rendered_loses_nothing() {
    let fleet = fleet();
    let all = |access_point: &AccessPoint| vec![on(access_point, &fleet, "slc-a-1")];
    let plain = all(&with(""));
    let failed =
        all(&with("{ name: o, rules: [{ kind: Service, patch: [{ op: remove, path: /spec/x }] }] }"));
    let emptied =
        all(&with("{ name: o, rules: [{ kind: Service, delete: true }, { kind: Gateway, delete: true }] }"));
    assert_eq!((failed[0].objects.len(), emptied[0].objects.len()), (0, 0));
    let found = compare(&plain, &failed);
    let json = serde_json::to_value(&found).unwrap();
    let [target] = &found.targets[..] else { panic!("{json}") };
    assert_eq!((&target.removed[..], target.errors.len()), (&[][..], 1), "{json}");
    assert_eq!(json["targets"][0]["errors"][0]["rule"], "override o rule 0");
    assert_eq!(compare(&failed, &failed).targets, [], "nothing differs from itself");
    assert_eq!(compare(&plain, &emptied).targets[0].removed, ["Gateway/web", "Service/web"]);
    assert_ne!(
        Revision::of(&failed),
        Revision::of(&emptied),
        "who approves the one does not approve the other"
    );
    assert_ne!(found.hash, compare(&plain, &emptied).hash);
}
