//! `overspill render`, `diff`, `patch` and `locality`, and `check` of objects, on `examples/checkout`.

use std::path::Path;

use files::Source;
use serde_json::{Value, json};

use crate::{Ran, checkout, checkout_text, overspill, overspill_with, run};

pub(super) const FLEET: &str = "../examples/checkout/fleet.yaml";
const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");

/// The example without its steering of traffic, which adds to what each target receives.
pub(super) fn access_point() -> String {
    let start = ACCESS_POINT.find("  traffic:").expect("the example has it");
    let end = start + ACCESS_POINT[start..].find('\n').expect("a line ends");
    format!("{}{}", &ACCESS_POINT[..start], &ACCESS_POINT[end..])
}

/// Renders a text with the example's fleet.
fn render(text: &str, arguments: &[&str]) -> Ran {
    overspill_with(&[&["render", "-", "--fleet", FLEET], arguments].concat(), text)
}

/// The values of a YAML stream.
pub(super) fn values(text: &str) -> Vec<Value> {
    Source::new("stream", text).documents().iter().map(|one| one.parse().expect("we write YAML")).collect()
}

fn targets(document: &Value) -> Vec<&str> {
    let targets = document["targets"].as_array().expect("a list");
    targets.iter().map(|target| target["target"].as_str().expect("a name")).collect()
}

