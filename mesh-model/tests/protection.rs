//! What overrides and templates may not write, by whatever way: each field that servers write, that says which object
//! it is, or by which we know ours, as a table of what is refused where, and of what passes.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{AvailabilityZone, Cluster, FederatedAccessPoint, PlacementLevel};
use mesh_model::fleet::Fleet;
use mesh_model::render::{Rendering, render};
use mesh_model::template::Schemas;

/// An access point of a Service with these fields of metadata beside its name, and one override of it.
fn read(metadata: &str, rule: &str) -> Result<AccessPoint, String> {
    let overrides =
        if rule.is_empty() { "[]".to_owned() } else { format!("[{{ name: o, rules: [{{ {rule} }}] }}]") };
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: web, namespace: shop }}, spec: {{ placement: {{ selector: {{}} }},
           templates: [
             {{ apiVersion: v1, kind: Service, metadata: {{ name: web{metadata} }}, spec: {{ selector: {{ app: web, overspill.dev/east-west: slc-a }}, ports: [{{ port: 443 }}] }} }},
             {{ apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {{ name: web }}, spec: {{ selector: {{ app: gw }} }} }} ],
           overrides: {overrides} }} }}"
    );
    let object: FederatedAccessPoint = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    AccessPoint::try_from(object).map_err(|error| error.to_string())
}

fn rendered(access_point: &AccessPoint) -> Rendering {
    let zone: AvailabilityZone = serde_saphyr::from_str(
        "{ apiVersion: overspill.dev/v1alpha1, kind: AvailabilityZone, metadata: { name: slc-a }, spec: { region: us-west } }",
    )
    .unwrap();
    let cluster: Cluster = serde_saphyr::from_str(
        "{ apiVersion: overspill.dev/v1alpha1, kind: Cluster, metadata: { name: slc-a-1, labels: { istio: old, api: v2 } }, spec: { zone: slc-a } }",
    )
    .unwrap();
    let fleet = Fleet::new(vec![zone], vec![cluster]).unwrap();
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
    render(access_point, &target, &Schemas::embedded())
}

/// Fields that nobody but servers and we write, as pointers.
const PROTECTED: [&str; 17] = [
    "",
    "/kind",
    "/status",
    "/status/loadBalancer",
    "/metadata",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/generateName",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/ownerReferences",
    "/metadata/finalizers/-",
    "/metadata/selfLink",
];

/// Marks of ours, as pointers.
const MARKS: [&str; 8] = [
    "/metadata/labels/overspill.dev~1access-point",
    "/metadata/labels/overspill.dev~1east-west",
    "/metadata/labels/vip.overspill.dev~1any",
    "/metadata/annotations/overspill.dev~1applied",
    "/metadata/annotations/overspill.dev~1applied-keys",
    "/metadata/annotations/overspill.dev~1adopt",
    "/metadata/annotations/overspill.dev~1vip-pool",
    "/metadata/annotations/overspill.dev~1addresses",
];

#[test]
fn no_operation_of_a_patch_writes_what_is_protected() {
    for pointer in PROTECTED.iter().chain(&MARKS) {
        let at = "spec.overrides[0].rules[0].patch[0]";
        for (operation, field) in [
            (format!("op: add, path: \"{pointer}\", value: x"), "path"),
            (format!("op: replace, path: \"{pointer}\", value: {{}}"), "path"),
            (format!("op: remove, path: \"{pointer}\""), "path"),
            (format!("op: move, from: /spec/selector, path: \"{pointer}\""), "path"),
            (format!("op: move, from: \"{pointer}\", path: /spec/x"), "from"),
            (format!("op: copy, from: /spec/selector, path: \"{pointer}\""), "path"),
        ] {
            let error = read("", &format!("kind: Service, patch: [{{ {operation} }}]")).unwrap_err();
            assert!(
                error.starts_with(&format!("{at}.{field}: `{pointer}` is not for overrides")),
                "{operation}: {error}"
            );
        }
        // what is only looked at stays as it is
        for operation in [
            format!("op: test, path: \"{pointer}\", value: x"),
            format!("op: copy, from: \"{pointer}\", path: /spec/x"),
        ] {
            assert!(read("", &format!("kind: Service, patch: [{{ {operation} }}]")).is_ok(), "{operation}");
        }
    }
}

