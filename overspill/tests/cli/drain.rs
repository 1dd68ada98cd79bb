//! Drains at the command line: what `diff` and `lint` say of one that the rest does not bear, of one of which that is
//! not known, and of what a drain leaves where it is; who is to be drained in whole, and who could not be.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::lint_codes::{FLEET, rule, shop, told};
use crate::{Ran, run};

/// Two regions as lint's tests have them, with what phx-a-1 carries, and drains of zones.
fn fleet(loads: [&str; 2], drained: &[&str]) -> String {
    let [west, south] = loads.map(|load| format!("requests: {load}"));
    let mut text = FLEET.replacen("requests: 400/s", "requests: WEST", 1).replace("requests: 400/s", &south);
    text = text.replace("requests: WEST", &west);
    for (zone, region) in [("slc-a", "us-west"), ("phx-a", "us-south")] {
        if drained.contains(&zone) {
            text = text.replace(&format!("region: {region} "), &format!("region: {region}, drain: true "));
        }
    }
    text
}

fn diff(files: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().expect("there is room");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("there is room");
    }
    run(folder.path(), &[&["diff"], arguments].concat(), "")
}

fn of_fleets(old: &str, new: &str, arguments: &[&str]) -> Ran {
    diff(&[("old.yaml", old), ("new.yaml", new)], &[&["old.yaml", "new.yaml"], arguments].concat())
}

#[test]
fn a_drain_that_the_rest_does_not_bear_is_refused_unless_it_is_forced() {
    let loads = ["700/s", "400/s"];
    let (calm, drained) = (fleet(loads, &[]), fleet(loads, &["slc-a"]));
    let refused = of_fleets(&calm, &drained, &[]);
    assert_eq!(
        (refused.status, refused.out.as_str(), refused.err.as_str()),
        (
            1,
            "drain of zone slc-a begins\nrefused: the rest cannot bear this drain: phx-a-1 would carry 1100/s of 1000/s;\nadd capacity, drain less, or force it with --force\n",
            ""
        )
    );
    let forced = of_fleets(&calm, &drained, &["--force"]);
    assert_eq!(forced.status, 0);
    assert!(
        forced.out.contains("\nforced: the rest cannot bear this drain: phx-a-1 would"),
        "{}",
        forced.out
    );
    let back = of_fleets(&drained, &calm, &[]);
    assert_eq!((back.status, back.out.as_str()), (0, "drain of zone slc-a ends\n"));
    let same = of_fleets(&calm, &calm, &[]);
    assert_eq!((same.status, same.out.as_str()), (0, "no traffic is moved\n"));
    let light = ["600/s", "400/s"];
    let borne = of_fleets(&fleet(light, &[]), &fleet(light, &["slc-a"]), &[]);
    let expected =
        "drain of zone slc-a begins\nthe rest bears it; the fullest is phx-a-1 with 1000/s of 1000/s\n";
    assert_eq!((borne.status, borne.out.as_str()), (0, expected));
    let all = of_fleets(&fleet(light, &[]), &fleet(light, &["slc-a", "phx-a"]), &[]);
    assert_eq!(all.status, 1);
    assert!(all.out.contains("1000/s would go nowhere"), "{}", all.out);
}

#[test]
fn the_document_says_what_moves_and_what_was_decided() {
    let loads = ["700/s", "400/s"];
    let ran = of_fleets(&fleet(loads, &[]), &fleet(loads, &["slc-a"]), &["--format", "json"]);
    assert_eq!(ran.status, 1);
    let document: Value = serde_json::from_str(&ran.out).expect("a document");
    let shift = &document["shift"];
    holds_all(
        shift,
        &[
            ("/drains", Is::List),
            ("/policies", Is::List),
            ("/verdict", Is::Text),
            ("/problems", Is::List),
            ("/clusters", Is::List),
            ("/lost", Is::Text),
            ("/unmeasured", Is::List),
            ("/unbounded", Is::List),
            ("/unreachable", Is::List),
            ("/rooms", Is::List),
        ],
    );
    assert_eq!(document.get("hash"), None, "it is no revision");
    assert_eq!(
        (&shift["drains"], &shift["verdict"]),
        (&json!([{ "level": "zone", "name": "slc-a", "drain": true }]), &json!("refused"))
    );
    assert_eq!(
        shift["clusters"],
        json!([
            { "cluster": "phx-a-1", "before": "400/s", "after": "1100/s", "capacity": "1000/s" },
            { "cluster": "slc-a-1", "before": "700/s", "after": "0/s", "capacity": "1000/s" },
        ])
    );
    assert_eq!(shift["rooms"], json!([{ "region": "us-west", "left": "0/s", "whole": "1000/s" }]));
}

