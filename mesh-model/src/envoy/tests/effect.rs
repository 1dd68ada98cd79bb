//! No field is silent: whatever is changed in objects that use everything changes the
//! configuration or is a fault, but for what is listed here as somebody else's.

use serde_json::{Value, json};

use super::{EVERYTHING, configured, objects};
use crate::template::{Schemas, TemplateKind};

/// Fields that are not the gateway's to read, with whose they are.
const NOT_OURS: [(&str, &str); 18] = [
    ("apiVersion", "the frame"),
    ("exportTo/0", "who sees an object is decided before it is here"),
    ("metadata", "the frame"),
    ("servers/*/name", "telemetry"),
    ("servers/*/port/name", "telemetry"),
    ("Service/web/ports/0/name", "a name that says HTTP says what is so anyway"),
    ("Service/web/ports/2/name", "the same"),
    ("Service/web/ports/*/targetPort", "which pods take plain calls; nobody does here"),
    ("ServiceEntry/*/ports/*/name", "WorkloadEntries map ports by it; none does here"),
    ("ServiceEntry/*/ports/*/protocol", "HTTP/2 or not"),
    ("VirtualService/*/http/*/match/*/gateways/0", "taken away it names no Gateway: see below"),
    ("Service/web/ports/1/name", "with an x at its end it says gRPC as before"),
    ("ServiceEntry/cards/location", "where a rule says how calls are encrypted, nothing else is asked"),
    ("Gateway/edge/servers/4/hosts/0", "plain TCP has no hosts"),
    ("VirtualService/db/hosts/0", "connections have names in their first message, not hosts"),
    (
        "WorkloadEntry/ledger-2/labels/topology.kubernetes.io~1region",
        "another region is not the proxy's either",
    ),
    ("derivePort", "the one value is Envoy's own way"),
    ("insecureSkipVerify", "false is what is so anyway; true is tried below"),
];

fn is_ours(path: &str) -> bool {
    let fits = |pattern: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        let wanted: Vec<&str> = pattern.split('/').collect();
        parts
            .windows(wanted.len())
            .any(|part| part.iter().zip(&wanted).all(|(one, two)| one == two || *two == "*"))
    };
    !NOT_OURS.iter().any(|(pattern, _)| fits(pattern))
}

/// Every plain value of a tree, as pointers.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{at}/{index}"), found))
        }
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            leaves(member, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => found.push(at.to_owned()),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => number.as_u64().map_or_else(|| json!(0.25), |number| json!(number + 1)),
        Value::String(text) => json!(format!("{text}x")),
        other => other.clone(),
    }
}

#[test]
fn no_field_is_without_effect() {
    let all = objects(EVERYTHING);
    let before = configured(&all).unwrap();
    let (mut tried, mut silent) = (0, Vec::new());
    for (position, object) in all.iter().enumerate() {
        let mut pointers = Vec::new();
        leaves(&object["spec"], "/spec", &mut pointers);
        for pointer in pointers {
            let name = object["metadata"]["name"].as_str().unwrap();
            let path = format!("{}/{name}{}", object["kind"].as_str().unwrap(), &pointer["/spec".len()..]);
            if !is_ours(&path) {
                continue;
            }
            let mut other = all.clone();
            let leaf = other[position].pointer_mut(&pointer).unwrap();
            *leaf = changed(leaf);
            tried += 1;
            if configured(&other).is_ok_and(|after| after == before) {
                silent.push(path);
            }
        }
    }
    assert_eq!(silent, [""; 0]);
    assert!(tried > 200, "{tried}");
}

#[test]
fn what_the_list_calls_supported_is_in_the_example_of_everything() {
    let all = objects(EVERYTHING);
    let schemas = Schemas::embedded();
    for object in &all {
        let kind: TemplateKind = object["kind"].as_str().unwrap().parse().unwrap();
        assert_eq!(schemas.check_object(kind, object), [], "{kind}");
    }
    let text = EVERYTHING;
    for list in [
        super::super::coverage::OF_HOSTS,
        super::super::coverage::TRAFFIC_POLICY,
        super::super::coverage::GATEWAY,
        super::super::coverage::VIRTUAL_SERVICE,
        super::super::coverage::AUTHORIZATION_POLICY,
    ] {
        for pattern in list {
            let field = pattern.rsplit('/').find(|step| !["-", "*"].contains(step)).unwrap();
            assert!(text.contains(&format!("{field}:")), "{pattern}");
        }
    }
}