#[test]
fn no_merge_patch_writes_what_is_protected() {
    let at = "spec.overrides[0].rules[0].merge";
    for pointer in
        PROTECTED.iter().chain(&MARKS).filter(|pointer| !pointer.is_empty() && !pointer.ends_with("/-"))
    {
        let steps: Vec<String> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/")).collect();
        for value in ["x", "null", "{}", "{ overspill.dev/x: y }"] {
            let patch =
                steps.iter().rev().fold(value.to_owned(), |inner, step| format!("{{ {step}: {inner} }}"));
            let result = read("", &format!("kind: Service, merge: {patch}"));
            if *pointer == "/metadata" && value == "{}" {
                assert!(result.is_ok(), "it writes nothing");
                continue;
            }
            let error = result.unwrap_err();
            assert!(
                error.starts_with(at)
                    && (error.contains("is not for overrides") || error.contains("is a mark of")),
                "{patch}: {error}"
            );
        }
    }
}

#[test]
fn no_template_says_what_is_protected() {
    for field in [
        "generateName",
        "resourceVersion",
        "uid",
        "generation",
        "managedFields",
        "creationTimestamp",
        "deletionTimestamp",
        "ownerReferences",
        "finalizers",
        "selfLink",
    ] {
        let error = read(&format!(", {field}: x"), "").unwrap_err();
        assert_eq!(
            error,
            format!(
                "spec.templates[0].metadata.{field}: the server or a controller writes this; leave it out"
            )
        );
    }
    for (marks, key) in [
        ("labels", "overspill.dev/access-point"),
        ("annotations", "overspill.dev/adopt"),
        ("annotations", "overspill.dev/vip-pool"),
    ] {
        let error = read(&format!(", {marks}: {{ {key}: x }}"), "").unwrap_err();
        assert!(
            error.starts_with(&format!(
                "spec.templates[0].metadata.{marks}.{key}: `{key}` is a mark of overspill.dev"
            )),
            "{error}"
        );
    }
}

/// What a whole that is moved or copied brings along is known on the target only, and refused there by rule and path.
#[test]
fn a_mark_that_comes_with_a_whole_is_refused_on_the_target() {
    for (operations, expected) in [
        (
            "{ op: copy, from: /spec/selector, path: /metadata/labels }",
            "/metadata/labels/overspill.dev~1east-west: `overspill.dev/east-west` is a mark of",
        ),
        (
            "{ op: add, path: /metadata/annotations, value: {} }, { op: move, from: /spec/selector, path: /metadata/annotations }",
            "/metadata/annotations/overspill.dev~1east-west: `overspill.dev/east-west` is a mark of",
        ),
        (
            "{ op: add, path: /metadata/labels, value: x }",
            "/metadata/labels: a mapping of texts is wanted here",
        ),
        (
            "{ op: add, path: /metadata/labels, value: { a: { b: c } } }",
            "/metadata/labels/a: a text (in quotes) is wanted here",
        ),
    ] {
        let found = rendered(&read("", &format!("kind: Service, patch: [{operations}]")).unwrap());
        assert!(found.objects.is_empty(), "{operations}");
        let error = &found.errors[0];
        assert_eq!(
            (error.rule.to_string().as_str(), error.object.to_string().as_str()),
            ("override o rule 0", "Service/web")
        );
        let said = format!("{}: {}", error.path, error.reason);
        assert!(said.starts_with(expected), "{operations}: {said}");
    }
}

