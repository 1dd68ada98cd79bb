//! `overspill dns-plan`: the changes, deletions that are held back and approved, errors, bad input.

use serde_json::{Value, json};

use crate::contract::{Is, holds_all};
use crate::{Ran, checkout, checkout_text, overspill, overspill_with, refused, with};

fn wanted(desired: &str, arguments: &[&str]) -> Ran {
    overspill_with(&[&["dns-plan", "-", &checkout("current.yaml")], arguments].concat(), desired)
}

fn there(current: &str, arguments: &[&str]) -> Ran {
    overspill_with(&[&["dns-plan", &checkout("desired.yaml"), "-"], arguments].concat(), current)
}

#[test]
fn the_changes_are_printed_name_by_name() {
    let ran = wanted(&checkout_text("desired.yaml"), &[]);
    let expected = "\
~ TXT   _overspill-a.checkout.example.com  30s -> 5m
    - mark of payments/checkout@phx-a-1: 203.0.113.3
    - mark of payments/checkout@rno-c-3: 203.0.113.5
    + mark of payments/checkout@phx-c-2: 203.0.113.7
~ A     checkout.example.com  30s
    - 203.0.113.3
    - 203.0.113.5
    + 203.0.113.7
+ TXT   _overspill-cname.pay.example.com  5m
    + mark of payments/checkout: checkout.example.com
+ CNAME pay.example.com  5m
    + checkout.example.com
2 creates, 2 updates, 0 deletes, 0 errors
1 owner leaves a record; 1 may without an approval
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    let document = wanted(&checkout_text("desired.yaml"), &["--format", "json"]).json();
    let lists = ["/changes", "/held_back", "/notes", "/errors"];
    holds_all(&document, &lists.map(|field| (field, Is::List)));
    holds_all(&document, &[("/deletions", Is::Count), ("/max_deletions", Is::Count)]);
    assert_eq!(document["hash"], Value::Null, "nothing waits for an approval");
    let actions: Vec<&Value> =
        document["changes"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["update", "update", "create", "create"]);
    assert_eq!(
        document["changes"][1]["record"]["values"],
        json!(["203.0.113.1", "203.0.113.2", "203.0.113.4", "203.0.113.7"])
    );
}

/// Making the changes leaves nothing to do.
#[test]
fn a_plan_that_is_made_has_no_successor() {
    let document = wanted(&checkout_text("desired.yaml"), &["--format", "json"]).json();
    let records: Vec<&Value> =
        document["changes"].as_array().unwrap().iter().map(|one| &one["record"]).collect();
    let current = serde_json::to_string(&json!({ "version": 1, "records": records })).unwrap();
    let ran = there(&current, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "0 creates, 0 updates, 0 deletes, 0 errors\n"));
}

