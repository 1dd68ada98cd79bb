//! Which targets an access point gets, keeps and loses, and what no two may write, at the command line.

use serde_json::{Value, json};

use crate::mesh::{FLEET, diff};
use crate::{checkout, checkout_text, overspill_with, run, with};

/// What leaves is no object that changes, and traffic is moved all the same.
#[test]
fn targets_that_an_edit_takes_away_are_told() {
    let follow = "follow: { kind: FederatedDeployment, name: checkout }";
    let ran = diff(follow, "names: [slc-a-1, phx-a-2]", &[]);
    let expected = "\
at once, without a stage: spec.placement
no difference of objects
payments/checkout gets phx-a-2
payments/checkout leaves phx-a-1, phx-c-2, rno-b-1, slc-b-2
whether the rest bears it is not known: what payments/checkout carries where it
leaves is in no file
";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected));
    let ran = diff(follow, "names: [slc-a-1, phx-a-2]", &["--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).expect("a document");
    assert_eq!(document["at_once"], json!(["spec.placement"]));
    assert_eq!(
        (&document["shift"]["placements"], &document["shift"]["verdict"]),
        (
            &json!([{ "namespace": "payments", "name": "checkout", "joins": ["phx-a-2"], "leaves": ["phx-a-1", "phx-c-2", "rno-b-1", "slc-b-2"] }]),
            &json!("unknown")
        )
    );
}

/// Whoever follows a workload leaves after it, and a cluster that is gone is as one that is drained.
#[test]
fn clusters_and_workloads_that_go_are_told() {
    let folder = tempfile::tempdir().expect("a place for files");
    let fleet = checkout_text("fleet.yaml");
    let line = "      - { name: rno-b-1, replicas: 12 }\n";
    assert!(fleet.contains(line));
    let access_point = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), checkout("access-point.yaml"));
    let told = |new: &str| {
        std::fs::write(folder.path().join("old.yaml"), &fleet).expect("a place for files");
        std::fs::write(folder.path().join("new.yaml"), new).expect("a place for files");
        run(folder.path(), &["diff", "old.yaml", "new.yaml", "--fleet", &access_point], "")
    };
    let kept = "payments/checkout keeps rno-b-1: the workload is leaving and still has 12\nreplicas there\nno traffic is moved\n";
    let ran = told(&fleet.replace(line, ""));
    assert_eq!((ran.status, ran.out.as_str()), (0, kept));
    let gone =
        fleet.split("\n---\n").filter(|one| !one.contains("kind: Cluster") || !one.contains("name: rno-b-1"));
    let ran = told(&gone.collect::<Vec<_>>().join("\n---\n"));
    let expected = "cluster rno-b-1 is no longer in the fleet\ndrain of cluster rno-b-1 begins\npayments/checkout leaves rno-b-1\n";
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with(expected), "{}", ran.out);
}

/// What is carried where nothing goes any more is no question, be the target drained before it leaves or gone.
#[test]
fn a_target_that_is_drained_or_gone_leaves_without_a_question() {
    let fleet = checkout_text("fleet.yaml")
        .replace("reachability: reachable }", "reachability: reachable, requests: 1000/s }");
    let spec =
        |drain: &str| format!("phx-a-1, labels: {{ example.com/tier: edge }} }}\nspec: {{ {drain}zone");
    let drained = with(&fleet, &spec(""), &spec("drain: true, "));
    let gone = fleet.split("\n---\n").filter(|one| !one.contains("kind: Cluster\nmetadata: { name: phx-a-1"));
    let gone = gone.collect::<Vec<_>>().join("\n---\n");
    let follow = "follow: { kind: FederatedDeployment, name: checkout }";
    let [old, new] = ["names: [slc-a-1, phx-a-1, phx-c-2]", "names: [slc-a-1, phx-c-2]"]
        .map(|names| with(&checkout_text("access-point.yaml"), follow, names));
    let folder = tempfile::tempdir().expect("a place for files");
    for (name, text) in
        [("fleet", &fleet), ("drained", &drained), ("gone", &gone), ("old", &old), ("new", &new)]
    {
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a place for files");
    }
    let shift = |arguments: &[&str]| {
        let ran = run(folder.path(), &[&["diff", "--format", "json"], arguments].concat(), "");
        assert_eq!(ran.status, 0, "{}", ran.err);
        let document: Value = serde_json::from_str(&ran.out).expect("a document");
        document["shift"].clone()
    };
    let leaves = json!([{ "namespace": "payments", "name": "checkout", "leaves": ["phx-a-1"] }]);
    for (arguments, verdict) in [
        (["old.yaml", "new.yaml", "--fleet", "fleet.yaml"], "unknown"),
        (["old.yaml", "new.yaml", "--fleet", "drained.yaml"], "borne"),
        (["fleet.yaml", "gone.yaml", "--fleet", "old.yaml"], "borne"),
    ] {
        let shift = shift(&arguments);
        assert_eq!(
            (&shift["placements"], &shift["verdict"]),
            (&leaves, &json!(verdict)),
            "{arguments:?}: {shift}"
        );
    }
}

