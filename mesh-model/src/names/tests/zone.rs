//! Tests of files of records: a zone is more than names of hosts.

use super::*;

/// A zone has names that no host may have; they are others', and the file is read all the same.
#[test]
fn records_of_names_that_no_host_has_are_let_be() {
    let zone = r"
records:
  - { name: a_b.example.com, kind: A, values: [10.0.0.9], ttl: 1h }
  - { name: _dmarc.example.com, kind: TXT, values: [v=DMARC1], ttl: 1h }
  - { name: '\042.example.com.', kind: A, values: [10.0.0.9], ttl: 1h }
  - { name: -.shop.example.com, kind: CNAME, values: [a_b.example.com], ttl: 1h }
  - { name: example.com, kind: NS, values: [ns.example.net], ttl: 1h }";
    let file: CurrentFile = serde_saphyr::from_str(zone).unwrap();
    let current = file.check().unwrap();
    let names: Vec<&str> = current.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["_dmarc.example.com", "*.example.com", "example.com"]);
    let wanted =
        [leads(SHOP, vec![member("n/x@a 10.0.0.1")]), leads("*.example.com", vec![member("n/y@a 10.0.0.1")])];
    let plan = plan(&wanted, &current, &provider("0"), None);
    assert_eq!(plan.changes.len(), 2, "the shop's: {:?}", plan.changes);
    assert!(
        errors(&plan)[0].starts_with("*.example.com: it has a record of kind A that bears no mark of ours")
    );
    for (name, expected) in [
        ("a..example.com", "a label is empty or longer than 63 bytes"),
        (&*format!("{}.example.com", "a".repeat(64)), "a label is empty or longer than 63 bytes"),
        (&*"a.".repeat(128), "longer than 253 bytes"),
        ("\\300.example.com", "a backslash is before one character, or before three decimal digits"),
    ] {
        let file: Result<CurrentFile, _> =
            serde_saphyr::from_str(&zone.replace("a_b.example.com, kind", &format!("'{name}', kind")));
        let found = file.map(|_| ()).unwrap_err().without_snippet().to_string();
        assert!(found.contains(expected), "{name}: {found}");
    }
    let twice = zone.replace("_dmarc.example.com, kind: TXT", "A_B.example.com, kind: A");
    let file: CurrentFile = serde_saphyr::from_str(&twice).unwrap();
    let found = file.check().unwrap_err().to_string();
    assert!(found.starts_with("records[1].name: `A a_b.example.com` is already [0] of this list"), "{found}");
}