#[test]
fn many_deletions_wait_for_the_approval_of_exactly_these() {
    let text = with(&checkout_text("desired.yaml"), "maxDeletions: 1", "maxDeletions: 0");
    let ran = wanted(&text, &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let (_, told) = ran.out.split_once("held back: ").expect("it is told");
    let (told, hash) = told.split_once("  approved: ").expect("the line to write");
    let expected = "\
1 deletion, where 0 may be made without an approval:
  A checkout.example.com for payments/checkout@rno-c-3
exactly these are approved by this line in DESIRED:
";
    assert_eq!(told, expected);
    let document: Value = serde_json::from_str(&wanted(&text, &["--format", "json"]).out).unwrap();
    assert_eq!((document["hash"].as_str(), document["deletions"].as_u64()), (Some(hash.trim()), Some(1)));
    assert_eq!(document["held_back"][0]["owner"], "payments/checkout@rno-c-3");
    let approved = with(&text, "names:", &format!("approved: {hash}names:"));
    let ran = wanted(&approved, &[]);
    assert_eq!((ran.status, ran.out.contains("    - 203.0.113.5\n")), (0, true), "{}", ran.out);
    // another hash approves nothing
    let other = with(&text, "names:", &format!("approved: {}\nnames:", "a".repeat(64)));
    assert_eq!(wanted(&other, &[]).status, 1);
}

#[test]
fn an_error_of_one_name_leaves_the_others() {
    let ran =
        there(&with(&checkout_text("current.yaml"), "name: www.example.com", "name: pay.example.com"), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let end = "\
0 creates, 2 updates, 0 deletes, 1 error
1 owner leaves a record; 1 may without an approval
error: pay.example.com: it has a record of kind CNAME that bears no mark of
ours; nothing of it is touched: remove it, or choose another name
";
    assert!(ran.out.ends_with(end), "{}", ran.out);
}

/// Who is drained and the only one that is healthy stays until that is approved.
#[test]
fn a_drain_that_would_leave_nobody_healthy_is_held_back() {
    let text = checkout_text("desired.yaml");
    let mut text =
        text.replace("health: healthy", "health: unhealthy").replace("health: unknown", "health: unhealthy");
    text = text.replacen("health: unhealthy }", "health: healthy, drained: true }", 1);
    let ran = wanted(&with(&text, "maxDeletions: 1", "maxDeletions: 9, minHealthy: 0%"), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let (_, told) = ran.out.split_once("held back: ").expect("it is told");
    let (told, hash) = told.split_once("  approved: ").expect("the line to write");
    let expected = "\
2 deletions that would leave nobody healthy:
  A checkout.example.com for payments/checkout@rno-c-3
  A checkout.example.com for payments/checkout@slc-a-1
exactly these are approved by this line in DESIRED:
";
    assert_eq!(told, expected);
    let note = "\
note: checkout.example.com: payments/checkout@slc-a-1 is drained and stays all
the same, for it is healthy and nobody else is known to be; its deletion waits
for an approval
";
    assert!(hash.ends_with(note), "{hash}");
    assert!(!ran.out.contains("    - 203.0.113.1\n"), "{}", ran.out);
}

#[test]
fn checks_that_leave_too_few_and_values_without_a_mark_are_told() {
    let text = checkout_text("desired.yaml");
    let text = text.replace("health: healthy", "health: unhealthy");
    let current = checkout_text("current.yaml").replace("[203.0.113.1, ", "[203.0.113.1, 198.51.100.9, ");
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("current.yaml");
    std::fs::write(&path, current).expect("there is room");
    let text = with(&text, "maxDeletions: 1", "maxDeletions: 2");
    let ran = overspill_with(&["dns-plan", "-", path.to_str().expect("it is text")], &text);
    let end = "\
1 owner leaves a record and 1 value without a mark goes; 2 may without an approval
note: checkout.example.com: without the unhealthy 1 of 5 members would be left,
and 50% must be (minHealthy of the provider): the checks are not believed, and
whoever is published stays
note: checkout.example.com: 198.51.100.9 is in its A record and no mark speaks
of it: it goes, and counts as a deletion
";
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.ends_with(end), "{}", ran.out);
}

/// All IPv4 goes and IPv6 comes for it: what comes is made, and whoever has IPv4 only is not cut off.
#[test]
fn a_family_of_addresses_that_goes_from_many_names_is_held_back() {
    let of = |number: usize, line: fn(usize) -> String| (0..number).map(line).collect::<String>();
    let wants = |number| {
        format!(
            "\n  - {{ name: x{number}.example.com, members: [{{ owner: n/x{number}@t, addresses: [\"2001:db8::{number}\"], health: healthy }}] }}"
        )
    };
    let has = |number| {
        let mark = format!("heritage=overspill,fleet=fleet-1,owner=n/x{number}@t,values=10.0.0.{number}");
        format!(
            "\n  - {{ name: x{number}.example.com, kind: A, values: [10.0.0.{number}], ttl: 30s }}\n  - {{ name: _overspill-a.x{number}.example.com, kind: TXT, values: [\"{mark}\"], ttl: 5m }}"
        )
    };
    let desired = checkout_text("desired.yaml");
    let (head, _) = desired.split_once("names:").expect("it has names");
    let desired = format!("{head}names:{}", of(9, wants));
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("current.yaml");
    std::fs::write(&path, format!("records:{}", of(9, has))).expect("there is room");
    let ran = overspill_with(&["dns-plan", "-", path.to_str().expect("it is text")], &desired);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let told = "\
18 creates, 0 updates, 0 deletes, 0 errors
held back: 9 deletions, where 1 may be made without an approval:
  A x0.example.com for n/x0@t
";
    assert!(ran.out.contains(told), "{}", ran.out);
}

#[test]
fn aliases_in_a_circle_are_refused_by_name_and_the_others_are_planned() {
    let text = checkout_text("desired.yaml");
    let alias = |name: &str, to: &str| {
        format!("  - {{ name: {name}.example.com, alias: {to}.example.com, owner: payments/{name} }}\n")
    };
    let ran = wanted(&format!("{text}{}{}", alias("a", "b"), alias("b", "a")), &[]);
    let told = "\
error: a.example.com: it is an alias of b.example.com, which leads back to it in
a circle of 2 names, so that no address is ever found; nothing of it is changed:
let one of these lead to addresses, or elsewhere
error: b.example.com: it is an alias of a.example.com, which leads back to it in
a circle of 2 names, so that no address is ever found; nothing of it is changed:
let one of these lead to addresses, or elsewhere
";
    let alone = wanted(&text, &[]).out;
    assert_eq!((ran.status, ran.out), (1, alone.replace("0 errors", "2 errors") + told));
}

/// Whoever writes another team's name into an access point of his gets nothing of it, and takes nothing.
#[test]
fn a_name_of_another_namespace_is_not_taken() {
    let text = checkout_text("desired.yaml");
    let other = "  - { name: checkout.example.com, ttl: 1s, members: [{ owner: web/shop@slc-a-1, addresses: [198.51.100.1], health: healthy }] }\n";
    let ran = wanted(&format!("{text}{other}"), &[]);
    let told = "\
error: checkout.example.com: web/shop wants it, and it is payments/checkout's,
of another namespace; nothing new of web/shop is published: choose another name,
or reserve it for both in NameProvider `corp`
";
    let alone = wanted(&text, &[]).out;
    assert_eq!((ran.status, ran.out), (1, alone.replace("0 errors", "1 error") + told));
    let agreed = with(
        &format!("{text}{other}"),
        "maxDeletions: 1",
        "maxDeletions: 1, reservations: [{ name: checkout.example.com, namespaces: [payments, web] }]",
    );
    let ran = wanted(&agreed, &[]);
    assert_eq!((ran.status, ran.out.contains("    + 198.51.100.1\n")), (0, true), "{}", ran.out);
}

#[test]
fn what_is_wrong_in_desired_names_is_told_at_its_place() {
    let text = checkout_text("desired.yaml");
    for (from, to, expected) in [
        (
            "version: 1",
            "version: 3",
            "2:10: error: version: version 3 is not known; write 1, or leave it out",
        ),
        (
            "kind: NameProvider",
            "kind: Issuer",
            "5:9: error: provider.kind: Issuer is not possible here; write NameProvider",
        ),
        ("domains: [example.com]", "domains: []", "7:20: error: provider.spec.domains: an empty list"),
        (
            "names:",
            "aproved: abc\nnames:",
            "8:1: error: aproved: unknown field `aproved`; did you mean `approved`? (known here: version, provider, approved, names)",
        ),
        (
            "names:",
            "approved: abc\nnames:",
            "8:11: error: approved: `abc` is no revision: write 64 lower-case hexadecimal digits",
        ),
        ("names:", "nmes:", "8:1: error: nmes: unknown field `nmes`; did you mean `names`?"),
        (
            "- name: checkout.",
            "- name: checkout..",
            "9:11: error: names[0].name: `checkout..example.com` is no host name",
        ),
        ("ttl: 30s", "ttl: 30", "10:10: error: names[0].ttl: `30` is no duration: a number without a unit"),
        (
            "ttl: 30s",
            "ttl: 10d",
            "10:10: error: names[0].ttl: 10d is no time to live; write whole seconds from 1s to 7d",
        ),
        (
            "[203.0.113.1]",
            "[203.0.113]",
            "12:57: error: names[0].members[0].addresses[0]: no IP address; write one such as 203.0.113.10 or 2001:db8::10",
        ),
        (
            "health: healthy",
            "health: well",
            "12:79: error: names[0].members[0].health: unknown name `well`; did you mean `healthy`?",
        ),
        (
            "checkout@slc-b-2",
            "checkout@slc-a-1",
            "13:18: error: names[0].members[1].owner: `payments/checkout@slc-a-1` stands on line 12 already",
        ),
        (
            ", owner: payments/checkout }",
            " }",
            "17:46: error: names[1].alias: an alias says nothing without owner",
        ),
    ] {
        let ran = wanted(&with(&text, from, to), &[]);
        let told = refused(&ran);
        assert!(told.starts_with(&format!("<stdin>:{expected}")), "{to}: {told}");
    }
}

#[test]
fn what_is_wrong_in_current_records_is_told_at_its_place() {
    let text = checkout_text("current.yaml");
    for (from, to, expected) in [
        (
            "kind: A,",
            "kind: A/B,",
            "4:41: error: records[0].kind: `A/B` is no kind of record: write the kind as in a zone file",
        ),
        ("kind: A,", "type: A,", "4:35: error: records[0].type: unknown field `type`"),
        ("ttl: 30s, ", "", "4:5: error: records[0].ttl: the field `ttl` is missing; add it"),
        (
            "name: www.example.com, kind: CNAME",
            "name: Checkout.example.com., kind: a",
            "15:13: error: records[2].name: `A checkout.example.com` stands on line 4 already",
        ),
    ] {
        let ran = there(&with(&text, from, to), &[]);
        let told = refused(&ran);
        assert!(told.starts_with(&format!("<stdin>:{expected}")), "{to}: {told}");
    }
}

/// A zone has names that no host may have: others', which are in nobody's way.
#[test]
fn records_of_names_that_no_host_has_are_let_be() {
    let text = checkout_text("current.yaml");
    let of = |name: &str| {
        let other = format!("  - {{ name: '{name}', kind: TXT, ttl: 1h, values: [theirs] }}\n");
        there(&format!("{}\n{other}", text.trim_end()), &[])
    };
    let plan = there(&text, &[]);
    for name in
        ["a_b.example.com", "_acme-challenge.a_b.example.com", "-.example.com", "a.*.example.com", "com"]
    {
        let ran = of(name);
        assert_eq!((ran.status, &ran.out, ran.err.as_str()), (plan.status, &plan.out, ""), "{name}");
    }
    let long = format!("{}.example.com", "a".repeat(64));
    for name in ["a..example.com", "", &long] {
        let ran = of(name);
        let told = refused(&ran);
        assert!(told.contains("a label is empty or longer than 63 bytes"), "{name}: {told}");
    }
}

/// What is not in a list is gone, so a file that ends before its list is refused.
#[test]
fn a_file_that_was_cut_off_deletes_nothing() {
    let desired = checkout_text("desired.yaml");
    let (head, _) = desired.split_once("names:").expect("it has names");
    assert_eq!(
        refused(&wanted(head, &[])),
        "<stdin>:2:1: error: names: the field `names` is missing; add it"
    );
    for (text, expected) in [
        ("", "<stdin>:1:1: error: nothing is in it; write the fields of one of our files"),
        ("version: 1\n", "<stdin>:1:1: error: records: the field `records` is missing; add it"),
    ] {
        assert_eq!(refused(&there(text, &[])), expected);
    }
    assert_eq!(there("records: []", &[]).status, 0, "an empty zone is one that says so");
}

#[test]
fn files_that_are_something_else_are_told_so() {
    let [desired, current] = ["desired.yaml", "current.yaml"].map(checkout);
    let told = |arguments: &[&str]| refused(&overspill(&[&["dns-plan"], arguments].concat())).to_owned();
    assert_eq!(
        told(&[&current, &desired]),
        "../examples/checkout/current.yaml: error: is a file of current, and one of desired is wanted here; name that one"
    );
    assert_eq!(
        told(&[&desired, &checkout("fleet.yaml")]),
        "../examples/checkout/fleet.yaml: error: is a file of objects, and one of current is wanted here; name that one"
    );
    // a field that slipped to the top of the right file is told as that
    let slipped = with(&checkout_text("desired.yaml"), "  kind: NameProvider", "kind: NameProvider");
    assert_eq!(
        refused(&wanted(&slipped, &[])),
        "<stdin>:4:3: error: kind: the field `kind` is missing; add it"
    );
    assert_eq!(
        told(&["-", "-"]),
        "overspill: error: DESIRED and CURRENT cannot both be standard input; name one of the two"
    );
}