#[test]
fn whoever_orders_it_has_a_record_of_it_with_what_was_overruled() {
    let loads = ["700/s", "400/s"];
    let (calm, drained) = (fleet(loads, &[]), fleet(loads, &["slc-a"]));
    let record = |new: &str, arguments: &[&str]| -> Option<Value> {
        let ran = of_fleets(&calm, new, &[&["--format", "json"], arguments].concat());
        let document: Value = serde_json::from_str(&ran.out).expect("a document");
        document["shift"].get("record").cloned()
    };
    let ann = ["--by", "ann", "--reason", "INC-7"];
    let kept = record(&drained, &[&ann[..], &["--force"]].concat()).expect("it was forced");
    assert_eq!([&kept["by"], &kept["reason"]], ["ann", "INC-7"]);
    assert_eq!(kept["shift"]["drains"], json!([{ "level": "zone", "name": "slc-a", "drain": true }]));
    assert!(kept["overruled"][0].as_str().unwrap().contains("phx-a-1 would carry 1100/s of 1000/s"));
    assert_eq!(record(&drained, &ann), None, "it is refused");
    assert_eq!(record(&calm, &ann), None, "it moves nothing");
    assert_eq!(record(&drained, &["--force"]), None, "nobody orders it");
    let nobody = of_fleets(&calm, &drained, &["--by", " ", "--force"]);
    let expected = "overspill: error: --by: nobody orders it; say who does\n";
    assert_eq!((nobody.status, nobody.err.as_str()), (2, expected));
}

