//! `overspill render --east-west`: the same objects in stream, document and files, and faults at their place.

use std::path::Path;

use serde_json::Value;

use crate::mesh::{FLEET, access_point, values};
use crate::overspill_with;

/// The example's fleet in a file of this folder, with an entrance for each zone but the last.
fn with_entrances(folder: &Path) -> String {
    let fleet = std::fs::read_to_string(FLEET).expect("the example is there");
    let (mut number, mut lines) = (0, Vec::new());
    for line in fleet.lines() {
        let region = line.strip_prefix("spec: { region: ").and_then(|rest| rest.split([',', ' ']).next());
        number += usize::from(region.is_some());
        lines.push(match region {
            Some(region) if number < 9 => {
                format!("spec: {{ region: {region}, eastWest: {{ addresses: [198.51.100.{number}] }} }}")
            }
            Some(region) => format!("spec: {{ region: {region} }}"),
            None => line.to_owned(),
        });
    }
    assert_eq!(number, 9);
    let path = folder.join("fleet.yaml");
    std::fs::write(&path, lines.join("\n")).expect("a folder of the test's own");
    path.to_str().expect("a name of the test's own").to_owned()
}

#[test]
fn zones_call_each_others_services_by_their_entrances() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = with_entrances(folder.path());
    let run = |arguments: &[&str]| {
        overspill_with(
            &[&["render", "-", "--fleet", &fleet, "--east-west"], arguments].concat(),
            &access_point(),
        )
    };
    let document = run(&["--format", "json"]).json();
    let clusters = document["clusters"].as_array().unwrap();
    let primaries = clusters.iter().filter(|one| one["role"] == "primary").count();
    assert!(primaries == 8 && clusters.len() > primaries, "one zone takes no part: {primaries}");
    let of = |cluster: &str| clusters.iter().find(|one| one["cluster"] == cluster).unwrap();
    let entry = |cluster: &str| {
        of(cluster)["objects"]
            .as_array()
            .unwrap()
            .iter()
            .find(|object| object["kind"] == "ServiceEntry")
            .cloned()
    };
    let hosts = |entry: &Value| {
        entry["spec"]["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["locality"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        hosts(&entry("slc-a-1").unwrap()),
        ["us-south/phx-a", "us-south/phx-c", "us-north/rno-b", "us-west/slc-b"]
    );
    assert_eq!(of("slc-a-2")["charts"]["istiod"]["global"]["remotePilotAddress"], "198.51.100.1");
    // the stream holds the same objects, for one zone here
    let ran = run(&["--target", "slc-a"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let objects: Vec<Value> = clusters
        .iter()
        .filter(|one| one["zone"] == "slc-a")
        .flat_map(|one| one["objects"].as_array().unwrap().clone())
        .collect();
    assert_eq!(values(&ran.out), objects);
    assert!(
        ran.out.starts_with("# slc-a-1: the primary of zone slc-a\n# values of istio/base:\n"),
        "{}",
        ran.out
    );
    // and files: objects by their names, values by their charts
    let out = folder.path().join("out");
    assert_eq!(run(&["--target", "slc-a-2", "--out", out.to_str().unwrap()]).status, 0);
    let mut names: Vec<String> = std::fs::read_dir(out.join("slc-a-2"))
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["Namespace-istio-system.yaml", "values-base.yaml", "values-istiod.yaml"]);
}

#[test]
fn what_keeps_zones_from_calling_each_other_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = with_entrances(folder.path());
    let run = |text: &str, arguments: &[&str]| {
        std::fs::write(&fleet, text).unwrap();
        overspill_with(
            &[&["render", "-", "--fleet", &fleet, "--east-west"], arguments].concat(),
            &access_point(),
        )
    };
    let good = std::fs::read_to_string(&fleet).unwrap();
    let twice = run(&good.replace("198.51.100.2]", "198.51.100.1]"), &[]);
    assert_eq!((twice.status, twice.out.as_str()), (2, ""));
    assert!(
        twice.err.contains("error: spec.eastWest: 198.51.100.1 is the eastWest address of zone `"),
        "{}",
        twice.err
    );
    assert!(twice.err.starts_with(&format!("{fleet}:")), "{}", twice.err);
    let nobody = run(
        &good
            .replace("eastWest", "x-eastWest")
            .replace(", x-eastWest: { addresses: [198.51.100.", ", drain: false } #"),
        &[],
    );
    assert_eq!(nobody.status, 2);
    assert!(nobody.err.contains("no zone of this fleet has an east-west address"), "{}", nobody.err);
    let elsewhere = run(&good, &["--target", "slc-z"]);
    assert!(
        elsewhere
            .err
            .contains("`slc-z` is no cluster or zone with an east-west address; did you mean `slc-a`?"),
        "{}",
        elsewhere.err
    );
}
