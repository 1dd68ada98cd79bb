//! `overspill vip-plan`: who has which addresses, who gets none, what rests; bad input.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::{Ran, checkout, checkout_text, overspill, overspill_with, refused, with};

const NOW: &str = "2026-11-30T18:00:00Z";

fn claims(claims: &str, arguments: &[&str]) -> Ran {
    let all = ["vip-plan", &checkout("fleet.yaml"), "-", "--now", NOW];
    overspill_with(&[&all, arguments].concat(), claims)
}

#[test]
fn the_plan_is_printed_owner_by_owner() {
    let ran = claims(&checkout_text("claims.yaml"), &[]);
    let expected = "\
OWNER                      POOL       ADDRESSES
ledger/accounts            inside     10.200.0.0 2001:db8:200::  new
ledger/entries             inside     10.200.0.0 2001:db8:200::  new
payments/checkout@phx-a-1  public-v4  203.0.113.3
payments/checkout@phx-c-2  public-v4  203.0.113.7                new
payments/checkout@rno-b-1  public-v4  203.0.113.4
payments/checkout@slc-a-1  public-v4  203.0.113.1
payments/checkout@slc-b-2  public-v4  203.0.113.2

RESTS UNTIL           POOL       ADDRESSES    WAS OF
2026-11-30T20:00:00Z  public-v4  203.0.113.5  payments/checkout@rno-c-3
2026-11-30T18:30:00Z  public-v4  203.0.113.6  payments/refunds@slc-a-1

POOL       HELD  RESTING
inside        2        0
public-v4     5        2

3 new, 4 kept, 0 refused
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
}

#[test]
fn the_document_has_all_of_it() {
    let document = claims(&checkout_text("claims.yaml"), &["--format", "json"]).json();
    let lists = ["/assigned", "/refused", "/held_back", "/released", "/problems", "/pools"];
    holds_all(&document, &lists.map(|field| (field, Is::List)));
    assert_eq!(
        document["assigned"][3],
        json!({ "owner": "payments/checkout@phx-c-2", "pool": "public-v4", "addresses": ["203.0.113.7"], "is_new": true })
    );
    assert_eq!(document["pools"][1], json!({ "pool": "public-v4", "held": 5, "resting": 2 }));
    // an hour later, what rested is free, and the lowest free address is given
    let later =
        ["vip-plan", &checkout("fleet.yaml"), "-", "--now", "2026-11-30T19:00:00Z", "--format", "json"];
    let document = overspill_with(&later, &checkout_text("claims.yaml")).json();
    assert_eq!(document["assigned"][3]["addresses"], json!(["203.0.113.6"]));
}

