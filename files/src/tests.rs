//! Tests of reading: every class of fault, where it is and how it is told.

use lb_core::config::{Config, LbFile};

use super::*;

/// The start of an LB file: six lines follow to make it wrong.
const HEAD: &str = "\
hashKey: 000102030405060708090a0b0c0d0e0f
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
";

/// The fault in a file as `LINE:COLUMN FIELD: MESSAGE`.
fn fault(text: &str) -> String {
    let source = Source::new("lb.yaml", text);
    let fault = source.parse::<LbFile>().map(|_| ()).expect_err(text);
    let place =
        [fault.line, fault.column].map(|number| number.map_or_else(|| "?".to_owned(), |n| n.to_string()));
    format!("{} {}: {}", place.join(":"), fault.field.unwrap_or_default(), fault.message)
}

/// The fault that lines after [`HEAD`] make.
fn check(lines: &str, expected: &str) {
    assert_eq!(fault(&format!("{HEAD}{lines}")), expected, "{lines}");
}

#[test]
fn misspelt_names_are_told_the_nearest() {
    let fields = "vip, port, protocol, hashFields, scheduler, forward, mtu, health, backends";
    check(
        "    bakends: []",
        &format!(
            "6:5 services[0].bakends: unknown field `bakends`; did you mean `backends`? (known here: {fields})"
        ),
    );
    check(
        "    hash_fields: [src]",
        &format!(
            "6:5 services[0].hash_fields: unknown field `hash_fields`; did you mean `hashFields`? (known here: {fields})"
        ),
    );
    check(
        "    scheduler: { kind: ring, point: 3 }",
        "6:30 services[0].scheduler.point: unknown field `point`; did you mean `points`? (known here: kind, tableSize, points, port, fallback)",
    );
    check(
        "    scheduler: { kind: maglv }",
        "6:24 services[0].scheduler.kind: unknown name `maglv`; did you mean `maglev`? (known here: maglev, rendezvous, ring, ipvs-mh, ipvs-sh)",
    );
    check(
        "    hashFields: [src, dest]",
        "6:23 services[0].hashFields[1]: unknown name `dest`; did you mean `dst`? (known here: proto, src, sport, dst, dport)",
    );
}

#[test]
fn missing_and_doubled_fields() {
    check(
        "    backends:\n      - weight: 3",
        "7:9 services[0].backends[0].address: the field `address` is missing; add it",
    );
    // the reader tells of the last key, whatever shape the mapping has
    check(
        "    backends:\n      - weight: 3\n        state: active",
        "7:9 services[0].backends[0].address: the field `address` is missing; add it",
    );
    check(
        "    backends: [{ weight: 3, state: active }]",
        "6:16 services[0].backends[0].address: the field `address` is missing; add it",
    );
    check(
        "    forward: { kind: gue }\n  - vip: 203.0.113.11\n    protocol: tcp",
        "7:5 services[1].port: the field `port` is missing; add it",
    );
    check(
        "    port: 80",
        "6:5 services[0].port: `port` is already given in this mapping; remove one of the two; the first is on line 4",
    );
    assert_eq!(fault("node: {}"), "1:1 services: the field `services` is missing; add it");
}

#[test]
fn wrong_types_and_values() {
    check(
        "    mtu: 70000",
        "6:10 services[0].mtu: 70000 is out of range; write a whole number from 596 to 65535",
    );
    check(
        "    mtu:",
        "6:5 services[0].mtu: nothing is not possible here; write a whole number from 596 to 65535",
    );
    check(
        "    mtu: [1]",
        "6:5 services[0].mtu: sequence is not possible here; write a whole number from 596 to 65535",
    );
    check(
        "    scheduler: maglev",
        "6:16 services[0].scheduler: fields are wanted here; write `{ name: value, ... }` or indented lines `name: value`",
    );
    check(
        "    backends: { address: 10.1.0.5 }",
        "6:15 services[0].backends: a list is wanted here; write `[ ... ]` or lines that begin with `-`",
    );
    check(
        "    forward: { kind: gre, spread: yes }",
        "6:35 services[0].forward.spread: no truth value; write true or false",
    );
    check(
        "    backends:\n      - address: 10.1.0.5:443",
        "7:18 services[0].backends[0].address: `10.1.0.5:443` is no IP address: write an address such as 10.1.0.5 or \"2001:db8::5\", without port or prefix length",
    );
    check(
        "    backends: [{ address: 10.1.0.5 }]\nconnections: { timeouts: { udp: 30 } }",
        "7:33 connections.timeouts.udp: `30` is no duration: a number without a unit; write a duration such as 250ms, 5s, 2m or 1h",
    );
}