/// What an access point has, it keeps until what it follows was seen to have left.
#[test]
fn targets_of_the_status_are_kept() {
    let text = checkout_text("access-point.yaml");
    let status = |name: &str| format!("{text}status: {{ targets: [{{ name: {name} }}] }}\n");
    let fleet = checkout_text("fleet.yaml");
    let leaving = fleet.replace("      - { name: rno-b-1, replicas: 12 }\n", "");
    let folder = tempfile::tempdir().expect("a place for files");
    std::fs::write(folder.path().join("fleet.yaml"), leaving).expect("a place for files");
    let targets = |text: &str| {
        let ran = run(folder.path(), &["render", "-", "--fleet", "fleet.yaml", "--format", "json"], text);
        let document = ran.json();
        let all = document["targets"].as_array().expect("targets").iter();
        all.map(|one| one["target"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert!(!targets(&text).contains(&"rno-b-1".to_owned()), "nothing says that it was there");
    assert!(targets(&status("rno-b-1")).contains(&"rno-b-1".to_owned()));
}

/// OLD is as it is, so its status counts; where it names no target, that of NEW says what there is.
#[test]
fn a_status_of_either_side_says_what_there_is() {
    let folder = tempfile::tempdir().expect("a place for files");
    let leaving = checkout_text("fleet.yaml").replace("      - { name: rno-b-1, replicas: 12 }\n", "");
    let text = checkout_text("access-point.yaml");
    let kept = |old: &str, new: &str| {
        for (name, text) in
            [("fleet", &leaving), ("old", &format!("{text}{old}")), ("new", &format!("{text}{new}"))]
        {
            std::fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a place for files");
        }
        let arguments = ["diff", "old.yaml", "new.yaml", "--fleet", "fleet.yaml", "--format", "json"];
        let document = run(folder.path(), &arguments, "").json();
        assert_eq!((&document["targets"], &document["shift"]["placements"]), (&json!([]), &json!([])));
        let kept = document["kept"].as_array().expect("a list").iter();
        kept.map(|one| one["target"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let [rno, slc] =
        ["rno-b-1", "slc-a-2"].map(|name| format!("status: {{ targets: [{{ name: {name} }}] }}\n"));
    for (old, new, expected) in [
        ("", "", &[][..]),
        (&rno, "", &["rno-b-1"]),
        ("", &rno, &["rno-b-1"]),
        ("status: {}\n", &rno, &["rno-b-1"]),
        (&slc, &rno, &["slc-a-2"]),
    ] {
        assert_eq!(kept(old, new), expected, "{old}{new}");
    }
}

/// It is the error of both on each target that has both, told once at the name of each.
#[test]
fn an_object_that_two_access_points_would_write_is_refused() {
    let text = checkout_text("access-point.yaml");
    let other = with(&text, "name: checkout\n  namespace", "name: till\n  namespace");
    let ran = overspill_with(&["render", "-", &checkout("access-point.yaml"), "--fleet", FLEET], &other);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    let message = |place: &str, other: &str| {
        format!(
            "{place}: error: spec.templates[0].metadata.name: on phx-a-1, phx-c-2, rno-b-1, slc-a-1, slc-b-2: Service/checkout /metadata/name: {other} writes it there, too; rename one of the two, or place them apart\n"
        )
    };
    for (place, other) in [
        ("<stdin>:23:25", "payments/checkout"),
        ("../examples/checkout/access-point.yaml:23:25", "payments/till"),
    ] {
        assert!(ran.err.contains(&message(place, other)), "{}", ran.err);
    }
}

/// Two access points of `payments` whose Services have one name: one of two clusters, one of this zone or cluster.
fn of_one_name(level: &str, target: &str) -> String {
    let access_point = |name: &str, level: &str, targets: &str| {
        format!(
            "\
apiVersion: overspill.dev/v1alpha1
kind: FederatedAccessPoint
metadata: {{ name: {name}, namespace: payments }}
spec:
  placement: {{ level: {level}, names: [{targets}] }}
  templates:
    - apiVersion: v1
      kind: Service
      metadata: {{ name: same }}
      spec: {{ selector: {{ app: {name} }}, ports: [{{ port: 8080 }}] }}
"
        )
    };
    format!(
        "{}---\n{}",
        access_point("one", "cluster", "phx-a-1, slc-a-1"),
        access_point("two", level, target)
    )
}

/// A zone is written in its gateway cluster, which may be another access point's target under its own name. Neither is
/// written there then; whatever else there is, is.
#[test]
fn a_zone_is_written_where_its_gateway_cluster_is() {
    let render = |text: &str, arguments: &[&str]| {
        overspill_with(&[&["render", "-", "--fleet", FLEET], arguments].concat(), text)
    };
    let shared = of_one_name("zone", "slc-a");
    let ran = render(&shared, &["--format", "json"]);
    let way_out = "rename one of the two, or place them apart";
    let [two, one] = [("two", "slc-a"), ("one", "slc-a-1")]
        .map(|(name, target)| format!("payments/{name} writes it on {target}, too; {way_out}"));
    for (place, target, reason) in [("9:25", "slc-a-1", &two), ("20:25", "slc-a", &one)] {
        let line = format!(
            "<stdin>:{place}: error: spec.templates[0].metadata.name: on {target}: Service/same /metadata/name: {reason}\n"
        );
        assert!(ran.err.contains(&line), "{}", ran.err);
    }
    assert_eq!((ran.status, ran.err.matches(": error: ").count()), (1, 2), "{}", ran.err);
    let document: Value = serde_json::from_str(&ran.out).expect("a document");
    let refused = |target: &str, access_point: &str, reason: &str| {
        let error = json!({ "object": "Service/same", "rule": "template", "path": "/metadata/name", "reason": reason });
        json!({ "target": target, "access_point": access_point, "objects": [], "errors": [error] })
    };
    let targets = document["targets"].as_array().expect("targets");
    assert_eq!(
        targets[1..],
        [refused("slc-a", "payments/two", &one), refused("slc-a-1", "payments/one", &two)]
    );
    assert_eq!((&targets[0]["target"], &targets[0]["errors"]), (&json!("phx-a-1"), &json!([])));
    assert_eq!(targets[0]["objects"][0]["spec"]["selector"]["app"], "one");
    // whoever asks for one of the two is told, too
    for (target, reason) in [("slc-a", &one), ("slc-a-1", &two)] {
        let ran = render(&shared, &["--target", target]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.matches(": error: ").count()), (1, "", 1));
        assert!(ran.err.contains(reason.as_str()), "{}", ran.err);
    }
    // a Service of two owners has no place in what zones call
    let ran = render(&shared, &["--east-west"]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.matches(": error: ").count()), (1, "", 2));
    for (level, target) in [("zone", "slc-b"), ("cluster", "slc-a-2")] {
        let apart = render(&of_one_name(level, target), &["--format", "json"]).json();
        assert_eq!(apart["targets"].as_array().map(Vec::len), Some(3), "{apart}");
    }
}