#[test]
fn the_stream_and_the_document_hold_the_same_objects() {
    let ran = render(&access_point(), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let document = render(&access_point(), &["--format", "json"]).json();
    assert_eq!(targets(&document), ["phx-a-1", "phx-c-2", "rno-b-1", "slc-a-1", "slc-b-2"]);
    let all = document["targets"].as_array().unwrap();
    let objects: Vec<&Value> = all.iter().flat_map(|target| target["objects"].as_array().unwrap()).collect();
    assert_eq!(objects.len(), 3 * 7 + 2 * 9);
    assert_eq!(values(&ran.out).iter().collect::<Vec<_>>(), objects);
    assert!(all.iter().all(|target| target["errors"] == json!([]) && target.get("trace").is_none()));
    assert!(ran.out.starts_with("---\n# phx-a-1\napiVersion: v1\nkind: Service\n"), "{}", ran.out);
}

#[test]
fn texts_that_look_like_other_values_stay_texts_for_older_readers_too() {
    let words = ["on", "no", "0777", "1e3", "1_000", "~", "12:30:45", ""];
    let labels: Vec<String> =
        words.iter().enumerate().map(|(number, word)| format!("x{number}: \"{word}\"")).collect();
    let text = access_point()
        .replace("labels: { app: checkout } }", &format!("annotations: {{ {} }} }}", labels.join(", ")));
    let ran = render(&text, &["--target", "slc-a-1"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    for (number, word) in words.iter().enumerate() {
        let line =
            ran.out.lines().find(|line| line.trim_start().starts_with(&format!("x{number}:"))).unwrap();
        let written = line.split_once(": ").unwrap().1;
        assert!([format!("\"{word}\""), format!("'{word}'")].contains(&written.to_owned()), "{line}");
    }
}

#[test]
fn what_is_explained_says_where_each_field_came_from() {
    let ran = render(&access_point(), &["--target", "slc-a-1", "--explain"]);
    let start = "\
# payments/checkout
#   slc-a-1: place: the workload is wanted there
---
# slc-a-1
#   /apiVersion: template
#   /kind: template
#   /metadata/labels/app: template
#   /metadata/name: template
#   /spec/ports/0/name: template
#   /spec/ports/0/port: template
#   /spec/ports/0/targetPort: template
#   /spec/selector/app: template
#   /metadata/namespace: access point
#   /metadata/labels/example.com~1zone: override where-am-i rule 0
#   /metadata/labels/overspill.dev~1access-point: owner
apiVersion: v1
kind: Service
metadata:
  labels:
    app: checkout
    example.com/zone: slc-a
    overspill.dev/access-point: checkout
  name: checkout
  namespace: payments
spec:
  ports:
  - name: http-web
    port: 8080
    targetPort: 8080
  selector:
    app: checkout
---
";
    assert!(ran.out.starts_with(start), "{}", ran.out);
    let document = render(&access_point(), &["--target", "slc-a-1", "--explain", "--format", "json"]).json();
    let trace = document["targets"][0]["trace"].as_array().unwrap();
    let of = |from: &str| -> Vec<&Value> { trace.iter().filter(|entry| entry["from"] == from).collect() };
    let [wide] = of("override slc-a-wide-pool rule 0")[..] else { panic!("one write") };
    assert_eq!(
        *wide,
        json!({
            "object": "DestinationRule/checkout",
            "path": "/spec/trafficPolicy/connectionPool/http/http2MaxRequests",
            "from": "override slc-a-wide-pool rule 0",
        })
    );
    let position = |from: &str| trace.iter().position(|entry| entry["from"] == from).unwrap();
    assert!(position("template") < position("override where-am-i rule 0"), "in order of application");
    assert_eq!(document["placement"][0]["decision"], "slc-a-1: place: the workload is wanted there");
}

#[test]
fn what_is_explained_fits_eighty_columns() {
    let ran = render(&access_point(), &["--explain"]);
    let comments: Vec<&str> = ran.out.lines().filter(|line| line.starts_with('#')).collect();
    let wide: Vec<&&str> = comments.iter().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let broken = "\
#   /spec/trafficPolicy/connectionPool/http/http2MaxRequests:
#     override slc-a-wide-pool rule 0
";
    assert!(ran.out.contains(broken), "{}", ran.out);
}

#[test]
fn a_drain_of_everything_is_warned_of() {
    let access_point = checkout("access-point.yaml");
    let drained =
        |one: &str| checkout_text("fleet.yaml").replace(one, &format!("spec: {{ drain: true, {}", &one[8..]));
    let render = |fleet: &str| overspill_with(&["render", &access_point, "--fleet", "-"], fleet);
    let all = render(&drained("spec: { region: "));
    let message = "access-point.yaml:11:5: warning: spec.placement: every target of payments/checkout is drained, so nobody answers it";
    assert_eq!(all.status, 0);
    assert!(all.err.contains(message), "{}", all.err);
    let most = render(&drained("spec: { region: us-west"));
    assert_eq!((most.status, most.err.as_str()), (0, ""));
}

#[test]
fn a_workload_that_is_not_there_is_told_the_nearest() {
    let misspelt =
        access_point().replace("FederatedDeployment, name: checkout", "FederatedDeployment, name: chekcout");
    let ran = render(&misspelt, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    let message = "spec.placement.follow.name: there is no FederatedDeployment `chekcout` of namespace `payments` in these files; add its file with --fleet; did you mean `checkout`?";
    assert!(ran.err.contains(message), "{}", ran.err);
}

#[test]
fn the_order_of_files_and_documents_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FLEET)).unwrap();
    let mut documents: Vec<&str> = fleet.split("\n---\n").collect();
    documents.reverse();
    let (one, other) = documents.split_at(17);
    for (name, documents) in [("one.yaml", one), ("other.yaml", other)] {
        std::fs::write(folder.path().join(name), documents.join("\n---\n")).unwrap();
    }
    let arguments = ["render", "--fleet", "one.yaml", "--fleet", "other.yaml", "-", "--explain"];
    let turned = run(folder.path(), &arguments, &access_point());
    assert_eq!(turned, render(&access_point(), &["--explain"]));
}

#[test]
fn a_target_with_an_error_gets_nothing_and_the_others_are_rendered() {
    let wrong = access_point().replace(
        "          merge: { spec: { trafficPolicy: { connectionPool: { http: { http2MaxRequests: 8192 } } } } }",
        "          patch: [{ op: replace, path: /spec/trafficPolicy/tls/mode, value: DISABLE }]",
    );
    let ran = render(&wrong, &[]);
    assert_eq!(ran.status, 1);
    let expected = "<stdin>:138:18: error: spec.overrides[1].rules[0].patch: on slc-a-1: DestinationRule/checkout: operation 0 (replace `/spec/trafficPolicy/tls/mode`): there is no `tls`\n";
    assert_eq!(ran.err.split_inclusive('\n').next(), Some(expected));
    assert_eq!(values(&ran.out).len(), 3 * 7 + 9);
    let ran = render(&wrong, &["--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.status, targets(&document).len()), (1, 5));
    let target = &document["targets"][3];
    assert_eq!((&target["target"], &target["objects"]), (&json!("slc-a-1"), &json!([])));
    assert_eq!(target["errors"][0]["rule"], "override slc-a-wide-pool rule 0");
    assert_eq!(target["errors"][0]["path"], "/spec/trafficPolicy/tls/mode");
    // one fault of all targets is told once
    let everywhere =
        wrong.replace("targets: { zones: [slc-a] }", "targets: { regions: [us-west, us-south, us-north] }");
    let ran = render(&everywhere, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert_eq!(ran.err.matches("error:").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("on phx-a-1, phx-c-2, rno-b-1, slc-a-1, slc-b-2: "), "{}", ran.err);
}

#[test]
fn files_are_written_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join(FLEET);
    let fleet = fleet.to_str().unwrap();
    let written = |text: &str| run(folder.path(), &["render", "-", "--fleet", fleet, "--out", "out"], text);
    let ran = written(&access_point());
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let file = folder.path().join("out/slc-a-1/VirtualService-checkout.yaml");
    let document = render(&access_point(), &["--target", "slc-a-1", "--format", "json"]).json();
    assert_eq!(
        values(&std::fs::read_to_string(&file).unwrap()),
        [document["targets"][0]["objects"][2].clone()]
    );
    let names = |target: &str| std::fs::read_dir(folder.path().join("out").join(target)).unwrap().count();
    assert_eq!((names("slc-a-1"), names("phx-a-1")), (9, 7));
    // what stands in the way of one file leaves all as they were
    std::fs::create_dir(folder.path().join("out/slc-b-2/Blocked")).unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(folder.path().join("out/slc-b-2/Service-checkout.yaml")).unwrap();
    std::fs::create_dir(folder.path().join("out/slc-b-2/Service-checkout.yaml")).unwrap();
    let ran = written(&access_point().replace("timeout: 2s", "timeout: 3s"));
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("Service-checkout.yaml: error: cannot be written: "), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn traffic_is_steered_by_objects_that_say_so() {
    let plain = render(&access_point(), &["--format", "json"]).json();
    let ran = render(ACCESS_POINT, &["--explain", "--format", "json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let steered = ran.json();
    assert_eq!(targets(&steered), targets(&plain));
    let target = &steered["targets"][0];
    let traced: Vec<&Value> =
        target["trace"].as_array().unwrap().iter().filter(|write| write["from"] == "traffic").collect();
    assert!(!traced.is_empty(), "what steering wrote is told");
    let rule = |document: &Value| {
        let objects = document["targets"][0]["objects"].as_array().unwrap();
        objects.iter().find(|object| object["kind"] == "DestinationRule").cloned().unwrap()
    };
    assert_eq!(rule(&plain).pointer("/spec/subsets"), None);
    let subsets = rule(&steered).pointer("/spec/subsets").cloned().expect("home and away");
    let names: Vec<&str> =
        subsets.as_array().unwrap().iter().map(|subset| subset["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["overspill-home", "overspill-away"]);
}

#[test]
fn what_cannot_be_rendered_is_told_at_its_place() {
    let ran = render(&access_point(), &["--target", "slc-a-2"]);
    let expected = "overspill: error: `slc-a-2` is no target (payments/checkout: the workload is not there); write one of: phx-a-1, phx-c-2, rno-b-1, slc-a-1, slc-b-2\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (2, "", expected));
    let ran = render(
        &access_point().replace("FederatedDeployment, name: checkout", "FederatedDeployment, name: till"),
        &[],
    );
    assert!(
        ran.err.starts_with("<stdin>:12:48: error: spec.placement.follow.name: there is no FederatedDeployment `till` of namespace `payments` in these files"),
        "{}",
        ran.err
    );
    let ran = overspill(&["render", FLEET, "--fleet", FLEET]);
    assert_eq!(
        ran.err,
        "overspill: error: no FederatedAccessPoint is in ../examples/checkout/fleet.yaml; name its file\n"
    );
    // names that are not in the fleet are warned of: they may come
    let named = access_point().replace(
        "    follow: { kind: FederatedDeployment, name: checkout }",
        "    names: [slc-a-1, slc-a-11]",
    );
    let ran = render(&named, &[]);
    assert_eq!((ran.status, values(&ran.out).len()), (0, 9));
    let expected = "<stdin>:12:12: warning: spec.placement.names: slc-a-11: the placement names it, and the fleet has none of this name; did you mean `slc-a-1`?\n";
    assert_eq!(ran.err.split_inclusive('\n').next(), Some(expected));
}

#[test]
fn two_access_points_are_rendered_side_by_side() {
    let other = access_point()
        .replace("name: checkout\n  namespace: payments", "name: till\n  namespace: tills")
        .replace("follow: { kind: FederatedDeployment, name: checkout }", "names: [rno-b-1]");
    let both = format!("{}---\n{other}", access_point());
    let document = render(&both, &["--format", "json", "--target", "rno-b-1"]).json();
    let of: Vec<&Value> =
        document["targets"].as_array().unwrap().iter().map(|target| &target["access_point"]).collect();
    assert_eq!(of, ["payments/checkout", "tills/till"]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ran = render(&both, &["--out", out.to_str().unwrap()]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("would be written twice, the second time for tills/till"), "{}", ran.err);
    assert!(!out.exists());
}

/// The difference that a replacement in the example makes.
pub(super) fn diff(from: &str, to: &str, arguments: &[&str]) -> Ran {
    assert!(ACCESS_POINT.contains(from), "{from}");
    let old = "../examples/checkout/access-point.yaml";
    let arguments = [&["diff", old, "-", "--fleet", FLEET], arguments].concat();
    overspill_with(&arguments, &ACCESS_POINT.replacen(from, to, 1))
}

#[test]
fn a_difference_is_told_target_by_target() {
    assert_eq!(diff("timeout: 2s", "timeout: 2s", &[]).out, "no difference\n");
    // a comment, and another order of fields, are none
    assert_eq!(diff("name: rest", "# rest\n            name: rest", &[]).out, "no difference\n");
    let ran = diff("http2MaxRequests: 8192", "http2MaxRequests: 9000", &[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let (hash, rest) = ran.out.split_once('\n').unwrap();
    assert_eq!(
        rest,
        "slc-a-1\n  ~ DestinationRule/checkout\n      {\"op\":\"replace\",\"path\":\"/spec/trafficPolicy/connectionPool/http/http2MaxRequests\",\"value\":9000}\n"
    );
    let document = diff("http2MaxRequests: 8192", "http2MaxRequests: 9000", &["--format", "json"]).json();
    assert_eq!(hash, format!("hash {}", document["hash"].as_str().unwrap()));
    assert_eq!(
        document["targets"],
        json!([{ "target": "slc-a-1", "added": [], "removed": [], "changed": [{
            "object": "DestinationRule/checkout",
            "patch": [{ "op": "replace", "path": "/spec/trafficPolicy/connectionPool/http/http2MaxRequests", "value": 9000 }],
        }] }])
    );
    let document = diff("regions: [us-south, us-north]", "regions: [us-south]", &["--format", "json"]).json();
    assert_eq!(
        document["targets"],
        json!([{ "target": "rno-b-1", "added": ["ServiceEntry/ledger", "WorkloadEntry/ledger-1"], "removed": [], "changed": [] }])
    );
}

#[test]
fn what_is_no_difference_of_revisions_is_told() {
    let ran = diff("local: 99%, remote: 1%", "local: 90%, remote: 10%", &[]);
    let expected = "\
at once, without a stage: spec.traffic
no difference of objects
traffic of payments/checkout: 99% local in us-west, us-south, us-north, then 90%
local in us-west, us-south, us-north
whether the rest bears it is not known: what begins where of these requests is
in no file
";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected));
    assert!(
        ran.err.starts_with("<stdin>:146:12: warning: spec.traffic: differs, which is no revision"),
        "{}",
        ran.err
    );
    let ran = diff("name: checkout\n  namespace", "name: till\n  namespace", &[]);
    let expected = "overspill: error: OLD is payments/checkout and NEW is payments/till; write two versions of one access point\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (2, "", expected));
    // a side that cannot be rendered is no side whose objects are gone
    let ran = diff("path: /spec/http/0/headers", "path: /spec/https/0/headers", &[]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("did you mean `http`?"), "{}", ran.err);
}

/// Applies a patch to a document, both as texts.
fn patch(document: &str, patch: &str, arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().expect("a place for files");
    std::fs::write(folder.path().join("doc.yaml"), document).expect("a place for files");
    run(folder.path(), &[&["patch", "doc.yaml", "-"], arguments].concat(), patch)
}

#[test]
fn patches_are_applied_whole_or_not_at_all() {
    let document = "spec: { ports: [{ port: 80 }, { port: 443 }] }";
    let ran = patch(
        document,
        "- { op: remove, path: /spec/ports/0 }\n- { op: add, path: /spec/type, value: NodePort }",
        &[],
    );
    assert_eq!((ran.status, ran.out.as_str()), (0, "spec:\n  ports:\n  - port: 443\n  type: NodePort\n"));
    let merged =
        patch(document, "spec: { ports: null, type: NodePort }", &["--merge", "--format", "json"]).json();
    assert_eq!(merged, json!({ "spec": { "type": "NodePort" } }));
    let told = |text: &str| {
        let ran = patch(document, text, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
        ran.err.lines().next().unwrap().to_owned()
    };
    assert_eq!(
        told("- { op: remove, path: /spec/ports/0 }\n- { op: remove, path: /spec/port }"),
        "<stdin>:2:3: error: [1]: operation 1 (remove `/spec/port`): there is no `port`; did you mean `ports`?"
    );
    assert_eq!(
        told("- { op: test, path: /spec/ports/1/port, value: 8443 }"),
        "<stdin>:1:3: error: [0]: operation 0 (test `/spec/ports/1/port`): `443` is there, not `8443`"
    );
    assert_eq!(
        told("- { op: delete, path: /spec }"),
        "<stdin>:1:3: error: [0]: `delete` is no operation; write add, remove, replace, move, copy or test"
    );
    assert_eq!(
        told("spec: { type: NodePort }"),
        "<stdin>:1:1: error: a JSON Patch is a list of operations; for a document of fields add --merge"
    );
}

const LOCALITY: &str = "
from: us-west/zone-1/rack-1
policy:
  loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-east }] } }
  outlierDetection: { consecutive5xxErrors: 5 }
endpoints:
  - { locality: us-west/zone-1/rack-1, hosts: 10, healthy: 4 }
  - { locality: us-west/zone-2/rack-1, hosts: 10, healthy: 10 }
  - { locality: us-east/zone-1/rack-1, hosts: 10, healthy: 10 }
";

#[test]
fn localities_get_what_envoy_gives_them() {
    let ran = overspill_with(&["locality", "-"], LOCALITY);
    let expected = "\
PRIORITY  LOAD  DEGRADED  PANIC
       0   56%        0%  no
       1   44%        0%  no
       2    0%        0%  no

LOCALITY               PRIORITY  WEIGHT   SHARE
us-west/zone-1/rack-1         0       1  56.00%
us-west/zone-2/rack-1         1       1  44.00%
us-east/zone-1/rack-1         2       1   0.00%
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    let document = overspill_with(&["locality", "-", "--format", "json"], LOCALITY).json();
    assert_eq!(
        document["priorities"][1],
        json!({ "priority": 1, "load": 44, "degraded_load": 0, "panic": false })
    );
    assert_eq!(
        document["localities"][0],
        json!({ "locality": "us-west/zone-1/rack-1", "priority": 0, "weight": 1, "share": 0.56 })
    );
    assert_eq!(overspill_with(&["check", "-"], LOCALITY).out, "<stdin>: locality, 3 localities\n");
    let ran = overspill_with(&["locality", "-"], &LOCALITY.replace("healthy: 4", "healthy: 11"));
    assert_eq!(ran.status, 2);
    assert!(ran.err.starts_with("<stdin>:7:"), "{}", ran.err);
    // a policy's field goes nowhere from here, so that nobody else would tell
    for (right, wrong, place) in [
        ("outlierDetection", "outlierDetecton", "<stdin>:5:20: error: policy.outlierDetecton"),
        (
            "localityLbSetting",
            "localityLbSettings",
            "<stdin>:4:39: error: policy.loadBalancer.localityLbSettings",
        ),
    ] {
        for command in ["locality", "check"] {
            let ran = overspill_with(&[command, "-"], &LOCALITY.replace(right, wrong));
            let told = format!("{place}: no known field; did you mean `{right}`?\n");
            assert!(ran.status == 2 && ran.err.starts_with(&told), "{}", ran.err);
        }
    }
}

#[test]
fn objects_are_checked_each_by_itself_and_together() {
    let ran = overspill(&["check", "../examples/checkout/access-point.yaml", FLEET]);
    let expected = "\
../examples/checkout/access-point.yaml: 1 FederatedAccessPoint
../examples/checkout/fleet.yaml:\n  9 AvailabilityZones, 26 Clusters, 1 FederatedDeployment, 1 Issuer, 1\n  NameProvider, 2 VipPools
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    let document = overspill(&["check", FLEET, "--format", "json"]).json();
    assert_eq!(
        (&document[0]["kind"], document[0]["objects"].as_array().unwrap().len()),
        (&json!("objects"), 40)
    );
    let first = json!({ "kind": "AvailabilityZone", "namespace": null, "name": "phx-a", "line": 73 });
    assert!(document[0]["objects"].as_array().unwrap().contains(&first), "{document}");
}

/// The first lines of what `check` tells of objects that are wrong.
fn told(text: &str) -> Vec<String> {
    let ran = overspill_with(&["check", "-"], text);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    ran.err.lines().filter(|line| line.starts_with("<stdin>")).map(str::to_owned).collect()
}

#[test]
fn every_object_that_is_wrong_is_told_with_its_line() {
    const ZONE: &str = "apiVersion: overspill.dev/v1alpha1\nkind: AvailabilityZone\nmetadata: { name: slc-a }\nspec: { region: us-west }\n";
    const CLUSTER: &str = "apiVersion: overspill.dev/v1alpha1\nkind: Cluster\nmetadata: { name: slc-a-1 }\nspec: { zone: slc-a }\n";
    let stream = |parts: &[&str]| parts.join("---\n");
    let wrong = stream(&[&ZONE.replace("region", "regoin"), CLUSTER, &CLUSTER.replace("Cluster", "Clutser")]);
    assert_eq!(
        told(&wrong),
        [
            "<stdin>:4:9: error: spec.regoin: unknown field `regoin`; did you mean `region`? (known here: region, drain, eastWest)",
            "<stdin>:12:7: error: kind: `Clutser` is no kind of ours; write one of AvailabilityZone, Cluster, FederatedAccessPoint, FederatedDeployment, Issuer, NameProvider, NameService, VipPool; did you mean `Cluster`?",
        ]
    );
    assert_eq!(
        told(&stream(&[ZONE, &CLUSTER.replace("slc-a }", "slc-b }")])),
        ["<stdin>:9:15: error: spec.zone: there is no zone `slc-b`; did you mean `slc-a`?"]
    );
    assert_eq!(
        told(&stream(&[ZONE, CLUSTER, CLUSTER])),
        [
            "<stdin>:13:19: error: metadata.name: Cluster/slc-a-1 is in <stdin> at line 5 already; remove one of the two"
        ]
    );
    assert_eq!(
        told(&ZONE.replace("v1alpha1", "v2")),
        [
            "<stdin>:1:13: error: apiVersion: `overspill.dev/v2` is no version of AvailabilityZone; write overspill.dev/v1alpha1"
        ]
    );
    let name = "apiVersion: overspill.dev/v1alpha1\nkind: NameService\nmetadata: { name: a, namespace: b }\nspec: { fqdn: a.example.com, provider: corp, target: {} }\n";
    assert_eq!(
        told(name),
        ["<stdin>:4:54: error: spec.target: write one of accessPoint, addresses or alias; none is given"]
    );
    assert_eq!(
        told(&name.replace("{} }", "{ alias: a.example.com } }")),
        [
            "<stdin>:4:63: error: spec.target.alias: a name cannot be an alias of itself; name what it leads to"
        ]
    );
    // zones may be in another file, and two gateway clusters in one zone are wrong all the same
    assert_eq!(overspill_with(&["check", "-"], CLUSTER).out, "<stdin>: 1 Cluster\n");
    let gateway = CLUSTER.replace("slc-a }", "slc-a, gateway: true }");
    assert_eq!(
        told(&stream(&[&gateway, &gateway.replace("slc-a-1", "slc-a-2")])),
        [
            "<stdin>:9:31: error: spec.gateway: `slc-a-1` is the gateway cluster of this zone already; a zone has one, so write false here or there"
        ]
    );
}

#[test]
fn templates_are_checked_against_their_schemas() {
    let faults = told(
        &ACCESS_POINT.replace("timeout: 5s", "timeout: 5").replace("protocol: HTTPS }", "protocol: 3 }"),
    );
    assert_eq!(
        faults,
        [
            "<stdin>:35:57: error: spec.templates[1].spec.servers[0].port.protocol: `3` is not possible here; write a text, which is \"3\" in quotes",
            "<stdin>:57:22: error: spec.templates[2].spec.http[1].timeout: `5` is not possible here; write a duration with its unit, `5s` if these are seconds",
        ]
    );
    // a number that nothing holds is shown as it is written
    assert_eq!(
        told(&ACCESS_POINT.replace("targetPort: 8080", "targetPort: 100000000000000000000000")),
        [
            "<stdin>:27:55: error: spec.templates[0].spec.ports[0].targetPort: `100000000000000000000000` is not possible here; write a smaller whole number"
        ]
    );
    let ran = overspill_with(&["check", "-"], &ACCESS_POINT.replace("timeout: 5s", "timeuot: 5s"));
    assert_eq!((ran.status, ran.out.as_str()), (0, "<stdin>: 1 FederatedAccessPoint\n"));
    let expected = "<stdin>:57:22: warning: spec.templates[2].spec.http[1].timeuot: no known field; did you mean `timeout`?\n";
    assert_eq!(ran.err.split_inclusive('\n').next(), Some(expected));
}

#[test]
fn every_kind_has_a_schema() {
    for kind in mesh_model::api::Kind::ALL {
        let schema = overspill(&["schema", kind.as_str()]).json();
        assert_eq!(schema["properties"]["kind"]["const"], kind.as_str());
        assert_eq!(
            (&schema["title"], &schema["additionalProperties"]),
            (&json!(kind.as_str()), &json!(false))
        );
    }
    let locality = overspill(&["schema", "locality"]).json();
    assert_eq!(locality["required"], json!(["from", "endpoints"]));
    assert_eq!(overspill(&["schema", "cluster"]), overspill(&["schema", "Cluster"]));
}
