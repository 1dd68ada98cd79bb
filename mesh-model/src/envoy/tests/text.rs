//! Values that Envoy would refuse, or not survive, are told by the field that they stand in.

use super::*;

/// Each change of the simplest objects is refused, with a line that has these words.
fn told(cases: &[(&str, Value, &str)]) {
    for (pointer, value, expected) in cases {
        let lines = refused(&simple("a.example.com", &[(*pointer, value.clone())]));
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:?}");
    }
}

/// A header that is set.
fn set(value: &str) -> Value {
    json!({ "request": { "set": { "x-a": value } } })
}

#[test]
fn what_is_matched_is_what_envoy_takes() {
    let uri = |uri: Value| json!([{ "uri": uri }]);
    told(&[
        (
            "2/spec/http/0/match",
            uri(json!({ "regex": "(?=a)" })),
            "/match/0/uri/regex: `(?=a)` is not possible here; it is no pattern of RE2",
        ),
        (
            "2/spec/http/0/match",
            uri(json!({ "exact": "/a?b=1" })),
            "/match/0/uri/exact: `/a?b=1` is not possible here; a path is matched without",
        ),
        (
            "2/spec/http/0/match",
            uri(json!({ "prefix": "a" })),
            "/match/0/uri/prefix: `a` is not possible here; a path begins",
        ),
        (
            "2/spec/http/0/match",
            json!([{ "uri": { "regex": "/A" }, "ignoreUriCase": true }]),
            "/match/0/ignoreUriCase: `true`",
        ),
        ("2/spec/http/0/match", json!([{ "headers": { "x a": { "exact": "1" } } }]), "/headers/x a: `x a`"),
        ("2/spec/http/0/match", json!([{ "headers": { "x": { "prefix": "" } } }]), "/headers/x/prefix: ``"),
        (
            "2/spec/http/0/match",
            json!([{ "queryParams": { "x": { "regex": "*" } } }]),
            "/queryParams/x/regex: `*`",
        ),
        (
            "2/spec/http/0/match",
            json!([{ "queryParams": { "": { "exact": "1" } } }]),
            "/queryParams/: `` is not possible here; a parameter's name has 1 to 1024 bytes",
        ),
    ]);
}

#[test]
fn what_is_changed_is_what_envoy_takes() {
    told(&[
        (
            "2/spec/http/0/headers",
            set("100%"),
            "/headers/request/set/x-a: `100%` is not possible here; write %%",
        ),
        (
            "2/spec/http/0/headers",
            set("%ENVIRONMENT(HOME)%"),
            "/headers/request/set/x-a: `%ENVIRONMENT(HOME)%`",
        ),
        (
            "2/spec/http/0/headers",
            set("a\nb"),
            "/headers/request/set/x-a: `a\nb` is not possible here; write one line",
        ),
        (
            "2/spec/http/0/headers",
            json!({ "response": { "remove": [""] } }),
            "/headers/response/remove/0: ``",
        ),
        (
            "2/spec/http/0/headers",
            json!({ "response": { "add": { "a:b": "c" } } }),
            "/headers/response/add/a:b: `a:b`",
        ),
        (
            "2/spec/http/0/timeout",
            json!("900000h"),
            "/timeout: `900000h` is not possible here; write a duration",
        ),
        ("2/spec/http/0/retries", json!({ "attempts": 1, "backoff": "0s" }), "/retries/backoff: `0s`"),
        ("2/spec/http/0/fault", json!({ "delay": { "fixedDelay": "0s" } }), "/fault/delay/fixedDelay: `0s`"),
        (
            "2/spec/http/0/fault",
            json!({ "abort": { "grpcStatus": "BUSY" } }),
            "/fault/abort/grpcStatus: `BUSY`",
        ),
        (
            "2/spec/http/0/fault",
            json!({ "abort": { "httpStatus": 500, "percentage": { "value": 101.0 } } }),
            "/fault/abort/percentage/value: `101.0`",
        ),
        (
            "2/spec/http/0/redirect",
            json!({ "uri": "/", "prefixRewrite": "/" }),
            "/redirect: `uri and prefixRewrite`",
        ),
    ]);
}

#[test]
fn where_it_goes_is_what_envoy_takes() {
    told(&[
        ("2/spec/http/0/redirect", json!({ "port": 70_000 }), "/redirect/port: `70000`"),
        ("2/spec/http/0/redirect", json!({ "scheme": "ftp" }), "/redirect/scheme: `ftp`"),
        (
            "2/spec/http/0/rewrite",
            json!({ "uriRegexRewrite": { "match": "(a)", "rewrite": "\\2" } }),
            "/uriRegexRewrite/rewrite: `\\2`",
        ),
        (
            "2/spec/http/0/corsPolicy",
            json!({ "allowMethods": ["GET\n"] }),
            "/corsPolicy/allowMethods/0: `GET",
        ),
        (
            "2/spec/http/0/corsPolicy",
            json!({ "allowOrigins": [{ "prefix": "" }] }),
            "/allowOrigins/0/prefix: ``",
        ),
        ("2/spec/hosts", json!(["a b"]), "/spec/hosts/0: `a b`"),
        ("1/spec/servers/0/hosts", json!(["a.example.com", "x*y"]), "/spec/servers/0/hosts/1: `x*y`"),
    ]);
}