#[test]
fn what_is_not_known_is_said_and_refuses_nothing() {
    let without = |text: String| {
        let lines = text.lines().filter(|line| !line.starts_with("status:"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let loads = ["700/s", "400/s"];
    let ran = of_fleets(&without(fleet(loads, &[])), &without(fleet(loads, &["slc-a"])), &[]);
    let expected = "\
drain of zone slc-a begins
whether the rest bears it is not known: nobody says what each of 2 clusters,
phx-a-1 first, carries (status.requests); us-west keeps 0/s of 1000/s
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
}

/// What a cluster carried before it was lost says nothing of what it can take.
#[test]
fn of_what_does_not_answer_nothing_is_sure() {
    let loads = ["100/s", "100/s"];
    let silent = |drained: &[&str]| {
        let text = fleet(loads, drained);
        let (before, after) = text.rsplit_once("requests: 100/s").expect("phx-a-1 is the last");
        format!("{before}requests: 100/s, reachability: unreachable{after}")
    };
    let ran = of_fleets(&silent(&[]), &silent(&["slc-a"]), &[]);
    let expected = "\
drain of zone slc-a begins
whether the rest bears it is not known: cluster phx-a-1 does not answer
(status.reachability); us-west keeps 0/s of 1000/s
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    let document = of_fleets(&silent(&[]), &silent(&["slc-a"]), &["--format", "json"]).json();
    assert_eq!(document["shift"]["unreachable"], json!(["phx-a-1"]));
}

/// Where what a region carries goes is said by the access points, which stand beside the fleet.
#[test]
fn policies_of_access_points_say_where_it_goes_and_what_a_drain_leaves_is_warned_of() {
    let (calm, drained) = (fleet(["100/s", "100/s"], &[]), fleet(["100/s", "100/s"], &["slc-a"]));
    let second = "---\napiVersion: overspill.dev/v1alpha1\nkind: Cluster\nmetadata: { name: slc-a-2 }\nspec: { zone: slc-a, capacity: { requests: 1000/s } }\nstatus: { requests: 0/s }\n";
    let [calm, drained] = [calm, drained].map(|text| text + second);
    let shop = shop(&[], "").replace("    selector: {}", "    level: zone\n    selector: {}");
    let files = [("old.yaml", calm.as_str()), ("new.yaml", &drained), ("shop.yaml", &shop)];
    let ran = diff(&files, &["old.yaml", "new.yaml", "--fleet", "shop.yaml"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let expected = "shop.yaml:8:5: warning: spec.placement: on slc-a: the drain takes no pods of slc-a-2 out of their Services, for nothing is written there";
    assert!(ran.err.contains(expected), "{}", ran.err);
    // so says whoever renders, and a drain that leaves nothing says nothing
    let render = |fleet: &str, text: &str| {
        let folder = tempfile::tempdir().expect("there is room");
        std::fs::write(folder.path().join("shop.yaml"), text).expect("there is room");
        run(folder.path(), &["render", "shop.yaml", "--fleet", "-"], fleet)
    };
    let ran = render(&drained, &shop);
    assert!(ran.status == 0 && ran.err.contains(expected), "{}", ran.err);
    let ran = render(&drained, &shop.replace("level: zone", "level: cluster"));
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

#[test]
fn two_sides_of_two_kinds_and_no_fleet_at_all_are_told() {
    let calm = fleet(["1/s", "1/s"], &[]);
    let shop = shop(&[], "");
    let files = [("fleet.yaml", calm.as_str()), ("shop.yaml", &shop)];
    for (arguments, expected) in [
        (
            &["fleet.yaml", "shop.yaml"],
            "OLD holds zones or clusters and NEW does not; write two versions of one file",
        ),
        (
            &["shop.yaml", "fleet.yaml"],
            "NEW holds zones or clusters and OLD does not; write two versions of one file",
        ),
        (
            &["shop.yaml", "shop.yaml"],
            "neither OLD nor NEW holds a zone or a cluster; name the files of the fleet with --fleet",
        ),
    ] {
        let ran = diff(&files, arguments);
        assert_eq!((ran.status, ran.err.as_str()), (2, format!("overspill: error: {expected}\n").as_str()));
    }
    // an access point and its fleet in one file: what differs of both is told
    let both = format!("{shop}---\n{calm}");
    let changed =
        format!("{}---\n{}", shop.replace("port: 80", "port: 81"), fleet(["1/s", "1/s"], &["slc-a"]));
    let ran = diff(&[("old.yaml", &both), ("new.yaml", &changed)], &["old.yaml", "new.yaml"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("hash ") && ran.out.contains("drain of zone slc-a begins\n"), "{}", ran.out);
}

#[test]
fn a_drain_that_the_rest_cannot_bear_is_a_finding() {
    told(
        &[("shop.yaml", &shop(&[], "")), ("fleet.yaml", &fleet(["700/s", "400/s"], &["slc-a"]))],
        ("requests: 700/s", "requests: 600/s"),
        "\
fleet.yaml:4:33: error: drain-overloads
    AvailabilityZone/slc-a
    spec.drain
    the rest cannot bear this drain: phx-a-1 would carry 1100/s of 1000/s
    fix: add capacity first, or drain less
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_fleet_and_an_order_that_are_drained_whole_are_findings() {
    let drained = fleet(["0/s", "0/s"], &["slc-a", "phx-a"]);
    told(
        &[("shop.yaml", &shop(&[], "")), ("fleet.yaml", &drained)],
        ("region: us-south, drain: true", "region: us-south"),
        "\
shop.yaml:8:5: error: drained-whole
    FederatedAccessPoint/team/shop
    spec.placement
    every target is drained, so nobody answers it
    fix: end the drain of one of them, or place it at others
1 access point: 1 error, 0 warnings
",
    );
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop.example.com], http: [{ route: [{ destination: { host: shop } }] }] }";
    let order = "  traffic: { local: 100%, regions: [us-west] }\n";
    let shop = shop(&[&rule("outlierDetection: { maxEjectionPercent: 100 }"), routes], order);
    told(
        &[("shop.yaml", &shop), ("fleet.yaml", &fleet(["0/s", "0/s"], &["slc-a"]))],
        ("regions: [us-west]", "regions: [us-west, us-south]"),
        "\
shop.yaml:16:36: error: drained-whole
    FederatedAccessPoint/team/shop
    spec.traffic.regions
    every region of this order is drained, so it orders nothing: what begins
    there goes to all others alike
    fix: name a region that serves, or end the drain of one
1 access point: 1 error, 0 warnings
",
    );
}