#[test]
fn a_variable_is_no_way_around() {
    for rule in [
        "kind: Service, labels: { \"${zone.name}\": x }",
        "kind: Service, labels: { \"overspill.dev/${zone.name}\": x }",
        "kind: Service, name: \"${zone.name}\", labels: { a: x }",
        "kind: \"${zone.name}\", labels: { a: x }",
        "kind: Service, merge: { \"${zone.name}\": x, metadata: { name: \"${zone.name}\" } }",
        "kind: Service, patch: [{ op: replace, path: /metadata/name, value: \"${zone.name}\" }]",
    ] {
        assert!(read("", rule).is_err(), "{rule}");
    }
    // in a pointer it is a name like any other
    let access_point =
        read("", "kind: Service, patch: [{ op: add, path: \"/metadata/labels/${zone.name}\", value: x }]")
            .unwrap();
    assert!(!rendered(&access_point).errors.is_empty());
}

/// A kind is served in several versions, and a target with an older mesh may not have the newest.
#[test]
fn a_target_may_have_another_version_of_an_api_and_no_other_group() {
    let old = "networking.istio.io/v1beta1";
    for rule in [
        format!("kind: Gateway, merge: {{ apiVersion: {old} }}"),
        format!("kind: Gateway, patch: [{{ op: replace, path: /apiVersion, value: {old} }}]"),
        format!(
            "kind: Gateway, patch: [{{ op: test, path: /apiVersion, value: networking.istio.io/v1 }}, {{ op: add, path: /apiVersion, value: {old} }}]"
        ),
    ] {
        let found = rendered(&read("", &rule).unwrap());
        assert_eq!(
            (&found.errors[..], found.objects[1]["apiVersion"].as_str()),
            (&[][..], Some(old)),
            "{rule}"
        );
    }
    for (rule, expected) in [
        (
            "merge: { apiVersion: gateway.networking.k8s.io/v1 }",
            ".merge.apiVersion: `gateway.networking.k8s.io/v1` is no version of Gateway; write",
        ),
        ("merge: { apiVersion: null }", ".merge.apiVersion: `` is no version of Gateway; write"),
        (
            "patch: [{ op: add, path: /apiVersion, value: v1 }]",
            ".patch[0].value: `v1` is no version of Gateway; write",
        ),
        ("patch: [{ op: remove, path: /apiVersion }]", ".patch[0].path: `/apiVersion` is not for overrides"),
        (
            "patch: [{ op: copy, from: /spec/selector/app, path: /apiVersion }]",
            ".patch[0].path: `/apiVersion` is not for overrides",
        ),
        (
            "patch: [{ op: move, from: /apiVersion, path: /spec/x }]",
            ".patch[0].from: `/apiVersion` is not for overrides",
        ),
        (
            "patch: [{ op: add, path: /apiVersion/x, value: v1 }]",
            ".patch[0].path: `/apiVersion/x` is not for overrides",
        ),
    ] {
        let error = read("", &format!("kind: Gateway, {rule}")).unwrap_err();
        assert!(error.contains(expected), "{rule}: {error}");
    }
    let found = rendered(
        &read("", "kind: Gateway, merge: { apiVersion: \"networking.istio.io/${cluster.labels.api}\" }")
            .unwrap(),
    );
    let error = &found.errors[0];
    assert_eq!(
        (error.rule.to_string().as_str(), error.path.to_string().as_str()),
        ("override o rule 0", "/apiVersion")
    );
}

#[test]
fn what_a_person_may_say_passes() {
    for rule in [
        "kind: Service, labels: { team: shop, other.dev/x: y, overspill.example.com/x: y }",
        "kind: Service, annotations: { service.beta.kubernetes.io/x: y, networking.istio.io/exportTo: \".\" }",
        "kind: Service, merge: { metadata: { labels: null, annotations: { a: \"${zone.name}\" } } }",
        "kind: Service, patch: [{ op: add, path: /metadata/labels, value: { a: b } }, { op: remove, path: /metadata/labels/a }]",
        "kind: Service, merge: { spec: { type: LoadBalancer, loadBalancerClass: a.example.com/b, clusterIP: 10.0.0.9 } }",
        "kind: Service, patch: [{ op: replace, path: /spec, value: { ports: [{ port: 80 }] } }]",
    ] {
        let access_point = read("", rule).unwrap();
        assert_eq!(rendered(&access_point).errors, [], "{rule}");
    }
}