#[test]
fn texts_that_are_no_yaml() {
    check("    backends: [", "6:15 : no YAML: unclosed bracket '['; close it");
    check("    mtu: \"x", "6:10 : no YAML: unclosed quote; close it");
    let fields = "vip, port, protocol, hashFields, scheduler, forward, mtu, health, backends";
    check("    mtv: [", &format!("6:5 mtv: unknown field `mtv`; did you mean `mtu`? (known here: {fields})"));
    let neighbours = "; indent this line as its neighbours are";
    let no_entry = "6:3 : no YAML: while parsing a block collection, did not find expected '-' indicator";
    check("  mtu: 3", &format!("{no_entry}{neighbours}"));
    let indented = Source::new("x", "a: b\n  c: d").parse::<serde_json::Value>().unwrap_err();
    let message = "no YAML: mapping values are not allowed in this context; indent this line as its neighbours are, or quote a text that holds `: `";
    assert_eq!((indented.line, indented.message.as_str()), (Some(2), message));
    check("\tmtu: 3", "5:15 : no YAML: while scanning a plain scalar, found a tab; indent with spaces");
    assert_eq!(
        fault("services:\n\t- vip: 203.0.113.10"),
        "2:2 : no YAML: tabs disallowed within this context (block indentation); indent with spaces"
    );
    check("    mtu: *one", "6:10 : no `&` anchor of this name stands above; write the value itself");
    check("---\nservices: []", "7:1 : a second document begins here; keep one per file and remove the `---`");
    assert_eq!(fault(""), "1:1 : nothing is in it; write the fields of one of our files");
    assert_eq!(
        fault("- services"),
        "1:1 : fields are wanted here; write `{ name: value, ... }` or indented lines `name: value`"
    );
}