#[test]
fn commands_in_headers_are_taken() {
    for good in ["100%%", "%REQ(x-a?:path):8%", "%RESP(server)%", "%START_TIME%", "a%%REQ(b)%%"] {
        assert!(
            configured(&simple("a.example.com", &[("2/spec/http/0/headers", set(good))])).is_ok(),
            "{good}"
        );
    }
}

#[test]
fn texts_of_rules_are_what_envoy_takes() {
    let to = |field: &str, text: &str| {
        let operation = json!({ "to": [{ "operation": { field: [text] } }] });
        filters(json!({ "rules": [operation] })).is_ok()
    };
    for (field, text, is_good) in [
        ("paths", "", false),
        ("paths", "*", true),
        ("paths", "*/admin", true),
        ("paths", "/a*b", false),
        ("paths", "**", false),
        ("paths", "/a/{*}", true),
        ("paths", "/a%20b/{*}", true),
        // each of these ends Envoy 1.40
        ("paths", "/a b/{*}", false),
        ("paths", "//{*}", false),
        ("paths", "/%zz/{*}", false),
        ("paths", "/a[b]/{*}", false),
        ("ports", "0", false),
        ("hosts", "*.example.com", true),
        ("methods", "GET\n", false),
    ] {
        assert_eq!(to(field, text), is_good, "{field} {text}");
    }
}

#[test]
fn weights_of_endpoints_cannot_come_to_what_envoy_refuses_together() {
    let refused = |weight: u32| {
        let mut objects = simple("a.example.com", &[]);
        objects.push(json!({ "apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
            "metadata": { "name": "ledger-1" },
            "spec": { "address": "10.40.0.17", "weight": weight, "labels": { "app": "web" } } }));
        configured(&objects).err().unwrap_or_default()
    };
    assert_eq!(refused(100_000), []);
    let words = refused(100_001)[0].to_string();
    assert!(words.contains("/spec/weight: `100001` is not possible here; write at most 100000"), "{words}");
}

#[test]
fn weights_and_names_that_are_one_to_envoy_are_told_or_made_one() {
    let two = |weights: [u32; 2]| {
        let route = weights.map(|weight| json!({ "destination": { "host": "web" }, "weight": weight }));
        configured(&simple("a.example.com", &[("2/spec/http/0/route", json!(route))]))
    };
    assert!(two([u32::MAX - 1, 1]).is_ok());
    assert_eq!(two([u32::MAX, 1]).unwrap_err()[0].path, "/spec/http/0/route");
    let config = configured(&simple(
        "x",
        &[
            ("1/spec/servers/0/hosts", json!(["A.example.com", "a.EXAMPLE.com"])),
            ("2/spec/hosts", json!(["a.example.COM", "a.example.com"])),
        ],
    ));
    let config = config.unwrap();
    let hosts = config.routes["shop/edge:80"]["virtual_hosts"].as_array().unwrap();
    assert_eq!(hosts.iter().map(|one| &one["domains"]).collect::<Vec<_>>(), [&json!(["a.example.com"])]);
    let tls = json!({ "mode": "SIMPLE", "credentialName": "a" });
    let twice = configured(&simple(
        "x",
        &[
            ("1/spec/servers/0/hosts", json!(["a.example.com", "./A.example.com"])),
            ("1/spec/servers/0/port/protocol", json!("HTTPS")),
            ("1/spec/servers/0/tls", tls),
        ],
    ));
    let names = &twice.unwrap().listeners["shop/edge:80"]["filter_chains"][0]["filter_chain_match"];
    assert_eq!(names, &json!({ "server_names": ["a.example.com"] }));
}

#[test]
fn versions_of_tls_that_leave_none_are_told() {
    let versions = |least: Option<&str>, most: Option<&str>| {
        let tls = json!({ "mode": "SIMPLE", "credentialName": "a", "minProtocolVersion": least, "maxProtocolVersion": most });
        configured(&simple(
            "a.example.com",
            &[("1/spec/servers/0/port/protocol", json!("HTTPS")), ("1/spec/servers/0/tls", tls)],
        ))
    };
    assert!(versions(Some("TLSV1_3"), None).is_ok());
    assert!(versions(Some("TLSV1_1"), Some("TLSV1_1")).is_ok());
    assert!(versions(Some("TLS_AUTO"), Some("TLSV1_2")).is_ok());
    for (least, most) in [(Some("TLSV1_3"), Some("TLSV1_2")), (None, Some("TLSV1_1"))] {
        assert_eq!(versions(least, most).unwrap_err()[0].path, "/spec/servers/0/tls/maxProtocolVersion");
    }
}

#[test]
fn the_longest_of_each_name_is_told() {
    let told = |field: &str, value: Value| -> Vec<String> {
        let mut objects = simple("a.example.com", &[]);
        objects.push(json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": { "name": "web" },
            "spec": { "host": "web", "trafficPolicy": { "tls": { "mode": "SIMPLE", field: value } } } }));
        let lines = configured(&objects).err().into_iter().flatten().map(|fault| fault.to_string());
        lines.filter(|line| line.contains("bytes")).collect()
    };
    for (field, longest) in [("sni", 255), ("credentialName", 253)] {
        assert!(told(field, json!("a".repeat(longest))).is_empty(), "{field}");
        for wrong in [0, longest + 1] {
            let lines = told(field, json!("a".repeat(wrong)));
            let expected = format!("write 1 to {longest} bytes, or leave it out");
            assert!(lines.len() == 1 && lines[0].contains(&expected), "{field}: {lines:?}");
        }
    }
}