#[test]
fn a_claim_that_is_refused_says_why_and_the_others_are_not() {
    let text = with(
        &checkout_text("claims.yaml"),
        "@phx-c-2, vip: *own, ports: *ports, labels: *public",
        "@phx-c-2, vip: *own, ports: *ports",
    );
    let ran = claims(&text, &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let end = "\
2 new, 4 kept, 1 refused
refused: payments/checkout@phx-c-2: no pool can: `public-v4` is not for access
points of this namespace and labels
";
    assert!(ran.out.ends_with(end), "{}", ran.out);
    let document: Value = serde_json::from_str(&claims(&text, &["--format", "json"]).out).unwrap();
    assert_eq!(document["refused"][0]["owner"], "payments/checkout@phx-c-2");
    holds_all(&document["refused"][0], &[("/reason", Is::Text), ("/keeps", Is::List)]);
}

#[test]
fn odd_records_are_told_and_nobody_moves() {
    let text = with(&checkout_text("claims.yaml"), "addresses: [203.0.113.1]", "addresses: [203.0.113.2]");
    let ran = claims(&text, &[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let end = "\
warning: 203.0.113.2 is held by payments/checkout@slc-a-1 and by
payments/checkout@slc-b-2, which may not share (payments/checkout@slc-a-1 has no
sharing key, and shares with nobody); both keep it: release one of them
";
    assert!(ran.out.ends_with(end), "{}", ran.out);
}

/// One access point has the same families on all of its targets, whenever each was placed.
#[test]
fn a_pool_that_gains_a_family_gives_it_to_holders_too() {
    let pools =
        with(&checkout_text("fleet.yaml"), "[203.0.113.0/24]", "[203.0.113.0/24, \"2001:db8:1::/120\"]");
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("fleet.yaml");
    std::fs::write(&path, pools).expect("there is room");
    let path = path.to_str().expect("it is text");
    let ran = overspill(&["vip-plan", path, &checkout("claims.yaml"), "--now", NOW]);
    let told = "\
payments/checkout@phx-a-1  public-v4  203.0.113.3 2001:db8:1::   new
payments/checkout@phx-c-2  public-v4  203.0.113.7 2001:db8:1::4  new
payments/checkout@rno-b-1  public-v4  203.0.113.4 2001:db8:1::1  new
payments/checkout@slc-a-1  public-v4  203.0.113.1 2001:db8:1::2  new
payments/checkout@slc-b-2  public-v4  203.0.113.2 2001:db8:1::3  new
";
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains(told), "{}", ran.out);
}

#[test]
fn a_refusal_says_why_an_address_is_not_shared() {
    let of = |rest: &str| {
        let first = "{ owner: x/a, vip: { scope: all, pool: inside, sharingKey: k, exclusive: false, families: [ipv4], addresses: [10.200.0.9] }, ports: [443/tcp] }";
        let second = with(&with(first, "x/a", "y/b"), "443/tcp", "443/tcp, 80/tcp");
        let second = with(&second, "sharingKey: k, exclusive: false", rest);
        let ran = claims(&format!("claims:\n  - {first}\n  - {second}\n"), &[]);
        let told = ran.out.replace('\n', " ");
        let (_, why) = told.split_once("with whom it may not be shared: ").expect("it is refused");
        (ran.status, why.trim().to_owned())
    };
    for (rest, why) in [
        ("sharingKey: k, exclusive: false", "both serve 443/tcp"),
        ("sharingKey: j, exclusive: false", "their sharing keys are `k` and `j`"),
        ("sharingKey: k, exclusive: false, isolationGroup: g", "their isolation groups are none and `g`"),
        ("exclusive: true", "y/b has no sharing key, and shares with nobody"),
    ] {
        assert_eq!(of(rest), (1, why.to_owned()));
    }
}

#[test]
fn half_of_a_list_releases_nothing() {
    let text = checkout_text("claims.yaml");
    let (head, rest) = text.split_once("claims:\n").expect("it has claims");
    let (_, records) = rest.split_once("held:\n").expect("it has records");
    let records = records.replace("*ports", "[80/tcp]");
    assert_eq!(
        refused(&claims(&format!("{head}held:\n{records}"), &[])),
        "<stdin>:3:1: error: claims: the field `claims` is missing; add it"
    );
    let none = |head: &str| claims(&format!("{head}claims: []\nheld:\n{records}"), &["--format", "json"]);
    let count = |document: &Value| {
        [&document["assigned"], &document["released"]].map(|list| list.as_array().unwrap().len())
    };
    assert_eq!(count(&none(&with(head, "complete: true", "complete: false")).json()), [5, 1]);
    // nobody claims any of them, which a list that was cut off says, too
    let all = none(head);
    let document: Value = serde_json::from_str(&all.out).expect("it is JSON");
    assert_eq!((all.status, count(&document), document["releases"].as_u64()), (1, [5, 1], Some(5)));
    let text = claims(&format!("{head}claims: []\nheld:\n{records}"), &[]).out;
    let hash = document["hash"].as_str().expect("a hash");
    let end = format!(
        "\
held back: 5 releases, more than maxReleases of the pool lets go without an
approval:
  203.0.113.3 of payments/checkout@phx-a-1
  203.0.113.4 of payments/checkout@rno-b-1
  203.0.113.5 of payments/checkout@rno-c-3
  203.0.113.1 of payments/checkout@slc-a-1
  203.0.113.2 of payments/checkout@slc-b-2
these releases, and no others, are approved by this line in CLAIMS:
  approved: {hash}
"
    );
    assert!(text.ends_with(&end), "{text}");
    assert_eq!(count(&none(&format!("approved: {hash}\n{head}")).json()), [0, 6]);
}

/// One rule for every change of a request that does not fit what is held.
#[test]
fn a_claim_for_all_targets_does_not_take_the_addresses_of_each() {
    let all = |text: &str| {
        let (head, rest) = text.split_once("  - owner: payments/checkout@slc-a-1").expect("the first claim");
        let (anchors, rest) = rest.split_once("  - { owner: payments/checkout@slc-b-2").expect("the second");
        let (_, rest) = rest.split_once("  # One address inside").expect("those of others");
        let anchors = anchors.replace("exclusive: true", "scope: all, exclusive: true");
        format!(
            "{head}  - owner: payments/checkout{anchors}    targets: [slc-a-1]\n  # One address inside{rest}"
        )
    };
    let ran = claims(&all(&checkout_text("claims.yaml")), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let end = "\
2 new, 5 kept, 1 refused
refused: payments/checkout: it holds 203.0.113.3 and 203.0.113.4 and 203.0.113.5
and 203.0.113.1 and 203.0.113.2, which the request no longer fits; have them
released first, so that their names are withdrawn before
";
    assert!(ran.out.ends_with(end), "{}", ran.out);
}

#[test]
fn what_is_wrong_in_a_file_is_told_at_its_place() {
    let text = checkout_text("claims.yaml");
    for (from, to, expected) in [
        (
            "version: 1",
            "version: 2",
            "3:10: error: version: version 2 is not known; write 1, or leave it out",
        ),
        ("complete:", "complet:", "4:1: error: complet: unknown field `complet`; did you mean `complete`?"),
        (
            "checkout@slc-a-1\n",
            "checkout@slc-a-11\n",
            "6:12: error: claims[0].owner: there is no target `slc-a-11`; did you mean `slc-a-1`?",
        ),
        (
            "payments/checkout@slc-a-1\n",
            "checkout\n",
            "6:12: error: claims[0].owner: `checkout` is no owner of addresses: write namespace/name",
        ),
        (
            "exclusive: true",
            "exclusive: false",
            "7:45: error: claims[0].vip.exclusive: exclusive: false says nothing without a sharingKey",
        ),
        (
            "[80/tcp, 443/tcp]",
            "[80, 443]",
            "8:20: error: claims[0].ports[0]: `80` is no port: write a number from 1 to 65535 and a protocol",
        ),
        (
            "checkout@slc-b-2, vip",
            "checkout@slc-a-1, vip",
            "10:14: error: claims[1].owner: `payments/checkout@slc-a-1` stands on line 6 already",
        ),
        (
            "targets: [slc-a-1, slc-b-1]",
            "targets: [slc-a-1, slc-b]",
            "17:24: error: claims[5].targets[1]: there is no target `slc-b`; did you mean `slc-b-1`?",
        ),
        (
            "addresses: [203.0.113.1]",
            "addresses: [203.0.113.256]",
            "24:70: error: held[0].addresses[0]: no IP address; write one such as",
        ),
        (
            "addresses: [203.0.113.1]",
            "addresses: []",
            "24:69: error: held[0].addresses: an empty list holds nothing; write at least an address",
        ),
        (
            "until: 2026-11-30T18:30:00Z",
            "until: tomorrow",
            "31:12: error: released[0].until: `tomorrow` is no date: write a date such as",
        ),
    ] {
        let ran = claims(&with(&text, from, to), &[]);
        let told = refused(&ran);
        assert!(told.starts_with(&format!("<stdin>:{expected}")), "{to}: {told}");
    }
}

#[test]
fn what_is_no_pool_no_claim_or_no_date_is_refused() {
    let [fleet, file] = ["fleet.yaml", "claims.yaml"].map(checkout);
    let told = |arguments: &[&str]| refused(&overspill(&[&["vip-plan"], arguments].concat())).to_owned();
    assert_eq!(
        told(&[&checkout("access-point.yaml"), &file]),
        "overspill: error: no VipPool is in ../examples/checkout/access-point.yaml; name the file of the pools"
    );
    assert_eq!(
        told(&[&file, &fleet]),
        "../examples/checkout/claims.yaml: error: is a file of claims, and one of objects is wanted here; name that one"
    );
    assert_eq!(
        told(&["-", "-"]),
        "overspill: error: POOLS and CLAIMS cannot both be standard input; name one of the two"
    );
    let expected = "error: invalid value 'noon' for '--now <DATE>': write a date such as 2026-11-26T03:21:23Z (RFC 3339)";
    assert_eq!(told(&[&fleet, &file, "--now", "noon"]), expected);
    // pools alone know no targets, so none is held against a claim
    let pools = "apiVersion: overspill.dev/v1alpha1\nkind: VipPool\nmetadata: { name: p }\nspec: { addresses: [192.0.2.0/30] }\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pools.yaml");
    std::fs::write(&path, pools).unwrap();
    let ran = overspill_with(&["vip-plan", path.to_str().unwrap(), "-"], "claims: [{ owner: a/b@anywhere }]");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("a/b@anywhere  p     192.0.2.0  new\n"), "{}", ran.out);
}

/// What a plan answers is the next one's records: nothing changes by asking again.
#[test]
fn a_plan_is_the_next_plans_records() {
    let first = claims(&checkout_text("claims.yaml"), &["--format", "json"]).json();
    let holders = first["held"].as_array().expect("a list");
    assert_eq!(holders.len(), first["assigned"].as_array().expect("a list").len());
    assert_eq!(
        holders[0],
        json!({ "owner": "ledger/accounts", "pool": "inside", "addresses": ["10.200.0.0", "2001:db8:200::"],
            "sharingKey": "ledger", "ports": ["8081/tcp"] })
    );
    let text = checkout_text("claims.yaml");
    let wants = text.split_once("\nheld:").expect("claims come first").0;
    let next = format!("{wants}\nheld: {}\nreleased: {}\n", first["held"], first["released"]);
    let second = claims(&next, &["--format", "json"]).json();
    for part in ["held", "released", "pools", "refused", "problems"] {
        assert_eq!(second[part], first[part], "{part}");
    }
    let is_new = |one: &Value| one["is_new"] == true;
    assert!(first["assigned"].as_array().expect("a list").iter().any(is_new));
    assert!(!second["assigned"].as_array().expect("a list").iter().any(is_new), "all have what they had");
}

#[test]
fn a_holder_whose_claim_names_no_pool_is_told_the_nearest() {
    let text =
        checkout_text("claims.yaml").replace("pool: public-v4, exclusive", "pool: public-v5, exclusive");
    let ran = claims(&text, &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let told =
        "refused: payments/checkout@slc-a-1: there is no VipPool `public-v5`; did you\nmean `public-v4`?\n";
    assert!(ran.out.contains(told), "{}", ran.out);
}