#[test]
fn bombs_are_refused_quickly() {
    let mut bomb = String::from("a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let refused = |text: &str| Source::new("bomb", text).parse::<serde_json::Value>().unwrap_err().message;
    assert_eq!(refused(&bomb), "aliases repeat more here than any file of ours needs; write their parts out");
    // a part that many share is none
    let shared = format!("a: &a [{}]\nb:\n{}", vec!["x"; 50].join(", "), "- *a\n".repeat(60));
    let shared: serde_json::Value = Source::new("shared", &shared).parse().expect("it is short enough");
    assert_eq!(shared["b"][59][49], "x");
    let nested = "nested deeper than any file of ours; take levels out";
    for levels in [100, 10_000] {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(refused(&text), nested);
        // what has merges is read twice
        assert_eq!(refused(&format!("{text} # <<")), nested);
    }
}

#[test]
fn a_large_file_is_no_bomb() {
    // the library's own limit is 250,000 nodes
    let text = format!("[{}]", "1,".repeat(300_000));
    let list: Vec<u8> = Source::new("large", &text).parse().unwrap();
    assert_eq!(list.len(), 300_000);
}

#[test]
fn a_byte_that_is_no_utf8_has_a_place() {
    let path = std::env::temp_dir().join(format!("overspill-files-latin-{}.yaml", std::process::id()));
    std::fs::write(&path, b"a: 1\nb: M\xc3\xbcnchen, M\xfcnchen\n").unwrap();
    let fault = Source::read(&path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((fault.line, fault.column), (Some(2), Some(14)));
    assert_eq!(fault.message, "is no UTF-8 text from here on; save it as UTF-8");
}

#[test]
fn a_field_is_found_by_its_path() {
    let text = "a:\n  - b: { c.d: 1, c: 2 }\n    e: [x,\n      y]\nf: &f { g: 1 }\nh: *f\n";
    let source = Source::new("x", text);
    for (path, place) in [
        ("a", (2, 3)),
        ("a[0]", (2, 5)),
        ("a[0].b", (2, 8)),
        ("a[0].b.c.d", (2, 15)),
        ("a[0].b.c", (2, 21)),
        ("a[0].e[1]", (4, 7)),
        ("h", (6, 4)),
        // what is not there is shown where it would have to be
        ("a[0].missing", (2, 5)),
        ("a[7]", (2, 3)),
        ("missing", (1, 1)),
    ] {
        let fault = source.fault(path, String::new());
        assert_eq!((fault.line, fault.column), (Some(place.0), Some(place.1)), "{path}");
    }
}

/// The documents of a text, each with the line that it begins with.
fn documents(text: &str) -> Vec<(u32, String)> {
    let documents = Source::new("x", text).documents();
    documents.iter().map(|document| (document.first_line(), document.text().to_owned())).collect()
}

#[test]
fn a_stream_is_divided_at_its_marks() {
    for (text, expected) in [
        ("a: 1\n", &[(1, "a: 1\n")][..]),
        ("---\na: 1\n", &[(1, "---\na: 1\n")]),
        ("a: 1\n---\nb: 2", &[(1, "a: 1\n"), (2, "---\nb: 2")]),
        ("--- { a: 1 }\n--- # two\nb: 2\n", &[(1, "--- { a: 1 }\n"), (2, "--- # two\nb: 2\n")]),
        // a comment or a directive before the first mark belongs to what follows
        ("# x\n\n---\na: 1\n", &[(1, "# x\n\n---\na: 1\n")]),
        ("%YAML 1.2\n---\na: 1\n", &[(1, "%YAML 1.2\n---\na: 1\n")]),
        ("a: 1\n...\n%YAML 1.2\n---\nb: 2\n", &[(1, "a: 1\n...\n"), (3, "%YAML 1.2\n---\nb: 2\n")]),
        ("a: 1\r\n---\r\nb: 2\r\n", &[(1, "a: 1\r\n"), (2, "---\r\nb: 2\r\n")]),
        // documents without content are none, as in `kubectl`
        ("---\n---\na: 1\n---\n# end\n", &[(2, "---\na: 1\n")]),
        ("", &[(1, "")]),
        ("# nothing\n---\n", &[(1, "# nothing\n---\n")]),
        // no marks: not at the beginning of a line, not alone
        ("a: |\n  ---\n  x\n", &[(1, "a: |\n  ---\n  x\n")]),
        ("----\n---a\n", &[(1, "----\n---a\n")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
        assert_eq!(documents(text), expected, "{text:?}");
    }
}

#[test]
fn every_document_reads_as_the_library_reads_the_stream() {
    for text in [
        "a: 1\n---\nb: [2]\n---\n- c\n",
        "# x\n---\na: 1\n...\n---\nb: 2\n",
        "--- 1\n--- |\n  two\n   ---\n--- \"three\"\n",
        "%YAML 1.2\n---\na: 1\n...\n# between\n---\nb: 2\n",
    ] {
        let all: Vec<serde_json::Value> = serde_saphyr::from_multiple(text).expect(text);
        let documents = Source::new("x", text).documents();
        let each: Vec<serde_json::Value> = documents.iter().map(|one| one.parse().expect(text)).collect();
        assert_eq!(each, all, "{text:?}");
    }
}

#[test]
fn faults_of_a_document_are_placed_in_the_file() {
    let source = Source::new("x.yaml", "a: 1\n---\nb:\n  - c: 1\n  - d: [\n---\ne: 1\n");
    let documents = source.documents();
    let [_, second, third] = &documents[..] else { panic!("three documents") };
    let fault = second.parse::<serde_json::Value>().unwrap_err();
    assert_eq!((fault.line, fault.excerpt.as_deref()), (Some(5), Some("  - d: [")));
    let fault = third.fault("e", "no".to_owned());
    assert_eq!((fault.line, fault.column, fault.excerpt.as_deref()), (Some(7), Some(4), Some("e: 1")));
    assert_eq!(third.fault_at(2, 1, None, String::new()).line, Some(7));
}

/// A fault as it is shown without colour.
fn shown(text: &str) -> String {
    let fault = Source::new("lb.yaml", text).parse::<LbFile>().map(|_| ()).expect_err(text);
    let mut out = Vec::new();
    fault.show(&mut out, Severity::Error, false).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_line_is_shown_with_a_mark() {
    let text = format!("{HEAD}    mtu: big\n");
    let expected = "\
lb.yaml:6:10: error: services[0].mtu: `big` is no number; write a whole number from 596 to 65535
    6 |     mtu: big
      |          ^
";
    assert_eq!(shown(&text), expected);
}

#[test]
fn a_long_line_is_cut_around_the_mark() {
    let text = format!("{{ services: [], node: {{ {}\"\\e[31m\": 1 }} }}", " ".repeat(200));
    let shown = shown(&text);
    let (line, mark) = (shown.lines().nth(1).unwrap(), shown.lines().nth(2).unwrap());
    let column = mark.find('^').unwrap();
    assert!(line.len() <= 80 && mark.len() <= 80, "{shown}");
    assert_eq!(&line[column..=column], "\"", "{shown}");
    // a terminal must not obey a file
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn what_is_not_seen_is_written_out_and_the_mark_keeps_its_column() {
    let shown = shown("\"\u{202e}secivres\": []\n");
    let expected = "\
lb.yaml:1:1: error: \\u{202e}secivres: unknown field `\\u{202e}secivres`";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.ends_with("\n    1 | \" secivres\": []\n      | ^\n"), "{shown}");
    // of each kind the first and last, and what stands beside them
    for hidden in
        "\u{0}\u{1b}\u{7f}\u{9f}\u{ad}\u{600}\u{61c}\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\
                   \u{2060}\u{2066}\u{2069}\u{feff}\u{fff9}\u{1343f}\u{e0001}\u{e007f}"
            .chars()
    {
        let written = printable(&hidden.to_string());
        assert!(is_hidden(hidden) && written.is_ascii() && written.len() > 1, "{hidden:?} is {written}");
    }
    let seen = " ~\u{a0}é\u{ae}\u{301}漢\u{606}\u{2010}\u{2030}\u{202f}😀`\\\"";
    assert_eq!(printable(seen), seen);
    // the language's own word on what can be printed: a mistyped row would hold letters
    let letters = (char::MIN..=char::MAX).find(|one| is_hidden(*one) && one.is_alphanumeric());
    assert_eq!(letters, None);
    let printed = (char::MIN..=char::MAX).find(|one| is_hidden(*one) && one.escape_debug().count() == 1);
    assert_eq!(printed, None);
}

#[test]
fn a_secret_is_never_shown() {
    let key = "00112233445566778899aabbccddeeff";
    for text in [
        format!("hashkey: {key}"),
        format!("hash_key:\n  {key}"),
        format!("hashKey: {key}0\nservices: []"),
        format!("{{ services: [], hashKey: [{key}] }}"),
        format!("hashKey: {{ {key}: 1 }}\nservices: []"),
        format!("node: {{ key: {key} }}\nservices: []"),
        format!("services: [{{ vip: 1.1.1.1, key: {key} }}]"),
    ] {
        let shown = shown(&text);
        assert!(!shown.contains("ddeeff"), "{shown}");
    }
}

/// Texts near to good ones: each reads or is a fault with a place, and none makes the reader panic.
#[test]
fn damaged_files_are_faults() {
    let good = include_str!("../../overspill/tests/data/lb.yaml");
    let characters: Vec<char> = good.chars().chain(['&', '*', '\t', '"', '\u{e9}', '?', '|', '%']).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let (mut read, mut refused) = (0, 0);
    for _ in 0..600 {
        let mut text: Vec<char> = good.chars().collect();
        for _ in 0..=random(3) {
            let place = random(text.len());
            match random(3) {
                0 => drop(text.remove(place)),
                1 => text.insert(place, characters[random(characters.len())]),
                _ => text.swap(place, 0),
            }
        }
        let source = Source::new("damaged", &text.into_iter().collect::<String>());
        let read_completely = source.parse::<LbFile>().and_then(|file| {
            let at_fault = |error: lb_core::config::ConfigError| {
                source.fault(&error.path.to_string(), error.problem.to_string())
            };
            Config::try_from(file).map_err(at_fault)
        });
        let Err(fault) = read_completely else {
            read += 1;
            continue;
        };
        refused += 1;
        assert!(fault.line.is_some() && fault.column.is_some(), "{fault:?} in {}", source.text());
        fault.show(&mut Vec::new(), Severity::Error, false).unwrap();
    }
    assert!(read > 10 && refused > 50, "{read} read, {refused} refused");
}

/// What people mean by a text, a number and a truth value.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    on: Option<bool>,
    #[serde(default)]
    count: Option<u16>,
    #[serde(default)]
    priority: Option<i8>,
    #[serde(default)]
    share: Option<f64>,
    #[serde(default)]
    any: Option<serde_json::Value>,
}

fn typed(text: &str) -> Result<Typed, String> {
    Source::new("x", text).parse::<Typed>().map_err(|fault| {
        let number = |number: Option<u32>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        let field = fault.field.unwrap_or_default();
        format!("{}:{} {field}: {}", number(fault.line), number(fault.column), fault.message)
    })
}

#[test]
fn what_looks_like_another_type_is_no_text() {
    for (written, kind) in [
        ("123", "a number"),
        ("1.10", "a number"),
        ("0x10", "a number"),
        ("0o17", "a number"),
        ("010", "a number"),
        ("1e3", "a number"),
        ("-5", "a number"),
        ("true", "a truth value"),
        ("False", "a truth value"),
    ] {
        let expected =
            format!("1:7 name: `{written}` is {kind}, and a text is wanted here; write \"{written}\"");
        assert_eq!(typed(&format!("name: {written}")).unwrap_err(), expected);
        let flow = typed(&format!("{{ name: {written} }}")).unwrap_err();
        assert!(flow.starts_with("1:9 name: "), "{flow}");
        for quoted in
            [format!("name: \"{written}\""), format!("name: '{written}'"), format!("name: !!str {written}")]
        {
            assert_eq!(typed(&quoted).unwrap().name.as_deref(), Some(written), "{quoted}");
        }
    }
    // YAML 1.2 has these for texts, whatever YAML 1.1 did
    for text in ["no", "on", "y", "2026-11-26", "12:30:45", "1_0x", "1.2.3", "0b", "<<", "="] {
        assert_eq!(typed(&format!("name: {text}")).unwrap().name.as_deref(), Some(text));
    }
    // by way of an alias it is no other value
    let alias = typed("any: &a 123\nname: *a").unwrap_err();
    assert!(alias.ends_with("name: `123` is a number, and a text is wanted here; write \"123\""), "{alias}");
    assert_eq!(typed("name:").unwrap_or_else(|error| panic!("{error}")).name, None);
}

#[test]
fn a_secret_that_looks_like_a_number_is_not_repeated() {
    assert_eq!(typed("password: '31415'").unwrap().password.as_deref(), Some("31415"));
    let fault = typed("password: 31415").unwrap_err();
    assert_eq!(
        fault,
        "1:11 password: a text is wanted here, and this looks like a number; write it in quotes"
    );
}

#[test]
fn a_text_is_no_number_and_no_truth_value() {
    for (text, expected) in [
        ("on: \"true\"", "1:5 on: a text, not a truth value; write true, without quotes"),
        ("on: 'false'", "1:5 on: a text, not a truth value; write false, without quotes"),
        ("on: !!str true", "1:11 on: a text, not a truth value; write true, without quotes"),
        ("on: yes", "1:5 on: no truth value; write true or false"),
        ("on: 1", "1:5 on: no truth value; write true or false"),
        ("on: [true]", "1:1 on: a single value is wanted here, no fields and no list"),
        ("count: \"3\"", "1:8 count: a text, not a number; write 3, without quotes"),
        ("count: 010", "1:8 count: a text, not a number; write 10, without quotes"),
        ("count: 1_000", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: 3s", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: 1.0", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: -1", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: 65536", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: true", "1:8 count: no whole number of this range; write one from 0 to 65535"),
        ("count: { a: 1 }", "1:8 count: a single value is wanted here, no fields and no list"),
        ("priority: 128", "1:11 priority: no whole number of this range; write one from -128 to 127"),
        ("share: \"0.5\"", "1:8 share: no number; write one, without quotes or a unit"),
        ("share: .nan", "1:8 share: `.nan` is no number that anything here can be; write another"),
        ("share: 1e400", "1:8 share: `1e400` is larger than any number here; write a smaller one"),
    ] {
        assert_eq!(typed(text).unwrap_err(), expected, "{text}");
    }
    let right = typed("{ on: true, count: 0x10, priority: -3, share: 2, any: [1, '2', true] }").unwrap();
    assert_eq!(
        (right.on, right.count, right.priority, right.share),
        (Some(true), Some(16), Some(-3), Some(2.0))
    );
    assert_eq!(right.any, Some(serde_json::json!([1, "2", true])));
}

#[test]
fn tags_anchors_and_marks_that_mean_nothing_are_told() {
    for (text, expected) in [
        ("name: !secret abc", "1:15 name: the tag `!secret` means nothing here; remove it"),
        (
            "name: !!int 12",
            "1:13 name: a text is wanted here, and the tag says that this is none; remove the tag",
        ),
        ("any: &a [1, *a]", "1:13 : this alias is a part of what it stands for; write the value itself"),
        (
            "name:abc",
            "1:1 : fields are wanted here; write `{ name: value, ... }` or indented lines `name: value`",
        ),
        (
            "{ name:abc }",
            "1:3 name:abc: unknown field `name:abc`; write a blank after the `:`; did you mean `name`? (known here: name, password, on, count, priority, share, any)",
        ),
        (
            "on: true\n\u{feff}name: a",
            "2:1 : no YAML: a BOM must not appear inside a document; save the file without a byte order mark",
        ),
    ] {
        assert_eq!(typed(text).unwrap_err(), expected, "{text}");
    }
    // these are YAML, too
    for text in [
        "\u{feff}name: a\r\non: true\r\n",
        "%YAML 1.2\n---\nname: a\non: true\n...\n",
        "name: &n a\nany: *n\non: true",
    ] {
        let right = typed(text).unwrap();
        assert_eq!((right.name.as_deref(), right.on), (Some("a"), Some(true)), "{text:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told_the_one_that_was_meant() {
    let folder = std::env::temp_dir().join(format!("overspill-files-near-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("checkout")).unwrap();
    for name in ["fleet.yaml", "access-point.yaml", "events.jsonl"] {
        std::fs::write(folder.join("checkout").join(name), "").unwrap();
    }
    let told = |path: &str| Source::read(&folder.join(path)).map(|_| ()).unwrap_err().message;
    let meant =
        |path: &str| format!("there is no such file; did you mean `{}`?", folder.join(path).display());
    for (typed, right) in [
        ("checkout/flet.yaml", "checkout/fleet.yaml"),
        ("checkout/fleet.yml", "checkout/fleet.yaml"),
        ("checkout/Fleet.yaml", "checkout/fleet.yaml"),
        ("checkout/fleet", "checkout/fleet.yaml"),
        ("chekout/acess-point.yaml", "checkout/access-point.yaml"),
        ("checkout/events.json", "checkout/events.jsonl"),
    ] {
        assert_eq!(told(typed), meant(right), "{typed}");
    }
    for typed in ["checkout/lb.yaml", "elsewhere/fleet.yaml", "chekout", "checkout/claims.yaml"] {
        assert_eq!(told(typed), "there is no such file; check the path", "{typed}");
    }
    assert_eq!(told("checkout"), "is a folder; name a file in it");
    std::fs::remove_dir_all(&folder).unwrap();
}
