//! `overspill table`: who gets which share, and what a change would move.

use crate::{data, overspill, overspill_with};
use serde_json::{Value, json};

/// The table as JSON of a text on standard input.
fn table(text: &str) -> Value {
    overspill_with(&["table", "--format", "json", "--config", "-"], text).json()
}

/// An LB file of one service with this scheduler and these backends.
fn file(scheduler: &str, backends: &str) -> String {
    format!(
        "hashKey: 000102030405060708090a0b0c0d0e0f\nservices:\n- {{ vip: 203.0.113.10, port: 80, protocol: tcp, \
         scheduler: {{ {scheduler} }}, backends: [{backends}] }}\n"
    )
}

#[test]
fn for_people() {
    let ran = overspill(&["table", "--config", &data("lb.yaml"), "--service", "203.0.113.10:443/tcp"]);
    let (first, rest) = ran.out.split_once('\n').unwrap();
    assert!(first.starts_with("203.0.113.10:443/tcp  maglev, 251 slots, digest "), "{first}");
    let expected = "\
BACKEND       STATE   WEIGHT  SLOTS   SHARE   IDEAL
10.1.0.5:443  active     100    167  66.53%  66.67%
10.1.0.6:443  active      50     84  33.47%  33.33%
10.1.0.7:443  drain      100      0   0.00%   0.00%
10.1.0.8:443  active       0      0   0.00%   0.00%
";
    assert_eq!((ran.status, rest, ran.err.as_str()), (0, expected, ""));
    let all = overspill(&["table", "--config", &data("lb.yaml")]).out;
    assert!(
        all.ends_with("slots, digest ") || all.ends_with("no backends: every packet is dropped\n"),
        "{all}"
    );
    assert!(all.lines().all(|line| line.len() <= 80), "{all}");
}

/// The table of a Linux `ip_vs_mh` after these three were added in this order, checked against its source.
#[test]
fn the_kernels_table() {
    let answer = table(&file(
        "kind: ipvs-mh",
        "{ address: 10.0.0.1 }, { address: 10.0.0.2 }, { address: 10.0.0.3, weight: 2 }",
    ));
    let service = &answer[0];
    assert_eq!((&service["service"], &service["size"]), (&"203.0.113.10:80/tcp".into(), &4_093.into()));
    let counts: Vec<_> = (0..3).map(|index| service["backends"][index]["slots"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1_023, 1_023, 2_047]);
    let first: Vec<_> =
        service["slots"].as_array().unwrap()[..24].iter().map(|slot| slot.as_i64().unwrap() + 1).collect();
    assert_eq!(first, [1, 2, 3, 3, 3, 3, 2, 3, 3, 1, 1, 2, 2, 1, 1, 3, 2, 3, 3, 1, 3, 3, 3, 3]);
}

#[test]
fn every_field_of_the_contract() {
    let answer = table(&file(
        "kind: maglev, tableSize: 7",
        "{ address: 10.0.0.1, weight: 3 }, { address: 10.0.0.2 }, { address: 10.0.0.3, state: down }",
    ));
    let service = answer[0].as_object().unwrap();
    assert_eq!(service["digest"].as_str().unwrap().len(), 32);
    assert_eq!(
        service["backends"][0],
        json!({
            "backend": "10.0.0.1:80", "weight": 3, "state": "active", "slots": 5, "share": 5.0 / 7.0, "ideal": 0.75
        })
    );
    assert_eq!(service["backends"][2]["state"], "down");
    assert_eq!(service["backends"][2]["ideal"], 0.0);
    let slots: Vec<_> =
        service["slots"].as_array().unwrap().iter().map(|slot| slot.as_i64().unwrap()).collect();
    assert_eq!((slots.len(), slots.iter().filter(|slot| **slot == 0).count()), (7, 5));
    assert!(!service.contains_key("moved"));
}

#[test]
fn nobody_holds_slots_where_nobody_may() {
    let answer = table(&file("kind: maglev, tableSize: 7", "{ address: 10.0.0.1, weight: 0 }"));
    assert_eq!(answer[0]["slots"], json!([-1, -1, -1, -1, -1, -1, -1]));
    let answer = table(&file("kind: ring", "{ address: 10.0.0.1 }"));
    assert_eq!((&answer[0]["size"], answer[0]["slots"].as_array().unwrap().len()), (&65_536.into(), 65_536));
}

