//! Tests of what is read and written: marks and values as texts, files of names and records, services.

use super::*;

/// A mark of long names is longer than one string of a TXT record, and providers give back what they were given.
#[test]
fn marks_longer_than_one_string_of_a_record() {
    let long = |letter: &str| letter.repeat(63);
    let owner = format!("{}/{}@{}", long("n"), long("a"), long("t"));
    let wanted = || {
        vec![leads(
            "shop.example.com",
            vec![member(&format!("{owner} 203.0.113.100 203.0.113.101 203.0.113.102"))],
        )]
    };
    let records = settled(wanted());
    let mut as_zone_file = records.clone();
    for record in &mut as_zone_file {
        record.values = record.presentation().into_iter().collect();
    }
    let mark = as_zone_file.iter().find(|record| record.kind == RecordKind::Txt).unwrap();
    let mark = mark.values.first().unwrap();
    assert!(mark.split("\" \"").count() == 2 && mark.split("\" \"").all(|part| part.len() <= 256), "{mark}");
    let plan = plan(&wanted(), &as_zone_file, &provider("1"), None);
    assert_eq!(
        (&plan.changes[..], errors(&plan)),
        (&[][..], vec![]),
        "it is known for ours, and nothing is to be done"
    );
}

#[test]
fn texts_as_zone_files_have_them() {
    let read = |value: &str| record("a.example.com", "TXT", &[value]).normal().values.pop_first().unwrap();
    for (value, expected) in [
        ("plain", "plain"),
        (r#""in quotes""#, "in quotes"),
        (r#""two " "strings""#, "two strings"),
        (r#""a\;b\"c\\d\059""#, r#"a;b"c\d;"#),
        (r#""open"#, r#""open"#),
        (r#""a" b"#, r#""a" b"#),
        (r#""bad \999""#, r#""bad \999""#),
        ("", ""),
        (r#""""#, ""),
    ] {
        assert_eq!(read(value), expected, "{value}");
    }
    let cname = record("a.example.com", "CNAME", &["b.example.com"]);
    assert_eq!(cname.presentation(), ["b.example.com."]);
}

#[test]
fn files() {
    let text = "
provider: { apiVersion: overspill.dev/v1alpha1, kind: NameProvider, metadata: { name: corp }, spec: { domains: [example.com] } }
names:
  - name: shop.example.com
    ttl: 60s
    members: [{ owner: n/x@a, addresses: [10.0.0.1], health: healthy }, { owner: n/x@b, addresses: [10.0.0.2], drained: true }]
  - { name: www.example.com, alias: shop.example.com, owner: n/www }";
    let file: DesiredFile = serde_saphyr::from_str(text).unwrap();
    let (provider, wanted) = file.check().unwrap();
    let current: CurrentFile = serde_saphyr::from_str(
        "records: [{ name: shop.example.com, kind: MX, values: [10 mail.example.com], ttl: 1h }]",
    )
    .unwrap();
    let plan = plan(&wanted, &current.check().unwrap(), &provider, file.approved);
    let json = serde_json::to_value(&plan).unwrap();
    let records: Vec<String> = json["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| format!("{} {}", change["action"], change["record"]["kind"]))
        .collect();
    assert_eq!(records, [r#""create" "TXT""#, r#""create" "A""#, r#""create" "TXT""#, r#""create" "CNAME""#]);
    assert_eq!(json["changes"][1]["record"]["values"], serde_json::json!(["10.0.0.1"]));
    let refused = [
        (text.replace("ttl: 60s", "ttl: 1500ms"), "names[0].ttl: 1500ms is no time to live"),
        (
            text.replace("alias: shop.example.com, ", ""),
            "names[1]: write one of members or alias; none is given",
        ),
        (text.replace(", owner: n/www", ""), "names[1].alias: an alias says nothing without owner"),
        (text.replace("domains: [example.com]", "domains: []"), "provider.spec.domains: an empty list"),
        (
            text.replace("owner: n/x@b", "owner: n/x@a"),
            "names[0].members[1].owner: `n/x@a` is already [0] of this list",
        ),
        (
            text.replace("[10.0.0.1]", "[\"::ffff:10.0.0.1\"]"),
            "names[0].members[0].addresses[0]: ::ffff:10.0.0.1 can be no VIP; write 10.0.0.1, which it stands for",
        ),
        (text.replace("[10.0.0.2]", "[0.0.0.0]"), "names[0].members[1].addresses[0]: 0.0.0.0 can be no VIP"),
        (
            text.replace("[10.0.0.2]", "[10.0.0.2, 10.0.0.2]"),
            "names[0].members[1].addresses[1]: `10.0.0.2` is already [0] of this list",
        ),
        (format!("version: 2{text}"), "version: version 2 is not known"),
    ];
    for (text, expected) in refused {
        let file: DesiredFile = serde_saphyr::from_str(&text).unwrap();
        let found = file.check().unwrap_err().to_string();
        assert!(found.starts_with(expected), "{found}");
    }
    let approved = |hash: &str| {
        let text = format!("approved: {hash}\n{text}");
        let file: Result<DesiredFile, _> = serde_saphyr::from_str(&text);
        file.map(|file| file.approved).map_err(|error| error.without_snippet().to_string())
    };
    assert_eq!(approved(&"0f".repeat(32)), Ok(Some(Revision([15; 32]))));
    for hash in ["0f".to_owned(), "é".repeat(32), "0g".repeat(32)] {
        let found = approved(&hash).unwrap_err();
        assert!(
            found.contains("write 64 lower-case hexadecimal digits"),
            "what is no hash approves nothing: {found}"
        );
    }
    let twice = "records: [{ name: a.example.com, kind: A, values: [], ttl: 1h }, { name: A.example.com, kind: a, values: [], ttl: 2h }]";
    let current: CurrentFile = serde_saphyr::from_str(twice).unwrap();
    let found = current.check().unwrap_err().to_string();
    assert!(found.starts_with("records[1].name: `A a.example.com` is already [0] of this list"), "{found}");
}

#[test]
fn services() {
    let service = |target: &str| -> Result<NameService, String> {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: NameService, metadata: {{ name: www, namespace: web }}, \
             spec: {{ fqdn: www.example.com, provider: corp, target: {target} }} }}"
        );
        let object: crate::api::NameService = serde_saphyr::from_str(&text).unwrap();
        NameService::try_from(object).map_err(|error| error.to_string())
    };
    let table = [
        ("{}", "spec.target: write one of accessPoint, addresses or alias; none is given"),
        (
            "{ accessPoint: a, alias: b.example.com }",
            "spec.target: write one of accessPoint, addresses or alias; given are accessPoint and alias",
        ),
        ("{ addresses: [] }", "spec.target.addresses: an empty list"),
        ("{ addresses: [10.0.0.1, 10.0.0.1] }", "spec.target.addresses[1]: `10.0.0.1` is already"),
        ("{ addresses: [0.0.0.0] }", "spec.target.addresses[0]: 0.0.0.0 can be no VIP"),
        ("{ alias: www.example.com. }", "spec.target.alias: a name cannot be an alias of itself"),
        ("{ alias: \"*.example.org\" }", "spec.target.alias: *.example.org stands for many names"),
    ];
    for (target, expected) in table {
        let found = service(target).unwrap_err();
        assert!(found.starts_with(expected), "{found}");
    }
    let wanted = |target: &str| service(target).unwrap().wanted(vec![member("web/shop@a 10.0.0.1")]);
    let records = settled(vec![wanted("{ addresses: [10.0.0.7] }")]);
    assert_eq!(values(&records, "www.example.com", "A"), "10.0.0.7");
    let records = settled(vec![wanted("{ alias: shop.example.com }")]);
    assert_eq!(values(&records, "www.example.com", "CNAME"), "shop.example.com");
    let records = settled(vec![wanted("{ accessPoint: shop }")]);
    assert_eq!(values(&records, "www.example.com", "A"), "10.0.0.1");
}