/// What moves from one file to another.
fn moved(old: &str, new: &str) -> Value {
    let folder = tempfile::tempdir().expect("a place for files");
    std::fs::write(folder.path().join("new.yaml"), new).expect("a file can be written");
    let arguments = ["table", "--format", "json", "--config", "-", "--against", "new.yaml"];
    crate::run(folder.path(), &arguments, old).json()[0]["moved"].clone()
}

#[test]
fn what_a_change_moves() {
    let two = "{ address: 10.0.0.1 }, { address: 10.0.0.2 }";
    let rendezvous = "kind: rendezvous, tableSize: 1024";
    let nothing = json!({ "slots": 0, "fraction": 0.0, "ideal_fraction": 0.0, "sampled": false });
    assert_eq!(moved(&file(rendezvous, two), &file(rendezvous, two)), nothing);
    // order is irrelevant to our own kinds
    let turned = "{ address: 10.0.0.2 }, { address: 10.0.0.1 }";
    assert_eq!(moved(&file(rendezvous, two), &file(rendezvous, turned)), nothing);

    let drained = "{ address: 10.0.0.1 }, { address: 10.0.0.2, state: drain }";
    let change = moved(&file(rendezvous, two), &file(rendezvous, drained));
    assert_eq!(change["ideal_fraction"], 0.5);
    assert_eq!(change["fraction"].as_f64().unwrap(), change["slots"].as_f64().unwrap() / 1024.0);
    // the other's slots stay where they are
    assert!((450..574).contains(&change["slots"].as_u64().unwrap()), "{change}");

    // a kernel leaves a drained backend its slots, and sends their new flows elsewhere
    let mh = "kind: ipvs-mh, port: true, fallback: true";
    for (old, new) in [(two, drained), (drained, two)] {
        let change = moved(&file(mh, old), &file(mh, new));
        assert!((2_040..=2_053).contains(&change["slots"].as_u64().unwrap()), "{change}");
    }
    assert_eq!(moved(&file(mh, drained), &file(mh, drained)), nothing);

    let gone = "hashKey: 000102030405060708090a0b0c0d0e0f\nservices: []";
    let everything = json!({ "slots": 1024, "fraction": 1.0, "ideal_fraction": 1.0, "sampled": false });
    assert_eq!(moved(&file(rendezvous, two), gone), everything);
}

#[test]
fn other_rules_are_measured_with_flows() {
    let two = "{ address: 10.0.0.1 }, { address: 10.0.0.2 }";
    let old = file("kind: maglev, tableSize: 251", two);
    let change = moved(&old, &file("kind: maglev, tableSize: 257", two));
    assert_eq!((&change["sampled"], &change["ideal_fraction"]), (&true.into(), &0.0.into()));
    // another key is another shuffle: half of all flows change between two backends
    let change = moved(&old, &old.replace("0e0f", "0e10"));
    let fraction = change["fraction"].as_f64().unwrap();
    assert!((0.4..0.6).contains(&fraction), "{change}");
}

#[test]
fn what_cannot_be_is_told() {
    let ran = overspill(&["table", "--config", &data("lb.yaml"), "--service", "203.0.113.99:443/tcp"]);
    let expected = "overspill: error: tests/data/lb.yaml has no service 203.0.113.99:443/tcp; write one of: \
                    203.0.113.10:443/tcp, 203.0.113.10:80/tcp, [2001:db8::a]:53/udp, 203.0.113.11:443/tcp\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (2, "", expected));
    let ran = overspill(&["table", "--config", &data("lb.yaml"), "--service", "203.0.113.10/tcp"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("write 203.0.113.10:443/tcp or [2001:db8::5]:443/tcp"), "{}", ran.err);
    let ran = overspill_with(&["table", "--config", "-"], &file("kind: maglev, tableSize: 0", ""));
    let expected =
        "<stdin>:3:87: error: services[0].scheduler.tableSize: 0 slots are not possible; write 1 to 4194304";
    assert_eq!((ran.status, ran.err.lines().next()), (2, Some(expected)));
}
